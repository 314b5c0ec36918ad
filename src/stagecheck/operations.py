"""The nine operations on deployment stages, as one table.

A fact table of layer 0: which method and path each operation has and what kind of answer it gives when it
succeeds. It knows nothing of documents, servers or states.

Source: CONTRACT S1 (attach) and P (the family).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

AnswerKind = Literal["list", "stage", "none"]


class OperationKey(StrEnum):
    """Our permanent names for the operations; reports and options use them."""

    ATTACH = "attach"
    LIST = "list"
    CREATE = "create"
    GET_STAGE = "get-stage"
    EDIT = "edit"
    DELETE = "delete"
    MOVE_BEFORE = "move-before"
    MOVE_AFTER = "move-after"
    GET_SERVICE_STAGE = "get-service-stage"


@dataclass(frozen=True, slots=True)
class OperationFact:
    """One row: what a request for the operation looks like and what its success answers.

    ``template`` names its parameters as the published document does; ``answer`` is ``"list"`` for
    ``{"results": [stage…]}``, ``"stage"`` for one stage, ``"none"`` for no body.
    """

    key: OperationKey
    method: str
    template: str
    success: int
    answer: AnswerKind


_K = OperationKey
_STAGE: Final = "/deploymentStage/{deploymentStageId}"

OPERATIONS: Final[Mapping[OperationKey, OperationFact]] = {
    fact.key: fact
    for fact in (
        OperationFact(_K.ATTACH, "PUT", _STAGE + "/service/{serviceId}", 200, "list"),
        OperationFact(_K.LIST, "GET", "/environment/{environmentId}/deploymentStage", 200, "list"),
        OperationFact(_K.CREATE, "POST", "/environment/{environmentId}/deploymentStage", 200, "stage"),
        OperationFact(_K.GET_STAGE, "GET", _STAGE, 200, "stage"),
        OperationFact(_K.EDIT, "PUT", _STAGE, 200, "stage"),
        OperationFact(_K.DELETE, "DELETE", _STAGE, 204, "none"),
        OperationFact(_K.MOVE_BEFORE, "PUT", _STAGE + "/moveBefore/{stageId}", 200, "list"),
        OperationFact(_K.MOVE_AFTER, "PUT", _STAGE + "/moveAfter/{stageId}", 200, "list"),
        OperationFact(_K.GET_SERVICE_STAGE, "GET", "/service/{serviceId}/deploymentStage", 200, "stage"),
    )
}

READS: Final = frozenset({_K.LIST, _K.GET_STAGE, _K.GET_SERVICE_STAGE})
"""The operations that show the state and change nothing."""


def path(key: OperationKey, **ids: str) -> str:
    """Fill the template of ``key``; every id is percent-encoded as one path segment.

    Raises ``KeyError`` naming the parameter when an id that the template needs is missing.
    """
    quoted = {name: quote(value, safe="") for name, value in ids.items()}
    return OPERATIONS[key].template.format_map(quoted)


def operation_of(method: str, path: str) -> OperationKey | None:
    """The operation that a request asks for, whatever stands in place of the ids; None for any other request."""
    segments = path.split("?", 1)[0].split("/")
    for key, fact in OPERATIONS.items():
        if method == fact.method and _fits(fact.template.split("/"), segments):
            return key
    return None


def _fits(template: list[str], segments: list[str]) -> bool:
    same_length = len(template) == len(segments)
    return same_length and all(
        want.startswith("{") or want == one for want, one in zip(template, segments, strict=True)
    )
