"""A mock as a respx router, for tests of code that calls the API with httpx: nothing leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import respx

from stagecheck.errors import UsageError
from stagecheck.mock.app import Mock
from stagecheck.mock.faults import Faults
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import Scenario
from stagecheck.mock.scenario_file import scenario_of
from stagecheck.model.state import Reading

VENDOR_URL = "https://api.qovery.com"
"""Where the vendor runs the API (P)."""


class Router(respx.MockRouter):
    """A respx router with one more attribute: `target`, the mock that answers. Everything of respx works as usual."""

    target: MockTarget

    def __enter__(self) -> Self:
        """Answer from now on; said again for its type."""
        super().__enter__()
        return self

    async def __aenter__(self) -> Self:
        """The same in a coroutine."""
        return self.__enter__()


def router(
    scenario: Scenario | Mapping[str, Any] | str | Path | None = None,
    *,
    base_url: str = VENDOR_URL,
    reading: Reading | str | None = None,
    kind: Callable[[Scenario], Mock] = Mock,
    faults: Faults | None = None,
    assert_all_mocked: bool = True,
) -> Router:
    """A router that answers every request below `base_url` as the API would; use it as a context manager.

    `scenario`: a YAML file, the same as a mapping, None for the one that is embedded; `reading`: what a skip to another
    stage means (SKIP-2), in place of the scenario's; `kind`: a subclass of Mock that does something in its own way;
    `faults`: what goes wrong (latency needs a server). Both clients of httpx are answered, and requests to other places
    raise, as is respx's habit. Raises UsageError.
    """
    if faults is not None and any(faults.range_ms):
        raise UsageError(
            "a router answers at once; for latency take stagecheck.mock.serving or the fixture stagecheck_mock"
        )
    made = Router(base_url=base_url, assert_all_called=False, assert_all_mocked=assert_all_mocked)
    made.target = MockTarget(scenario_of(scenario, reading), base_url.rstrip("/"), kind, faults)
    made.route().mock(side_effect=made.target.respond)
    return made
