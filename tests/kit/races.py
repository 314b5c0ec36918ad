"""Servers that answer many at once and have no race, clients that lose answers, and a run of races against them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType

import httpx

from stagecheck import spec
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import embedded
from stagecheck.mock.server import serving
from stagecheck.outcome import RunResult
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.suite.registry import RACES
from stagecheck.suite.runner import Runner
from stagecheck.target.client import Client, Limits

_STORE_S = 0.002
_A_ROUND = 18
"""Requests that a round takes at most, its looks included."""


class Slow(Mock):
    """A thread for each request, a lock, and time spent before, under and after it: many wait at once."""

    in_threads = True

    def locked(self, call: Call) -> Answer:
        time.sleep(_STORE_S)
        with self.lock:
            time.sleep(_STORE_S / 2)
            answer = self.handle(call)
        time.sleep(_STORE_S)
        return answer


class Flaky(httpx.BaseTransport):
    """A network on which a share of the requests gets no answer: they arrive, arrive later, or never do."""

    def __init__(self, share: float, seed: int) -> None:
        self.inner = httpx.HTTPTransport()
        self.share = share
        self.on = False
        self.lost = 0
        self._rng = random.Random(seed)
        self._late: list[threading.Timer] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self.on or self._rng.random() >= self.share:
            return self.inner.handle_request(request)
        self.lost += 1
        fate = self._rng.choice(("never", "now", "later"))
        if fate == "now":
            self._arrive(request)
        elif fate == "later":
            late = threading.Timer(self._rng.random() / 10, self._arrive, (request,))
            self._late.append(late)
            late.start()
        raise httpx.ReadTimeout("lost", request=request)

    def _arrive(self, request: httpx.Request) -> None:
        with suppress(httpx.HTTPError):
            self.inner.handle_request(request).read()

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        for late in self._late:
            late.join()
        self.inner.close()


def race_run(
    kind: type[Mock], network: Flaky, *, rounds: int, seed: int = 0, only: Iterable[str] = RACES
) -> tuple[RunResult, int]:
    """A run of nothing but races over HTTP, as long as that many rounds take, and how many rounds there were.

    `only`: what is judged.
    """
    world = embedded()
    requests = rounds * _A_ROUND
    profile = replace(PROFILES[ProfileName.NIGHTLY], races=requests, requests=8 * requests)
    plan = embedded_plan(world, profile, selected=only, seed=seed)
    with serving(world, kind=kind) as target, httpx.Client(transport=network) as http:
        client = Client(target.url, http, Limits(requests=profile.requests, seconds=float("inf")))
        runner = Runner(client, spec.load(), embedded_credentials(), plan)

        def begin(phase: str) -> None:
            network.on = phase == "races"

        runner.observer.phase = begin
        result = runner.run()
    assert runner.races is not None
    return result, runner.races.rounds
