"""Whole runs against the embedded target: the verdict, the budget, the same seed."""

from __future__ import annotations

from functools import cache

import pytest

from stagecheck.audit import DEFECTS
from stagecheck.contract import CATALOGUE
from stagecheck.errors import BudgetSpent
from stagecheck.exchange import Exchange
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.state import Reading
from stagecheck.operations import OperationKey
from stagecheck.outcome import Grade, Level, RunResult, Verdict
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.suite.registry import CHECKED
from stagecheck.target.client import Limits
from suite.rig import Rig, by_id, named, rig

pytestmark = pytest.mark.long


@cache
def done(*, quick: bool, seed: int = 0) -> tuple[Rig, RunResult]:
    """One finished run of the embedded target, shared by the tests that only look at it."""
    made = rig(quick=quick, seed=seed)
    return made, made.run()


# ---------------------------------------------------------------------- the verdict


@pytest.mark.parametrize("quick", [True, False])
def test_the_embedded_target_conforms(*, quick: bool) -> None:
    made, result = done(quick=quick)
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert result.notes == ()
    assert result.reading["SKIP-2"] == "move-and-skip"
    assert set(result.offers) == set(OperationKey) - ({"move-after"} if quick else set())
    assert made.moved() == {}
    assert result.requests == len(made.exchanges) == sum(result.phases.values())
    assert result.requests <= PROFILES[ProfileName.QUICK if quick else ProfileName.NIGHTLY].requests
    assert [requirement.id for requirement in result.requirements] == list(CATALOGUE)


def test_a_nightly_run_exercises_every_requirement_that_has_a_check() -> None:
    _, result = done(quick=False)
    results = by_id(result)
    assert [key for key in CHECKED if results[key].exercised == 0] == []
    for key, requirement in results.items():
        wanted = Grade.NOT_TESTED if key not in CHECKED else None
        assert (requirement.grade is Grade.NOT_TESTED) == (wanted is not None), key
        if requirement.level is not Level.OPEN and key in CHECKED:
            assert requirement.grade is Grade.PASS


@pytest.mark.parametrize("defect", ["arrays-are-true", "scheme-in-capitals-refused", "orders-all-zero"])
def test_a_broken_should_leaves_a_quick_run_requests_enough_for_a_verdict(defect: str) -> None:
    result = rig(mock=DEFECTS[defect].mock(embedded()), quick=True).run()
    assert result.verdict is Verdict.NON_STRICT
    assert [one.id for one in result.requirements if one.grade is Grade.INCONCLUSIVE] == []


def test_a_quick_run_leaves_none_untested_either() -> None:
    _, result = done(quick=True)
    results = by_id(result)
    assert [key for key in CHECKED if results[key].exercised == 0] == []


@pytest.mark.parametrize("reading", Reading)
def test_each_reading_is_told_and_conforms(reading: Reading) -> None:
    made = rig(Mock(embedded(reading)))
    result = made.run()
    assert result.verdict is Verdict.CONFORMING
    assert result.reading["SKIP-2"] == reading.value
    assert made.moved() == {}


@pytest.mark.parametrize("pinned", Reading)
def test_a_pinned_reading_makes_the_others_a_failure(pinned: Reading) -> None:
    result = rig(reading=pinned).run()
    assert named(result) == (set() if pinned is Reading.MOVE_AND_SKIP else {"SKIP-2"})
    grade = by_id(result)["SKIP-2"].grade
    assert grade is (Grade.PASS if pinned is Reading.MOVE_AND_SKIP else Grade.FAIL)


@pytest.mark.parametrize("prefix", ["MOVE-4", "SKIP-1", "STATE-6", "SHAPE-1", "ERR-5", "ERR-9", "AUTH-2"])
def test_what_is_not_selected_is_not_graded(prefix: str) -> None:
    made = rig(selected=[prefix])
    results = by_id(made.run())
    assert results[prefix].grade is Grade.PASS
    assert {r.grade for key, r in results.items() if key != prefix} == {Grade.NOT_TESTED}
    assert made.moved() == {}


# ---------------------------------------------------------------------- the same seed


@pytest.mark.parametrize("quick", [True, False])
def test_two_runs_with_one_seed_send_the_same_requests(*, quick: bool) -> None:
    """But for clients that ask at once: which of them comes first is not ours to say."""
    first, second = (rig(quick=quick) for _ in range(2))
    for made in (first, second):
        made.limits = Limits(requests=made.plan.profile.requests, concurrency=1)
        made.run()
    assert first.sent == second.sent


def test_another_seed_sends_others() -> None:
    first, _ = done(quick=True)
    second, result = done(quick=True, seed=7)
    assert first.sent != second.sent
    assert result.verdict is Verdict.CONFORMING
    assert result.seed == 7


# ---------------------------------------------------------------------- the budget


@pytest.mark.parametrize(("budget", "quick"), [(20, True), (50, True), (100, True), (20, False), (50, False)])
def test_a_budget_is_kept_and_everything_put_back(budget: int, *, quick: bool) -> None:
    made = rig(quick=quick)
    made.limits = Limits(requests=budget)
    result = made.run()
    before = [exchange for exchange in made.exchanges if exchange.phase != "restore"]
    assert len(before) <= budget
    assert made.moved() == {}
    assert result.violations == ()
    untested = [r for r in result.requirements if r.exercised == 0 and r.id in CHECKED]
    assert all(r.reason for r in untested)
    assert {r.grade for r in untested} <= {Grade.INCONCLUSIVE, Grade.NOT_TESTED}


@pytest.mark.parametrize("budget", [1, 2, 3])
def test_a_budget_too_small_to_begin_says_so_and_leaves_nothing_moved(budget: int) -> None:
    made = rig()
    made.limits = Limits(requests=budget)
    with pytest.raises(BudgetSpent, match=f"budget of {budget} requests"):
        made.run()
    assert made.moved() == {}
    assert len([exchange for exchange in made.exchanges if exchange.phase != "restore"]) == budget


@pytest.mark.parametrize("budget", [4, 5, 8])
def test_a_budget_that_is_soon_spent_is_inconclusive(budget: int) -> None:
    made = rig()
    made.limits = Limits(requests=budget)
    assert made.run().verdict is Verdict.INCONCLUSIVE
    assert made.moved() == {}
    assert len([exchange for exchange in made.exchanges if exchange.phase != "restore"]) <= budget


def test_the_seconds_of_a_run_end_it_in_order() -> None:
    made = rig(quick=False)

    def hours_pass(exchange: Exchange) -> None:
        if exchange.number == 60:
            made.client._began -= 10_000

    made.on_exchange = hours_pass
    result = made.run()
    before = [exchange for exchange in made.exchanges if exchange.phase != "restore"]
    assert len(before) == 60
    assert made.moved() == {}
    assert result.violations == ()
