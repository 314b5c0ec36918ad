"""Stories in which stages are made: each form makes its own, on any target, and clears away what it has made.

Unlike the audit's, these runs cannot put their target back to how it was: so their stories are as a user's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from front.samples import Called
from kit.serving import config_for, secrets_for_a_shell, serving
from kit.thinned import thinned
from stagecheck.audit.defect import DEFECTS
from stagecheck.exchange import Redactor
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded, scenario
from stagecheck.model.state import Reading
from stagecheck.model.step import Refused
from stagecheck.report.record import record_of
from stagecheck.report.reproducer.files import files_of, story_of
from stagecheck.standalone.steps import farewell
from stagecheck.suite.registry import STAGES
from suite.rig import QUICK, rig

pytestmark = pytest.mark.long

Story = dict[str, Any]
CallLine = Callable[..., Called]

_NOT_AGAIN = {
    "created-id-by-number": "what is made under an id of the dead can be neither read nor removed, so ids run out",
}
"""Defects that no target without a way to begin anew shows a second time, each with the reason."""

_OF_STAGES = [n for n, defect in DEFECTS.items() if defect.requirement in STAGES and n not in _NOT_AGAIN]
_ELSEWHERE: dict[str, dict[str, tuple[tuple[str, str, bool], ...]]] = {
    "main": {
        "X": (("x1", "APPLICATION", True), ("x2", "JOB", False)),
        "Y": (("y1", "JOB", False), ("y2", "DATABASE", True)),
        "Z": (),
        "W": (("w1", "JOB", False),),
    },
    "second": {"X2": (("x3", "JOB", False),)},
    "foreign": {"X4": (("x5", "JOB", False),)},
}


def elsewhere() -> Scenario:
    """Another environment, where nothing has an id of the embedded one."""
    return scenario(_ELSEWHERE, Reading.MOVE_AND_SKIP)


@cache
def told(name: str) -> Story:
    """The story of a defect as a run without a way to begin anew tells it."""
    defect = DEFECTS[name]
    made = rig(defect.mock(embedded()), selected=STAGES, profile=replace(QUICK, requests=900, every=True))
    record = record_of(made.run(), Redactor(made.credentials.secrets()))
    stories = [
        (violation["reproduced"] != "always", len(story["steps"]), story)
        for violation in record["violations"]
        if violation["requirement"] in defect.right_names and (story := story_of(violation)) is not None
    ]
    assert stories, [violation["message"] for violation in record["violations"]]
    best = min(stories, key=lambda entry: entry[:2])[2]
    return {**json.loads(json.dumps(best)), "url": "http://127.0.0.1:1"}


def left(mock: Mock) -> set[str]:
    """The stages that there are now and were not at first."""
    return set(mock.world.stages) - set(mock.scenario.world.stages)


def at_home(mock: Mock) -> bool:
    """Whether every service is where it was."""
    return dict(mock.world.placements) == dict(mock.scenario.world.placements)


# ---------------------------------------------------------------------- replay


@pytest.mark.parametrize("name", thinned(_OF_STAGES, every=6))
def test_replay_tells_the_defect_from_the_contract_and_leaves_nothing(name: str, call: CallLine) -> None:
    story = Path("story.json")
    story.write_text(json.dumps(told(name)))
    assert "new:" in story.read_text() or DEFECTS[name].requirement == "STAGE-3", "most need a stage of their own"
    seen = {}
    for label, mock in (
        ("defect", DEFECTS[name].mock(embedded())),
        ("contract", Mock(embedded())),
        ("elsewhere", Mock(elsewhere())),
    ):
        with serving(mock) as url:
            called = call("replay", str(story), "--config", str(config_for(mock, url, Path.cwd())), "--times", "1")
        seen[label] = (called.code, called.out.splitlines()[-1] if called.code == 0 else called.out)
        if label != "defect":
            assert left(mock) == set(), label
            assert at_home(mock), label
    assert seen["defect"][0] == 1, seen
    assert "reproduced (1 of 1 times)" in seen["defect"][1]
    assert seen["contract"] == seen["elsewhere"] == (0, "gone (0 of 1 times)")


# ---------------------------------------------------------------------- the script and the test file


def _in_a_shell(text: str, url: str, directory: Path) -> tuple[int, str]:
    script = directory / "story.sh"
    script.write_text(text)
    environment = {"PATH": os.environ["PATH"], "STAGECHECK_URL": url, **secrets_for_a_shell()}
    done = subprocess.run(
        ["sh", str(script)], env=environment, cwd=directory, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _fails(text: str, url: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    for key, value in {**secrets_for_a_shell(), "STAGECHECK_URL": url}.items():
        monkeypatch.setenv(key, value)
    names: dict[str, Any] = {"__name__": "reproducer"}
    exec(compile(text, "reproducer", "exec"), names)
    (test,) = (value for key, value in names.items() if key.startswith("test_"))
    try:
        test()
    except AssertionError:
        return True
    return False


def _form(story: Story, kind: str) -> str:
    return next(text for file, text in files_of(story).items() if file.endswith(kind))


@pytest.mark.parametrize("name", thinned(_OF_STAGES, every=6))
def test_the_test_file_tells_the_defect_from_the_contract(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _form(told(name), ".py")
    broken, right = DEFECTS[name].mock(embedded()), Mock(embedded())
    with serving(broken) as url:
        assert _fails(text, url, monkeypatch)
    with serving(right) as url:
        assert not _fails(text, url, monkeypatch)
    assert left(right) == set()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("name", thinned(_OF_STAGES, every=6))
def test_the_script_tells_the_defect_from_the_contract(name: str, tmp_path: Path) -> None:
    text = _form(told(name), ".sh")
    broken, right = DEFECTS[name].mock(embedded()), Mock(embedded())
    with serving(broken) as url:
        code, said = _in_a_shell(text, url, tmp_path)
        assert (code, "reproduced: " in said) == (1, True), said
    with serving(right) as url:
        code, said = _in_a_shell(text, url, tmp_path)
        assert (code, "gone: " in said) == (0, True), said
    assert left(right) == set()
    makes = any("makes" in step for step in told(name)["steps"])
    assert ("clearing away what was made here" in said) == makes


# ---------------------------------------------------------------------- clearing away

_CREDENTIAL = {"name": "own", "scheme": "Token", "secret": "token", "how": None, "shown": "Token $STAGECHECK_TOKEN"}


def step(method: str, path: str, body: str | None = None, **more: Any) -> Story:
    json_body = {} if body is None else {"Content-Type": "application/json"}
    told_step = {"method": method, "path": path, "headers": {"Accept": "application/json", **json_body}}
    asks = {"POST": "stage", "DELETE": "none"}.get(method, "list")
    rest = {"credential": _CREDENTIAL, "asks": asks, "set_up": False, "status": 200}
    return {**told_step, **rest, **({} if body is None else {"body": body}), **more}


def a_guest(*, made: str = "STAGE OF A STORY") -> Story:
    """A service is put into a stage that the story makes, and stays there, skipped."""
    ids = embedded()
    environment = ids.environment
    home = "/deploymentStage/{stage:A}/service/{service:1}"
    return {
        "schema": 1,
        "requirement": "STAGE-1",
        "cause": "guest",
        "message": "a guest",
        "expected": "a guest",
        "actual": "none",
        "reproduced": "always",
        "url": "http://127.0.0.1:1",
        "bindings": {
            "stage:A": {"id": ids.stages(environment)[0], "name": None},
            "service:1": {"id": ids.services(environment)[0], "name": None},
            "environment": {"id": environment, "name": None},
        },
        "placement": {"service:1": {"stage": "stage:A", "is_skipped": True}},
        "steps": [
            step("PUT", home, '{"is_skipped": false}', set_up=True),
            step("PUT", home, '{"is_skipped": true}', set_up=True),
            step("POST", "/environment/{environment}/deploymentStage", json.dumps({"name": made}), makes="new:A"),
            step("PUT", "/deploymentStage/{new:A}/service/{service:1}", '{"is_skipped": true}'),
        ],
        "given": [],
        "wrong": 3,
        "witness": {"kind": "places", "service": "{service:1}", "places": [["{new:A}", True]]},
    }


def test_what_clears_away_puts_guests_back_and_deletes_what_was_made() -> None:
    steps = farewell(a_guest())
    assert [(one["method"], one["path"]) for one in steps] == [
        ("PUT", "/deploymentStage/{stage:A}/service/{service:1}"),
        ("PUT", "/deploymentStage/{stage:A}/service/{service:1}"),
        ("DELETE", "/deploymentStage/{new:A}"),
    ]
    assert "body" not in steps[-1]
    assert "makes" not in steps[-1]
    plain = {**a_guest(), "steps": a_guest()["steps"][:2]}
    assert farewell(plain) == []


@pytest.mark.parametrize("kind", [".py", *([".sh"] if shutil.which("curl") else [])])
def test_a_guest_leaves_the_stage_before_it_is_deleted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mock, text = Mock(embedded()), _form(a_guest(), kind)
    with serving(mock) as url:
        if kind == ".py":
            assert not _fails(text, url, monkeypatch)
        else:
            code, said = _in_a_shell(text, url, tmp_path)
            assert code == 0, said
    assert left(mock) == set()
    service = embedded().services(embedded().environment)[0]
    place = mock.world.placements[service]
    assert (place.stage, place.skipped) == (embedded().stages(embedded().environment)[0], True)


def test_replay_leaves_no_stage_that_holds_a_guest(call: CallLine) -> None:
    Path("story.json").write_text(json.dumps(a_guest()))
    mock = Mock(elsewhere())
    with serving(mock) as url:
        called = call("replay", "story.json", "--config", str(config_for(mock, url, Path.cwd())))
    assert (called.code, called.out.splitlines()[-1]) == (0, "gone (0 of 3 times)")
    assert left(mock) == set()
    assert at_home(mock)


class Keeping(Mock):
    """Deletes nothing."""

    def handle(self, call: Call) -> Answer:
        """Refused, whatever it is."""
        if call.method == "DELETE":
            return self.refusal(Refused((403,), None, 403))
        return super().handle(call)


def test_what_replay_cannot_remove_is_named_with_a_command(call: CallLine) -> None:
    Path("story.json").write_text(json.dumps(a_guest(made="NAME IN THE STORY")))
    mock = Keeping(embedded())
    with serving(mock) as url:
        config = str(config_for(mock, url, Path.cwd()))
        called = call("replay", "story.json", "--config", config, "--times", "1")
    assert len(left(mock)) == 1
    (note,) = [line for line in called.out.splitlines() if "could not be deleted" in line]
    assert "NAME IN THE STORY" in note
    assert re.search(r"curl -sS -i -X DELETE .*deploymentStage/" + next(iter(left(mock))), note)
    assert at_home(mock)
