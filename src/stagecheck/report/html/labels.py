"""What things and requests of a story are called in a drawing and in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from stagecheck.operations import OPERATIONS, OperationKey, operation_of
from stagecheck.report.html.snapshots import Snapshot, identifier
from stagecheck.report.html.text import short

_USUAL = "the API token"
_K = OperationKey
_WORDS = {
    _K.ATTACH: "service {1} to stage {0}",
    _K.LIST: "all stages",
    _K.CREATE: "a new stage",
    _K.GET_STAGE: "stage {0}",
    _K.EDIT: "stage {0}",
    _K.DELETE: "stage {0}",
    _K.MOVE_BEFORE: "stage {0} before stage {1}",
    _K.MOVE_AFTER: "stage {0} after stage {1}",
    _K.GET_SERVICE_STAGE: "the stage of service {0}",
}
_BRIEF = {**_WORDS, _K.ATTACH: "to {0}", _K.GET_SERVICE_STAGE: "the stage of {0}"}
_BRIEF_OF_SEVERAL = {**_BRIEF, _K.ATTACH: "{1} to {0}"}
_OF_SERVICE = {(_K.ATTACH, 1), (_K.GET_SERVICE_STAGE, 0)}
_OF_STAGE = {(key, 0) for key in (_K.ATTACH, _K.GET_STAGE, _K.EDIT, _K.DELETE, _K.MOVE_BEFORE, _K.MOVE_AFTER)}
_CHANGING = frozenset(OperationKey) - {_K.LIST, _K.GET_STAGE, _K.GET_SERVICE_STAGE}


@dataclass(frozen=True, slots=True)
class Labels:
    """The names of one story. `addressed`: for each step the stage and the service that its path names."""

    steps: Sequence[Mapping[str, Any]]
    told: Sequence[Any]
    names: Mapping[str, str]
    known: frozenset[str]
    addressed: Sequence[tuple[str | None, str | None]]

    @classmethod
    def of(
        cls, steps: Sequence[Mapping[str, Any]], snapshots: Sequence[Snapshot | None], story: Mapping[str, Any]
    ) -> Labels:
        """The labels of a story's steps, their snapshots and its reproducer."""
        names: dict[str, str] = {}
        known: set[str] = set()
        for snapshot in snapshots:
            if snapshot is not None:
                names |= snapshot.names
                known |= {*snapshot.stages, *(one.service for here in snapshot.stages.values() for one in here)}
        bindings = story.get("bindings")
        for symbol, bound in bindings.items() if isinstance(bindings, Mapping) else ():
            if isinstance(bound, Mapping):
                name = bound.get("name") or (symbol if "." in str(symbol) else None)
                known.add(identifier(bound.get("id")))
                if name is not None:
                    names.setdefault(identifier(bound.get("id")), short(str(name), 60))
        addressed = [_addressed(step) for step in steps]
        known |= {one for pair in addressed for one in pair if one is not None}
        told = story.get("steps")
        return cls(steps, told if isinstance(told, list) else [], names, frozenset(known), addressed)

    def stage(self, key: str) -> str:
        """The name of a stage where it is known and no other has it, else enough of its id."""
        name = self.names.get(key)
        same = sum(other == name for other in self.names.values())
        return name if name is not None and same == 1 else self.service(key)

    def service(self, key: str) -> str:
        """The first eight digits of an id, else the last twelve, else the whole: what tells it from the others."""
        for part, fits in ((key[:8], str.startswith), (key[-12:], str.endswith)):
            if sum(fits(other, part) for other in self.known) <= 1:
                return short(part, 40)
        return short(key, 40)

    def words(self, number: int, *, brief: bool = False) -> str:
        """What a step asks, in a few words: `PUT service 5e6f7a8b to stage BUILD, no body`.

        `brief`: for where columns and tokens already say which stage and which service: `PUT to BUILD, no body`; where
        several services are moved, `PUT 5e6f7a8b to BUILD, no body`.
        """
        step = self.steps[number]
        operation = operation_of(step["method"], step["path"])
        if operation is None:
            said = short(step["path"], 80)
        else:
            told = _WORDS if not brief else _BRIEF if self._of_one_service() else _BRIEF_OF_SEVERAL
            ids = _ids(step, operation)
            said = told[operation].format(*(self._of(operation, at, key) for at, key in enumerate(ids)))
        body = [_body(step["body"])] if operation in _CHANGING - {_K.DELETE} or step["body"] is not None else []
        return ", ".join([f"{step['method']} {said}", *body, *self._credential(number)])

    def _of_one_service(self) -> bool:
        return len({service for _, service in self.addressed if service is not None}) <= 1

    def _of(self, operation: OperationKey, position: int, key: str) -> str:
        if (operation, position) in _OF_SERVICE:
            return self.service(key)
        return self.stage(key)

    def _credential(self, number: int) -> list[str]:
        told = self.told[number] if number < len(self.told) else None
        credential = told.get("credential") if isinstance(told, Mapping) else None
        name = credential.get("name") if isinstance(credential, Mapping) else None
        if isinstance(name, str) and name != _USUAL:
            return [f"with {short(name, 60)}"]
        headers = {str(key).lower() for key in self.steps[number]["headers"]}
        return [] if "authorization" in headers or name == _USUAL else ["without a credential"]

    def status(self, number: int) -> str:
        """The status of a step's answer, or that none came."""
        status = self.steps[number]["status"]
        return "no answer" if status is None else str(status)

    def set_up(self, number: int) -> bool:
        """Whether a step only brings things to where the story begins."""
        told = self.told[number] if number < len(self.told) else None
        return isinstance(told, Mapping) and told.get("set_up") is True


def _addressed(step: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The stage and the service that the path of a step names."""
    operation = operation_of(step["method"], step["path"])
    if operation is None:
        return None, None
    ids = _ids(step, operation)
    stage = ids[0] if (operation, 0) in _OF_STAGE else None
    service = next((key for at, key in enumerate(ids) if (operation, at) in _OF_SERVICE), None)
    return stage, service


def _ids(step: Mapping[str, Any], operation: OperationKey) -> list[str]:
    """What stands in the path of an operation in place of its ids."""
    wanted, segments = OPERATIONS[operation].template.split("/"), step["path"].split("?", 1)[0].split("/")
    return [identifier(unquote(one)) for want, one in zip(wanted, segments, strict=True) if want.startswith("{")]


def _body(body: str | None) -> str:
    if body is None:
        return "no body"
    flag = re.fullmatch(r'\s*\{\s*"is_skipped"\s*:\s*(true|false)\s*\}\s*', body[:60])
    return f"is_skipped {flag.group(1)}" if flag else short(body, 60) if body else "an empty body"
