from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from front.samples import exchange_with, result_with
from stagecheck.contract import CATALOGUE
from stagecheck.exchange import Redactor
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.progress import Progress, in_words
from stagecheck.report.record import Record, record_of
from stagecheck.report.terminal import headline, make_console, print_notes, print_record, shown

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
    text = printed(record(grades=GRADES))
    lines = text.splitlines()
    assert lines[0].startswith("non-conforming: 1 violated, 1 not strictly kept, 1 kept, 1 open")
    first = text.partition("http://")[0]
    assert first == text[-len(first) :]
    headings = [lines.index(heading) for heading in ("What broke", "Requirements", "Notes")]
    assert headings == sorted(headings)


def test_nothing_but_commands_is_wider_than_80_columns() -> None:
    made = record("a rather long text that goes on and on " * 8, grades=GRADES)
    made["expectations"] = {
        "file": "expect.toml",
        "known": 1,
        "gone": [{"requirement": "MOVE-4", "cause": "some cause " * 12}],
        "expired": [],
        "unsure": [{"requirement": "ERR-8", "cause": "a cause", "why": "some reason " * 12}],
    }
    lines = printed(made).splitlines()
    assert any("expect.toml: [[MOVE-4]]" in line for line in lines)
    assert max(len(line) for line in lines if "curl " not in line) <= 80


def test_every_requirement_is_in_the_table_with_its_grade() -> None:
    text = printed(record(grades=GRADES))
    for key, grade in GRADES.items():
        assert re.search(rf"^{key} +MUST +{grade.value} +3 ", text, re.MULTILINE), key


def test_a_long_reason_is_told_once() -> None:
    made = record(grades=GRADES)
    untested = [entry for entry in made["requirements"] if entry["grade"] == Grade.NOT_TESTED]
    for entry in untested:
        entry["reason"] = "a run that only reads (--read-only) sends nothing that could show it"
    text = " ".join(printed(made).split())
    assert text.count("a run that only reads") == 1
    assert text.count(f" as {untested[0]['id']} ") == len(untested) - 1


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


def walked(
    stream: io.StringIO, environ: dict[str, str] | None = None, *, quiet: bool = False, verbose: bool = False
) -> str:
    (violation,) = result_with("X").violations
    with Progress(make_console(stream, environ or {}), quiet=quiet, verbose=verbose) as progress:
        progress.phase("tour")
        progress.exchange(exchange_with("a\x1b"))
        progress.phase("auth")
        progress.exchange(exchange_with("b", number=2))
        progress.violation(violation, "it broke \x1b")
        progress.phase("tour")
    return stream.getvalue()


def test_where_nobody_watches_each_phase_is_one_line() -> None:
    assert walked(io.StringIO()).splitlines() == [
        "tour: what clients do all day (from request 1)",
        "auth: credentials, other organizations (from request 2)",
        "MOVE-4 at request 7: it broke \\x1b",
    ]


def test_quiet_is_quiet_and_verbose_tells_every_exchange() -> None:
    assert walked(io.StringIO(), quiet=True) == ""
    lines = walked(io.StringIO(), verbose=True).splitlines()
    assert "    1 tour       PUT /deploymentStage/a\\x1b 200 250 ms" in lines


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


class Clock:
    """Stands still unless it is told to go on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_that_nobody_watches_says_every_half_minute_where_the_run_is() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(make_console(stream, {}), most=3600, seconds=600.0, clock=clock) as progress:
        progress.phase("deep")
        for number in range(1, 501):
            clock.now += 0.125
            progress.exchange(exchange_with("x", number=number))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "deep: every sequence of a few transitions (from request 1)"
    assert lines[1:] == [
        "  240 of at most 3,600 requests, 0 violations, at most 7 min left",
        "  480 of at most 3,600 requests, 0 violations, at most 7 min left",
    ]


@pytest.mark.parametrize(
    ("requests", "took", "most", "seconds", "left"),
    [
        (0, 0.0, 3600, float("inf"), None),
        (19, 1.0, 3600, float("inf"), None),
        (100, 10.0, 300, float("inf"), 20.0),
        (100, 10.0, 300, 15.0, 5.0),
        (100, 10.0, None, 60.0, 50.0),
        (400, 10.0, 300, 60.0, 0.0),
        (100, 70.0, 300, 60.0, 0.0),
        (100, 10.0, None, float("inf"), None),
    ],
)
def test_the_time_left_is_the_nearer_of_both_ends(
    requests: int, took: float, most: int | None, seconds: float, left: float | None
) -> None:
    clock = Clock()
    progress = Progress(make_console(io.StringIO(), {}), quiet=True, most=most, seconds=seconds, clock=clock)
    clock.now += took
    progress.requests = requests
    assert progress.left_s() == (None if left is None else pytest.approx(left))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (0.2, "1 s"), (59.0, "59 s"), (59.5, "60 s"), (61, "2 min"), (3540, "59 min"), (7300, "2 h 2 min")],
)
def test_a_duration_is_said_as_one_waits_for_it(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_terminal_is_told_what_is_being_tried_and_how_long_it_may_take() -> None:
    stream, clock = Terminal(), Clock()
    path = "3c90c3cc-0d44-4b50-8888-8dd25736052a/service/3fa85f64-5717-4562-b3fc-2c963f66afa6"
    console = make_console(stream, {"TERM": "xterm", "NO_COLOR": "1"})
    with Progress(console, most=3600, seconds=600.0, clock=clock) as progress:
        progress.phase("deep")
        clock.now += 10.0
        progress.exchange(exchange_with(path, number=100))
    text = stream.getvalue()
    assert "100 of at most 3,600 requests, 0 violations, at most 6 min left" in text
    assert "every sequence of a few transitions: PUT /deploymentStage/3c90c3cc…" in text


@pytest.mark.parametrize("verbose", [False, True])
def test_progress_fits_80_columns(verbose: bool) -> None:
    stream = io.StringIO()
    (violation,) = result_with("X").violations
    path = "3c90c3cc-0d44-4b50-8888-8dd25736052a/service/3fa85f64-5717-4562-b3fc-2c963f66afa6"
    with Progress(make_console(stream, {}), verbose=verbose, most=3600) as progress:
        progress.phase("properties")
        progress.exchange(replace(exchange_with(path, number=12345), phase="properties"))
        progress.exchange(exchange_with("y" * 500, number=12346))
        progress.violation(violation, "words of it " * 30)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    if verbose:
        assert "12345 properties PUT /deploymentStage/3c90c3cc…/service/3fa85f64… 200 250 ms" in lines


@pytest.mark.parametrize("grade", list(Grade))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_grade_and_verdict_fits_80_columns(grade: Grade, verdict: Verdict) -> None:
    made = record("x", grades=dict.fromkeys(CATALOGUE, grade), verdict=verdict)
    text = printed(made)
    assert max(len(line) for line in text.splitlines() if "curl " not in line) <= 80
    assert text.startswith(f"{verdict.value}: ")
