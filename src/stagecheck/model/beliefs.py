"""Sets of possible worlds: told apart by what matters, and blurred where they are too many to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stagecheck.model.state import World
from stagecheck.model.worlds import distinct


def told_apart(worlds: Iterable[World]) -> tuple[World, ...]:
    """The worlds that differ in a placement, a flag, the reading or what is pending; the plainest first."""
    possible = tuple(worlds)
    if len(possible) < 2:
        return possible
    return distinct(possible, lambda world: (tuple(sorted(_flat(world))), world.reading, world.pending), _blurred)


def _blurred(worlds: Sequence[World]) -> World:
    """One world that knows only what all of them agree on; what is pending may have happened in any of them."""
    first = worlds[0]
    agreed = set(first.placements.items()).intersection(*(world.placements.items() for world in worlds[1:]))
    readings = {world.reading for world in worlds}
    return replace(first, placements=dict(agreed), reading=first.reading if len(readings) == 1 else None, pending=())


def _flat(world: World) -> Iterator[tuple[str, str, bool]]:
    return ((key, placement.stage, placement.skipped) for key, placement in world.placements.items())
