"""A stand-alone server of the deployment stage API, kept as a ledger of events.

It conforms to the contract with choices of its own (upper-case ids in answers, false
flags left out, stages by name, problem documents, a new entry id on every move), and
has bugs to order. Run it as a script, or use `start` to have it in a thread:

    python ledger_server.py --port 0 --bug toggled-flag --reading move-and-skip
"""

from __future__ import annotations

import argparse
import json
import re
import socketserver
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypedDict, cast

if __name__ == "__main__" and not __package__:
    # Run as a plain script: let the relative imports below find their package.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "peers"

from .ledger_books import ZONE, Ledger, Opened, Placed, mint
from .ledger_bugs import BUGS, Bug
from .ledger_desk import READINGS, Desk, Reply, Request, problem
from .ledger_gate import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BUGS", "READINGS", "Bug", "Context", "Place", "start"]

LINE_LIMIT = 65536
BODY_LIMIT = 1 << 20
LINGER_LIMIT = 8 << 20
IDLE_SECONDS = 60
LINGER_SECONDS = 1


class Place(TypedDict):
    """A stage and a service of some environment other than the main one."""

    environment: str
    stage: str
    service: str


class Context(TypedDict):
    """All a client has to know to use the server."""

    url: str
    environment: str
    stages: list[str]
    services: list[str]
    token: str
    jwt: str
    expired_jwt: str
    foreign_token: str
    foreign: Place
    second: Place


# The wire


class Wire(BaseHTTPRequestHandler):
    """One connection: frames requests, hands them to the desk, sends replies whole."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    expects_continue = False

    def handle_one_request(self) -> None:
        """Read one request, answer it, and say whether the connection goes on."""
        self.close_connection = True
        self.expects_continue = False
        self.command = ""
        try:
            self.raw_requestline = self.rfile.readline(LINE_LIMIT + 1)
            if len(self.raw_requestline) > LINE_LIMIT:
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            elif self.raw_requestline and self.parse_request():
                self.exchange()
        except OSError:
            # The client is gone, or has been silent for too long: nobody to answer.
            self.close_connection = True

    def exchange(self) -> None:
        """Read the body, ask the desk, send its reply."""
        try:
            body = self.read_body()
        except Refusal as refusal:
            self.close_connection = True
            self.send(problem(refusal))
            self.linger()
            return
        desk = cast("Server", self.server).desk
        try:
            reply = desk.answer(self.request_with(body))
        except Exception:  # noqa: BLE001 - what a framework does with a programming error
            reply = problem(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug of this server"))
        self.send(reply)

    def request_with(self, body: bytes) -> Request:
        """Put together what the desk needs of a request."""
        return Request(
            method=self.command,
            target=self.path,
            authorization=tuple(str(text) for text in self.headers.get_all("Authorization", [])),
            content_type=self.headers.get("Content-Type"),
            content_encoding=self.headers.get("Content-Encoding"),
            body=body,
        )

    def read_body(self) -> bytes:
        """Read the body by its length or in chunks; refuse framing that is not clear."""
        codings = self.headers.get_all("Transfer-Encoding", [])
        lengths = set(self.headers.get_all("Content-Length", []))
        if codings:
            if lengths or [coding.strip().lower() for coding in codings] != ["chunked"]:
                raise Refusal(HTTPStatus.BAD_REQUEST, "the framing of the body is not clear")
            self.go_on()
            return read_chunks(cast("BinaryIO", self.rfile))
        if not lengths:
            return b""
        text = lengths.pop().strip()
        if lengths or not re.fullmatch("[0-9]+", text):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the Content-Length is no length")
        if len(text) > len(str(BODY_LIMIT)) or int(text) > BODY_LIMIT:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
        self.go_on()
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body ended early")
        return body

    def handle_expect_100(self) -> bool:
        """Keep the interim answer back until the body is wanted."""
        self.expects_continue = True
        return True

    def go_on(self) -> None:
        """Tell a client that waits for it to send the body."""
        if self.expects_continue:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send(self, reply: Reply) -> None:
        """Send status, headers and body in one write, so in one packet where it fits."""
        status = reply.status
        body = b"" if reply.payload is None else json.dumps(reply.payload).encode("ascii")
        kind = "application/json" if status < HTTPStatus.BAD_REQUEST else "application/problem+json"
        headers = [("Date", self.date_time_string()), *reply.headers]
        if reply.payload is not None:
            headers += [("Content-Type", kind), ("Content-Length", str(len(body)))]
        if self.close_connection:
            headers.append(("Connection", "close"))
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        self.wfile.write(head.encode("latin-1") + (b"" if self.command == "HEAD" else body))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what cannot be parsed: always the client's fault, so never a 5xx."""
        del message, explain
        server_fault = code >= HTTPStatus.INTERNAL_SERVER_ERROR
        status = HTTPStatus.BAD_REQUEST if server_fault else HTTPStatus(code)
        self.close_connection = True
        self.send(problem(Refusal(status, "this is not a request that can be read")))
        self.linger()

    def linger(self) -> None:
        """Read on for a while, so that a reset does not overtake the answer."""
        with suppress(OSError):
            self.connection.settimeout(LINGER_SECONDS)
            left = LINGER_LIMIT
            while left > 0:
                data = self.connection.recv(LINE_LIMIT)
                if not data:
                    return
                left -= len(data)


def read_chunks(source: BinaryIO) -> bytes:
    """Read a body sent in chunks, and the trailer after it."""
    body = bytearray()
    while True:
        size = source.readline(LINE_LIMIT).partition(b";")[0].strip()
        if not re.fullmatch(b"[0-9a-fA-F]{1,8}", size):
            raise Refusal(HTTPStatus.BAD_REQUEST, "a chunk has no size")
        length = int(size, 16)
        if length == 0:
            break
        if len(body) + length > BODY_LIMIT:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
        body += source.read(length)
        if source.read(2) != b"\r\n":
            raise Refusal(HTTPStatus.BAD_REQUEST, "a chunk does not end")
    while source.readline(LINE_LIMIT).strip():
        pass
    return bytes(body)


class Server(ThreadingHTTPServer):
    """Listens on the loopback interface; a thread for every connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, desk: Desk) -> None:
        """Bind and listen at once."""
        self.desk = desk
        super().__init__(("127.0.0.1", port), Wire)

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])


# The world it starts with


@dataclass(frozen=True, slots=True)
class Seed:
    """A service to begin with: its kind, the number of its stage, its flag."""

    kind: str
    stage: int
    skipped: bool = False


# In deployment order, which is not the order of the names.
STAGES = (
    ("terraform", "Infrastructure first"),
    ("database", "Stores"),
    ("job", None),
    ("container", "Images"),
    ("application", ""),
)
SERVICES = (
    Seed("DATABASE", 1),
    Seed("CONTAINER", 3),
    Seed("APPLICATION", 4),
    Seed("JOB", 3, skipped=True),
    Seed("HELM", 1, skipped=True),
    Seed("TERRAFORM", 0),
    Seed("APPLICATION", 4),
)
SMALL = (Seed("APPLICATION", 0), Seed("JOB", 1, skipped=True))


def populate(ledger: Ledger, seeds: tuple[Seed, ...]) -> tuple[list[str], list[str]]:
    """Write the first events of an environment; give the ids of its stages and services.

    Ids are made two to a millisecond, as a bulk import makes them.
    """
    begin = datetime.now(ZONE) - timedelta(days=30)
    clock = int(begin.timestamp() * 1000)
    stages: list[str] = []
    for number, (name, description) in enumerate(STAGES):
        at = begin + timedelta(seconds=number)
        stages.append(mint(clock + number // 2))
        ledger.append(Opened(at, stages[-1], name, description))
    services: list[str] = []
    for number, seed in enumerate(seeds):
        at = begin + timedelta(minutes=1, seconds=number)
        services.append(mint(clock + 100 + number // 2))
        stage, entry = stages[seed.stage], mint(clock + 200 + number)
        ledger.append(Placed(at, services[-1], seed.kind, stage, entry, seed.skipped))
    return stages, services


def build(bug: str | None, reading: str, port: int) -> tuple[Server, Context]:
    """Make a server with a world of its own, listening but not serving yet."""
    if reading not in READINGS:
        message = f"no such reading: {reading}"
        raise ValueError(message)
    parts = BUGS[bug] if bug else Bug("none", ())
    own, other = mint(), mint()
    main, second, foreign = (parts.ledger(mint(), name) for name in (own, own, other))
    stages, services = populate(main, SERVICES)
    (near, near_services), (far, far_services) = populate(second, SMALL), populate(foreign, SMALL)
    gate = parts.gate()
    server = Server(port, parts.desk(gate, [main, second, foreign], reading))
    context: Context = {
        "url": f"http://127.0.0.1:{server.server_port}",
        "environment": main.environment,
        "stages": stages,
        "services": services,
        "token": gate.issue_token(own),
        "jwt": gate.issue_jwt(own, 86400),
        "expired_jwt": gate.issue_jwt(own, -3600),
        "foreign_token": gate.issue_token(other),
        "foreign": Place(environment=foreign.environment, stage=far[0], service=far_services[0]),
        "second": Place(environment=second.environment, stage=near[0], service=near_services[0]),
    }
    return server, context


@contextmanager
def start(bug: str | None = None, reading: str = READINGS[0], port: int = 0) -> Iterator[Context]:
    """Serve in a thread for as long as the `with` block lasts."""
    server, context = build(bug, reading, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield context
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> int:
    """Serve until interrupted, after one line that says how to reach what."""
    parser = argparse.ArgumentParser(description="Serve the deployment stage API from a ledger.")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--bug", choices=sorted(BUGS), default=None)
    parser.add_argument("--reading", choices=READINGS, default=READINGS[0])
    options = parser.parse_args()
    server, context = build(options.bug, options.reading, options.port)
    sys.stdout.write(json.dumps(context) + "\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
