"""What is wrong beside something else: one thing wrong with a target does not keep the next from being seen."""

from __future__ import annotations

import json

import pytest

from kit.small import listing
from stagecheck.audit.defect import DEFECTS
from stagecheck.audit.target import embedded_run
from stagecheck.exchange import Credential, Exchange, HttpRequest
from stagecheck.operations import OperationKey
from stagecheck.suite.plan import ProfileName
from stagecheck.suite.shapes import shape_problems
from suite.rig import DOCUMENT, named

pytestmark = pytest.mark.long


def test_each_kind_of_flaw_of_one_answer_is_a_violation_of_its_own() -> None:
    payload = listing({"A": ("one", "two"), "B": (), "C": ()})
    for stage in payload["results"]:
        stage["name"] = 7
        for entry in stage["services"]:
            del entry["created_at"]
    request = HttpRequest("PUT", "/", (), None, Credential("none", None, None))
    answer = Exchange(1, "tour", request, 200, {"content-type": "application/json"}, json.dumps(payload).encode(), 0, 0)
    found = {mismatch.cause for mismatch in shape_problems(DOCUMENT, OperationKey.ATTACH, answer)}
    assert found == {"attach:results[].name", "attach:results[].services[].created_at is missing"}


@pytest.mark.parametrize("profile", [ProfileName.QUICK, ProfileName.NIGHTLY])
def test_a_target_that_wants_a_body_is_asked_with_one(profile: ProfileName) -> None:
    """With no body every request would be refused for the body, and no check of a refusal could fail."""
    result = embedded_run(DEFECTS["content-type-required"].mock, profile=profile)
    assert named(result) == {"MOVE-3", "MOVE-5"} if profile is ProfileName.NIGHTLY else {"MOVE-3"}
