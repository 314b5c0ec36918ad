"""A mock over HTTP in this process: uvicorn in a thread of its own, on a socket that is bound beforehand.

In a thread, uvicorn leaves signals alone: whoever started it stops it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from stagecheck.errors import HarnessError, UsageError
from stagecheck.mock.app import Mock
from stagecheck.mock.asgi import Application, Log
from stagecheck.mock.faults import Faults
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import Scenario
from stagecheck.mock.scenario_file import scenario_of
from stagecheck.model.state import Reading

LOOPBACK = "127.0.0.1"
_BACKLOG = 512
_THREADS = 32
"""Of requests to a mock that is `in_threads`, that many can meet."""
_PATIENCE_S = 3
"""How long requests that are under way when the server stops may take to end."""
_MENDS = {
    errno.EADDRINUSE: "another program listens there; give another --port, or 0 for any that is free",
    errno.EACCES: "give a --port from 1024 up",
    errno.EADDRNOTAVAIL: "it is no address of this machine; give another --host",
}


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound to a free port. Raises UsageError with its mend."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        what = getattr(error, "strerror", None) or "no host name"
        raise UsageError(f"cannot listen on {host}: {what}; give a --host of this machine") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # What is left of the connections of an earlier server must not keep this one from its port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        mend = _MENDS.get(error.errno or 0, "give another --host or --port")
        raise UsageError(f"cannot listen on {host} port {port}: {error.strerror or error}; {mend}") from None
    return listener


def url_for(host: str, port: int) -> str:
    """The base URL under which this machine reaches an address that is listened on."""
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server:
    """An application that is served from `start` to `stop`.

    `ended`: called when it ends, asked to or not. `failure`: what ended it unasked.
    """

    def __init__(self, application: Application, listener: socket.socket) -> None:
        self.url = url_for(*listener.getsockname()[:2])
        self.application = application
        self.ended: Callable[[], None] = lambda: None
        self.failure: BaseException | None = None
        self._listener = listener
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                application,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_PATIENCE_S,
            )
        )
        self._thread = threading.Thread(target=self._run, name=f"stagecheck mock at {self.url}", daemon=True)

    def start(self) -> None:
        """Return when requests are answered. Raises HarnessError if that cannot be brought about."""
        self._thread.start()
        self._uvicorn.settled.wait()
        if not self._uvicorn.started:
            self._thread.join()
            self._listener.close()
            raise HarnessError(f"the server at {self.url} did not start: {self.failure!r}")

    def ask_to_stop(self) -> None:
        """Take no more requests, and return at once: for several that are stopped together."""
        self._uvicorn.should_exit = True

    def stop(self) -> None:
        """Answer what is under way, and return when everything is closed."""
        self.ask_to_stop()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            self._uvicorn.run(sockets=[self._listener])
        except BaseException as error:  # noqa: BLE001 - whoever waits for the thread has to know
            self.failure = error
        finally:
            self._uvicorn.settled.set()
            self.ended()


def idle_server() -> Server:
    """A server on this machine that is up and has no mock to serve yet: it can be lent to many, one after another."""
    server = Server(Application(), bound(LOOPBACK, 0))
    server.start()
    return server


class _Uvicorn(uvicorn.Server):
    """A server that says when it accepts, or that it never will."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        await super().startup(sockets)
        self.settled.set()


@contextmanager
def serving(
    scenario: Scenario | Mapping[str, Any] | str | Path | None = None,
    *,
    reading: Reading | str | None = None,
    kind: Callable[[Scenario], Mock] = Mock,
    faults: Faults | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    log: Log | None = None,
) -> Iterator[MockTarget]:
    """A mock over HTTP while the context lasts; yields the handle of it.

    `scenario`: a YAML file, the same as a mapping, None for the one that is embedded; `reading`: what a skip to another
    stage means (SKIP-2), in place of the scenario's; `kind`: a subclass of Mock that does something in its own way;
    `log`: told a line for each request. Raises UsageError for a wrong scenario, and for a port that cannot be had.
    """
    start = scenario_of(scenario, reading)
    application = Application(log=log)
    server = Server(application, bound(host, port))
    application.target = target = MockTarget(start, server.url, kind, faults)
    server.start()
    try:
        yield target
    finally:
        server.stop()
