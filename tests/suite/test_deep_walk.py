"""The deep tour without a target: what is counted, and that the walk gets everywhere in nearly the fewest requests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import pytest
from benchmarks.walks import lower_bound, space_of

from stagecheck.model.requests import Form
from stagecheck.model.state import Placement, Reading
from stagecheck.suite.deep.coverage import Coverage
from stagecheck.suite.deep.space import FORMS, Space
from stagecheck.suite.deep.walk import Walk
from stagecheck.wire import bodies

pytestmark = pytest.mark.long

Window = tuple[int, ...]
"""A state and the transitions that follow it."""

MOST = 1.03
"""Requests to the lower bound. A closed walk is the bound, and the shortest lengths are walked beforehand."""


def number(space: Space, window: Window) -> int:
    found = window[0]
    for transition in window[1:]:
        found = space.longer(found, transition)
    return found


def promised(space: Space, state: int, transition: int, reading: Reading) -> int:
    """The state afterwards, by the contract: written here once more, in other words than the model's."""
    service, stage, body = space.request(transition)
    placements = placements_of(space, state)
    here = placements[service]
    if body.form is not Form.TRUE:
        now = Placement(stage, skipped=False)
    elif stage == here.stage:
        now = Placement(stage, skipped=True)
    else:
        now = {
            Reading.MOVE_AND_SKIP: Placement(stage, skipped=True),
            Reading.MOVE_UNSKIPS: Placement(stage, skipped=False),
            Reading.SKIP_IN_PLACE: Placement(here.stage, skipped=True),
            Reading.REFUSE: here,
        }[reading]
    after = space.state({**placements, service: now})
    assert after is not None
    return after


def placements_of(space: Space, state: int) -> dict[str, Placement]:
    found: dict[str, Placement] = {}
    for service in reversed(space.services):
        state, place = divmod(state, 2 * len(space.stages))
        found[service] = Placement(space.stages[place // 2], skipped=bool(place % 2))
    return found


Target = Callable[[int, int], int]
"""Where a state and a transition lead; it may remember what came before."""


@dataclass
class Drive:
    """A walk over a space, with a target that is a function."""

    space: Space
    reading: Reading = Reading.MOVE_AND_SKIP
    target: Target | None = None
    state: int = 0
    sent: list[tuple[int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.coverage = Coverage(self.space)
        self.walk = Walk(self.coverage, self.reading)

    def right(self, state: int, transition: int) -> int:
        return promised(self.space, state, transition, self.reading)

    def steps(self, length: int) -> Iterator[int]:
        while (transition := self.walk.next(self.state, length)) is not None:
            right = self.right(self.state, transition)
            after = right if self.target is None else self.target(self.state, transition)
            self.coverage.note(self.state, transition, after=after, promised=right)
            self.sent.append((self.state, transition, after))
            self.state = after
            yield transition

    def go(self, requests: int = 10**6) -> Drive:
        every = (step for length in range(1, self.space.depth + 1) for step in self.steps(length))
        for _ in islice(every, requests):
            pass
        return self

    def recounted(self) -> set[Window]:
        """The windows of what was sent, found by looking at every stretch of it."""
        found: set[Window] = set()
        for start in range(len(self.sent)):
            for end in range(start + 1, min(start + self.space.depth, len(self.sent)) + 1):
                stretch = self.sent[start:end]
                if all(self.right(state, t) == after for state, t, after in stretch[:-1]):
                    found.add((stretch[0][0], *(t for _, t, _ in stretch)))
        return found


def tried(coverage: Coverage) -> set[int]:
    return {window for window, was in enumerate(coverage.tried) if was}


# ---------------------------------------------------------------------- the space


@pytest.mark.parametrize(
    ("extent", "windows"), [((2, 3, 1), 864), ((3, 3, 1), 10_368), ((2, 3, 2), 20_736), ((1, 3, 2), 864)]
)
def test_there_are_so_many_windows(extent: tuple[int, int, int], windows: int) -> None:
    space = space_of(*extent)
    assert space.total(space.depth) == windows
    assert space.first[-1] == sum(space.total(length) for length in range(space.depth + 1))


@pytest.mark.parametrize("extent", [(2, 1, 1), (2, 3, 1), (2, 2, 2), (1, 3, 2)])
@pytest.mark.parametrize("reading", Reading)
def test_what_is_left_of_a_window_follows_the_contract(extent: tuple[int, int, int], reading: Reading) -> None:
    space = space_of(*extent)
    rest = space.rest(reading)
    assert len(rest) == space.first[-1]
    for state in range(space.states):
        assert space.state(placements_of(space, state)) == state
        assert rest[state] == -1
        for transition in range(space.transitions):
            after = promised(space, state, transition, reading)
            assert rest[space.longer(state, transition)] == after
            for second in range(space.transitions if space.depth > 1 else 0):
                window = number(space, (state, transition, second))
                assert rest[window] == space.longer(after, second)
                assert space.length(window) == 2


def test_what_is_none_of_its_transitions_has_no_number() -> None:
    space = space_of(1, 2, 1)
    service, stage, body = space.request(3)
    assert space.transition(service, stage, body) == 3
    assert space.transition(service, "another", body) is None
    assert space.transition("another", stage, body) is None
    assert space.transition(service, stage, bodies.TRUE_EXTRA) is None
    assert [form.form for form in FORMS] == [Form.ABSENT, Form.OMITTED, Form.FALSE, Form.TRUE]
    assert space.state({}) is None
    assert space.state({service: Placement("another", skipped=False)}) is None


# ---------------------------------------------------------------------- the coverage


@pytest.mark.parametrize("extent", [(1, 2, 1), (3, 2, 1), (2, 2, 2)])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_counted_is_what_a_recount_finds(extent: tuple[int, int, int], seed: int) -> None:
    """Random transitions; some go elsewhere, and sometimes something else comes in between."""
    chance, space = random.Random(seed), space_of(*extent)
    drive, recounted = Drive(space), set[Window]()
    for _ in range(400):
        drive.state = chance.randrange(space.states) if chance.random() < 0.1 else drive.state
        for _ in range(chance.randrange(8)):
            transition = chance.randrange(space.transitions)
            right = drive.right(drive.state, transition)
            after = chance.randrange(space.states) if chance.random() < 0.1 else right
            drive.coverage.note(drive.state, transition, after=after, promised=right)
            drive.sent.append((drive.state, transition, after))
            drive.state = after
        drive.coverage.interrupt()
        recounted |= drive.recounted()
        drive.sent.clear()
    assert tried(drive.coverage) == {number(space, window) for window in recounted}
    for length in range(1, space.depth + 1):
        assert drive.coverage.count(length) == sum(len(window) == length + 1 for window in recounted)


def test_what_comes_in_between_ends_a_window_and_so_does_what_went_elsewhere() -> None:
    space = space_of(2, 2, 1)
    coverage = Coverage(space)
    coverage.note(0, 0, after=0, promised=0)
    coverage.note(0, 1, after=0, promised=0)
    assert (coverage.count(1), coverage.count(2)) == (2, 1)
    coverage.interrupt()
    coverage.note(0, 2, after=0, promised=0)
    assert (coverage.count(1), coverage.count(2)) == (3, 1)
    coverage.note(0, 3, after=2, promised=1)
    assert (coverage.count(1), coverage.count(2)) == (4, 2)
    coverage.note(2, 0, after=0, promised=0)
    assert (coverage.count(1), coverage.count(2)) == (5, 2)
    coverage.note(3, 0, after=0, promised=0)
    assert (coverage.count(1), coverage.count(2)) == (6, 2), "it was not sent from where the last one led"
    assert coverage.strayed == {number(space, (0, 3)), number(space, (0, 2, 3))}


# ---------------------------------------------------------------------- the walk


SMALL = [(1, 3, 1), (2, 3, 1), (1, 3, 2), (3, 2, 1), (2, 2, 2)]
LARGE = [((3, 3, 1), Reading.MOVE_AND_SKIP), ((3, 3, 1), Reading.REFUSE), ((2, 3, 2), Reading.MOVE_AND_SKIP)]


@pytest.mark.parametrize(("extent", "reading"), [*((e, r) for e in SMALL for r in Reading), *LARGE])
def test_everything_is_tried_in_nearly_the_fewest_requests(extent: tuple[int, int, int], reading: Reading) -> None:
    space = space_of(*extent)
    drive = Drive(space, reading).go()
    assert all(drive.coverage.complete(length) for length in range(1, space.depth + 1))
    assert len(drive.sent) <= MOST * lower_bound(space, reading) + 1


def test_the_bound_is_what_it_is_by_hand() -> None:
    """One transition, move-and-skip: skipped states are left 12 times and come to 6 times, each a request short."""
    assert lower_bound(space_of(1, 3, 1), Reading.MOVE_AND_SKIP) == 72 + 3 * 6


@pytest.mark.parametrize("reading", Reading)
def test_from_any_state_and_any_start_it_goes_on(reading: Reading) -> None:
    space, chance = space_of(2, 2, 1), random.Random(1)
    for state in range(space.states):
        drive = Drive(space, reading, state=state)
        for _ in range(30):
            transition = chance.randrange(space.transitions)
            after = drive.right(drive.state, transition)
            drive.coverage.note(drive.state, transition, after=after, promised=after)
            drive.state = after
        assert drive.go().coverage.complete(2)


def test_it_goes_the_same_way_every_time() -> None:
    space = space_of(2, 3, 1)
    assert Drive(space).go().sent == Drive(space).go().sent


def test_the_shorter_ones_are_tried_first_and_a_budget_is_told_exactly() -> None:
    space = space_of(3, 3, 1)
    for requests in (50, 90, 700, 1249, 5000):
        drive = Drive(space).go(requests)
        recounted = drive.recounted()
        for length in range(1, 4):
            assert drive.coverage.count(length) == sum(len(window) == length + 1 for window in recounted)
        assert drive.coverage.complete(1) == (requests >= 90)
        assert drive.coverage.complete(2) == (requests >= 1249)
        assert len(drive.sent) == requests


# ---------------------------------------------------------------------- targets that go elsewhere


def elsewhere(drive: Drive, strays: Mapping[Window, int]) -> Target:
    """A target that does otherwise upon some windows only: it remembers what came before."""
    past: list[tuple[int, int]] = []

    def answer(state: int, transition: int) -> int:
        past.append((state, transition))
        for window, after in strays.items():
            recent = past[-len(window) + 1 :]
            if (recent[0][0], *(t for _, t in recent)) == window:
                return after
        return drive.right(state, transition)

    return answer


def test_a_memory_of_the_full_depth_leaves_everything_within_reach() -> None:
    space = space_of(2, 3, 1)
    drive = Drive(space)
    strays: dict[Window, int] = {(0, 3, 5): 3, (1, 0, 0): 4, (4, 11, 8): 5}
    drive.target = elsewhere(drive, strays)
    drive.go()
    assert drive.coverage.complete(2)
    assert drive.coverage.strayed >= {number(space, window) for window in strays}


@pytest.mark.parametrize("extent", [(2, 3, 1), (3, 2, 1)])
def test_behind_a_transition_that_always_goes_elsewhere_nothing_is_claimed(extent: tuple[int, int, int]) -> None:
    space = space_of(*extent)
    drive = Drive(space)
    drive.target = elsewhere(drive, {(0, 5): 0})
    drive.go()
    behind = [window for window in range(space.first[2], space.first[3]) if _begins(space, window, 0, 5)]
    assert drive.coverage.complete(1)
    assert drive.coverage.count(2) == space.total(2) - len(behind)
    assert len(behind) == space.transitions
    assert not any(drive.coverage.tried[window] for window in behind)
    assert len(drive.sent) < 2 * space.total(space.depth)


def _begins(space: Space, window: int, state: int, transition: int) -> bool:
    while window >= space.first[2]:
        window = (window - space.states) // space.transitions
    return window == space.longer(state, transition)


def test_a_target_without_any_rule_does_not_stop_the_account() -> None:
    space, chance = space_of(2, 2, 1), random.Random(3)
    drive = Drive(space, target=lambda _, __: chance.randrange(space.states))
    drive.go(3000)
    assert tried(drive.coverage) == {number(space, window) for window in drive.recounted()}
