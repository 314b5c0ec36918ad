"""STAGE-*: what the run makes it removes again, whatever happens; it touches no other; what it cannot do it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from kit.serving import serving
from kit.thinned import thinned
from stagecheck.audit.conforming_stages import Lacks
from stagecheck.audit.defect import DEFECTS
from stagecheck.audit.defects.stage import Arranges, numbered
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import embedded_credentials
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.mock.app import Call, Mock, as_httpx
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.requests import CreateStage, DeleteStage, EditStage, Manage, MoveStage, Request
from stagecheck.model.state import World
from stagecheck.model.step import Accepted, Outcome, Refused, step
from stagecheck.operations import READS, OperationKey
from stagecheck.outcome import Grade, RunResult, Verdict
from stagecheck.suite.made import MOST_STAYING, MOST_STAYING_IN_ALL
from stagecheck.suite.registry import STAGES
from stagecheck.suite.sent import Sent, freshly_named
from suite.rig import NIGHTLY, QUICK, Offering, Rig, by_id, named, rig

pytestmark = pytest.mark.long

_MANAGING = (CreateStage, EditStage, DeleteStage, MoveStage)


_THOROUGH = replace(QUICK, requests=700, every=True)
"""Everything there is to try of stages, and little of the rest."""


def of_stages(mock: Mock | None = None, *, quick: bool = True, **changes: object) -> Rig:
    """A rig that tries the management of stages alone: one life of one stage, or everything there is to try."""
    return rig(mock, **{"selected": STAGES, "profile": QUICK if quick else _THOROUGH, **changes})  # type: ignore[arg-type]


def left(mock: Mock) -> set[str]:
    """The stages that there are now and were not at first."""
    return set(mock.world.stages) - set(mock.scenario.world.stages)


def tidied(made: Rig) -> None:
    """Nothing is there that was not, nothing is missing, and everything stands as it did."""
    world, first = made.mock.world, made.mock.scenario.world
    assert left(made.mock) == set()
    assert {key: stage.name for key, stage in world.stages.items()} == {
        key: stage.name for key, stage in first.stages.items()
    }
    assert made.moved() == {}


def managed(made: Rig) -> list[tuple[str, str]]:
    """The requests that would manage a stage, as method and path."""
    return [(method, path) for method, path, *_ in made.sent if _manages(method, path)]


def _manages(method: str, path: str) -> bool:
    whole = path.strip("/").split("/")
    if method in ("POST", "DELETE"):
        return whole[-1] == "deploymentStage" or len(whole) == 2
    return method == "PUT" and (len(whole) == 2 or "moveBefore" in whole or "moveAfter" in whole)


# ---------------------------------------------------------------------- a conforming target


def test_a_conforming_target_keeps_no_stage_and_nothing_but_our_own_is_managed() -> None:
    made = of_stages(profile=NIGHTLY)
    result = made.run()
    assert result.verdict is Verdict.CONFORMING
    assert {key: by_id(result)[key].grade for key in sorted(STAGES)} == dict.fromkeys(sorted(STAGES), Grade.PASS)
    tidied(made)
    theirs = set(made.mock.scenario.world.stages)
    touched = {path.strip("/").split("/")[1] for method, path in managed(made) if method != "POST"}
    assert len(touched) > 20
    assert touched & theirs == set()


# ---------------------------------------------------------------------- interruptions


@pytest.mark.parametrize("number", range(5, 41))
def test_ctrl_c_at_any_request_leaves_no_stage(number: int) -> None:
    made = of_stages()

    def interrupt(exchange: Exchange) -> None:
        if exchange.number == number:
            raise KeyboardInterrupt

    made.on_exchange = interrupt
    assert made.run().verdict is Verdict.INCONCLUSIVE
    tidied(made)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_ctrl_c_while_a_stage_is_made_finds_it_by_its_name(count: int) -> None:
    """Its answer was on the way: nobody knows the id."""
    made = of_stages(quick=False)
    creations = 0

    def interrupt(exchange: Exchange) -> None:
        nonlocal creations
        creations += exchange.request.method == "POST"
        if creations == count:
            creations += 1
            raise KeyboardInterrupt

    made.on_exchange = interrupt
    result = made.run()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert creations == count + 1
    tidied(made)


@pytest.mark.parametrize("at", [3, 12, 40])
def test_a_target_that_dies_leaves_what_the_notes_name(at: int) -> None:
    """Counted from the first creation: one stage, or several with services in them."""
    made = of_stages(quick=False)
    since = 0

    def answering(request: httpx.Request) -> httpx.Response:
        nonlocal since
        since += bool(since) or request.method == "POST"
        if since > at:
            raise httpx.ConnectError("connection refused", request=request)
        return as_httpx(made.mock, request)

    made.answering = answering
    result = made.run()
    assert result.verdict is Verdict.INCONCLUSIVE
    told = " ".join(result.notes)
    assert [stage for stage in left(made.mock) if stage not in told and str(_name(made.mock, stage)) not in told] == []


def _name(mock: Mock, stage: str) -> str | None:
    return mock.world.stages[stage].name


# ---------------------------------------------------------------------- violations


@pytest.mark.parametrize("name", thinned([n for n, d in DEFECTS.items() if d.requirement in STAGES], every=6))
def test_a_violation_leaves_no_stage_either(name: str) -> None:
    mock = DEFECTS[name].mock(embedded())
    made = of_stages(mock, quick=False)
    result = made.run()
    assert named(result) & set(DEFECTS[name].right_names)
    told = " ".join(result.notes)
    assert [stage for stage in left(mock) if stage not in told and str(_name(mock, stage)) not in told] == []
    assert len(left(mock)) <= MOST_STAYING_IN_ALL
    assert set(mock.scenario.world.stages) <= set(mock.world.stages), "a stage that is not ours is gone"


class Refusing(Arranges):
    """Refuses to delete what the run has made, `times` times; says so in a word of its own."""

    def __init__(self, scenario: Scenario, times: int = 1_000_000, status: int = 409) -> None:
        super().__init__(scenario)
        self.times, self.status = times, status

    def decide(self, request: Request) -> Outcome:
        """Refused, as often as it is to be."""
        if isinstance(request, DeleteStage) and request.stage in left(self) and self.times > 0:
            self.times -= 1
            return Outcome(self.world, Refused((self.status,), None, self.status))
        return super().decide(request)


def test_a_refused_deletion_is_a_violation_and_what_stays_is_named_with_a_command_that_removes_it() -> None:
    mock = Refusing(embedded())
    with serving(mock) as url:
        made = of_stages(mock)
        result = made.run()
        assert "STAGE-3" in named(result)
        assert 0 < len(left(mock)) <= MOST_STAYING_IN_ALL
        notes = [note for note in result.notes if "could not be deleted" in note]
        assert {_name(mock, stage) for stage in left(mock)} == {
            note.split(",")[0].removeprefix("stage ") for note in notes
        }
        assert str(made.credentials.token) not in " ".join(notes)
        mock.times = 0
        for note in notes:
            command = note.partition("to do it: ")[2].replace(made.client.url, url)
            secrets = {"PATH": "/usr/bin:/bin", "STAGECHECK_TOKEN": str(made.credentials.token)}
            subprocess.run(["sh", "-c", command], env=secrets, check=True, timeout=20, capture_output=True)
    tidied(made)


def test_where_the_first_deletion_is_refused_no_more_than_a_few_stages_are_made() -> None:
    made = of_stages(Refusing(embedded()), quick=False)
    result = made.run()
    exploring = [e for e in made.exchanges if e.request.method == "POST" and e.phase != "confirm"]
    assert len(exploring) == MOST_STAYING
    told = [note for note in result.notes if "could not be deleted" in note]
    assert len(told) == len(left(made.mock)) <= MOST_STAYING_IN_ALL


def test_a_deletion_that_is_refused_once_is_tried_again() -> None:
    made = of_stages(Refusing(embedded(), times=2))
    result = made.run()
    assert by_id(result)["STAGE-3"].grade is Grade.INCONCLUSIVE, "somebody may have put a service there"
    assert not [note for note in result.notes if "could not be deleted" in note]
    tidied(made)


def test_a_stage_whose_services_stay_is_named_too() -> None:
    """Nothing leaves what was made: so it cannot be emptied, and is not deleted while it holds something."""

    class Sticky(Mock):
        def commit(self, request: object, world: World) -> None:
            held = {key: place for key, place in self.world.placements.items() if place.stage in left(self)}
            self.world = replace(world, placements={**world.placements, **held})

    made = rig(Sticky(embedded()))
    result = made.run()
    assert result.verdict is Verdict.NON_CONFORMING
    assert len(left(made.mock)) == 1
    told = " ".join(result.notes)
    assert [key for key in left(made.mock) if str(_name(made.mock, key)) not in told] == []
    assert [key for key in made.moved() if key not in told] == []


# ---------------------------------------------------------------------- answers that are lost


def _losing(made: Rig, which: Callable[[int], bool], method: str = "POST", *, done: bool = True) -> list[int]:
    """The answers to some requests of a method never come; `done`: they are carried out all the same."""
    counted: list[int] = []
    lost: list[int] = []

    def answering(request: httpx.Request) -> httpx.Response:
        if request.method != method:
            return as_httpx(made.mock, request)
        counted.append(made.client.sent)
        if not which(len(counted)):
            return as_httpx(made.mock, request)
        lost.append(made.client.sent)
        if done:
            as_httpx(made.mock, request)
        raise httpx.ReadTimeout("too slow", request=request)

    made.answering = answering
    return lost


@pytest.mark.parametrize(
    "which",
    [lambda n: n == 1, lambda n: n == 2, lambda n: n % 3 == 0, lambda _: True],
    ids=["the first", "the second", "each third", "all"],
)
@pytest.mark.parametrize("done", [True, False])
def test_a_stage_whose_answer_was_lost_is_found_by_its_name_and_removed(
    which: Callable[[int], bool], *, done: bool
) -> None:
    made = of_stages(quick=False)
    lost = _losing(made, which, done=done)
    result = made.run()
    assert lost
    assert result.violations == ()
    tidied(made)


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_deletion_is_no_violation_and_leaves_nothing(*, done: bool) -> None:
    made = of_stages(quick=False)
    lost = _losing(made, lambda n: n % 2 == 0, "DELETE", done=done)
    result = made.run()
    assert lost
    assert result.violations == ()
    tidied(made)


class Unlisted(Offering):
    """Offers every read but the list, and the management."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, READS - {OperationKey.LIST})

    def understand(self, call: Call) -> Request | None:
        """Management, too."""
        request = Mock.understand(self, call)
        return request if isinstance(request, _MANAGING) else super().understand(call)


def test_without_a_list_a_stage_whose_answer_was_lost_is_said_by_its_name() -> None:
    made = of_stages(Unlisted(embedded()), quick=False)
    lost = _losing(made, lambda n: n == 2)
    result = made.run()
    assert len(lost) == 1
    assert result.violations == ()
    (stage,) = left(made.mock)
    assert [note for note in result.notes if str(_name(made.mock, stage)) in note]


def test_without_a_list_what_was_answered_is_removed_and_nothing_has_to_be_said() -> None:
    made = of_stages(Unlisted(embedded()), quick=False)
    result = made.run()
    assert result.violations == ()
    assert result.notes == ()
    tidied(made)


# ---------------------------------------------------------------------- what may not, or cannot be tried


def _reasons(result: RunResult) -> dict[str, tuple[Grade, str | None]]:
    results = by_id(result)
    return {key: (results[key].grade, results[key].reason) for key in sorted(STAGES)}


def test_without_leave_no_stage_is_managed_and_the_config_is_named() -> None:
    made = rig(manage=False, profile=_THOROUGH)
    result = made.run()
    assert managed(made) == []
    expected = (Grade.NOT_TESTED, "[target] manage_stages is false")
    assert _reasons(result) == dict.fromkeys(sorted(STAGES), expected)
    assert result.verdict is Verdict.CONFORMING


def test_where_nothing_names_the_environment_no_stage_is_made() -> None:
    class Nameless(Mock):
        def stage(self, stage_id: str) -> dict[str, object]:
            return {key: value for key, value in super().stage(stage_id).items() if key != "environment"}

    made = of_stages(Nameless(embedded()), environment=None)
    result = made.run()
    assert [path for method, path in managed(made) if method == "POST"] == []
    assert {grade for grade, _ in _reasons(result).values()} == {Grade.NOT_TESTED}
    assert {reason for _, reason in _reasons(result).values()} == {
        "no answer names the environment: give [target] environment"
    }


@pytest.mark.parametrize("status", [405, 501])
def test_a_target_that_deletes_no_stages_is_asked_once_and_makes_none(status: int) -> None:
    made = rig(Lacks(embedded(), _MANAGING, status), profile=_THOROUGH)
    result = made.run()
    assert [method for method, _ in managed(made)] == ["DELETE"]
    expected = (Grade.NOT_OFFERED, "the target deletes no stages, so none is made")
    assert _reasons(result) == dict.fromkeys(sorted(STAGES), expected)
    assert result.verdict is Verdict.CONFORMING


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_a_target_that_makes_no_stages_is_asked_once_and_nothing_else_is_managed(status: int) -> None:
    made = rig(Lacks(embedded(), (CreateStage,), status), profile=_THOROUGH)
    result = made.run()
    assert [method for method, _ in managed(made)] == ["DELETE", "POST"]
    reasons = _reasons(result)
    assert {grade for grade, _ in reasons.values()} == {Grade.NOT_OFFERED}
    assert reasons["STAGE-1"][1] == f"the target offers no create of a stage ({status})"
    assert reasons["STAGE-4"][1] == "the target creates no stages, and others are not touched"
    assert result.verdict is Verdict.CONFORMING


@pytest.mark.parametrize(
    ("kind", "requirement", "what"),
    [(EditStage, "STAGE-2", "edit"), (MoveStage, "STAGE-4", "move-before")],
)
def test_what_alone_is_not_offered_is_said_alone(kind: type[Manage], requirement: str, what: str) -> None:
    made = of_stages(Lacks(embedded(), (kind,), 404), quick=False)
    reasons = _reasons(made.run())
    assert reasons[requirement][0] is Grade.NOT_OFFERED
    assert str(reasons[requirement][1]).endswith("of a stage (404)"), what
    assert {grade for key, (grade, _) in reasons.items() if key != requirement} == {Grade.PASS}
    tidied(made)


# ---------------------------------------------------------------------- what breaks


class IdsAgain(Mock):
    """Gives a new stage the id of the last one that was deleted."""

    def stage_id(self) -> str:
        """An id of the dead, if there is one."""
        gone = sorted(self.world.gone)
        return gone[-1] if gone else super().stage_id()

    def arrange(self, request: Manage, world: World) -> None:
        """What is there again is gone no more."""
        super().arrange(request, replace(world, gone=world.gone - set(world.stages)))


def test_the_id_of_a_deleted_stage_must_not_come_again() -> None:
    made = of_stages(IdsAgain(embedded()), quick=False)
    result = made.run()
    (violation,) = [v for v in result.violations if v.breach.requirement == "STAGE-1"]
    assert "id" in violation.breach.message
    assert [step.request.method for step in violation.steps].count("POST") == 2, "made, deleted, made again"
    tidied(made)


class Stands(Arranges):
    """Puts a stage that is moved where `at` says: the others in their order, the stage, where it should stand."""

    def __init__(self, scenario: Scenario, at: Callable[[list[str], str, int], Iterable[str]]) -> None:
        super().__init__(scenario)
        self.at = at

    def arranged(self, request: Manage, before: World, right: World) -> World:
        """The order as `at` makes it."""
        if not isinstance(request, MoveStage):
            return right
        order = [stage.id for stage in self.ours(right)]
        others = [key for key in order if key != request.stage]
        return numbered(right, list(self.at(others, request.stage, order.index(request.stage))))


_ORDERS: dict[str, Callable[[list[str], str, int], Iterable[str]]] = {
    "one too far": lambda others, stage, at: [*others[: at + 1], stage, *others[at + 1 :]],
    "one short": lambda others, stage, at: [*others[: max(0, at - 1)], stage, *others[max(0, at - 1) :]],
    "to the end": lambda others, stage, _: [*others, stage],
    "to the front": lambda others, stage, _: [stage, *others],
    "the others backwards": lambda others, stage, at: _inserted(others[::-1], stage, at),
}


def _inserted(others: list[str], stage: str, at: int) -> list[str]:
    return [*others[:at], stage, *others[at:]]


@pytest.mark.parametrize("wrong", _ORDERS)
def test_an_order_that_is_not_the_named_one_breaks_stage_4(wrong: str) -> None:
    made = of_stages(Stands(embedded(), _ORDERS[wrong]), quick=False)
    result = made.run()
    assert named(result) == {"STAGE-4"}
    assert str(result.violations[0].replays) == "always"
    tidied(made)


def test_the_named_order_put_up_in_the_same_way_breaks_nothing() -> None:
    made = of_stages(Stands(embedded(), _inserted), quick=False)
    assert named(made.run()) == set()
    tidied(made)


# ---------------------------------------------------------------------- what a developer takes for another stage


class Twins(Arranges):
    """Creating a stage writes over the one of the same name, if there is one."""

    def stage_id(self) -> str:
        named_so = [stage.id for stage in self.world.stages.values() if stage.name == self.wanted]
        return named_so[0] if named_so else super().stage_id()

    wanted = ""

    def decide(self, request: Request) -> Outcome:
        if isinstance(request, CreateStage):
            self.wanted = request.name
            right = super().decide(request)
            taken = isinstance(right.answer, Refused) and right.answer.requirement is None
            return [*step(self.world, request), right][1] if taken and request.flaw is None else right
        return super().decide(request)


def test_a_stage_of_the_same_name_is_another_stage() -> None:
    result = of_stages(Twins(embedded()), quick=False).run()
    assert "STAGE-1" in named(result), result.violations


class Reviving(Arranges):
    """The stages that were deleted are still found by what edits and moves them, and answered as if all were well."""

    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        late = isinstance(request, EditStage | MoveStage) and {request.stage, getattr(request, "anchor", "")}
        if late and late & self.world.gone and request.caller == "own":
            return Outcome(self.world, Accepted(environment=self.scenario.environment))
        return right

    def arrange(self, request: Manage, world: World) -> None:
        if getattr(request, "stage", None) not in self.world.gone:
            super().arrange(request, world)


def test_nothing_is_done_to_a_deleted_stage() -> None:
    result = of_stages(Reviving(embedded()), quick=False).run()
    assert "STAGE-3" in named(result), result.violations


class BesideItself(Arranges):
    """A stage that is moved beside itself is taken out, and put back at the end."""

    def arranged(self, request: Manage, before: World, right: World) -> World:
        if isinstance(request, MoveStage) and request.stage == request.anchor:
            others = [stage.id for stage in self.ours(before) if stage.id != request.stage]
            return numbered(right, _inserted(others, request.stage, 0))
        return right


def test_a_stage_that_is_moved_beside_itself_stays_where_it_is() -> None:
    assert named(of_stages(BesideItself(embedded()), quick=False).run()) == {"STAGE-4"}


class Renumbering(Arranges):
    """An edited stage comes last, and all are numbered anew."""

    def arranged(self, request: Manage, before: World, right: World) -> World:
        if isinstance(request, EditStage):
            others = [stage.id for stage in self.ours(before) if stage.id != request.stage]
            return numbered(right, [*others, request.stage])
        return right


def test_one_cause_has_one_name_though_it_numbers_all_stages_anew() -> None:
    assert named(of_stages(Renumbering(embedded()), quick=False, selected=frozenset(CATALOGUE)).run()) == {"STAGE-2"}


def test_a_name_that_is_taken_is_replaced_and_nothing_else_of_the_body() -> None:
    world = embedded().world
    taken = next(iter(world.stages.values()))
    name = str(taken.name)
    body = json.dumps({"name": name, "description": None}).encode()
    message = HttpRequest("PUT", f"/deploymentStage/{taken.id}", (), body, embedded_credentials().own)
    sent = Sent(EditStage(taken.id, name, None), message, world)
    told: dict[str, str] = {}
    renamed = [freshly_named(sent, (), world, told) for _ in range(2)]
    assert json.loads(renamed[0].message.body or b"") == {"name": told[name], "description": None}
    assert told[name] not in {stage.name for stage in world.stages.values()}
    assert renamed[0] == renamed[1], "a name that comes twice comes twice again"


class Unnumbered(Mock):
    """Stages have no number."""

    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        del shown["deployment_order"]
        return shown


def test_where_no_order_is_shown_a_move_still_has_to_leave_the_services_alone() -> None:
    result = of_stages(Unnumbered(embedded())).run()
    assert by_id(result)["STAGE-4"].grade is Grade.PASS
