"""How a request by meaning is spelled as HTTP.

Requests hold ids in their canonical, lower-case form. A target may know them in capitals and match letters exactly
(which breaks no more than a SHOULD, ERR-9), so they are sent as the config or the target itself spelled them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from stagecheck import operations
from stagecheck.exchange import Credential, HttpRequest
from stagecheck.model.requests import (
    Attach,
    CreateStage,
    DeleteStage,
    EditStage,
    Manage,
    MoveStage,
    Read,
    ReadList,
    ReadService,
    ReadStage,
    Request,
)
from stagecheck.model.state import canonical
from stagecheck.operations import OperationKey
from stagecheck.wire.bodies import JSON, Body
from stagecheck.wire.stages import naming

_ACCEPT = ("Accept", "application/json")


@dataclass(slots=True)
class Speller:
    """Spells requests. `spellings`: canonical id → how it is written outside; the first one seen holds."""

    spellings: dict[str, str] = field(default_factory=dict)

    def learn(self, *identifiers: str | None) -> None:
        """Remember how ids are written, unless it is known."""
        for identifier in identifiers:
            if identifier is not None:
                self.spellings.setdefault(canonical(identifier), identifier)

    def id(self, identifier: str, *, respell: bool = False) -> str:
        """An id as it is written outside, or, respelled, in another letter case than that."""
        written = self.spellings.get(identifier, identifier)
        if not respell:
            return written
        return written.upper() if written != written.upper() else written.lower()

    def attach(self, request: Attach, body: Body, credential: Credential, respell: Collection[str] = ()) -> HttpRequest:
        """The PUT of an attach request; `respell` names what comes in another letter case: stage, service."""
        return raw("PUT", self.path(request, respell), body, credential)

    def path(self, request: Attach, respell: Collection[str] = ()) -> str:
        """The path of an attach request."""
        return operations.path(
            OperationKey.ATTACH,
            deploymentStageId=self.id(request.stage, respell="stage" in respell),
            serviceId=self.id(request.service, respell="service" in respell),
        )

    def read(self, request: Read, credential: Credential, *, respell: bool = False) -> HttpRequest:
        """The GET of a read."""
        if isinstance(request, ReadList):
            spelled: Read = replace(request, environment=self.id(request.environment, respell=respell))
        elif isinstance(request, ReadStage):
            spelled = replace(request, stage=self.id(request.stage, respell=respell))
        else:
            spelled = replace(request, service=self.id(request.service, respell=respell))
        return raw("GET", read_path(spelled), None, credential)

    def manage(self, request: Manage, credential: Credential, content: bytes | None = None) -> HttpRequest:
        """A request that creates, edits, deletes or moves a stage. `content`: another body than the one it means."""
        key = operation_of(request)
        fact = operations.OPERATIONS[key]
        if isinstance(request, CreateStage):
            path = operations.path(key, environmentId=self.id(request.environment))
        elif isinstance(request, MoveStage):
            path = operations.path(key, deploymentStageId=self.id(request.stage), stageId=self.id(request.anchor))
        else:
            path = operations.path(key, deploymentStageId=self.id(request.stage))
        if not isinstance(request, CreateStage | EditStage):
            return raw(fact.method, path, None, credential)
        body = naming(request.name, request.description) if content is None else content
        headers = (_ACCEPT, ("Content-Type", JSON))
        return HttpRequest(fact.method, path, headers, body, credential)


def raw(method: str, path: str, body: Body | None, credential: Credential) -> HttpRequest:
    """Any method on any raw path; `body` None for none."""
    headers: tuple[tuple[str, str], ...] = (_ACCEPT,)
    if body is not None and body.content_type is not None:
        headers = (_ACCEPT, ("Content-Type", body.content_type))
    return HttpRequest(method, path, headers, body.content if body else None, credential)


def read_path(request: Read) -> str:
    """The path of a read."""
    if isinstance(request, ReadList):
        return operations.path(OperationKey.LIST, environmentId=request.environment)
    if isinstance(request, ReadStage):
        return operations.path(OperationKey.GET_STAGE, deploymentStageId=request.stage)
    return operations.path(OperationKey.GET_SERVICE_STAGE, serviceId=request.service)


def operation_of(request: Request) -> OperationKey:
    """Which operation of the family a request is; a stranger method counts as attach."""
    if isinstance(request, ReadList):
        return OperationKey.LIST
    if isinstance(request, ReadStage):
        return OperationKey.GET_STAGE
    if isinstance(request, ReadService):
        return OperationKey.GET_SERVICE_STAGE
    if isinstance(request, MoveStage):
        return OperationKey.MOVE_AFTER if request.after else OperationKey.MOVE_BEFORE
    return _MANAGEMENT.get(type(request), OperationKey.ATTACH)


_MANAGEMENT: dict[type, OperationKey] = {
    CreateStage: OperationKey.CREATE,
    EditStage: OperationKey.EDIT,
    DeleteStage: OperationKey.DELETE,
}
