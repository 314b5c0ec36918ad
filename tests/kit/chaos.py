"""A proxy that spoils a share of what passes through it, by a seed: between a client and a server on this machine.

One request after another passes on each connection. What it does to a request is
one of `FAULTS`; a target behind it may have carried the request out or not, once or twice, and the client cannot know.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FAULTS = (
    "reset-before",
    "reset-after",
    "reset-inside",
    "half-answer",
    "delay",
    "stall",
    "502-before",
    "502-after",
    "503-before",
    "504-after",
    "429",
    "twice",
)
"""`before` and `after`: whether the target has carried it out by then. `stall`: no answer until the client gives up."""

_DELAY_S = 0.02
_LONGEST_S = 20.0
_HEAD = b"\r\n\r\n"


@dataclass
class Chaos:
    """What happens to requests: `share` of them (0 to 1) meet one of `faults`.

    `stall_s`: longer than the client waits; `met`: how many met which.
    """

    upstream: str
    share: float
    seed: int
    faults: Sequence[str] = FAULTS
    stall_s: float = 1.0
    met: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._host, self._port = urlsplit(self.upstream).hostname or "", urlsplit(self.upstream).port or 80

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        with suppress(OSError, EOFError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False when the connection is over."""
        try:
            message = await _message(reader)
        except asyncio.IncompleteReadError:
            return False
        fault = self._chance.choice(self.faults) if self._chance.random() < self.share else "none"
        self.met[fault] += 1
        if fault in ("429", "502-before", "503-before"):
            writer.write(_answer(int(fault[:3])))
            await writer.drain()
            return True
        if fault == "reset-before":
            return _reset(writer)
        if fault == "delay":
            await asyncio.sleep(_DELAY_S)
        answer = await self._asked(message)
        if fault == "twice":
            answer = await self._asked(message)
        return await self._delivered(fault, answer, writer)

    async def _delivered(self, fault: str, answer: bytes, writer: asyncio.StreamWriter) -> bool:
        if fault == "stall":
            await asyncio.sleep(self.stall_s)
            return _reset(writer)
        if fault == "reset-after":
            return _reset(writer)
        if fault in ("reset-inside", "half-answer"):
            end = answer.index(_HEAD) + len(_HEAD)
            writer.write(answer[: end + (len(answer) - end) // 2] if fault == "half-answer" else answer[: end // 2])
            await writer.drain()
            return _reset(writer) if fault == "reset-inside" else False
        writer.write(_answer(int(fault[:3])) if fault in ("502-after", "504-after") else answer)
        await writer.drain()
        return True

    async def _asked(self, message: bytes) -> bytes:
        """What the target answers."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(message)
            return await _message(reader)
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, whole: what is passed on here tells its length, or has no body."""
    head = await reader.readuntil(_HEAD)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        assert name.lower() != b"transfer-encoding", "this proxy passes on plain bodies alone"
    return head + (await reader.readexactly(length) if length else b"")


def _answer(status: int) -> bytes:
    """What a gateway says of itself."""
    words = {429: "Too Many Requests", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
    body = f"<html><title>{status} {words[status]}</title></html>".encode()
    patience = "Retry-After: 0\r\n" if status == 429 else ""
    head = f"HTTP/1.1 {status} {words[status]}\r\nContent-Type: text/html\r\n{patience}Content-Length: {len(body)}"
    return head.encode() + _HEAD + body


def _reset(writer: asyncio.StreamWriter) -> bool:
    """End the connection by a reset, not by an orderly close."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


@contextmanager
def chaos(
    upstream: str, share: float, seed: int, faults: Sequence[str] = FAULTS, stall_s: float = 1.0
) -> Iterator[Chaos]:
    """A proxy in front of `upstream` while the context lasts; its `url` takes the place of that one."""
    made = Chaos(upstream, share, seed, faults, stall_s)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    ended = asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=1 << 26)
        made.url = "http://{}:{}".format(*server.sockets[0].getsockname()[:2])
        ready.set()
        await ended.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(_LONGEST_S)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(_LONGEST_S)
        loop.close()
