"""Two documents, compared: every change, in the order of its gravity and then of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stagecheck.errors import SpecError
from stagecheck.spec.diff.answers import compare_answers
from stagecheck.spec.diff.changes import Change, Class, Side, Witness
from stagecheck.spec.diff.context import CLIENTS, Context
from stagecheck.spec.diff.operations import Operation, operations
from stagecheck.spec.diff.requests import compare_body, compare_parameters, compare_security, compare_servers
from stagecheck.spec.diff.texts import Texts, compare_information
from stagecheck.spec.document import check_version
from stagecheck.spec.lint.view import View
from stagecheck.spec.positions import Place
from stagecheck.spec.reading import Source, read
from stagecheck.spec.schema import shorten
from stagecheck.spec.validity import loose, multiplies

_FAILING = (Class.BREAKING, Class.MEANING, Class.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Diffed:
    """What came out. ``operations``: how many both documents have."""

    old: Path
    new: Path
    versions: tuple[str, str]
    operations: int
    changes: tuple[Change, ...]

    def count(self, what: Class) -> int:
        """How many changes are of a class."""
        return sum(1 for change in self.changes if change.what is what)

    def failing(self, sides: tuple[Side, ...]) -> Iterator[Change]:
        """The changes that somebody has to look at who cares for these sides."""
        for change in self.changes:
            affected = (*change.breaks, *change.unsure)
            if change.what in _FAILING and (not affected or any(side in sides for side in affected)):
                yield change


def nothing_tied(sources: tuple[str, ...]) -> tuple[str, ...]:
    """For whoever has no requirements."""
    del sources
    return ()


def diff(
    old: Path,
    new: Path,
    requirements: Callable[[tuple[str, ...]], tuple[str, ...]] = nothing_tied,
    *,
    contract_alone: bool = False,
) -> Diffed:
    """Compare two documents; ``requirements`` leads from statements of the contract to the ids they are the source of.

    ``contract_alone``: leave out the operations that the contract does not know.
    Raises ``SpecError`` for what cannot be read, is no OpenAPI 3, or has references that lead nowhere or for ever.
    """
    sources = sound(old), sound(new)
    context = Context(View(sources[0]), View(sources[1]), requirements)
    try:
        both = _compare(context, contract_alone=contract_alone)
    except RecursionError:
        raise SpecError(f"{old} or {new}: its schemas lie in one another too deeply; split them") from None
    versions = str(sources[0].raw["openapi"]), str(sources[1].raw["openapi"])
    return Diffed(old, new, versions, both, tuple(sorted(context.changes.found.values(), key=_order)))


def _order(change: Change) -> tuple[int, Place, Place, str]:
    last = Place(2**31, 1)
    return (
        list(Class).index(change.what),
        change.new.place if change.new else last,
        change.old.place if change.old else last,
        change.message,
    )


def sound(path: Path) -> Source:
    """A document that can be compared. Raises ``SpecError`` as ``diff`` does."""
    source = read(path)
    check_version(path, source.raw)
    for steps, error in loose(source.raw):
        raise SpecError(f"{path}:{source.positions.place(steps)}: {shorten(str(error))}")
    if multiplies(source.raw):
        raise SpecError(f"{path}: its schemas refer to one another in too many ways, or for ever; break the circle")
    return source


def _compare(context: Context, *, contract_alone: bool) -> int:
    """Fill the context; how many operations both have."""
    ours, theirs = (
        {key: one for key, one in operations(view).items() if one.key is not None or not contract_alone}
        for view in (context.old, context.new)
    )
    compare_servers(context)
    compare_information(context)
    both = 0
    for key, old in ours.items():
        if key not in theirs:
            _removed(context, old)
            continue
        both += 1
        new = theirs[key]
        compare_security(context, old, new)
        if not _same(context, old, new):
            compare_parameters(context, old, new)
            compare_body(context, old, new)
            compare_answers(context, old, new)
        Texts(context, old, new).compare()
    for key, new in theirs.items():
        if key not in ours:
            parts = (context.old.child(context.old.top(), "paths"), new.part)
            context.add("operation-added", Class.ADDITIVE, (new.label, "the operation"), "it is new", parts)
    return both


def _same(context: Context, old: Operation, new: Operation) -> bool:
    items = (one.item.value.get("parameters") for one in (old, new))
    return old.template == new.template and context.same(old.part.value, new.part.value) and context.same(*items)


def _removed(context: Context, old: Operation) -> None:
    witness = Witness(Side.CLIENTS, "request", old.label, "old")
    parts = (old.part, context.new.child(context.new.top(), "paths"))
    message = "it is not there any more"
    at = (old.label, "the operation")
    context.add("operation-removed", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
