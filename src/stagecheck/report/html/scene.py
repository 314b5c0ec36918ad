"""A violation as a scene to be drawn: stages as columns, a frame for each request, services as tokens in the cells.

The last frame holds what was expected beside what came. Nothing here knows of pixels or markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from stagecheck.report.html.expectation import Expected, expected_of, resolved
from stagecheck.report.html.labels import Labels
from stagecheck.report.html.snapshots import Snapshot, Standing, cut, snapshot_of
from stagecheck.report.html.text import listed

MOST_COLUMNS = 6
MOST_SERVICES = 5
MOST_FRAMES = 10
_ALWAYS_ALL, _AT_LEAST = 3, 2


@dataclass(frozen=True, slots=True)
class Token:
    """A service in a cell. `role`: empty, `expected` (and not there) or `actual` (and not expected)."""

    service: str
    label: str
    kind: str
    skipped: bool | None
    role: str = ""

    @property
    def note(self) -> str:
        """The second line of the token."""
        if self.role:
            return f"{self.role}, {self.flag}"
        return self.flag if self.skipped is not False else self.kind.lower()

    @property
    def flag(self) -> str:
        """Whether it is skipped, in words."""
        return {True: "skipped", False: "not skipped", None: "flag not shown"}[self.skipped]


@dataclass(frozen=True, slots=True)
class Column:
    """A stage that is drawn."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One request and what its answer shows.

    `cells`: the tokens by stage; `others`: how many more services stand there; `shown`: the stages that the answer
    shows, None if it shows none; `whole`: they are all there are. `skipped_over`: requests before it, not drawn.
    `cut`: of its answer only the beginning is recorded.
    """

    number: int
    words: str
    brief: str
    status: str
    set_up: bool
    addressed: str | None
    cells: Mapping[str, tuple[Token, ...]]
    others: Mapping[str, int]
    shown: frozenset[str] | None
    whole: bool
    wrong: bool = False
    skipped_over: int = 0
    cut: bool = False

    @property
    def nothing(self) -> str:
        """Why the frame shows no stages; empty where it shows some."""
        if self.shown is not None:
            return ""
        return "the answer is longer than what is recorded of it" if self.cut else "no stages in the answer"


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is drawn of one violation. `sentences`: the same in words, one for each step."""

    columns: tuple[Column, ...]
    frames: tuple[Frame, ...]
    sentences: tuple[str, ...]
    left_out: int


def scene_of(violation: Mapping[str, Any]) -> Scene | None:
    """The scene of a violation; None where it has no steps."""
    steps = violation["steps"]
    if not steps:
        return None
    snapshots = [snapshot_of(step) for step in steps]
    told = violation.get("reproducer")
    story: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    wrong = story.get("wrong")
    last = wrong if isinstance(wrong, int) and 0 <= wrong < len(steps) else len(steps) - 1
    labels = Labels.of(steps, snapshots, story)
    expected = expected_of(resolved(story), snapshots, steps, last)
    drawn = list(_services(labels.addressed, snapshots, expected))[:MOST_SERVICES]
    columns, left_out = _columns(labels, snapshots, drawn, expected)
    keys = [column.key for column in columns]
    frames = [
        _frame(number, labels, snapshots[number], drawn, keys, expected if number == last else None)
        for number in range(len(steps))
    ]
    frames[last] = replace(frames[last], wrong=True)
    return Scene(columns, _few(frames), tuple(_sentence(frame, columns) for frame in frames), left_out)


def _services(
    addressed: Sequence[tuple[str | None, str | None]], snapshots: Sequence[Snapshot | None], expected: Expected
) -> Iterator[str]:
    """The services that the story is about: what was expected of, what was addressed, what changed."""
    seen: set[str] = set()
    for service in (
        *expected.places,
        *(service for _, service in addressed if service is not None),
        *_changed([snapshot for snapshot in snapshots if snapshot is not None and snapshot.whole]),
    ):
        if service not in seen:
            seen.add(service)
            yield service


def _changed(snapshots: Sequence[Snapshot]) -> Iterator[str]:
    everywhere = [_everything(snapshot) for snapshot in snapshots]
    for before, after in pairwise(everywhere):
        yield from (service for service in {**before, **after} if before.get(service) != after.get(service))


def _everything(snapshot: Snapshot) -> dict[str, Counter[tuple[str, bool | None]]]:
    placed: dict[str, Counter[tuple[str, bool | None]]] = {}
    for stage, here in snapshot.stages.items():
        for one in here:
            placed.setdefault(one.service, Counter())[stage, one.skipped] += 1
    return placed


def _columns(
    labels: Labels, snapshots: Sequence[Snapshot | None], drawn: Sequence[str], expected: Expected
) -> tuple[tuple[Column, ...], int]:
    """The stages to draw, in their order, and how many are left out: all of a few, else those that matter."""
    whole = [snapshot for snapshot in snapshots if snapshot is not None and snapshot.whole]
    every = list(dict.fromkeys(key for snapshot in snapshots if snapshot is not None for key in snapshot.stages))
    named = [stage for stage, _ in labels.addressed if stage is not None]
    wanted = [*expected.stages, *(stage for places in expected.places.values() for stage, _ in places), *named]
    for snapshot in snapshots:
        wanted += [stage for service in drawn if snapshot for stage, _ in snapshot.places(service)]
    wanted += [key for key in every if whole and not all(key in snapshot.stages for snapshot in whole)]
    everything = list(dict.fromkeys((*every, *wanted)))
    needed = set(everything if len(everything) <= _ALWAYS_ALL else list(dict.fromkeys(wanted))[:MOST_COLUMNS])
    needed |= set(everything[:_AT_LEAST]) if len(needed) < _AT_LEAST else set()
    kept = [key for key in everything if key in needed]
    return tuple(Column(key, labels.stage(key)) for key in kept), len(everything) - len(kept)


def _frame(
    number: int,
    labels: Labels,
    snapshot: Snapshot | None,
    drawn: Sequence[str],
    keys: Sequence[str],
    expected: Expected | None,
) -> Frame:
    cells: dict[str, list[Token]] = {key: [] for key in keys}
    others: dict[str, int] = {}
    for key in keys if snapshot else ():
        here = snapshot.stages.get(key, ()) if snapshot else ()
        cells[key] = [_token(one, labels) for one in here if one.service in drawn]
        others[key] = len(here) - len(cells[key])
    if expected is not None:
        _compare(cells, expected, labels)
    return Frame(
        number=number + 1,
        words=labels.words(number),
        brief=labels.words(number, brief=True),
        status=labels.status(number),
        set_up=labels.set_up(number),
        addressed=labels.addressed[number][0],
        cells={key: tuple(sorted(tokens, key=_rank(drawn))) for key, tokens in cells.items()},
        others=others,
        shown=frozenset(snapshot.stages) if snapshot else None,
        whole=bool(snapshot and snapshot.whole),
        cut=cut(labels.steps[number]),
    )


def _sentence(frame: Frame, columns: Sequence[Column]) -> str:
    """What a frame shows, in words."""
    if frame.shown is None:
        return frame.nothing
    shows = [
        f"service {token.label} in stage {column.label}, {token.flag}"
        for column in columns
        for token in frame.cells[column.key]
        if token.role != "expected"
    ]
    missing = [column.label for column in columns if frame.whole and column.key not in frame.shown]
    if missing:
        shows.append(f"stage {listed(missing)} not listed")
    return "; ".join(shows) or "nothing of these services"


def _rank(drawn: Sequence[str]) -> Any:
    return lambda token: (drawn.index(token.service) if token.service in drawn else len(drawn), token.role)


def _token(one: Standing, labels: Labels) -> Token:
    return Token(one.service, labels.service(one.service), one.kind, one.skipped)


def _compare(cells: dict[str, list[Token]], expected: Expected, labels: Labels) -> None:
    """Mark what came and was not expected, and add what was expected and did not come."""
    for service, places in expected.places.items():
        missing = Counter(places)
        for key, tokens in cells.items():
            for position, token in enumerate(tokens):
                if token.service != service:
                    continue
                if missing[key, token.skipped] > 0:
                    missing[key, token.skipped] -= 1
                else:
                    tokens[position] = replace(token, role="actual")
        for (key, skipped), times in missing.items():
            if key in cells:
                cells[key] += [Token(service, labels.service(service), "", skipped, "expected")] * times


def _few(frames: list[Frame]) -> tuple[Frame, ...]:
    """All of a few frames, else the first and the last ones."""
    if len(frames) <= MOST_FRAMES:
        return tuple(frames)
    wrong = next(number for number, frame in enumerate(frames) if frame.wrong)
    first, end = frames[:2], frames[max(2, wrong - MOST_FRAMES + 3) : wrong + 1]
    if not end or end[0].number == len(first) + 1:
        return (*first, *end)
    return (*first, replace(end[0], skipped_over=end[0].number - len(first) - 1), *end[1:])
