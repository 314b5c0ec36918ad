"""Three-way drift: who disagrees with whom, from documents that are edited and records that were made by runs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stagecheck.drift import Drift, Row, drift_of
from stagecheck.drift.facts import Facts
from stagecheck.errors import UsageError
from stagecheck.operations import OperationKey
from stagecheck.spec import fragment_path, read
from stagecheck.spec.diff import diff
from stagecheck.spec.diff.compare import sound

FRAGMENT = read(fragment_path()).raw
SERVICE = ("components", "schemas", "Service", "properties")
SKIPPED = "the answer 200, results[].services[].is_skipped"
BOTH, PINNED, UPSTREAM = (
    "the target disagrees with both documents",
    "the pinned document disagrees with upstream and the target",
    "upstream disagrees with the pinned document and the target",
)
FIT = "the documents disagree; the target fits both"
LESS = "the target does less than the documents allow"
Edit = Callable[[dict[str, Any]], None]


def seen(path: str, types: dict[str, int], *, of: int = 9, formats: dict[str, int] | None = None) -> dict[str, Any]:
    return {"path": path, "seen": sum(types.values()), "of": of, "types": types, "formats": formats or {}}


def uuids(path: str) -> dict[str, Any]:
    return seen(path, {"string": 9}, formats={"uuid": 9})


def times(path: str) -> dict[str, Any]:
    return seen(path, {"string": 9}, formats={"date-time": 9})


def usual() -> dict[str, dict[str, Any]]:
    """What a target answers that keeps to the published document in all."""
    return {
        entry["path"]: entry
        for entry in (
            seen("results", {"array": 9}),
            seen("results[]", {"object": 9}),
            uuids("results[].id"),
            times("results[].created_at"),
            times("results[].updated_at"),
            seen("results[].environment", {"object": 9}),
            uuids("results[].environment.id"),
            seen("results[].name", {"string": 9}, formats={"other": 9}),
            seen("results[].description", {"string": 5, "null": 4}, formats={"other": 5}),
            seen("results[].deployment_order", {"integer": 9}),
            seen("results[].services", {"array": 9}),
            seen("results[].services[]", {"object": 9}),
            uuids("results[].services[].id"),
            times("results[].services[].created_at"),
            times("results[].services[].updated_at"),
            uuids("results[].services[].service_id"),
            seen("results[].services[].service_type", {"string": 9}, formats={"other": 9}),
            seen("results[].services[].is_skipped", {"boolean": 9}),
        )
    }


def record(
    properties: dict[str, dict[str, Any]] | None = None, statuses: dict[str, int] | None = None
) -> dict[str, Any]:
    answer = {
        "looked_into": 9,
        "media": {"application/json": 9},
        "types": {"object": 9},
        "properties": list((usual() if properties is None else properties).values()),
        "left_out": 0,
    }
    attach = {"statuses": statuses or {"200": 9, "404": 1}, "answers": {"200": answer}}
    return {"target": {"offers": [key.value for key in OperationKey]}, "observed": {"attach": attach}}


@pytest.fixture
def drift(tmp_path: Path) -> Callable[..., Drift]:
    def made(made_by: dict[str, Any], pinned: Edit | None = None, upstream: Edit | None = None) -> Drift:
        files = []
        for name, change in (("pinned", pinned), ("upstream", upstream)):
            raw = copy.deepcopy(FRAGMENT)
            if change is not None:
                change(raw)
            files.append(tmp_path / f"{name}.json")
            files[-1].write_text(json.dumps(raw), encoding="utf-8")
        first, second = files
        return drift_of(made_by, Facts(sound(first)), Facts(sound(second)), diff(first, second, contract_alone=True))

    return made


def attach_rows(found: Drift) -> list[Row]:
    return [row for row in found.rows if row.operation.endswith("/service/{serviceId}")]


def put(*steps: str, value: Any) -> Edit:
    def change(raw: dict[str, Any]) -> None:
        for step in steps[:-1]:
            raw = raw[step]
        raw[steps[-1]] = value

    return change


def drop(*steps: str) -> Edit:
    def change(raw: dict[str, Any]) -> None:
        for step in steps[:-1]:
            raw = raw[step]
        del raw[steps[-1]]

    return change


def test_where_all_say_the_same_there_is_nothing_to_tell(drift: Callable[..., Drift]) -> None:
    found = drift(record())
    assert found.rows == ()
    assert (found.grave, found.answers) == (0, 9)


@pytest.mark.parametrize(
    ("pinned", "upstream", "verdict"),
    [
        (None, put(*SERVICE, "is_skipped", "type", value="string"), UPSTREAM),
        (put(*SERVICE, "is_skipped", "type", value="string"), None, PINNED),
        (None, drop(*SERVICE, "is_skipped"), UPSTREAM),
        (drop(*SERVICE, "is_skipped"), None, PINNED),
        (None, put(*SERVICE, "is_skipped", "nullable", value=True), FIT),
        (
            put(*SERVICE, "is_skipped", "type", value="string"),
            put(*SERVICE, "is_skipped", "type", value="integer"),
            "all three disagree",
        ),
    ],
)
def test_who_is_alone_is_named(
    drift: Callable[..., Drift], pinned: Edit | None, upstream: Edit | None, verdict: str
) -> None:
    (row,) = [row for row in attach_rows(drift(record(), pinned, upstream)) if row.what == SKIPPED]
    assert (row.verdict, row.grave) == (verdict, True)


AGAINST = (
    (seen("results[].colour", {"string": 9}, formats={"other": 9}), "string, 9 of 9"),
    (seen("results[].name", {"string": 8, "null": 1}), "string or null, 9 of 9; also null"),
    (seen("results[].deployment_order", {"number": 9}), "number, 9 of 9; also number"),
    (seen("results[].id", {"string": 9}, formats={"other": 2, "uuid": 7}), "string (uuid), 9 of 9; 2 of 9 no uuid"),
    (seen("results[].id", {"string": 7}, formats={"uuid": 7}), "string (uuid), 7 of 9; missing 2 times"),
    (seen("results[].created_at", {}), "never seen"),
)
LESS_THAN = (
    (seen("results[].description", {"string": 9}), "string, 9 of 9; never null"),
    (seen("results[].name", {"string": 9}, formats={"uuid": 9}), "string (uuid), 9 of 9; always a uuid"),
    (seen("results[].updated_at", {}), "never seen"),
)


def shown_with(entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is usual, but for one property; without it where it was never seen."""
    shown = {path: one for path, one in usual().items() if path != entry["path"]}
    return {**shown, entry["path"]: entry} if entry["seen"] else shown


@pytest.mark.parametrize(("entry", "says"), AGAINST)
def test_what_a_target_does_against_both_documents(
    drift: Callable[..., Drift], entry: dict[str, Any], says: str
) -> None:
    (row,) = drift(record(shown_with(entry))).rows
    assert (row.what, row.target) == (f"the answer 200, {entry['path']}", says)
    assert (row.verdict, row.grave) == (BOTH, True)


@pytest.mark.parametrize(("entry", "says"), LESS_THAN)
def test_what_a_target_does_less_is_told_and_is_not_grave(
    drift: Callable[..., Drift], entry: dict[str, Any], says: str
) -> None:
    found = drift(record(shown_with(entry)))
    (row,) = found.rows
    assert (row.what, row.target) == (f"the answer 200, {entry['path']}", says)
    assert row.verdict == LESS
    assert found.grave == 0


def test_what_could_not_be_seen_is_not_missed(drift: Callable[..., Drift]) -> None:
    shown = {path: entry for path, entry in usual().items() if not path.startswith("results[].services[]")}
    assert drift(record(shown)).rows == ()


def test_an_undescribed_object_is_told_once(drift: Callable[..., Drift]) -> None:
    shown = {
        **usual(),
        "meta": seen("meta", {"object": 9}),
        "meta.page": seen("meta.page", {"integer": 9}),
        "meta.all[]": seen("meta.all[]", {"integer": 9}),
    }
    (row,) = drift(record(shown)).rows
    assert row.what == "the answer 200, meta"


def test_statuses(drift: Callable[..., Drift]) -> None:
    responses = ("paths", "/deploymentStage/{deploymentStageId}/service/{serviceId}", "put", "responses")
    conflict = put(*responses, "409", value={"description": "In use"})
    seen_409 = record(statuses={"200": 9, "409": 2})
    (row,) = drift(seen_409).rows
    assert (row.what, row.pinned, row.upstream, row.target) == ("status 409", "nothing", "nothing", "seen 2 times")
    assert (row.verdict, row.grave) == ("the documents leave out a refusal", False)
    for status in ("202", "302", "503"):
        (row,) = drift(record(statuses={"200": 9, status: 1})).rows
        assert (row.target, row.verdict, row.grave) == ("seen once", BOTH, True)
    (row,) = drift(seen_409, upstream=conflict).rows
    assert (row.upstream, row.verdict) == ("as 409", PINNED)
    (row,) = drift(record(), upstream=conflict).rows
    assert (row.target, row.verdict) == ("never seen", FIT)
    everything = put(*responses, "default", value={"description": "Anything"})
    assert drift(seen_409, everything, everything).rows == ()


def test_an_operation_that_only_one_document_has(drift: Callable[..., Drift]) -> None:
    path = "/service/{serviceId}/deploymentStage"
    found = drift(record(), upstream=drop("paths", path))
    (row,) = [row for row in found.rows if row.operation == f"GET {path}"]
    assert (row.what, row.pinned, row.upstream, row.target) == ("the operation", "described", "nothing", "offered")
    assert row.verdict == UPSTREAM


def test_maps_take_any_name(drift: Callable[..., Drift]) -> None:
    labels = put("components", "schemas", "Stage", "properties", "labels", value={
        "type": "object", "additionalProperties": {"type": "string"},
    })  # fmt: skip
    shown = {
        **usual(),
        "results[].labels": seen("results[].labels", {"object": 9}),
        "results[].labels.a": seen("results[].labels.a", {"string": 9}),
    }
    assert drift(record(shown), labels, labels).rows == ()
    shown["results[].labels.b"] = seen("results[].labels.b", {"integer": 9})
    (row,) = drift(record(shown), labels, labels).rows
    assert row.what == "the answer 200, results[].labels.b"


PATH = "/deploymentStage/{deploymentStageId}/service/{serviceId}"


def reworded(old: str, new: str) -> Edit:
    def change(raw: dict[str, Any]) -> None:
        put_ = raw["paths"][PATH]["put"]
        assert old in put_["description"]
        put_["description"] = put_["description"].replace(old, new)

    return change


def test_requests_in_which_the_documents_differ_are_in_the_table(drift: Callable[..., Drift]) -> None:
    required = put("components", "schemas", "AttachServiceRequest", "required", value=["is_skipped"])
    (row,) = drift(record(), upstream=required).rows
    assert (row.what, row.upstream, row.target) == ("the body", "is_skipped is required now", "not looked at")


def test_words_that_were_edited_are_in_the_table_and_what_contradicts_the_contract_is_named(
    drift: Callable[..., Drift],
) -> None:
    found = drift(record(), upstream=reworded("lifts an earlier skip", "skips the service"))
    edited, wrong = found.rows
    assert edited.what == "the operation"
    assert "lifts an earlier skip" in edited.pinned
    assert "skips the service" in edited.upstream
    assert (wrong.what, wrong.pinned, wrong.upstream, wrong.verdict, wrong.requirements) == (
        "S3: a move to a different stage un-skips.",
        "does not",
        "says the opposite",
        "upstream contradicts the contract",
        ("MOVE-4",),
    )
    both = reworded("lifts an earlier skip", "skips the service")
    (row,) = drift(record(), both, both).rows
    assert row.verdict == "both documents contradict the contract"


def test_texts_in_other_words_altogether_are_counted_and_contradict_nobody(drift: Callable[..., Drift]) -> None:
    summary = put("paths", PATH, "put", "summary", value="Attach to it")
    found = drift(record(), upstream=summary)
    assert (found.rows, found.other_words, found.grave) == ((), 1, 0)


@pytest.mark.parametrize("observed", [None, 3, []])
def test_a_record_of_an_earlier_version_is_refused_with_the_mend(drift: Callable[..., Drift], observed: Any) -> None:
    old = {**record(), "observed": observed}
    with pytest.raises(UsageError, match="make a new one with stagecheck verify"):
        drift(old)


@pytest.mark.parametrize(
    "attach",
    [3, {}, {"statuses": {}}, {"statuses": {"200": 1}, "answers": {"200": {}}}, {"statuses": 3, "answers": {}}],
)
def test_a_record_that_was_edited_is_refused(drift: Callable[..., Drift], attach: Any) -> None:
    with pytest.raises(UsageError, match="is not understood"):
        drift({**record(), "observed": {"attach": attach}})
