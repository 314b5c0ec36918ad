"""The one seam: counting, limits, time-outs, and what is an answer, what is none, and what is our own fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import respx

from stagecheck.errors import BudgetSpent, HarnessError, Unreachable
from stagecheck.exchange import Credential, Exchange, HttpRequest
from stagecheck.target import client as client_module
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import NONE
from stagecheck.target.reach import EMBEDDED_URL, live, mocked

URL = "http://target.invalid/prefix/"
KEY = Credential("the API token", "Token secret", "Token $STAGECHECK_TOKEN")
Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Clock:
    """Time that passes only when somebody sleeps, or when it is told to."""

    now: float = 1000.0
    slept: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(client_module, "time", fake)
    return fake


def _ok(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"results": []})


def make(handler: Handler = _ok, limits: Limits | None = None) -> Client:
    return Client(URL, httpx.Client(transport=httpx.MockTransport(handler)), limits or Limits())


def get(path: str = "/x", credential: Credential = KEY, body: bytes | None = None) -> HttpRequest:
    return HttpRequest("GET", path, (("Accept", "application/json"),), body, credential)


# ---------------------------------------------------------------------- what is sent and recorded


def test_a_request_goes_out_byte_for_byte_with_its_credential() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(
            201, headers={"X-Thing": "1", "Content-Type": "Application/JSON; charset=utf-8"}, content=b"{}"
        )

    client = make(handler)
    client.phase = "tour"
    exchange = client.send(HttpRequest("PUT", "/a%2Fb/%00", (("Content-Type", "text/plain"),), b"\xff\x00", KEY))
    (request,) = seen
    assert request.url.raw_path == b"/prefix/a%2Fb/%00"
    assert (request.method, request.content) == ("PUT", b"\xff\x00")
    assert request.headers["authorization"] == "Token secret"
    assert (exchange.number, exchange.phase, exchange.status, exchange.body) == (1, "tour", 201, b"{}")
    assert exchange.headers["x-thing"] == "1"
    assert exchange.content_type == "application/json"


def test_no_credential_is_no_header_and_no_body_is_no_body() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    client = make(handler)
    client.send(get(credential=NONE))
    client.send(HttpRequest("PUT", "/x", (("Content-Type", "application/json"),), b"", NONE))
    assert "authorization" not in seen[0].headers
    assert "content-type" not in seen[0].headers
    assert seen[1].content == b""
    assert seen[1].headers["content-type"] == "application/json"


def test_listeners_hear_every_exchange_in_order() -> None:
    client = make()
    heard: list[Exchange] = []
    client.listen.append(heard.append)
    sent = [client.send(get()) for _ in range(3)]
    assert heard == sent
    assert [exchange.number for exchange in heard] == [1, 2, 3]
    assert client.sent == 3


# ---------------------------------------------------------------------- limits


def test_the_rate_is_kept(clock: Clock) -> None:
    client = make(limits=Limits(rate=10.0))
    for _ in range(11):
        client.send(get())
    assert 1.0 <= clock.slept < 1.1


def test_time_that_the_target_takes_counts_towards_the_rate(clock: Clock) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        clock.now += 0.5
        return httpx.Response(200)

    client = make(slow, Limits(rate=10.0))
    for _ in range(5):
        client.send(get())
    assert clock.slept == 0.0


def test_without_a_rate_nobody_sleeps(clock: Clock) -> None:
    client = make()
    for _ in range(20):
        client.send(get())
    assert clock.slept == 0.0


def test_the_budget_of_requests_less_the_reserve() -> None:
    client = make(limits=Limits(requests=5))
    client.reserve = 2
    for left in (3, 2, 1):
        assert client.left == left
        client.send(get())
    assert client.left == 0
    with pytest.raises(BudgetSpent, match="budget of 5 requests"):
        client.send(get())
    assert client.sent == 3, "nothing is sent, or counted, beyond the budget"
    client.release()
    for _ in range(4):
        client.send(get())
    assert client.sent == 7, "putting things in order is never cut short"


def test_the_seconds_of_the_run(clock: Clock) -> None:
    client = make(limits=Limits(seconds=5.0))
    client._began = clock.now
    client.send(get())
    clock.now += 6.0
    assert client.left == 0
    with pytest.raises(BudgetSpent, match="5 seconds"):
        client.send(get())
    client.release()
    assert client.send(get()).status == 200
    assert client.elapsed_s >= 6.0


# ---------------------------------------------------------------------- no answer


def _raises(error: Exception) -> Handler:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (httpx.ReadTimeout("slow"), "no answer within 10 s"),
        (httpx.WriteTimeout("slow"), "no answer within 10 s"),
        (httpx.PoolTimeout("slow"), "no answer within 10 s"),
        (httpx.ReadError("reset"), "connection lost: ReadError"),
        (httpx.RemoteProtocolError("cut"), "connection lost: RemoteProtocolError"),
    ],
)
def test_what_nobody_knows_the_outcome_of_has_no_status(error: Exception, failure: str) -> None:
    client = make(_raises(error))
    client.patience = (0.0, 0.0)
    heard: list[Exchange] = []
    client.listen.append(heard.append)
    exchange = client.send(get())
    assert (exchange.status, exchange.failure, exchange.body) == (None, failure, b"")
    assert [one.number for one in heard] == [3], "a read is repeated, each time counts, and the last one is on record"
    assert heard[-1] == exchange
    client.send(get())
    assert [one.number for one in heard] == [3, 4], "nothing is repeated while nothing is answered"


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("silence")])
def test_no_connection_at_all_is_unreachable(error: Exception) -> None:
    client = make(_raises(error))
    client.patience = (0.0, 0.0)
    with pytest.raises(Unreachable, match=r"connect"):
        client.send(get())
    assert client.sent == 1, "a target that never answered is not asked again"


def test_a_port_that_nobody_listens_on_is_unreachable() -> None:
    with live("http://127.0.0.1:1", 2.0) as http, pytest.raises(Unreachable, match="is the target running"):
        Client("http://127.0.0.1:9", http, Limits(timeout=2.0)).send(get())


@pytest.mark.parametrize("path", ["/\x00", "/\n"])
def test_a_request_that_cannot_be_formed_is_our_own_fault(path: str) -> None:
    with pytest.raises(HarnessError, match="cannot be formed"):
        make().send(get(path))


def test_a_credential_that_no_header_can_hold_is_our_own_fault_and_not_shown() -> None:
    with pytest.raises(HarnessError) as caught:
        make().send(get(credential=Credential("odd", "Token sécrét", "Token $X")))
    assert "sécrét" not in str(caught.value)


def test_a_url_of_another_protocol_is_our_own_fault() -> None:
    with httpx.Client() as http, pytest.raises(HarnessError, match="no http or https URL"):
        Client("ftp://target.invalid", http, Limits()).send(get())


def test_a_hole_in_the_mocked_target_is_never_a_contract_failure() -> None:
    """respx raises AllMockedAssertionError, which is an AssertionError."""
    with respx.MockRouter(assert_all_mocked=True), httpx.Client() as http:
        with pytest.raises(HarnessError, match="no route for GET") as caught:
            Client(EMBEDDED_URL, http, Limits()).send(get())
        assert not isinstance(caught.value, AssertionError)


def test_a_mocked_target_answers_in_this_process() -> None:
    with mocked(lambda request: httpx.Response(200, json={"path": request.url.path})) as http:
        exchange = Client(EMBEDDED_URL, http, Limits()).send(get("/environment/x"))
    assert (exchange.status, exchange.body) == (200, b'{"path":"/environment/x"}')


def test_redirects_are_answers_like_others() -> None:
    with mocked(lambda _: httpx.Response(302, headers={"location": "/elsewhere"})) as http:
        assert Client(EMBEDDED_URL, http, Limits()).send(get()).status == 302


def test_a_very_long_answer_is_none_at_all() -> None:
    client = make(lambda _: httpx.Response(200, content=b"x" * (33 * 1024 * 1024)))
    exchange = client.send(get())
    assert (exchange.status, exchange.body) == (None, b"")
    assert exchange.failure == "an answer of more than 32 MiB, which is not judged"


# ---------------------------------------------------------------------- patience


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("0", 0.0), ("3", 3.0), ("90", 90.0), ("-1", 1.0), ("Wed, 21 Oct", 1.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_a_429_is_waited_for_as_long_as_it_asks(clock: Clock, asked: str, waited: float) -> None:
    answers = iter([httpx.Response(429, headers={"retry-after": asked}), httpx.Response(200)])
    client = make(lambda _: next(answers))
    client._began = clock.now
    assert client.send(get()).status == 200
    assert clock.slept == waited
    assert client.sent == 2, "what is sent again is paid for as well"


def test_a_429_that_asks_for_a_date_is_waited_for(clock: Clock) -> None:
    later = format_datetime(datetime.now(tz=UTC) + timedelta(seconds=40), usegmt=True)
    answers = iter([httpx.Response(429, headers={"retry-after": later}), httpx.Response(200)])
    client = make(lambda _: next(answers))
    client._began = clock.now
    assert client.send(get()).status == 200
    assert 35 < clock.slept <= 40


def test_a_429_that_asks_for_longer_than_the_run_ends_it_and_not_the_putting_back(clock: Clock) -> None:
    answers = iter([httpx.Response(429, headers={"retry-after": "3600"})] * 2 + [httpx.Response(200)])
    client = make(lambda _: next(answers))
    client._began = clock.now
    with pytest.raises(BudgetSpent, match="asks to wait 3600 s"):
        client.send(get())
    assert clock.slept == 0
    client.release()
    assert client.send(get()).status == 200
    assert clock.slept == 300


def test_429_for_ever_is_no_answer(clock: Clock) -> None:
    exchange = make(lambda _: httpx.Response(429)).send(get())
    assert exchange.status is None
    assert exchange.failure is not None
    assert "rate" in exchange.failure
    assert clock.slept > 0
