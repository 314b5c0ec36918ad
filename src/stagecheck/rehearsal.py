"""What a run would send, found out by running it against the mock: the same plan, the same ids, in this process.

Nothing leaves the process. The mock stands for a conforming target that offers everything; what the config does not
name, stages and services of an environment that would be listed, is there in the mock's own number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import cycle

from stagecheck.embedded import EMBEDDED_URL, embedded_client, embedded_credentials
from stagecheck.exchange import Exchange
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import CREATED_AT, Scenario, embedded, stable_id
from stagecheck.model.requests import FOREIGN, OWN
from stagecheck.model.state import Placement, Reading, Service, Stage, World, canonical
from stagecheck.spec import Document
from stagecheck.suite.plan import Plan, Things, unasked
from stagecheck.suite.runner import Observer, Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials


@dataclass(slots=True)
class Rehearsal:
    """What was sent: requests by phase and method; how many stages were made."""

    sent: dict[str, Counter[str]] = field(default_factory=dict)
    made: int = 0

    def note(self, exchange: Exchange) -> None:
        """Count an exchange."""
        request = exchange.request
        self.sent.setdefault(exchange.phase, Counter())[request.method] += 1
        done = exchange.status is not None and 200 <= exchange.status < 300
        self.made += done and request.method == "POST"

    @property
    def total(self) -> Counter[str]:
        """Requests by method."""
        return sum(self.sent.values(), Counter())


def rehearse(plan: Plan, limits: Limits, document: Document, credentials: Credentials) -> Rehearsal:
    """Run the plan against the mock; `credentials` are stood for by those of the mock, each where there is one."""
    rehearsal = Rehearsal()
    own = embedded_credentials()
    given = {role: getattr(own, role) if getattr(credentials, role) else None for role in Credentials.ROLES}
    quiet = replace(plan, before_writing=unasked, kept=None)
    with embedded_client(Mock(stage_set(plan))) as http:
        client = Client(EMBEDDED_URL, http, Limits(requests=limits.requests, seconds=float("inf")))
        observer = Observer(exchange=rehearsal.note)
        Runner(client, document, Credentials(**given), quiet, mocked=True, observer=observer).run()
    return rehearsal


def stage_set(plan: Plan) -> Scenario:
    """A scenario that has the ids of a plan."""
    usual = embedded()
    main = canonical(plan.environment) if plan.environment else usual.environment
    stages = _all(plan.stages) or usual.stages(usual.environment)
    services = _all(plan.services) or usual.services(usual.environment)
    world = _furnished(World({main: OWN}, {}, {}), main, stages, services)
    others: list[str | None] = []
    for name, things, organization in (("second", plan.second, OWN), ("foreign", plan.foreign, FOREIGN)):
        home = None
        if things != Things():
            home = canonical(things.environment) if things.environment else stable_id(name)
            world = replace(world, organizations={**world.organizations, home: organization})
            stage = things.stage or stable_id(f"{name} stage")
            world = _furnished(world, home, _all([stage]), _all([things.service or stable_id(f"{name} service")]))
        others.append(home)
    known = replace(world, complete=frozenset(world.organizations), reading=plan.reading or Reading.MOVE_AND_SKIP)
    return Scenario(known, main, others[0], others[1])


def _all(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(canonical(identifier) for identifier in ids))


def _furnished(world: World, environment: str, stages: list[str], services: list[str]) -> World:
    """The world with those stages in order, and those services among them, each third one skipped."""
    made = {
        key: Stage(key, environment, f"STAGE {order}", f"Stage {order}", order, CREATED_AT)
        for order, key in enumerate(stages, start=1)
    }
    placed = {
        service: Placement(stage, number % 3 == 2)
        for number, (service, stage) in enumerate(zip(services, cycle(stages), strict=False))
    }
    return replace(
        world,
        stages={**world.stages, **made},
        services={**world.services, **{key: Service(key, environment, "APPLICATION") for key in services}},
        placements={**world.placements, **placed},
    )
