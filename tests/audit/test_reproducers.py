"""Every defect of the audit as its reproducer tells it: reproduced on the defect, gone on the conforming target.

All three forms: the JSON by `replay`, the curl script in a shell, the test file with httpx alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.serving import secrets_for_a_shell, serving
from kit.thinned import thinned
from stagecheck import launch
from stagecheck.audit.defect import DEFECTS, Defect, alone
from stagecheck.audit.target import embedded_run
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.exchange import Redactor
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.report.record import record_of
from stagecheck.report.reproducer.files import files_of, story_of
from stagecheck.spec import load
from stagecheck.suite.plan import Plan
from stagecheck.suite.replay import Story
from stagecheck.target.client import Limits

pytestmark = pytest.mark.long

_HAS_CURL = shutil.which("curl") is not None
_NOT_AGAIN: dict[str, str] = {}
"""Defects whose violation no fresh target shows by the steps alone, each with the reason."""


def _told(defect: Defect) -> dict[str, Any]:
    """The first violation under a right name that has been seen again, as a reproducer."""
    result = embedded_run(defect.mock, enough=defect.names)
    record = record_of(result, Redactor(embedded_credentials().secrets()))
    stories = [
        (violation["reproduced"] != "always", story)
        for violation in record["violations"]
        if violation["requirement"] in defect.right_names and (story := story_of(violation)) is not None
    ]
    assert stories, [violation["message"] for violation in record["violations"]]
    return {**min(stories, key=lambda entry: entry[0])[1], "url": "http://127.0.0.1:1"}


def _replayed(url: str, story: dict[str, Any]) -> Story:
    plan: Plan = embedded_plan(embedded())
    started = launch.Launch(url, plan, Limits(), embedded_credentials(), load())
    retold, _ = started.replay(story, times=1)
    return retold.story


def _in_a_shell(script: Path, url: str) -> int:
    environment = {"PATH": os.environ["PATH"], "STAGECHECK_URL": url, **secrets_for_a_shell()}
    done = subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode


def _fails(text: str, url: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("STAGECHECK_URL", url)
    names: dict[str, Any] = {"__name__": "reproducer"}
    exec(compile(text, "reproducer", "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    try:
        test()
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("name", thinned(alone(), every=10))
def test_all_three_forms_tell_the_defect_from_the_contract(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = _told(DEFECTS[name])
    for key, value in secrets_for_a_shell().items():
        monkeypatch.setenv(key, value)
    for file, text in files_of(story).items():
        (tmp_path / file).write_text(text)
    script, test = (next(tmp_path.glob(pattern)) for pattern in ("*.sh", "*.py"))
    told = {}
    for label, mock in (("defect", DEFECTS[name].mock), ("contract", Mock)):
        seen = []
        with serving(mock(embedded())) as url:
            seen.append(_replayed(url, story) is Story.REPRODUCED)
        with serving(mock(embedded())) as url:
            seen.append(_fails(test.read_text(), url, monkeypatch))
        if _HAS_CURL:
            with serving(mock(embedded())) as url:
                seen.append(_in_a_shell(script, url) == 1)
        told[label] = seen
    forms = 3 if _HAS_CURL else 2
    assert told == {"defect": [True] * forms, "contract": [False] * forms}, story["message"]


def test_a_generated_file_is_run_by_pytest_itself(tmp_path: Path) -> None:
    story = _told(DEFECTS["flag-restored-on-return"])
    files = files_of(story)
    name = next(file for file in files if file.endswith(".py"))
    (tmp_path / name).write_text(files[name])
    codes = []
    for mock in (DEFECTS["flag-restored-on-return"].mock, Mock):
        with serving(mock(embedded())) as url:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), name]
            environment = {**os.environ, "STAGECHECK_URL": url, **secrets_for_a_shell()}
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
            codes.append(done.returncode)
    assert codes == [1, 0]
