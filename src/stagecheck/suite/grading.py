"""From what was found and exercised to grades and a verdict. A requirement exercised 0 times has not passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stagecheck.contract import CATALOGUE, RUNGS, Requirement
from stagecheck.outcome import Grade, Level, RequirementResult, Verdict, Violation
from stagecheck.suite.registry import CHECKED

OF_ANY_ANSWER = frozenset(RUNGS[0].requirements + RUNGS[1].requirements)
"""What can be said of a target that keeps no state: the shape of its answers, and what it refuses."""
_TWO_STAGES = ("MOVE-4", "SKIP-2", "STATE-7")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Why something could not be tested.

    `lacking`: what the config does not give; `silent`: what the answers never show; `nameless`: no answer says which
    services are in a stage; `cut_short`: what ended the run early; `not_offered`: what the target does not offer;
    `gateway`: what came from somebody before the target, so that whether the target itself failed is not known.
    `read_only`: that nothing was written, which much cannot be tested without.
    `unraced`: why clients did not ask at once; `stateless`: that it remembers nothing, which all that is about its
    state cannot be tested for; `unsure`: what was seen broken, perhaps, by somebody else's doing; `unanswered`: how
    many requests about it were never answered.
    """

    selected: frozenset[str]
    lacking: Mapping[str, str]
    silent: Mapping[str, str]
    reads_offered: bool
    stages: int
    cut_short: str | None
    nameless: bool
    reading: str | None
    pinned: bool
    choices: Mapping[str, frozenset[str]]
    not_offered: Mapping[str, str] = field(default_factory=dict)
    stateless: str | None = None
    read_only: str | None = None
    gateway: str | None = None
    unraced: str | None = None
    unsure: Mapping[str, str] = field(default_factory=dict)
    unanswered: Mapping[str, int] = field(default_factory=dict)


def grade_all(
    violations: Iterable[Violation], exercised: Mapping[str, int], circumstances: Circumstances
) -> tuple[RequirementResult, ...]:
    """One result per requirement of the catalogue, in its order."""
    found = list(violations)
    return tuple(_grade(entry, found, exercised.get(entry.id, 0), circumstances) for entry in CATALOGUE.values())


def _grade(
    entry: Requirement, found: list[Violation], exercised: int, circumstances: Circumstances
) -> RequirementResult:
    mine = [violation for violation in found if violation.breach.requirement == entry.id]
    if entry.id not in circumstances.selected:
        return RequirementResult(entry.id, entry.level, Grade.NOT_TESTED, 0, 0, "not selected")
    if mine:
        grade, doubt = grade_of(mine)
        tried = exercised if grade is Grade.INCONCLUSIVE else max(exercised, len(mine))
        return RequirementResult(entry.id, entry.level, grade, tried, len(mine), doubt)
    if entry.id in circumstances.unsure and entry.level is not Level.OPEN:
        return RequirementResult(
            entry.id, entry.level, Grade.INCONCLUSIVE, exercised, 0, circumstances.unsure[entry.id]
        )
    if circumstances.stateless and entry.id not in OF_ANY_ANSWER:
        return RequirementResult(entry.id, entry.level, Grade.NOT_TESTED, 0, 0, circumstances.stateless)
    if exercised == 0:
        grade, reason = _untested(entry, circumstances)
        return RequirementResult(entry.id, entry.level, grade, 0, 0, reason)
    if entry.id == "ERR-1" and circumstances.gateway:
        return RequirementResult(entry.id, entry.level, Grade.INCONCLUSIVE, exercised, 0, circumstances.gateway)
    if entry.level is Level.OPEN:
        return _open(entry, exercised, circumstances)
    return RequirementResult(entry.id, entry.level, Grade.PASS, exercised, 0, None)


def grade_of(found: Sequence[Violation]) -> tuple[Grade, str | None]:
    """The grade that violations of one requirement make, and the doubt about it where none was seen twice."""
    certain = [violation for violation in found if not violation.doubtful]
    if not certain:
        first = found[0]
        times = first.replays.of if first.replays else 0
        return Grade.INCONCLUSIVE, (
            f"seen once, at request {first.at_request}, and not when it was tried {times} times more: "
            f"{first.breach.message}"
        )
    must = any(violation.breach.level is Level.MUST for violation in certain)
    return Grade.FAIL if must else Grade.NON_STRICT, None


def _open(entry: Requirement, exercised: int, circumstances: Circumstances) -> RequirementResult:
    if entry.id == "SKIP-2":
        if circumstances.pinned:
            return RequirementResult(entry.id, entry.level, Grade.PASS, exercised, 0, "the pinned reading is kept")
        reason = f"the target follows {circumstances.reading}" if circumstances.reading else "no reading was settled"
        return RequirementResult(entry.id, entry.level, Grade.OPEN, exercised, 0, reason)
    seen = circumstances.choices.get("a body under another content type", frozenset())
    return RequirementResult(entry.id, entry.level, Grade.OPEN, exercised, 0, ", ".join(sorted(seen)) or None)


def _untested(entry: Requirement, circumstances: Circumstances) -> tuple[Grade, str]:
    """Why a requirement was not exercised; the config's reasons are `not-tested`, the target's `not-offered`."""
    if entry.id not in CHECKED:
        return Grade.NOT_TESTED, "this version has no check for it"
    if entry.id in circumstances.lacking:
        return Grade.NOT_TESTED, circumstances.lacking[entry.id]
    if circumstances.read_only:
        return Grade.NOT_TESTED, circumstances.read_only
    if entry.id in circumstances.not_offered:
        return Grade.NOT_OFFERED, circumstances.not_offered[entry.id]
    if entry.family == "RACE" and circumstances.unraced:
        return Grade.NOT_TESTED, circumstances.unraced
    if entry.id == "STATE-5" and not circumstances.reads_offered:
        return Grade.NOT_OFFERED, "the target offers no read"
    if entry.id in _TWO_STAGES and circumstances.stages < 2:
        return Grade.NOT_TESTED, "only one stage may be used: give at least two in [target] stages"
    if circumstances.nameless and entry.family in ("MOVE", "SKIP", "STATE"):
        return Grade.INCONCLUSIVE, "the answers do not say which services are in a stage (no services, no service_id)"
    if entry.id in circumstances.silent:
        return Grade.NOT_TESTED, circumstances.silent[entry.id]
    if circumstances.unanswered.get(entry.id):
        times = circumstances.unanswered[entry.id]
        return Grade.INCONCLUSIVE, f"of {times} request{'s' if times > 1 else ''} that could show it none was answered"
    if circumstances.cut_short:
        return Grade.INCONCLUSIVE, circumstances.cut_short
    return Grade.NOT_TESTED, "the run did not come to a case of it"


def verdict_of(results: Iterable[RequirementResult], *, broken_off: bool = False) -> Verdict:
    """The verdict over all results: a broken MUST, too little seen, a broken SHOULD, or conforming.

    `broken_off`: the target vanished, or the run was interrupted: what held so far is no verdict.
    """
    graded = list(results)
    grades = {result.grade for result in graded}
    if Grade.FAIL in grades:
        return Verdict.NON_CONFORMING
    must_open = any(result.grade is Grade.INCONCLUSIVE and result.level is Level.MUST for result in graded)
    if broken_off or must_open or not any(result.exercised for result in graded):
        return Verdict.INCONCLUSIVE
    return Verdict.NON_STRICT if Grade.NON_STRICT in grades else Verdict.CONFORMING
