"""A mock that others wrote and that remembers nothing: Prism, run on our document, verified, and told so in words."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from install import PEERS, ROOT
from stagecheck.report.record import Record, read_record

PRISM = PEERS.file("@stoplight/prism-cli", "dist/index.js")
STARTS_S = 60
STATELESS_RUNS_ARE_SHORT = 25
"""Requests. What a target does that remembers nothing is found in the first few."""
CONFIG = """\
[target]
url = "{url}"
{ids}
[auth]
token = "anything"
[limits]
timeout = 2.0
"""


ENVIRONMENT = 'environment = "3fa85f64-5717-4562-b3fc-2c963f66afa6"'
THINGS = """\
stages = ["6f1c2f5e-2c0c-4c53-9d0a-6a2d1f0b7a02", "6f1c2f5e-2c0c-4c53-9d0a-6a2d1f0b7a03"]
services = ["c5d1a7b2-7f64-4f0a-b8a1-3e9b6a5d4c01"]"""
"""What lists at random may leave out: a config has to name it."""


@contextmanager
def prism(*options: str, log: Path) -> Iterator[str]:
    """Prism on our document, stopped at the end; yields its URL."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    command = [
        "node",
        str(PRISM),
        "mock",
        *options,
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "openapi/deployment-stage.yaml",
    ]
    with log.open("wb") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url, process, log)
            yield url
        finally:
            process.terminate()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"Prism did not start: {log.read_text(encoding='utf-8', errors='replace')}")


def verified(url: str, ids: str, directory: Path) -> tuple[Record, str]:
    """The record of a run of the command, and what it printed."""
    config = directory / "stagecheck.toml"
    config.write_text(CONFIG.format(url=url, ids=ids), encoding="utf-8")
    command = [sys.executable, "-m", "stagecheck", "verify", "--config", str(config), "--report-dir", str(directory)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    return read_record(directory / "report.json"), " ".join(run.stdout.split())


def grades(record: Record) -> dict[str, str]:
    return {entry["id"]: entry["grade"] for entry in record["requirements"]}


def test_a_static_mock_answers_the_shape_and_is_told_that_it_remembers_nothing(tmp_path: Path) -> None:
    with prism(log=tmp_path / "log") as url:
        record, printed = verified(url, ENVIRONMENT, tmp_path)
    graded = grades(record)
    assert record["ladder"]["rung"] == 1
    assert "one and the same answer" in record["ladder"]["stateless"]
    assert [violation["requirement"] for violation in record["violations"]] == ["MOVE-1", "ERR-2"]
    assert {graded[requirement] for requirement in ("SHAPE-1", "SHAPE-2", "ERR-6", "AUTH-1", "AUTH-5")} == {"pass"}
    assert {grade for requirement, grade in graded.items() if requirement.startswith("STATE")} == {"not-tested"}
    assert record["requests"] <= STATELESS_RUNS_ARE_SHORT
    assert "The target remembers nothing" in printed
    assert "for rung 2, refuses, mend ERR-2" in printed
    assert any("was not answered" in note for note in record["notes"]), "Prism leaves malformed JSON without an answer"


def test_a_mock_that_answers_at_random_is_not_drowned_in_violations_of_one_cause(tmp_path: Path) -> None:
    with prism("-d", log=tmp_path / "log") as url:
        record, _ = verified(url, THINGS, tmp_path)
    assert record["ladder"]["rung"] <= 1
    assert record["ladder"]["stateless"]
    assert len(record["violations"]) <= 3
    assert record["requests"] <= STATELESS_RUNS_ARE_SHORT
