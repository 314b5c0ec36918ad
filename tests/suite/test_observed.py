"""What a run keeps of the form of answers: names and kinds, bounded, and never a value."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from front.samples import exchange_with
from stagecheck.exchange import Exchange
from stagecheck.outcome import Observed, PropertySeen
from stagecheck.suite.observed import ALL_OF, MOST_NAMES, ONE_IN, Observations

ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
WHEN = "2023-11-07T05:31:56Z"


def answered(
    body: Any, *, status: int | None = 200, method: str = "GET", path: str = f"/deploymentStage/{ID}"
) -> Exchange:
    made = exchange_with()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = replace(made.request, method=method, path=path)
    return replace(made, request=request, status=status, body=content)


def observed(*exchanges: Exchange) -> dict[str, Observed]:
    observations = Observations()
    for exchange in exchanges:
        observations(exchange)
    return dict(observations.summary())


def properties(*bodies: Any) -> dict[str, PropertySeen]:
    answers = observed(*map(answered, bodies))["get-stage"].answers["200"]
    return {one.path: one for one in answers.properties}


def test_statuses_are_counted_by_operation() -> None:
    found = observed(
        answered({}),
        answered({}),
        answered(b"", status=404),
        answered({}, method="PUT", path=f"/deploymentStage/{ID}/service/{ID}"),
        answered({}, status=None),
        answered({}, method="BREW", path="/pot"),
    )
    assert {key: dict(one.statuses) for key, one in found.items()} == {
        "attach": {"200": 1},
        "get-stage": {"200": 2, "404": 1},
    }
    assert "404" not in found["get-stage"].answers


def test_properties_have_their_types_formats_and_how_often_they_were_there() -> None:
    stage = {"id": ID, "created_at": WHEN, "order": 1, "services": [{"id": ID, "skipped": True}, {"id": "x"}]}
    found = properties(stage, {**stage, "order": 1.5, "services": []}, {"id": None})
    assert found["id"] == PropertySeen("id", 3, 3, {"string": 2, "null": 1}, {"uuid": 2})
    assert found["created_at"] == PropertySeen("created_at", 2, 3, {"string": 2}, {"date-time": 2})
    assert found["order"].types == {"integer": 1, "number": 1}
    assert found["services"].types == {"array": 2}
    assert found["services[]"] == PropertySeen("services[]", 2, 2, {"object": 2}, {})
    assert found["services[].skipped"] == PropertySeen("services[].skipped", 1, 2, {"boolean": 1}, {})
    assert found["services[].id"].formats == {"uuid": 1, "other": 1}


def test_no_value_is_kept_and_no_part_of_a_name() -> None:
    secret = "sekret-0123456789"
    long = "x" * 200
    bodies = [{"token": secret, f"a.{secret}": 1, long: {secret: 1}, ID: {"a": 1}, "a[]": 1}]
    found = properties(*bodies)
    assert set(found) == {"token", "*", "*.a", f"*.{secret}"}
    # A whole secret as a name is what the record's redactor knows.
    assert not any(long[:50] in path for path in found)


def test_names_are_bounded_and_what_is_left_out_is_counted() -> None:
    answers = observed(*(answered({f"n{number}": 1}) for number in range(MOST_NAMES + 7)))["get-stage"].answers["200"]
    assert len(answers.properties) == MOST_NAMES
    assert answers.left_out == 7
    wide = observed(answered({f"n{number}": 1 for number in range(100_000)}))["get-stage"].answers["200"]
    assert (len(wide.properties), wide.left_out) == (MOST_NAMES, 1)


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": [deep]}
    assert max(path.count("a") for path in properties(deep)) < 10


def test_of_many_answers_a_part_is_looked_into_and_all_are_counted() -> None:
    found = observed(*[answered({"a": 1})] * (ALL_OF + 10 * ONE_IN))["get-stage"]
    assert found.statuses == {"200": ALL_OF + 10 * ONE_IN}
    assert found.answers["200"].looked_into == ALL_OF + 10


def test_what_is_no_json_has_a_media_type_and_no_properties() -> None:
    text = replace(answered(b"<html>"), headers={"content-type": "text/html; charset=utf-8"})
    odd = replace(answered(b"x"), headers={"content-type": "x" * 500})
    answers = observed(text, odd)["get-stage"].answers["200"]
    assert (answers.looked_into, dict(answers.media), answers.properties) == (0, {"text/html": 1, "other": 1}, ())
