"""The model as the sequential specification of histories: which placements may hold after a request was answered so.

The model's own `step` decides, one request after another; nothing of the contract is said here again. A state is as
small as it can be: where the services stand that are looked at, and the reading, where it is not known yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from stagecheck.linear import Answered, Operation, Part, Specification
from stagecheck.model.observation import Observation, Reply
from stagecheck.model.requests import Attach, Form, Read, ReadService
from stagecheck.model.state import Placement, Reading, World
from stagecheck.model.step import Refused, step

Asked = Attach | Read
"""What a client of a race may ask."""
_LATER = (401, 403, 409, 412, 423, 425, 429)
"""Refusals that say "not now", or "not you": nobody promised that they do not come when many ask at once."""


class Kind(Enum):
    """What an answer says of the request."""

    DONE = "done"
    REFUSED = "refused"
    DECLINED = "declined"
    """Not now: nothing was changed, and nothing is said of the state."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer says of the services that are looked at.

    `places`: service, stage, and the flag (None where it is not told); `absent`: service and a stage that it is not in.
    """

    kind: Kind
    places: tuple[tuple[str, str, bool | None], ...] = ()
    absent: tuple[tuple[str, str], ...] = ()


Answer = Shown | Answered
State = tuple[tuple[Placement, ...], Reading | None]
Race = Operation[Asked, Shown]


class Placements(Specification[State, Asked, Shown]):
    """Where `services` stand, beginning with `world`, whose other services stay where they are."""

    def __init__(self, world: World, services: Sequence[str]) -> None:
        self.world = world
        self.services = tuple(services)

    def initial(self) -> Iterator[State]:
        """As the world has it."""
        yield tuple(self.world.placements[service] for service in self.services), self.world.reading

    def step(self, state: State, call: Asked, answer: Answer) -> Iterator[State]:
        """What the model says, as far as the answer agrees."""
        if answer is not Answered.UNKNOWN and answer.kind is Kind.DECLINED:
            yield state
            return
        for new, refused in self._after(state, call):
            if answer is Answered.UNKNOWN or (refused == (answer.kind is Kind.REFUSED) and self.agrees(new, answer)):
                yield new

    def _after(self, state: State, call: Asked) -> Iterator[tuple[State, bool]]:
        """Each state that may follow, and whether the request was refused."""
        if not isinstance(call, Attach):
            yield state, False
            return
        placements, reading = state
        now = dict(zip(self.services, placements, strict=True))
        world = replace(self.world, placements={**self.world.placements, **now}, reading=reading)
        for outcome in step(world, call):
            after = outcome.world
            where = tuple(after.placements[service] for service in self.services)
            yield (where, after.reading), isinstance(outcome.answer, Refused)
            if call.form is Form.TRUE and after.reading in (None, Reading.MOVE_UNSKIPS):
                # "Moved, not skipped" said again is SKIP-1 by one rule and STATE-4 by another: either will do.
                yield (placements, reading), False

    def agrees(self, state: State, answer: Shown) -> bool:
        """Whether an answer shows no service otherwise than the state has it."""
        now = dict(zip(self.services, state[0], strict=True))
        return all(
            now[service].stage == stage and skipped in (None, now[service].skipped)
            for service, stage, skipped in answer.places
        ) and all(now[service].stage != stage for service, stage in answer.absent)


class EachService(Placements):
    """RACE-1: the history of each service by itself. An answer says nothing of services that it was not asked for."""

    def parts(self, history: Sequence[Race]) -> Iterator[Part[State, Asked, Shown]]:
        """One for each service that something was asked of."""
        for service in self.services:
            yield Part(service, about(service, history), Placements(self.world, (service,)))


def about(service: str, history: Sequence[Race]) -> tuple[Race, ...]:
    """What a history says of one service."""
    return tuple(told_of(one, (service,)) for one in history if _speaks_of(service, one))


def _speaks_of(service: str, operation: Race) -> bool:
    call = operation.call
    return call.service == service if isinstance(call, Attach | ReadService) else True


def told_of(operation: Race, services: Collection[str]) -> Race:
    """An operation as far as its answer speaks of these services."""
    answer = operation.answer
    if isinstance(answer, Answered):
        return operation
    places = tuple(place for place in answer.places if place[0] in services)
    absent = tuple(place for place in answer.absent if place[0] in services)
    return replace(operation, answer=Shown(answer.kind, places, absent))


def shown_by(call: Asked, reply: Reply, services: Sequence[str], places: dict[str, tuple[Placement, ...]]) -> Answer:
    """An answer as the specification takes it. `places`: where it shows each service (`places_of`).

    A service that a list shows not once but never or twice is left out: that is judged apart.
    """
    if reply.refused:
        return Shown(Kind.DECLINED if reply.status in _LATER else Kind.REFUSED)
    if not reply.accepted:
        return Answered.UNKNOWN
    seen = reply.shows
    if seen is None:
        return Shown(Kind.DONE)
    if isinstance(call, ReadService):
        return _of_service(call, seen, services)
    once = {service: places[service][0] for service in services if len(places.get(service, ())) == 1}
    shown = tuple((service, place.stage, place.skipped) for service, place in once.items())
    absent: tuple[tuple[str, str], ...] = ()
    if not seen.of_list and seen.names_services:
        absent = tuple((service, one.id) for one in seen.stages for service in services if service not in places)
    return Shown(Kind.DONE, shown, absent)


def _of_service(call: ReadService, seen: Observation, services: Sequence[str]) -> Shown:
    """The stage of a service: it is in there, even if the answer does not list it."""
    if call.service not in services or not seen.stages:
        return Shown(Kind.DONE)
    stage = seen.stages[0]
    flags = [entry.skipped for entry in stage.entries or () if entry.service == call.service]
    return Shown(Kind.DONE, ((call.service, stage.id, flags[0] if len(flags) == 1 else None),))
