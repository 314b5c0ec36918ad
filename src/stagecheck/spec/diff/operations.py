"""The operations of two documents, and which is which: by method and path, whatever path parameters are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stagecheck.operations import OPERATIONS, OperationKey
from stagecheck.spec.document import find
from stagecheck.spec.lint.view import Part, View

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
NAME: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as one document writes it. ``key``: which of the contract's it is, if any."""

    method: str
    template: str
    item: Part
    part: Part
    key: OperationKey | None

    @property
    def label(self) -> str:
        """As a reader would write it: ``GET /things/{thingId}``."""
        return f"{self.method.upper()} {self.template}"


def operations(view: View) -> dict[tuple[str, str], Operation]:
    """The operations of a document by method and path, the names of path parameters taken out."""
    ours = {}
    for key, fact in OPERATIONS.items():
        found = find(view.source.raw, fact)
        if found is not None:
            ours[found.method.lower(), found.template] = key
    result: dict[tuple[str, str], Operation] = {}
    for template, item in view.children(view.child(view.top(), "paths")):
        for method in METHODS:
            part = view.child(item, method)
            if part is not None and isinstance(part.value, dict):
                operation = Operation(method, template, item, part, ours.get((method, template)))
                result.setdefault((method, NAME.sub("{}", template)), operation)
    return result


def parameters(view: View, operation: Operation) -> dict[tuple[str, str], Part]:
    """The parameters by where they are and their name; those of the path by their position in it."""
    names = NAME.findall(operation.template)
    found: dict[tuple[str, str], Part] = {}
    for place in (operation.item, operation.part):
        for _, one in view.children(view.child(place, "parameters")):
            if not isinstance(one.value, dict):
                continue
            where, name = str(one.value.get("in")), str(one.value.get("name"))
            if where == "path" and name in names:
                name = f"{{{names.index(name)}}}"
            found[where, name.lower() if where == "header" else name] = one
    return found


def contents(view: View, part: Part | None) -> Iterator[tuple[str, Part]]:
    """The media types of a body or an answer, written in one way."""
    for name, media in view.children(view.child(part, "content")):
        yield name.split(";", maxsplit=1)[0].strip().lower(), media
