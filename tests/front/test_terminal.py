from __future__ import annotations

import io
import re

import pytest

from front.samples import exchange_with, result_with
from stagecheck.contract import CATALOGUE
from stagecheck.exchange import Redactor
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.record import Record, record_of
from stagecheck.report.terminal import Progress, headline, make_console, print_notes, print_record, shown

GRADES = dict(zip(CATALOGUE, [*Grade, *[Grade.NOT_TESTED] * len(CATALOGUE)], strict=False))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(text: str = "", **made: object) -> Record:
    return record_of(result_with(text, **made), Redactor([]))  # type: ignore[arg-type]


def printed(made: Record, stream: io.StringIO | None = None, **environ: str) -> str:
    stream = stream or io.StringIO()
    print_record(make_console(stream, environ), made)
    return stream.getvalue()


def test_the_verdict_comes_first_and_last_and_what_broke_before_the_table() -> None:
    lines = printed(record(grades=GRADES)).splitlines()
    assert lines[0].startswith("non-conforming: 1 violated, 1 not strictly kept, 1 kept, 1 open")
    assert lines[-1] == lines[0]
    headings = [lines.index(heading) for heading in ("What broke", "Requirements", "Notes")]
    assert headings == sorted(headings)


def test_nothing_but_commands_is_wider_than_80_columns() -> None:
    made = record("a rather long text that goes on and on " * 8, grades=GRADES)
    made["notes"] = []
    lines = printed(made).splitlines()[1:-1]
    assert max(len(line) for line in lines if "curl " not in line) <= 80


def test_every_requirement_is_in_the_table_with_its_grade() -> None:
    text = printed(record(grades=GRADES))
    for key, grade in GRADES.items():
        assert re.search(rf"^{key} +MUST +{grade.value} +3 ", text, re.MULTILINE), key


def test_a_violation_has_its_requirement_text_expectation_and_commands() -> None:
    text = printed(record("X"))
    promised = " ".join(text.split())
    assert f"MOVE-4 (MUST) {CATALOGUE['MOVE-4'].text}" in promised
    for part in ("message X", "expected wanted X", "actual came X", "first seen at request 7"):
        assert part in promised
    commands = [line for line in text.splitlines() if line.startswith("    curl ")]
    assert len(commands) == 2
    assert all(line.endswith("http://127.0.0.1:1/deploymentStage/X") for line in commands)
    assert "export STAGECHECK_TOKEN" in text


def test_what_was_found_out_and_notes_are_told() -> None:
    text = printed(record("X"))
    assert "SKIP-2: move-and-skip" in text
    assert "choice X: made X" in text
    assert "note X" in text


def test_a_plain_stream_gets_no_escape_and_neither_does_a_terminal_under_no_color() -> None:
    assert "\x1b" not in printed(record())
    assert "\x1b" not in printed(record(), Terminal(), NO_COLOR="1", TERM="xterm-256color")
    assert "\x1b[" in printed(record(), Terminal(), TERM="xterm-256color")


def test_a_target_cannot_steer_the_terminal() -> None:
    text = printed(record("\x1b[2J\x07\u202e\x9b1m"), Terminal(), NO_COLOR="1")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\\x1b[2J\\x07\\u202e\\x9b1m" in text
    assert shown("a\nb\tc\x00") == "a\nb\tc\\x00"


def test_a_very_long_command_is_cut_and_the_record_named() -> None:
    made = record("y" * 5000)
    made["notes"] = []
    text = printed(made)
    assert "more characters: see report.json" in text
    assert max(map(len, text.splitlines())) < 2500


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_line(verdict: Verdict) -> None:
    line = headline(record(verdict=verdict, grades={"MOVE-1": Grade.PASS})).plain
    assert line == f"{verdict.value}: 1 kept"


def test_the_embedded_target_is_called_so() -> None:
    made = record()
    made["target"]["mocked"] = True
    text = printed(made)
    assert "the embedded mocked target: profile quick, 12 requests" in text
    assert "The embedded target has no address" in text


def test_no_notes_no_heading() -> None:
    made = record()
    made["notes"] = []
    stream = io.StringIO()
    print_notes(make_console(stream, {}), made)
    assert stream.getvalue() == ""


# ---------------------------------------------------------------------- progress


def walked(stream: io.StringIO, environ: dict[str, str] | None = None, **options: bool) -> str:
    (violation,) = result_with("X").violations
    with Progress(make_console(stream, environ or {}), **options) as progress:
        progress.phase("tour")
        progress.exchange(exchange_with("a\x1b"))
        progress.phase("auth")
        progress.exchange(exchange_with("b", number=2))
        progress.violation(violation, "it broke \x1b")
        progress.phase("tour")
    return stream.getvalue()


def test_where_nobody_watches_each_phase_is_one_line() -> None:
    assert walked(io.StringIO()).splitlines() == [
        "tour (from request 1)",
        "auth (from request 2)",
        "MOVE-4 at request 7: it broke \\x1b",
    ]


def test_quiet_is_quiet_and_verbose_tells_every_exchange() -> None:
    assert walked(io.StringIO(), quiet=True) == ""
    lines = walked(io.StringIO(), verbose=True).splitlines()
    assert "     1 tour       PUT /deploymentStage/a\\x1b [the API token] -> 200 in 250 ms" in lines


def test_a_terminal_gets_one_live_line() -> None:
    text = walked(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert "tour (from" not in text
    assert "MOVE-4 at request 7: it broke" in text
    assert "2 requests, 1 violation" in text


def test_a_closed_pipe_silences_the_console_and_stops_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    console = make_console(Closed(), {})
    print_record(console, record())
    assert console.quiet
