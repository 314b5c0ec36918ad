"""What is drawn of a violation: which stages, which services, where they stand, what was expected instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from page.records import (
    BUILD,
    DEPLOY,
    ENVIRONMENT,
    ONE,
    TEST,
    TWO,
    answer,
    attach,
    left_skipped,
    race,
    stage,
    step,
    violation,
)
from stagecheck.report.html.drawing import drawing_of
from stagecheck.report.html.scene import Scene, scene_of
from stagecheck.report.html.timeline import timeline_of

LIST = f"/environment/{ENVIRONMENT}/deploymentStage"


def scene(told: dict[str, Any]) -> Scene:
    made = scene_of(told)
    assert made is not None
    return made


def tokens(made: Scene, frame: int = -1) -> list[tuple[str, str, bool | None, str]]:
    """Everything that stands in a frame: stage, service, its flag, its role."""
    labels = {column.key: column.label for column in made.columns}
    return [
        (labels[key], token.label, token.skipped, token.role)
        for key, cell in made.frames[frame].cells.items()
        for token in cell
    ]


def test_where_several_services_move_each_request_says_in_brief_which() -> None:
    steps = [attach(DEPLOY, ONE, None, {DEPLOY: [(ONE, False)]}), attach(TEST, TWO, None, {TEST: [(TWO, False)]})]
    told = [frame.brief for frame in scene(violation("STATE-2", steps)).frames]
    assert told == ["PUT 11111111 to DEPLOY, no body", "PUT 21111111 to TEST, no body"]


def test_a_move_is_a_token_that_changes_its_column() -> None:
    made = scene(left_skipped())
    assert [column.label for column in made.columns] == ["BUILD", "DEPLOY", "TEST"]
    assert tokens(made, 0) == [("BUILD", "11111111", True, "")]
    assert tokens(made, 1) == [("DEPLOY", "11111111", True, "actual"), ("DEPLOY", "11111111", False, "expected")]
    assert [frame.others for frame in made.frames] == [{BUILD: 1, DEPLOY: 0, TEST: 0}] * 2
    assert [frame.wrong for frame in made.frames] == [False, True]
    assert made.frames[0].set_up
    assert made.sentences == (
        "service 11111111 in stage BUILD, skipped",
        "service 11111111 in stage DEPLOY, skipped",
    )


def test_what_is_right_is_not_marked_and_what_is_twice_is_marked_once() -> None:
    twice = {DEPLOY: [(ONE, False), (ONE, False)]}
    told = violation(
        "STATE-1",
        [attach(DEPLOY, ONE, "{}", twice)],
        {"kind": "places", "service": ONE, "places": [[DEPLOY, False]]},
    )
    assert tokens(scene(told)) == [
        ("DEPLOY", "11111111", False, ""),
        ("DEPLOY", "11111111", False, "actual"),
    ]


def test_a_bystander_that_changes_is_drawn_and_one_that_does_not_is_counted() -> None:
    steps = [
        attach(BUILD, ONE, "{}", {BUILD: [(ONE, False), (TWO, False)]}),
        attach(DEPLOY, ONE, "{}", {DEPLOY: [(ONE, False), (TWO, False)]}),
    ]
    made = scene(violation("STATE-2", steps, {"kind": "places", "service": TWO, "places": [[BUILD, False]]}))
    assert tokens(made) == [
        ("BUILD", "21111111", False, "expected"),
        ("DEPLOY", "21111111", False, "actual"),
        ("DEPLOY", "11111111", False, ""),
    ]


def test_symbols_of_a_reproducer_are_resolved() -> None:
    told = left_skipped()
    told["reproducer"]["bindings"] = {"stage:B": {"id": DEPLOY.upper(), "name": None}, "service:1": {"id": ONE}}
    told["reproducer"]["witness"] = {"kind": "places", "service": "{service:1}", "places": [["{stage:B}", False]]}
    assert ("DEPLOY", "11111111", False, "expected") in tokens(scene(told))


def test_equal_placements_are_expected_of_the_same_request_again() -> None:
    steps = [
        step("GET", LIST, answered=answer({BUILD: [(ONE, False)]})),
        step("PUT", f"/deploymentStage/{TEST}/service/{ONE}", "nonsense", status=400, answered="{}"),
        step("GET", LIST, answered=answer({TEST: [(ONE, False)]})),
    ]
    made = scene(violation("STATE-6", steps, {"kind": "same-places"}))
    assert tokens(made) == [("BUILD", "11111111", False, "expected"), ("TEST", "11111111", False, "actual")]
    assert made.frames[1].shown is None
    assert made.sentences[1] == "no stages in the answer"
    assert [frame.words for frame in made.frames] == [
        "GET all stages",
        "PUT service 11111111 to stage TEST, nonsense",
        "GET all stages",
    ]


def test_a_lost_service_is_expected_where_it_was_last_seen() -> None:
    steps = [
        step("GET", LIST, answered=answer({BUILD: [(ONE, True)]})),
        step("DELETE", f"/deploymentStage/{BUILD}", status=204),
        step("GET", LIST, answered=answer({})),
    ]
    made = scene(violation("STAGE-3", steps, {"kind": "same-set", "of": "services"}))
    assert tokens(made) == [("BUILD", "11111111", True, "expected")]
    assert made.frames[1].words == "DELETE stage BUILD"


def test_a_stage_that_is_not_listed_is_said_to_be_missing() -> None:
    listed = json.loads(answer({BUILD: [(ONE, False)]}))
    less = json.dumps({"results": [one for one in listed["results"] if one["id"] != TEST]})
    steps = [step("GET", LIST, answered=json.dumps(listed)), step("GET", LIST, answered=less)]
    told = violation("STATE-3", steps, {"kind": "stage", "stage": TEST, "times": 1})
    made = scene(told)
    assert made.sentences[1] == "stage TEST not listed"
    assert [mark[2:] for mark in drawing_of(made, told).rows[1].marks if mark[3] == "absent"] == [
        ("not listed", "absent")
    ]


def test_a_read_of_one_stage_says_nothing_of_the_others() -> None:
    steps = [
        attach(BUILD, ONE, "{}", {BUILD: [(ONE, False)]}),
        step("GET", f"/deploymentStage/{BUILD}", answered=json.dumps(stage(BUILD, "BUILD", 0, []))),
    ]
    told = violation("STATE-5", steps, {"kind": "places", "service": ONE, "places": [[BUILD, False]]})
    made = scene(told)
    assert tokens(made) == [("BUILD", "11111111", False, "expected")]
    kinds = [mark[3] for mark in drawing_of(made, told).rows[1].marks]
    assert kinds == ["unseen", "unseen"]


def test_a_read_of_the_stage_of_a_service_places_it_there() -> None:
    silent = {"id": DEPLOY, "name": "DEPLOY"}
    steps = [
        attach(BUILD, ONE, "{}", {BUILD: [(ONE, False)]}),
        step("GET", f"/service/{ONE}/deploymentStage", answered=json.dumps(silent)),
    ]
    made = scene(violation("STATE-5", steps, {"kind": "places", "service": ONE, "places": [[BUILD, False]]}))
    assert tokens(made) == [("BUILD", "11111111", False, "expected"), ("DEPLOY", "11111111", None, "actual")]


def test_an_answer_that_is_recorded_in_part_is_not_said_to_show_nothing() -> None:
    told = left_skipped()
    told["steps"][0]["answer"] = told["steps"][0]["answer"][:100] + "… (70000 more bytes)"
    made = scene(told)
    assert made.sentences[0] == "the answer is longer than what is recorded of it"
    assert ("DEPLOY", "11111111", False, "expected") in tokens(made)


@pytest.mark.parametrize(
    "answered",
    [
        "",
        "[",
        '"x"',
        '{"results": 3}',
        "[" * 5000,
        '{"results": [{"id": 3}, 4]}',
        '{"results": [{"id": "x", "name": [], "services": [1, {"id": {}}, {}]}]}',
    ],
)
def test_an_answer_of_another_form_is_no_obstacle(answered: str) -> None:
    told = violation("SHAPE-1", [step("GET", LIST, answered=answered)], {"kind": "schema"})
    assert tokens(scene(told)) == []
    assert drawing_of(scene(told), told).boxes[1].kind == "actual"


def test_many_stages_and_long_stories_are_drawn_in_part_and_said_to_be() -> None:
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(30)]
    listed = json.dumps({"results": [stage(one, f"stage {at}", at, []) for at, one in enumerate(ids)]})
    steps = [
        step("PUT", f"/deploymentStage/{ids[number % 2]}/service/{ONE}", "{}", answered=listed) for number in range(25)
    ]
    told = violation("MOVE-2", steps, {"kind": "places", "service": ONE, "places": [[ids[7], False]]})
    made = scene(told)
    assert [column.label for column in made.columns] == ["stage 0", "stage 1", "stage 7"]
    assert made.left_out == 27
    assert [frame.number for frame in made.frames] == [1, 2, 18, 19, 20, 21, 22, 23, 24, 25]
    assert made.frames[2].skipped_over == 15
    drawn = drawing_of(made, told)
    assert drawn.rows[2].skipped_over == "15 requests not drawn"
    assert drawn.left_out == "27 other stages not drawn"


def test_names_are_used_where_they_tell_stages_apart() -> None:
    told = left_skipped()
    for one in told["steps"]:
        one["answer"] = one["answer"].replace("DEPLOY", "BUILD")
    assert [column.label for column in scene(told).columns] == ["a0000000", "b0000000", "TEST"]


def test_ids_that_begin_alike_are_told_apart_by_their_ends() -> None:
    other = ONE[:-1] + "9"
    made = scene(violation("MOVE-1", [attach(BUILD, other, "{}", {BUILD: [(ONE, False), (other, False)]})]))
    assert tokens(made) == [("BUILD", "000000000009", False, "")]


@pytest.mark.parametrize(
    ("credential", "headers", "said"),
    [
        ({"name": "an expired JWT"}, {"Authorization": "Bearer x"}, ", with an expired JWT"),
        ({"name": "the API token"}, {"Authorization": "Token x"}, ""),
        (None, {}, ", without a credential"),
    ],
)
def test_an_unusual_credential_is_named(credential: object, headers: dict[str, str], said: str) -> None:
    told = violation("AUTH-2", [{**attach(BUILD, ONE, None, {}), "headers": headers}], {"kind": "status"})
    told["reproducer"]["steps"][0]["credential"] = credential
    assert scene(told).frames[0].words == f"PUT service 11111111 to stage BUILD, no body{said}"


def test_everything_of_a_drawing_is_inside_it_and_nothing_overlaps() -> None:
    told = left_skipped()
    drawn = drawing_of(scene(told), told)
    corners = [(piece.x, piece.y) for piece in drawn.pieces]
    assert len(set(corners)) == len(corners)
    for x, y in corners:
        assert 0 <= x <= drawn.width - 132
        assert 0 <= y <= drawn.body - 38
    assert [row.top for row in drawn.rows] == sorted(row.top for row in drawn.rows)
    assert drawn.boxes[0].y >= drawn.body
    assert [curve.kind for curve in drawn.curves] == ["moves", "expected"]
    assert "2. PUT service 11111111 to stage DEPLOY, no body, answered 200" in drawn.description
    assert drawn.description.endswith("Expected: wanted. Actual: came.")


def test_a_story_without_steps_has_no_scene() -> None:
    assert scene_of({**left_skipped(), "steps": []}) is None


# ---------------------------------------------------------------------- races


def test_a_race_is_one_bar_an_operation_on_one_scale() -> None:
    made = timeline_of(race())
    assert made is not None
    assert made.title == "4 requests of 3 clients on one scale of time"
    first, second, third, last = made.bars
    assert first.x == 12
    assert [bar.client for bar in made.bars] == [0, 1, 2, 0]
    assert first.x < second.x < third.x < last.x
    assert second.x < first.x + first.width, "they overlap in time, and so they do on the page"
    assert last.x > second.x + second.width
    assert (third.open, third.x + third.width, last.wrong) == (True, made.width - 12, True)
    assert last.x + last.width == made.width - 12
    assert [text for _, text in made.ticks] == ["0 ms", "5.0 ms", "10 ms", "15 ms"]
    assert made.words[2] == "client 3, at 3.0 ms: PUT service to stage, never answered: no answer: in stage TEST"
    assert made.explanation == "No order explains it."


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"operations": "many"},
        {"operations": [3, {"client": 1}, {"start_s": float("nan")}, {"start_s": True}, {"start_s": "now"}]},
    ],
)
def test_a_race_of_another_form_has_no_timeline(told: object) -> None:
    assert timeline_of({**race(), "race": told}) is None


def test_a_long_race_is_drawn_in_part_and_said_to_be() -> None:
    operations = [{"client": number % 8, "start_s": number / 1000, "end_s": number / 1000} for number in range(90)]
    made = timeline_of({**race(), "race": {"operations": operations}})
    assert made is not None
    assert (len(made.bars), made.left_out) == (60, "30 requests not drawn")
    assert all(bar.width >= 4 and bar.x + bar.width <= made.width - 12 for bar in made.bars)
