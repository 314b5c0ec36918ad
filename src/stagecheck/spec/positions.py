"""Where each part of a document stands in its file, and how parts are named (JSON Pointer, RFC 6901).

Knows offsets, lines and columns; knows neither YAML nor OpenAPI.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, unquote

Step: TypeAlias = str | int
Steps: TypeAlias = tuple[Step, ...]
"""The way to a part: names of members and positions in lists, from the top; ``()`` is the whole document."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and a column, both from 1; a column is one character."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class Spot:
    """Where one value stands: ``at`` is the offset of its first character.

    ``parts`` are the spots of what is inside: of a mapping by name, each with the offset of its name; of a list in
    order; None for anything else. A value that stands at several places (an alias of YAML) has one spot.
    """

    __slots__ = ("at", "parts")

    def __init__(self, at: int, parts: dict[str, tuple[int, Spot]] | list[Spot] | None = None) -> None:
        self.at = at
        self.parts = parts


class Positions:
    """From parts of one document to places in its text."""

    def __init__(self, text: str, top: Spot) -> None:
        self._text = text
        self._top = top
        self._newlines: list[int] | None = None

    def place(self, steps: Sequence[Step]) -> Place:
        """Where the part is named: its key in a mapping, itself in a list; else the nearest part around it."""
        at, _ = self._find(steps)
        return self.at(at)

    def value(self, steps: Sequence[Step]) -> Place:
        """Where the part's value begins."""
        _, spot = self._find(steps)
        return self.at(spot.at)

    def words(self, steps: Sequence[Step], text: str, at: int = 0) -> Place:
        """Where the character ``at`` of these words stands in a text of the document, however it is wrapped there.

        Where the part is named, if the words are not found: a quoted text may be escaped.
        """
        named, spot = self._find(steps)
        before, after = (r"\s*".join(map(re.escape, part.split())) for part in (text[:at], text[at:]))
        # A wrapped text is longer in the file than it is, by its indentation.
        found = re.compile(f"{before}\\s*({after})").search(self._text, spot.at, spot.at + 60_000)
        return self.at(found.start(1) if after and found else named)

    def at(self, offset: int) -> Place:
        """The place of the character at that offset."""
        if self._newlines is None:
            self._newlines = [found.start() for found in re.finditer("\n", self._text)]
        line = bisect_right(self._newlines, offset - 1)
        start = self._newlines[line - 1] + 1 if line else 0
        return Place(line + 1, offset - start + 1)

    def _find(self, steps: Sequence[Step]) -> tuple[int, Spot]:
        named, spot = self._top.at, self._top
        for step in steps:
            parts = spot.parts
            if isinstance(parts, dict) and str(step) in parts:
                named, spot = parts[str(step)]
            elif isinstance(parts, list) and str(step).isdecimal() and int(step) < len(parts):
                spot = parts[int(step)]
                named = spot.at
            else:
                break
        return named, spot


def pointer(steps: Sequence[Step]) -> str:
    """The JSON Pointer of a part: ``/paths/~1a/get``; ``""`` for the whole document."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def steps_of(text: str) -> Steps:
    """The steps that a JSON Pointer names; percent-encoded ones (of a ``$ref``) as well."""
    return tuple(unquote(token).replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])


def fragment(steps: Sequence[Step]) -> str:
    """The same as the value of a ``$ref`` to it in the same document: ``#/components/…``."""
    return "#" + quote(pointer(steps), safe="/~!$&'()*+,;=:@-._")
