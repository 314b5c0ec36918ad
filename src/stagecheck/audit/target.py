"""One run of the suite against one mock, over respx, with everything a config can give."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from stagecheck import spec
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import EMBEDDED_URL, embedded_client, embedded_credentials, embedded_plan
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.outcome import RunResult, Violation
from stagecheck.suite.plan import PROFILES, Plan, ProfileName
from stagecheck.suite.runner import Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials

AFTERWARDS = 100
"""Requests that a run explores on when it has found what it was to find: most of what else is wrong shows in them."""


def embedded_run(
    mock: Callable[[Scenario], Mock],
    *,
    profile: ProfileName = ProfileName.NIGHTLY,
    only: Iterable[str] = (),
    seed: int = 0,
    scenario: Callable[[], Scenario] = embedded,
    configured: Callable[[Plan, Credentials], tuple[Plan, Credentials]] = lambda plan, credentials: (plan, credentials),
    enough: Container[str] = (),
) -> RunResult:
    """Run the suite against a fresh `mock` of a fresh `scenario`.

    `only`: requirement ids, none for all. `configured` may take away from the plan and the credentials what another
    config would not give. `enough`: once one of these requirements is seen broken, the run goes on for `AFTERWARDS`
    requests at most. Raises what `Runner.run` raises.
    """
    world = scenario()
    chosen = PROFILES[profile]
    plan, credentials = configured(
        embedded_plan(world, chosen, selected=tuple(only) or CATALOGUE, seed=seed), embedded_credentials()
    )
    with embedded_client(mock(world)) as http:
        client = Client(EMBEDDED_URL, http, Limits(requests=chosen.requests, seconds=float("inf")))
        runner = Runner(client, spec.load(), credentials, plan, mocked=True)
        runner.observer.violation = _ending(runner, enough)
        return runner.run()


def _ending(runner: Runner, enough: Container[str]) -> Callable[[Violation], None]:
    """End the exploring soon when the run has found what it was to find."""

    def found(violation: Violation) -> None:
        if violation.breach.requirement in enough and runner.exploring_ends is None:
            runner.exploring_ends = runner.client.sent + AFTERWARDS

    return found
