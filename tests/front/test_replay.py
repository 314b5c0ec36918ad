"""`stagecheck replay`, the real command line against mocks on a socket."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from front.samples import Called
from kit.serving import config_for, serving
from stagecheck import witness
from stagecheck.embedded import embedded_credentials
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded, scenario
from stagecheck.model.requests import Attach, Request
from stagecheck.model.state import Placement, Reading, World
from stagecheck.model.step import Outcome, Refused

CallLine = Callable[..., Called]
OWN = embedded_credentials()
OTHER_IDS: dict[str, dict[str, tuple[tuple[str, str, bool], ...]]] = {
    "main": {"X": (("x1", "APPLICATION", True), ("x2", "JOB", False)), "Y": (("y1", "JOB", False),), "Z": ()},
    "second": {"X2": (("x3", "JOB", False),)},
    "foreign": {"X4": (("x5", "JOB", False),)},
}


class Keeps(Mock):
    """Every so many times, a move that should un-skip does not (MOVE-4)."""

    every = 1

    def __init__(self, world: Scenario) -> None:
        super().__init__(world)
        self.moves = 0
        self.calls: list[Call] = []

    def handle(self, call: Call) -> Answer:
        self.calls.append(call)
        return super().handle(call)

    def commit(self, request: Attach, world: World) -> None:
        was, now = self.world.placements[request.service], world.placements[request.service]
        self.moves += was.skipped and was.stage != now.stage
        if was.skipped and was.stage != now.stage and self.moves % self.every == 0:
            world = world.placed(request.service, now.stage, skipped=True)
        super().commit(request, world)


class Sometimes(Keeps):
    every = 2


class Interrupts(Keeps):
    """Somebody presses Ctrl-C while it is moving a service."""

    def handle(self, call: Call) -> Answer:
        answer = super().handle(call)
        if sum(told.method == "PUT" for told in self.calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return answer


class Right(Keeps):
    every = 1_000_000


def step(path: str, body: str | None = None, *, method: str = "PUT", **changed: object) -> dict[str, Any]:
    return {
        "method": method,
        "path": path,
        "headers": {"Accept": "application/json", **({} if body is None else {"Content-Type": "application/json"})},
        "credential": {
            "name": "the API token",
            "scheme": "Token",
            "secret": "token",
            "how": None,
            "shown": "Token $STAGECHECK_TOKEN",
        },
        "asks": "list" if method == "PUT" else "stage",
        "set_up": False,
        "status": 200,
        **({} if body is None else {"body": body}),
        **changed,
    }


A, B = "/deploymentStage/{stage:A}/service/{service:1}", "/deploymentStage/{stage:B}/service/{service:1}"
STEPS = [step(A, '{"is_skipped": false}', set_up=True), step(A, '{"is_skipped": true}', set_up=True), step(B)]


def story(**changed: object) -> dict[str, Any]:
    """A skipped service is moved, and should be skipped no more."""
    return {
        "schema": 1,
        "requirement": "MOVE-4",
        "cause": "flag",
        "message": "The flag travelled along",
        "expected": "in stage:B, not skipped",
        "actual": "skipped",
        "reproduced": "always",
        "bindings": {
            "stage:A": {"id": "00000000-0000-4000-8000-00000000000a", "name": None},
            "stage:B": {"id": "00000000-0000-4000-8000-00000000000b", "name": "B"},
            "service:1": {"id": "00000000-0000-4000-8000-000000000001", "name": None},
        },
        "placement": {},
        "steps": STEPS,
        "given": [],
        "wrong": 2,
        "witness": dict(witness.places("{service:1}", [("{stage:B}", False)])),
        **changed,
    }


def written(told: object) -> Path:
    place = Path("story.json")
    place.write_text(json.dumps(told))
    return place


@contextmanager
def target(mock: Mock, *, without: str = "$.", **more: str) -> Iterator[Path]:
    """The config of a served mock: the environment alone, without the tables that match, with more lines."""
    with serving(mock) as url:
        place = config_for(mock, url, Path.cwd())
        text = re.sub(r"\n(stages|services) = \[.*?\n\]", "", place.read_text(), flags=re.DOTALL)
        tables = [table for table in re.split(r"\n(?=\[)", text) if not re.match(rf"\[({without})\]", table)]
        lines = [table + "".join(f"\n{more[key]}" for key in more if table.startswith(f"[{key}]")) for table in tables]
        place.write_text("\n".join(lines) + "\n")
        yield place


def at_home(mock: Mock) -> bool:
    return dict(mock.world.placements) == dict(mock.scenario.world.placements)


# ---------------------------------------------------------------------- what became of it


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (Keeps, 1, "reproduced (3 of 3 times)"),
        (Right, 0, "gone (0 of 3 times)"),
        (Sometimes, 1, "flaky (2 of 3 times)"),
    ],
)
def test_the_exit_code_says_whether_it_still_happens(make: type[Keeps], code: int, said: str, call: CallLine) -> None:
    mock = make(embedded())
    with target(mock) as config:
        called = call("replay", written(story()), "--config", config)
    assert (called.code, called.err) == (code, "")
    first, *_, last = called.out.splitlines()
    assert first == "MOVE-4: The flag travelled along"
    assert last == said
    assert ("  came      in " in called.out) == bool(code)
    mock.every = 1_000_000
    assert at_home(mock)


def test_json_says_the_same(call: CallLine) -> None:
    mock = Sometimes(embedded())
    with target(mock) as config:
        called = call("replay", written(story()), "--config", config, "--json", "--times", "4")
    told = json.loads(called.out)
    assert (called.code, told["story"], told["again"], told["of"]) == (1, "flaky", 3, 4)
    assert (told["requirement"], told["notes"]) == ("MOVE-4", [])
    assert "is_skipped true" in told["seen"]


def test_without_a_config_the_mocked_target_is_asked(call: CallLine) -> None:
    called = call("replay", written(story()), "--times", "1")
    assert (called.code, called.out.splitlines()[-1]) == (0, "gone (0 of 1 times)")


def test_a_condition_that_does_not_hold_makes_it_another_story(call: CallLine) -> None:
    given = [[1, dict(witness.status("4xx"))]]
    with target(Keeps(embedded())) as config:
        assert call("replay", written(story(given=given)), "--config", config).code == 0


# ---------------------------------------------------------------------- other targets


@pytest.mark.parametrize(("make", "code"), [(Keeps, 1), (Right, 0)])
def test_another_target_is_asked_with_its_own_ids(make: type[Keeps], code: int, call: CallLine) -> None:
    mock = make(scenario(OTHER_IDS, Reading.MOVE_AND_SKIP))
    here = mock.scenario
    with target(mock) as config:
        assert call("replay", written(story()), "--config", config, "--times", "1").code == code
    stages, services = here.stages(here.environment), here.services(here.environment)
    asked = [tuple(c.segments[1::2]) for c in mock.calls if c.method == "PUT"]
    assert asked[:3] == [(stages[0], services[0]), (stages[0], services[0]), (stages[1], services[0])]
    mock.every = 1_000_000
    assert at_home(mock)


def test_ids_that_the_target_has_are_taken_as_they_are(call: CallLine) -> None:
    mock = Keeps(embedded())
    here = mock.scenario
    stages, service = here.stages(here.environment), here.services(here.environment)[3]
    bindings = {
        "stage:A": {"id": "00000000-0000-4000-8000-00000000000a"},
        "stage:B": {"id": stages[0].upper()},
        "service:1": {"id": service},
    }
    with target(mock) as config:
        assert call("replay", written(story(bindings=bindings)), "--config", config, "--times", "1").code == 1
    asked = [tuple(c.segments[1::2]) for c in mock.calls if c.method == "PUT"]
    assert asked[:3] == [(stages[1], service), (stages[1], service), (stages[0], service)]


def _needs(symbol: str, path: str) -> dict[str, Any]:
    bindings = {**story()["bindings"], symbol: {"id": "00000000-0000-4000-8000-00000000000c"}}
    return story(bindings=bindings, steps=[*STEPS[:2], step(path)])


_LACKING: list[tuple[Callable[[], dict[str, Any]], dict[str, Any], str]] = [
    (story, {"target": "stages = [{stage}]"}, "the story needs 2 stages: give more of them in [target] stages"),
    (
        lambda: _needs("service:2", "/deploymentStage/{stage:B}/service/{service:2}"),
        {"target": "services = [{service}]"},
        "the story needs 2 services: give more of them in [target] services",
    ),
    (
        lambda: _needs("second.stage", "/deploymentStage/{second.stage}/service/{service:1}"),
        {"without": "second"},
        "the story needs [second] stage: give it in the config",
    ),
    (
        lambda: _needs("foreign.service", "/deploymentStage/{stage:A}/service/{foreign.service}"),
        {"without": "foreign"},
        "the story needs [foreign] service: give it in the config",
    ),
    (
        lambda: story(
            steps=[*STEPS[:2], step(B, credential={**STEPS[0]["credential"], "secret": "jwt", "how": "alg_none"})]
        ),
        {"without": "auth", "target": '\n[auth]\ntoken = "{token}"'},
        "[auth] jwt is needed for the API token; give it a signed JWT of three parts",
    ),
]


@pytest.mark.parametrize(("told", "changes", "said"), _LACKING)
def test_what_the_config_does_not_give_is_2_and_nothing_is_moved(
    told: Callable[[], dict[str, Any]], changes: Mapping[str, str], said: str, call: CallLine
) -> None:
    mock = Keeps(embedded())
    here = mock.scenario
    values = {
        "{stage}": json.dumps(here.stages(here.environment)[0]),
        "{service}": json.dumps(here.services(here.environment)[0]),
        "{token}": str(OWN.token),
    }
    filled = {key: _filled(text, values) for key, text in changes.items()}
    with target(mock, **filled) as config:
        called = call("replay", written(told()), "--config", config)
    assert (called.code, called.error, called.out) == (2, said, "")
    mock.every = 1_000_000
    assert at_home(mock)


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


# ---------------------------------------------------------------------- what goes wrong


class Unwilling(Keeps):
    """Refuses to skip."""

    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        if isinstance(request, Attach) and not request.form.moves:
            return Outcome(self.world, Refused((), None, 409))
        return right


def test_a_step_that_only_prepares_and_is_refused_is_3(call: CallLine) -> None:
    mock = Unwilling(scenario(OTHER_IDS, Reading.MOVE_AND_SKIP))
    home = mock.world.placements
    for service, place in home.items():
        mock.world = mock.world.placed(service, place.stage, skipped=False)
    before = dict(mock.world.placements)
    steps = [step(B, set_up=True), step(A, '{"is_skipped": true}', set_up=True), step(B)]
    with target(mock) as config:
        called = call("replay", written(story(steps=steps)), "--config", config)
    assert called.code == 3
    assert called.error.startswith("step 2 only prepares, and was answered 409: the story cannot begin")
    assert dict(mock.world.placements) == before


def test_what_could_not_be_put_back_is_said(call: CallLine) -> None:
    class Astray(Keeps):
        """Moves nothing back to where it was at the beginning."""

        def commit(self, request: Attach, world: World) -> None:
            home = self.scenario.world.placements[request.service]
            now = world.placements[request.service]
            if now.stage != home.stage or request.form.moves is False:
                super().commit(request, world)

    steps = [step("/deploymentStage/{stage:C}/service/{service:1}")]
    bindings = {**story()["bindings"], "stage:C": {"id": embedded().stages(embedded().environment)[2]}}
    with target(Astray(embedded())) as config:
        called = call("replay", written(story(steps=steps, bindings=bindings)), "--config", config, "--times", "1")
    assert "could not be put back to stage" in called.out
    assert str(OWN.token) not in called.out


@pytest.mark.parametrize("text", ["", "{}", "no json", json.dumps({"schema": 2})])
def test_what_is_no_reproducer_is_2_before_anything_is_sent(text: str, call: CallLine) -> None:
    Path("story.json").write_text(text)
    mock = Keeps(embedded())
    with target(mock) as config:
        called = call("replay", "story.json", "--config", config)
    assert called.code == 2
    assert called.error.startswith("story.json is no reproducer")
    assert mock.calls == []
    assert call("replay", "nowhere.json").code == 2
    assert call("replay").code == 2


def test_a_remote_target_needs_leave(call: CallLine) -> None:
    mock = Keeps(embedded())
    config = config_for(mock, "http://198.51.100.7", Path.cwd())
    called = call("replay", written(story()), "--config", config)
    assert called.code == 2
    assert called.error.endswith("give --allow-writes if it may")


def test_more_times_than_there_are_requests_are_told_as_far_as_they_came(call: CallLine) -> None:
    mock = Keeps(embedded())
    with target(mock, auth="\n[limits]\nrequests = 12") as config:
        called = call("replay", written(story()), "--config", config, "--times", "50")
    assert called.code == 3
    assert "budget of 12 requests" in called.error
    mock.every = 1_000_000
    assert at_home(mock)


def test_ctrl_c_puts_everything_back(call: CallLine) -> None:
    mock = Interrupts(scenario(OTHER_IDS, Reading.MOVE_AND_SKIP))
    bindings = {**story()["bindings"], "service:1": {"id": mock.scenario.services(mock.scenario.environment)[1]}}
    with target(mock) as config:
        called = call("replay", written(story(bindings=bindings)), "--config", config)
    assert (called.code, called.error) == (3, "interrupted before anything could be judged")
    assert at_home(mock)


# ---------------------------------------------------------------------- secrets


class Echoes(Keeps):
    """Says back whatever it was told."""

    def handle(self, call: Call) -> Answer:
        answer = super().handle(call)
        if call.method == "PUT" and isinstance(answer.payload, dict) and "results" in answer.payload:
            for stage in answer.payload["results"]:
                stage["name"] = call.headers["authorization"]
        return answer


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_secret_is_printed(options: tuple[str, ...], call: CallLine) -> None:
    mock = Echoes(embedded())
    steps = [step("/deploymentStage/{stage:A}", method="GET"), *STEPS]
    shows = dict(witness.stage_keeps("{stage:A}", "name"))
    with target(mock) as config:
        told = written(story(steps=steps, witness=shows))
        called = call("replay", told, "--config", config, *options)
    assert called.code == 1
    assert "$STAGECHECK_TOKEN" in called.out
    for secret in (OWN.token, OWN.jwt, OWN.foreign_token):
        assert str(secret) not in called.out + called.err


def test_everything_is_put_back_with_its_flag(call: CallLine) -> None:
    mock = Right(scenario(OTHER_IDS, Reading.MOVE_AND_SKIP))
    service = mock.scenario.services(mock.scenario.environment)[0]
    assert mock.world.placements[service].skipped
    with target(mock) as config:
        assert call("replay", written(story()), "--config", config).code == 0
    assert mock.world.placements[service] == Placement(mock.scenario.stages(mock.scenario.environment)[0], skipped=True)
