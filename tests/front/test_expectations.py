"""What is expected, held against what was found: tables; no target, no clock."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from front.samples import SECRET, exchange_with, result_with
from stagecheck.contract import CATALOGUE
from stagecheck.errors import ConfigError
from stagecheck.exchange import Redactor
from stagecheck.expectations.entries import Entry, Expectations, load, parse
from stagecheck.expectations.judge import Judge
from stagecheck.launch import exit_code
from stagecheck.outcome import Breach, Grade, Level, RequirementResult, RunResult, Verdict, Violation
from stagecheck.report.expectations import complaints, doubts
from stagecheck.report.junit import junit_of
from stagecheck.report.progress import Progress
from stagecheck.report.record import Record, record_of
from stagecheck.report.terminal import headline, make_console, print_expectations, print_record
from stagecheck.suite.grading import verdict_of
from stagecheck.suite.plan import ProfileName

TODAY = date(2026, 3, 31)
YESTERDAY = date(2026, 3, 30)
MUST, SHOULD = "MOVE-4", "ERR-4"


def entry(requirement: str = MUST, cause: str = "a", **changes: object) -> Entry:
    return replace(Entry(requirement, cause, "ticket 7", "team", TODAY), **changes)  # type: ignore[arg-type]


def found(*violations: tuple[str, str], level: Level | None = None, **changes: object) -> RunResult:
    """A quick run over one MUST and one SHOULD that found these violations (requirement, cause)."""
    broken = tuple(
        Violation(
            Breach(requirement, cause, "It broke", "this", "that", level or CATALOGUE[requirement].level),
            number,
            (exchange_with(),),
        )
        for number, (requirement, cause) in enumerate(violations, start=1)
    )
    requirements = tuple(_graded(requirement, broken) for requirement in (MUST, SHOULD))
    result = replace(result_with(grades={}), requirements=requirements, violations=broken)
    result = replace(result, **changes)  # type: ignore[arg-type]  # the caller names fields of RunResult
    return replace(result, verdict=verdict_of(result.requirements, broken_off=result.broken_off))


def _graded(requirement: str, violations: Iterable[Violation]) -> RequirementResult:
    mine = [violation.breach.level for violation in violations if violation.breach.requirement == requirement]
    grade = (Grade.FAIL if Level.MUST in mine else Grade.NON_STRICT) if mine else Grade.PASS
    return RequirementResult(requirement, CATALOGUE[requirement].level, grade, 3, len(mine))


def untried(requirement: str, reason: str = "not selected") -> tuple[RequirementResult, ...]:
    other = SHOULD if requirement == MUST else MUST
    nothing = RequirementResult(requirement, CATALOGUE[requirement].level, Grade.NOT_TESTED, 0, 0, reason)
    return (nothing, _graded(other, ()))


def judged(result: RunResult, *entries: Entry) -> RunResult:
    return Judge(Expectations("expect.toml", entries), TODAY).judged(result)


@dataclass(frozen=True)
class Case:
    """What is expected of a run. `grade`: of the MUST, unless the case is about the SHOULD."""

    result: RunResult
    entries: tuple[Entry, ...]
    grade: Grade
    verdict: Verdict
    code: int
    strict_code: int | None = None
    about: str = MUST
    known: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    unsure: dict[str, str] = field(default_factory=dict)


C, NS, NC, INC = Verdict.CONFORMING, Verdict.NON_STRICT, Verdict.NON_CONFORMING, Verdict.INCONCLUSIVE
OLD = entry(expires=YESTERDAY)
NIGHTLY = entry(profile=ProfileName.NIGHTLY)
CUT = "the run was interrupted"
CASES = {
    "nothing expected, nothing found": Case(found(), (), Grade.PASS, C, 0),
    "new": Case(found((MUST, "a")), (), Grade.FAIL, NC, 1),
    "known": Case(found((MUST, "a")), (entry(),), Grade.KNOWN, C, 0, known=("a",)),
    "known through its last day": Case(found((MUST, "a")), (entry(expires=TODAY),), Grade.KNOWN, C, 0, known=("a",)),
    "all causes known": Case(
        found((MUST, "a"), (MUST, "b")), (entry(), entry(cause="b")), Grade.KNOWN, C, 0, known=("a", "b")
    ),
    "another cause of the same requirement": Case(
        found((MUST, "a"), (MUST, "b")), (entry(),), Grade.FAIL, NC, 1, known=("a",)
    ),
    "the same cause of another requirement": Case(found((MUST, "a")), (entry(SHOULD),), Grade.FAIL, NC, 1, gone=("a",)),
    "a known MUST beside a new SHOULD of the same requirement": Case(
        replace(
            found((MUST, "a"), (MUST, "b")),
            violations=(
                found((MUST, "a")).violations[0],
                found((MUST, "b"), level=Level.SHOULD).violations[0],
            ),
        ),
        (entry(),),
        Grade.NON_STRICT,
        NS,
        0,
        1,
        known=("a",),
    ),
    "a known SHOULD": Case(found((SHOULD, "a")), (entry(SHOULD),), Grade.KNOWN, C, 0, 0, about=SHOULD, known=("a",)),
    "a new SHOULD": Case(found((SHOULD, "a")), (), Grade.NON_STRICT, NS, 0, 1, about=SHOULD),
    "a known MUST and a new SHOULD": Case(
        found((MUST, "a"), (SHOULD, "a")), (entry(),), Grade.KNOWN, NS, 0, 1, known=("a",)
    ),
    "fixed": Case(found(), (entry(),), Grade.PASS, C, 1, gone=("a",)),
    "fixed, beside a known one": Case(
        found((MUST, "b")), (entry(), entry(cause="b")), Grade.KNOWN, C, 1, known=("b",), gone=("a",)
    ),
    "expired and still there": Case(found((MUST, "a")), (OLD,), Grade.FAIL, NC, 1, expired=("a",)),
    "a SHOULD expired and still there": Case(
        found((SHOULD, "a")),
        (entry(SHOULD, expires=YESTERDAY),),
        Grade.NON_STRICT,
        NS,
        1,
        about=SHOULD,
        expired=("a",),
    ),
    "expired and fixed": Case(found(), (OLD,), Grade.PASS, C, 1, gone=("a",), expired=("a",)),
    "expired and not tried": Case(
        found(requirements=untried(MUST)),
        (OLD,),
        Grade.NOT_TESTED,
        C,
        1,
        expired=("a",),
        unsure={"a": "not selected"},
    ),
    "not tried": Case(
        found(requirements=untried(MUST, "only one stage")),
        (entry(),),
        Grade.NOT_TESTED,
        C,
        0,
        unsure={"a": "only one stage"},
    ),
    "seen by a larger profile": Case(
        found(), (NIGHTLY,), Grade.PASS, C, 0, unsure={"a": "in a run of profile nightly, and this one is quick"}
    ),
    "seen by the same profile": Case(found(profile="nightly"), (NIGHTLY,), Grade.PASS, C, 1, gone=("a",)),
    "seen by a smaller profile": Case(found(profile="exhaustive"), (NIGHTLY,), Grade.PASS, C, 1, gone=("a",)),
    "cut short": Case(found(cut_short="spent"), (entry(),), Grade.PASS, C, 0, unsure={"a": "spent"}),
    "interrupted": Case(found(cut_short=CUT, broken_off=True), (entry(),), Grade.PASS, INC, 3, unsure={"a": CUT}),
    "interrupted after a known one": Case(
        found((MUST, "a"), cut_short=CUT, broken_off=True), (entry(),), Grade.KNOWN, INC, 3, known=("a",)
    ),
    "interrupted, with an expired one": Case(
        found(cut_short=CUT, broken_off=True), (OLD,), Grade.PASS, INC, 1, expired=("a",), unsure={"a": CUT}
    ),
    "inconclusive": Case(
        found(requirements=(replace(untried(MUST)[0], grade=Grade.INCONCLUSIVE), _graded(SHOULD, ()))),
        (entry(SHOULD),),
        Grade.INCONCLUSIVE,
        INC,
        3,
        unsure={"a": "the run is inconclusive"},
    ),
    "a requirement the run says nothing of": Case(
        found(), (entry("MOVE-1"),), Grade.PASS, C, 0, unsure={"a": "did not come to a case"}
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_expected_is_held_against_what_was_found(case: Case) -> None:
    result = judged(case.result, *case.entries)
    grades = {requirement.id: requirement.grade for requirement in result.requirements}
    assert (grades[case.about], result.verdict) == (case.grade, case.verdict)
    assert exit_code(result, strict=False) == case.code
    assert exit_code(result, strict=True) == (case.code if case.strict_code is None else case.strict_code)
    assert tuple(violation.breach.cause for violation in result.violations if violation.known) == case.known
    said = result.expectations
    assert said is not None
    assert said.known == len(case.known)
    assert tuple(remark.cause for remark in said.gone) == case.gone
    assert tuple(remark.cause for remark in said.expired) == case.expired
    assert {remark.cause for remark in said.unsure} == set(case.unsure)
    for remark in said.unsure:
        assert case.unsure[remark.cause] in remark.said


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_fails_the_run_is_told_everywhere(case: Case) -> None:
    made = record_of(judged(case.result, *case.entries), Redactor([]))
    stale = {("expect.toml", cause) for cause in (*case.gone, *case.expired)}
    lines = [line for _, line in complaints(made)]
    assert len(lines) == len(stale)
    text = " ".join(printed(made).split())
    for line in lines:
        assert line in text
        assert "remove it" in line or "renew expires" in line
    assert ("; expect.toml: " in headline(made).plain) is bool(stale)
    suite = ET.fromstring(junit_of(made))
    (cases,) = [[found for found in suite.iter("testcase") if found.get("name") == "expectations"]]
    assert [len(found.findall("failure")) for found in cases] == ([1] if stale else [])
    no_verdict = [found for found in suite.iter("testcase") if found.get("name") == "verdict"]
    assert suite.get("tests") == str(len(made["requirements"]) + len(cases) + len(no_verdict))
    assert ("expect --from report.json --prune" in text) is bool(case.gone)


def printed(made: Record) -> str:
    stream = io.StringIO()
    print_record(make_console(stream, {}), made)
    return stream.getvalue()


def test_the_record_says_it_in_full() -> None:
    entries = (entry(), entry(cause="b"), entry(cause="c", expires=YESTERDAY), replace(NIGHTLY, cause="d"))
    made = record_of(judged(found((MUST, "a"), (MUST, "c")), *entries), Redactor([]))
    assert made["expectations"] == {
        "file": "expect.toml",
        "known": 1,
        "gone": [{"requirement": MUST, "cause": "b"}],
        "expired": [{"requirement": MUST, "cause": "c", "expires": "2026-03-30"}],
        "unsure": [
            {
                "requirement": MUST,
                "cause": "d",
                "why": "it was seen in a run of profile nightly, and this one is quick",
            }
        ],
    }
    assert [violation["known"] for violation in made["violations"]] == [True, False]
    assert record_of(found(), Redactor([]))["expectations"] is None


def test_a_known_requirement_has_the_reasons_of_its_entries() -> None:
    entries = (entry(), entry(cause="b"), entry(cause="c", reason="the vendor knows", owner="me"))
    result = judged(found((MUST, "a"), (MUST, "b"), (MUST, "c")), *entries)
    assert result.requirements[0].reason == (
        "ticket 7 (team, until 2026-03-31); the vendor knows (me, until 2026-03-31)"
    )
    text = " ".join(printed(record_of(result, Redactor([]))).split())
    assert "known: ticket 7 (team, until 2026-03-31)" in text
    assert "It broke (known)" in text
    assert "curl" not in text, "what is known has its commands in the record"


def test_each_line_says_what_to_do() -> None:
    gone, expired = entry(cause='say "x"'), entry(cause="c", expires=YESTERDAY)
    made = record_of(judged(found((MUST, "c")), gone, expired), Redactor([]))
    assert [line for _, line in complaints(made)] == [
        'expect.toml: [[MOVE-4]] cause = "c" expired on 2026-03-30 and still occurs; mend the target, or renew expires',
        'expect.toml: [[MOVE-4]] cause = "say \\"x\\"" no longer occurs; remove it',
    ]
    made = record_of(judged(found(), expired), Redactor([]))
    assert complaints(made)[0][1].endswith("expired on 2026-03-30 and no longer occurs; remove it")
    made = record_of(judged(found(cut_short=CUT), expired, entry(), entry(cause="b")), Redactor([]))
    assert complaints(made)[0][1].endswith(f"may still occur ({CUT}); renew expires, or remove it")
    assert doubts(made) == [f"nothing can be said of 3 entries: {CUT}"]


def test_quiet_tells_only_what_fails() -> None:
    stream = io.StringIO()
    print_expectations(make_console(stream, {}), record_of(found(), Redactor([])))
    for entries in ((), (NIGHTLY,)):
        made = record_of(judged(found(), *entries), Redactor([]))
        print_expectations(make_console(stream, {}), made, failing_only=True)
    assert stream.getvalue() == ""
    print_expectations(make_console(stream, {}), record_of(judged(found(), entry()), Redactor([])), failing_only=True)
    assert "no longer occurs; remove it" in stream.getvalue()


def test_junit_names_the_new_one_first_and_skips_what_is_known() -> None:
    result = judged(found((MUST, "a"), (MUST, "b"), (SHOULD, "a")), entry(), entry(SHOULD))
    result = replace(result, violations=(*result.violations[:1], _renamed(result.violations[1]), result.violations[2]))
    suite = ET.fromstring(junit_of(record_of(result, Redactor([]))))
    failure, skipped = suite.find(".//failure"), suite.find(".//skipped")
    assert failure is not None
    assert failure.get("message") == "Another one"
    assert "It broke (known)" in (failure.text or "")
    assert skipped is not None
    assert skipped.get("message") == "known: ticket 7 (team, until 2026-03-31)"


def _renamed(violation: Violation) -> Violation:
    return replace(violation, breach=replace(violation.breach, message="Another one"))


def test_progress_tells_a_known_one_as_such() -> None:
    (violation,) = judged(found((MUST, "a")), entry()).violations
    stream = io.StringIO()
    with Progress(make_console(stream, {})) as progress:
        progress.violation(violation, "it broke")
    assert stream.getvalue() == "MOVE-4 at request 1, known: it broke\n"
    assert not progress.broken


@pytest.mark.parametrize(
    ("cause", "written"), [(f"a {SECRET} b", "a $STAGECHECK_TOKEN b"), ("half \ud800", "half \\ud800")]
)
def test_a_cause_is_known_as_the_record_spells_it(cause: str, written: str) -> None:
    redactor = Redactor([(SECRET, "$STAGECHECK_TOKEN")])
    judge = Judge(Expectations("expect.toml", (entry(cause=written),)), TODAY, redactor.text)
    assert judge.knows(MUST, cause)
    assert judge.judged(found((MUST, cause))).verdict is C


# ---------------------------------------------------------------------- the file

GOOD = """\
[[MOVE-4]]
cause = "a"
reason = "ticket 7"
owner = "team"
expires = 2026-03-31
"""

BAD = {
    "unknown id": ("[[MOVE-44]]", "unknown requirement MOVE-44; did you mean [[MOVE-4]]?"),
    "lower case": ("[[move-4]]", "unknown requirement move-4; did you mean [[MOVE-4]]?"),
    "unlike anything": ("[[zzz]]", "unknown requirement zzz; see: stagecheck requirements"),
    "key outside": ("cause = 1", "unknown key cause; see: stagecheck requirements"),
    "one bracket": ('[MOVE-4]\ncause = "a"', "MOVE-4 is a table; write an array of tables: [[MOVE-4]]"),
    "no table": ("MOVE-4 = 3", "MOVE-4 is a whole number; write an array of tables: [[MOVE-4]]"),
    "list of something": ("MOVE-4 = [3]", "[[MOVE-4]] no. 1 is a whole number; write an array of tables"),
    "unknown key": (GOOD + 'raeson = "x"', "[[MOVE-4]] no. 1: unknown key raeson; did you mean reason?"),
    "table in an entry": (GOOD + "[MOVE-4.more]", "[[MOVE-4]] no. 1: unknown key more"),
    "second entry": (GOOD + "[[MOVE-4]]", "[[MOVE-4]] no. 2: cause is missing; give the cause that report.json"),
    "twice": (GOOD + GOOD, "[[MOVE-4]] no. 2: its cause stands in another [[MOVE-4]] already; remove one"),
    "no reason": (GOOD.replace("reason", "message"), "no. 1: reason is missing; give why it may stay"),
    "no owner": (GOOD.replace('owner = "team"', ""), "no. 1: owner is missing; give who answers for it"),
    "no expires": (GOOD.replace("expires = 2026-03-31", ""), "no. 1: expires is missing; give the last day"),
    "empty reason": (GOOD.replace("ticket 7", ""), "no. 1: reason is empty; fill in reason"),
    "blank owner": (GOOD.replace("team", " \\t"), "no. 1: owner is empty; fill in owner"),
    "empty cause": (GOOD.replace('"a"', '""'), "no. 1: cause is empty; give the cause that report.json names"),
    "cause a number": (GOOD.replace('"a"', "1"), "no. 1: cause is a whole number; give a string"),
    "owner a list": (GOOD.replace('"team"', "[]"), "no. 1: owner is a list; give a string"),
    "date in quotes": (GOOD.replace("2026-03-31", '"2026-03-31"'), "expires is a string; give a date without quotes"),
    "date and time": (GOOD.replace("2026-03-31", "2026-03-31T00:00:00"), "expires is a date or time; give a date"),
    "time": (GOOD.replace("2026-03-31", "10:00:00"), "expires is a date or time; give a date without quotes or time"),
    "profile": (GOOD + 'profile = "nightli"', "no. 1: profile is 'nightli'; did you mean nightly?"),
    "profile unlike any": (GOOD + 'profile = "x"', "profile is 'x'; known are quick, nightly, exhaustive"),
    "message a number": (GOOD + "message = 1", "no. 1: message is a whole number; give a string"),
    "no TOML": ("[[MOVE-4", "expect.toml is not TOML"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_one_line_that_names_it(text: str, said: str) -> None:
    Path("expect.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(Path("expect.toml"))
    assert str(caught.value).startswith("expect.toml")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(ConfigError, match=r"cannot read the expectations nowhere\.toml: No such file"):
        load(Path("nowhere.toml"))
    Path("expect.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"expect\.toml is not UTF-8 text; save it as such"):
        load(Path("expect.toml"))


def test_a_whole_entry_is_read() -> None:
    text = GOOD + 'message = "It broke"\nprofile = "exhaustive"\n'
    (read,) = parse(text, "expect.toml").entries
    assert read == entry(message="It broke", profile=ProfileName.EXHAUSTIVE)
    assert parse(GOOD, "expect.toml").entries[0].profile is ProfileName.QUICK
    assert parse("", "expect.toml").entries == ()


def test_a_template_is_read_where_it_may_be_unfinished() -> None:
    text = GOOD.replace("ticket 7", "").replace("team", "")
    (read,) = parse(text, "expect.toml", finished=False).entries
    assert (read.reason, read.owner) == ("", "")
