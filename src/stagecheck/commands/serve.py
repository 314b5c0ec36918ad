"""`stagecheck serve`: the mock as an HTTP server of its own, until it is told to stop."""

from __future__ import annotations

import errno
import gc
import json
import logging
import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import click

from stagecheck.errors import HarnessError, UsageError
from stagecheck.mock.app import Mock
from stagecheck.mock.asgi import CONTROL, Application
from stagecheck.mock.config_file import config_of
from stagecheck.mock.faults import Faults
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import Scenario
from stagecheck.mock.scenario_file import scenario_of
from stagecheck.mock.server import LOOPBACK, Server, bound, url_for
from stagecheck.model.state import Reading
from stagecheck.report.record import write_atomically

DEFAULT_PORT = 8080
_FILE = click.Path(path_type=Path)
_Kind = Callable[[Scenario], Mock]
_Log = Callable[[str], None]
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def _latency(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, float]:
    """One number of milliseconds, or two joined by a hyphen."""
    low, _, high = value.partition("-")
    try:
        return float(low), float(high or low)
    except ValueError:
        what = f"{value!r} is no latency; give milliseconds such as 50, or a range such as 50-200"
        raise click.BadParameter(what, ctx, param) from None


@click.command("serve", short_help="Run the mock as an HTTP server, to develop and test clients against.")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port to listen on; 0 for any that is free.",
)
@click.option(
    "--scenario", type=_FILE, metavar="FILE", help="Stages and services in YAML, in place of the embedded ones."
)
@click.option(
    "--reading",
    type=click.Choice([reading.value for reading in Reading]),
    help="What a skip to another stage means (SKIP-2).  [default: the scenario's, else move-and-skip]",
)
@click.option("--defect", metavar="NAME", help="Get one thing wrong: a name that `stagecheck defects` lists.")
@click.option(
    "--latency", metavar="MS[-MS]", default="0", callback=_latency, help="Every answer waits that many milliseconds."
)
@click.option("--fail-rate", type=float, default=0.0, metavar="SHARE", help="Share of requests answered 503, 0 to 1.")
@click.option("--rate-limit", type=float, metavar="N", help="Requests beyond N a second are answered 429.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed, the same faults.")
@click.option("--cors", is_flag=True, help="Answer pages of other origins, too: for clients in a browser.")
@click.option("--ready-file", type=_FILE, metavar="FILE", help="Written with the ready line as soon as it answers.")
@click.option("--write-config", type=_FILE, metavar="FILE", help="Write a stagecheck.toml that verifies this server.")
@click.option("--print-config", is_flag=True, help="Print such a stagecheck.toml, and serve nothing.")
@click.option("--log", type=_FILE, metavar="FILE", help="Append the request log to FILE instead of stderr.")
@click.option("-q", "--quiet", is_flag=True, help="No request log.")
def command(**options: Any) -> None:
    """Run the mock as an HTTP server, to develop and test clients against.

    When it answers it prints one line of JSON: its url, every id by its name, and the credentials that it knows. It
    ends with exit code 0 on Ctrl-C and SIGTERM. POST /__stagecheck/reset puts everything back to the beginning, GET
    /__stagecheck/state shows it as it is.

    Latency, 503 and 429 are faults for testing clients: such answers carry the header Stagecheck-Fault, and a request
    that was answered with one had no effect.
    """
    scenario = scenario_of(options["scenario"], options["reading"])
    kind = _defective(options["defect"])
    faults = Faults(options["latency"], options["fail_rate"], options["rate_limit"], options["seed"])
    if options["print_config"]:
        if not options["port"]:
            raise UsageError("--print-config cannot know the port that --port 0 will find; give one, or --write-config")
        target = MockTarget(scenario, url_for(options["host"], options["port"]), kind, faults)
        click.echo(config_of(target), nl=False)
        return
    for place in (options["ready_file"], options["write_config"]):
        _writable(place)
    with _logged(options["log"], quiet=options["quiet"]) as log:
        _Told.of(log)
        server = Server(Application(log=log, cors=options["cors"]), bound(options["host"], options["port"]))
        server.application.target = MockTarget(scenario, server.url, kind, faults)
        _serve(server, server.application.target, options)


def _serve(server: Server, target: MockTarget, options: dict[str, Any]) -> None:
    """Serve until a signal says to stop, or the server ends by itself."""
    ready_file, config_file = options["ready_file"], options["write_config"]
    if ready_file is not None:
        # Whoever waits for it must not take that of an earlier server for ours.
        ready_file.unlink(missing_ok=True)
    # A SimpleQueue may be put to by a signal handler, whatever the main thread is about.
    over: queue.SimpleQueue[str] = queue.SimpleQueue()
    server.ended = lambda: over.put("by itself")
    for number in _ENDING:
        # nohup means it: the end of its terminal is not the end of the server.
        if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: over.put("asked to"))
    server.start()
    try:
        # What has been made so far stays: the collector need not look at it for every few requests.
        gc.freeze()
        line = json.dumps(ready_line(target, options["defect"]), ensure_ascii=False)
        if config_file is not None:
            write_atomically(config_file, config_of(target).encode())
        if ready_file is not None:
            write_atomically(ready_file, f"{line}\n".encode())
        click.echo(line)
        sys.stdout.flush()
        if over.get() == "by itself":
            raise HarnessError(f"the server ended by itself: {server.failure!r}")
    finally:
        server.stop()
        if ready_file is not None:
            with suppress(OSError):
                ready_file.unlink(missing_ok=True)


def ready_line(target: MockTarget, defect: str | None) -> dict[str, Any]:
    """What a program has to know of a server that answers."""
    return {
        "url": target.url,
        "pid": os.getpid(),
        "reading": target.scenario.world.reading,
        "defect": defect,
        "environment": target.environment,
        "environments": {
            name: {"id": found.id, "stages": dict(found.stages), "services": dict(found.services)}
            for name, found in target.environments.items()
        },
        "auth": asdict(target.secrets),
        "reset": f"{target.url}/{CONTROL}/reset",
        "state": f"{target.url}/{CONTROL}/state",
    }


def _defective(name: str | None) -> _Kind:
    if name is None:
        return Mock
    from stagecheck.audit import defect_named  # noqa: PLC0415 - takes a while, and few ask for it

    return defect_named(name).mock


@contextmanager
def _logged(place: Path | None, *, quiet: bool) -> Iterator[_Log | None]:
    """Where a line of the request log goes; None for nowhere. Raises UsageError."""
    if quiet:
        yield None
    elif place is None:
        yield _writer(sys.stderr)
    else:
        try:
            file = place.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise UsageError(f"cannot write the log {place}: {error.strerror or error}; give another --log") from None
        with file:
            yield _writer(file)


class _Told(logging.Handler):
    """Takes what uvicorn says (of requests that are no HTTP) into the request log."""

    def __init__(self, log: _Log | None) -> None:
        super().__init__()
        self._log = log

    @classmethod
    def of(cls, log: _Log | None) -> None:
        """Take it there from now on, and nowhere else."""
        logger = logging.getLogger("uvicorn.error")
        logger.handlers, logger.propagate = [cls(log)], False

    def emit(self, record: logging.LogRecord) -> None:
        """Write it as a line of the log."""
        if self._log is not None:
            self._log(record.getMessage())


def _writer(stream: IO[str]) -> _Log:
    def write(line: str) -> None:
        # A log that cannot be written any more is no reason to answer nobody.
        with suppress(OSError, ValueError):
            stream.write(f"{time.strftime('%H:%M:%S')} {line}\n")
            stream.flush()

    return write


def _writable(place: Path | None) -> None:
    """See that a file can be put there. Raises UsageError."""
    if place is None:
        return
    try:
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        beside = place.with_name(f".{place.name}.stagecheck")
        write_atomically(beside, b"")
        beside.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {place}: {error.strerror or error}; give another file") from None
