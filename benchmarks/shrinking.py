"""How short the stories of violations are, beside the shortest that can be found by trying everything.

For each defect of MOVE, SKIP and STATE: the steps of the shrunk story without its set-up; and whether any shorter
sequence of requests shows a right requirement broken, tried out from many placements on a fresh mock each. What takes
longer than `PATIENCE_S` of processor time is left there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import httpx
from rich.console import Console
from rich.table import Table

from stagecheck import spec
from stagecheck.audit.defect import DEFECTS, Defect
from stagecheck.audit.target import embedded_run
from stagecheck.embedded import embedded_credentials
from stagecheck.mock.app import Mock, as_httpx
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.oracle import Oracle
from stagecheck.model.requests import ReadList, ReadService, ReadStage
from stagecheck.operations import OperationKey
from stagecheck.suite.findings import Findings
from stagecheck.suite.session import Session
from stagecheck.target.client import Attempt, Client, Limits
from stagecheck.target.reach import EMBEDDED_URL
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body

PATIENCE_S = 20.0
_FAMILIES = ("MOVE", "SKIP", "STATE")
Step = tuple[str, str, Body | None]
"""A service, a stage and a body; without a body one of the reads, named by the first."""


@dataclass(frozen=True, slots=True)
class Length:
    """The steps of a story, with and without its set-up, and of the shortest known one; None for never found.

    `all_tried`: whether every shorter sequence was tried.
    """

    name: str
    requirement: str
    shrunk: int | None
    with_set_up: int | None
    shortest: int | None
    all_tried: bool

    @property
    def equal(self) -> bool:
        """Whether no shorter one is known."""
        return self.shrunk is not None and self.shrunk == self.shortest


def measured_names() -> list[str]:
    """The defects whose violations are about state."""
    return [name for name, defect in DEFECTS.items() if defect.requirement.split("-")[0] in _FAMILIES]


def measure(name: str) -> Length:
    """The lengths of one defect, given by name so that it can cross to another process."""
    defect = DEFECTS[name]
    violations = embedded_run(defect.mock, enough=defect.names).violations
    stories = [
        (len(v.steps[v.set_up : v.wrong + 1 or None]), len(v.steps))
        for v in violations
        if v.breach.requirement in defect.right_names and v.replays is not None and v.replays.again
    ]
    shrunk, whole = min(stories, default=(None, None))
    shorter, all_tried = _shorter(defect, shrunk or 1)
    return Length(name, defect.requirement, shrunk, whole, shorter or shrunk, all_tried)


def _shorter(defect: Defect, than: int) -> tuple[int | None, bool]:
    """The length of the shortest sequence that is shorter, None if there is none; and whether all were tried."""
    until = time.process_time() + PATIENCE_S
    scenario = embedded()
    placements = list(_placements(scenario))
    for length in range(1, than):
        for home, steps in product(placements, product(_steps(scenario), repeat=length)):
            if time.process_time() > until:
                return None, False
            if _breaks(defect, home, steps):
                return length, True
    return None, True


def _placements(scenario: Scenario) -> Iterator[tuple[tuple[str, str, bool], ...]]:
    """Set-ups: nothing, one service in each stage with either flag, or two services in one or in two stages."""
    stages = scenario.stages(scenario.environment)
    first, other, *_ = scenario.services(scenario.environment)
    yield ()
    for stage, flag in product((stages[0], stages[1], stages[-1]), (False, True)):
        yield ((first, stage, flag),)
        for elsewhere, second in product((stages[0], stages[1]), (False, True)):
            yield ((first, stage, flag), (other, elsewhere, second))


def _steps(scenario: Scenario) -> list[Step]:
    stages = scenario.stages(scenario.environment)
    services = scenario.services(scenario.environment)[:2]
    forms = (bodies.NO_BODY, bodies.EMPTY_OBJECT, bodies.FALSE, bodies.TRUE)
    puts: list[Step] = list(product(services, (stages[0], stages[1], stages[-1]), forms))
    return [*puts, ("list", "", None), ("service", services[0], None), *(("stage", s, None) for s in stages[:2])]


def _breaks(defect: Defect, home: tuple[tuple[str, str, bool], ...], steps: tuple[Step, ...]) -> bool:
    """Whether the last of the steps shows a right requirement broken, on a mock that nothing was asked of."""
    mock = defect.mock(embedded())
    scenario = mock.scenario

    class Straight(Client):
        """Asks the mock without a transport: only the judgement matters here."""

        def _exchange(self, message: httpx.Request) -> Attempt:
            answer = as_httpx(mock, message)
            return Attempt(answer.status_code, dict(answer.headers), answer.content)

    session = Session(Straight(EMBEDDED_URL, _HTTP, Limits(requests=99)), _DOCUMENT, _OWN, Findings(()))
    world = Mock(scenario).world
    session.oracle = Oracle(world, scenario.environment)
    session.oracle.worlds = (world,)
    session.offers = {OperationKey.ATTACH, OperationKey.LIST}
    session.replaying = True
    for service, stage, skipped in home:
        session.attach(service, stage, bodies.FALSE)
        if skipped:
            session.attach(service, stage, bodies.TRUE)
    session.raw_seen.clear()
    for one, two, body in steps:
        session.raw_seen.clear()
        if body is not None:
            session.attach(one, two, body)
        elif one == "list":
            session.read(ReadList(scenario.environment))
        else:
            session.read(ReadService(two) if one == "service" else ReadStage(two))
    return any(requirement in defect.right_names for requirement, _ in session.raw_seen)


_DOCUMENT, _OWN, _HTTP = spec.load(), embedded_credentials(), httpx.Client()


def print_lengths(console: Console, lengths: list[Length]) -> None:
    """The table, and how many are as short as can be."""
    table = Table(title="Steps of the shrunk stories")
    for heading in ("defect", "aimed at", "shrunk", "with set-up", "shortest known"):
        table.add_column(heading, justify="left" if heading in ("defect", "aimed at") else "right")
    for found in sorted(lengths, key=lambda entry: (entry.equal, entry.shrunk or 99)):
        shortest = f"{found.shortest}{'' if found.all_tried else ' (not all shorter ones tried)'}"
        table.add_row(found.name, found.requirement, str(found.shrunk), str(found.with_set_up), shortest)
    console.print(table)
    steps = sorted(found.shrunk for found in lengths if found.shrunk is not None)
    share = sum(found.equal for found in lengths) / len(lengths)
    console.print(
        f"{len(lengths)} defects of state: median {steps[len(steps) // 2]} steps; {share:.0%} as short as the "
        "shortest known (aim: 90 %)"
    )
