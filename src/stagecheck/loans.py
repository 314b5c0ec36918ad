"""The mocks of one test: servers that are up already are lent to it, each with a mock of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stagecheck.audit import defect_named
from stagecheck.errors import HarnessError, UsageError, closest
from stagecheck.mock.app import Mock
from stagecheck.mock.faults import Faults
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import Scenario
from stagecheck.mock.scenario_file import scenario_of
from stagecheck.mock.server import Server, idle_server
from stagecheck.model.state import Reading

_FAULTS = tuple(entry.name for entry in fields(Faults))
_KNOWN = ("scenario", "reading", "defect", *_FAULTS)


class Loans:
    """Lends servers while its context lasts, and takes them back at the end.

    `idle`: servers without a mock; one is taken from there, or started, for each that is asked for. `directory`: where
    scenario files with relative paths are. Raises HarnessError at the end if a mock was at fault itself.
    """

    def __init__(self, idle: list[Server], directory: Path) -> None:
        self._idle = idle
        self._directory = directory
        self._lent: list[tuple[Server, MockTarget]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take everything back."""
        for server, _ in self._lent:
            server.application.target = None
            self._idle.append(server)
        failures = [target.failure for _, target in self._lent if target.failure is not None]
        if failures and error is None:
            raise HarnessError(f"the mock failed: {type(failures[0]).__name__}: {failures[0]}") from failures[0]

    def make(
        self,
        scenario: Scenario | Mapping[str, Any] | str | Path | None = None,
        *,
        reading: Reading | str | None = None,
        defect: str | None = None,
        **faults: Any,
    ) -> MockTarget:
        """A mock that is served from now on.

        `scenario`: a YAML file, the same as a mapping, None for the embedded one; `reading`: what a skip to another
        stage means (SKIP-2); `defect`: the name of a seeded defect; the rest is that of `stagecheck.mock.Faults`.
        Raises UsageError.
        """
        unknown = next((name for name in faults if name not in _FAULTS), None)
        if unknown is not None:
            mend = closest(unknown, _KNOWN, otherwise=f"there are {', '.join(_KNOWN)}")
            raise UsageError(f"there is no {unknown!r} to choose; {mend}")
        if isinstance(scenario, str | Path):
            scenario = self._directory / scenario
        start = scenario_of(scenario, reading)
        kind = Mock if defect is None else defect_named(defect).mock
        chosen = Faults(**faults)
        server = self._idle.pop() if self._idle else idle_server()
        target = MockTarget(start, server.url, kind, chosen)
        server.application.target = target
        self._lent.append((server, target))
        return target
