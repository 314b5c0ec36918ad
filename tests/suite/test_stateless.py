"""Targets that remember nothing: told once, in few requests, and apart from those that remember wrongly."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from stagecheck.audit.conforming import Offers
from stagecheck.audit.defect import DEFECTS
from stagecheck.contract import CATALOGUE
from stagecheck.exchange import Redactor
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.ladder import ladder_of, next_step, standing
from stagecheck.report.record import record_of
from stagecheck.target.credentials import Credentials
from suite.rig import Rig, by_id, rig

EXAMPLE = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
Answer = Callable[[], Any]


def stage(identifier: str, *, skipped: bool = False, services: bool = True) -> dict[str, Any]:
    """The example of the document, or one like it."""
    shown: dict[str, Any] = {
        "id": identifier,
        "created_at": "2023-11-07T05:31:56Z",
        "environment": {"id": identifier},
        "name": "string",
        "deployment_order": 1,
    }
    if services:
        entry = {"id": identifier, "created_at": shown["created_at"], "service_id": identifier, "is_skipped": skipped}
        shown["services"] = [entry]
    return shown


def static(example: Callable[[], dict[str, Any]], *, refuses: bool = False) -> Rig:
    """A target that answers every request with an example, and with 401 where no credential comes."""

    def answering(request: httpx.Request) -> httpx.Response:
        if "authorization" not in request.headers:
            return httpx.Response(401, json={})
        if refuses and request.content and request.content != b'{"is_skipped": true}' and request.method == "PUT":
            return httpx.Response(422, json={})
        listed = request.method == "GET" and "environment" in request.url.path
        listed |= request.method == "PUT" and "/service/" in request.url.path
        return httpx.Response(200, json={"results": [example()]} if listed else example())

    made = rig(Mock(embedded()), quick=False)
    made.credentials = Credentials(token="any")
    made.answering = answering
    return made


def _anew() -> dict[str, Any]:
    return stage(str(uuid.UUID(int=random.getrandbits(128), version=4)))


@pytest.mark.parametrize(
    "example",
    [
        lambda: stage(EXAMPLE),
        lambda: stage(EXAMPLE, skipped=True),
        lambda: stage(EXAMPLE, services=False),
        _anew,
    ],
    ids=["as it is", "skipped", "without services", "made up"],
)
def test_a_static_mock_is_told_so_in_few_requests(example: Callable[[], dict[str, Any]]) -> None:
    result = static(example).run()
    assert result.stateless is not None
    assert result.requests < 40
    assert result.verdict is Verdict.NON_CONFORMING
    stateful = [
        v.breach.requirement for v in result.violations if not v.breach.requirement.startswith(("ERR", "SHAPE", "AUTH"))
    ]
    assert stateful == ["MOVE-1"], "one cause is said once"
    results = by_id(result)
    assert results["SHAPE-1"].grade is Grade.PASS
    assert results["AUTH-1"].grade is Grade.PASS
    assert results["ERR-2"].grade is Grade.FAIL
    assert results["STATE-5"].grade is Grade.NOT_TESTED
    assert "cannot keep a state" in (results["STATE-5"].reason or "")
    assert not any("put back" in note for note in result.notes), "there is nothing to put back"


def test_its_place_on_the_ladder() -> None:
    made = static(lambda: stage(EXAMPLE))
    ladder = record_of(made.run(), Redactor(made.credentials.secrets()))["ladder"]
    assert (ladder["rung"], ladder["name"], ladder["of"]) == (1, "shape", 5)
    assert "one and the same answer" in ladder["stateless"]
    assert standing(ladder).startswith("rung 1 of 5, shape")
    assert (next_step(ladder) or "").startswith("for rung 2, refuses, mend ERR-2")


@pytest.mark.parametrize("name", ["move-is-not-stored", "false-is-flag-only", "first-stage-always", "skip-ignored"])
def test_a_target_that_remembers_wrongly_is_not_called_stateless(name: str) -> None:
    defect = DEFECTS.get(name) or next(iter(DEFECTS.values()))
    assert rig(defect.mock(embedded())).run().stateless is None


def test_a_target_that_shows_nothing_but_remembers_is_not_called_stateless() -> None:
    class Bare(Offers):
        def stage(self, stage_id: str) -> dict[str, Any]:
            shown = super().stage(stage_id)
            del shown["services"]
            return shown

    result = rig(Bare(embedded()), environment=None).run()
    assert result.stateless is None
    assert result.violations == ()


# ---------------------------------------------------------------------- the ladder by itself


def graded(**grades: str) -> list[dict[str, Any]]:
    """Requirements of a record: kept, but for these."""
    return [
        {"id": key, "level": entry.level.value, "grade": grades.get(key.replace("-", "_"), "pass"), "reason": None}
        for key, entry in CATALOGUE.items()
    ]


@pytest.mark.parametrize(
    ("grades", "rung"),
    [
        ({}, 5),
        ({"RACE_2": "fail"}, 4),
        ({"RACE_1": "non-strict"}, 4),
        ({"RACE_1": "not-tested", "RACE_2": "not-tested", "RACE_3": "not-tested"}, 4),
        ({"MOVE_4": "fail"}, 3),
        ({"STAGE_1": "not-offered"}, 5),
        ({"STATE_5": "fail"}, 2),
        ({"STATE_5": "inconclusive"}, 2),
        ({"STATE_8": "inconclusive"}, 5),
        ({"AUTH_3": "fail"}, 1),
        ({"AUTH_3": "not-tested"}, 5),
        ({"MOVE_4": "known"}, 5),
        ({"SHAPE_1": "fail", "MOVE_1": "fail"}, 0),
    ],
    ids=str,
)
def test_the_highest_rung_that_holds_with_all_below_it(grades: dict[str, str], rung: int) -> None:
    ladder = ladder_of(graded(**grades))
    assert ladder["rung"] == rung
    assert json.loads(json.dumps(ladder)) == ladder
    said = next_step(ladder)
    assert (said is None) == (rung == 5)
    broken = [key.replace("_", "-") for key, grade in grades.items() if grade in ("fail", "inconclusive")]
    if rung < 5 and broken:
        assert broken[0] in str(said)
