"""Several clients at once: each sends its own requests one after another, all of them begin together.

When each request was called and when it was answered is read from one monotonic clock, just before it is handed to the
HTTP library and just after the whole answer is there: what really happened lies in between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from stagecheck.errors import Unreachable
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.target.client import Client

_MEET_S = 30.0
"""How long clients wait for each other before they begin; on a machine that is busy beyond measure they do not."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A request that one client is to send, after a pause of so many seconds."""

    request: HttpRequest
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Timed:
    """An exchange of one of the clients (counted from 1). `begin_s`, `end_s`: seconds of the monotonic clock.

    `end_s` None: no answer came. `place`: the position of the request among those of its client.
    """

    client: int
    place: int
    exchange: Exchange
    begin_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True)
class _Attempt:
    client: int
    place: int
    request: HttpRequest
    began: float
    ended: float
    result: tuple[int | None, dict[str, str], bytes, str | None]


class Crowd:
    """Threads that share one `Client`, its connections and its budget. To be used as a context."""

    def __init__(self, client: Client, size: int) -> None:
        self.client = client
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="stagecheck-client")

    def __enter__(self) -> Self:
        """The crowd itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def send(self, scripts: Sequence[Sequence[Errand]]) -> list[Timed]:
        """Send all scripts at the same time, at most as many as the crowd is large; the exchanges by when they began.

        A client whose request was never answered sends the rest of its script all the same. Raises BudgetSpent before
        anything is sent, Unreachable where no client could connect, HarnessError, and what `Client.tell` raises.
        """
        self.client.spend(sum(map(len, scripts)))
        for script in scripts:
            for errand in script:
                self.client.tell(errand.request)
        first = self.client.sent - sum(map(len, scripts)) + 1
        together = threading.Barrier(len(scripts))
        futures = [
            self._threads.submit(self._client, number, script, together)
            for number, script in enumerate(scripts, start=1)
        ]
        wait(futures)
        attempts = sorted((one for future in futures for one in future.result()), key=lambda one: one.began)
        if attempts and all(one.result[3] == _UNREACHED for one in attempts):
            raise Unreachable(f"cannot connect to {self.client.url} any more; is the target still running?")
        timed = [self._timed(first + number, one) for number, one in enumerate(attempts)]
        self.client.record(one.exchange for one in timed)
        return timed

    def _client(self, number: int, script: Sequence[Errand], together: threading.Barrier) -> list[_Attempt]:
        together.wait(_MEET_S)
        attempts = []
        for place, errand in enumerate(script):
            if errand.pause_s:
                time.sleep(errand.pause_s)
            began = time.monotonic()
            time.sleep(0)  # the others begin, too, before this one is far: threads of Python take turns
            try:
                result = self.client.attempt(errand.request)
            except Unreachable:
                result = (None, {}, b"", _UNREACHED)
            attempts.append(_Attempt(number, place, errand.request, began, time.monotonic(), result))
        return attempts

    def _timed(self, number: int, attempt: _Attempt) -> Timed:
        status, headers, body, failure = attempt.result
        elapsed = attempt.ended - attempt.began
        started = self.client.since_start(attempt.began)
        exchange = Exchange(
            number, self.client.phase, attempt.request, status, headers, body, started, elapsed, failure
        )
        return Timed(
            attempt.client, attempt.place, exchange, started, started + elapsed if status is not None else None
        )


_UNREACHED = "no connection"
