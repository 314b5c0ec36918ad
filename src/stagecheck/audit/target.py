"""One run of the suite against one mock, over respx or HTTP, with everything a config can give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx

from stagecheck import spec
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.mock.app import Mock
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.mock.server import serving
from stagecheck.outcome import RunResult, Violation
from stagecheck.suite.plan import PROFILES, Plan, Profile, ProfileName
from stagecheck.suite.runner import Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials
from stagecheck.target.reach import EMBEDDED_URL, live, mocked

AFTERWARDS = 100
"""Requests that a run explores on when it has found what it was to find: most of what else is wrong shows in them."""

CONFIRMING = 4000
"""Requests for seeing violations again: the mock is made anew for every trial, so long stories can be shortened."""


def embedded_run(  # noqa: PLR0913 - one mock, and what is unusual about the run: keywords, each with its default
    mock: Callable[[Scenario], Mock],
    *,
    profile: ProfileName | Profile = ProfileName.NIGHTLY,
    only: Iterable[str] = (),
    seed: int = 0,
    scenario: Callable[[], Scenario] = embedded,
    configured: Callable[[Plan, Credentials], tuple[Plan, Credentials]] = lambda plan, credentials: (plan, credentials),
    enough: Callable[[Violation], bool] = lambda _: False,
    over_http: bool = False,
) -> RunResult:
    """Run the suite against a fresh `mock` of a fresh `scenario`.

    `only`: requirement ids, none for all. `configured` may take away from the plan and the credentials what another
    config would not give. `enough`: told each violation; once it says so, the run goes on for `AFTERWARDS` requests at
    most. `over_http`: the mock is a server on this machine, and no respx route. Raises what `Runner.run` and the mock
    raise.
    """
    world = scenario()
    chosen = PROFILES[profile] if isinstance(profile, ProfileName) else profile
    plan, credentials = configured(
        embedded_plan(world, chosen, selected=tuple(only) or CATALOGUE, seed=seed), embedded_credentials()
    )
    with (_served if over_http else _mounted)(world, mock) as (target, http):
        limits = Limits(requests=chosen.requests + CONFIRMING, seconds=float("inf"))
        client = Client(target.url, http, limits)
        runner = Runner(client, spec.load(), credentials, plan, mocked=not over_http, renew=target.reset)
        runner.exploring_ends = chosen.requests
        runner.observer.violation = _ending(runner, enough)
        result = runner.run()
    if target.failure is not None:
        raise target.failure
    return result


_Kind = Callable[[Scenario], Mock]


@contextmanager
def _mounted(scenario: Scenario, kind: _Kind) -> Iterator[tuple[MockTarget, httpx.Client]]:
    target = MockTarget(scenario, EMBEDDED_URL, kind)
    with mocked(target.respond) as client:
        yield target, client


@contextmanager
def _served(scenario: Scenario, kind: _Kind) -> Iterator[tuple[MockTarget, httpx.Client]]:
    with serving(scenario, kind=kind) as target, live(target.url, Limits().timeout) as client:
        yield target, client


def _ending(runner: Runner, enough: Callable[[Violation], bool]) -> Callable[[Violation], None]:
    """End the exploring soon when the run has found what it was to find."""

    def found(violation: Violation) -> None:
        if enough(violation) and runner.exploring_ends:
            runner.exploring_ends = min(runner.exploring_ends, runner.client.sent + AFTERWARDS)

    return found
