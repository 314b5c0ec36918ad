from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from front.samples import SECRET, exchange_with, result_with
from stagecheck import __version__
from stagecheck.errors import UsageError
from stagecheck.exchange import Redactor
from stagecheck.report.exchanges import ExchangeLog
from stagecheck.report.junit import junit_of
from stagecheck.report.record import Record, problem_of, read_record, record_of, write_atomically, write_record
from stagecheck.report.terminal import make_console, print_record, violation_text

REDACTOR = Redactor([(SECRET, "$STAGECHECK_TOKEN")])


def record(text: str = "") -> Record:
    return record_of(result_with(text), REDACTOR)


def test_the_keys_are_the_pinned_ones() -> None:
    made = record()
    pinned = "schema tool target verdict reading requirements violations requests duration_s seed"
    assert set(made) == {*pinned.split(), "profile", "phases", "ladder", "coverage", "notes", "expectations", "latency"}
    assert made["schema"] == 1
    assert made["tool"] == {"name": "stagecheck", "version": __version__}
    assert made["target"] == {"url": "http://127.0.0.1:1", "mocked": False, "offers": ["attach", "list"]}
    assert made["verdict"] == "non-conforming"
    assert made["reading"]["SKIP-2"] == "move-and-skip"
    assert (made["requests"], made["duration_s"], made["seed"]) == (12, 1.235, 5)
    assert made["requirements"][0] == {
        "id": "MOVE-4", "level": "MUST", "grade": "fail", "exercised": 3, "violations": 1, "reason": None,
    }  # fmt: skip


def test_the_coverage_begins_with_the_first_walk_at_its_full_depth() -> None:
    coverage = record("x")["coverage"]
    walks = coverage.pop("walks")
    assert coverage == {
        "depth": 2, "stages": 3, "services": 1, "forms": ["form x"], "covered": 310, "total": 864, "complete": False,
    }  # fmt: skip
    assert walks[1] == {
        "depth": 2, "stages": 3, "services": 1, "covered": 310, "total": 864, "requests": 400, "stopped": "why x",
    }  # fmt: skip
    assert [(walk["depth"], walk["services"]) for walk in walks] == [(1, 1), (2, 1), (1, 2)]
    assert record_of(replace(result_with(), coverage=None), REDACTOR)["coverage"] is None


def test_a_violation_has_its_steps_and_one_command_a_line() -> None:
    (violation,) = record("x")["violations"]
    assert set(violation) == {
        "requirement", "cause", "message", "expected", "actual", "at_request", "reproduced", "steps", "curl", "known",
        "race", "reproducer",
    }  # fmt: skip
    assert violation["at_request"] == 7
    assert violation["steps"][0] == {
        "method": "PUT",
        "path": "/deploymentStage/x",
        "headers": {"Accept": "application/json", "Authorization": "Token $STAGECHECK_TOKEN"},
        "body": "x",
        "status": 200,
        "answer": "x",
    }
    commands = violation["curl"].split("\n")
    assert len(commands) == 2
    for line in commands:
        assert re.fullmatch(r"curl -sS -i -X PUT .* http://127\.0\.0\.1:1/deploymentStage/x", line)
    assert '-H "Authorization: Token $STAGECHECK_TOKEN"' in commands[0]


def test_no_secret_gets_anywhere(tmp_path: Path) -> None:
    made = record(f"<{SECRET}>")
    write_record(tmp_path / "report.json", made)
    (tmp_path / "junit.xml").write_bytes(junit_of(made))
    with ExchangeLog(tmp_path / "exchanges.ndjson", REDACTOR) as log:
        log(exchange_with(f"a {SECRET} b"))
    with (tmp_path / "terminal.txt").open("w") as stream:
        print_record(make_console(stream), made)
        stream.write(violation_text(made["violations"][0]))
    for artefact in tmp_path.iterdir():
        text = artefact.read_text()
        assert SECRET not in text, artefact.name
        assert "$STAGECHECK_TOKEN" in text, artefact.name


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = record("é \x1b \ud800 ✓")
    write_record(tmp_path / "report.json", made)
    again = read_record(tmp_path / "report.json")
    assert again["requirements"] == made["requirements"]
    assert again["violations"][0]["message"] == "message é \x1b \ud800 ✓"


def test_a_record_of_a_later_version_with_more_keys_is_read() -> None:
    assert problem_of({**record(), "more": 1}) is None


def test_a_record_of_an_earlier_version_has_no_coverage() -> None:
    assert problem_of(edited("coverage", gone=True)) is None
    assert problem_of(edited("coverage", value=None)) is None
    for key in ("profile", "notes", "ladder", "expectations", "latency"):
        assert problem_of(edited(key, gone=True)) is None


def edited(*place: str | int, value: Any = None, gone: bool = False) -> Any:
    made = json.loads(json.dumps(record()))
    inner = made
    for step in place[:-1]:
        inner = inner[step]
    if gone:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return made


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([], "it is no object"),
        ({}, "its schema is None, not 1"),
        (edited("schema", value=2), "its schema is 2, not 1"),
        (edited("verdict", gone=True), "verdict is missing"),
        (edited("verdict", value="fine"), "verdict is 'fine', none of conforming"),
        (edited("target", value=3), "target is no object"),
        (edited("target", "mocked", value="no"), "target.mocked is of the wrong type"),
        (edited("requirements", value={}), "requirements is no list"),
        (edited("requirements", 1, "grade", value="great"), "requirements[1].grade is 'great'"),
        (edited("requirements", 0, "exercised", value=True), "requirements[0].exercised is of the wrong type"),
        (edited("violations", 0, "steps", 1, "status", value="200"), "violations[0].steps[1].status is of the wrong"),
        (edited("coverage", "total", value="many"), "coverage.total is of the wrong type"),
        (edited("coverage", "walks", 1, "stopped", gone=True), "coverage.walks[1].stopped is missing"),
        (edited("notes", value="one"), "notes is no list"),
        (edited("ladder", "rungs", 0, "missing", value=[{"id": "x"}]), "ladder.rungs[0].missing[0].grade is missing"),
        (edited("ladder", "rung", value=6), "its ladder has not the rung"),
        (edited("expectations", value={"file": "x", "known": 1}), "expectations.gone is missing"),
        (edited("requests", value=None), "requests is of the wrong type"),
        (edited("requirements", 1, "id", value="MOVE-4"), "a requirement stands in it twice"),
        (edited("violations", 0, "requirement", value="MOVE-9"), "a violation names MOVE-9"),
    ],
)
def test_what_is_no_record_is_told_where(made: Any, said: str, tmp_path: Path) -> None:
    assert said in (problem_of(made) or "")
    place = tmp_path / "report.json"
    place.write_text(json.dumps(made))
    with pytest.raises(UsageError) as caught:
        read_record(place)
    assert str(place) in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"), [(b"{", "it is not JSON"), (b"\xff", "it is not JSON"), (None, "cannot read")]
)
def test_what_cannot_be_read_is_told(content: bytes | None, said: str, tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_record(place)


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "report.json"
    write_atomically(place, b"old")

    def fails(self: Path, content: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(place, b"new")
    assert place.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_every_exchange_is_on_disk_at_once(tmp_path: Path) -> None:
    place = tmp_path / "exchanges.ndjson"
    log = ExchangeLog(place, REDACTOR)
    log(exchange_with("\x00 é"))
    log(exchange_with("two", number=2))
    first, second = (json.loads(line) for line in place.read_text().splitlines())
    assert (first["number"], first["phase"], first["method"], first["status"]) == (1, "tour", "PUT", 200)
    assert (first["body"], first["answer"], first["elapsed"]) == ("\x00 é", "\x00 é", 0.25)
    assert first["headers"]["Authorization"] == "Token $STAGECHECK_TOKEN"
    assert (second["number"], second["path"]) == (2, "/deploymentStage/two")
    log.close()
    log(exchange_with("dropped"))
    assert len(place.read_text().splitlines()) == 2


def test_a_full_disk_stops_the_log_and_not_the_run() -> None:
    log = ExchangeLog(Path("/dev/full"), REDACTOR)
    log(exchange_with("a"))
    log(exchange_with("b"))
    log.close()
    assert log.failure == "/dev/full ends early: No space left on device"
