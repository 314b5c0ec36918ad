"""One run of the suite against one mock, over respx, with everything a config can give."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import httpx

from stagecheck import spec
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.mock.app import Mock, as_httpx
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.outcome import RunResult, Violation
from stagecheck.suite.plan import PROFILES, Plan, Profile, ProfileName
from stagecheck.suite.runner import Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials
from stagecheck.target.reach import EMBEDDED_URL, mocked

AFTERWARDS = 100
"""Requests that a run explores on when it has found what it was to find: most of what else is wrong shows in them."""

CONFIRMING = 4000
"""Requests for seeing violations again: the mock is made anew for every trial, so long stories can be shortened."""


class Renewable:
    """A mock that can be had anew."""

    def __init__(self, make: Callable[[], Mock]) -> None:
        self.make = make
        self.mock = make()

    def renew(self) -> None:
        """Begin again with a target that nothing has been asked of."""
        self.mock = self.make()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer with the present one."""
        return as_httpx(self.mock, request)


def embedded_run(
    mock: Callable[[Scenario], Mock],
    *,
    profile: ProfileName | Profile = ProfileName.NIGHTLY,
    only: Iterable[str] = (),
    seed: int = 0,
    scenario: Callable[[], Scenario] = embedded,
    configured: Callable[[Plan, Credentials], tuple[Plan, Credentials]] = lambda plan, credentials: (plan, credentials),
    enough: Callable[[Violation], bool] = lambda _: False,
) -> RunResult:
    """Run the suite against a fresh `mock` of a fresh `scenario`.

    `only`: requirement ids, none for all. `configured` may take away from the plan and the credentials what another
    config would not give. `enough`: told each violation; once it says so, the run goes on for `AFTERWARDS` requests at
    most. Raises what `Runner.run` raises.
    """
    world = scenario()
    chosen = PROFILES[profile] if isinstance(profile, ProfileName) else profile
    plan, credentials = configured(
        embedded_plan(world, chosen, selected=tuple(only) or CATALOGUE, seed=seed), embedded_credentials()
    )
    present = Renewable(lambda: mock(scenario()))
    with mocked(present.answer) as http:
        limits = Limits(requests=chosen.requests + CONFIRMING, seconds=float("inf"))
        client = Client(EMBEDDED_URL, http, limits)
        runner = Runner(client, spec.load(), credentials, plan, mocked=True, renew=present.renew)
        runner.exploring_ends = chosen.requests
        runner.observer.violation = _ending(runner, enough)
        return runner.run()


def _ending(runner: Runner, enough: Callable[[Violation], bool]) -> Callable[[Violation], None]:
    """End the exploring soon when the run has found what it was to find."""

    def found(violation: Violation) -> None:
        if enough(violation) and runner.exploring_ends:
            runner.exploring_ends = min(runner.exploring_ends, runner.client.sent + AFTERWARDS)

    return found
