"""One table: what the pinned document says, what the vendor's says now, what the target did, and who is alone with it.

A target disagrees with a document by doing what that does not allow. That it does less than it might is no
disagreement, and is told all the same: perhaps the document promises too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stagecheck.drift.facts import Answer, Facts, Told
from stagecheck.errors import UsageError
from stagecheck.operations import OperationKey
from stagecheck.spec.diff import Change, Class, Diffed
from stagecheck.spec.diff.words import Diffed as Words
from stagecheck.spec.lint import Checked, Severity, check
from stagecheck.spec.positions import steps_of

_NOTHING: Final = "nothing"
_NOT_ASKED: Final = "the documents disagree; the target was not asked"
_SAID: Final = frozenset({"never seen", "not described"})
"""What the cells of the documents and of the target say by themselves."""
_ASSERTED: Final = frozenset({"uuid", "date-time", "date"})
_ENOUGH: Final = 3
"""So many are no chance."""
_IN_THE_TABLE: Final = frozenset({"status-added", "status-removed", "property-added", "property-removed"})


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of which not all three say the same. ``grave``: somebody contradicts somebody."""

    operation: str
    what: str
    pinned: str
    upstream: str
    target: str
    verdict: str
    grave: bool
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """The whole table; ``answers``: how many answers were looked into.

    ``other_words``: texts of the two documents that have little in common, so that nobody can say that they disagree.
    """

    pinned: Path
    upstream: Path
    answers: int
    other_words: int
    rows: tuple[Row, ...]

    @property
    def grave(self) -> int:
        """How many rows have somebody contradict somebody."""
        return sum(row.grave for row in self.rows)


@dataclass(slots=True)
class _Complaints:
    """What a target does that one document does not allow (``against``), or less of what it allows (``less``)."""

    against: list[str] = field(default_factory=list)
    less: list[str] = field(default_factory=list)


def drift_of(record: Mapping[str, Any], pinned: Facts, upstream: Facts, diffed: Diffed) -> Drift:
    """Hold a record against two documents and their difference.

    Raises ``UsageError`` where the record does not say what was observed, or says it in a way that is not understood.
    """
    observed = record.get("observed")
    if not isinstance(observed, dict):
        raise UsageError(
            "the record does not say what the answers looked like (no `observed`): it is of an earlier version; "
            "make a new one with stagecheck verify"
        )
    try:
        table = _Table(observed, frozenset(record["target"]["offers"]), pinned, upstream)
        rows = [row for key in OperationKey for row in table.operation(key)]
        answers = sum(seen["looked_into"] for each in observed.values() for seen in each["answers"].values())
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the record's `observed` is not understood ({error}); make a new one with stagecheck verify"
        ) from None
    told = {(row.operation, row.what) for row in rows}
    rows += [row for change in diffed.changes for row in _of_change(change, told)]
    rows += _of_words(check(pinned.source.path), check(upstream.source.path))
    order = list(dict.fromkeys(row.operation for row in rows))
    rows.sort(key=lambda row: order.index(row.operation))
    other_words = sum(change.rewritten and change.what is Class.MEANING for change in diffed.changes)
    return Drift(pinned.source.path, upstream.source.path, answers, other_words, tuple(rows))


class _Table:
    def __init__(self, observed: Mapping[str, Any], offers: frozenset[str], pinned: Facts, upstream: Facts) -> None:
        self.observed = observed
        self.offers = offers
        self.documents = pinned, upstream

    def operation(self, key: OperationKey) -> Iterator[Row]:
        """The rows of one operation."""
        there = [document.operation(key) for document in self.documents]
        label = next((one.label for one in there if one is not None), key.value)
        offered = key.value in self.offers
        if not any(there) and not offered:
            return
        if None in there:
            described = ["described" if one is not None else _NOTHING for one in there]
            fits = [offered is (one is not None) or one is not None for one in there]
            verdict = _verdict(fits, alike=there[0] is None and there[1] is None)
            did = "offered" if offered else "not offered"
            yield Row(label, "the operation", described[0], described[1], did, verdict, grave=True)
        seen = self.observed.get(key.value)
        if seen is not None:
            if any(there):
                yield from self._statuses(key, label, seen["statuses"])
            for status, answer in seen["answers"].items():
                yield from self._answer(key, label, status, answer)

    def _statuses(self, key: OperationKey, label: str, seen: Mapping[str, int]) -> Iterator[Row]:
        described = [document.statuses(key) for document in self.documents]
        known = [status for each in described for status in each if status.isdecimal()]
        for status in sorted({*seen, *known}):
            names = [_name_of(status, each) for each in described]
            fits = [status not in seen or name is not None for name in names]
            alike = (names[0] is None) is (names[1] is None)
            if alike and all(fits):
                continue
            words = [_NOTHING if name is None else f"as {name}" for name in names]
            count = seen.get(status, 0)
            times = "never seen" if not count else f"seen {_times(count)}"
            # Whoever knows no 4xx treats it as a refusal (RFC 9110 15): the documents only say less than there is.
            grave = not (alike and status.startswith("4"))
            verdict = _verdict(fits, alike=alike) if grave else "the documents leave out a refusal"
            yield Row(label, f"status {status}", words[0], words[1], times, verdict, grave)

    def _answer(self, key: OperationKey, label: str, status: str, seen: Mapping[str, Any]) -> Iterator[Row]:
        told = [document.answer(key, status) for document in self.documents]
        if told == [None, None]:
            # Nothing is promised of it, so that nothing is broken.
            return
        answers = [one or Answer() for one in told]
        shown = {entry["path"]: entry for entry in seen["properties"]}
        silent: list[str] = []
        for way in sorted({*shown, *(way for one in answers for way in one.properties if ".*" not in way)}):
            if any(way.startswith((f"{outer}.", f"{outer}[")) for outer in silent):
                continue
            facts = [one.of(way) for one in answers]
            if facts == [None, None]:
                silent.append(way)
            entry = shown.get(way)
            possible = _possible(way, shown, seen)
            complaints = [_against(one, entry, possible) for one in facts]
            row = _property_row(label, f"the answer {status}, {way}", facts, entry, possible, complaints)
            if row is not None:
                yield row


def _possible(way: str, shown: Mapping[str, Any], seen: Mapping[str, Any]) -> int:
    """How often a property might have been there: in every object that could hold it."""
    parent, _, name = way.rpartition(".")
    if name.endswith("[]"):
        return 0
    if not parent:
        return int(seen["types"].get("object", 0))
    return int(shown[parent]["types"].get("object", 0)) if parent in shown else 0


def _against(told: Told | None, entry: Mapping[str, Any] | None, possible: int) -> _Complaints:
    found = _Complaints()
    if entry is None:
        if told is not None and possible:
            (found.against if told.always else found.less).append("never seen")
        return found
    if told is None:
        found.against.append("not described")
        return found
    types = set(entry["types"])
    wider = sorted(types - told.types - ({"integer"} if "number" in told.types else set()))
    if wider:
        found.against.append(f"also {', '.join(wider)}")
    narrower = told.types - types - {"number" if "integer" in types else "integer" if "number" in types else ""}
    if narrower and not told.anything and entry["seen"] >= _ENOUGH:
        found.less.append(f"never {', '.join(sorted(narrower))}")
    others = {name: count for name, count in entry["formats"].items() if name != told.form}
    if told.form in _ASSERTED and others:
        found.against.append(f"{sum(others.values())} of {sum(entry['formats'].values())} no {told.form}")
    only = next(iter(entry["formats"]), None)
    if told.form is None and len(entry["formats"]) == 1 and only in _ASSERTED and entry["seen"] >= _ENOUGH:
        found.less.append(f"always a {only}")
    if told.always and entry["seen"] < entry["of"]:
        found.against.append(f"missing {_times(entry['of'] - entry['seen'])}")
    return found


def _property_row(
    label: str,
    what: str,
    facts: list[Told | None],
    entry: Mapping[str, Any] | None,
    possible: int,
    complaints: list[_Complaints],
) -> Row | None:
    first, second = facts
    alike = first.same(second) if first is not None and second is not None else first is second
    fits = [not one.against for one in complaints]
    less = list(dict.fromkeys(word for one in complaints for word in one.less))
    if alike and all(fits) and not less:
        return None
    if entry is None and not possible and alike:
        return None
    asked = entry is not None or bool(possible)
    target = _did(entry) if asked else "not looked at"
    if alike:
        # Where the documents differ, their own words say what the target has against each.
        words_against = [word for one in complaints for word in (*one.against, *one.less)]
        target = "; ".join([target, *dict.fromkeys(word for word in words_against if word not in _SAID)])
    grave = not (alike and all(fits))
    verdict = _verdict(fits, alike=alike, asked=asked) if grave else "the target does less than the documents allow"
    words = [_NOTHING if one is None else one.words for one in facts]
    return Row(label, what, words[0], words[1], target, verdict, grave)


def _did(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "never seen"
    forms = [name for name in entry["formats"] if name in _ASSERTED]
    kinds = " or ".join(sorted(entry["types"], key="null".__eq__))
    form = f" ({', '.join(forms)})" if forms and set(entry["types"]) <= {"string", "null"} else ""
    return f"{kinds}{form}, {entry['seen']} of {entry['of']}"


def _verdict(fits: list[bool], *, alike: bool, asked: bool = True) -> str:
    """Who disagrees with whom; ``fits``: whether what the target did is allowed by each document."""
    if alike:
        return "the target disagrees with both documents"
    if not asked:
        return _NOT_ASKED
    return {
        (True, True): "the documents disagree; the target fits both",
        (True, False): "upstream disagrees with the pinned document and the target",
        (False, True): "the pinned document disagrees with upstream and the target",
        (False, False): "all three disagree",
    }[fits[0], fits[1]]


def _name_of(status: str, described: Iterable[str]) -> str | None:
    return next((name for name in (status, f"{status[:1]}XX", "DEFAULT") if name in described), None)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _of_change(change: Change, told: set[tuple[str, str]]) -> Iterator[Row]:
    """A difference of the documents that answers do not show: of requests, of words that were edited."""
    if change.what in (Class.EDITORIAL, Class.ADDITIVE) or change.kind.id in _IN_THE_TABLE or change.rewritten:
        return
    if change.kind.id.startswith("operation-") or (change.operation, change.where) in told:
        return
    before, after = _sides(change.words) if change.words else ("as it was", change.message)
    others = len(change.also)
    also = f", and {others} other operation{'' if others == 1 else 's'}" if others else ""
    where = f"{change.where}{also}"
    yield Row(
        change.operation,
        where,
        before,
        after,
        "not looked at",
        _NOT_ASKED,
        grave=True,
        requirements=change.requirements,
    )


def _of_words(pinned: Checked, upstream: Checked) -> Iterator[Row]:
    """What the words of a document say against the contract; two texts in other words cannot be held together."""
    documents = [
        {(one.rule.id, one.pointer): one for one in checked.findings if one.rule.id.startswith("words-")}
        for checked in (pinned, upstream)
    ]
    wrong = [{key: one for key, one in found.items() if one.severity is Severity.ERROR} for found in documents]
    for rule, where in {**wrong[0], **wrong[1]}:
        against = [(rule, where) in found for found in wrong]
        finding = wrong[0].get((rule, where)) or wrong[1][rule, where]
        cells = ["says the opposite" if one else "does not" for one in against]
        who = "the pinned document contradicts" if against[0] else "upstream contradicts"
        yield Row(
            _operation_of(where),
            finding.rule.title,
            cells[0],
            cells[1],
            "not looked at",
            f"{'both documents contradict' if all(against) else who} the contract",
            grave=True,
            requirements=finding.rule.requirements,
        )


def _operation_of(where: str) -> str:
    steps = steps_of(where)
    return f"{str(steps[2]).upper()} {steps[1]}" if steps[:1] == ("paths",) and len(steps) > 2 else "the whole API"


def _sides(words: Words) -> tuple[str, str]:
    """What the one text says and what the other, of a word diff."""
    old = " ".join(text for how, text in words if how != "+")
    new = " ".join(text for how, text in words if how != "-")
    return old or _NOTHING, new or _NOTHING
