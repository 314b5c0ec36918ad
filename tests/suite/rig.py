"""A whole run against a mocked target, with everything that the tests ask about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import httpx

from stagecheck import spec
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import EMBEDDED_URL, embedded_credentials, embedded_plan
from stagecheck.exchange import Exchange
from stagecheck.mock.app import Answer, Call, Mock, as_httpx
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.requests import ReadList, ReadService, ReadStage, Request, is_management
from stagecheck.model.state import Placement
from stagecheck.operations import OperationKey
from stagecheck.outcome import RequirementResult, RunResult, Violation
from stagecheck.suite.plan import PROFILES, Plan, ProfileName
from stagecheck.suite.runner import Observer, Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials
from stagecheck.target.reach import mocked
from stagecheck.target.wallet import Wallet

DOCUMENT = spec.load()
QUICK, NIGHTLY = PROFILES[ProfileName.QUICK], PROFILES[ProfileName.NIGHTLY]
READS = {ReadList: OperationKey.LIST, ReadStage: OperationKey.GET_STAGE, ReadService: OperationKey.GET_SERVICE_STAGE}


class Offering(Mock):
    """A target that offers some of the reads only, and no management: the others are paths it does not know."""

    def __init__(self, scenario: Scenario, offers: Iterable[OperationKey]) -> None:
        super().__init__(scenario)
        self.offered = frozenset(offers)

    def understand(self, call: Call) -> Request | None:
        """Nothing, for a read that is not offered."""
        request = super().understand(call)
        if request is not None and is_management(request):
            return None
        key = READS.get(type(request))
        return None if key is not None and key not in self.offered else request


@dataclass
class Rig:
    """One run. `answering` may take the place of the mock's own answer."""

    mock: Mock
    plan: Plan
    credentials: Credentials = field(default_factory=embedded_credentials)
    limits: Limits | None = None
    answering: Callable[[httpx.Request], httpx.Response] | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    on_exchange: Callable[[Exchange], None] = lambda _: None
    wallet: Wallet | None = None
    client: Client = field(init=False)

    def run(self) -> RunResult:
        """Run the plan."""

        def heard(exchange: Exchange) -> None:
            self.exchanges.append(exchange)
            self.on_exchange(exchange)

        observer = Observer(phase=self.phases.append, exchange=heard, violation=self.violations.append)
        answering = self.answering or (lambda request: as_httpx(self.mock, request))
        with mocked(answering) as http:
            limits = self.limits or Limits(requests=self.plan.profile.requests)
            self.client = Client(EMBEDDED_URL, http, limits, patience=(0.0,) * 4, wallet=self.wallet)
            return Runner(self.client, DOCUMENT, self.credentials, self.plan, mocked=True, observer=observer).run()

    def moved(self) -> dict[str, Placement]:
        """The services that are not where they were, or have another flag."""
        homes = self.mock.scenario.world.placements
        return {key: place for key, place in self.mock.world.placements.items() if homes[key] != place}

    @property
    def sent(self) -> list[tuple[str, str, tuple[tuple[str, str], ...], bytes | None, str | None]]:
        """Everything that was sent, byte for byte."""
        requests = (exchange.request for exchange in self.exchanges)
        return [(r.method, r.path, r.headers, r.body, r.credential.header) for r in requests]


def rig(
    mock: Mock | None = None, *, quick: bool = True, selected: Iterable[str] | None = None, **changes: object
) -> Rig:
    """A rig for the embedded scenario; `changes` are those of the plan."""
    target = mock if mock is not None else Mock(embedded())
    profile = QUICK if quick else NIGHTLY
    plan = embedded_plan(target.scenario, profile, selected=CATALOGUE if selected is None else selected)
    return Rig(target, replace(plan, **changes))  # type: ignore[arg-type]  # the caller names the plan's own fields


def by_id(result: RunResult) -> dict[str, RequirementResult]:
    """The grades by requirement."""
    return {requirement.id: requirement for requirement in result.requirements}


def named(result: RunResult) -> set[str]:
    """The requirements that were found broken."""
    return {violation.breach.requirement for violation in result.violations}


__all__ = ["NIGHTLY", "QUICK", "Answer", "Offering", "Rig", "by_id", "named", "rig"]
