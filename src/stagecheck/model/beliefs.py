"""Sets of possible worlds: told apart by what matters, and blurred where they are too many to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from stagecheck.model.state import Stage, World
from stagecheck.model.worlds import distinct


def told_apart(worlds: Iterable[World]) -> tuple[World, ...]:
    """The worlds that differ in a placement, a flag, the stages, the reading or what is pending; the plainest first."""
    possible = tuple(worlds)
    if len(possible) < 2:
        return possible
    return distinct(possible, _what_matters, _fewer)


def _fewer(worlds: Sequence[World]) -> tuple[World, ...]:
    """Too many worlds without what may be carried out late, which is rare; one for all where that does not suffice."""
    return distinct([replace(world, pending=()) for world in worlds], _what_matters, lambda still: (_blurred(still),))


def _what_matters(world: World) -> tuple[object, ...]:
    """What tells worlds apart."""
    stages = tuple((stage.id, stage.name, stage.description) for stage in world.stages.values())
    places = tuple(sorted(_flat(world)))
    return places, world.reading, world.pending, stages, world.ranking, world.adrift, environment_blind(world)


def environment_blind(world: World) -> frozenset[str]:
    """The environments that may show more than is known of them."""
    return frozenset(world.organizations) - world.complete


def _blurred(worlds: Sequence[World]) -> World:
    """One world that knows only what all of them agree on; what is pending may have happened in any of them."""
    first = worlds[0]
    agreed = set(first.placements.items()).intersection(*(world.placements.items() for world in worlds[1:]))
    readings = {world.reading for world in worlds}
    stages = {
        key: _agreed([world.stages[key] for world in worlds])
        for key in first.stages
        if all(key in world.stages for world in worlds)
    }
    known = len(stages) == max(len(world.stages) for world in worlds)
    return replace(
        first,
        placements=dict(agreed),
        reading=first.reading if len(readings) == 1 else None,
        pending=(),
        stages=stages,
        complete=first.complete if known else frozenset(),
        adrift=frozenset(),
        ranking=(),
    )


def _agreed(stages: Sequence[Stage]) -> Stage:
    """One stage as several worlds have it: what they differ in is unknown."""
    first = stages[0]
    if all(stage == first for stage in stages):
        return first
    differing: dict[str, Any] = {
        entry.name: None
        for entry in fields(first)
        if any(getattr(stage, entry.name) != getattr(first, entry.name) for stage in stages)
    }
    return replace(first, **differing)


def _flat(world: World) -> Iterator[tuple[str, str, bool]]:
    return ((key, placement.stage, placement.skipped) for key, placement in world.placements.items())
