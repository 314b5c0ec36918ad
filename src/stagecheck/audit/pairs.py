"""Two seeded defects in one target: whether one run finds both, or one of them masks the other.

A defect is found where the run reports what the defect shows alone: the same requirement with the same cause. A run
goes on until both are found or the budget of its profile is spent; ending it then changes nothing of what is said.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from stagecheck.audit.combine import combined
from stagecheck.audit.defect import DEFECTS, Defect, alone
from stagecheck.audit.matrix import spread
from stagecheck.audit.target import embedded_run
from stagecheck.embedded import EMBEDDED_URL, embedded_client
from stagecheck.exchange import Exchange
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.outcome import Violation
from stagecheck.suite.plan import ProfileName
from stagecheck.target.client import Client, Limits
from stagecheck.witness import against

SCHEMA = 1
ENOUGH = 0.95
"""The share of the pairs of which one run has to find both."""
Signature = tuple[str, str]
"""Requirement and cause of a violation."""
Make = Callable[[Scenario], Mock]


@dataclass(frozen=True, slots=True)
class Masked:
    """A defect that a run does not show beside another one, and why, in a sentence."""

    name: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Pair:
    """What a run says of a target with two defects. `error`: why there was no result, None if there was one."""

    first: str
    second: str
    requests: int
    found: tuple[Signature, ...]
    masked: tuple[Masked, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PairsResult:
    """What runs say of random pairs. `drawn_again`: pairs that were not tried, and why."""

    seed: int
    profile: str
    pairs: tuple[Pair, ...]
    drawn_again: tuple[tuple[str, str, str], ...]
    duration_s: float

    @property
    def share(self) -> float:
        """The share of the pairs of which both were found."""
        return sum(not pair.masked for pair in self.pairs) / len(self.pairs) if self.pairs else 0.0

    @property
    def passed(self) -> bool:
        """Whether both are found often enough."""
        return self.share >= ENOUGH

    def to_json(self) -> dict[str, Any]:
        """The result as plain values for JSON."""
        return {"schema": SCHEMA, "passed": self.passed, "share": self.share, **asdict(self)}


def audit_pairs(
    count: int,
    seed: int = 0,
    jobs: int = 1,
    profile: str = ProfileName.NIGHTLY,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> PairsResult:
    """Run the suite against `count` random pairs of defects, in `jobs` processes. The same seed, the same pairs."""
    started = time.monotonic()
    draws = _draws(seed)
    pairs: list[Pair] = []
    again: list[tuple[str, str, str]] = []
    while len(pairs) < count:
        taken: list[tuple[str, str, str]] = []
        while len(taken) < count - len(pairs):
            first, second = next(draws)
            if not combined(DEFECTS[first], DEFECTS[second]):
                again.append((first, second, "a hook of the one never asks the other"))
            else:
                taken.append((first, second, ProfileName(profile).value))
        for pair in spread(pair_judged, taken, jobs, lambda work: progress(f"{work[0]} + {work[1]}")):
            if pair.error is None:
                pairs.append(pair)
            else:
                again.append((pair.first, pair.second, pair.error))
    return PairsResult(seed, ProfileName(profile).value, tuple(pairs), tuple(again), time.monotonic() - started)


def _draws(seed: int) -> Iterator[tuple[str, str]]:
    """Random pairs of different defects that one client meets, each pair once."""
    chosen, drawn, names = random.Random(seed), set(), list(alone())  # noqa: S311  (a choice, not a secret)
    while True:
        first, second = chosen.sample(names, 2)
        pair = frozenset((first, second))
        if pair not in drawn:
            drawn.add(pair)
            yield first, second


# ---------------------------------------------------------------------- one pair


def pair_judged(work: tuple[str, str, str]) -> Pair:
    """Judge one pair: (first, second, profile). The function that worker processes run."""
    first, second, profile = DEFECTS[work[0]], DEFECTS[work[1]], ProfileName(work[2])
    try:
        return _judged(first, second, _mock_of(first, second, profile), profile)
    except Exception as error:  # noqa: BLE001  # two mocks that do not go together say nothing of the suite
        return Pair(first.name, second.name, 0, (), error=f"together they end in {type(error).__name__}: {error}")


def _mock_of(first: Defect, second: Defect, profile: ProfileName) -> Make:
    """A mock with both; of the two orders the one in which each shows what it shows alone, if there is one."""
    orders = combined(first, second)
    stories = [story for defect in (first, second) if (story := _story(defect, profile)) is not None]
    return next((mock for mock in orders if all(_told(story, mock).same for story in stories)), orders[0])


def _judged(first: Defect, second: Defect, mock: Make, profile: ProfileName) -> Pair:
    soon = (_signatures(first, profile), _signatures(second, profile))
    names = first.right_names | second.right_names
    seen: set[Signature] = set()

    def both(violation: Violation) -> bool:
        seen.add(_signature(violation))
        return all(told_apart(seen, *soon, names))

    result = embedded_run(mock, profile=profile, enough=both)
    found = tuple(map(_signature, result.violations))
    shown = told_apart(found, *soon, names)
    if not all(shown):
        mine, theirs = (_signatures(one, profile, whole=True) for one in (first, second))
        shown = told_apart(found, mine, theirs, names)
    masked = [
        Masked(hidden.name, other.name, _why(hidden, other, mock, found, profile))
        for hidden, other, is_shown in ((first, second, shown[0]), (second, first, shown[1]))
        if not is_shown
    ]
    return Pair(first.name, second.name, result.requests, found, tuple(masked))


def told_apart(
    found: Iterable[Signature], first: frozenset[Signature], second: frozenset[Signature], names: frozenset[str]
) -> tuple[bool, bool]:
    """Whether a run shows each of two defects, which show `first` and `second` alone, under one of the right `names`.

    One violation that either would show is no sign of both: there has to be another one.
    """
    right = {signature for signature in found if signature[0] in names}
    mine, theirs = right & first, right & second
    if mine and theirs and len(right) == 1:
        return True, False
    return bool(mine), bool(theirs)


@cache
def _alone(name: str, profile: ProfileName, *, whole: bool = False) -> tuple[Violation, ...]:
    """What a defect shows alone under its right names: soon after the first time, or in the whole budget."""
    defect = DEFECTS[name]
    result = embedded_run(defect.mock, profile=profile, enough=(lambda _: False) if whole else defect.names)
    return tuple(filter(defect.names, result.violations))


def _signatures(defect: Defect, profile: ProfileName, *, whole: bool = False) -> frozenset[Signature]:
    return frozenset(map(_signature, _alone(defect.name, profile, whole=whole)))


def _signature(violation: Violation) -> Signature:
    return violation.breach.requirement, violation.breach.cause


# ---------------------------------------------------------------------- why


def _story(defect: Defect, profile: ProfileName) -> Violation | None:
    """The shortest story that shows a defect alone, without the model."""
    stories = [violation for violation in _alone(defect.name, profile) if violation.witness and violation.steps]
    return min(stories, key=lambda violation: len(violation.steps), default=None)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the steps of a story come to on another mock: what its last answer shows against the witness, and `now`."""

    then: str | None
    here: str | None
    steps: tuple[tuple[Exchange, Exchange], ...]

    @property
    def same(self) -> bool:
        """Whether the same thing is wrong."""
        return self.then is not None and self.then == self.here


def _told(story: Violation, mock: Make) -> _Told:
    steps = story.steps[: story.wrong % len(story.steps) + 1]
    with embedded_client(mock(embedded())) as http:
        client = Client(EMBEDDED_URL, http, Limits())
        now = [client.send(step.request) for step in steps]
    shows = story.witness or {}
    return _Told(against(shows, steps), against(shows, now), tuple(zip(steps, now, strict=True)))


def _why(hidden: Defect, other: Defect, mock: Make, found: Iterable[Signature], profile: ProfileName) -> str:
    """Why a defect is not seen beside another: what its shortest story alone comes to where both are."""
    story = _story(hidden, profile)
    if story is None:
        return f"what {hidden.name} shows alone needs the model to be told"
    name, told = " ".join(_signature(story)), _told(story, mock)
    if told.same and _signature(story) in set(found):
        return f"{other.name} shows {name} as well, and nothing else of either was seen"
    if told.same:
        return f"the {len(told.steps)} steps that show {name} alone show it here too: the suite does not say so"
    number, (then, here) = next(
        ((n, both) for n, both in enumerate(told.steps, 1) if both[0].status != both[1].status),
        (len(told.steps), told.steps[-1]),
    )
    instead = f"is answered {here.status}, alone {then.status}"
    if then.status == here.status:
        instead = f"shows {told.here or 'nothing wrong'}, alone {told.then}"
    step = f"step {number} of {len(told.steps)} that show {name} alone ({then.request.method}"
    return f"{other.name} comes before it: {step} {_body(then)}) {instead}"


def _body(exchange: Exchange) -> str:
    body = exchange.request.body
    return "without a body" if body is None else f"with {body[:40].decode('utf-8', 'replace')}"
