from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import httpx
import pytest

from front.samples import Called
from peers.ledger_server import Context, start
from stagecheck import __version__, cli, launch
from stagecheck.audit import DEFECTS
from stagecheck.audit.matrix import AuditResult, audit
from stagecheck.audit.variants import VARIANTS
from stagecheck.cli import COMMANDS
from stagecheck.commands import audit as audit_command
from stagecheck.commands import verify
from stagecheck.contract import CATALOGUE
from stagecheck.mock.app import Answer, Mock
from stagecheck.model.step import Refused
from stagecheck.report.progress import Progress
from stagecheck.report.record import read_record
from stagecheck.suite.runner import Runner

Call = Callable[..., Called]
Toml = Callable[..., Path]
NEVER = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
STAGECHECK = (sys.executable, "-m", "stagecheck")


# ---------------------------------------------------------------------- verdicts


def test_the_embedded_target_conforms(call: Call) -> None:
    called = call("verify", "--profile", "quick")
    assert (called.code, called.err) == (0, "")
    assert called.out.splitlines()[-1].startswith("conforming: ")
    record = read_record(Path("reports/report.json"))
    assert (record["verdict"], record["target"]["mocked"], record["profile"]) == ("conforming", True, "quick")
    assert [entry["id"] for entry in record["requirements"]] == list(CATALOGUE)
    exchanges = [json.loads(line) for line in Path("reports/exchanges.ndjson").read_text().splitlines()]
    assert [exchange["number"] for exchange in exchanges] == list(range(1, record["requests"] + 1))
    assert len(ET.parse("reports/junit.xml").findall(".//testcase")) == len(CATALOGUE)


def test_the_default_profile_is_nightly(call: Call) -> None:
    assert call("verify", "--only", "SHAPE", "--report-dir", "elsewhere").code == 0
    assert read_record(Path("elsewhere/report.json"))["profile"] == "nightly"
    assert not Path("reports").exists()


def test_a_config_that_lies_about_is_not_picked_up(call: Call) -> None:
    Path("stagecheck.toml").write_text("nonsense")
    assert call("verify", "--profile", "quick", "-q").code == 0


def test_a_live_target_of_another_make_conforms_and_shows_no_credential(
    call: Call, config: Toml, ledger: Context
) -> None:
    called = call("verify", "--config", config(), "--profile", "quick", "-v")
    assert (called.code, called.err) == (0, "")
    places = [place for place in Path("reports").rglob("*") if place.is_file() and place.suffix != ".lock"]
    artefacts = {place.name: place.read_bytes().decode("utf-8", "replace") for place in places}
    assert set(artefacts) == {"report.html", "report.json", "junit.xml", "exchanges.ndjson", "runs.sqlite3"}
    secrets = [ledger["token"], ledger["foreign_token"]]
    secrets += [part for name in ("jwt", "expired_jwt") for part in ledger[name].split(".")[1:]]
    for name, text in {**artefacts, "stdout": called.out}.items():
        for secret in secrets:
            assert secret not in text, name


@pytest.mark.parametrize(("bug", "requirement"), [("current-stage-shortcut", "MOVE-5"), ("array-body-crash", "ERR-1")])
def test_a_broken_promise_is_1(bug: str, requirement: str, call: Call, config: Toml) -> None:
    with start(bug) as context:
        called = call("verify", "--config", config(context), "--profile", "quick")
    assert (called.code, called.err) == (1, "")
    record = read_record(Path("reports/report.json"))
    assert requirement in {violation["requirement"] for violation in record["violations"]}
    assert f"\n{requirement} (MUST) " in called.out
    assert "curl -sS" in called.out


def test_a_pinned_reading_that_is_not_followed_is_1(call: Call) -> None:
    called = call("verify", "--profile", "quick", "--only", "SKIP-2", "--reading", "refuse", "-q")
    assert (called.code, called.out[:14]) == (1, "non-conforming")


def test_a_should_is_1_only_when_strict(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(Mock):
        def refusal(self, refused: Refused) -> Answer:
            answer = super().refusal(refused)
            return Answer(400, answer.payload) if answer.status == 405 else answer

    monkeypatch.setattr(launch, "Mock", Careless)
    lax = call("verify", "--profile", "quick", "--only", "ERR-7")
    assert lax.code == 0
    assert "non-strict: " in lax.out
    assert ET.parse("reports/junit.xml").find(".//failure") is None
    assert call("verify", "--profile", "quick", "--only", "ERR-7", "--strict").code == 1
    assert ET.parse("reports/junit.xml").find(".//failure") is not None


# ---------------------------------------------------------------------- what cannot be done


def test_unreachable_is_3(call: Call, config: Toml, nobody: str) -> None:
    called = call("verify", nobody, "--config", config())
    assert called.code == 3
    assert called.error.startswith(f"cannot connect to {nobody}")
    assert called.error.endswith("is the target running, and the URL right?")


def test_a_refused_credential_is_3_and_called_so(call: Call, config: Toml) -> None:
    called = call("verify", "--config", config(auth={"token": "wrong-token"}))
    assert called.code == 3
    assert "refused the credential with 401; check [auth] token or jwt" in called.error
    assert "wrong-token" not in called.err + called.out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": {"stagse": []}}, "unknown key stagse in [target]; did you mean stages?"),
        ({"target": {"environment": None, "stages": None}}, "[target] stages is missing"),
        ({"target": {"environment": "prod"}}, "[target] environment is not a UUID: 'prod'"),
        ({"auth": {"token": "${SC_NOT_SET_ANYWHERE}"}}, "SC_NOT_SET_ANYWHERE, which is not set; set it"),
        ({"target": {"url": "http://198.51.100.7"}}, "give --allow-writes if it may"),
    ],
)
def test_a_wrong_config_is_2(changes: dict[str, dict[str, object]], said: str, call: Call, config: Toml) -> None:
    called = call("verify", "--config", config(**changes))
    assert called.code == 2
    assert said in called.error
    assert not Path("reports").exists()


def test_a_stage_that_is_not_in_the_environment_is_2(call: Call, config: Toml, ledger: Context) -> None:
    called = call("verify", "--config", config(target={"stages": [*ledger["stages"], NEVER]}))
    assert called.code == 2
    assert f"stage {NEVER} is not in the environment" in called.error
    assert "remove it from [target] stages" in called.error


def test_with_one_stage_what_can_be_tested_is(call: Call, config: Toml, ledger: Context) -> None:
    called = call("verify", "--config", config(target={"stages": ledger["stages"][:1]}), "--profile", "quick")
    assert (called.code, called.err) == (0, "")
    grades = {entry["id"]: entry for entry in read_record(Path("reports/report.json"))["requirements"]}
    assert grades["MOVE-5"]["grade"] == "pass"
    assert grades["SKIP-2"]["grade"] == "not-tested"
    assert "only one stage" in grades["SKIP-2"]["reason"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "MOEV"], "no requirement begins with 'MOEV'"),
        (["--only", "MOVE", "--only", "NIX"], "no requirement begins with 'NIX'"),
        (["--onyl", "MOVE"], "Did you mean one of: '--json', '--only'?"),
        (["--profile", "slow"], "'slow' is not one of 'quick', 'nightly', 'exhaustive'"),
        (["--seed", "x"], "(see: stagecheck verify --help)"),
        (["--reading", "both"], "'both' is not one of 'move-and-skip'"),
        (["127.0.0.1:8080"], "URL '127.0.0.1:8080' is no http or https URL"),
        (["http://127.0.0.1:1"], "a URL alone is not enough"),
        (["--config", "nowhere.toml"], "cannot read the config nowhere.toml"),
        (["--spec", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["one", "two"], "unexpected extra argument"),
    ],
)
def test_a_wrong_call_is_2(arguments: list[str], said: str, call: Call) -> None:
    called = call("verify", *arguments)
    assert called.code == 2
    assert said in called.error
    assert called.out == ""


def test_selecting_only_what_has_no_check_is_2(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "CHECKED", frozenset(CATALOGUE) - {"STAGE-4"})
    called = call("verify", "--only", "STAGE-4")
    assert called.code == 2
    assert "no check for STAGE-4" in called.error


def test_an_unwritable_report_directory_is_2_before_anything_is_sent(call: Call, config: Toml, nobody: str) -> None:
    Path("taken").write_text("a file")
    for directory in ("taken", "taken/below", "/proc/nowhere"):
        called = call("verify", nobody, "--config", config(), "--report-dir", directory)
        assert called.code == 2
        assert called.error.startswith(f"cannot write reports to {directory}: ")
        assert called.error.endswith("give another --report-dir")


def test_a_run_that_fails_leaves_no_report_of_an_earlier_one(call: Call, config: Toml, nobody: str) -> None:
    assert call("verify", "--profile", "quick").code == 0
    assert call("verify", nobody, "--config", config()).code == 3
    names = sorted(place.name for place in Path("reports").iterdir() if place.suffix != ".lock")
    assert names == ["exchanges.ndjson", "history"]


def test_the_page_is_written_unless_the_config_asks_for_something_else(call: Call, config: Toml) -> None:
    called = call("verify", "--config", config(), "--profile", "quick")
    assert called.out.splitlines()[-2] == "in reports/: report.html, junit.xml, report.json"
    assert called.code == 0
    page = Path("reports/report.html").read_text()
    assert "<h1>Conforming</h1>" in page
    assert read_record(Path("reports/report.json"))["latency"]["all"]["count"] > 100
    assert call("verify", "--config", config(report={"formats": []}), "--profile", "quick", "-q").code == 0
    assert not Path("reports/report.html").exists(), "the page of an earlier run"


def test_reports_that_cannot_be_written_at_the_end_are_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, record: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(verify, "write_record", full)
    called = call("verify", "--profile", "quick")
    assert called.code == 3
    assert called.error == "the reports in reports are not complete: No space left on device"
    assert called.out.splitlines()[-1].startswith("conforming")


# ---------------------------------------------------------------------- faults, interrupts, pipes


@pytest.mark.parametrize("verbose", [False, True])
def test_a_fault_of_our_own_is_one_line_and_a_traceback_only_on_demand(
    verbose: bool, call: Call, config: Toml, ledger: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError(f"oops {ledger['token']}\nsecond line")

    monkeypatch.setattr(Runner, "run", broken)
    called = call("verify", "--config", config(), *(["--verbose"] if verbose else []))
    assert called.code == 3
    *traceback, line = called.err.splitlines()
    assert line.startswith("stagecheck: error: a fault of stagecheck, not of the target: KeyError: ")
    assert ledger["token"] not in called.err
    assert bool(traceback) is verbose
    assert ("--verbose" in line) is not verbose


def test_a_display_that_fails_does_not_stop_the_run(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no display")

    monkeypatch.setattr(Progress, "phase", broken)
    assert call("verify", "--profile", "quick").code == 0
    (note,) = read_record(Path("reports/report.json"))["notes"]
    assert note == "the display of the run failed: RuntimeError: no display"


def placements(context: Context) -> dict[str, tuple[str, bool]]:
    """Where every service of a server is, and its flag."""
    answer = httpx.get(
        f"{context['url']}/environment/{context['environment']}/deploymentStage",
        headers={"Authorization": f"Token {context['token']}"},
    )
    stages = answer.raise_for_status().json()["results"]
    return {
        entry["service_id"]: (stage["id"], entry.get("is_skipped", False))
        for stage in stages
        for entry in stage["services"]
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_puts_everything_back_and_says_what_was_seen(number: int, config: Toml, ledger: Context) -> None:
    place = config(limits={"rate": 40})
    before = placements(ledger)
    with subprocess.Popen(
        [*STAGECHECK, "verify", "--config", place], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        log = Path("reports/exchanges.ndjson")
        until = time.monotonic() + 30
        while time.monotonic() < until and (not log.exists() or len(log.read_text().splitlines()) < 30):
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "")
    record = read_record(Path("reports/report.json"))
    assert record["verdict"] == "inconclusive"
    assert "the run was interrupted" in record["notes"]
    assert record["phases"]["restore"] > 0
    assert placements(ledger) == before
    assert "inconclusive: " in out.splitlines()[-1]


def test_a_closed_pipe_ends_nothing_early() -> None:
    with subprocess.Popen(
        [*STAGECHECK, "verify", "--profile", "quick"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(timeout=60), err) == (0, b"")
    assert read_record(Path("reports/report.json"))["verdict"] == "conforming"


# ---------------------------------------------------------------------- listings and help


def test_requirements_lists_the_catalogue(call: Call) -> None:
    rows = json.loads(call("requirements", "--json").out)
    assert [row["id"] for row in rows] == list(CATALOGUE)
    assert rows[0] == {
        "id": "MOVE-1",
        "family": "MOVE",
        "level": "MUST",
        "text": CATALOGUE["MOVE-1"].text,
        "source": "S1 S5",
    }
    called = call("requirements", "auth", "MOVE-4")
    assert re.findall(r"^[A-Z]+-\d", called.out, re.MULTILINE) == ["MOVE-4", *(f"AUTH-{n}" for n in range(1, 6))]
    assert max(map(len, called.out.splitlines())) <= 80
    assert call("requirements", "NIX").code == 2


def test_defects_lists_what_the_audit_seeds(call: Call) -> None:
    rows = json.loads(call("defects", "--json").out)
    assert len(rows) >= 20
    assert set(rows[0]) == {"name", "requirement", "accepts", "sentence"}
    text = call("defects").out
    assert f"{len(rows)} defects" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_audit_ends_with_0_only_if_it_passed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [DEFECTS["no-credential-let-in"]]
    one = [next(iter(VARIANTS.values()))]
    monkeypatch.setattr(audit_command, "audit", partial(audit, few, one))
    called = call("audit", "--jobs", "1", "--profile", "quick", "--json")
    result = json.loads(called.out)
    assert (called.code, called.err) == (1, ""), "most requirements kill nothing, with one defect"
    assert [entry["killed"] for entry in result["defects"]] == [True]
    assert result["survivors"] == result["unclean_variants"] == []
    text = call("audit", "--jobs", "1", "--profile", "quick").out
    assert "1 of 1 defects killed, 0 for the wrong reason" in text
    assert "1 of 1 conforming variants clean" in text
    assert "kills nothing MOVE-1" in text
    monkeypatch.setattr(AuditResult, "idle", ())
    assert call("audit", "--jobs", "1", "--profile", "quick").code == 0


def test_help_and_version(call: Call) -> None:
    out = call("--help").out
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", out, re.MULTILINE)
    assert "Exit codes: 0 conforming" in out
    assert call("--version").out == f"stagecheck {__version__}\n"
    bare = call()
    assert bare.code == 2
    assert "Usage:" in bare.err


def test_a_command_there_is_not_is_2(call: Call) -> None:
    called = call("verfiy")
    assert called.code == 2
    assert "there is no command 'verfiy'; did you mean verify?" in called.error
    assert "stagecheck --help" in called.error


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(name: str, call: Call) -> None:
    command = cli.group.get_command(click.Context(cli.group), name)
    assert command is not None
    assert command.short_help == COMMANDS[name]
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert call(name, "--help").code == 0


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from stagecheck.cli import main; main(['--help']); print(sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    for heavy in ("httpx", "rich", "hypothesis", "schemathesis", "yaml", "jsonschema_rs", "stagecheck.suite"):
        assert f"'{heavy}'" not in found.stdout
