"""What can change between two documents: the rules as a table, and one change as a value. Decides nothing.

Who breaks: *clients* are written to the old document and talk to a server of the new one; *servers* are written to the
old document and talk to clients of the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from stagecheck.spec.diff.nodes import Way
from stagecheck.spec.positions import Place


class Class(StrEnum):
    """What a change is. The gravest first."""

    BREAKING = "breaking"
    MEANING = "meaning"
    UNKNOWN = "unknown"
    ADDITIVE = "additive"
    EDITORIAL = "editorial"


class Side(StrEnum):
    """Whom a change breaks."""

    CLIENTS = "clients"
    SERVERS = "servers"


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of change: an id that is permanent, and what holds as long as nothing of the sort is found."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is written in one of the two documents."""

    pointer: str
    place: Place


@dataclass(frozen=True, slots=True)
class Witness:
    """A concrete thing that was fine and is not, or the reverse.

    ``what`` it is (``body``, ``answer``, ``value``, ``request``); ``value`` in JSON, or a line of text for a request.
    ``valid`` names the document (``old`` or ``new``) that allows it; the other does not. Of a property that is only no
    longer described (``undescribed``), both allow it. ``way`` leads to what matters in it.
    """

    side: Side
    what: str
    value: Any
    valid: str
    undescribed: str | None = None
    way: Way = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``unsure``: sides of which nobody can say whether they break.

    ``where`` says of which part of the operation it tells; ``words`` is a word diff: pairs of ``=``, ``-`` or ``+`` and
    text, and ``rewritten`` whether little is left of the old text, or nothing. ``also``: the other operations in which
    the same edit shows.
    """

    kind: Kind
    what: Class
    operation: str
    where: str
    message: str
    old: Spot | None
    new: Spot | None
    breaks: tuple[Side, ...] = ()
    unsure: tuple[Side, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    rewritten: bool = False

    @property
    def key(self) -> object:
        """What is the same for the same edit, in whichever operation it shows."""
        return (self.kind.id, self.what, self.message, self.old, self.new, self.breaks, self.unsure)


@dataclass(slots=True)
class Changes:
    """The changes found so far; one edit of a shared part is one change."""

    found: dict[object, Change] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        """Add a change, or the operation to one that is known."""
        known = self.found.get(change.key)
        if known is None:
            self.found[change.key] = change
        elif change.operation not in (known.operation, *known.also):
            self.found[change.key] = replace(known, also=(*known.also, change.operation))


_TABLE = (
    Kind("server-removed", "The API is served where it was."),
    Kind("server-added", "The API is served nowhere else."),
    Kind("operation-removed", "Every operation is still there."),
    Kind("operation-added", "There is no new operation."),
    Kind("operation-id", "Operations keep their operationId."),
    Kind("operation-deprecated", "What was deprecated still is, and nothing else."),
    Kind("security-changed", "The same credentials are accepted."),
    Kind("parameter-renamed", "Path parameters keep their names."),
    Kind("parameter-removed", "Every parameter is still there."),
    Kind("parameter-added", "There is no new parameter."),
    Kind("parameter-required", "A parameter is as optional as it was."),
    Kind("parameter-values", "A parameter takes the same values."),
    Kind("body-removed", "A request that had a body still has one."),
    Kind("body-added", "A request that had no body still has none."),
    Kind("body-required", "A body is as optional as it was."),
    Kind("body-values", "The same bodies are allowed."),
    Kind("answer-values", "The same answers are allowed."),
    Kind("property-removed", "Every property is still described."),
    Kind("property-added", "There is no new property."),
    Kind("default-changed", "What is left out means the same."),
    Kind("status-removed", "Every status is still described."),
    Kind("status-added", "There is no new status."),
    Kind("media-removed", "Every media type is still there."),
    Kind("media-added", "There is no new media type."),
    Kind("header-removed", "Every header of an answer is still described."),
    Kind("header-added", "There is no new header of an answer."),
    Kind("header-values", "A header of an answer has the same values."),
    Kind("words-changed", "Descriptions say the same."),
    Kind("example-changed", "Examples are the same."),
    Kind("information-changed", "The document says the same of itself."),
)


def _indexed(table: Iterable[Kind]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for kind in table:
        if kind.id in kinds:
            raise ValueError(f"the kind {kind.id} stands twice in the table")
        kinds[kind.id] = kind
    return kinds


KINDS: Final = _indexed(_TABLE)
"""All kinds of change by id."""
