"""Creating, editing, deleting and moving stages: what may come of it, and what is named for what. By hand, from P."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.small import ENVIRONMENT, START, Layout, moved, seen, stage_payload, uid, world_of
from kit.talk import Talk
from stagecheck.model.observation import Observation
from stagecheck.model.requests import (
    FOREIGN,
    NOBODY,
    CreateStage,
    DeleteStage,
    EditStage,
    Form,
    MoveStage,
    ReadList,
    ReadStage,
)
from stagecheck.model.step import Accepted, Refused, step
from stagecheck.operations import OperationKey
from stagecheck.wire.answers import Habits, read_answer

WITH_D: Layout = {**START, "D": ()}
CREATE = CreateStage(ENVIRONMENT, "D", "The stage D")


def listed(layout: Layout) -> Observation:
    """A list whose stages are numbered as they are written."""
    return seen(layout, like=layout)


def shown(stage: str, order: int, members: tuple[str, ...] = (), **changed: object) -> Observation:
    """One stage."""
    understood = read_answer(OperationKey.GET_STAGE, stage_payload(stage, members, order, changed=changed), Habits())
    assert understood is not None
    return understood


def conversation(layout: Layout = START) -> Talk:
    """One that has seen everything once."""
    talk = Talk(layout)
    assert talk.judge(ReadList(ENVIRONMENT), 200, listed(layout)) == []
    return talk


def after(talk: Talk, layout: Layout) -> list[str]:
    """What the next list breaks."""
    return talk.judge(ReadList(ENVIRONMENT), 200, listed(layout))


# ---------------------------------------------------------------------- what may come of it


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (CreateStage(ENVIRONMENT, "D"), [200]),
        (CreateStage(ENVIRONMENT, "A"), [409, 200]),
        (CreateStage(uid("nowhere"), "D"), [404]),
        (CreateStage(ENVIRONMENT, "D", caller=NOBODY), [401]),
        (CreateStage(ENVIRONMENT, "D", caller=FOREIGN), [404]),
        (CreateStage(ENVIRONMENT, "D", flaw=Form.MALFORMED), [400]),
        (CreateStage(ENVIRONMENT, "", flaw=Form.UNJUDGED), [422, 200]),
        (EditStage(uid("C"), "D", "other"), [200]),
        (EditStage(uid("C"), "D"), [200, 200]),
        (EditStage(uid("C"), "A", "other"), [409, 200]),
        (EditStage("not-a-uuid", "D"), [400]),
        (DeleteStage(uid("C")), [204]),
        (DeleteStage(uid("A")), [409, 204]),
        (DeleteStage(uid("foreign-stage")), [404]),
        (MoveStage(uid("C"), uid("A")), [200]),
        (MoveStage(uid("C"), uid("C")), [200, 409]),
        (MoveStage(uid("C"), uid("nowhere")), [404]),
        (MoveStage(uid("C"), uid("second-stage")), [404]),
    ],
    ids=str,
)
def test_what_may_come_of_it(request_: CreateStage | EditStage | DeleteStage | MoveStage, statuses: list[int]) -> None:
    outcomes = step(world_of(), request_)
    assert [_status(outcome.answer) for outcome in outcomes] == statuses


def _status(answer: Accepted | Refused) -> int:
    if isinstance(answer, Refused):
        return answer.preferred
    return 200 if answer.stage or answer.environment else 204


@pytest.mark.parametrize(
    ("stage", "anchor", "behind", "order"),
    [
        ("A", "C", False, "BAC"),
        ("A", "C", True, "BCA"),
        ("C", "A", False, "CAB"),
        ("C", "A", True, "ACB"),
        ("A", "B", True, "BAC"),
        ("A", "B", False, "ABC"),
        ("B", "A", True, "ABC"),
    ],
)
def test_where_a_stage_stands_after_it_was_moved(stage: str, anchor: str, behind: bool, order: str) -> None:
    (outcome,) = step(world_of(), MoveStage(uid(stage), uid(anchor), behind))
    assert [found.name for found in outcome.world.stages_of(ENVIRONMENT)] == list(order)
    assert outcome.world.placements == world_of().placements


# ---------------------------------------------------------------------- creating, STAGE-1


@pytest.mark.parametrize("order", [list("ABCD"), list("DABC"), list("ADBC")], ids="".join)
def test_a_new_stage_may_come_anywhere(order: list[str]) -> None:
    talk = conversation()
    assert talk.judge(CREATE, 200, shown("D", order.index("D") + 1)) == []
    assert after(talk, {stage: WITH_D[stage] for stage in order}) == []


@pytest.mark.parametrize(
    ("answer", "layout", "broken"),
    [
        (shown("D", 4, name="d"), WITH_D, ["STAGE-1"]),
        (shown("D", 4, description="another"), WITH_D, ["STAGE-1"]),
        (shown("D", 4, description=None), WITH_D, ["STAGE-1"]),
        (shown("D", 4, ("one",)), WITH_D, ["STAGE-1"]),
        (shown("D", 4, environment=uid("second")), START, ["STAGE-1"]),
        (shown("D", 4), START, ["STAGE-1"]),
        (shown("D", 4), {**WITH_D, "E": ()}, ["STAGE-1"]),
        (shown("D", 4), {"B": START["B"], "A": START["A"], "C": (), "D": ()}, ["STAGE-1"]),
        (shown("D", 4), moved(WITH_D, "one", "D"), ["STAGE-1"]),
        (shown("D", 4), {**WITH_D, "B": ("three",)}, ["STAGE-1"]),
        (shown("D", 4), {**WITH_D, "B": ()}, ["STAGE-1"]),
    ],
    ids=["name", "description", "no description", "a service", "environment", "not there", "two", "order", "moves",
         "un-skips", "loses"],
)  # fmt: skip
def test_what_a_creation_does_besides_is_named(answer: Observation, layout: Layout, broken: list[str]) -> None:
    talk = conversation()
    at_once = talk.judge(CREATE, 200, answer)
    assert at_once or after(talk, layout)
    assert (at_once or [m.requirement for m in talk.last.mismatches]) == broken


def test_an_id_is_never_given_again() -> None:
    talk = conversation({**START, "D": ()})
    assert talk.judge(DeleteStage(uid("D")), 204, None) == []
    assert after(talk, START) == []
    assert talk.judge(CREATE, 200, shown("D", 4)) == ["STAGE-1"]


# ---------------------------------------------------------------------- editing, STAGE-2


def test_an_edit_without_a_description_keeps_or_empties_it_and_stays_with_that() -> None:
    for description in ("The stage C", None):
        talk = conversation()
        answer = shown("C", 3, name="X", description=description)
        assert talk.judge(EditStage(uid("C"), "X"), 200, answer) == []
        assert talk.judge(ReadStage(uid("C")), 200, answer) == []
        other = shown("C", 3, name="X", description="" if description else "The stage C")
        assert talk.judge(ReadStage(uid("C")), 200, other) != []


@pytest.mark.parametrize(
    ("answer", "broken"),
    [
        (shown("C", 3, name="X", description="new"), []),
        (shown("C", 3, name="C", description="new"), ["STAGE-2"]),
        (shown("C", 3, name="X"), ["STAGE-2"]),
        (shown("C", 1, name="X", description="new"), ["STAGE-2"]),
        (shown("C", 3, ("one",), name="X", description="new"), ["STAGE-2"]),
        (
            shown(
                "C",
                3,
                name="X",
                description="new",
                created_at="2024-01-01T00:00:00Z",
                updated_at="2025-01-01T00:00:00Z",
            ),
            ["STATE-9", "STAGE-2"],
        ),
    ],
    ids=["right", "name", "description", "order", "a service", "created_at"],
)
def test_what_an_edit_must_not_do_is_named(answer: Observation, broken: list[str]) -> None:
    assert conversation().judge(EditStage(uid("C"), "X", "new"), 200, answer) == broken


# ---------------------------------------------------------------------- deleting, STAGE-3


@pytest.mark.parametrize("left", [{"B": ("three*", "one", "two"), "C": ()}, {"B": ("three*", "one*"), "C": ("two",)}])
def test_services_of_a_deleted_stage_may_go_anywhere(left: Layout) -> None:
    talk = conversation()
    assert talk.judge(DeleteStage(uid("A")), 204, None) == []
    assert after(talk, left) == []
    assert after(talk, left) == [], "and there they are from then on"
    assert after(talk, moved(left, "one", "B" if "one" not in left["B"] else "C")) == ["STATE-5"]


@pytest.mark.parametrize(
    ("left", "broken"),
    [
        ({"B": ("three*", "one"), "C": ()}, ["STAGE-3"]),
        ({"A": (), "B": ("three*", "one", "two"), "C": ()}, ["STAGE-3"]),
        ({"C": (), "B": ("three*", "one", "two")}, ["STATE-3"]),
        ({"B": ("three", "one", "two"), "C": ()}, ["STATE-2"]),
        ({"B": ("three*", "one", "two")}, ["STATE-3"]),
    ],
    ids=["lost", "stays", "order", "un-skips", "another one gone"],
)
def test_what_a_deletion_must_not_do_is_named(left: Layout, broken: list[str]) -> None:
    talk = conversation()
    assert talk.judge(DeleteStage(uid("A")), 204, None) == []
    assert after(talk, left) == broken


def test_a_stage_with_services_may_be_refused_to_be_deleted_and_an_empty_one_not() -> None:
    talk = conversation()
    for status in (400, 403, 404, 409, 422):
        assert talk.judge(DeleteStage(uid("A")), status, None) == []
        assert after(talk, START) == []
    assert talk.judge(DeleteStage(uid("C")), 409, None) == ["STAGE-3"]
    assert talk.judge(DeleteStage(uid("A")), 401, None) == ["STAGE-3"]


def test_nothing_can_be_done_with_a_deleted_stage() -> None:
    talk = conversation()
    assert talk.judge(DeleteStage(uid("C")), 204, None) == []
    for status, broken in ((404, []), (410, []), (403, []), (200, ["STAGE-3"]), (400, ["STAGE-3"])):
        answer = shown("C", 3) if status == 200 else None
        assert talk.judge(ReadStage(uid("C")), status, answer) == broken
    assert talk.put("one", "C", START, status=200) != []
    assert talk.put("one", "C", status=404) == []


# ---------------------------------------------------------------------- moving, STAGE-4

UP = MoveStage(uid("C"), uid("A"))


@pytest.mark.parametrize(
    ("order", "broken"),
    [("CAB", []), ("ABC", ["STAGE-4"]), ("ACB", ["STAGE-4"]), ("CBA", ["STAGE-4"]), ("BCA", ["STAGE-4"])],
)
def test_a_stage_stands_right_where_it_was_moved_to(order: str, broken: list[str]) -> None:
    talk = conversation()
    assert talk.judge(UP, 200, listed({stage: START[stage] for stage in order})) == broken


@pytest.mark.parametrize("numbers", [(1, 2, 3), (0, 1, 2), (10, 20, 30), (-5, 0, 7)])
def test_the_numbers_are_the_targets_own(numbers: tuple[int, ...]) -> None:
    talk = conversation()
    right = listed({stage: START[stage] for stage in "CAB"})
    stages = tuple(replace(stage, order=number) for stage, number in zip(right.stages, numbers, strict=True))
    assert talk.judge(UP, 200, Observation(stages, of_list=True)) == []
    assert talk.judge(ReadList(ENVIRONMENT), 200, Observation(stages, of_list=True)) == []


def test_a_target_without_numbers_is_not_judged_by_the_order_of_its_list() -> None:
    for order in ("ABC", "CBA"):
        talk = Talk(world=replace(world_of(), stages={k: replace(s, order=None) for k, s in world_of().stages.items()}))
        bare_stages = tuple(replace(stage, order=None) for stage in listed({s: START[s] for s in order}).stages)
        assert talk.judge(UP, 200, Observation(bare_stages, of_list=True)) == []
        assert "STAGE-4" not in talk.last.exercised


def test_services_are_not_touched_by_moving_a_stage() -> None:
    talk = conversation()
    wrong = {"C": (), "A": ("one", "two"), "B": ("three",)}
    assert talk.judge(UP, 200, listed(wrong)) == ["STAGE-4"]


# ---------------------------------------------------------------------- what is not known


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize(
    ("request_", "layout"),
    [
        (CREATE, WITH_D),
        (EditStage(uid("C"), "C", "The stage C"), START),
        (DeleteStage(uid("C")), {stage: START[stage] for stage in "AB"}),
        (UP, {stage: START[stage] for stage in "CAB"}),
    ],
    ids=["create", "edit", "delete", "move"],
)
def test_a_request_without_an_answer_may_have_been_carried_out(
    request_: CreateStage | EditStage | DeleteStage | MoveStage, layout: Layout, *, happened: bool
) -> None:
    talk = conversation()
    assert talk.judge(request_, None, None) == []
    assert after(talk, layout if happened else START) == []
    assert after(talk, layout if happened else START) == []


def test_what_was_wrong_before_is_not_blamed_on_a_stage() -> None:
    talk = conversation()
    assert after(talk, {**START, "B": ("three",)}) == ["STATE-5"]
    assert talk.judge(CREATE, 200, shown("D", 4)) == []
    assert after(talk, {**WITH_D, "B": ("three",)}) == []


def test_a_refused_creation_that_creates_is_named() -> None:
    talk = conversation()
    assert talk.judge(replace(CREATE, caller=NOBODY), 401, None) == []
    assert after(talk, WITH_D) == ["STATE-6"]
