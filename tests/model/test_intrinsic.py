"""What one answer breaks on its own face: STATE-8 and STATE-9."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.small import CREATED_AT, ENVIRONMENT, seen, uid
from stagecheck.model.intrinsic import intrinsic
from stagecheck.model.observation import Observation, SeenEntry, SeenStage

EARLIER, LATER = "1970-01-01T00:00:00Z", "2025-01-01T00:00:00Z"


def _stage(name: str, order: int | None, environment: str | None = ENVIRONMENT) -> SeenStage:
    return SeenStage(uid(name), environment, order=order)


def _entry(created: str | None, updated: str | None) -> SeenStage:
    return SeenStage(uid("A"), entries=(SeenEntry(uid("one"), skipped=False, created_at=created, updated_at=updated),))


_CASES: dict[str, tuple[Observation, list[str], list[str]]] = {
    "all is well": (seen({"A": ["one"], "B": []}), [], ["STATE-8", "STATE-9"]),
    "an order twice": (
        Observation((_stage("A", 1), _stage("B", 2), _stage("C", 1)), of_list=True),
        ["STATE-8"],
        ["STATE-8"],
    ),
    "one stage has an order": (Observation((_stage("A", 1), _stage("B", None)), of_list=True), [], []),
    "no orders": (Observation((_stage("A", None), _stage("B", None)), of_list=True), [], []),
    "no stages": (Observation((), of_list=True), [], []),
    "the same order in another environment": (
        Observation((_stage("A", 1), _stage("B", 2), _stage("X", 1, uid("second"))), of_list=True),
        [],
        ["STATE-8"],
    ),
    "a single stage, read": (Observation((_stage("A", 1),), of_list=False), [], []),
    "an entry updated before it was created": (
        Observation((_entry(LATER, EARLIER),), of_list=False),
        ["STATE-9"],
        ["STATE-9"],
    ),
    "an entry updated when it was created": (Observation((_entry(LATER, LATER),), of_list=False), [], ["STATE-9"]),
    "an entry without an update": (Observation((_entry(LATER, None),), of_list=False), [], []),
    "an entry with a date that is none": (Observation((_entry(LATER, "soon"),), of_list=False), [], []),
}


@pytest.mark.parametrize(("shown", "broken", "exercised"), _CASES.values(), ids=_CASES)
def test_what_an_answer_breaks_by_itself(shown: Observation, broken: list[str], exercised: list[str]) -> None:
    mismatches, could = intrinsic(shown, "reading")
    assert [mismatch.requirement for mismatch in mismatches] == broken
    assert could == exercised


def test_a_stage_updated_before_it_was_created_is_named_in_the_message() -> None:
    stage = replace(_stage("A", 1), created_at=CREATED_AT, updated_at=EARLIER)
    mismatches, _ = intrinsic(Observation((stage,), of_list=False), "reading stage A")
    assert [mismatch.requirement for mismatch in mismatches] == ["STATE-9"]
    assert uid("A") in mismatches[0].message
    assert "reading stage A" in mismatches[0].message
