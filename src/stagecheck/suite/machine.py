"""The Hypothesis state machine: long random walks, for what needs more memory than the tour has.

Every walk starts from the same placement, so a walk is its own reproducer. What is known already is masked: a walk
fails only on something new, Hypothesis shrinks it, and the machine is run again until nothing new appears or its
share of the budget is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from stagecheck.errors import StagecheckError
from stagecheck.model.requests import (
    CreateStage,
    DeleteStage,
    EditStage,
    Manage,
    MoveStage,
    Read,
    ReadList,
    ReadService,
    ReadStage,
)
from stagecheck.operations import OperationKey
from stagecheck.suite.discover import Ground
from stagecheck.suite.made import MOST_STAYING
from stagecheck.suite.sent import Sent, Signature
from stagecheck.suite.session import Session
from stagecheck.suite.tidy import tidy
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body
from stagecheck.wire.spell import operation_of

_MOST_RUNS = 12
_MOST_SERVICES = 6
_MOST_STAGES = 8
_MOST_MADE = 2

_INDEX = st.integers(0, 7)


class SomethingNew(Exception):
    """A walk met a violation that was not known; Hypothesis shrinks on it."""


@dataclass(slots=True)
class Errand:
    """One run of the machine: what is masked, how far requests may go, and the shortest walk to what it found."""

    session: Session
    ground: Ground
    until: int
    masked: frozenset[Signature]
    goal: Signature | None = None
    walk: tuple[Sent, ...] = ()
    ended: StagecheckError | None = None

    @property
    def over(self) -> bool:
        """Whether this run's share of the requests is used, or nothing more can be said of the target."""
        client = self.session.client
        return self.ended is not None or client.sent >= self.until or client.left < 4

    @contextmanager
    def in_earnest(self) -> Iterator[None]:
        """Keep from Hypothesis what is no finding: it would try to make it shorter."""
        try:
            yield
        except StagecheckError as error:
            self.ended = error


class Walk(RuleBasedStateMachine):
    """One walk. `errand` is set on a subclass for every run of the machine."""

    errand: Errand

    def __init__(self) -> None:
        super().__init__()
        self.session = self.errand.session
        self.services = self.errand.ground.all_services[:_MOST_SERVICES]
        self.stages = self.errand.ground.all_stages[:_MOST_STAGES]
        self.last: tuple[str, str, Body] | None = None
        self.visited: list[str] = []
        self.began = len(self.session.log)
        self.session.raw_seen.clear()

    # ------------------------------------------------------------------ helpers

    def _go(self, service: str, stage: str, body: Body, respell: tuple[str, ...] = ()) -> None:
        if self.errand.over:
            return
        with self.errand.in_earnest():
            self.session.attach(service, stage, body, respell=respell)
        self.last = (service, stage, body)
        self.visited.append(stage)
        self._check()

    def _check(self) -> None:
        """Fail on the violation that is being shrunk, or on the first new one."""
        errand = self.errand
        seen = self.session.raw_seen - errand.masked
        if errand.goal is None and seen:
            errand.goal = min(seen)
        if errand.goal in seen:
            walk = self.session.log[self.began :]
            if not errand.walk or len(walk) < len(errand.walk):
                errand.walk = tuple(walk)
            raise SomethingNew(f"{errand.goal}")

    def _service(self, index: int) -> str:
        return self.services[index % len(self.services)]

    def _here(self, service: str) -> str:
        placement = self.session.world.placements.get(service)
        return placement.stage if placement else self.stages[0]

    # ------------------------------------------------------------------ rules

    @initialize()
    def canonical_placement(self) -> None:
        """Spread the services over the stages, un-skipped: where every walk starts."""
        for position, service in enumerate(self.services):
            stage = self.stages[position % len(self.stages)]
            placement = self.session.world.placements.get(service)
            if self.errand.over:
                return
            if placement is None or placement.stage != stage or placement.skipped:
                with self.errand.in_earnest():
                    self.session.attach(service, stage, bodies.FALSE)
        with self.errand.in_earnest():
            for _ in tidy(self.session, self.stages[0]):
                pass

    @rule(service=_INDEX, stage=_INDEX, body=st.sampled_from(bodies.MOVES))
    def move(self, service: int, stage: int, body: Body) -> None:
        """Move, or un-skip in place."""
        self._go(self._service(service), self.stages[stage % len(self.stages)], body)

    @rule(service=_INDEX, body=st.sampled_from(bodies.SKIPS))
    def skip(self, service: int, body: Body) -> None:
        """Skip where it is."""
        chosen = self._service(service)
        self._go(chosen, self._here(chosen), body)

    @rule(service=_INDEX, stage=_INDEX, body=st.sampled_from((*bodies.SKIPS, *bodies.LENIENT)))
    def send_elsewhere(self, service: int, stage: int, body: Body) -> None:
        """True, null and the texts to any stage."""
        self._go(self._service(service), self.stages[stage % len(self.stages)], body)

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat(self) -> None:
        """The same request again."""
        if self.last is not None:
            self._go(*self.last)

    @precondition(lambda self: len(self.visited) > 1)
    @rule(service=_INDEX, back=_INDEX, body=st.sampled_from(bodies.MOVES))
    def go_back(self, service: int, back: int, body: Body) -> None:
        """Return to a stage that was addressed before."""
        self._go(self._service(service), self.visited[-1 - back % len(self.visited)], body)

    @rule(service=_INDEX, stage=_INDEX)
    def in_capitals(self, service: int, stage: int) -> None:
        """A move whose ids are spelled in capitals."""
        self._go(self._service(service), self.stages[stage % len(self.stages)], bodies.NO_BODY, ("stage", "service"))

    @rule(deed=st.sampled_from(("make", "fill", "edit", "before", "after", "delete")), which=_INDEX, thing=_INDEX)
    def manage(self, deed: str, which: int, thing: int) -> None:
        """Something is done to a stage of the walk's own; the first that is done to it is to make it.

        No precondition: what is offered is found out in the course of a run, and a kept walk must mean the same always.
        """
        ours = list(self.session.created)
        if self.errand.over or not {OperationKey.CREATE, OperationKey.DELETE} <= self.session.offers:
            return
        if not ours or (deed == "make" and len(ours) < _MOST_MADE):
            if self.session.made.staying(self.session.world.stages) >= MOST_STAYING:
                return
            name = f"STAGECHECK WALK {len(self.session.made.names) + 1}"
            self._manage(
                CreateStage(self.session.oracle.environment, name, "made by stagecheck" if thing % 2 else None)
            )
            return
        stage = ours[which % len(ours)]
        anchors = [other for other in (*self.stages, *ours) if other != stage]
        if deed == "fill":
            self._go(self._service(thing), stage, bodies.TRUE if thing % 2 else bodies.NO_BODY)
        elif deed == "edit":
            description = (None, "", "described", "described anew")[thing % 4]
            self._manage(EditStage(stage, f"STAGECHECK EDITED {thing}", description))
        elif deed in ("before", "after"):
            self._manage(MoveStage(stage, anchors[thing % len(anchors)], deed == "after"))
        else:
            self._manage(DeleteStage(stage))

    def _manage(self, request: Manage) -> None:
        if self.errand.over or operation_of(request) not in self.session.offers:
            return
        with self.errand.in_earnest():
            self.session.manage(request)
            if OperationKey.LIST in self.session.offers and not self.session.raw_seen - self.errand.masked:
                self.session.read(ReadList(self.session.oracle.environment))
        self._check()

    @rule(which=_INDEX, thing=_INDEX)
    def look(self, which: int, thing: int) -> None:
        """One of the reads that are offered."""
        reads = self._reads(thing)
        if reads and not self.errand.over:
            with self.errand.in_earnest():
                self.session.read(reads[which % len(reads)])
            self._check()

    def _reads(self, thing: int) -> list[Read]:
        offers = self.session.offers
        reads: list[Read] = []
        if OperationKey.LIST in offers:
            reads.append(ReadList(self.session.oracle.environment))
        if OperationKey.GET_SERVICE_STAGE in offers:
            reads.append(ReadService(self._service(thing)))
        if OperationKey.GET_STAGE in offers:
            reads.append(ReadStage(self.stages[thing % len(self.stages)]))
        return reads


@dataclass(frozen=True, slots=True)
class Journey:
    """How far the machine goes: `examples` walks of `steps` steps, within `requests`, chosen by `seed`.

    `kept`: the directory in which failing walks are kept from run to run, None for nowhere.
    """

    examples: int
    steps: int
    requests: int
    seed: int
    kept: Path | None = None


def again(session: Session, ground: Ground, journey: Journey) -> None:
    """Try what failed in earlier runs, before anything else: what was mended is forgotten, what was not is found."""
    if journey.kept is None or not journey.kept.is_dir():
        return
    last = session.client.sent + journey.requests
    for _ in range(_MOST_RUNS):
        errand = Errand(session, ground, last, frozenset(session.raw_ever))
        _run(errand, journey, (Phase.reuse,))
        if errand.ended is not None:
            raise errand.ended
        if errand.goal is None or errand.over:
            return


def walk(session: Session, ground: Ground, journey: Journey) -> bool:
    """Run the machine until nothing new appears; False if its requests were too few for that.

    Violations end up in `session.findings`.
    """
    session.client.phase = "machine"
    last = session.client.sent + journey.requests
    for attempt in range(_MOST_RUNS):
        errand = Errand(session, ground, last, frozenset(session.raw_ever))
        # Kept walks are not tried here: what is known by now is masked, so they would pass, and be forgotten.
        _run(errand, replace(journey, seed=journey.seed + attempt), (Phase.generate, Phase.shrink))
        if errand.ended is not None:
            raise errand.ended
        if errand.goal is None or errand.over:
            return not errand.over
    return False


def _run(errand: Errand, journey: Journey, phases: tuple[Phase, ...]) -> None:
    machine = type("Walk", (Walk,), {"errand": errand})
    bound = settings(
        max_examples=journey.examples,
        stateful_step_count=journey.steps,
        deadline=None,
        database=DirectoryBasedExampleDatabase(journey.kept) if journey.kept else None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        phases=phases,
    )
    try:
        run_state_machine_as_test(seed(journey.seed)(machine), settings=bound)
    except SkipTest:
        # Nothing was kept that could be tried again.
        return
    except (SomethingNew, Flaky):
        # Found, and shrunk as far as its share allowed; the target may also have answered otherwise this time.
        if errand.goal is not None and errand.walk:
            errand.session.leads[errand.goal] = errand.walk
