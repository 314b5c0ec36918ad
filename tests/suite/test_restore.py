"""Everything that was moved is put back: after Ctrl-C, when the target dies, and when it lies or has defects."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from dataclasses import replace

import httpx
import pytest

from stagecheck.errors import HarnessError
from stagecheck.exchange import Exchange
from stagecheck.mock.app import Answer, Call, Mock, as_httpx
from stagecheck.mock.scenario import embedded
from stagecheck.model.requests import Attach, Request
from stagecheck.model.state import Placement, World
from stagecheck.model.step import Outcome
from stagecheck.outcome import RunResult, Verdict
from stagecheck.target.reach import EMBEDDED_URL
from suite.rig import Offering, Rig, named, rig

# ---------------------------------------------------------------------- interruptions

_MOMENTS = [1, 2, 3, 4, 5, *sorted(random.Random(3).sample(range(6, 135), 10))]
_LATE = [600, 1500]


def _interrupt_at(made: Rig, number: int) -> None:
    def interrupt(exchange: Exchange) -> None:
        if exchange.number == number:
            raise KeyboardInterrupt

    made.on_exchange = interrupt


def _interrupted(made: Rig) -> RunResult | None:
    """The result of an interrupted run; None if it had hardly begun: then the interruption goes through."""
    try:
        result = made.run()
    except KeyboardInterrupt:
        assert "tour" not in made.phases
        return None
    assert result.verdict is Verdict.INCONCLUSIVE
    assert any("interrupted" in note for note in result.notes)
    return result


@pytest.mark.parametrize("number", _MOMENTS)
def test_ctrl_c_at_any_moment_leaves_everything_as_it_was(number: int) -> None:
    made = rig()
    _interrupt_at(made, number)
    _interrupted(made)
    assert made.moved() == {}


@pytest.mark.parametrize("number", _LATE)
def test_ctrl_c_in_the_machine_and_the_properties_too(number: int) -> None:
    made = rig(quick=False)
    _interrupt_at(made, number)
    assert _interrupted(made) is not None
    assert len(made.exchanges) < number + 20
    assert made.moved() == {}


@pytest.mark.parametrize("at", [1, 2, 5, 12])
def test_ctrl_c_where_only_the_put_is_offered(at: int) -> None:
    """What was sent last has taken effect, though its answer was never looked at."""
    made = rig(Offering(embedded(), []))
    changes = 0

    def interrupt(_: Exchange) -> None:
        nonlocal changes
        now = made.moved()
        # The first service's home nobody can know: it is moved before any answer is seen.
        changes += bool(set(now) - {made.plan.services[0]})
        if changes == at:
            changes += 1
            raise KeyboardInterrupt

    made.on_exchange = interrupt
    _interrupted(made)
    assert set(made.moved()) <= {made.plan.services[0]}


def test_a_second_ctrl_c_does_not_stop_the_putting_back() -> None:
    made = rig()

    def interrupt(exchange: Exchange) -> None:
        if exchange.phase == "restore":
            signal.raise_signal(signal.SIGINT)
        elif exchange.number == 30:
            raise KeyboardInterrupt

    made.on_exchange = interrupt
    before = signal.getsignal(signal.SIGINT)
    result = made.run()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert made.moved() == {}
    assert signal.getsignal(signal.SIGINT) is before


# ---------------------------------------------------------------------- a target that dies


def _dying(made: Rig, at: int) -> None:
    """The target answers that many requests, and then there is no connection any more."""
    answered = 0

    def answering(request: httpx.Request) -> httpx.Response:
        nonlocal answered
        answered += 1
        if answered > at:
            raise httpx.ConnectError("connection refused", request=request)
        return as_httpx(made.mock, request)

    made.answering = answering


@pytest.mark.parametrize("at", [20, 90])
def test_a_target_that_dies_is_inconclusive_and_the_mend_is_said(at: int) -> None:
    made = rig()
    _dying(made, at)
    result = made.run()
    assert result.verdict is Verdict.INCONCLUSIVE
    notes = [note for note in result.notes if "could not be put back" in note]
    assert {service for service in made.plan.services if any(service in note for note in notes)} >= set(made.moved())
    assert all("curl -sS" in note for note in notes)
    assert not [note for note in notes if made.credentials.token and made.credentials.token in note]
    assert all(EMBEDDED_URL in note for note in notes)


def test_the_curl_commands_of_the_notes_put_back_what_they_name() -> None:
    made = rig()
    _dying(made, 60)
    result = made.run()
    told = [note.partition("to do it: ")[2] for note in result.notes if "to do it: " in note]
    commands = [command for several in told for command in several.split(" && ")]
    assert commands
    for command in commands:
        words = _words(command)
        path = words[-1].removeprefix(EMBEDDED_URL)
        body = words[words.index("--data-raw") + 1].encode() if "--data-raw" in words else b""
        headers = {"authorization": f"Token {made.credentials.token}", "content-type": "application/json"}
        assert made.mock.handle(Call("PUT", tuple(path.strip("/").split("/")), headers, body)).status == 200
    assert made.moved() == {}


def _words(command: str) -> list[str]:
    """What the shell makes of a command."""
    quoted = f"set -- {command}; for word; do printf '%s\\0' \"$word\"; done"
    out = subprocess.run(["/bin/sh", "-c", quoted], check=True, capture_output=True, timeout=20).stdout
    return out.decode().split("\0")[:-1]


def test_answers_that_never_come_are_no_violation() -> None:
    made = rig()
    answered = 0

    def answering(request: httpx.Request) -> httpx.Response:
        nonlocal answered
        answered += 1
        if answered % 11 == 0 and made.client.phase != "discover":
            if answered % 2:
                as_httpx(made.mock, request)
            raise httpx.ReadTimeout("too slow", request=request)
        return as_httpx(made.mock, request)

    made.answering = answering
    result = made.run()
    assert result.violations == ()
    assert [key for key in made.moved() if not any(key in note for note in result.notes)] == []


def test_a_hole_in_the_harness_is_an_error_and_everything_is_put_back() -> None:
    made = rig()

    def answering(request: httpx.Request) -> httpx.Response:
        if made.client.sent == 40:
            raise AssertionError("not mocked")
        return as_httpx(made.mock, request)

    made.answering = answering
    with pytest.raises(HarnessError):
        made.run()
    assert made.moved() == {}


# ---------------------------------------------------------------------- putting back


def test_flags_and_stages_of_every_service_are_put_back() -> None:
    scenario = embedded()
    world = scenario.world
    for position, service in enumerate(scenario.services(scenario.environment)):
        stage = scenario.stages(scenario.environment)[position % 4]
        world = world.placed(service, stage, skipped=position % 2 == 0)
    made = rig(Mock(replace(scenario, world=world)))
    result = made.run()
    assert result.verdict is Verdict.CONFORMING
    assert made.moved() == {}


class Lying(Mock):
    """A target whose list never shows a change."""

    def listing(self, environment: str) -> dict[str, object]:
        """What was there at the start, but for the answer to a PUT."""
        if self.reading_only:
            now, self.world = self.world, self.scenario.world
            try:
                return super().listing(environment)
            finally:
                self.world = now
        return super().listing(environment)

    reading_only = False

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        """Note whether it is a read."""
        self.reading_only = not isinstance(request, Attach)
        return super().answer(call, request, outcome)


def test_a_list_that_lies_keeps_no_service_from_home() -> None:
    made = rig(Lying(embedded()))
    result = made.run()
    assert "STATE-5" in named(result)
    assert made.moved() == {}


class Restless(Mock):
    """A target that moves a service of its own accord, one that the run may not write to."""

    def commit(self, request: Attach, world: World) -> None:
        """Move the last service, too."""
        super().commit(request, world)
        last = self.scenario.services(self.scenario.environment)[-1]
        self.world = self.world.placed(last, request.stage, skipped=False)


def test_what_the_run_may_not_write_to_is_told_when_it_is_astray() -> None:
    mock = Restless(embedded())
    services = mock.scenario.services(mock.scenario.environment)
    made = rig(mock, services=tuple(services[:2]))
    result = made.run()
    assert "STATE-2" in named(result)
    assert set(made.moved()) <= {services[-1]}
    if made.moved():
        assert any(services[-1] in note and "by hand" in note for note in result.notes)
    assert not [path for _, path, *_ in made.sent if services[-1] in path and "PUT" in path]


def test_only_the_named_services_and_stages_are_written_to() -> None:
    scenario = embedded()
    stages, services = scenario.stages(scenario.environment), scenario.services(scenario.environment)
    made = rig(Mock(scenario), stages=tuple(stages[1:3]), services=(services[2],))
    result = made.run()
    assert named(result) == set()
    own = {str(json.loads(e.body)["id"]) for e in made.exchanges if e.request.method == "POST" and e.status == 200}
    assert own, "stages of its own the run may make"
    for exchange in made.exchanges:
        request, accepted = exchange.request, exchange.status in (200, 204)
        if request.method in ("PUT", "DELETE") and accepted:
            touched = request.path.lower().split("/")
            home = scenario.world.placements[services[2]].stage
            assert touched[2] in (*stages[1:3], home, *own)
            assert touched[2] in own or services[2] in touched
    assert made.moved() == {}


class Keeps(Mock):
    """A move that keeps the flag."""

    def commit(self, request: Attach, world: World) -> None:
        """Put the old flag back, if it is a move."""
        was, now = self.world.placements[request.service], world.placements[request.service]
        kept = Placement(now.stage, was.skipped) if was.stage != now.stage else now
        super().commit(request, world.placed(request.service, kept.stage, skipped=kept.skipped))


def test_violations_are_told_as_they_are_found_and_carry_their_steps() -> None:
    made = rig(Keeps(embedded()))
    result = made.run()
    assert {violation.breach.requirement for violation in made.violations} >= named(result)
    assert "MOVE-4" in named(result)
    assert result.verdict is Verdict.NON_CONFORMING
    for violation in result.violations:
        assert violation.steps
        assert violation.at_request <= result.requests
        numbers = [exchange.number for exchange in violation.steps]
        assert numbers == sorted(numbers)


def test_a_target_with_a_defect_is_put_back_all_the_same() -> None:
    """Its moves keep the flag, but in place it un-skips: a second PUT brings home what the first left skipped."""
    made = rig(Keeps(embedded()))
    made.run()
    assert made.moved() == {}
