"""The README's examples of the mock, run literally as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
HEADING = "## The mock: developing and testing against it"
SECTION = README.partition(f"{HEADING}\n")[2].partition("\n## ")[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the scenario in it, and `stagecheck` among the commands."""
    (scenario,) = blocks("yaml")
    (tmp_path / "scenario.yaml").write_text(scenario, encoding="utf-8")
    command = tmp_path / "bin" / "stagecheck"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stagecheck "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_the_server_is_started_verified_and_stopped(here: Path) -> None:
    (commands,) = blocks("console")
    script = f"set -e\n{commands}wait $!\necho ended with $?\n"
    done = subprocess.run(["sh", "-c", script], cwd=here, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^conforming: \d+ kept", done.stdout, re.MULTILINE)
    assert done.stdout.startswith('{"url": "http://127.0.0.1:')
    assert done.stdout.endswith("ended with 0\n")
    assert re.search(r"^\d\d:\d\d:\d\d PUT /deploymentStage/\S+ 200 ", done.stderr, re.MULTILINE)


def test_the_tests_pass(here: Path) -> None:
    for name, code in zip(("fixture", "router"), blocks("python"), strict=True):
        (here / f"test_{name}.py").write_text(code, encoding="utf-8")
    options = ("-v", "-W", "error", "--strict-markers", "-p", "no:cacheprovider", "--rootdir", str(here))
    command = [sys.executable, "-m", "pytest", *options, "test_fixture.py", "test_router.py"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=60, check=False)
    passed = re.findall(r"^(\S+)::test_\S+ PASSED", done.stdout, re.MULTILINE)
    assert passed == ["test_fixture.py"] * 2 + ["test_router.py"] * 2, done.stdout + done.stderr
