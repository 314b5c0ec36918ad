"""The tour: what clients do, in an order that shows the most in the fewest requests. Deterministic.

Each answer shows the whole state, so one PUT tests its own promise and every promise about what must not change.
The walk is written relative to where services are: `self.other` is a stage the service is not in, chosen so that
third stages, returns to earlier ones, empty and crowded ones all come up.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from stagecheck.model.requests import Read, ReadList, ReadService, ReadStage
from stagecheck.model.state import Placement
from stagecheck.operations import OperationKey
from stagecheck.suite.discover import Ground
from stagecheck.suite.session import Session
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body

Part = Iterator[None]


class Tour:
    """Walks over one session. Each part is a generator that yields after every step, so that parts can be mixed."""

    def __init__(self, session: Session, ground: Ground) -> None:
        self.session = session
        self.ground = ground
        self._reads = cycle(("list", "service", "stage", "old-stage"))
        self._left_behind: str | None = None

    def courses(self) -> tuple[list[Part], list[Part], list[Part], list[Part]]:
        """The tour in four courses: what clients do all day, what is common, what is rarer, the other services."""
        first, *others = self.ground.services
        last = others[-1] if others else first
        daily = [self.first_promises(first)]
        common = [
            self.skip_elsewhere(first),
            self.bystanders(first, others[0]) if others else self.round_trip(first),
            self.letter_case(first),
        ]
        rarer = [
            self.reads_after(first),
            self.crowd(self.ground.services),
            self.there_and_back(first),
        ]
        rest = [part for service in others for part in self.of_another(service, first)]
        unusual = [self.body_forms(first), self.round_trip(last)]
        return daily, common, rarer, [*unusual, *rest]

    # ------------------------------------------------------------------ where things are

    def placement(self, service: str) -> Placement:
        """Where a service is believed to be; one that vanished is looked for where it was sent last."""
        known = self.session.world.placements.get(service)
        return known or Placement(self.ground.stages[0], skipped=False)

    def other(self, service: str, hop: int = 1) -> str:
        """Another stage than the service's: the next one in the ring, or `hop` further. The same if there is one."""
        ring = self.ground.stages
        here = self.placement(service).stage
        others = [stage for stage in ring if stage != here]
        if not others:
            return here
        start = ring.index(here) if here in ring else -1
        ordered = sorted(others, key=lambda stage: (ring.index(stage) - start - hop) % len(ring))
        return ordered[0]

    # ------------------------------------------------------------------ steps

    def put(self, service: str, stage: str, body: Body) -> Iterator[None]:
        """One PUT."""
        here = self.placement(service).stage
        if here != stage:
            self._left_behind = here
        self.session.attach(service, stage, body)
        yield

    def read(self, service: str, kind: str | None = None) -> Iterator[None]:
        """One read, of the kinds offered in turn, or of a given kind if it is offered."""
        for _ in range(4):
            request = self._read(service, kind or next(self._reads))
            if request is not None:
                self.session.read(request)
                yield
                return
            if kind is not None:
                return

    def _read(self, service: str, kind: str) -> Read | None:
        offers = self.session.offers
        if kind == "list" and OperationKey.LIST in offers:
            return ReadList(self.session.oracle.environment)
        if kind == "service" and OperationKey.GET_SERVICE_STAGE in offers:
            return ReadService(service)
        if kind == "stage" and OperationKey.GET_STAGE in offers:
            return ReadStage(self.placement(service).stage)
        if kind == "old-stage" and OperationKey.GET_STAGE in offers and self._left_behind is not None:
            return ReadStage(self._left_behind)
        return None

    def skip(self, service: str) -> Iterator[None]:
        """Skip a service where it is, unless it is skipped already."""
        if not self.placement(service).skipped:
            yield from self.put(service, self.placement(service).stage, bodies.TRUE)

    # ------------------------------------------------------------------ parts

    def first_promises(self, service: str) -> Iterator[None]:
        """Move, repeat, skip, repeat, move while skipped, un-skip in place: what clients do all day.

        Every body form comes up once; each stage is read while the service is in it and again when it has left.
        """
        here = self.placement(service).stage
        yield from self.read(service, "list")
        yield from self.read(service, "stage")
        yield from self.put(service, here, bodies.TRUE)
        yield from self.put(service, here, bodies.TRUE)
        yield from self.read(service, "service")
        yield from self.put(service, self.other(service), bodies.NO_BODY)
        yield from self.read(service, "old-stage")
        yield from self.read(service, "list")
        yield from self.put(service, self.placement(service).stage, bodies.EMPTY_JSON)
        yield from self.skip(service)
        yield from self.put(service, self.placement(service).stage, bodies.FALSE)
        yield from self.read(service, "stage")
        # Back to a stage in which it was skipped before: the flag must not come back.
        yield from self.put(service, here, bodies.EMPTY_OBJECT)
        yield from self.read(service, "service")
        yield from self.skip(service)
        yield from self.put(service, here, bodies.NO_BODY)
        yield from self.put(service, here, bodies.NO_BODY)
        yield from self.read(service, "list")
        yield from self.skip(service)
        yield from self.put(service, self.other(service), bodies.FALSE)
        yield from self.skip(service)
        yield from self.put(service, self.other(service), bodies.EMPTY_JSON)
        yield from self.read(service, "old-stage")
        yield from self.skip(service)
        yield from self.put(service, self.placement(service).stage, bodies.EMPTY_OBJECT)

    def skip_elsewhere(self, service: str) -> Iterator[None]:
        """SKIP-2: true to another stage, from an un-skipped and from a skipped service, towards both ends."""
        yield from self.put(service, self.placement(service).stage, bodies.FALSE)
        yield from self.put(service, self.other(service), bodies.TRUE)
        yield from self.read(service)
        yield from self.skip(service)
        yield from self.put(service, self.other(service, hop=2), bodies.TRUE)
        yield from self.read(service)
        yield from self.put(service, self.placement(service).stage, bodies.NO_BODY)
        yield from self.put(service, self.other(service, hop=2), bodies.TRUE)

    def bystanders(self, service: str, company: str) -> Iterator[None]:
        """Another service moves, skips and un-skips in the stage of a skipped one, which must not notice."""
        yield from self.skip(service)
        shared = self.placement(service).stage
        yield from self.put(company, shared, bodies.FALSE)
        yield from self.read(company)
        yield from self.put(company, shared, bodies.TRUE_EXTRA)
        yield from self.put(company, shared, bodies.NO_BODY)
        yield from self.read(company)
        yield from self.put(company, self.other(company), bodies.NO_BODY)
        # Now the skipped one leaves, while the other one stays behind un-skipped, and the reverse.
        yield from self.skip(company)
        yield from self.put(service, self.placement(company).stage, bodies.EMPTY_OBJECT)
        yield from self.read(company)
        yield from self.put(service, self.other(service), bodies.NO_BODY)
        yield from self.put(company, self.other(company), bodies.FALSE)

    def crowd(self, services: tuple[str, ...]) -> Iterator[None]:
        """All services meet, skipped, in one stage; each comes and goes while the others must not notice."""
        shared = self.placement(services[0]).stage
        yield from self.skip(services[0])
        for service in services[1:]:
            if self.placement(service).stage != shared:
                yield from self.put(service, shared, bodies.NO_BODY)
            yield from self.skip(service)
        for service in services:
            yield from self.put(service, self.other(service), bodies.NO_BODY)
            yield from self.read(service)
            yield from self.put(service, shared, bodies.FALSE)
            yield from self.skip(service)
        for service in services:
            yield from self.put(service, shared, bodies.EMPTY_OBJECT)
        for service in reversed(services):
            yield from self.put(service, self.other(service, hop=2), bodies.FALSE)

    def body_forms(self, service: str) -> Iterator[None]:
        """Each body: moved while skipped, and un-skipped in place."""
        for body in (bodies.OMITTED_EXTRA, bodies.FALSE_EXTRA, *bodies.MOVES[:4]):
            yield from self.skip(service)
            yield from self.put(service, self.other(service), body)
            yield from self.read(service)
            yield from self.put(service, self.placement(service).stage, bodies.TRUE_EXTRA)
            yield from self.put(service, self.placement(service).stage, body)
        for true, false in ((bodies.TRUE_CHARSET, bodies.FALSE_CHARSET), (bodies.TRUE_ANSWERED, bodies.FALSE_ANSWERED)):
            yield from self.put(service, self.placement(service).stage, true)
            yield from self.put(service, self.other(service), false)
            yield from self.read(service)

    def of_another(self, service: str, company: str) -> Iterator[Part]:
        """The whole tour for a further service, beside one that was toured before."""
        yield self.first_promises(service)
        yield self.swap(company, service)
        yield self.bystanders(service, company)
        yield self.letter_case(service)
        yield self.reads_after(service)

    def reads_after(self, service: str) -> Iterator[None]:
        """Each read before and after each kind of change, with nothing in between: what is cached shows."""
        for kind in ("service", "stage", "list"):
            for body in (bodies.TRUE, bodies.NO_BODY, bodies.TRUE, bodies.FALSE):
                yield from self.read(service, kind)
                yield from self.put(service, self.placement(service).stage, body)
                yield from self.read(service, kind)
            for body in (bodies.NO_BODY, bodies.FALSE):
                # What a service has left is read again, and so is what it has come to.
                there = self.other(service)
                yield from self.read(service, kind)
                if kind == "stage" and OperationKey.GET_STAGE in self.session.offers:
                    self.session.read(ReadStage(there))
                    yield
                yield from self.put(service, there, body)
                yield from self.read(service, "old-stage" if kind == "stage" else kind)
                yield from self.read(service, kind)

    def there_and_back(self, service: str) -> Iterator[None]:
        """Two stages in turns with one body and nothing in between: what is kept of earlier requests shows."""
        for body in (bodies.NO_BODY, bodies.FALSE, bodies.EMPTY_OBJECT):
            here, there = self.placement(service).stage, self.other(service)
            for stage in (there, here, there, here):
                yield from self.put(service, stage, body)
        for _ in range(3):
            here = self.placement(service).stage
            yield from self.put(service, here, bodies.TRUE)
            yield from self.put(service, here, bodies.NO_BODY)

    def swap(self, one: str, other: str) -> Iterator[None]:
        """Two services change places, one right after the other."""
        yield from self.put(one, self.other(other), bodies.NO_BODY)
        here, there = self.placement(one).stage, self.placement(other).stage
        yield from self.put(one, there, bodies.NO_BODY)
        yield from self.put(other, here, bodies.NO_BODY)
        yield from self.read(one)
        yield from self.put(one, here, bodies.NO_BODY)
        yield from self.put(other, there, bodies.NO_BODY)

    def round_trip(self, service: str) -> Iterator[None]:
        """Through every stage and back, un-skipped and skipped, with the reads the target offers in between."""
        home = self.placement(service).stage
        for stage in self.ground.stages:
            if stage != self.placement(service).stage:
                yield from self.put(service, stage, bodies.NO_BODY)
                yield from self.read(service)
            yield from self.put(service, stage, bodies.TRUE)
        for stage in reversed(self.ground.stages):
            if stage != self.placement(service).stage:
                yield from self.put(service, stage, bodies.FALSE)
        yield from self.put(service, home, bodies.NO_BODY)
        yield from self.read(service, "list")

    def letter_case(self, service: str) -> Iterator[None]:
        """ERR-9: the ids in capitals mean the same things, in a move, in a skip and in the reads."""
        self.session.attach(service, self.other(service), bodies.NO_BODY, respell=("stage", "service"))
        yield
        yield from self.read(service, "list")
        here = self.placement(service).stage
        self.session.attach(service, here, bodies.TRUE, respell=("stage",))
        yield
        self.session.attach(service, here, bodies.FALSE, respell=("service",))
        yield
        yield from self.put(service, self.other(service), bodies.NO_BODY)
        if OperationKey.LIST in self.session.offers:
            self.session.read(ReadList(self.session.oracle.environment), respell=True)
            yield
        if OperationKey.GET_SERVICE_STAGE in self.session.offers:
            self.session.read(ReadService(service), respell=True)
            yield
        if OperationKey.GET_STAGE in self.session.offers:
            self.session.read(ReadStage(self.placement(service).stage), respell=True)
            yield
