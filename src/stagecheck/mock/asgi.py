"""A mock as an ASGI application: one coroutine, no framework. There is nothing to route that the mock does not know.

Outside the path space of the API it answers `POST /__stagecheck/reset` and `GET /__stagecheck/state`, to whoever asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from stagecheck.mock.app import Answer, Call, call_of
from stagecheck.mock.faults import HEADER
from stagecheck.mock.handle import MockTarget

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Log = Callable[[str], None]

CONTROL = "__stagecheck"
_LONGEST_BODY = 256 * 1024
_LONGEST_READ = 64 * 1024 * 1024
_BODILESS = (204, 304)
_JSON = (b"content-type", b"application/json")
_CORS = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"Retry-After, Stagecheck-Fault"))
_PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": "Authorization, Content-Type, Accept",
    "access-control-max-age": "600",
}
"""What a browser asks before it sends a page's request. `*` would not include Authorization."""


class Application:
    """Serves the mock that `target` holds; while that is None, everything is answered 503.

    `log`: told a line for each request that was answered, None for no log. `cors`: whether pages of other origins may
    ask as well (https://fetch.spec.whatwg.org, 3.3). For a mock that raises, which is a fault of stagecheck, 500 is
    answered.
    """

    def __init__(self, target: MockTarget | None = None, log: Log | None = None, *, cors: bool = False) -> None:
        self.target = target
        self.log = log
        self.cors = cors

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            return
        began = time.perf_counter() if self.log is not None else 0.0
        headers = _headers(scope["headers"])
        try:
            body = await _body(headers, receive)
        except ConnectionError:
            # Whoever asked has gone before the end of the request: nothing was asked.
            return
        if body is None:
            answer = Answer(413, {"status": 413, "message": "too large"}, {"connection": "close"})
        elif self.cors and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            answer = Answer(204, headers=dict(_PREFLIGHT))
        else:
            answer = await self._answer(call_of(scope["method"], scope["raw_path"], headers, body))
        if self.log is not None:
            self.log(_line(scope, answer, time.perf_counter() - began))
        content = b"" if answer.status in _BODILESS else answer.content()
        if answer.headers or not content:
            sent = [(name.encode(), value.encode()) for name, value in answer.all_headers(content).items()]
        else:
            sent = [_JSON]
        if self.cors:
            sent += _CORS
        if answer.status not in _BODILESS:
            sent.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, call: Call) -> Answer:
        target = self.target
        if target is None:
            return Answer(503, {"status": 503, "message": "no mock is served here at present"})
        if call.segments[0] == CONTROL:
            return _controlled(target, call)
        if target.disturbance.delays:
            await asyncio.sleep(target.disturbance.delay_s())
        try:
            if target.mock.in_threads:
                return await asyncio.to_thread(target.answer, call)
            return target.answer(call)
        except Exception as error:  # noqa: BLE001 - a mock that breaks must not break the server
            return Answer(500, {"status": 500, "message": f"a fault of stagecheck: {type(error).__name__}: {error}"})


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers in lower case; those that are there more than once are joined (RFC 9110 5.3)."""
    found: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = str(raw_name, "latin-1"), str(raw_value, "latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


async def _body(headers: dict[str, str], receive: Receive) -> bytes | None:
    """The whole body; None if it is longer than any body of the API has reason to be. Raises ConnectionError."""
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return b""
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        part: bytes = message.get("body", b"")
        length += len(part)
        if length <= _LONGEST_BODY:
            parts.append(part)
        if not message.get("more_body", False) or length > _LONGEST_READ:
            # What is too long is read all the same, in bounds: whoever is still sending hears no answer.
            return b"".join(parts) if length <= _LONGEST_BODY else None


def _controlled(target: MockTarget, call: Call) -> Answer:
    match (call.method, *call.segments[1:]):
        case ("POST", "reset"):
            target.reset()
            return Answer(204)
        case ("GET", "state"):
            return Answer(200, target.state())
    what = f"there are POST /{CONTROL}/reset and GET /{CONTROL}/state"
    return Answer(404, {"status": 404, "message": what})


def _line(scope: Message, answer: Answer, took_s: float) -> str:
    """One line of the request log. Neither query nor headers: they may hold credentials."""
    path = scope["raw_path"].decode("ascii", "backslashreplace")
    fault = f" ({answer.headers[HEADER]})" if HEADER in answer.headers else ""
    return f"{scope['method']} {path} {answer.status}{fault} {took_s * 1000:.1f} ms"
