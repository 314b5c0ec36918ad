"""Targets that offer less, and configs that name less: what can be tested is, the rest says why."""

from __future__ import annotations

from itertools import combinations

import pytest

from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import TOKEN, Scenario, embedded, scenario
from stagecheck.model.state import Reading
from stagecheck.operations import OperationKey
from stagecheck.outcome import Grade, Verdict
from stagecheck.suite.plan import Things
from stagecheck.suite.registry import CHECKED, STAGES
from stagecheck.target.credentials import Credentials
from suite.rig import Offering, Rig, by_id, named, rig

pytestmark = pytest.mark.long

READS = (OperationKey.LIST, OperationKey.GET_STAGE, OperationKey.GET_SERVICE_STAGE)
SUBSETS = [subset for size in range(4) for subset in combinations(READS, size)]


def small(stages: int, services: int) -> Scenario:
    """An environment of that many stages and services, the others as they are."""
    names = [f"STAGE {number}" for number in range(stages)]
    members = tuple((f"service-{number}", "APPLICATION", number == 1) for number in range(services))
    layout = {name: members if name == names[0] else () for name in names}
    second: dict[str, tuple[tuple[str, str, bool], ...]] = {"SECOND FIRST": (("second-api", "APPLICATION", False),)}
    foreign: dict[str, tuple[tuple[str, str, bool], ...]] = {"FOREIGN FIRST": (("foreign-api", "APPLICATION", False),)}
    return scenario({"main": layout, "second": second, "foreign": foreign}, Reading.MOVE_AND_SKIP)


def _blind(made: Rig, offers: tuple[OperationKey, ...]) -> bool:
    """Whether the first move has to be made before any read can be asked: the list needs the environment's id."""
    return not offers or (made.plan.environment is None and offers == (OperationKey.LIST,))


def _restored(made: Rig, offers: tuple[OperationKey, ...]) -> None:
    """Everything is home; but for the one service that had to be moved before it was seen."""
    allowed = {made.plan.services[0]} if _blind(made, offers) else set()
    assert set(made.moved()) <= allowed


@pytest.mark.parametrize("offers", SUBSETS, ids=lambda offers: "+".join(offers) or "put alone")
@pytest.mark.parametrize("named_environment", [True, False])
def test_each_subset_of_the_reads(offers: tuple[OperationKey, ...], *, named_environment: bool) -> None:
    mock = Offering(embedded(), offers)
    made = rig(mock) if named_environment else rig(mock, environment=None)
    result = made.run()
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert set(result.offers) == {"attach", *offers}
    results = by_id(result)
    assert results["STATE-5"].grade is (Grade.PASS if offers else Grade.NOT_OFFERED)
    untested = [key for key in CHECKED - STAGES - {"STATE-5"} if results[key].exercised == 0]
    assert untested == [], "whatever is offered, every requirement can be tested by a few services"
    _restored(made, offers)
    assert bool(result.notes) == _blind(made, offers)


def test_with_the_put_alone_the_one_service_that_cannot_be_put_back_is_named() -> None:
    made = rig(Offering(embedded(), []))
    (note,) = made.run().notes
    assert made.plan.services[0] in note
    assert "cannot be put back" in note


@pytest.mark.parametrize("offers", [READS, ()], ids=["all", "put alone"])
def test_one_stage(offers: tuple[OperationKey, ...]) -> None:
    mock = Offering(small(1, 2), offers)
    result = rig(mock).run()
    assert result.violations == ()
    results = by_id(result)
    for key in ("MOVE-4", "SKIP-2"):
        assert results[key].grade is Grade.NOT_TESTED
        assert "at least two" in (results[key].reason or "")
    for key in ("MOVE-5", "SKIP-1", "STATE-1", "ERR-2", "AUTH-1", "AUTH-4"):
        assert results[key].grade is Grade.PASS, key
    assert result.verdict is Verdict.CONFORMING


@pytest.mark.parametrize("offers", [READS, ()], ids=["all", "put alone"])
def test_one_service(offers: tuple[OperationKey, ...]) -> None:
    mock = Offering(small(3, 1), offers)
    made = rig(mock)
    result = made.run()
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    results = by_id(result)
    assert results["STATE-2"].grade is Grade.NOT_TESTED
    assert results["STATE-2"].reason == "the environment shows no other service"
    assert results["STATE-6"].grade is (Grade.PASS if offers else Grade.NOT_TESTED)
    if not offers:
        assert "nothing shows the state" in (results["STATE-6"].reason or "")
    _restored(made, offers)


def test_one_stage_and_one_service() -> None:
    result = rig(Mock(small(1, 1))).run()
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert by_id(result)["MOVE-5"].grade is Grade.PASS


def test_two_of_four_stages_and_one_of_five_services_are_used_and_all_are_watched() -> None:
    target = embedded()
    stages, services = target.stages(target.environment), target.services(target.environment)
    made = rig(Mock(target), stages=(stages[0], stages[2]), services=(services[4],))
    result = made.run()
    assert result.verdict is Verdict.CONFORMING
    assert by_id(result)["STATE-2"].exercised > 10
    assert made.moved() == {}


@pytest.mark.parametrize("quick", [True, False])
def test_ids_in_capitals_in_the_config(*, quick: bool) -> None:
    target = embedded()
    made = rig(
        Mock(target),
        quick=quick,
        environment=target.environment.upper(),
        stages=tuple(key.upper() for key in target.stages(target.environment)),
        services=tuple(key.upper() for key in target.services(target.environment)),
        selected=["STATE-1", "STATE-2", "STATE-5", "MOVE-3", "ERR-9"],
    )
    result = made.run()
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert made.moved() == {}


def test_no_stages_and_services_in_the_config_means_all_that_the_list_shows() -> None:
    made = rig(stages=(), services=())
    result = made.run()
    assert result.verdict is Verdict.CONFORMING
    assert made.moved() == {}


_LACKING = [
    (Credentials(token=TOKEN), {}, {"AUTH-2", "AUTH-3"}),
    (None, {"second": Things()}, {"AUTH-4"}),
    (None, {"foreign": Things()}, set()),
]


@pytest.mark.parametrize(("credentials", "changes", "untested"), _LACKING)
def test_what_a_config_leaves_out_is_not_tested_and_says_which_key(
    credentials: Credentials | None, changes: dict[str, object], untested: set[str]
) -> None:
    made = rig(**changes)  # type: ignore[arg-type]  # fields of the plan
    if credentials is not None:
        made.credentials = credentials
    result = made.run()
    results = by_id(result)
    assert named(result) == set()
    assert {key for key in CHECKED if results[key].grade is Grade.NOT_TESTED} == untested
    assert all("[auth]" in (results[key].reason or "") or "[second]" in (results[key].reason or "") for key in untested)
    assert result.verdict is Verdict.CONFORMING


@pytest.mark.parametrize(
    ("credentials", "key", "word"),
    [
        (Credentials(token=TOKEN, jwt="a.b.c"), "AUTH-2", "jwt"),
        (
            Credentials(token=TOKEN, foreign_token="dead-token"),
            "AUTH-3",
            "foreign_token",
        ),
    ],
)
def test_a_credential_that_is_dead_proves_nothing(credentials: Credentials, key: str, word: str) -> None:
    made = rig()
    made.credentials = credentials
    result = made.run()
    assert named(result) == set()
    requirement = by_id(result)[key]
    assert requirement.grade is Grade.NOT_TESTED
    assert word in (requirement.reason or "")
