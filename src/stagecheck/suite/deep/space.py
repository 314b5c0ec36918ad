"""Sequences of transitions as numbers: what there is to try. Pure; it knows the model and no target.

The abstract state of v services over s stages is the stage and the flag of each: (2s)^v states. A transition sends one
service to one stage with one of four bodies: 4sv of them, each possible in every state. A *window* of length n is a
state and the n transitions that follow it. Windows of all lengths are numbered through: first the states (length 0);
the window w followed by the transition t is number `states + w * transitions + t`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import product
from uuid import UUID

from stagecheck.model.requests import OWN, Attach
from stagecheck.model.state import Placement, Reading, Service, Stage, World
from stagecheck.model.step import step
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body

FORMS: tuple[Body, ...] = (bodies.NO_BODY, bodies.EMPTY_OBJECT, bodies.FALSE, bodies.TRUE)
"""The bodies that transitions are made of: one for each thing the contract says of the flag."""


class Space:
    """The windows of up to `depth` transitions of those services over those stages (ids in canonical form)."""

    def __init__(self, depth: int, stages: Sequence[str], services: Sequence[str]) -> None:
        self.depth = depth
        self.stages = tuple(stages)
        self.services = tuple(services)
        self.states: int = (2 * len(stages)) ** len(services)
        self.transitions = len(services) * len(stages) * len(FORMS)
        self.first = [0]
        """The first number of each length, and after the last one the number of all windows."""
        for length in range(depth + 1):
            self.first.append(self.first[-1] + self.total(length))
        self._requests = tuple(product(self.services, self.stages, FORMS))
        self._numbers = {request: number for number, request in enumerate(self._requests)}
        self._places = {stage: 2 * position for position, stage in enumerate(self.stages)}

    def total(self, length: int) -> int:
        """How many windows of that length there are."""
        sequences: int = self.transitions**length
        return self.states * sequences

    def state(self, placements: Mapping[str, Placement]) -> int | None:
        """The number of the state in which the services are; None where one is nowhere, or in a stage beyond these."""
        number = 0
        for service in self.services:
            placement = placements.get(service)
            place = None if placement is None else self._places.get(placement.stage)
            if placement is None or place is None:
                return None
            number = number * 2 * len(self.stages) + place + placement.skipped
        return number

    def transition(self, service: str, stage: str, body: Body) -> int | None:
        """The number of a transition; None for one that is none of these."""
        return self._numbers.get((service, stage, body))

    def request(self, transition: int) -> tuple[str, str, Body]:
        """Service, stage and body of a transition."""
        return self._requests[transition]

    def longer(self, window: int, transition: int) -> int:
        """The window that goes on with one more transition."""
        return self.states + window * self.transitions + transition

    def length(self, window: int) -> int:
        """How many transitions a window has."""
        return bisect_right(self.first, window) - 1

    def rest(self, reading: Reading) -> list[int]:
        """For each window the one that is left without its first transition, if the target does as promised.

        Of a single state nothing is left: -1.
        """
        after = self._after(reading)
        rest = [-1] * self.states + [after[n][t] for n in range(self.states) for t in range(self.transitions)]
        for window in range(self.states, self.first[self.depth]):
            start = self.longer(rest[window], 0)
            rest.extend(range(start, start + self.transitions))
        return rest

    def _after(self, reading: Reading) -> list[list[int]]:
        """The state after each transition from each state. A transition of one service leaves the others alone."""
        places = 2 * len(self.stages)
        alone = [_moved(len(self.stages), place, reading) for place in range(places)]
        table = []
        for state in range(self.states):
            row = []
            for position in reversed(range(len(self.services))):
                place = state // places**position % places
                row += [state + (moved - place) * places**position for moved in alone[place]]
            table.append(row)
        return table


def _moved(stages: int, place: int, reading: Reading) -> list[int]:
    """Where `model.step` puts a service that is at `place`, for each stage and body.

    A place is twice the position of the stage, and one more for a skipped service.
    """
    here, service, *ids = (str(UUID(int=number)) for number in range(2 + stages))
    world = World(
        {here: OWN},
        {stage: Stage(stage, here) for stage in ids},
        {service: Service(service, here)},
        {service: Placement(ids[place // 2], bool(place % 2))},
        reading=reading,
    )
    outcomes = (step(world, Attach(stage, service, body.form))[0] for stage, body in product(ids, FORMS))
    placements = (outcome.world.placements[service] for outcome in outcomes)
    return [2 * ids.index(placement.stage) + placement.skipped for placement in placements]
