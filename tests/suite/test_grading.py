"""From what was found and exercised to grades and a verdict: tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Breach, Grade, Level, RequirementResult, Verdict, Violation
from stagecheck.suite.grading import Circumstances, grade_all, verdict_of
from stagecheck.suite.registry import CHECKED, PARTS, wants

USUAL = Circumstances(
    selected=frozenset(CATALOGUE),
    lacking={},
    silent={},
    reads_offered=True,
    stages=3,
    cut_short=None,
    nameless=False,
    reading="move-and-skip",
    pinned=False,
    choices={},
)
ALL_EXERCISED = dict.fromkeys(CHECKED, 3)


def violation(requirement: str, level: Level | None = None) -> Violation:
    breach = Breach(requirement, "cause", "It broke", "this", "that", level or CATALOGUE[requirement].level)
    return Violation(breach, 1, ())


def graded(
    requirement: str,
    *,
    exercised: int = 3,
    found: tuple[Violation, ...] = (),
    **changes: object,
) -> RequirementResult:
    results = grade_all(found, {requirement: exercised}, replace(USUAL, **changes))  # type: ignore[arg-type]
    assert [result.id for result in results] == list(CATALOGUE)
    return next(result for result in results if result.id == requirement)


_GRADES: list[tuple[str, dict[str, object], Grade, str]] = [
    ("MOVE-1", {}, Grade.PASS, ""),
    ("MOVE-1", {"exercised": 0}, Grade.NOT_TESTED, "did not come to a case"),
    ("MOVE-1", {"found": (violation("MOVE-1"),)}, Grade.FAIL, ""),
    ("MOVE-1", {"found": (violation("MOVE-1"),), "exercised": 0}, Grade.FAIL, ""),
    ("MOVE-1", {"found": (violation("MOVE-2"),)}, Grade.PASS, ""),
    ("MOVE-1", {"selected": frozenset({"MOVE-2"})}, Grade.NOT_TESTED, "not selected"),
    ("MOVE-1", {"exercised": 0, "cut_short": "the budget is spent"}, Grade.INCONCLUSIVE, "budget"),
    ("MOVE-1", {"exercised": 0, "nameless": True}, Grade.INCONCLUSIVE, "do not say which services"),
    ("ERR-2", {"exercised": 0, "nameless": True}, Grade.NOT_TESTED, "did not come"),
    ("ERR-4", {"found": (violation("ERR-4"),)}, Grade.NON_STRICT, ""),
    ("ERR-3", {"found": (violation("ERR-3", Level.MUST),)}, Grade.FAIL, ""),
    ("ERR-3", {"found": (violation("ERR-3"), violation("ERR-3", Level.MUST))}, Grade.FAIL, ""),
    ("STATE-8", {"found": (violation("STATE-8"),)}, Grade.NON_STRICT, ""),
    ("STATE-8", {"exercised": 0, "silent": {"STATE-8": "no orders"}}, Grade.NOT_TESTED, "no orders"),
    (
        "STATE-8",
        {"exercised": 0, "silent": {"STATE-8": "no orders"}, "cut_short": "spent"},
        Grade.NOT_TESTED,
        "no orders",
    ),
    ("STATE-5", {"exercised": 0, "reads_offered": False}, Grade.NOT_OFFERED, "offers no read"),
    (
        "STATE-6",
        {"exercised": 0, "silent": {"STATE-6": "nothing shows the state"}},
        Grade.NOT_TESTED,
        "nothing shows the state",
    ),
    ("MOVE-4", {"exercised": 0, "stages": 1}, Grade.NOT_TESTED, "at least two"),
    ("MOVE-4", {"exercised": 0, "stages": 1, "cut_short": "spent"}, Grade.NOT_TESTED, "at least two"),
    ("STATE-7", {"exercised": 0, "stages": 1, "cut_short": "spent"}, Grade.NOT_TESTED, ""),
    ("AUTH-2", {"exercised": 0, "lacking": {"AUTH-2": "no jwt"}}, Grade.NOT_TESTED, "no jwt"),
    ("RACE-1", {"exercised": 0}, Grade.NOT_TESTED, "did not come to"),
    ("RACE-1", {"exercised": 0, "unraced": "concurrency is 1"}, Grade.NOT_TESTED, "concurrency is 1"),
    ("STAGE-3", {"exercised": 0, "cut_short": "spent"}, Grade.INCONCLUSIVE, "spent"),
    ("STAGE-3", {"exercised": 0, "not_offered": {"STAGE-3": "no delete"}}, Grade.NOT_OFFERED, "no delete"),
    ("SKIP-2", {}, Grade.OPEN, "follows move-and-skip"),
    ("SKIP-2", {"reading": None}, Grade.OPEN, "no reading"),
    ("SKIP-2", {"pinned": True}, Grade.PASS, "pinned"),
    ("SKIP-2", {"found": (violation("SKIP-2", Level.MUST),)}, Grade.FAIL, ""),
    ("SKIP-2", {"exercised": 0, "stages": 1}, Grade.NOT_TESTED, "at least two"),
    ("ERR-8", {}, Grade.OPEN, ""),
    ("ERR-8", {"choices": {"a body under another content type": frozenset({"refused"})}}, Grade.OPEN, "refused"),
]


@pytest.mark.parametrize(("requirement", "given", "grade", "reason"), _GRADES)
def test_a_grade(requirement: str, given: dict[str, object], grade: Grade, reason: str) -> None:
    result = graded(requirement, **given)  # type: ignore[arg-type]  # what each row gives
    assert result.grade is grade
    assert reason in (result.reason or "")
    assert (result.violations > 0) == (grade in (Grade.FAIL, Grade.NON_STRICT))
    if grade not in (Grade.PASS, Grade.FAIL, Grade.NON_STRICT, Grade.OPEN):
        assert result.reason, "what is not tested says why"
        assert result.exercised == 0
    if grade in (Grade.PASS, Grade.FAIL, Grade.NON_STRICT):
        assert result.exercised > 0


_VERDICTS: list[tuple[str, tuple[Violation, ...], dict[str, int], dict[str, object], bool, Verdict]] = [
    ("all is well", (), ALL_EXERCISED, {}, False, Verdict.CONFORMING),
    ("a MUST", (violation("MOVE-1"),), ALL_EXERCISED, {}, False, Verdict.NON_CONFORMING),
    ("a SHOULD", (violation("ERR-4"),), ALL_EXERCISED, {}, False, Verdict.NON_STRICT),
    ("both", (violation("ERR-4"), violation("MOVE-1")), ALL_EXERCISED, {}, False, Verdict.NON_CONFORMING),
    ("a SHOULD as a MUST", (violation("ERR-3", Level.MUST),), ALL_EXERCISED, {}, False, Verdict.NON_CONFORMING),
    ("nothing exercised", (), {}, {}, False, Verdict.INCONCLUSIVE),
    ("little seen", (), {"MOVE-1": 1}, {"cut_short": "spent"}, False, Verdict.INCONCLUSIVE),
    ("only a SHOULD unseen", (), {**ALL_EXERCISED, "ERR-7": 0}, {"cut_short": "spent"}, False, Verdict.CONFORMING),
    ("a MUST unseen", (), {**ALL_EXERCISED, "MOVE-5": 0}, {"cut_short": "spent"}, False, Verdict.INCONCLUSIVE),
    (
        "not given by the config",
        (),
        {**ALL_EXERCISED, "AUTH-3": 0},
        {"lacking": {"AUTH-3": "x"}},
        False,
        Verdict.CONFORMING,
    ),
    ("no reads", (), {**ALL_EXERCISED, "STATE-5": 0}, {"reads_offered": False}, False, Verdict.CONFORMING),
    ("broken off", (), ALL_EXERCISED, {}, True, Verdict.INCONCLUSIVE),
    ("broken off after a SHOULD", (violation("ERR-4"),), ALL_EXERCISED, {}, True, Verdict.INCONCLUSIVE),
    ("broken off after a MUST", (violation("MOVE-1"),), ALL_EXERCISED, {}, True, Verdict.NON_CONFORMING),
]


@pytest.mark.parametrize(
    ("found", "exercised", "changes", "broken_off", "verdict"),
    [row[1:] for row in _VERDICTS],
    ids=[r[0] for r in _VERDICTS],
)
def test_a_verdict(
    found: tuple[Violation, ...],
    exercised: dict[str, int],
    changes: dict[str, object],
    verdict: Verdict,
    *,
    broken_off: bool,
) -> None:
    results = grade_all(found, exercised, replace(USUAL, **changes))  # type: ignore[arg-type]
    assert verdict_of(results, broken_off=broken_off) is verdict


def test_every_part_exercises_requirements_of_the_catalogue() -> None:
    assert set(CATALOGUE) == CHECKED
    for part, requirements in PARTS.items():
        assert wants(part, frozenset({next(iter(requirements))}))
        assert wants(part, frozenset({"RACE-1"})) == (part == "races")
