"""Where a document makes the promises that requirements hold a target to, and a fingerprint of all it says.

A table: the operation of each family, and the part of it that says most of the requirement. What a document lacks is
looked for in the nearest part around it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from stagecheck.operations import OperationKey
from stagecheck.outcome import Promised
from stagecheck.spec.document import Document
from stagecheck.spec.positions import Steps, pointer

_K: Final = OperationKey
_DESCRIPTION, _BODY, _ANSWER = ("description",), ("requestBody",), ("responses", "200")
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = ("responses", "401"), ("responses", "403"), ("responses", "404")

_OF_FAMILY: Final[Mapping[str, tuple[OperationKey, Steps]]] = {
    "MOVE": (_K.ATTACH, _DESCRIPTION),
    "SKIP": (_K.ATTACH, _DESCRIPTION),
    "STATE": (_K.ATTACH, _DESCRIPTION),
    "SHAPE": (_K.ATTACH, _ANSWER),
    "ERR": (_K.ATTACH, ("responses",)),
    "AUTH": (_K.ATTACH, _UNAUTHORIZED),
    "RACE": (_K.ATTACH, _DESCRIPTION),
    "STAGE": (_K.LIST, ()),
}
_OF_ONE: Final[Mapping[str, tuple[OperationKey, Steps]]] = {
    "MOVE-3": (_K.ATTACH, _BODY),
    "STATE-5": (_K.LIST, _ANSWER),
    "STATE-8": (_K.LIST, _ANSWER),
    "ERR-2": (_K.ATTACH, _NOT_FOUND),
    "ERR-4": (_K.ATTACH, _BODY),
    "ERR-5": (_K.ATTACH, _BODY),
    "ERR-6": (_K.ATTACH, _BODY),
    "ERR-8": (_K.ATTACH, (*_BODY, "content")),
    "AUTH-3": (_K.ATTACH, _FORBIDDEN),
    "STAGE-1": (_K.CREATE, _DESCRIPTION),
    "STAGE-2": (_K.EDIT, _DESCRIPTION),
    "STAGE-3": (_K.DELETE, _DESCRIPTION),
    "STAGE-4": (_K.MOVE_BEFORE, _DESCRIPTION),
}


def promises_of(document: Document, requirements: Iterable[str]) -> dict[str, Promised]:
    """Where the document promises each of the requirements; one whose operation it does not have is left out."""
    found: dict[str, Promised] = {}
    for requirement in requirements:
        key, tail = _OF_ONE.get(requirement) or _OF_FAMILY[requirement.split("-", maxsplit=1)[0]]
        operation = document.operations.get(key)
        if operation is not None and document.positions is not None:
            steps = _there(document.raw, ("paths", operation.template, operation.method.lower(), *tail))
            place = document.positions.place(steps)
            found[requirement] = Promised(pointer(steps), place.line, place.column)
    return found


def _there(raw: Any, steps: Steps) -> Steps:
    """As many of the steps as lead somewhere."""
    at = raw
    for taken, step in enumerate(steps):
        if not isinstance(at, Mapping) or step not in at:
            return steps[:taken]
        at = at[step]
    return steps


def fingerprint_of(document: Document) -> str:
    """The same for two documents that say the same, however they are written down: sha256 of the sorted JSON."""
    text = json.dumps(document.raw, sort_keys=True, ensure_ascii=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
