"""What one exchange costs: in all, in the mocked target itself, and beside a bare respx exchange."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx
import respx

from stagecheck import spec
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.mock.app import Mock, as_httpx
from stagecheck.mock.scenario import embedded
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.suite.runner import Observer, Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.reach import EMBEDDED_URL, mocked

_WARM_UP = 200
_EXCHANGES = 2000


@dataclass(slots=True)
class PhaseCost:
    """One phase of a run: its requests, its seconds in all, and those spent inside the mocked target."""

    requests: int = 0
    total_s: float = 0.0
    target_s: float = 0.0

    @property
    def each_s(self) -> float:
        """Seconds per request."""
        return self.total_s / self.requests if self.requests else 0.0

    @property
    def own_share(self) -> float:
        """The share of the time that is not the target's."""
        return 1 - self.target_s / self.total_s if self.total_s else 0.0


def bare_exchange_s() -> float:
    """Seconds of one respx exchange with a constant answer: the PUT and the answer of the embedded scenario."""
    scenario = embedded()
    listing = Mock(scenario).listing(scenario.environment)
    stage, service = scenario.stages(scenario.environment)[0], scenario.services(scenario.environment)[0]
    url = f"{EMBEDDED_URL}/deploymentStage/{stage}/service/{service}"
    with respx.MockRouter(base_url=EMBEDDED_URL) as router, httpx.Client() as client:
        router.route().mock(return_value=httpx.Response(200, json=listing))
        for count in range(_WARM_UP + _EXCHANGES):
            if count == _WARM_UP:
                began = time.perf_counter()
            client.put(url, headers={"Accept": "application/json"}, json={"is_skipped": True}).json()
        return (time.perf_counter() - began) / _EXCHANGES


def run_cost(profile: ProfileName) -> tuple[dict[str, PhaseCost], float]:
    """The cost of every phase of one run on the embedded target, and the requests per second of the whole run.

    A run before it warms up what is imported late.
    """
    _measured(ProfileName.QUICK)
    return _measured(profile)


def _measured(profile: ProfileName) -> tuple[dict[str, PhaseCost], float]:
    costs: dict[str, PhaseCost] = {}
    scenario = embedded()
    mock = Mock(scenario)
    present = "discover"
    since = time.perf_counter()

    def answered(request: httpx.Request) -> httpx.Response:
        began = time.perf_counter()
        answer = as_httpx(mock, request)
        costs[present].target_s += time.perf_counter() - began
        costs[present].requests += 1
        return answer

    def phase(name: str) -> None:
        nonlocal present, since
        now = time.perf_counter()
        costs.setdefault(present, PhaseCost()).total_s += now - since
        present, since = name, now
        costs.setdefault(present, PhaseCost())

    chosen = PROFILES[profile]
    with mocked(answered) as http:
        client = Client(EMBEDDED_URL, http, Limits(requests=chosen.requests, seconds=float("inf")))
        plan = embedded_plan(scenario, chosen)
        runner = Runner(client, spec.load(), embedded_credentials(), plan, mocked=True, observer=Observer(phase=phase))
        began = time.perf_counter()
        runner.run()
        phase("end")
        took = time.perf_counter() - began
    costs.pop("end", None)
    return costs, client.sent / took
