"""The mock over real HTTP: what HTTP adds to it, and requests that come at the same time."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import httpx
import pytest

from stagecheck.errors import HarnessError, UsageError
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.asgi import Application
from stagecheck.mock.faults import Faults
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import embedded
from stagecheck.mock.server import LOOPBACK, Server, bound, serving, url_for

CLIENTS = 8


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server(Application(), bound(LOOPBACK, 0))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def serve(server: Server) -> Iterator[Callable[..., MockTarget]]:
    """Serve a mock of the embedded scenario, on the server that is there."""

    def served(kind: type[Mock] = Mock, faults: Faults | None = None) -> MockTarget:
        server.application.target = MockTarget(embedded(), server.url, kind, faults)
        return server.application.target

    yield served
    server.application.target = server.application.log = None


@pytest.fixture
def target(serve: Callable[..., MockTarget]) -> MockTarget:
    return serve()


@pytest.fixture
def client(target: MockTarget) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=target.url, headers=target.headers) as made:
        yield made


def raw(target: MockTarget, request: bytes) -> bytes:
    """What comes back for bytes that no client library would send."""
    host, port = target.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


# ---------------------------------------------------------------------- the nine operations


def test_all_nine_operations_are_there(target: MockTarget, client: httpx.Client) -> None:
    listing = f"/environment/{target.environment}/deploymentStage"
    made = client.post(listing, json={"name": "EXTRA", "description": "more"})
    assert (made.status_code, made.json()["name"]) == (200, "EXTRA")
    extra = made.json()["id"]
    last, api = target.stages["LAST"], target.services["api"]
    assert client.put(f"/deploymentStage/{extra}", json={"name": "OTHER"}).json()["name"] == "OTHER"
    assert client.put(f"/deploymentStage/{last}/service/{api}").status_code == 200
    assert client.get(f"/service/{api}/deploymentStage").json()["id"] == last
    assert client.get(f"/deploymentStage/{last}").json()["services"][0]["service_id"] == api
    for where, order in (("moveBefore", [extra, last]), ("moveAfter", [last, extra])):
        moved = client.put(f"/deploymentStage/{extra}/{where}/{last}").json()["results"]
        assert [stage["id"] for stage in moved][-2:] == order
    gone = client.delete(f"/deploymentStage/{extra}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-length" not in gone.headers
    assert "content-type" not in gone.headers
    assert extra not in client.get(listing).text


def test_a_connection_is_kept_after_every_kind_of_answer(target: MockTarget, client: httpx.Client) -> None:
    stage = client.post(f"/environment/{target.environment}/deploymentStage", json={"name": "X"}).json()["id"]
    ports = set()
    for method, path in (("DELETE", stage), ("HEAD", stage), ("GET", stage), ("PATCH", stage), ("GET", "nonsense")):
        answer = client.request(method, f"/deploymentStage/{path}")
        ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1


def test_both_kinds_of_credential_are_checked(target: MockTarget) -> None:
    path = f"{target.url}/environment/{target.environment}/deploymentStage"
    secrets = target.secrets
    for credential, status in (
        (f"Token {secrets.token}", 200),
        (f"bearer {secrets.jwt}", 200),
        (f"Bearer {secrets.expired_jwt}", 401),
        (f"Bearer {secrets.jwt[:-2]}", 401),
        (f"Token {secrets.foreign_token}", 404),
        ("Token wrong", 401),
    ):
        assert httpx.get(path, headers={"Authorization": credential}).status_code == status, credential
    assert httpx.get(path).status_code == 401


# ---------------------------------------------------------------------- HTTP


def test_bodies_in_chunks_are_read_whole(target: MockTarget, client: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b'{"is_', b'skipped": ', b"true}")

    path = f"/deploymentStage/{target.stages['LAST']}/service/{target.services['api']}"
    answer = client.put(path, content=parts(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert target.is_skipped("api")
    assert target.requests[-1].json() == {"is_skipped": True}


def test_a_body_that_is_never_sent_whole_changes_nothing(target: MockTarget) -> None:
    before = target.stage_of("api")
    path = f"/deploymentStage/{target.stages['LAST']}/service/{target.services['api']}"
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {target.token}\r\nContent-Length: 20\r\n\r\n"
    raw(target, head.encode() + b'{"is_ski')
    assert (target.stage_of("api"), target.requests) == (before, [])


def test_a_body_that_is_too_long_is_refused_and_changes_nothing(target: MockTarget, client: httpx.Client) -> None:
    path = f"/deploymentStage/{target.stages['LAST']}/service/{target.services['api']}"
    answer = client.put(path, content=b'{"x": "' + b"x" * 1_100_000 + b'"}')
    assert (answer.status_code, target.requests) == (413, [])
    assert target.stage_of("api") != "LAST"
    assert client.put(path, content=b'{"x": "' + b"x" * 100_000 + b'"}').status_code == 200


def test_what_is_no_http_is_refused_and_the_server_goes_on(target: MockTarget, client: httpx.Client) -> None:
    assert b" 400 " in raw(target, b"what is this\r\n\r\n").splitlines()[0]
    assert client.get(f"/deploymentStage/{target.stages['LAST']}").status_code == 200


def test_paths_are_read_as_they_are_written(target: MockTarget, client: httpx.Client) -> None:
    stage = target.stages["LAST"]
    assert client.get(f"/deploymentStage/{stage.replace('-', '%2D')}?x=1").status_code == 200
    assert client.get(f"/deploymentStage/{stage}%2Fservice").status_code == 400
    assert client.get("/").status_code == 404


def test_repeated_headers_are_one(target: MockTarget) -> None:
    path = f"{target.url}/deploymentStage/{target.stages['LAST']}"
    twice = [("Authorization", target.headers["Authorization"])] * 2
    assert httpx.get(path, headers=twice).status_code == 401


def test_pages_of_other_origins_are_answered_where_that_is_wanted(server: Server, target: MockTarget) -> None:
    path = f"{target.url}/deploymentStage/{target.stages['LAST']}"
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "PUT"}
    assert httpx.options(path, headers=asked).status_code == 404
    server.application.cors = True
    try:
        allowed = httpx.options(path, headers=asked)
        answer = httpx.get(path, headers={**target.headers, "Origin": "https://page.example"})
        other = httpx.options(path, headers={**target.headers, "Origin": "https://page.example"})
    finally:
        server.application.cors = False
    assert allowed.status_code == 204
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert other.status_code == 404


def test_what_a_client_wrote_comes_back_even_if_no_utf8_can_hold_it(target: MockTarget, client: httpx.Client) -> None:
    path = f"/environment/{target.environment}/deploymentStage"
    name = client.post(path, content=b'{"name": "\\ud800"}').json()["name"]
    assert (name, json.loads(client.get(path).content)["results"][-1]["name"]) == ("\ud800", "\ud800")


def test_a_mock_that_raises_is_500_and_remembered(serve: Callable[..., MockTarget]) -> None:
    class Broken(Mock):
        def handle(self, call: Call) -> Answer:
            raise RuntimeError(call.method)

    target = serve(Broken)
    answer = httpx.get(target.url)
    assert (answer.status_code, answer.json()["message"]) == (500, "a fault of stagecheck: RuntimeError: GET")
    assert isinstance(target.failure, RuntimeError)


# ---------------------------------------------------------------------- beside the API


def test_reset_and_state(target: MockTarget, client: httpx.Client) -> None:
    before = httpx.get(f"{target.url}/__stagecheck/state").json()
    client.put(f"/deploymentStage/{target.stages['LAST']}/service/{target.services['api']}", json={"is_skipped": True})
    after = httpx.get(f"{target.url}/__stagecheck/state").json()
    assert after != before
    (last,) = (stage for stage in after["environments"][0]["stages"] if stage["name"] == "LAST")
    assert last["services"] == [{"id": target.services["api"], "name": "api", "type": "APPLICATION", "skipped": True}]
    assert after["reading"] == "move-and-skip"
    assert len(target.requests) == 1
    answer = httpx.post(f"{target.url}/__stagecheck/reset")
    assert (answer.status_code, answer.content) == (204, b"")
    assert httpx.get(f"{target.url}/__stagecheck/state").json() == before
    assert target.requests == []


@pytest.mark.parametrize("path", ["", "/", "/reset", "/states"])
def test_nothing_else_is_there(path: str, target: MockTarget) -> None:
    answer = httpx.get(f"{target.url}/__stagecheck{path}")
    assert answer.status_code == 404
    assert answer.json()["message"] == "there are POST /__stagecheck/reset and GET /__stagecheck/state"


def test_faults_are_marked_change_nothing_and_are_logged(server: Server, serve: Callable[..., MockTarget]) -> None:
    lines: list[str] = []
    server.application.log = lines.append
    target = serve(faults=Faults(fail_rate=1))
    path = f"/deploymentStage/{target.stages['LAST']}/service/{target.services['api']}"
    answer = httpx.put(f"{target.url}{path}?secret=1", headers=target.headers)
    assert (answer.status_code, answer.headers["stagecheck-fault"]) == (503, "fail-rate")
    assert target.stage_of("api") != "LAST"
    assert [seen.fault for seen in target.requests] == ["fail-rate"]
    assert httpx.get(f"{target.url}/__stagecheck/state").status_code == 200
    assert lines[0].startswith(f"PUT {path} 503 (fail-rate) ")
    assert target.token not in "".join(lines)


def test_patience_is_asked_for(serve: Callable[..., MockTarget]) -> None:
    target = serve(faults=Faults(rate_limit=1))
    answers = [httpx.get(target.url) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 429]
    assert answers[1].headers["retry-after"] == "1"


def test_latency_makes_nobody_else_wait(serve: Callable[..., MockTarget]) -> None:
    """One after another, they would be answered at least the latency apart, each from each, however slow it all is."""
    target = serve(faults=Faults(latency_ms=300))
    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(CLIENTS) as pool:

        def answered(_: int) -> float:
            client.get(target.url)
            return time.monotonic()

        began = time.monotonic()
        ends = sorted(pool.map(answered, range(CLIENTS)))
    assert ends[0] - began >= 0.3
    assert min(later - earlier for earlier, later in pairwise(ends)) < 0.3


# ---------------------------------------------------------------------- at the same time


class Crowded(Mock):
    """Counts how many requests are being handled at once, and takes its time."""

    in_threads = True
    inside = most = 0

    def handle(self, call: Call) -> Answer:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.002)
        answer = super().handle(call)
        self.inside -= 1
        return answer


class Unlocked(Crowded):
    """The same without waiting for others."""

    def locked(self, call: Call) -> Answer:
        return self.handle(call)


@pytest.mark.parametrize(("kind", "together"), [(Crowded, False), (Unlocked, True)])
def test_a_request_is_handled_alone_unless_a_mock_wants_it_otherwise(
    kind: type[Crowded], together: bool, serve: Callable[..., MockTarget]
) -> None:
    target = serve(kind)

    def ask(_: int) -> None:
        with httpx.Client(headers=target.headers) as client:
            for _ in range(3):
                client.get(f"{target.url}/environment/{target.environment}/deploymentStage")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(CLIENTS)))
    assert isinstance(target.mock, Crowded)
    assert (target.mock.most > 1) is together


def moves(target: MockTarget, seed: int, count: int) -> Iterator[tuple[str, str, bool]]:
    chance = random.Random(seed)
    stages, services = list(target.stages.values()), list(target.services.values())
    for _ in range(count):
        yield chance.choice(stages), chance.choice(services), chance.random() < 0.5


def shown(payload: Any, service: str) -> list[tuple[str, bool]]:
    """Where an answer shows a service."""
    return [
        (stage["id"], entry["is_skipped"])
        for stage in payload["results"]
        for entry in stage["services"]
        if entry["service_id"] == service
    ]


@pytest.mark.parametrize("kind", [Mock, type("InThreads", (Mock,), {"in_threads": True})])
def test_every_answer_to_clients_at_once_shows_one_whole_state(
    kind: type[Mock], serve: Callable[..., MockTarget]
) -> None:
    target = serve(kind)
    start = threading.Barrier(CLIENTS)

    def work(seed: int) -> None:
        with httpx.Client(base_url=target.url, headers=target.headers) as client:
            start.wait(30)
            for stage, service, skipped in moves(target, seed, 12):
                answer = client.put(f"/deploymentStage/{stage}/service/{service}", json={"is_skipped": skipped})
                assert answer.status_code == 200
                assert shown(answer.json(), service) == [(stage, skipped)]
                assert all(len(shown(answer.json(), other)) == 1 for other in target.services.values())

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))
    assert len(target.requests) == CLIENTS * 12
    assert target.failure is None


# ---------------------------------------------------------------------- beginning and end


def test_serving_is_over_at_the_end() -> None:
    with serving(reading="refuse") as target:
        assert httpx.get(target.url).status_code == 404
        assert target.state()["reading"] == "refuse"
    with pytest.raises(httpx.ConnectError):
        httpx.get(target.url)


def test_an_answer_that_is_under_way_is_given_before_the_end() -> None:
    entered = threading.Event()

    class Busy(Mock):
        in_threads = True

        def handle(self, call: Call) -> Answer:
            entered.set()
            time.sleep(0.2)
            return super().handle(call)

    with ThreadPoolExecutor(1) as pool:
        with serving(kind=Busy) as target:
            asked = pool.submit(httpx.get, target.url)
            assert entered.wait(10)
        assert asked.result(10).status_code == 404


def test_a_port_that_is_taken_is_one_line() -> None:
    with bound(LOOPBACK, 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError, match=rf"cannot listen on 127\.0\.0\.1 port {port}: .*give another --port, or 0"
        ):
            bound(LOOPBACK, port)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("nowhere.invalid", "cannot listen on nowhere.invalid: .*give a --host of this machine"),
        ("192.0.2.1", "it is no address of this machine; give another --host"),
        ("a" * 70 + ".example", "cannot listen on aaa.*: .*; give a --host of this machine"),
    ],
)  # fmt: skip
def test_an_address_that_is_not_ours_is_one_line(host: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bound(host, 0)


def test_urls_are_such_as_this_machine_reaches() -> None:
    assert url_for("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert url_for("::", 80) == url_for("::1", 80) == "http://[::1]:80"


def test_a_server_that_cannot_start_says_so() -> None:
    listener = bound(LOOPBACK, 0)
    server = Server(Application(), listener)
    listener.close()
    with pytest.raises(HarnessError, match="did not start"):
        server.start()
