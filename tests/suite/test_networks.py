"""What a network or a gateway does is not held against the target, and what the target does behind one is."""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx
import pytest

from kit.patience import Skipping
from stagecheck.audit import DEFECTS
from stagecheck.launch import exit_code
from stagecheck.mock.app import Mock, as_httpx
from stagecheck.mock.scenario import embedded
from stagecheck.outcome import Grade, Verdict
from stagecheck.target.gateway import Origins
from suite.rig import Rig, by_id, named, rig

NGINX = {"server": "nginx/1.25.3", "content-type": "text/html"}
PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr><center>nginx</center></body></html>"
Disturbing = Callable[[httpx.Request, httpx.Response], httpx.Response]


def page(status: int) -> httpx.Response:
    return httpx.Response(status, headers=NGINX, text=PAGE.format(f"{status} Bad Gateway"))


def between(made: Rig, answering: Disturbing) -> Rig:
    """The rig with somebody between suite and target."""
    made.answering = lambda request: answering(request, as_httpx(made.mock, request))
    return made


def chance(seed: int, share: float) -> Callable[[], bool]:
    randomness = random.Random(seed)
    return lambda: randomness.random() < share


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("taken", [True, False])
def test_a_gateway_that_fails_now_and_then_is_reported_as_such(seed: int, taken: bool) -> None:
    """Whether the request reached the target or not."""
    made, now = rig(), chance(seed, 0.1)
    mock = made.mock

    def answering(request: httpx.Request) -> httpx.Response:
        if not now():
            return as_httpx(mock, request)
        if taken:
            as_httpx(mock, request)
        return page(502)

    made.answering = answering
    result = made.run()
    assert result.violations == ()
    errors = by_id(result)["ERR-1"]
    assert errors.grade is Grade.INCONCLUSIVE
    assert "came from somebody before the target: 502 from a gateway (nginx" in (errors.reason or "")
    assert exit_code(result, strict=False) == 3
    assert made.moved() == {}
    assert any("in the way of answers" in note for note in result.notes)


def test_a_target_that_dies_of_a_request_behind_a_gateway_is_told_from_it() -> None:
    """Whoever sends that request again and again gets a 502 each time, and for nothing else."""
    made = rig()
    long = between(made, lambda request, answer: page(502) if len(request.url.path) > 3000 else answer)
    result = long.run()
    assert named(result) == {"ERR-1"}
    assert result.verdict is Verdict.NON_CONFORMING


@pytest.mark.parametrize("content", [{"message": "database is down"}, {}])
def test_a_target_that_says_503_itself_is_held_to_it(content: dict[str, str]) -> None:
    made = rig()
    result = between(
        made, lambda request, answer: httpx.Response(503, json=content) if b"[" in request.content else answer
    ).run()
    assert "ERR-1" in named(result)


def test_an_outage_that_ends_is_sat_out(patience: Skipping) -> None:
    made, asked = rig(), []

    def answering(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        asked.append(request)
        return page(503) if 80 <= len(asked) <= 87 else answer

    result = between(made, answering).run()
    assert result.violations == ()
    assert result.broken_off is False
    assert 1 < patience.slept < 30
    assert made.moved() == {}


def test_an_outage_that_does_not_end_ends_the_run(patience: Skipping) -> None:
    made, asked = rig(), []

    def answering(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        asked.append(request)
        return page(504) if len(asked) > 80 else answer

    result = between(made, answering).run()
    assert (result.verdict, result.violations, result.broken_off) == (Verdict.INCONCLUSIVE, (), True)
    assert any("it does not reach the target" in note for note in result.notes)
    assert patience.slept > 5
    assert len(result.requirements) == len(by_id(result))
    assert by_id(result)["MOVE-1"].grade is Grade.PASS, "what was seen is said"


FAULTS: dict[str, Callable[[], Exception]] = {
    "reset": lambda: httpx.ReadError("Connection reset by peer"),
    "half an answer": lambda: httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    "silence": lambda: httpx.ReadTimeout("timed out"),
    "refused": lambda: httpx.ConnectError("Connection refused"),
}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("taken", [True, False])
def test_lost_connections_leave_open_what_happened_and_nothing_moved(kind: str, taken: bool) -> None:
    made, now = rig(), chance(5, 0.08)
    mock = made.mock

    def answering(request: httpx.Request) -> httpx.Response:
        disturbed = now() and made.client.answered
        if taken and disturbed and kind != "refused":
            as_httpx(mock, request)
        if disturbed:
            failure = FAULTS[kind]()
            raise failure
        return as_httpx(mock, request)

    made.answering = answering
    result = made.run()
    assert result.violations == ()
    assert result.broken_off is False
    assert made.moved() == {}
    assert made.client.troubles.total() > 3


@pytest.mark.parametrize("name", ["false-is-flag-only", "omitted-flag-is-a-patch"])
def test_a_defect_is_seen_through_a_bad_network(name: str) -> None:
    made, now = rig(DEFECTS[name].mock(embedded())), chance(2, 0.05)
    result = between(made, lambda _, answer: page(502) if now() else answer).run()
    assert DEFECTS[name].requirement in named(result)


HTML = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "gateway"),
    [
        (502, NGINX, PAGE.format("502 Bad Gateway"), True),
        (503, HTML, "no healthy upstream", True),
        (504, {}, "", True),
        (503, {"content-type": "text/plain"}, "Service Unavailable", True),
        (502, {"server": "awselb/2.0", "content-type": "text/html"}, "<html></html>", True),
        (522, {"server": "cloudflare", "content-type": "application/json"}, "{}", True),
        (503, {"stagecheck-fault": "fail", "content-type": "application/json"}, "{}", True),
        (503, {"content-type": "application/json"}, '{"message": "no"}', False),
        (503, {"content-type": "application/problem+json"}, "{}", False),
        (503, {"server": "uvicorn", "content-type": "text/plain"}, "the database is down", False),
        (500, NGINX, PAGE.format("500"), False),
        (404, NGINX, PAGE.format("404"), False),
    ],
)
def test_who_speaks(status: int, headers: dict[str, str], body: str, gateway: bool) -> None:
    origins = Origins()
    origins.learn(200, {"server": "uvicorn"})
    assert (origins.speaker(status, headers, body.encode()) is not None) is gateway


def test_a_mock_behind_its_own_faults_is_no_other_target() -> None:
    """What `serve --fail-rate` answers is no part of the contract."""

    def fault(request: httpx.Request) -> httpx.Response:
        headers = {"stagecheck-fault": "fail-rate"}
        return httpx.Response(503, headers=headers, json={"message": "not now"}) if now() else as_httpx(mock, request)

    mock, now = Mock(embedded()), chance(1, 0.1)
    made = rig(mock)
    made.answering = fault
    assert made.run().violations == ()


def test_what_is_never_answered_is_not_conforming() -> None:
    """A server that breaks off every PUT without a body does not keep its promise, nor does it surely break it."""
    mock = Mock(embedded())

    def answering(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and not request.content:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return as_httpx(mock, request)

    made = rig(mock, selected=["MOVE-1", "MOVE-2", "MOVE-3"])
    made.answering = answering
    result = made.run()
    found = by_id(result)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert found["MOVE-3"].grade is Grade.INCONCLUSIVE
    assert (found["MOVE-3"].reason or "").endswith("that could show it none was answered")
    assert found["MOVE-1"].grade is Grade.PASS
