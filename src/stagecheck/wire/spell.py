"""How a request by meaning is spelled as HTTP."""

from __future__ import annotations

from stagecheck import operations
from stagecheck.exchange import Credential, HttpRequest
from stagecheck.model.requests import Attach, ReadList, ReadService, ReadStage, Request
from stagecheck.operations import OperationKey
from stagecheck.wire.bodies import Body

_ACCEPT = ("Accept", "application/json")


def attach(request: Attach, body: Body, credential: Credential) -> HttpRequest:
    """The PUT of an attach request with that body. Ids go into the path as they are spelled in the request."""
    path = operations.path(OperationKey.ATTACH, deploymentStageId=request.stage, serviceId=request.service)
    return raw("PUT", path, body, credential)


def raw(method: str, path: str, body: Body | None, credential: Credential) -> HttpRequest:
    """Any method on any raw path; `body` None for none."""
    headers: tuple[tuple[str, str], ...] = (_ACCEPT,)
    if body is not None and body.content_type is not None:
        headers = (_ACCEPT, ("Content-Type", body.content_type))
    return HttpRequest(method, path, headers, body.content if body else None, credential)


def read(request: Request, credential: Credential) -> HttpRequest:
    """The GET of a read."""
    return raw("GET", read_path(request), None, credential)


def read_path(request: Request) -> str:
    """The path of a read; TypeError for what is no read."""
    if isinstance(request, ReadList):
        return operations.path(OperationKey.LIST, environmentId=request.environment)
    if isinstance(request, ReadStage):
        return operations.path(OperationKey.GET_STAGE, deploymentStageId=request.stage)
    if isinstance(request, ReadService):
        return operations.path(OperationKey.GET_SERVICE_STAGE, serviceId=request.service)
    raise TypeError(f"{request!r} is not a read")


def operation_of(request: Request) -> OperationKey:
    """Which operation of the family a request is; a stranger method counts as attach."""
    if isinstance(request, ReadList):
        return OperationKey.LIST
    if isinstance(request, ReadStage):
        return OperationKey.GET_STAGE
    if isinstance(request, ReadService):
        return OperationKey.GET_SERVICE_STAGE
    return OperationKey.ATTACH
