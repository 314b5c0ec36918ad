"""A race as a timeline: one bar an operation, from the call to the return, on a common scale of time.

Drawn from `violations[].race.operations`: objects with `client` (a number or a name), `words` (what was asked),
`start_s` and `end_s` (seconds; `end_s` null where no answer came), `status`, `shows` (what the answer showed, in words)
and `wrong` (true for the answer that no order explains). `race.explanation` says in one sentence what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stagecheck.report.html.text import in_ms, plural, short

WIDTH = 720
_LEFT, _RIGHT, _ROW, _TOP = 12, 12, 50, 30
_MOST = 60
_LEAST_BAR = 4
_CHARACTER = 6.7
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """One operation: its row, its bar, and what is written above and below it. `open`: it was never answered."""

    y: int
    x: int
    width: int
    client: int
    label: str
    shows: str
    open: bool
    wrong: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of one timeline. `ticks`: where, and what time. `words`: the same for those who see no drawing."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, str], ...]
    title: str
    words: tuple[str, ...]
    explanation: str
    left_out: str


@dataclass(frozen=True, slots=True)
class _Operation:
    client: str
    words: str
    start: float
    end: float | None
    shows: str
    wrong: bool


def timeline_of(violation: Mapping[str, Any]) -> Timeline | None:
    """The timeline of a race, None where the record holds none."""
    race = violation.get("race")
    listed = race.get("operations") if isinstance(race, Mapping) else None
    operations = sorted(_operations(listed), key=lambda one: (one.start, one.client))
    if not isinstance(race, Mapping) or not operations:
        return None
    kept = operations[:_MOST]
    explanation = str(race.get("explanation") or "")
    began = min(one.start for one in kept)
    span = max(max(one.end or one.start for one in kept) - began, 1e-6)
    scale = (WIDTH - _LEFT - _RIGHT) / span
    clients = {name: number for number, name in enumerate(dict.fromkeys(one.client for one in kept))}
    bars = [_bar(one, at, began, scale, clients) for at, one in enumerate(kept)]
    return Timeline(
        width=WIDTH,
        height=_TOP + len(bars) * _ROW + 8,
        bars=tuple(bars),
        ticks=tuple((_LEFT + round(at * scale), in_ms(at * 1000)) for at in _ticks(span)),
        title=f"{plural(len(kept), 'request')} of {plural(len(clients), 'client')} on one scale of time",
        words=tuple(_words(one, began) for one in kept),
        explanation=explanation if explanation != violation.get("message") else "",
        left_out=f"{plural(len(operations) - _MOST, 'request')} not drawn" if len(operations) > _MOST else "",
    )


def _operations(listed: object) -> Iterator[_Operation]:
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, Mapping) or not _is_time(one.get("start_s")):
            continue
        end = one.get("end_s")
        status = one.get("status")
        answered = "no answer" if status is None else f"{status}"
        yield _Operation(
            short(str(one.get("client", "?")), 24),
            short(str(one.get("words") or "a request"), 160),
            float(one["start_s"]),
            float(end) if isinstance(end, int | float) and _is_time(end) and end >= one["start_s"] else None,
            ": ".join(part for part in (answered, short(str(one.get("shows") or ""), 160).strip("–")) if part),
            one.get("wrong") is True,
        )


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bar(one: _Operation, at: int, began: float, scale: float, clients: Mapping[str, int]) -> Bar:
    x = _LEFT + round((one.start - began) * scale)
    end = WIDTH - _RIGHT if one.end is None else _LEFT + round((one.end - began) * scale)
    room = int((WIDTH - _LEFT - _RIGHT) / _CHARACTER)
    width = max(_LEAST_BAR, end - x)
    label = short(f"client {one.client}: {one.words}", room)
    shown = short(f"→ {one.shows}", max(8, room - len(label) - 3))
    x = min(x, WIDTH - _RIGHT - width)
    return Bar(_TOP + at * _ROW, x, width, clients[one.client] % 6, label, shown, one.end is None, one.wrong)


def _ticks(span: float) -> list[float]:
    rough = span / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough)
    return [number * step for number in range(int(span / step) + 1)]


def _words(one: _Operation, began: float) -> str:
    until = "never answered" if one.end is None else f"answered after {in_ms((one.end - one.start) * 1000)}"
    wrong = " (no order explains this answer)" if one.wrong else ""
    return f"client {one.client}, at {in_ms((one.start - began) * 1000)}: {one.words}, {until}: {one.shows}{wrong}"
