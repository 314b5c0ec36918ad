"""The one seam through which everything is sent: `Client.send`. It counts, limits, times and records.

It takes any `httpx.Client`: one for a live URL, or one whose requests respx answers in this process. It knows nothing
of the contract. A fault of the harness is never turned into an answer: see `send`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import httpx

from stagecheck.errors import BudgetSpent, HarnessError, Unreachable
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.target.gateway import Origins
from stagecheck.target.pace import Pace, retry_after_s
from stagecheck.target.reach import unreachable
from stagecheck.target.wallet import Wallet

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that ask for no change (RFC 9110 9.2.1, without TRACE)."""
GATEWAY = (502, 503, 504)
"""Statuses by which what stands before a target speaks for itself (RFC 9110 15.6.3 to 15.6.5)."""
PATIENCE_S = (0.2, 0.5, 1.0, 2.0)
"""How long is waited before each repetition of what may be no answer of the target's."""
_MAX_ANSWER = 32 * 1024 * 1024
_MOST_WAITS = 5
_LONGEST_WAIT_S = 300.0
"""As long as a target may ask to wait while things are put back; before that as long as the run may take."""


@dataclass(slots=True)
class Limits:
    """What a run may cost: `rate` requests per second (None: no limit), `requests`, `seconds`, `timeout` seconds."""

    rate: float | None = None
    requests: int = 3000
    seconds: float = 600.0
    timeout: float = 10.0
    concurrency: int = 8


def _now() -> float:
    return time.monotonic()


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt.

    `trouble`: what was in the way, where something passing was. `unsent`: the request was never taken. `final`: it is
    of no use to try again. `gateway`: somebody before the target has answered.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: str | None = None
    trouble: str = ""
    unsent: bool = False
    final: bool = False
    gateway: bool = False


@dataclass(slots=True)
class Client:
    """Sends requests to one target, one after another; `attempt` alone may be called by threads.

    `announce` is told of every request before it is sent, and may keep it from being sent by raising an error; `listen`
    is told of every exchange. `reserve`: how many of `limits.requests` are kept back for putting things in
    order at the end; `release` opens them. `read_only`: whether anything but a safe method (RFC 9110 9.2.1) is refused
    here, whoever asks for it. `wrote`: whether anything else has been sent so far. `answered`: whether
    the target ever did. `troubles`: what was in the way of answers, and how often. `wallet`: renews credentials.
    `patience`: seconds between attempts of what may safely be sent again.
    """

    url: str
    http: httpx.Client
    limits: Limits
    listen: list[Callable[[Exchange], None]] = field(default_factory=list)
    announce: list[Callable[[HttpRequest], None]] = field(default_factory=list)
    phase: str = "start"
    sent: int = 0
    reserve: int = 0
    read_only: bool = False
    wrote: bool = False
    answered: bool = False
    troubles: Counter[str] = field(default_factory=Counter)
    origins: Origins = field(default_factory=Origins)
    wallet: Wallet | None = None
    patience: tuple[float, ...] = PATIENCE_S
    pace: Pace = field(init=False)
    _down: bool = False
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.pace = Pace(self.limits.rate, self.limits.concurrency, _now, _sleep)

    def send(self, request: HttpRequest) -> Exchange:
        """Send a request and return the exchange, recorded and counted.

        A time-out, a lost connection, or a gateway that answers instead is an exchange without a status. What may be
        sent again without harm is sent again first: a request that was never taken, or one that is safe (RFC 9110
        9.2.1) and was lost, or perhaps answered by a gateway. Each time counts. Once all of it was in vain, nothing is
        repeated until something is answered again.

        Raises BudgetSpent before anything is sent when the run may send no more, Unreachable when no connection could
        be made at all, HarnessError when the request could not even be formed, and what `announce` raises.
        """
        started = time.monotonic()
        number, answer = self._attempts(request)
        exchange = Exchange(
            number,
            self.phase,
            request,
            None if answer.gateway else answer.status,
            answer.headers,
            answer.body,
            started - self._began,
            time.monotonic() - started,
            answer.failure,
            answer.status if answer.gateway else None,
        )
        for listener in self.listen:
            listener(exchange)
        return exchange

    def _attempts(self, request: HttpRequest) -> tuple[int, Attempt]:
        """The number and the answer of the last attempt; there is one, unless sending it again is safe."""
        pauses = iter(() if self._down else self.patience)
        waits, renewed = 0, False
        while True:
            message = self._formed(request)
            number = self.spend()
            self.tell(request)
            answer = self._once(request, message)
            if answer.status == httpx.codes.UNAUTHORIZED and self.wallet is not None and not renewed:
                # A credential has ended meanwhile; what is refused for that was not looked at (RFC 9110 15.5.2).
                renewed = self.wallet.renewed(request.credential)
                if renewed:
                    continue
            if self.wallet is not None and answer.status not in (None, httpx.codes.UNAUTHORIZED):
                self.wallet.let_in(request.credential)
            if answer.status == httpx.codes.TOO_MANY_REQUESTS:
                # The target asks for patience; that is no answer to what was asked.
                waits += 1
                self.troubles["429"] += 1
                if waits > _MOST_WAITS:
                    return number, Attempt(failure=f"429 {waits} times: lower [limits] rate")
                self._be_patient(answer)
                continue
            doubtful = request.method in SAFE and answer.status in GATEWAY
            if not answer.trouble and not doubtful:
                self._down = False
                return number, answer
            self.troubles.update([answer.trouble] if answer.trouble else [])
            again = answer.unsent or request.method in SAFE
            pause = next(pauses, None) if again else None
            self._down = self._down or (again and pause is None)
            if pause is None or (answer.unsent and not self.answered) or answer.final:
                if answer.unsent:
                    raise Unreachable(answer.failure)
                return number, answer
            self.pace.hold(max(pause, retry_after_s(answer.headers, 0.0) if answer.gateway else 0.0))

    def _be_patient(self, answer: Attempt) -> None:
        """Wait as long as a 429 asks for. Raises BudgetSpent where that is longer than the run may still take."""
        seconds = retry_after_s(answer.headers, 1.0)
        if self.reserve >= 0 and seconds > self.limits.seconds - self.elapsed_s:
            raise BudgetSpent(f"the target asks to wait {seconds:g} s (429), longer than the run may still take,")
        self.pace.hold(min(seconds, _LONGEST_WAIT_S))

    def _once(self, request: HttpRequest, message: httpx.Request) -> Attempt:
        with self.pace.slot():
            return self._told(request, message)

    def _told(self, request: HttpRequest, message: httpx.Request) -> Attempt:
        """Send it, and see who has answered."""
        self.wrote |= request.method not in SAFE
        answer = self._exchange(message)
        if answer.status is None:
            return answer
        self.origins.learn(answer.status, answer.headers)
        self.answered = True
        speaker = self.origins.speaker(answer.status, answer.headers, answer.body)
        if speaker is None:
            return answer
        what = f"{answer.status} from {speaker}"
        return replace(answer, gateway=True, failure=what, trouble=what)

    @property
    def gateways(self) -> str | None:
        """What gateways have answered in the target's place, in words; None where none did."""
        said = {what: times for what, times in self.troubles.items() if " from " in what}
        if not said:
            return None
        number = sum(said.values())
        what = ", ".join(said)
        return f"{number} answer{'' if number == 1 else 's'} came from somebody before the target: {what}"

    def notes(self) -> Iterator[str]:
        """What was in the way of answers, and which credentials were renewed, for the report."""
        yield from self.wallet.notes() if self.wallet is not None else ()
        if self.troubles:
            told = ", ".join(f"{what} ({times})" for what, times in self.troubles.items())
            yield f"in the way of answers: {told}; what could be sent again without harm was"

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

    def attempt(
        self, request: HttpRequest, watch: Callable[[str, object], None] | None = None
    ) -> tuple[int | None, dict[str, str], bytes, str | None]:
        """Send a request that was paid for (`spend`), once: status, headers, body, and why there is no status.

        `watch`: told by the transport how far the request is (the `trace` of httpcore), where that one tells.
        Safe for threads. Raises Unreachable and HarnessError as `send` does.
        """
        answer = self._told(request, self._formed(request, watch))
        if answer.status == httpx.codes.UNAUTHORIZED and self.wallet and self.wallet.renewed(request.credential):
            answer = self._told(request, self._formed(request, watch))
        if answer.unsent:
            raise Unreachable(answer.failure)
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            self.pace.hold(min(retry_after_s(answer.headers, 1.0), _LONGEST_WAIT_S))
        self.troubles.update([answer.trouble] if answer.trouble else [])
        return None if answer.gateway else answer.status, dict(answer.headers), answer.body, answer.failure

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

    def spend(self, count: int = 1) -> int:
        """Pay for so many requests; the number of the last one. Raises BudgetSpent.

        Several are to be sent at once: they wait for the rate together, and those that come next for all of them.
        """
        if self.limits.requests - self.reserve - self.sent < count:
            raise BudgetSpent(f"the budget of {self.limits.requests} requests is spent")
        if self.reserve >= 0 and time.monotonic() - self._began > self.limits.seconds:
            raise BudgetSpent(f"the {self.limits.seconds:g} seconds of the run are over")
        if count > 1:
            with self.pace.slot():
                self.pace.hold(count / self.limits.rate if self.limits.rate else 0.0)
        with self._counting:
            self.sent += count
            return self.sent

    def _formed(self, request: HttpRequest, watch: Callable[[str, object], None] | None = None) -> httpx.Request:
        if self.read_only and request.method not in SAFE:
            raise HarnessError(f"a run that only reads was about to send {request.method} {request.path!r}")
        headers = list(request.headers)
        credential = request.credential
        authorization = credential.header if self.wallet is None else self.wallet.header(credential)
        if authorization is not None:
            headers.append(("Authorization", authorization))
        try:
            return self.http.build_request(
                request.method,
                self.url.rstrip("/") + request.path,
                headers=headers,
                content=request.body,
                extensions=None if watch is None else {"trace": watch},
            )
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise HarnessError(f"the request {request.method} {request.path!r} cannot be formed: {error}") from error

    def _exchange(self, message: httpx.Request) -> Attempt:
        try:
            answer = self.http.send(message)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            failure, final = unreachable(self.url, error, self.limits.timeout)
            return Attempt(failure=failure, trouble="no connection", unsent=True, final=final)
        except httpx.TimeoutException:
            failure = f"no answer within {self.limits.timeout:g} s"
            return Attempt(failure=failure, trouble="no answer in time")
        except httpx.UnsupportedProtocol as error:
            raise HarnessError(f"{self.url} is no http or https URL: {error}") from error
        except httpx.HTTPError as error:
            return Attempt(failure=f"connection lost: {type(error).__name__}", trouble="connection lost")
        except AssertionError as error:
            # respx raises AssertionErrors for a route it does not know: a hole in the harness, not a failure.
            raise HarnessError(f"the mocked target has no route for {message.method} {message.url}: {error}") from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if len(answer.content) > _MAX_ANSWER:
            # Half an answer would look like a malformed one.
            return Attempt(
                None, headers, failure=f"an answer of more than {_MAX_ANSWER >> 20} MiB, which is not judged"
            )
        return Attempt(answer.status_code, headers, answer.content)
