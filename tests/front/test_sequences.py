from __future__ import annotations

from dataclasses import replace

import pytest

from front.samples import result_with
from front.test_terminal import printed
from stagecheck.exchange import Redactor
from stagecheck.outcome import Coverage, Grade, WalkCoverage
from stagecheck.report.record import Record, record_of
from stagecheck.report.sequences import sentences

KEPT = {"MOVE-1": Grade.PASS, "STATE-1": Grade.PASS}
ALL_PAIRS = WalkCoverage(2, 3, 1, 864, 864, 1187)
SINGLES = WalkCoverage(1, 3, 1, 72, 72, 35)
LEFT_OUT = WalkCoverage(3, 3, 1, 1_500, 10_368, 600, "the requests were used")


def record(*walks: WalkCoverage, grades: dict[str, Grade] | None = None) -> Record:
    made = replace(result_with(grades=grades or KEPT), coverage=Coverage((), walks) if walks else None)
    return record_of(made, Redactor([]))


def test_what_is_complete_is_claimed() -> None:
    (said,) = sentences(record(SINGLES, ALL_PAIRS))
    assert said == (
        "every sequence of 2 transitions of one service over three stages was tried (864 of 864): no deterministic "
        "defect that depends on at most two consecutive operations, and shows in the answers, is left"
    )


def test_what_is_not_is_told_exactly_and_nothing_is_claimed_of_it() -> None:
    (said,) = sentences(record(SINGLES, replace(ALL_PAIRS, covered=310, stopped="why")))
    assert said.startswith("every single transition of one service over three stages was tried (72 of 72): no")
    assert said.endswith("at most one operation, and shows in the answers, is left; 310 of 864 sequences of 2 "
                         "transitions were tried, the others were not (why)")  # fmt: skip
    (said,) = sentences(record(replace(SINGLES, covered=31, stopped="why")))
    assert said == "31 of 72 single transitions of one service over three stages were tried, the others were not (why)"


def test_of_several_depths_the_first_that_lacks_something_is_named() -> None:
    later = replace(LEFT_OUT, depth=4)
    (said,) = sentences(record(SINGLES, ALL_PAIRS, LEFT_OUT, later))
    assert "1,500 of 10,368 sequences of 3 transitions were tried" in said
    assert "of 4" not in said


def test_each_walk_has_its_sentence() -> None:
    said = list(sentences(record(SINGLES, ALL_PAIRS, WalkCoverage(1, 2, 2, 5, 256, 0, "why"))))
    assert len(said) == 2
    assert "5 of 256 single transitions of two services over two stages were tried" in said[1]


def test_where_something_broke_no_more_is_said_than_that_it_is_reported() -> None:
    (said,) = sentences(record(ALL_PAIRS, grades={"MOVE-1": Grade.FAIL}))
    assert said.endswith("was tried (864 of 864), and all that it showed is reported")
    assert "no deterministic defect" not in said


def test_a_claim_is_of_what_was_selected() -> None:
    made = record(ALL_PAIRS)
    made["requirements"][1] |= {"grade": "not-tested", "reason": "not selected"}
    assert "no deterministic defect of what was selected that depends" in next(sentences(made))


@pytest.mark.parametrize("made", [record(), {key: value for key, value in record().items() if key != "coverage"}])
def test_without_a_coverage_nothing_is_said(made: Record) -> None:
    assert list(sentences(made)) == []
    assert "Sequences" not in printed(made)


def test_it_stands_in_the_report() -> None:
    text = printed(record(ALL_PAIRS))
    assert "Sequences of operations\n  every sequence of 2 transitions of one service" in text
    assert max(map(len, text.splitlines()[1:-1])) <= 80
