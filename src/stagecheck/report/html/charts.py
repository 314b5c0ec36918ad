"""What a run cost and how far it came, as bars: phases, latencies, coverage. Old records lack some of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stagecheck.report.html.text import in_ms

WIDTH = 1000
"""Every bar is drawn in a space so many units wide and stretched to its place."""

PHASES = {
    "discover": "what is offered, and what may be used",
    "again": "what failed in an earlier run",
    "reads": "what reads alone can show",
    "tour": "what clients do all day",
    "refusals": "what must be refused",
    "auth": "credentials, other organizations",
    "stages": "stages made, edited, moved, deleted",
    "deep": "every sequence of a few transitions",
    "machine": "random walks",
    "properties": "generated inputs",
    "races": "concurrent requests",
    "confirm": "what broke, seen again and shortened",
    "restore": "everything put back",
}
"""What each phase of a run tries."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: a name, what it means, parts from left to right (`start`, `width`, `kind`), and numbers in words."""

    name: str
    says: str
    parts: tuple[tuple[int, int, str], ...]
    figures: tuple[str, ...]


def phases_of(record: Mapping[str, Any]) -> list[Bar]:
    """The requests of each phase."""
    phases = _whole_numbers(record.get("phases"))
    most = max(phases.values(), default=0)
    return [
        Bar(name, PHASES.get(name, ""), ((0, _share(number, most), "bar"),), (f"{number:,}",))
        for name, number in phases.items()
    ]


def latencies_of(record: Mapping[str, Any]) -> list[Bar]:
    """The percentiles of each operation; the longest of all p99 fills its row."""
    told = record.get("latency")
    rows = [
        (str(name), [float(entry[key]) for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms")], entry["count"])
        for name, entry in (told.items() if isinstance(told, Mapping) else ())
        if _is_latency(entry)
    ]
    most = max((values[2] for _, values, _ in rows), default=0.0)
    return [
        Bar(
            name,
            "",
            tuple(_nested(values[:3], most)),
            (f"{count:,}", *(in_ms(value) for value in values)),
        )
        for name, values, count in rows
    ]


def walks_of(record: Mapping[str, Any]) -> list[Bar]:
    """How many of the sequences of each walk were tried."""
    coverage = record.get("coverage") or {"walks": []}
    return [
        Bar(
            f"{walk['depth']} transition{'' if walk['depth'] == 1 else 's'}",
            f"{walk['services']} service{'' if walk['services'] == 1 else 's'} over {walk['stages']} stages",
            ((0, _share(walk["covered"], walk["total"]), "all" if walk["covered"] == walk["total"] else "bar"),),
            (f"{walk['covered']:,} of {walk['total']:,}",),
        )
        for walk in coverage["walks"]
    ]


def grades_of(counts: tuple[tuple[Any, int], ...]) -> list[tuple[int, int, str]]:
    """One bar of all requirements, worst grades first."""
    total = sum(number for _, number in counts)
    parts: list[tuple[int, int, str]] = []
    done = 0
    for sign, number in counts:
        start, done = _share(done, total), done + number
        parts.append((start, max(1, _share(done, total) - start - 3), sign.key))
    return parts


def _nested(values: list[float], most: float) -> Iterator[tuple[int, int, str]]:
    start = 0
    for value, kind in zip(values, ("p50", "p90", "p99"), strict=True):
        end = max(start, _share(value, most))
        yield start, end - start, kind
        start = end


def _share(number: float, most: float) -> int:
    return max(2, round(WIDTH * min(1.0, number / most))) if number > 0 and most > 0 else 0


def _whole_numbers(told: object) -> dict[str, int]:
    pairs = told.items() if isinstance(told, Mapping) else ()
    return {str(name): number for name, number in pairs if isinstance(number, int) and number >= 0}


def _is_latency(entry: object) -> bool:
    keys = ("count", "p50_ms", "p90_ms", "p99_ms", "max_ms")
    return isinstance(entry, Mapping) and all(
        isinstance(entry.get(key), int | float) and 0 <= entry[key] < 1e12 for key in keys
    )
