"""A mock over real HTTP, on 127.0.0.1, for tests that need a socket: curl, generated test files, replay."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stagecheck.embedded import embedded_credentials
from stagecheck.mock.app import Mock
from stagecheck.mock.config_file import config_of
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.server import Server, idle_server

SERVE = (sys.executable, "-m", "stagecheck", "serve")
_IDLE: list[Server] = []
"""Servers that are up and serve nothing at present: starting and stopping one takes longer than most tests."""


@contextmanager
def serving(mock: Mock) -> Iterator[str]:
    """Serve a mock; yields its base URL."""
    server = _IDLE.pop() if _IDLE else _started()
    target = MockTarget(mock.scenario, server.url, lambda _: mock)
    server.application.target = target
    try:
        yield server.url
    finally:
        server.application.target = None
        _IDLE.append(server)
    if target.failure is not None:
        raise target.failure


def _started() -> Server:
    server = idle_server()
    atexit.register(server.stop)
    return server


@contextmanager
def served(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`stagecheck serve` in a process of its own, and its ready line."""
    with subprocess.Popen(
        [*SERVE, "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def secrets_for_a_shell() -> dict[str, str]:
    """The credentials of the embedded scenario, as the environment variables that reproducers read."""
    own = embedded_credentials()
    names = ("token", "jwt", "expired_jwt", "foreign_token")
    return {f"STAGECHECK_{name.upper()}": getattr(own, name) for name in names}


def config_for(mock: Mock, url: str, directory: Path) -> Path:
    """A stagecheck.toml for a served mock of the embedded scenario."""
    path = directory / "stagecheck.toml"
    path.write_text(config_of(MockTarget(mock.scenario, url, lambda _: mock)))
    return path
