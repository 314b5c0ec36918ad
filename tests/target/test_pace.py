"""Never more in any second than the rate says, never more at once than allowed, however many threads ask."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagecheck.target.pace import Pace


@dataclass
class Clock:
    now: float = 500.0
    sent: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(
    rate=st.floats(0.2, 900.0),
    idle=st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.03, 0.4, 3.0]), min_size=2, max_size=60),
)
@settings(deadline=None, max_examples=60)
def test_no_window_holds_more_than_the_rate_allows(rate: float, idle: list[float]) -> None:
    clock = Clock()
    pace = Pace(rate, 8, clock.read, clock.sleep)
    for seconds in idle:
        clock.now += seconds
        with pace.slot():
            clock.sent.append(clock.now)
    at_once = max(1, round(rate / 20))
    for number, moment in enumerate(clock.sent[at_once:]):
        assert moment - clock.sent[number] >= at_once / rate - 0.0011, "to the millisecond"


def test_the_rate_is_used_to_the_full() -> None:
    clock = Clock()
    pace = Pace(20.0, 8, clock.read, clock.sleep)
    for _ in range(101):
        with pace.slot():
            pass
    assert clock.now - 500.0 == pytest.approx(5.0, abs=0.11)


def test_who_is_held_waits_once_and_so_does_everybody() -> None:
    clock = Clock()
    pace = Pace(None, 2, clock.read, clock.sleep)
    pace.hold(7.0)
    pace.hold(2.0)
    for _ in range(3):
        with pace.slot():
            clock.sent.append(clock.now)
    assert clock.sent == [507.0] * 3


def test_no_more_at_once_than_allowed() -> None:
    pace = Pace(None, 3, lambda: 0.0, lambda _: None)
    inside, most, lock, gate = [], [], threading.Lock(), threading.Barrier(3, timeout=10)

    def request() -> None:
        with pace.slot():
            with lock:
                inside.append(1)
                most.append(len(inside))
            # Three of them are in there together, or this breaks.
            gate.wait()
            with lock:
                inside.pop()

    threads = [threading.Thread(target=request) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert max(most) == 3
