"""How verdicts and grades are shown: a word, a shape that needs no colour, and what it means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.html.text import listed, plural


@dataclass(frozen=True, slots=True)
class Sign:
    """One grade or verdict on the page. `key`: its CSS class and the name of its shape."""

    key: str
    word: str
    says: str


GRADES: Mapping[str, Sign] = {
    grade.value: Sign(grade.value, word, says)
    for grade, word, says in (
        (Grade.FAIL, "violated", "A MUST was seen broken."),
        (Grade.NON_STRICT, "not strictly kept", "A SHOULD was seen broken; it fails a strict run only."),
        (Grade.KNOWN, "known", "Broken, and expected to be: expect.toml says so."),
        (Grade.INCONCLUSIVE, "inconclusive", "Too little could be seen to say anything."),
        (Grade.OPEN, "open", "The contract leaves a choice; the target's was found out."),
        (Grade.PASS, "kept", "It could have failed, and never did."),
        (Grade.NOT_OFFERED, "not offered", "The target has no such operation."),
        (Grade.NOT_TESTED, "not tested", "Nothing was sent that could have broken it."),
    )
}
"""Every grade, worst first."""

VERDICTS: Mapping[str, Sign] = {
    verdict.value: Sign(key.value, word, says)
    for verdict, key, word, says in (
        (Verdict.CONFORMING, Grade.PASS, "Conforming", "Every promise that could be tried was kept."),
        (Verdict.NON_STRICT, Grade.NON_STRICT, "Conforming, not strictly", "No MUST is broken, but a SHOULD is."),
        (Verdict.NON_CONFORMING, Grade.FAIL, "Non-conforming", "A MUST of the contract is broken."),
        (Verdict.INCONCLUSIVE, Grade.INCONCLUSIVE, "Inconclusive", "Too little could be seen for a verdict."),
    )
}

FAMILIES = {
    "MOVE": "Moving a service",
    "SKIP": "Skipping a service",
    "STATE": "What is remembered",
    "SHAPE": "The form of answers",
    "ERR": "Refusals and errors",
    "AUTH": "Credentials and isolation",
    "RACE": "Concurrency",
    "STAGE": "Managing stages",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One requirement on the page; `anchor` is its id in the document, `at` where its violations are."""

    id: str
    anchor: str
    level: str
    sign: Sign
    text: str
    source: str
    exercised: int
    reason: str | None
    at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Requirements that belong together, and how many of them have which grade (worst first)."""

    key: str
    title: str
    entries: tuple[Entry, ...]
    counts: tuple[tuple[Sign, int], ...]


def families(record: Mapping[str, Any], at: Mapping[str, list[str]]) -> list[Family]:
    """The requirements by family. `at`: the anchors of the violations, by requirement."""
    grouped: dict[str, list[Entry]] = {}
    for number, entry in enumerate(record["requirements"]):
        grouped.setdefault(entry["id"].split("-")[0], []).append(_entry(entry, number, at.get(entry["id"], [])))
    return [
        Family(key, FAMILIES.get(key, key), tuple(entries), tuple(counted(entry.sign.key for entry in entries)))
        for key, entries in grouped.items()
    ]


def _entry(entry: Mapping[str, Any], number: int, at: list[str]) -> Entry:
    known = CATALOGUE.get(entry["id"])
    return Entry(
        entry["id"],
        known.id if known else f"requirement-{number}",
        entry["level"],
        GRADES[entry["grade"]],
        known.text if known else "This version of stagecheck does not know it.",
        known.source if known else "",
        entry["exercised"],
        entry["reason"],
        tuple(at),
    )


def counted(grades: Any) -> list[tuple[Sign, int]]:
    """How many there are of each grade, worst first, none left out that there is."""
    counts = Counter(grades)
    return [(sign, counts[key]) for key, sign in GRADES.items() if counts[key]]


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in a glance: its sign, what it rests on in one sentence, and the counts of grades."""

    sign: Sign
    sentence: str
    counts: tuple[tuple[Sign, int], ...]
    total: int


def headline(record: Mapping[str, Any]) -> Headline:
    """The verdict of a record, and why."""
    grades = [entry["grade"] for entry in record["requirements"]]
    counts = tuple(counted(grades))
    return Headline(VERDICTS[record["verdict"]], _why(record, Counter(grades)), counts, len(grades))


def _why(record: Mapping[str, Any], counts: Counter[str]) -> str:
    total = plural(len(record["requirements"]), "requirement")
    broken, weak = counts[Grade.FAIL], counts[Grade.NON_STRICT]
    parts = []
    if broken:
        parts.append(f"{broken} of {total} {'is' if broken == 1 else 'are'} violated")
    if weak:
        of_all = "" if broken else f"of {total} "
        parts.append(f"{weak} {of_all}{'is' if weak == 1 else 'are'} not strictly kept")
    if not parts:
        parts.append(f"{counts[Grade.PASS]} of {total} kept, none violated")
    if counts[Grade.KNOWN]:
        parts.append(f"{plural(counts[Grade.KNOWN], 'is', 'are')} broken as expected")
    if counts[Grade.INCONCLUSIVE]:
        parts.append(f"{plural(counts[Grade.INCONCLUSIVE], 'is', 'are')} inconclusive")
    if counts[Grade.NOT_TESTED] and not broken:
        parts.append(f"{counts[Grade.NOT_TESTED]} not tested")
    stateless = (record.get("ladder") or {}).get("stateless")
    return f"{'The target remembers nothing: ' if stateless else ''}{listed(parts)}"
