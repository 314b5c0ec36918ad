"""A run that only reads: nothing but reads is sent, whatever is wrong, and what they show is judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kit.serving import config_for, serving
from stagecheck.audit import DEFECTS
from stagecheck.cli import main
from stagecheck.errors import HarnessError
from stagecheck.exchange import HttpRequest
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import embedded
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.record import read_record
from stagecheck.suite.reads import WHY
from stagecheck.target.client import SAFE, Client, Limits
from stagecheck.target.credentials import NONE
from stagecheck.target.reach import EMBEDDED_URL, mocked
from suite.rig import Offering, by_id, named, rig


def watched(kind: type[Mock]) -> tuple[type[Mock], list[str]]:
    """The same mock, and the methods that it is asked with."""
    methods: list[str] = []

    class Watched(kind):  # type: ignore[misc,valid-type]  # a class that is given
        def handle(self, call: Call) -> Answer:
            methods.append(call.method)
            return super().handle(call)  # type: ignore[no-any-return]

    return Watched, methods


def test_a_server_sees_nothing_but_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kind, methods = watched(Mock)
    mock = kind(embedded())
    with serving(mock) as url:
        assert main(["verify", "--config", str(config_for(mock, url, tmp_path)), "--read-only", "-q"]) == 0
    assert set(methods) == {"GET"}
    record = read_record(Path("reports/report.json"))
    grades = {entry["id"]: entry for entry in record["requirements"]}
    kept = {"STATE-5", "SHAPE-1", "SHAPE-2", "ERR-1", "ERR-2", "ERR-9", "AUTH-1", "AUTH-2", "AUTH-3", "AUTH-5"}
    assert {grades[key]["grade"] for key in kept} == {"pass"}
    assert (grades["MOVE-1"]["grade"], grades["MOVE-1"]["reason"]) == ("not-tested", WHY)
    assert record["requests"] == len(methods)


@pytest.mark.parametrize("name", sorted(DEFECTS)[::24])
def test_no_defect_brings_it_to_write(name: str) -> None:
    made = rig(DEFECTS[name].mock(embedded()), read_only=True)
    made.run()
    assert {exchange.request.method for exchange in made.exchanges} <= SAFE
    assert made.moved() == {}


@pytest.mark.parametrize(
    ("broken", "requirement"),
    [
        (lambda call, answer: answer.status == 401, "AUTH-1"),
        (lambda call, answer: answer.status == 404 and call.segments[0] == "service", "ERR-2"),
    ],
)
def test_what_is_wrong_with_reads_is_found(broken: Callable[[Call, Answer], bool], requirement: str) -> None:
    class Lenient(Mock):
        def handle(self, call: Call) -> Answer:
            answer = super().handle(call)
            return Answer(200, self.listing(self.scenario.environment)) if broken(call, answer) else answer

    result = rig(Lenient(embedded()), read_only=True).run()
    assert result.verdict is Verdict.NON_CONFORMING
    assert requirement in named(result)
    assert {str(found.replays) for found in result.violations if found.breach.requirement == requirement} == {"always"}


def test_somebody_who_moves_services_meanwhile_is_not_the_target() -> None:
    """One move between two reads makes the second contradict the first; nobody but a person did that."""

    class Busy(Mock):
        reads = 0

        def handle(self, call: Call) -> Answer:
            self.reads += 1
            if self.reads == 9:
                service = self.scenario.services(self.scenario.environment)[0]
                place = self.world.placements[service]
                goal = next(s for s in self.scenario.stages(self.scenario.environment) if s != place.stage)
                self.world = self.world.placed(service, goal, skipped=place.skipped)
            return super().handle(call)

    result = rig(Busy(embedded()), read_only=True).run()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert by_id(result)["STATE-5"].grade is Grade.INCONCLUSIVE
    assert all(violation.doubtful for violation in result.violations)


def test_without_reads_nothing_is_sent_but_the_asking() -> None:
    made = rig(Offering(embedded(), ()), read_only=True)
    result = made.run()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert {exchange.request.method for exchange in made.exchanges} == {"GET"}


def test_the_seam_itself_refuses_to_write() -> None:
    with mocked(lambda _: pytest.fail("it was sent")) as http:
        client = Client(EMBEDDED_URL, http, Limits(), read_only=True)
        with pytest.raises(HarnessError, match="only reads"):
            client.send(HttpRequest("PUT", "/x", (), None, NONE))
    assert client.sent == 0


def test_a_target_elsewhere_may_be_read_without_further_ado(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_for(Mock(embedded()), "http://prod.invalid", tmp_path)
    assert main(["verify", "--config", str(config)]) == 2
    assert main(["verify", "--config", str(config), "--read-only"]) == 3
    assert "cannot connect to http://prod.invalid" in capsys.readouterr().err
