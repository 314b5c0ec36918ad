"""A run that is killed (SIGKILL) at any moment leaves a ledger by which everything is put back.

The moment is a request of the run: it is killed before the target has carried it out, after that, or with the request
lost on its way. The target lives on, or is stopped and started again in between, with the state that it keeps.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kit.serving import config_for, serving
from kit.thinned import thinned
from stagecheck.cli import main
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.asgi import Application
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.mock.server import LOOPBACK, Server, bound

pytestmark = pytest.mark.long

_RUNS = 100
_WAYS = ("before", "after", "lost")
_PATIENCE_S = 120


@dataclass(frozen=True)
class Moment:
    """When a run is killed: at which request, and what becomes of that one."""

    seed: int
    at: int
    way: str
    profile: str

    def __str__(self) -> str:
        return f"{self.seed}-{self.profile}-{self.at}-{self.way}"


def _moment(seed: int) -> Moment:
    chance = random.Random(seed)
    profile = "nightly" if chance.random() < 0.5 else "quick"
    at = chance.randint(3, 180) if profile == "quick" else int(3 * 1000 ** chance.random())
    return Moment(seed, at, chance.choice(_WAYS), profile)


MOMENTS = [_moment(seed) for seed in range(_RUNS)]


class Deadly(Mock):
    """Conforming, but the run that it is asked by is killed at its n-th request."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.asked = 0
        self.at = 0
        self.way = ""
        self.kill: Callable[[], None] = lambda: None
        self.killed_at: Call | None = None

    def handle(self, call: Call) -> Answer:
        self.asked += 1
        if self.asked != self.at:
            return super().handle(call)
        self.killed_at = call
        answer = super().handle(call) if self.way == "after" else None
        self.kill()
        if self.way == "lost":
            return Answer(503)
        return answer or super().handle(call)


@dataclass
class Served:
    """A mock that keeps its state while the server around it is stopped and started again."""

    mock: Deadly
    _server: Server | None = None
    _port: int = 0
    url: str = field(init=False, default="")

    def start(self) -> None:
        listener = bound(LOOPBACK, self._port)
        self._port = listener.getsockname()[1]
        self._server = Server(Application(), listener)
        self.url = self._server.url
        self._server.application.target = MockTarget(self.mock.scenario, self.url, lambda _: self.mock)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


@contextmanager
def _restartable(mock: Deadly) -> Iterator[Served]:
    served = Served(mock)
    served.start()
    try:
        yield served
    finally:
        served.stop()


def _kill(mock: Deadly, config: Path, moment: Moment) -> bool:
    """Start a run that is killed at that moment; False if it ended before that."""
    mock.asked, mock.at, mock.way = 0, moment.at, moment.way
    command = [sys.executable, "-m", "stagecheck", "verify", "--config", str(config), "--profile", moment.profile]
    process = subprocess.Popen([*command, "-q", "--seed", str(moment.seed)], stdout=subprocess.DEVNULL)

    def kill() -> None:
        process.kill()
        process.wait()

    mock.kill = kill
    return process.wait(_PATIENCE_S) < 0


def _is_as_before(mock: Mock) -> bool:
    before, now = mock.scenario.world, mock.world
    return now.placements == before.placements and now.stages.keys() == before.stages.keys()


def _ledgers() -> list[Path]:
    return sorted(Path("reports").glob("ledger-*.jsonl"))


def _restore(config: Path) -> int:
    """Restore by the ledger that is there; nothing to restore where nothing was written yet."""
    found = _ledgers()
    return main(["restore", str(found[0]), "--config", str(config)]) if found else 0


@pytest.mark.parametrize("moment", thinned(MOMENTS, 20), ids=str)
def test_a_run_that_was_killed_is_put_back_by_its_ledger(moment: Moment, tmp_path: Path) -> None:
    mock = Deadly(embedded())
    with serving(mock) as url:
        config = config_for(mock, url, tmp_path)
        assert _kill(mock, config, moment), "the run has ended before it could be killed"
        assert _restore(config) == 0
        assert _is_as_before(mock)
        asked = mock.asked
        assert _restore(config) == 0
        assert mock.asked == asked


@pytest.mark.parametrize("moment", thinned(MOMENTS, 50), ids=str)
def test_so_it_is_when_the_target_was_stopped_and_started_in_between(moment: Moment, tmp_path: Path) -> None:
    mock = Deadly(embedded())
    with _restartable(mock) as served:
        config = config_for(mock, served.url, tmp_path)
        assert _kill(mock, config, moment), "the run has ended before it could be killed"
        served.stop()
        assert not _ledgers() or _restore(config) == 3
        served.start()
        assert _restore(config) == 0
        assert _is_as_before(mock)


def test_the_next_run_puts_back_first_what_a_killed_one_has_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mock = Deadly(embedded())
    with serving(mock) as url:
        config = config_for(mock, url, tmp_path)
        assert _kill(mock, config, Moment(0, 60, "after", "quick"))
        assert not _is_as_before(mock)
        mock.at = 0
        assert main(["verify", "--config", str(config), "--profile", "quick", "-q"]) == 0
        assert _is_as_before(mock)
    said = capsys.readouterr()
    assert "did not end" in said.err
    assert "was put back to stage" in said.out
    assert _ledgers() == []
