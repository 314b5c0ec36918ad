"""What `verify` writes besides its record, where the config or the surroundings ask for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from formats.valid import READERS, github, sarif
from front.samples import Called
from peers.ledger_server import start
from stagecheck.audit import defect_named
from stagecheck.mock import serving
from stagecheck.mock.config_file import config_of
from stagecheck.report.formats import FORMATS
from stagecheck.report.record import read_record
from stagecheck.spec import fragment_path

Call = Callable[..., Called]
Toml = Callable[..., Path]
QUICK = ("--profile", "quick", "-q")


def test_every_format_that_the_config_names_is_written(call: Call, config: Toml) -> None:
    assert call("verify", "--config", config(report={"formats": list(FORMATS)}), *QUICK).code == 0
    for name, form in FORMATS.items():
        READERS[name]((Path("reports") / form.file).read_bytes())
    assert call("verify", "--config", config(), *QUICK).code == 0
    left = {place.name for place in Path("reports").iterdir() if place.is_file() and place.suffix != ".lock"}
    assert left == {"report.html", "report.json", "junit.xml", "exchanges.ndjson"}, "of an earlier run"


def test_what_verify_writes_can_be_rendered_again_from_the_record(call: Call, config: Toml) -> None:
    with start("current-stage-shortcut") as context:
        assert call("verify", "--config", config(context, report={"formats": list(FORMATS)}), *QUICK).code == 1
    for name, form in FORMATS.items():
        again = call("report", "reports/report.json", "--to", name).out
        assert again.encode() == (Path("reports") / form.file).read_bytes(), name


@pytest.mark.parametrize("strict", [False, True])
def test_a_strict_run_is_rendered_as_one(call: Call, strict: bool) -> None:
    """A SHOULD alone is broken."""
    with serving(kind=defect_named("arrays-are-true").mock) as target:
        Path("stagecheck.toml").write_text(config_of(target))
        options = ("--only", "ERR-4", *QUICK, *(["--strict"] if strict else []))
        assert call("verify", "--config", "stagecheck.toml", *options).code == int(strict)
    assert read_record(Path("reports/report.json"))["strict"] is strict
    assert ("<failure" in Path("reports/junit.xml").read_text()) is strict


def test_the_lines_are_those_of_the_document_of_ones_own(call: Call, config: Toml, tmp_path: Path) -> None:
    text = "# one more line\n" + fragment_path().read_text()
    (tmp_path / "own.yaml").write_text(text)
    with start("current-stage-shortcut") as context:
        called = call("verify", "--config", config(context, spec={"document": "own.yaml"}), *QUICK)
    assert called.code == 1
    record = read_record(Path("reports/report.json"))
    assert record["spec"]["document"] == "own.yaml"
    log = sarif(call("report", "reports/report.json", "--to", "sarif").out.encode())
    (place,) = log["runs"][0]["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "own.yaml"
    line = text.splitlines()[place["physicalLocation"]["region"]["startLine"] - 1]
    assert line.strip() == "description: |-"


def test_the_fingerprint_is_of_what_a_document_says(call: Call, tmp_path: Path) -> None:
    def fingerprint(text: str) -> Any:
        (tmp_path / "own.yaml").write_text(text)
        assert call("verify", "--spec", "own.yaml", "--only", "SHAPE-2", *QUICK).code == 0
        return read_record(Path("reports/report.json"))["spec"]["fingerprint"]

    text = fragment_path().read_text()
    same = fingerprint(text)
    assert re.fullmatch("sha256:[0-9a-f]{64}", same)
    assert fingerprint(f"# a comment\n{text}") == same
    assert fingerprint(text.replace("title: Deployment stages", "title: Stages")) != same


def test_the_version_of_the_target_is_in_the_record(call: Call, config: Toml) -> None:
    assert call("verify", "--config", config(target={"version": "4.2.0"}), "--only", "SHAPE-2", *QUICK).code == 0
    record = read_record(Path("reports/report.json"))
    assert (record["target"]["version"], record["only"], record["strict"]) == ("4.2.0", ["SHAPE-2"], False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["started"])


@pytest.mark.parametrize("version", ["", "x" * 101, "a\nb", 4])
def test_a_version_that_is_none_is_refused(call: Call, config: Toml, version: object) -> None:
    called = call("verify", "--config", config(target={"version": version}), *QUICK)
    assert called.code == 2
    assert "[target] version is" in called.error


@pytest.mark.parametrize(
    ("history", "place"),
    [(None, "reports/history"), ("kept/here", "kept/here"), (True, "reports/history"), (False, None)],
)
def test_runs_are_remembered_where_the_config_says(
    call: Call, config: Toml, history: object, place: str | None
) -> None:
    report = {} if history is None else {"history": history}
    assert call("verify", "--config", config(report=report), "--only", "SHAPE-2", *QUICK).code == 0
    assert [str(found.parent) for found in Path().rglob("runs.sqlite3")] == ([place] if place else [])


def test_a_history_that_cannot_be_kept_is_said_before_anything_is_sent(call: Call, config: Toml) -> None:
    Path("kept").mkdir()
    Path("kept/runs.sqlite3").write_text("something else altogether" * 100)
    called = call("verify", "--config", config(report={"history": "kept"}), *QUICK)
    assert (called.code, called.out) == (2, "")
    assert called.error.startswith("cannot keep a history in kept/runs.sqlite3: file is not a database")
    called = call("verify", "--config", config(report={"history": 3}), *QUICK)
    assert (called.code, "[report] history is a whole number" in called.error) == (2, True)


# ---------------------------------------------------------------------- GitHub Actions


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As a step of GitHub Actions; the file of its summary."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def test_a_step_of_github_gets_annotations_and_a_summary(call: Call, config: Toml, actions: Path) -> None:
    actions.write_text("what another step wrote\n")
    with start("current-stage-shortcut") as context:
        called = call("verify", "--config", config(context), "--profile", "quick")
    lines = called.out.splitlines()
    (token,) = re.findall(r"^::stop-commands::([0-9a-f]{32})$", lines[0])
    end = lines.index(f"::{token}::")
    found = github("".join(f"{line}\n" for line in lines[end + 1 :]).encode())
    assert ("error", "MOVE-5 (MUST) is broken") in [(kind, properties["title"]) for kind, properties, _ in found]
    assert not [line for line in lines[1:end] if line.startswith("::")]
    text = actions.read_text()
    assert text.startswith("what another step wrote\n## stagecheck: Non-conforming\n")


def test_commands_are_heard_again_after_a_run_that_fails(call: Call, config: Toml, actions: Path, nobody: str) -> None:
    called = call("verify", nobody, "--config", config(), *QUICK)
    assert called.code == 3
    (token,) = re.findall(r"^::stop-commands::(\w+)$", called.out, re.MULTILINE)
    assert called.out.splitlines()[-1] == f"::{token}::"
    assert not actions.exists()


def test_a_summary_that_cannot_be_written_is_a_warning(
    call: Call, config: Toml, actions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "no/such/place.md")
    called = call("verify", "--config", config(), *QUICK)
    assert called.code == 0
    assert called.err.startswith("stagecheck: warning: no step summary was written: No such file")


def test_elsewhere_nothing_of_it_is_printed(call: Call, config: Toml) -> None:
    assert "::" not in call("verify", "--config", config(), *QUICK).out


def test_report_json_stays_valid_json(call: Call, config: Toml) -> None:
    assert call("verify", "--config", config(), *QUICK).code == 0
    assert json.loads(Path("reports/report.json").read_text())["schema"] == 1
