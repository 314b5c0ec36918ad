"""The one seam through which everything is sent: `Client.send`. It counts, limits, times and records.

It takes any `httpx.Client`: one for a live URL, or one whose requests respx answers in this process. It knows nothing
of the contract. A fault of the harness is never turned into an answer: see `send`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx

from stagecheck.errors import BudgetSpent, HarnessError, Unreachable
from stagecheck.exchange import Exchange, HttpRequest

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that ask for no change (RFC 9110 9.2.1, without TRACE)."""
GATEWAY = (502, 503, 504)
"""Statuses by which what stands before a target speaks for itself (RFC 9110 15.6.3 to 15.6.5)."""
PATIENCE_S = (0.1, 0.3, 1.0, 2.0)
"""How long is waited before each repetition of what may be no answer of the target's."""
_MAX_ANSWER = 32 * 1024 * 1024
_MOST_WAITS = 5
_LONGEST_WAIT_S = 30.0


@dataclass(slots=True)
class Limits:
    """What a run may cost: `rate` requests per second (None: no limit), `requests`, `seconds`, `timeout` seconds."""

    rate: float | None = None
    requests: int = 3000
    seconds: float = 600.0
    timeout: float = 10.0
    concurrency: int = 8


def _patience_s(headers: dict[str, str]) -> float:
    """How long a 429 asks to wait (RFC 9110 10.2.3), bounded; a second where it does not say."""
    try:
        return min(_LONGEST_WAIT_S, max(0.0, float(headers.get("retry-after", "1"))))
    except ValueError:
        return 1.0


def _spoiled(exchange: Exchange) -> bool:
    """Whether no answer came, or one that may be a gateway's; one that is too long to be read did come."""
    return exchange.status in GATEWAY or (exchange.status is None and not exchange.headers)


@dataclass(slots=True)
class Client:
    """Sends requests to one target, one after another; `attempt` alone may be called by threads.

    `announce` is told of every request before it is sent, and may keep it from being sent by raising an error; `listen`
    is told of every exchange. `reserve`: how many of `limits.requests` are kept back for putting things in
    order at the end; `release` opens them.
    """

    url: str
    http: httpx.Client
    limits: Limits
    listen: list[Callable[[Exchange], None]] = field(default_factory=list)
    announce: list[Callable[[HttpRequest], None]] = field(default_factory=list)
    phase: str = "start"
    sent: int = 0
    reserve: int = 0
    patience: tuple[float, ...] = PATIENCE_S
    _down: bool = False
    _began: float = field(default_factory=time.monotonic)
    _not_before: float = 0.0

    def send(self, request: HttpRequest) -> Exchange:
        """Send a request and return the exchange, recorded and counted.

        A time-out or a lost connection is an exchange without a status. A read that is lost, or that a gateway may have
        answered, is repeated with `patience`, and so is everything that finds no connection: neither changes anything.
        Each time counts. Once all of it was in vain, nothing is repeated until something is answered again.

        Raises BudgetSpent before anything is sent when the run may send no more, Unreachable when no connection could
        be made at all, HarnessError when the request could not even be formed, and what `announce` raises.
        """
        for pause in () if self._down else self.patience:
            try:
                exchange = self._sent(request)
            except Unreachable:
                time.sleep(pause)
                continue
            if request.method not in SAFE or not _spoiled(exchange):
                return exchange
            time.sleep(pause)
        self._down = True
        exchange = self._sent(request)
        self._down = _spoiled(exchange)
        return exchange

    def _sent(self, request: HttpRequest) -> Exchange:
        self.spend()
        message = self._formed(request)
        self.tell(request)
        started = time.monotonic()
        status, headers, body, failure = self._exchange(message)
        for _ in range(_MOST_WAITS):
            if status != httpx.codes.TOO_MANY_REQUESTS:
                break
            # The target asks for patience; that is no answer to what was asked.
            time.sleep(_patience_s(headers))
            status, headers, body, failure = self._exchange(message)
        else:
            if status == httpx.codes.TOO_MANY_REQUESTS:
                status, failure = None, f"429 {_MOST_WAITS} times: lower [limits] rate"
        exchange = Exchange(
            self.sent,
            self.phase,
            request,
            status,
            headers,
            body,
            started - self._began,
            time.monotonic() - started,
            failure,
        )
        for listener in self.listen:
            listener(exchange)
        return exchange

    @property
    def left(self) -> int:
        """How many requests may still be sent, the reserve not counted; 0 when the time is over."""
        if time.monotonic() - self._began > self.limits.seconds:
            return 0
        return max(0, self.limits.requests - self.reserve - self.sent)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the client was made."""
        return time.monotonic() - self._began

    def attempt(self, request: HttpRequest) -> tuple[int | None, dict[str, str], bytes, str | None]:
        """Send a request that was paid for (`spend`), once: status, headers, body, and why there is no status.

        Safe for threads. Raises Unreachable and HarnessError as `send` does.
        """
        return self._exchange(self._formed(request))

    def tell(self, request: HttpRequest) -> None:
        """Tell whoever has to know of a request before it is sent. Raises what they raise."""
        for hear in self.announce:
            hear(request)

    def record(self, exchanges: Iterable[Exchange]) -> None:
        """Tell whoever listens of exchanges that were made by `attempt`."""
        for exchange in exchanges:
            for listener in self.listen:
                listener(exchange)

    def since_start(self, moment: float) -> float:
        """A moment of the monotonic clock as seconds since the client was made."""
        return moment - self._began

    def release(self) -> None:
        """Open the reserve, and grant the time to put things in order: for restoring only."""
        self.reserve = -1_000_000

    def spend(self, count: int = 1) -> None:
        """Pay for so many requests, and wait until the rate allows the first of them. Raises BudgetSpent."""
        if self.limits.requests - self.reserve - self.sent < count:
            raise BudgetSpent(f"the budget of {self.limits.requests} requests is spent")
        if self.reserve >= 0 and time.monotonic() - self._began > self.limits.seconds:
            raise BudgetSpent(f"the {self.limits.seconds:g} seconds of the run are over")
        if self.limits.rate:
            now = time.monotonic()
            if self._not_before > now:
                time.sleep(self._not_before - now)
            self._not_before = max(now, self._not_before) + count / self.limits.rate
        self.sent += count

    def _formed(self, request: HttpRequest) -> httpx.Request:
        headers = list(request.headers)
        if request.credential.header is not None:
            headers.append(("Authorization", request.credential.header))
        try:
            return self.http.build_request(
                request.method, self.url.rstrip("/") + request.path, headers=headers, content=request.body
            )
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise HarnessError(f"the request {request.method} {request.path!r} cannot be formed: {error}") from error

    def _exchange(self, message: httpx.Request) -> tuple[int | None, dict[str, str], bytes, str | None]:
        try:
            answer = self.http.send(message)
        except httpx.ConnectError as error:
            raise Unreachable(
                f"cannot connect to {self.url}: {error}; is the target running, and the URL right?"
            ) from error
        except httpx.ConnectTimeout as error:
            raise Unreachable(f"no connection to {self.url} within {self.limits.timeout:g} s") from error
        except httpx.TimeoutException:
            return None, {}, b"", f"no answer within {self.limits.timeout:g} s"
        except httpx.UnsupportedProtocol as error:
            raise HarnessError(f"{self.url} is no http or https URL: {error}") from error
        except httpx.HTTPError as error:
            return None, {}, b"", f"connection lost: {type(error).__name__}"
        except AssertionError as error:
            # respx raises AssertionErrors for a route it does not know: a hole in the harness, not a failure.
            raise HarnessError(f"the mocked target has no route for {message.method} {message.url}: {error}") from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if len(answer.content) > _MAX_ANSWER:
            # Half an answer would look like a malformed one.
            return None, headers, b"", f"an answer of more than {_MAX_ANSWER >> 20} MiB, which is not judged"
        return answer.status_code, headers, answer.content, None
