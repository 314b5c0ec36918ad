"""Somebody else who moves services during a run: nothing of it is held against the target, and it is left to them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from kit.thinned import EVERYTHING
from stagecheck.audit.defect import DEFECTS
from stagecheck.errors import LeftAlone
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.state import Placement
from stagecheck.outcome import Grade, RunResult, Verdict
from suite.rig import Rig, named, rig

pytestmark = pytest.mark.long

_RATES = (0.003, 0.01, 0.03, 0.1, 0.4)
"""How often somebody else moves something, for each request of the run."""
_WHOM = ("ours", "others", "any")
_BROKEN = (Grade.FAIL, Grade.NON_STRICT)
_SKIPPED = 0.4


class Shared(Mock):
    """Conforming, but somebody else uses it, too. `last`: where they have put which service."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.rate = 0.0
        self.whom: tuple[str, ...] = ()
        self.chance = random.Random(0)
        self.last: dict[str, Placement] = {}
        self.until = 1_000_000

    def handle(self, call: Call) -> Answer:
        self.until -= 1
        if self.until > 0 and self.chance.random() < self.rate:
            service = self.chance.choice(self.whom)
            stages = [stage.id for stage in self.world.stages_of(self.scenario.environment)]
            stage, skipped = self.chance.choice(stages), self.chance.random() < _SKIPPED
            self.last[service] = Placement(stage, skipped)
            self.world = self.world.placed(service, stage, skipped=skipped)
        return super().handle(call)


@dataclass
class Both:
    """A run beside somebody else."""

    made: Rig
    mock: Shared

    def run(self) -> RunResult | None:
        """The result; None where it could not even begin for their sake."""
        try:
            return self.made.run()
        except LeftAlone:
            return None


def _beside(seed: int, rate: float, whom: str, *, quick: bool, kind: Any = Shared) -> Both:
    scenario = embedded()
    mock = kind(scenario)
    services = scenario.services(scenario.environment)
    mock.rate, mock.chance = rate, random.Random(seed)
    mock.whom = {"ours": services[:3], "others": services[3:], "any": services}[whom]
    return Both(rig(mock, quick=quick, services=services[:3], seed=seed), mock)


def _broken(result: RunResult | None) -> list[str]:
    return [entry.id for entry in result.requirements if entry.grade in _BROKEN] if result else []


@pytest.mark.parametrize("seed", range(50) if EVERYTHING else range(0, 50, 5))
def test_nothing_of_their_doing_is_held_against_the_target(seed: int) -> None:
    both = _beside(seed, _RATES[seed % len(_RATES)], _WHOM[seed % len(_WHOM)], quick=True)
    result = both.run()
    assert _broken(result) == []
    assert result is None or result.violations == ()
    if result is not None and result.verdict is Verdict.CONFORMING:
        assert len(both.mock.last) <= 1, "what was disturbed so often cannot be sure"


@pytest.mark.parametrize("seed", range(15) if EVERYTHING else [3])
def test_nor_in_a_long_run(seed: int) -> None:
    both = _beside(seed, _RATES[seed % len(_RATES)], _WHOM[seed % len(_WHOM)], quick=False)
    assert _broken(both.run()) == []


@pytest.mark.parametrize("seed", [3, 11, 12, 13, 14, 15])
def test_what_is_theirs_is_left_alone_and_where_they_put_it(seed: int) -> None:
    both = _beside(seed, 0.1, "ours", quick=True)
    result = both.run()
    assert result is not None
    theirs = [
        key for key in both.made.plan.services if any(f"service {key} was moved by somebody" in n for n in result.notes)
    ]
    assert theirs
    for service in theirs:
        assert both.mock.world.placements[service] == both.mock.last[service]


def test_one_service_that_they_move_leaves_the_others_to_be_judged() -> None:
    both = _beside(5, 0.2, "ours", quick=True)
    both.mock.whom = both.made.plan.services[:1]
    result = both.run()
    assert result is not None
    assert _broken(result) == []
    exercised = {entry.id for entry in result.requirements if entry.grade is Grade.PASS}
    assert {"MOVE-1", "MOVE-3", "SKIP-1"} <= exercised
    assert both.mock.world.placements[both.mock.whom[0]] == both.mock.last[both.mock.whom[0]]
    homes = both.mock.scenario.world.placements
    others = [key for key in both.made.plan.services if key not in both.mock.whom]
    assert all(both.mock.world.placements[key] == homes[key] for key in others)


def test_somebody_who_has_ended_hides_no_defect() -> None:
    """What comes again whenever it is tried, with nothing else going on, is the target's."""
    defect = DEFECTS["absent-body-is-a-patch"]

    class SharedDefect(Shared, defect.mock):  # type: ignore[name-defined, misc]  # a mock by its name
        pass

    both = _beside(2, 0.1, "others", quick=True, kind=SharedDefect)
    both.mock.until = 20
    result = both.run()
    assert result is not None
    assert named(result) & {defect.requirement, *defect.accepts}
    assert result.verdict is Verdict.NON_CONFORMING
