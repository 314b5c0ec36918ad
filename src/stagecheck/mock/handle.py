"""A mock as whoever uses it holds it: where it is, its ids by name, its credentials, what was asked, what is so now.

The command line, the pytest fixture and the respx router hand out this one thing. It knows no HTTP server.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from stagecheck.errors import closest
from stagecheck.mock.app import Answer, Call, Mock, call_from, response_of
from stagecheck.mock.auth import FAR_AHEAD, LONG_AGO, issue_jwt
from stagecheck.mock.faults import HEADER, Disturbance, Faults
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import FOREIGN, OWN
from stagecheck.model.state import Placement, canonical

_REMEMBERED = 10_000
"""Requests that are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request that came, and what was answered. `fault`: which one it met, None for an answer of the mock's own."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    status: int
    fault: str | None = None

    def json(self) -> Any:
        """The body as JSON; None where there is no body. Raises ValueError for what is no JSON."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of the scenario: its id, and those of its stages (in order) and services by name."""

    name: str
    id: str
    stages: Mapping[str, str]
    services: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The credentials of a scenario; a token is None where its organization has none."""

    token: str | None
    jwt: str
    expired_jwt: str
    foreign_token: str | None


class MockTarget:
    """A mock that can be asked, looked at and begun anew.

    `url`: where it answers, without a slash at the end. `kind`: makes the mock of a scenario (`Mock`: one that keeps
    the contract). `failure`: the first error that the mock raised, which is a fault of stagecheck; None for none.
    """

    def __init__(
        self,
        scenario: Scenario,
        url: str,
        kind: Callable[[Scenario], Mock] = Mock,
        faults: Faults | None = None,
    ) -> None:
        self.scenario = scenario
        self.url = url
        self._base = urlsplit(url).path.encode()
        self.kind = kind
        self.faults = faults or Faults()
        self.mock = kind(scenario)
        self.disturbance = Disturbance(self.faults)
        self.failure: Exception | None = None
        self._seen: deque[tuple[Call, int, str | None]] = deque(maxlen=_REMEMBERED)

    # ------------------------------------------------------------------ being asked

    def answer(self, call: Call) -> Answer:
        """Answer a request, or meet it with a fault; remembered either way. Safe for threads, if the mock is."""
        answer = self.disturbance.instead() if self.disturbance.interferes else None
        fault = answer.headers[HEADER] if answer else None
        if answer is None:
            try:
                answer = self.mock.locked(call)
            except Exception as error:
                self.failure = self.failure or error
                raise
        self._seen.append((call, answer.status, fault))
        return answer

    def respond(self, request: httpx.Request) -> httpx.Response:
        """The same as httpx sees it: the side effect that mounts it on respx."""
        return response_of(self.answer(call_from(request, self._base)))

    def reset(self) -> None:
        """Begin anew: the scenario as it was, no request seen, the faults from their first one on."""
        self.mock = self.kind(self.scenario)
        self.disturbance = Disturbance(self.faults)
        self._seen.clear()

    @property
    def requests(self) -> list[SeenRequest]:
        """What was asked since the beginning or the last reset, the last one at the end."""
        return [
            SeenRequest(call.method, "/" + "/".join(call.segments), call.headers, call.body, status, fault)
            for call, status, fault in tuple(self._seen)
        ]

    # ------------------------------------------------------------------ names, ids, credentials

    @cached_property
    def environments(self) -> Mapping[str, Environment]:
        """All environments by name, the one under test first."""
        first = self.scenario.environment
        keys = sorted(self.scenario.world.organizations, key=lambda key: key != first)
        return {found.name: found for found in map(self._environment, keys)}

    def _environment(self, key: str) -> Environment:
        world, names = self.scenario.world, self.scenario.names
        stages = {stage.name or stage.id: stage.id for stage in world.stages_of(key)}
        services = {names.get(service, service): service for service in self.scenario.services(key)}
        return Environment(names.get(key, key), key, stages, services)

    @property
    def environment(self) -> str:
        """The id of the environment under test."""
        return self.scenario.environment

    @property
    def stages(self) -> Mapping[str, str]:
        """The ids of its stages by name, in deployment order."""
        return next(iter(self.environments.values())).stages

    @property
    def services(self) -> Mapping[str, str]:
        """The ids of its services by name."""
        return next(iter(self.environments.values())).services

    @cached_property
    def secrets(self) -> Secrets:
        """Every credential, valid and not."""
        tokens = self.scenario.tokens
        return Secrets(
            next((token for token, owner in tokens.items() if owner == OWN), None),
            issue_jwt(OWN, expires_at=FAR_AHEAD),
            issue_jwt(OWN, expires_at=LONG_AGO),
            next((token for token, owner in tokens.items() if owner == FOREIGN), None),
        )

    @property
    def token(self) -> str:
        """The API token; without one the JWT, which does as well."""
        secrets = self.secrets
        return secrets.token or secrets.jwt

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header that is let in."""
        secrets = self.secrets
        return {"Authorization": f"Token {secrets.token}" if secrets.token else f"Bearer {secrets.jwt}"}

    # ------------------------------------------------------------------ what is so now

    def stage_of(self, service: str) -> str:
        """The name of the stage that a service (a name or an id) is in. Raises KeyError that names the mend."""
        stage = self.mock.world.stages[self._placement(service).stage]
        return stage.name or stage.id

    def is_skipped(self, service: str) -> bool:
        """Whether a service (a name or an id) is skipped. Raises KeyError that names the mend."""
        return self._placement(service).skipped

    def _placement(self, service: str) -> Placement:
        placements = self.mock.world.placements
        known: dict[str, str] = {}
        for environment in reversed(list(self.environments.values())):
            known.update(environment.services)
        key = known.get(service, canonical(service))
        if key not in placements:
            mend = closest(service, known, "{!r}", otherwise=f"there are {', '.join(known)}")
            raise KeyError(f"no service {service!r}; {mend}")
        return placements[key]

    def state(self) -> dict[str, Any]:
        """Everything as it is now, as plain values for JSON."""
        world = self.mock.world
        return {
            "reading": world.reading,
            "environments": [
                {
                    "id": key,
                    "name": self.scenario.names.get(key, key),
                    "stages": [self._stage(one.id) for one in world.stages_of(key)],
                }
                for key in world.organizations
            ],
        }

    def _stage(self, key: str) -> dict[str, Any]:
        world = self.mock.world
        stage = world.stages[key]
        services = [
            {
                "id": service,
                "name": self.scenario.names.get(service, service),
                "type": world.services[service].type,
                "skipped": world.placements[service].skipped,
            }
            for service in world.services_in(key)
        ]
        return {"id": stage.id, "name": stage.name, "deployment_order": stage.order, "services": services}
