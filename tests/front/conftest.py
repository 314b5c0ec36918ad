"""A live target of another make, a config for it, and the command line called in this process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from front.samples import Called, tables_of, toml_of
from kit.patience import Skipping, skipping
from peers.ledger_server import Context, start
from stagecheck.cli import main

Toml = Callable[..., Path]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a directory of its own, and so do the caches."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(tmp_path / "hypothesis"))
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    def called(*arguments: str | Path) -> Called:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Called(code, captured.out, captured.err)

    return called


@pytest.fixture(scope="session")
def ledger() -> Iterator[Context]:
    """A server of another make, conforming."""
    with start() as context:
        yield context


@pytest.fixture
def config(ledger: Context, tmp_path: Path) -> Toml:
    """Write a config for a server (the conforming one), with changes: `auth={"token": "wrong"}`; None removes a key."""

    def written(context: Context = ledger, **changes: Mapping[str, Any]) -> Path:
        tables = tables_of(context)
        for table, values in changes.items():
            kept = {**tables.get(table, {}), **values}
            tables[table] = {key: value for key, value in kept.items() if value is not None}
        place = tmp_path / "stagecheck.toml"
        place.write_text(toml_of(tables))
        return place

    return written


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Skipping:
    """What runs in this process waits for no target; how long it would have."""
    return skipping(monkeypatch)


@pytest.fixture
def nobody() -> str:
    """A URL at which nothing listens: whoever sends something there ends with 3."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"
