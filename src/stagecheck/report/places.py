"""Which line of which document makes a promise, as a record has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

PACKAGED = "openapi/deployment-stage.yaml"
"""Where the packaged document stands in the checkout of stagecheck."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A place in a document; line and column from 1. `part`: as a JSON Pointer, empty for the whole document."""

    file: str
    line: int = 1
    column: int = 1
    part: str = ""

    @property
    def uri(self) -> str:
        """The file as a URI: relative to where the run was made, or absolute."""
        path = quote(self.file.encode("utf-8", "backslashreplace"))
        return f"file://{path}" if PurePosixPath(self.file).is_absolute() else path


def promises_in(record: Mapping[str, Any]) -> dict[str, Promise]:
    """Where each requirement of the record is promised; the top of the document where nobody says more."""
    spec = record.get("spec") or {}
    file = spec.get("document") or PACKAGED
    places = {place["requirement"]: place for place in spec.get("places", ())}
    found = {}
    for entry in record["requirements"]:
        place = places.get(entry["id"])
        found[entry["id"]] = (
            Promise(file)
            if place is None
            else Promise(file, max(1, place["line"]), max(1, place["column"]), place["pointer"])
        )
    return found
