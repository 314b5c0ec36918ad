"""What a round sends: who asks for what at the same time. Made to collide, from a seed, and short.

A round is a few clients with a few requests each. Long histories show no more than short ones do, and take longer to
judge and to be believed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from stagecheck.model.requests import Attach, Form, Read, ReadList, ReadService, ReadStage
from stagecheck.model.state import World
from stagecheck.operations import OperationKey
from stagecheck.suite.races.specification import Asked
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body

_MOVES = (bodies.NO_BODY, bodies.EMPTY_OBJECT, bodies.FALSE)
_PAUSES_S = (0.0, 0.0, 0.0, 0.001, 0.002, 0.005)
"""Most clients send at once. Some windows open a little later."""
_STEPS_S = (0.001, 0.002, 0.004, 0.008)
"""How long after one client the next one of a relay begins."""
_RUNNERS = 6
_MANY = 8
_TWO = 2


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of one client. `body`: None for a read; `pause_s`: how long the client waits before it."""

    call: Asked
    body: Body | None = None
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Round:
    """What one round sends: the requests of each client, in their order. `name`: the pattern it was made by."""

    name: str
    scripts: tuple[tuple[Ask, ...], ...]

    @property
    def services(self) -> tuple[str, ...]:
        """The services that it moves or flags."""
        asked = (one.call for script in self.scripts for one in script)
        return tuple(dict.fromkeys(call.service for call in asked if isinstance(call, Attach)))

    @property
    def requests(self) -> int:
        """How many requests it sends."""
        return sum(map(len, self.scripts))


@dataclass(slots=True)
class Rounds:
    """Makes rounds, one after another, over services and stages that may be used.

    `offers`: which reads there are; `clients`: how many may ask at once, 2 or more; `other`: an environment whose list
    may be read beside, None for none.
    """

    services: Sequence[str]
    stages: Sequence[str]
    offers: frozenset[OperationKey]
    clients: int
    environment: str
    seed: int
    other: str | None = None
    _rng: random.Random = field(init=False)
    _deck: list[Callable[[_Hand], Round]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)  # noqa: S311  (what is tried, no secret)

    def next(self, world: World) -> Round:
        """The next round, from where everything is now. Each pattern comes once before any comes again."""
        alone = len(self.services) < _TWO
        self._deck = [pattern for pattern in self._deck if not (alone and pattern in _OF_SEVERAL)]
        if not self._deck:
            self._deck = list(_OF_ONE if alone else (*_OF_ONE, *_OF_SEVERAL))
            self._rng.shuffle(self._deck)
        return self._deck.pop()(_Hand(self, world, self._rng))


@dataclass(slots=True)
class _Hand:
    """What a pattern is made with: the rounds it belongs to, the placements now, and chance."""

    rounds: Rounds
    world: World
    rng: random.Random

    def service(self) -> str:
        return self.rng.choice(list(self.rounds.services))

    def elsewhere(self, service: str) -> str:
        """A stage that the service is not in now."""
        now = self.stage_of(service)
        return self.rng.choice([stage for stage in self.rounds.stages if stage != now])

    def stage_of(self, service: str) -> str:
        return self.world.placements[service].stage

    def move(self, service: str, stage: str) -> Ask:
        body = self.rng.choice(_MOVES)
        return Ask(Attach(stage, service, body.form), body, self.rng.choice(_PAUSES_S))

    def skip(self, service: str, stage: str) -> Ask:
        return Ask(Attach(stage, service, Form.TRUE), bodies.TRUE, self.rng.choice(_PAUSES_S))

    def look(self, service: str) -> Ask | None:
        """A read that shows the service, any that is offered."""
        offers, reads = self.rounds.offers, list[Read]()
        if OperationKey.LIST in offers:
            reads += [ReadList(self.rounds.environment)] * 2
        if OperationKey.GET_SERVICE_STAGE in offers:
            reads.append(ReadService(service))
        if OperationKey.GET_STAGE in offers:
            reads.append(ReadStage(self.stage_of(service)))
        return Ask(self.rng.choice(reads), None, self.rng.choice(_PAUSES_S)) if reads else None

    def readers(self, services: Sequence[str], taken: int, most: int = 2) -> list[tuple[Ask, ...]]:
        """Clients that look while others write, as many as there is room for."""
        room = min(most, self.rounds.clients - taken)
        scripts = []
        for _ in range(max(0, room)):
            looks = [self.look(self.rng.choice(services)) for _ in range(self.rng.randint(1, 3))]
            scripts.append(tuple(look for look in looks if look is not None))
        if self.rounds.other is not None and room > 0 and OperationKey.LIST in self.rounds.offers:
            beside = Ask(ReadList(self.rounds.other))
            scripts[-1] = (*scripts[-1], beside)
        return [script for script in scripts if script]

    def round(self, name: str, writers: Sequence[Sequence[Ask]], services: Sequence[str]) -> Round:
        kept = [tuple(script) for script in writers][: self.rounds.clients]
        return Round(name, (*kept, *self.readers(services, len(kept))))


def duel(hand: _Hand) -> Round:
    """The same service, sent to different stages at once."""
    service = hand.service()
    rivals = hand.rng.randint(2, min(4, hand.rounds.clients))
    stages = [stage for stage in hand.rounds.stages if stage != hand.stage_of(service)]
    stages += [hand.stage_of(service)]
    writers = [[hand.move(service, stages[n % len(stages)])] for n in range(rivals)]
    if hand.rng.random() < 0.5:
        # What the first one asked for is asked for again, after something else: the first may still be under way.
        writers[1].append(replace(writers[0][0], pause_s=0.0))
    return hand.round("duel", writers, [service])


def move_against_skip(hand: _Hand) -> Round:
    """A service is moved while somebody skips it, or un-skips it, where it is."""
    service = hand.service()
    now = hand.stage_of(service)
    other = hand.skip if not hand.world.placements[service].skipped or hand.rng.random() < 0.5 else hand.move
    return hand.round(
        "move-against-skip", [[hand.move(service, hand.elsewhere(service))], [other(service, now)]], [service]
    )


def read_your_writes(hand: _Hand) -> Round:
    """Each client moves a service and looks at once, while others do the same."""
    writers, services = [], []
    for number in range(min(3, hand.rounds.clients)):
        service = hand.rounds.services[number % len(hand.rounds.services)]
        look = hand.look(service)
        back = hand.move(service, hand.stage_of(service))
        services.append(service)
        writers.append([hand.move(service, hand.elsewhere(service)), look or back])
    return hand.round("read-your-writes", writers, services)


def neighbours(hand: _Hand) -> Round:
    """Services of one stage leave it at once, or meet in one: what shares a row or a document may be lost."""
    services = list(hand.rounds.services)
    hand.rng.shuffle(services)
    chosen = services[: hand.rng.randint(2, min(4, hand.rounds.clients, len(services)))]
    meeting = hand.rng.choice(list(hand.rounds.stages))
    apart = hand.rng.random() < 0.5
    writers = []
    for service in chosen:
        stage = hand.elsewhere(service) if apart or hand.stage_of(service) == meeting else meeting
        writers.append([hand.move(service, stage)])
    return hand.round("neighbours", writers, chosen)


def swap(hand: _Hand) -> Round:
    """Two services change places, and one of them twice over."""
    first, second = hand.rng.sample(list(hand.rounds.services), 2)
    here, there = hand.stage_of(first), hand.stage_of(second)
    if here == there:
        there = hand.elsewhere(first)
    writers = [[hand.move(first, there)], [hand.move(second, here)]]
    if hand.rng.random() < 0.5:
        writers[0].append(hand.move(first, here))
    return hand.round("swap", writers, [first, second])


def busy(hand: _Hand) -> Round:
    """Everything at once: moves, skips and looks at a few services."""
    services = hand.rng.sample(list(hand.rounds.services), min(3, len(hand.rounds.services)))
    writers: list[list[Ask]] = []
    for _ in range(min(4, hand.rounds.clients)):
        script = []
        for _ in range(hand.rng.randint(1, 2)):
            service = hand.rng.choice(services)
            stage = hand.rng.choice(list(hand.rounds.stages))
            script.append((hand.skip if hand.rng.random() < 0.3 else hand.move)(service, stage))
        writers.append(script)
    return hand.round("busy", writers, services)


def stampede(hand: _Hand) -> Round:
    """All clients write at once: most send one service about, and each of the others is moved by one client alone.

    What has room for a few waiting requests and drops the others is met by as many as may come.
    """
    services, stages = list(hand.rounds.services), list(hand.rounds.stages)
    hand.rng.shuffle(services)
    size = min(_MANY, hand.rounds.clients)
    writers = [[hand.move(service, hand.elsewhere(service))] for service in services[1:size]]
    writers += [[hand.move(services[0], hand.rng.choice(stages))] for _ in range(size - len(writers))]
    hand.rng.shuffle(writers)
    return hand.round("stampede", writers, services)


def relay(hand: _Hand) -> Round:
    """Two wishes for one service take turns, each time from another client, and somebody looks in between.

    Where the steps are longer than an answer takes, one comes after another, only on other connections; where they are
    shorter, what was asked once is asked again while the first is under way, and something else has come in between.
    """
    service = hand.service()
    second = hand.skip if hand.rng.random() < 0.3 else hand.move
    wishes = (hand.move(service, hand.elsewhere(service)), second(service, hand.stage_of(service)))
    size, step = min(_RUNNERS, hand.rounds.clients), hand.rng.choice(_STEPS_S)
    scripts: list[list[Ask]] = [[] for _ in range(size)]
    turn = 0
    for number in range(_RUNNERS):
        look = hand.look(service) if (number + 1) % 3 == 0 else None
        script = scripts[number % size]
        script.append(replace(look or wishes[turn % 2], pause_s=number * step if not script else step))
        turn += look is None
    return hand.round("relay", scripts, [service])


_OF_ONE: tuple[Callable[[_Hand], Round], ...] = (duel, move_against_skip, read_your_writes, relay)
_OF_SEVERAL: tuple[Callable[[_Hand], Round], ...] = (neighbours, swap, busy, stampede)
"""Patterns that take one service, and those that take two or more."""
