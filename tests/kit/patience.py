"""Time that passes when somebody sleeps: what waits for a target is tested without waiting."""

from __future__ import annotations

import time

import pytest

from stagecheck.target import client as client_module


class Skipping:
    """The real clock, put forward by every sleep."""

    def __init__(self) -> None:
        self.slept = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept += seconds


def skipping(monkeypatch: pytest.MonkeyPatch) -> Skipping:
    """Let a client sleep without delay from now on."""
    clock = Skipping()
    monkeypatch.setattr(client_module, "time", clock)
    return clock
