"""What is expected keeps a run from nothing, and a run says when it tried less than it usually does."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from stagecheck.mock.app import Answer, Mock, as_httpx
from stagecheck.mock.scenario import embedded
from stagecheck.model.compare import Mismatch
from stagecheck.model.step import Refused
from stagecheck.suite.findings import MOST_OF_ONE_REQUIREMENT, Findings
from stagecheck.target.client import Limits
from suite.rig import NIGHTLY, rig

pytestmark = pytest.mark.long


class Careless(Mock):
    """Answers 400 to other methods: a broken SHOULD (ERR-7)."""

    def refusal(self, refused: Refused) -> Answer:
        answer = super().refusal(refused)
        return Answer(400, answer.payload) if answer.status == 405 else answer


def mismatch(cause: str) -> Mismatch:
    return Mismatch("MOVE-1", cause, "it broke", "this", "that", "state")


def test_known_ones_leave_room_for_as_many_new_ones() -> None:
    findings = Findings(["MOVE-1"], lambda _, cause: cause.startswith("known"))
    for number in range(2 * MOST_OF_ONE_REQUIREMENT):
        findings.add(mismatch(f"known {number}"), (), 1)
        findings.add(mismatch(f"new {number}"), (), 2)
    causes = [violation.breach.cause for violation in findings.violations]
    assert sum(cause.startswith("known") for cause in causes) == 2 * MOST_OF_ONE_REQUIREMENT
    assert [violation.breach.cause for violation in findings.news] == [
        f"new {number}" for number in range(MOST_OF_ONE_REQUIREMENT)
    ]
    assert all(violation.known == violation.breach.cause.startswith("known") for violation in findings.violations)


def test_a_short_run_goes_on_after_what_is_known() -> None:
    unexpected = rig(Careless(embedded()), selected=["ERR-7"]).run()
    expected = rig(
        Careless(embedded()), selected=["ERR-7"], expects=lambda requirement, _: requirement == "ERR-7"
    ).run()
    assert unexpected.cut_short == "a short run that finds something new looks for no more"
    assert expected.cut_short is None
    seen = {violation.breach.cause for violation in unexpected.violations}
    assert seen < {violation.breach.cause for violation in expected.violations}


@pytest.mark.parametrize("quick", [True, False])
def test_a_run_of_its_profile_is_no_less_for_ending_with_its_requests(*, quick: bool) -> None:
    result = rig(quick=quick).run()
    assert (result.cut_short, result.broken_off) == (None, False)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(requests=60), "the 60 requests of [limits] were spent before all was tried"),
        (Limits(requests=3000, seconds=0.05), "the 0.05 seconds of the run were over before all was tried"),
    ],
)
def test_a_run_with_less_than_its_profile_says_so(limits: Limits, said: str) -> None:
    run = rig(quick=limits.requests < 150)
    run.limits = limits
    result = run.run()
    assert (result.cut_short, result.broken_off) == (said, False)


@pytest.mark.parametrize(
    ("mock", "said"), [(Mock, None), (Careless, "something new has used requests that are missing elsewhere")]
)
def test_what_is_new_may_have_used_the_requests_of_others(mock: type[Mock], said: str | None) -> None:
    few = replace(NIGHTLY, requests=600)
    run = rig(mock(embedded()), quick=False, profile=few)
    assert run.run().cut_short == said


def test_a_target_that_vanishes_breaks_the_run_off() -> None:
    mock = Mock(embedded())
    run = rig(mock)

    def answering(request: httpx.Request) -> httpx.Response:
        if len(run.exchanges) > 40:
            raise httpx.ConnectError("gone")
        return as_httpx(mock, request)

    run.answering = answering
    result = run.run()
    assert result.broken_off
    assert (result.cut_short or "").startswith("cannot connect to ")
