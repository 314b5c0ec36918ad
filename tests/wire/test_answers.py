"""What an answer says is read leniently: absent, null, odd and hostile, and nothing raises."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.small import CREATED_AT, ENVIRONMENT, START, entry, listing, stage_payload, uid
from stagecheck.model.observation import Observation, SeenEntry, SeenStage
from stagecheck.operations import OPERATIONS, OperationKey
from stagecheck.wire.answers import Habits, read_answer

LISTS = (OperationKey.ATTACH, OperationKey.LIST)
A_STAGE = OperationKey.GET_STAGE


def read(payload: object, key: OperationKey = OperationKey.LIST, services: tuple[str, ...] = ()) -> Observation | None:
    return read_answer(key, payload, Habits(), services)


def one(payload: object) -> SeenStage:
    shown = read(payload, A_STAGE)
    assert shown is not None
    return shown.stages[0]


@pytest.mark.parametrize("key", LISTS)
def test_a_whole_listing(key: OperationKey) -> None:
    shown = read(listing(START), key)
    assert shown is not None
    assert shown.of_list
    assert shown.names_services
    assert [stage.name for stage in shown.stages] == ["A", "B", "C"]
    first = shown.stages[0]
    assert (first.id, first.environment, first.order, first.created_at) == (uid("A"), ENVIRONMENT, 1, CREATED_AT)
    assert first.entries is not None
    assert [(e.service, e.skipped, e.type) for e in first.entries] == [
        (uid("one"), False, "APPLICATION"),
        (uid("two"), False, "APPLICATION"),
    ]


def test_a_minimal_stage() -> None:
    stage = one({"id": uid("A"), "created_at": CREATED_AT, "environment": {"id": ENVIRONMENT}})
    assert stage == SeenStage(uid("A"), ENVIRONMENT, created_at=CREATED_AT)


@pytest.mark.parametrize("absent", [None, "", 7, {}, [1]])
def test_what_is_of_an_unexpected_type_says_nothing(absent: object) -> None:
    odd = dict.fromkeys(("environment", "deployment_order", "created_at", "updated_at", "services"), absent)
    stage = one({**odd, "id": uid("A"), "name": ["x"], "description": 7})
    assert (stage.environment, stage.name, stage.description) == (None, None, None)
    assert stage.created_at in (None, "")
    assert stage.order in (None, 7)


def test_a_boolean_is_no_order() -> None:
    assert one({"id": uid("A"), "deployment_order": True}).order is None


@pytest.mark.parametrize(
    ("flag", "skipped"),
    [
        (True, True),
        (False, False),
        (None, False),
        ("true", True),
        ("false", False),
        (0, False),
        ([], False),
        ({}, False),
    ],
)
def test_the_flag(flag: object, *, skipped: bool) -> None:
    stage = one({"id": uid("A"), "services": [{**entry("one"), "is_skipped": flag}]})
    assert stage.entries is not None
    assert stage.entries[0].skipped is skipped


def test_an_absent_flag_is_false() -> None:
    shown = {name: value for name, value in entry("one*").items() if name != "is_skipped"}
    stage = one({"id": uid("A"), "services": [shown]})
    assert stage.entries == (
        SeenEntry(uid("one"), skipped=False, type="APPLICATION", created_at=CREATED_AT, updated_at=CREATED_AT),
    )


def test_ids_in_upper_case_are_the_same_ids() -> None:
    payload = stage_payload("A", ["one"], 1)
    upper = copy.deepcopy(payload)
    upper["id"] = upper["id"].upper()
    upper["environment"]["id"] = upper["environment"]["id"].upper()
    upper["services"][0]["service_id"] = upper["services"][0]["service_id"].upper()
    assert one(upper) == one(payload)


def test_an_entry_without_a_service_id_is_known_by_its_own_id_only_where_that_is_a_service() -> None:
    stage = {"id": uid("A"), "services": [{"id": uid("one"), "created_at": CREATED_AT}, {"id": uid("other")}]}
    shown = read(stage, A_STAGE, (uid("one"),))
    assert shown is not None
    assert shown.stages[0].entries is not None
    assert [e.service for e in shown.stages[0].entries] == [uid("one"), None]
    assert not shown.names_services


def test_an_id_that_is_no_uuid_names_nothing() -> None:
    assert read({"results": [{"id": "A"}, {"id": 7}, {}, None, {"id": uid("B")}]}) == Observation(
        (SeenStage(uid("B")),), of_list=True
    )


@pytest.mark.parametrize("payload", [None, [], "text", 7, {}, {"results": None}, {"results": {}}, [{"id": uid("A")}]])
def test_what_is_no_listing_shows_nothing(payload: object) -> None:
    assert read(payload) is None


@pytest.mark.parametrize("payload", [None, [], {}, {"id": 7}, {"results": []}])
def test_what_is_no_stage_shows_nothing(payload: object) -> None:
    assert read(payload, A_STAGE) is None


def test_an_empty_listing_shows_that_there_is_nothing() -> None:
    assert read({"results": []}) == Observation((), of_list=True)


def test_a_key_left_out_means_an_empty_stage_once_the_operation_was_seen_to_show_it() -> None:
    habits = Habits()
    bare_stage = {"id": uid("C")}
    first = read_answer(A_STAGE, bare_stage, habits)
    assert first is not None
    assert first.stages[0].entries is None, "it may never show services"
    read_answer(A_STAGE, stage_payload("A", ["one"], 1), habits)
    then = read_answer(A_STAGE, bare_stage, habits)
    assert then is not None
    assert then.stages[0].entries == (), "it leaves out empty lists"
    other = read_answer(OperationKey.GET_SERVICE_STAGE, bare_stage, habits)
    assert other is not None
    assert other.stages[0].entries is None, "another operation has habits of its own"


def test_how_a_target_writes_ids_is_remembered_as_it_was_first_seen() -> None:
    habits = Habits()
    payload = listing(START)
    payload["results"][0]["id"] = uid("A").upper()
    payload["results"][0]["services"][0]["service_id"] = uid("one").upper()
    read_answer(OperationKey.LIST, payload, habits)
    read_answer(OperationKey.LIST, listing(START), habits)
    assert habits.spellings[uid("A")] == uid("A").upper()
    assert habits.spellings[uid("one")] == uid("one").upper()
    assert habits.spellings[uid("B")] == uid("B")


_NAMES = (
    "results",
    "id",
    "environment",
    "services",
    "service_id",
    "is_skipped",
    "created_at",
    "deployment_order",
    "name",
)
_HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(uid("A")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_NAMES) | st.text(), inner, max_size=6),
    max_leaves=25,
)


@given(st.sampled_from(list(OPERATIONS)), _HOSTILE)
def test_hostile_json_never_raises(key: OperationKey, payload: object) -> None:
    shown = read_answer(key, payload, Habits(), [uid("one")])
    assert shown is None or shown.of_list == (OPERATIONS[key].answer == "list")


@given(st.dictionaries(st.sampled_from(_NAMES), _HOSTILE), st.integers(0, 2))
def test_one_hostile_stage_leaves_the_others_readable(hostile: dict[str, Any], where: int) -> None:
    payload = listing(START)
    payload["results"].insert(where, hostile)
    shown = read(payload)
    assert shown is not None
    assert {uid("A"), uid("B"), uid("C")} <= {stage.id for stage in shown.stages}
