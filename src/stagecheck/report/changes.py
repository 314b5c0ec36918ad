"""Two records side by side: what is new, what is fixed, what is still there, and what is no longer tested.

Nothing is fixed because nobody looked: what the newer run did not try, or would not have shown, is no longer tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stagecheck.report.html.text import listed, plural
from stagecheck.report.record import Record, version_of
from stagecheck.report.seen import JUDGED, Found, Key, Seen, seen_in, without_causes


@dataclass(frozen=True, slots=True)
class Change:
    """One violation, as the newer run has it, or the older one where the newer has it not.

    `untried`: why the older run might not have shown a new one, or None.
    """

    requirement: str
    cause: str
    message: str
    known: bool
    untried: str | None = None


@dataclass(frozen=True, slots=True)
class Untested:
    """A requirement of which the newer run cannot say what the older one could: why, and the violations in question."""

    requirement: str
    before: str
    why: str
    violations: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Graded:
    """A requirement whose grade is another one; None where a record does not have it."""

    requirement: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """All that differs, and what makes the two hard to compare (`notes`). `verdicts`: before and after."""

    verdicts: tuple[str, str]
    new: tuple[Change, ...]
    fixed: tuple[Change, ...]
    still: tuple[Change, ...]
    untested: tuple[Untested, ...]
    grades: tuple[Graded, ...]
    notes: tuple[str, ...]

    @property
    def alarming(self) -> tuple[Change, ...]:
        """What is new and not expected: what somebody has to look at."""
        return tuple(change for change in self.new if not change.known)

    @property
    def headline(self) -> str:
        """The one line that says whether to worry."""
        alarming, known = self.alarming, len(self.new) - len(self.alarming)
        if alarming:
            names = list(dict.fromkeys(change.requirement for change in alarming))
            said = f"{plural(len(alarming), 'new violation')}: {listed(_few(names))}"
        else:
            said = "nothing new"
        rest = [
            *([f"{known} new but known"] if known else []),
            f"{len(self.fixed)} fixed",
            f"{len(self.still)} still there",
            *([f"{plural(len(self.untested), 'requirement')} no longer tested"] if self.untested else []),
        ]
        doubtful = sum(bool(entry.violations) for entry in self.untested)
        if doubtful:
            rest[-1] += f" ({doubtful} of them broken before)"
        return f"{said}; {', '.join(rest)}"


def _few(names: list[str], most: int = 6) -> list[str]:
    return names if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]


def changes_between(old: Record, new: Record) -> Changes:
    """What changed from the older record to the newer one."""
    before, after = seen_in(old), seen_in(new)
    whole = before.causes and after.causes
    had = before.found if whole else without_causes(before)
    has = after.found if whole else without_causes(after)
    order = {identifier: place for place, identifier in enumerate(dict.fromkeys([*after.grades, *before.grades]))}
    gone = {key: found for key, found in had.items() if key not in has}
    doubts = {requirement: after.doubt(requirement, before.profile) for requirement, _ in gone}
    return Changes(
        (before.verdict, after.verdict),
        _changes(
            ((key, found) for key, found in has.items() if key not in had),
            order,
            lambda requirement: before.doubt(requirement, after.profile) or None,
        ),
        _changes(((key, found) for key, found in gone.items() if not doubts[key[0]]), order),
        _changes(((key, found) for key, found in has.items() if key in had), order),
        _untested(before, after, {key: found for key, found in gone.items() if doubts[key[0]]}, doubts),
        _graded(before, after),
        tuple(_notes(old, new, whole=whole)),
    )


def _changes(
    found: Iterable[tuple[Key, Found]], order: Mapping[str, int], untried: Callable[[str], str | None] = lambda _: None
) -> tuple[Change, ...]:
    made = [
        Change(requirement, cause, one.message, one.known, untried(requirement)) for (requirement, cause), one in found
    ]
    return tuple(sorted(made, key=lambda change: (order[change.requirement], change.cause)))


def _untested(before: Seen, after: Seen, gone: Mapping[Key, Found], doubts: Mapping[str, str]) -> tuple[Untested, ...]:
    """What the newer run does not judge at all, and the violations that it might have missed."""
    made = []
    for requirement, grade in before.grades.items():
        mine = tuple(
            Change(requirement, cause, found.message, found.known)
            for (owner, cause), found in gone.items()
            if owner == requirement
        )
        if mine or (grade in JUDGED and not after.judges(requirement)):
            made.append(Untested(requirement, grade, doubts.get(requirement) or after.silence(requirement), mine))
    return tuple(sorted(made, key=lambda entry: not entry.violations))


def _graded(before: Seen, after: Seen) -> tuple[Graded, ...]:
    names = dict.fromkeys([*before.grades, *after.grades])
    pairs = ((name, before.grades.get(name), after.grades.get(name)) for name in names)
    return tuple(Graded(name, one, other) for name, one, other in pairs if one != other)


def _notes(old: Record, new: Record, *, whole: bool) -> Iterable[str]:
    """What has to be known to read the comparison right."""
    for what, one, other in (
        ("target", old["target"]["url"], new["target"]["url"]),
        ("profile", old.get("profile"), new.get("profile")),
        ("selection", _selection(old), _selection(new)),
        ("seed", old["seed"], new["seed"]),
        ("version of the target", version_of(old), version_of(new)),
        ("version of stagecheck", old["tool"]["version"], new["tool"]["version"]),
    ):
        if one != other and one is not None and other is not None:
            yield f"the {what} is another one: {one}, then {other}"
    if _fingerprint(old) != _fingerprint(new) and _fingerprint(old) and _fingerprint(new):
        yield "the OpenAPI document says something else than before"
    if not whole:
        yield "one of the records names no causes: violations are compared by their requirement alone"


def _selection(record: Record) -> str | None:
    only = record.get("only")
    return None if only is None else ", ".join(only) or "everything"


def _fingerprint(record: Record) -> Any:
    return (record.get("spec") or {}).get("fingerprint")
