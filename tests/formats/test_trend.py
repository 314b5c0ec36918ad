"""What changes over many runs, and that no writer loses a run of another."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from formats.test_diff import run as made
from formats.valid import html
from front.samples import Called
from page.records import HOSTILE, record, shapes, text_of
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.history.rows import Run, run_of
from stagecheck.report.history.store import FILE, History
from stagecheck.report.history.trend import Trend, trend_of
from stagecheck.report.history.words import LETTERS
from stagecheck.report.html.trend import trend_page
from stagecheck.report.record import Record, write_record
from stagecheck.report.terminal import shown

Call = Callable[..., Called]
BEGIN = datetime(2026, 3, 1, 2, tzinfo=UTC)
A, B = ("MOVE-4", "a"), ("MOVE-4", "b")


def moment(day: int) -> str:
    return (BEGIN + timedelta(days=day)).isoformat().replace("+00:00", "Z")


def told(
    day: int,
    broken: Mapping[str, list[str]] | None = None,
    grades: Mapping[str, str] | None = None,
    version: str | None = "1",
    **more: Any,
) -> Record:
    """The record of one day's run."""
    one = made(
        broken, grades, **{"started": moment(day), "spec": {"fingerprint": "f", "document": None, "places": []}, **more}
    )
    one["target"] = {"url": "http://127.0.0.1:1", "mocked": False, "offers": [], "version": version}
    one["tool"] = {"name": "stagecheck", "version": "0.1.0"}
    return one


def trend(records: Sequence[Record], last: int = 60) -> Trend:
    return trend_of("http://127.0.0.1:1", [run_of(one, BEGIN) for one in records], last)


BROKEN = {"MOVE-4": ["a"]}


@pytest.mark.parametrize(
    ("records", "new", "fixed"),
    [
        # The first run of all has nothing to compare with.
        ([told(0, BROKEN), told(1, BROKEN)], [[], []], [[], []]),
        ([told(0), told(1, BROKEN), told(2)], [[], [A], []], [[], [], [A]]),
        ([told(0, BROKEN), told(1, {"MOVE-4": ["b"]})], [[], [B]], [[], [A]]),
        # A run of something else in between changes nothing.
        ([told(0, BROKEN), told(1, grades={"MOVE-4": "not-tested"}), told(2, BROKEN)], [[], [], []], [[], [], []]),
        ([told(0, BROKEN), told(1, grades={"MOVE-4": "not-tested"}), told(2)], [[], [], []], [[], [], [A]]),
        # Nor does one that would not have shown it.
        ([told(0, BROKEN), told(1, profile="quick"), told(2, BROKEN)], [[], [], []], [[], [], []]),
        ([told(0, BROKEN), told(1, cut_short="interrupted"), told(2, BROKEN)], [[], [], []], [[], [], []]),
        ([told(0, BROKEN), told(1, verdict="inconclusive"), told(2, BROKEN)], [[], [], []], [[], [], []]),
        # What a quick run has shown, a quick run can show to be mended.
        ([told(0, BROKEN), told(1, BROKEN, profile="quick"), told(2, profile="quick")], [[], [], []], [[], [], [A]]),
        # A requirement that is looked at for the first time, and is broken.
        ([told(0, grades={"MOVE-4": "not-tested"}), told(1, BROKEN)], [[], [A]], [[], []]),
    ],
)  # fmt: skip
def test_what_is_new_and_what_is_fixed(records: list[Record], new: list[Any], fixed: list[Any]) -> None:
    points = trend(records).points
    assert [list(point.new) for point in points] == new
    assert [list(point.fixed) for point in points] == fixed


@pytest.mark.parametrize(
    ("records", "flaky"),
    [
        ([told(0), told(1, BROKEN)], True),
        ([told(0, BROKEN), told(1)], True),
        ([told(0), told(1)], False),
        ([told(0, BROKEN), told(1, BROKEN)], False),
        # Another cause is no change of the requirement.
        ([told(0, BROKEN), told(1, {"MOVE-4": ["b"]})], False),
        # Something else has changed.
        ([told(0), told(1, BROKEN, version="2"), told(2, version="3")], False),
        ([told(0), told(1, BROKEN, spec={"fingerprint": "g", "document": None, "places": []})], False),
        # Nobody has said which version it is: there and back.
        ([told(0, version=None), told(1, BROKEN, version=None)], False),
        ([told(0, version=None), told(1, BROKEN, version=None), told(2, version=None)], True),
        # The two runs do not look alike.
        ([told(0, profile="quick"), told(1, BROKEN)], False),
        ([told(0, BROKEN), told(1, profile="quick")], False),
        ([told(0, profile="quick"), told(1, BROKEN), told(2)], True),
        ([told(0, cut_short="interrupted"), told(1, BROKEN)], False),
        ([told(0), told(1, cut_short="interrupted"), told(2, BROKEN)], False),
        ([told(0, BROKEN), told(1, grades={"MOVE-4": "inconclusive"})], False),
        ([told(0, BROKEN), told(1, grades={"MOVE-4": "inconclusive"}), told(2)], True),
        ([told(0), told(1, BROKEN, {"MOVE-4": "known"})], True),
        ([told(0, BROKEN), told(1, BROKEN, {"MOVE-4": "known"})], False),
    ],
)  # fmt: skip
def test_flaky_is_what_changes_while_nothing_else_does(records: list[Record], flaky: bool) -> None:
    assert trend(records).flaky == (["MOVE-4"] if flaky else [])


def test_another_version_of_stagecheck_explains_a_change() -> None:
    later = told(1, BROKEN)
    later["tool"]["version"] = "0.2.0"
    assert trend([told(0), later]).flaky == []


def test_what_is_not_shown_still_counts_for_what_is() -> None:
    shown = trend([told(0, BROKEN), *(told(day) for day in range(1, 5))], last=3)
    assert [list(point.fixed) for point in shown.points] == [[], [], []]
    assert (shown.total, shown.flaky) == (5, [])
    assert [line.grades for line in shown.lines if line.requirement == "MOVE-4"] == [("pass",) * 3]


def test_the_first_line_says_how_it_stands() -> None:
    assert trend([told(0)]).headline == "conforming; nothing new"
    assert trend([told(0), told(1), told(2)]).headline == "conforming for 3 runs; nothing new"
    assert trend([told(day) for day in range(5)], last=2).headline == "conforming for 2 or more runs; nothing new"
    assert trend([told(0, version="0"), told(1, BROKEN)]).headline == "non-conforming; new: MOVE-4"
    assert trend([told(0), told(1, BROKEN), told(2)]).headline == (
        "conforming; nothing new; fixed: MOVE-4; flaky: MOVE-4"
    )


def test_a_known_violation_is_no_news() -> None:
    later = told(1, BROKEN, {"MOVE-4": "known"}, verdict="conforming")
    later["violations"][0]["known"] = True
    (_, point) = trend([told(0), later]).points
    assert (point.new, point.alarming) == ((A,), ())


# ---------------------------------------------------------------------- the store


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    history.prepare()
    runs = [run_of(one, BEGIN) for one in (told(0), told(1, BROKEN, only=["MOVE", "ERR"]), told(2, version=None))]
    for one in reversed(runs):
        assert history.add(one)
    assert history.runs("http://127.0.0.1:1") == runs
    assert not history.add(runs[1])
    assert len(history.runs("http://127.0.0.1:1")) == 3
    assert history.runs("http://elsewhere") == []


@pytest.mark.parametrize("text", [*HOSTILE, "N" * 1_000_000])
def test_whatever_a_target_says_is_kept_and_kept_small(tmp_path: Path, text: str) -> None:
    history = History(tmp_path)
    history.prepare()
    hostile = record(f" {text}")
    hostile["target"]["url"] = "http://127.0.0.1:1"
    one = run_of(hostile, BEGIN)
    history.add(one)
    assert history.runs("http://127.0.0.1:1") == [one]
    assert trend_of("x", [one], 5).headline


def test_of_many_targets_the_last_one_used_is_first(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.prepare()
    for day, url in enumerate(("b", "a", "b", "c", "a")):
        one = told(day)
        one["target"]["url"] = url
        history.add(run_of(one, BEGIN))
    assert history.targets() == ["a", "c", "b"]


def _add(directory: Path, days: range) -> int:
    history = History(directory)
    history.prepare()
    return sum(history.add(run_of(told(day), BEGIN)) for day in days)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """Four processes, the same database, which none of them finds there; some runs are added by two of them."""
    spans = [range(30), range(20, 50), range(50, 80), range(70, 100)]
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        added = list(pool.map(_add, [tmp_path] * 4, spans))
    assert sum(added) == 100
    runs = History(tmp_path).runs("http://127.0.0.1:1")
    assert [one.started for one in runs] == [one.started for one in (run_of(told(day), BEGIN) for day in range(100))]


WRITER = """
import sys, sqlite3
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 5")
database.execute("PRAGMA cache_spill = 1")
database.execute("BEGIN IMMEDIATE")
columns = "digest, started, url, tool, selection, seed, verdict, rung, requests, duration_s, seen"
for number in range(2000):
    row = [f"half-{number}", "2026", "http://127.0.0.1:1", "0", "", "0", "conforming", 0, 0, 0.0, "x" * 4000]
    database.execute(f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * 11)})", row)
print("half written", flush=True)
sys.stdin.read()
"""


def test_a_writer_that_is_killed_loses_its_own_row_alone(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.prepare()
    for day in range(20):
        history.add(run_of(told(day), BEGIN))
    size = history.path.stat().st_size
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(history.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half written\n"
        # It has got into the file itself by then: what is undone was really done.
        assert history.path.stat().st_size > size + 1_000_000
        writer.kill()
    assert writer.returncode == -signal.SIGKILL
    assert len(history.runs("http://127.0.0.1:1")) == 20
    assert history.add(run_of(told(20), BEGIN))
    assert len(history.runs("http://127.0.0.1:1")) == 21


LOOP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
sys.path[:0] = sys.argv[2].split(chr(10))
from formats.test_trend import BEGIN, told
from stagecheck.report.history.rows import run_of
from stagecheck.report.history.store import History
for day in range(100_000):
    History(Path(sys.argv[1])).add(run_of(told(day), BEGIN))
    print(day, flush=True)
"""


def test_writers_that_are_killed_at_any_moment_leave_all_they_said_they_had_written(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.prepare()
    sure = -1
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", LOOP, str(tmp_path), "\n".join(sys.path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            for _ in range(sure + 15):
                sure = max(sure, int(writer.stdout.readline()))
            writer.kill()
        runs = history.runs("http://127.0.0.1:1")
        assert [one.started for one in runs] == [run_of(told(day), BEGIN).started for day in range(len(runs))]
        assert len(runs) > sure


def test_a_writer_waits_for_another(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.prepare()
    other = sqlite3.connect(history.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with subprocess.Popen(
        [sys.executable, "-c", LOOP.replace("100_000", "1"), str(tmp_path), "\n".join(sys.path)], stdout=subprocess.PIPE
    ) as writer:
        time.sleep(0.5)
        assert writer.poll() is None
        other.execute("COMMIT")
        assert writer.wait(30) == 0
    other.close()
    assert len(history.runs("http://127.0.0.1:1")) == 1


def test_what_is_no_history_is_said_to_be_none(tmp_path: Path, call: Call) -> None:
    (tmp_path / "history").mkdir()
    place = tmp_path / "history" / FILE
    for content, said in ((b"no database " * 100, "cannot keep a history"), (None, "a later version of stagecheck")):
        if content is None:
            place.unlink()
            database = sqlite3.connect(place)
            database.execute("PRAGMA user_version = 9")
            database.close()
        else:
            place.write_bytes(content)
        called = call("verify", "--profile", "quick", "--only", "SHAPE-2", "--report-dir", ".")
        assert called.code == 2
        assert said in called.error
    place.write_bytes(b"no database " * 100)
    called = call("trend", "--history", "history")
    assert called.code == 2
    assert "cannot read the history" in called.error


# ---------------------------------------------------------------------- the command, the page


@pytest.fixture
def reports(tmp_path: Path) -> list[Path]:
    """Three records of three days: kept, broken, kept again."""
    places = []
    for day, broken in enumerate(({}, BROKEN, {})):
        places.append(tmp_path / f"{day}.json")
        write_record(places[-1], told(day, broken))
    return places


def asked(*places: Path) -> list[str]:
    return [word for place in places for word in ("--record", str(place))]


def test_records_are_remembered_once_and_shown(call: Call, reports: list[Path]) -> None:
    called = call("trend", *asked(*reports))
    assert called.code == 0
    lines = called.out.splitlines()
    assert lines[0] == "conforming; nothing new; fixed: MOVE-4; flaky: MOVE-4"
    assert lines[1] == "http://127.0.0.1:1: 3 runs, 2026-03-01 to 2026-03-03"
    assert "  MOVE-4    .X.  flaky" in lines
    assert "  MOVE-1    ..." in lines
    assert max(map(len, lines)) <= 80
    assert call("trend", *asked(*reports)).out == call("trend").out == called.out


def test_json_has_every_run_and_every_grade(call: Call, reports: list[Path]) -> None:
    given = json.loads(call("trend", *asked(*reports), "--json", "--last", "2").out)
    assert (given["total"], given["target"], given["flaky"]) == (3, "http://127.0.0.1:1", ["MOVE-4"])
    first, second = given["runs"]
    assert (first["verdict"], first["new"]) == ("non-conforming", [{"requirement": "MOVE-4", "cause": "a"}])
    assert (second["fixed"], second["version"], second["requests"]) == (first["new"], "1", 3000)
    (line,) = [line for line in given["requirements"] if line["id"] == "MOVE-4"]
    assert line == {"id": "MOVE-4", "grades": ["fail", "pass"], "changes": 1, "flaky": True}


def test_a_record_without_a_date_is_dated_by_its_file(call: Call, tmp_path: Path) -> None:
    old = told(0)
    del old["started"]
    write_record(tmp_path / "old.json", old)
    os.utime(tmp_path / "old.json", (1_700_000_000, 1_700_000_000))
    assert "2023-11-14 22:13" in call("trend", "--record", "old.json").out


def test_other_targets_are_named_and_can_be_asked_for(call: Call, tmp_path: Path) -> None:
    for day, url in enumerate(("http://127.0.0.1:1/a", "http://127.0.0.1:1/b\x1b")):
        one = told(day)
        one["target"]["url"] = url
        write_record(tmp_path / f"{day}.json", one)
    out = call("trend", "--record", "0.json", "--record", "1.json").out
    assert out.splitlines()[1].startswith("http://127.0.0.1:1/b\\x1b: 1 run")
    assert out.splitlines()[-1].strip() == "http://127.0.0.1:1/a"
    assert (
        call("trend", "--target", "http://127.0.0.1:1/a").out.splitlines()[1].startswith("http://127.0.0.1:1/a: 1 run")
    )
    wrong = call("trend", "--target", "http://c")
    assert (wrong.code, "there are: http://127.0.0.1:1/b" in wrong.error) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no run is remembered in reports/history: make one with verify, or give --record"),
        (("--record", "none.json"), "cannot read the record none.json"),
        (("--record", "0.json", "--html", "no/place.html"), "give another --html"),
        (("--record", "0.json", "--history", "0.json"), "cannot keep a history"),
        (("--last", "0"), "0 is not in the range"),
    ],
)
def test_a_mistake_is_one_line(call: Call, reports: list[Path], arguments: tuple[str, ...], said: str) -> None:
    called = call("trend", *arguments)
    assert called.code == 2
    assert said in called.error


def test_a_history_without_a_run_is_said_to_have_none(call: Call) -> None:
    History(Path("reports/history")).prepare()
    called = call("trend")
    assert called.code == 2
    assert called.error.startswith("no run is remembered in reports/history")


def test_verify_remembers_its_runs_where_the_config_says(call: Call, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        options = ("--profile", "quick", "--only", "SHAPE-2", "-q", "--report-dir", "out", "--seed", seed)
        assert call("verify", *options).code == 0
    given = json.loads(call("trend", "--history", "out/history", "--json").out)
    assert [(one["seed"], one["only"], one["profile"]) for one in given["runs"]] == [
        (1, ["SHAPE-2"], "quick"),
        (2, ["SHAPE-2"], "quick"),
    ]
    assert call("trend", "--record", "out/report.json", "--history", "out/history").code == 0
    assert len(json.loads(call("trend", "--history", "out/history", "--json").out)["runs"]) == 2


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_page_is_valid_with_every_verdict_and_every_grade(verdict: Verdict) -> None:
    records = [told(day, grades={"MOVE-4": grade.value}, verdict=verdict.value) for day, grade in enumerate(Grade)]
    tree = html(trend_page(trend(records)).encode())
    (row,) = [row for row in tree.iter("tr") if text_of(row).startswith("MOVE-4")]
    assert [use.get("href") for use in row.iter("use")] == [f"#s-{grade.value}" for grade in Grade]
    assert list(tree.iter("script")) == []
    (policy,) = [one.get("content") or "" for one in tree.iter("meta") if one.get("http-equiv")]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src 'none'" in policy


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_target_says_is_text_on_the_page(text: str) -> None:
    def page(said: str) -> Any:
        runs = [run_of(record(f" {said}"), BEGIN), run_of({**record(f" {said}"), "seed": 6}, BEGIN)]
        return html(trend_page(trend_of(f"http://x/{said}", runs, 9)).encode())

    assert set(shapes(page(text))) == set(shapes(page("plain")))


@pytest.mark.parametrize("text", [*HOSTILE, "N" * 500])
def test_no_target_steers_the_terminal_or_leaves_its_80_columns(call: Call, tmp_path: Path, text: str) -> None:
    for number in range(2):
        write_record(tmp_path / f"{number}.json", {**record(f" {text}"), "seed": number, "started": moment(number)})
    out = call("trend", *asked(tmp_path / "0.json", tmp_path / "1.json")).out
    assert max(map(len, out.splitlines())) <= 80
    assert shown(out) == out


def test_every_grade_has_its_letter() -> None:
    letters = [LETTERS[grade] for grade in Grade]
    assert len(set(letters)) == len(Grade)


def test_a_run_is_told_from_every_other() -> None:
    digests: set[str] = {run_of(one, BEGIN).digest for one in (told(0), told(1), told(0, seed=9))}
    assert len(digests) == 3
    one: Run = run_of(told(0), BEGIN)
    assert one.circumstances == ("1", "f", "0.1.0")
