from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from front.samples import result_with
from stagecheck.exchange import Redactor
from stagecheck.outcome import Grade, Setting, Verdict
from stagecheck.report.junit import clean, junit_of
from stagecheck.report.record import record_of

GRADES = {
    "MOVE-1": Grade.PASS,
    "MOVE-4": Grade.FAIL,
    "ERR-6": Grade.NON_STRICT,
    "SKIP-2": Grade.OPEN,
    "STATE-5": Grade.NOT_OFFERED,
    "RACE-1": Grade.NOT_TESTED,
    "ERR-8": Grade.INCONCLUSIVE,
    "AUTH-5": Grade.KNOWN,
}


def rendered(text: str = "", *, strict: bool = False) -> bytes:
    result = replace(result_with(text, grades=GRADES), setting=Setting(strict=strict))
    return junit_of(record_of(result, Redactor([])))


def parsed(xml: bytes) -> TestSuite:
    (suite,) = JUnitXml.fromstring(xml)
    assert isinstance(suite, TestSuite)
    return suite


@pytest.mark.parametrize(
    ("identifier", "outcome", "strict_outcome"),
    [
        ("MOVE-1", None, None),
        ("MOVE-4", Failure, Failure),
        ("ERR-6", None, Failure),
        ("SKIP-2", None, None),
        ("STATE-5", Skipped, Skipped),
        ("RACE-1", Skipped, Skipped),
        ("ERR-8", Error, Error),
        ("AUTH-5", Skipped, Skipped),
    ],
)
def test_every_grade_has_its_outcome(identifier: str, outcome: type | None, strict_outcome: type | None) -> None:
    for strict, expected in ((False, outcome), (True, strict_outcome)):
        case = next(case for case in parsed(rendered(strict=strict)) if case.name == identifier)
        assert case.classname == f"stagecheck.{identifier.split('-', maxsplit=1)[0]}"
        assert [type(result) for result in case.result] == ([expected] if expected else [])


def test_the_table_above_has_every_grade() -> None:
    assert set(GRADES.values()) == set(Grade)


@pytest.mark.parametrize(("strict", "failures"), [(False, 1), (True, 2)])
def test_the_counts_are_those_of_the_cases(*, strict: bool, failures: int) -> None:
    suite = parsed(rendered(strict=strict))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (8, failures, 1, 3)
    assert suite.time == pytest.approx(1.235)


def test_what_a_reader_needs_is_in_the_case() -> None:
    cases = {case.name: case for case in parsed(rendered("here"))}
    (failure,) = cases["MOVE-4"].result
    assert (failure.message, failure.type) == ("message here", "MUST")
    for part in ("un-skips", "expected: wanted here", "actual:   came here", "at request 7", "curl -sS"):
        assert part in failure.text
    assert cases["RACE-1"].result[0].message == "not-tested: why here"
    assert cases["ERR-8"].result[0].message == "why here"
    assert "not strictly conforming" in cases["ERR-6"].system_out
    assert "found: why here" in cases["SKIP-2"].system_out


@pytest.mark.parametrize(
    "text", ["\x00\x01\x1b[31m\x7f", "\ud800 \ufffe \uffff", "]]> <&\"' \r\n\t", "😀 é", "\x0b\x0c"]
)
def test_whatever_a_target_says_the_xml_is_valid(text: str) -> None:
    xml = rendered(text)
    root = ET.parse(BytesIO(xml)).getroot()
    assert root.tag == "testsuites"
    message = root.find(".//failure")
    assert message is not None
    assert "message" in (message.get("message") or "")
    assert len(parsed(xml)) == 8


def test_what_xml_cannot_hold_is_written_as_an_escape() -> None:
    assert clean("a\x00b\x1b\ufffe\ud800\t\n") == "a\\x00b\\x1b\\ufffe\\ud800\t\n"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_run_without_a_verdict_is_green(verdict: Verdict) -> None:
    """A run that was interrupted while everything held has no requirement to blame, and is no success."""
    result = replace(result_with(grades={"MOVE-1": Grade.PASS}, verdict=verdict), cut_short="the run was interrupted")
    suite = parsed(junit_of(record_of(result, Redactor([]))))
    cases = {case.name: case.result for case in suite}
    if verdict is Verdict.INCONCLUSIVE:
        (error,) = cases["verdict"]
        assert isinstance(error, Error)
        assert error.message == "the run was interrupted"
        assert (suite.tests, suite.errors) == (2, 1)
    else:
        assert list(cases) == ["MOVE-1"]


def test_a_verdict_that_a_requirement_explains_is_no_case_of_its_own() -> None:
    result = result_with(grades={"MOVE-1": Grade.INCONCLUSIVE}, verdict=Verdict.INCONCLUSIVE)
    assert [case.name for case in parsed(junit_of(record_of(result, Redactor([]))))] == ["MOVE-1"]
