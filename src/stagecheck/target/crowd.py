"""Several clients at once: each sends its own requests one after another, all of them begin together.

When each request was called and when it was answered is read from one monotonic clock, just before its first byte is
written and just after the whole answer is there: what really happened lies in between. The closer these moments are,
the fewer orders explain what came.

All begin together where it counts: each client holds a connection of its own, with its request ready, before any of
them writes. So they reach the target in less time than it takes to make a request ready, and on as many connections as
there are clients; and a pause between two clients is one between two connections, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from stagecheck.errors import Unreachable
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.target.client import Client

_MEET_S = 30.0
"""How long clients wait for each other before they begin; on a machine that is busy beyond measure they do not."""
_READY_S = 1.0
"""How long they wait for each other's connections. A target that takes one connection at a time never has them all."""


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


class _Meeting:
    """Where so many clients wait for each other, once."""

    def __init__(self, size: int) -> None:
        self._missing = size
        self._complete = threading.Event()
        self._counting = threading.Lock()

    def come(self) -> None:
        """One more is here, or will not come any more."""
        with self._counting:
            self._missing -= 1
            if not self._missing:
                self._complete.set()

    def wait(self, seconds: float) -> bool:
        """Come, and wait for the others so long at most; whether all came."""
        self.come()
        return self._complete.wait(seconds)


class _Watch:
    """Hears from the transport how far a request is. `began`, `ended`: when it was written, and answered; None unheard.

    `ready` is called when the request has its connection and nothing of it was written.
    """

    def __init__(self, ready: Callable[[], None]) -> None:
        self.ready = ready
        self.began: float | None = None
        self.ended: float | None = None

    def __call__(self, event: str, _: object) -> None:
        """Take note of an event of httpcore, whatever the version of HTTP."""
        if self.began is None and event.endswith("send_request_headers.started"):
            self.ready()
            self.began = time.monotonic()
        elif event.endswith("receive_response_body.complete"):
            self.ended = time.monotonic()


class Crowd:
    """Threads that share one `Client`, its connections and its budget. To be used as a context."""

    def __init__(self, client: Client, size: int) -> None:
        self.client = client
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="stagecheck-client")
        self._heard = False
        self._holding = True

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
        together, written = _Meeting(len(scripts)), _Meeting(len(scripts))
        futures = [
            self._threads.submit(self._client, number, script, together, written)
            for number, script in enumerate(scripts, start=1)
        ]
        wait(futures)
        attempts = sorted((one for future in futures for one in future.result()), key=lambda one: one.began)
        if attempts and all(one.result[3] == _UNREACHED for one in attempts):
            raise Unreachable(f"cannot connect to {self.client.url} any more; is the target still running?")
        timed = [self._timed(first + number, one) for number, one in enumerate(attempts)]
        self.client.record(one.exchange for one in timed)
        return timed

    def _client(self, number: int, script: Sequence[Errand], together: _Meeting, written: _Meeting) -> list[_Attempt]:
        # Taken before the others are waited for: so where the transport tells nothing all are under way together, too.
        here = time.monotonic()
        together.wait(_MEET_S)
        attempts = []
        for place, errand in enumerate(script):
            within = errand.pause_s if self._heard else 0.0
            watch = _Watch(partial(self._ready, written if place == 0 else None, within))
            time.sleep(errand.pause_s - within)
            began = here if place == 0 and not errand.pause_s else time.monotonic()
            try:
                result = self.client.attempt(errand.request, watch)
            except Unreachable:
                result = (None, {}, b"", _UNREACHED)
            finally:
                if place == 0 and watch.began is None:
                    written.come()  # nobody waits for one that never came so far
            moments = watch.began or began, watch.ended or time.monotonic()
            self._heard |= watch.began is not None
            attempts.append(_Attempt(number, place, errand.request, *moments, result))
        return attempts

    def _ready(self, others: _Meeting | None, pause_s: float) -> None:
        """A request is about to be written: wait for those of the others, then as long as it is to be later."""
        if others is not None and self._holding:
            self._holding = others.wait(_READY_S)
        if pause_s:
            time.sleep(pause_s)

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
