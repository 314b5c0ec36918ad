"""The embedded target as a run sees it: its whole config, and a client whose requests a mock answers over respx.

Glue of layer 4: it joins `mock` and `target`, which do not know each other. The command line's default target and the
audit both stand on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpx

from stagecheck.contract import CATALOGUE
from stagecheck.mock.app import Mock, as_httpx
from stagecheck.mock.auth import FAR_AHEAD, LONG_AGO, issue_jwt
from stagecheck.mock.scenario import FOREIGN_TOKEN, TOKEN, Scenario
from stagecheck.model.requests import OWN
from stagecheck.model.state import Reading
from stagecheck.suite.plan import PROFILES, Plan, Profile, ProfileName, Things
from stagecheck.target.credentials import Credentials
from stagecheck.target.reach import EMBEDDED_URL, mocked

__all__ = ["EMBEDDED_URL", "embedded_client", "embedded_credentials", "embedded_plan", "private_client"]


def embedded_plan(
    scenario: Scenario,
    profile: Profile = PROFILES[ProfileName.NIGHTLY],
    *,
    selected: Iterable[str] = CATALOGUE,
    seed: int = 0,
    reading: Reading | None = None,
) -> Plan:
    """The plan of a run against that scenario, with everything in it named. `reading`: pinned, None to find out."""
    return Plan(
        environment=scenario.environment,
        stages=tuple(scenario.stages(scenario.environment)),
        services=tuple(scenario.services(scenario.environment)),
        second=_first_things(scenario, scenario.second_environment),
        foreign=_first_things(scenario, scenario.foreign_environment),
        profile=profile,
        selected=frozenset(selected),
        seed=seed,
        reading=reading,
    )


def embedded_credentials() -> Credentials:
    """Every credential that a config can give."""
    return Credentials(
        token=TOKEN,
        jwt=issue_jwt(OWN, expires_at=FAR_AHEAD),
        expired_jwt=issue_jwt(OWN, expires_at=LONG_AGO),
        foreign_token=FOREIGN_TOKEN,
    )


@contextmanager
def embedded_client(mock: Mock) -> Iterator[httpx.Client]:
    """A client of `EMBEDDED_URL` that the mock answers, in this process."""
    with mocked(lambda request: as_httpx(mock, request)) as client:
        yield client


def private_client(mock: Mock) -> httpx.Client:
    """A client that this mock alone answers, whatever else is mocked in this process. To be closed."""
    return httpx.Client(transport=httpx.MockTransport(lambda request: as_httpx(mock, request)))


def _first_things(scenario: Scenario, environment: str | None) -> Things:
    """The first stage and the first service of an environment, where there is one and it has any."""
    if environment is None:
        return Things()
    return Things(
        environment, next(iter(scenario.stages(environment)), None), next(iter(scenario.services(environment)), None)
    )
