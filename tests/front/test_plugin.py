from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from junitparser import JUnitXml

from kit.thinned import thinned
from peers.ledger_server import Context, start
from stagecheck import launch, pytest_plugin
from stagecheck.contract import CATALOGUE
from stagecheck.errors import HarnessError
from stagecheck.mock.app import Answer, Mock
from stagecheck.model.step import Refused
from stagecheck.pytest_plugin import _once
from stagecheck.suite.registry import CHECKED
from stagecheck.suite.runner import Runner

pytestmark = pytest.mark.long

pytest_plugins = ["pytester"]
Toml = Callable[..., Path]
ROOT = Path(__file__).parents[2]
INSTALLED = any(point.name == "stagecheck" for point in importlib.metadata.entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "stagecheck.pytest_plugin")
TRIED = len(CHECKED)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """pytest in a process of its own, in a directory with one test of the user's own."""
    pytester.makepyfile(test_mine="def test_of_mine(): pass\ndef test_of_move(): pass")

    def ran(*arguments: str | Path) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", *arguments)

    return ran


Run = Callable[..., pytest.RunResult]
QUICK = ("--stagecheck", "--stagecheck-profile", "quick")


def test_without_the_option_nothing_is_added(run: Run) -> None:
    run("--stagecheck-seed", "3").assert_outcomes(passed=2)


def test_every_requirement_is_an_item_named_by_its_id(inside: Run) -> None:
    result = inside(Mock, "--collect-only", "-q")
    ids = [line.split("::")[1] for line in result.outlines if line.startswith("stagecheck::")]
    assert ids == list(CATALOGUE)


def test_the_embedded_target_passes_and_what_was_not_tried_is_skipped(run: Run) -> None:
    result = run(*QUICK, "-rs")
    result.assert_outcomes(passed=TRIED + 2, skipped=len(CATALOGUE) - TRIED)
    text = result.stdout.str()
    assert re.search(r"collected 42 items\b(?!.*deselected)", text)
    assert "not-tested: this version has no check for it" in text or len(CATALOGUE) == TRIED
    assert re.search(r"^conforming: .*\(the embedded mocked target, \d+ requests, seed 0\)$", text, re.MULTILINE)
    assert "SKIP-2: the target follows move-and-skip" in text


@pytest.mark.parametrize(
    ("expression", "selected"),
    [("MOVE-4", ["MOVE-4"]), ("MOVE-1", ["MOVE-1"]), ("move-4 or SHAPE", ["MOVE-4", "SHAPE-1", "SHAPE-2", "SHAPE-3"])],
)
def test_k_selects_by_id_and_the_run_judges_those_alone(expression: str, selected: list[str], inside: Run) -> None:
    result = inside(Mock, "-v", "-k", expression)
    assert re.findall(r"^stagecheck::(\S+) PASSED", result.stdout.str(), re.MULTILINE) == selected
    rest = len(CATALOGUE) - len(selected)
    assert re.search(rf"^conforming: {len(selected)} kept, {rest} not tested", result.stdout.str(), re.MULTILINE)


def test_selecting_only_what_has_no_check_skips_without_a_run(inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "CHECKED", frozenset(CATALOGUE) - {"STAGE-4"})
    result = inside(Mock, "-k", "STAGE-4", "-rs")
    result.assert_outcomes(skipped=1)
    assert "this version has no check for STAGE-4" in result.stdout.str()
    assert "conforming" not in result.stdout.str()


def test_a_violation_is_told_without_a_traceback(run: Run, config: Toml) -> None:
    with start("current-stage-shortcut") as context:
        place = config(context)
        result = run(*QUICK, "--stagecheck-config", place, "-rf", "--junitxml=out.xml")
    text = result.stdout.str()
    assert result.ret == 1
    assert "FAILED" in text
    for part in (f"promised: {CATALOGUE['MOVE-5'].text} (MOVE-5, MUST; S5)", "expected: ", "actual: ", "curl -sS"):
        assert part in text
    assert "Traceback" not in text
    assert "pytest_plugin.py" not in text
    assert context["token"] not in text + Path("out.xml").read_text()
    (suite,) = JUnitXml.fromfile("out.xml")
    assert any(case.name == "MOVE-5" and case.result for case in suite)


@pytest.mark.parametrize("distribution", thinned([(), ("--dist", "each")], every=2))
def test_under_xdist_one_worker_makes_the_run(
    distribution: tuple[str, ...], run: Run, config: Toml, ledger: Context
) -> None:
    result = run(*QUICK, "--stagecheck-config", config(), "-n", "2", *distribution)
    times = 2 if "each" in distribution else 1
    result.assert_outcomes(passed=times * (TRIED + 2), skipped=times * (len(CATALOGUE) - TRIED))
    summaries = [line for line in result.outlines if ledger["url"] in line]
    assert len(summaries) == 1


def test_a_wrong_config_is_one_line(run: Run) -> None:
    result = run("--stagecheck", "--stagecheck-config", "nowhere.toml", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: stagecheck: cannot read the config *nowhere.toml: No such file*"])


def test_writes_elsewhere_need_the_option(inside: Run, config: Toml) -> None:
    result = inside(Mock, "--stagecheck-config", config(target={"url": "http://198.51.100.7"}))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "give --stagecheck-allow-writes if it may" in result.stderr.str()


def test_a_refused_credential_is_an_error_of_every_item(inside: Run, config: Toml) -> None:
    result = inside(Mock, "--stagecheck-config", config(auth={"token": "wrong-token"}), "-k", "MOVE-4 or MOVE-5")
    result.assert_outcomes(errors=2)
    assert result.stdout.str().count("stagecheck: the target refused the credential with 401") >= 2
    assert "wrong-token" not in result.stdout.str()


def test_the_plugin_can_be_switched_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_of_mine(): pass")
    pytester.runpytest_subprocess("-p", "no:stagecheck").assert_outcomes(passed=1)


def test_at_the_start_of_pytest_nothing_heavy_is_imported() -> None:
    code = "import pytest, sys; had = set(sys.modules); import stagecheck.pytest_plugin; print(*set(sys.modules) - had)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert set(found.stdout.split()) == {"stagecheck", "stagecheck.pytest_plugin"}


# ---------------------------------------------------------------------- in this process, on mocks that go wrong


@pytest.fixture
def inside(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """pytest in this process, against the given mock."""
    pytester.makepyfile("def test_of_mine(): pass")

    def ran(mock: type[Mock], *arguments: str) -> pytest.RunResult:
        monkeypatch.setattr(launch, "Mock", mock)
        loaded = () if INSTALLED else ("-p", "stagecheck.pytest_plugin")
        return pytester.runpytest_inprocess(*loaded, "-p", "no:cacheprovider", *QUICK, *arguments)

    return ran


class Careless(Mock):
    """Answers 400 to other methods: a broken SHOULD (ERR-7)."""

    def refusal(self, refused: Refused) -> Answer:
        answer = super().refusal(refused)
        return Answer(400, answer.payload) if answer.status == 405 else answer


@pytest.mark.parametrize(
    ("options", "outcome"), [((), "xfailed"), (("--stagecheck-strict",), "failed"), (("--runxfail",), "failed")]
)
def test_a_broken_should_is_an_expected_failure(options: tuple[str, ...], outcome: str, inside: Run) -> None:
    inside(Careless, "-k", "ERR-7", *options).assert_outcomes(**{outcome: 1})


def test_a_reading_can_be_pinned(inside: Run) -> None:
    inside(Mock, "-k", "SKIP-2", "--stagecheck-reading", "refuse").assert_outcomes(failed=1)
    inside(Mock, "-k", "SKIP-2", "--stagecheck-reading", "move-and-skip").assert_outcomes(passed=1)


def test_an_inconclusive_requirement_is_an_error(inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = {"grade": "inconclusive", "reason": "it ended early", "exercised": 0, "texts": [], "messages": []}
    found = {"grades": {"MOVE-4": judged}, "notes": ["put back by hand"]}
    monkeypatch.setattr(pytest_plugin, "_judged", lambda _: found)
    result = inside(Mock, "-k", "MOVE-4")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["MOVE-4 is inconclusive: it ended early", "put back by hand"])


def test_a_hole_in_the_harness_is_an_error_too(inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise HarnessError("no route")

    monkeypatch.setattr(Runner, "run", broken)
    result = inside(Mock, "-k", "MOVE-4")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["stagecheck: no route"])


# ---------------------------------------------------------------------- one run for several processes


def test_the_first_makes_it_and_the_others_read_it(tmp_path: Path) -> None:
    assert _once(tmp_path, lambda: {"grades": {}}) == {"grades": {}}
    assert _once(tmp_path, lambda: pytest.fail("made twice")) == {"grades": {}}


def test_a_run_that_raises_keeps_nobody_waiting(tmp_path: Path) -> None:
    def interrupted() -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _once(tmp_path, interrupted)
    assert "did not end" in _once(tmp_path, dict)["error"]


def test_a_worker_that_died_keeps_nobody_waiting(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    (tmp_path / "claim").write_text(str(gone.pid))
    assert "has died" in _once(tmp_path, dict)["error"]


# ---------------------------------------------------------------------- this repository's own items


def test_the_contract_directory_collects_the_items_here() -> None:
    options = (*PLUGIN, "-p", "no:cacheprovider", "--collect-only", "-q")
    command = [sys.executable, "-m", "pytest", *options, "tests/contract"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ)
    ids = [line.removeprefix("tests/contract/test_contract.py::") for line in found.stdout.splitlines() if "::" in line]
    assert ids == list(CATALOGUE)
