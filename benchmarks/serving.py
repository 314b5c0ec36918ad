"""`stagecheck serve` under load, beside a Starlette app that answers constant bytes: requests per second, as a ratio.

Eight clients send 20,000 requests, a third of them reads, and every answer is held against what was asked. Both servers
run in processes of their own under the same uvicorn, take the same bytes and answer as many; they take turns, so that
what else this machine does meets both. `python -m benchmarks.serving` prints this alone.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop
from rich.console import Console
from rich.table import Table

from stagecheck import operations, spec
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import embedded
from stagecheck.operations import OperationKey

CLIENTS = 8
REQUESTS = 20_000
ROUNDS = 3
_WARM_UP = 800
_PATIENCE_S = 120
_STARLETTE = """
import socket, sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def constant(request):
    return Response(CONTENT, media_type="application/json")

CONTENT = sys.stdin.buffer.read()
paths = ("/deploymentStage/{stage}/service/{service}", "/environment/{environment}/deploymentStage")
app = Starlette(routes=[Route(path, constant, methods=["GET", "PUT"]) for path in paths])
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(512)
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off", ws="none", server_header=False)
uvicorn.Server(config).run(sockets=[listener])
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its bytes, and where its answer must show which service; a read shows no one in particular."""

    message: bytes
    key: OperationKey
    service: str | None = None
    placed: tuple[str, bool] | None = None


@dataclass(slots=True)
class Load:
    """What a server made of the load. `answers`: (status, body) of each request, per client."""

    seconds: float
    answers: list[list[tuple[int, bytes]]] = field(repr=False)

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return sum(map(len, self.answers)) / self.seconds


class _Connection(asyncio.Protocol):
    """One client: sends its next request when the answer to the last one is complete."""

    def __init__(self, messages: list[bytes], done: asyncio.Future[None]) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self._messages = iter(messages)
        self._done = done
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))

    def on_body(self, part: bytes) -> None:
        """A part of the answer's body (httptools)."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """The answer is there (httptools)."""
        self.answers.append((self._parser.get_status_code(), b"".join(self._parts)))
        self._parts.clear()
        # Not at once: the parser is still at work on what came.
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        message = next(self._messages, None)
        if message is not None:
            self._transport.write(message)
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()


def loaded(url: str, clients: list[list[Asked]]) -> Load:
    """Send every client's requests, the clients at the same time.

    Raises ConnectionError for a lost connection, TimeoutError when the answers take minutes.
    """

    async def run() -> Load:
        loop, (host, _, port) = asyncio.get_running_loop(), urlsplit(url).netloc.partition(":")
        futures: list[asyncio.Future[None]] = [loop.create_future() for _ in clients]
        connections = [
            _Connection([asked.message for asked in requests], future)
            for requests, future in zip(clients, futures, strict=True)
        ]
        began = time.perf_counter()
        for connection in connections:
            await loop.create_connection(partial(_same, connection), host, int(port))
        await asyncio.wait_for(asyncio.gather(*futures), _PATIENCE_S)
        return Load(time.perf_counter() - began, [connection.answers for connection in connections])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def _same(connection: _Connection) -> _Connection:
    return connection


def requests_of(target: MockTarget, count: int, seed: int) -> list[list[Asked]]:
    """What each client asks: moves and skips with the bodies that clients send, and reads."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    stages, services = list(target.stages.values()), list(target.services.values())

    def one() -> Asked:
        if chance.random() < 1 / 3:
            path = operations.path(OperationKey.LIST, environmentId=target.environment)
            return Asked(_message(target, "GET", path, None), OperationKey.LIST)
        stage, service = chance.choice(stages), chance.choice(services)
        body = chance.choice((None, b"{}", b'{"is_skipped": false}', b'{"is_skipped": true}'))
        path = operations.path(OperationKey.ATTACH, deploymentStageId=stage, serviceId=service)
        placed = (stage, body is not None and b"true" in body)
        return Asked(_message(target, "PUT", path, body), OperationKey.ATTACH, service, placed)

    return [[one() for _ in range(count // CLIENTS)] for _ in range(CLIENTS)]


def _message(target: MockTarget, method: str, path: str, body: bytes | None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    lines.append(f"Authorization: {target.headers['Authorization']}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def violations(target: MockTarget, clients: list[list[Asked]], load: Load) -> Iterator[str]:
    """What is wrong with the answers: a status, the schema, a service that is not once, or not where it was put."""
    document = spec.load()
    for requests, answers in zip(clients, load.answers, strict=True):
        if len(requests) != len(answers):
            yield f"{len(requests)} requests and {len(answers)} answers"
        for asked, (status, body) in zip(requests, answers, strict=False):
            if status != 200:
                yield f"status {status}"
                continue
            payload = json.loads(body)
            yield from document.response_problems(asked.key, status, payload)
            shown = _shown(payload)
            if sorted(service for service, _ in shown) != sorted(target.services.values()):
                yield "a service is not there exactly once"
            if [stage["id"] for stage in payload["results"]] != list(target.stages.values()):
                yield "the stages are not what they were"
            if asked.service is not None and (asked.service, asked.placed) not in shown:
                yield "a service is not where its request put it"


def _shown(payload: Any) -> list[tuple[str, tuple[str, bool]]]:
    return [
        (entry["service_id"], (stage["id"], entry["is_skipped"]))
        for stage in payload["results"]
        for entry in stage["services"]
    ]


@contextmanager
def _mock() -> Iterator[str]:
    command = [sys.executable, "-m", "stagecheck", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@contextmanager
def _starlette(content: bytes) -> Iterator[str]:
    command = [sys.executable, "-c", _STARLETTE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - the same
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(content)
        process.stdin.close()
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def print_serving(console: Console) -> None:
    """Measure, and print a table."""
    target = MockTarget(embedded(), "http://127.0.0.1")
    content = json.dumps(target.mock.listing(target.environment), separators=(",", ":")).encode()
    clients, wrong, rates = requests_of(target, REQUESTS, seed=0), 0, []
    with _mock() as mock, _starlette(content) as starlette:
        for url in (mock, starlette):
            loaded(url, requests_of(target, _WARM_UP, seed=1))
        for _ in range(ROUNDS):
            ours = loaded(mock, clients)
            wrong += sum(1 for _ in violations(target, clients, ours))
            theirs = loaded(starlette, clients)
            assert {status for answers in theirs.answers for status, _ in answers} == {200}
            rates.append((ours.per_second, theirs.per_second))
    table = Table(title=f"{REQUESTS:,} requests of {CLIENTS} clients, per second")
    for heading in ("round", "stagecheck serve", "Starlette, constant bytes", "ratio"):
        table.add_column(heading, justify="right")
    for number, (ours_s, theirs_s) in enumerate(rates, start=1):
        table.add_row(str(number), f"{ours_s:,.0f}", f"{theirs_s:,.0f}", f"{ours_s / theirs_s:.2f}")
    console.print(table)
    ratio = median(ours_s / theirs_s for ours_s, theirs_s in rates)
    console.print(f"Violations: {wrong}; median ratio {ratio:.2f} (aim: no violation, at least 0.5)")


if __name__ == "__main__":
    print_serving(Console())
