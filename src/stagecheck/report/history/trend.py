"""What changes over the runs against one target: new, fixed and flaky. Pure.

Runs are not all alike: one of fewer requirements or of a smaller profile says nothing of the rest. So each violation
is remembered until a run that would have shown it does not, and a requirement is compared with the last run that judged
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stagecheck.report.history.rows import Run
from stagecheck.report.html.text import listed, plural
from stagecheck.report.seen import BROKEN, Key, smaller


@dataclass(frozen=True, slots=True)
class Point:
    """One run, with what is new and what is fixed in it. What the first run of all finds is not new."""

    run: Run
    new: tuple[Key, ...]
    fixed: tuple[Key, ...]

    @property
    def alarming(self) -> tuple[Key, ...]:
        """What is new and not known."""
        return tuple(key for key in self.new if not self.run.seen.found[key].known)


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement over the runs: its grade in each, None where a run does not have it.

    `changes`: how often it broke or was mended; `flaky`: that it did so while nothing else changed.
    """

    requirement: str
    grades: tuple[str | None, ...]
    changes: int
    flaky: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """The last runs against one target, the oldest first. `total`: how many there are altogether."""

    url: str
    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    total: int

    @property
    def flaky(self) -> list[str]:
        """The requirements that nobody can rely on."""
        return [line.requirement for line in self.lines if line.flaky]

    @property
    def headline(self) -> str:
        """How it stands, since when, and what the last run brought."""
        last = self.points[-1]
        verdict = last.run.seen.verdict
        same = _row(point.run.seen.verdict == verdict for point in self.points)
        at_least = " or more" if same == len(self.points) < self.total else ""
        for_runs = f" for {same}{at_least} runs" if same > 1 else ""
        new = list(dict.fromkeys(requirement for requirement, _ in last.alarming))
        fixed = list(dict.fromkeys(requirement for requirement, _ in last.fixed))
        said = [
            f"new: {listed(new[:6])}{' and more' if len(new) > 6 else ''}" if new else "nothing new",
            *([f"fixed: {listed(fixed[:6])}"] if fixed else []),
            *([f"flaky: {listed(self.flaky[:6])}"] if self.flaky else []),
        ]
        return f"{verdict}{for_runs}; {'; '.join(said)}"


def _row(same: Iterable[bool]) -> int:
    """How many of the last ones are so, one after the other."""
    count = 0
    for one in reversed(list(same)):
        if not one:
            break
        count += 1
    return count


@dataclass(slots=True)
class _Last:
    """The last run that judged a requirement: whether it broke, and how it was looked at (`whole`: not cut short)."""

    broken: bool
    profile: str | None
    whole: bool
    circumstances: tuple[str | None, str | None, str]


@dataclass(slots=True)
class _Walk:
    """Goes through the runs of a target in their order."""

    open: dict[Key, str | None] = field(default_factory=dict)
    """Every violation that has not been seen mended, with the smallest profile that has shown it."""
    last: dict[str, _Last] = field(default_factory=dict)
    turns: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """By requirement, each change: the position of its run, and how much it weighs while nothing else changed."""

    def take(self, position: int, run: Run) -> Point:
        new: list[Key] = []
        fixed: list[Key] = []
        for requirement in run.seen.grades:
            if not run.seen.judges(requirement) or not (
                run.seen.tried.get(requirement) or run.seen.grades[requirement] in BROKEN
            ):
                continue
            self._violations(run, requirement, new, fixed)
            self._turn(position, run, requirement)
        return Point(run, tuple(new) if position else (), tuple(fixed))

    def _violations(self, run: Run, requirement: str, new: list[Key], fixed: list[Key]) -> None:
        seen = run.seen
        for key in [key for key in seen.found if key[0] == requirement]:
            if key not in self.open:
                new.append(key)
                self.open[key] = seen.profile
            elif smaller(seen.profile, self.open[key]):
                self.open[key] = seen.profile
        for key in [key for key in self.open if key[0] == requirement and key not in seen.found]:
            if not seen.doubt(requirement, self.open[key]):
                fixed.append(key)
                del self.open[key]

    def _turn(self, position: int, run: Run, requirement: str) -> None:
        """Note whether the requirement broke or was mended, where this run and the last one can tell."""
        broken = run.seen.grades[requirement] in BROKEN
        before = self.last.get(requirement)
        if before is not None and before.broken != broken:
            if not broken and run.seen.doubt(requirement, before.profile):
                # It may well be broken still.
                return
            if not broken or (before.whole and not smaller(before.profile, run.seen.profile)):
                # Who names no version of the target has to see it go there and back before it is called flaky.
                weight = 2 if run.version is not None else 1
                same = before.circumstances == run.circumstances
                self.turns.setdefault(requirement, []).append((position, weight if same else 0))
        self.last[requirement] = _Last(broken, run.seen.profile, not run.seen.cut_short, run.circumstances)


def trend_of(url: str, runs: Sequence[Run], last: int) -> Trend:
    """The trend of the last so many of the runs (all against `url`, the oldest first; at least one)."""
    walk = _Walk()
    points = [walk.take(position, run) for position, run in enumerate(runs)]
    first = max(0, len(runs) - last)
    shown = points[first:]
    names = dict.fromkeys(key for point in reversed(shown) for key in point.run.seen.grades)
    lines = [
        Line(
            name, tuple(point.run.seen.grades.get(name) for point in shown), *_unsteady(walk.turns.get(name, []), first)
        )
        for name in names
    ]
    return Trend(url, tuple(shown), tuple(lines), len(runs))


def _unsteady(turns: Iterable[tuple[int, int]], first: int) -> tuple[int, bool]:
    """How often a requirement changed in the runs that are shown, and whether it is flaky."""
    seen = [weight for position, weight in turns if position > first]
    return len(seen), sum(seen) >= 2


def counted(trend: Trend) -> str:
    """How many runs there are, in words."""
    shown = len(trend.points)
    return plural(shown, "run") if shown == trend.total else f"the last {shown} of {trend.total:,} runs"
