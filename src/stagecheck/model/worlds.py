"""Keeping every world that is still possible. Generic: it knows nothing of stages and services.

A wrong belief is worse than a wide one, so nothing is ruled out but by an answer. The number of worlds is bounded:
beyond `MOST_WORLDS` the least plain are let go, which can only make the oracle more forgiving of what it kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

W = TypeVar("W")

MOST_WORLDS = 64
"""Worlds kept at most; a run against a steady target keeps one to four."""


def distinct(worlds: Iterable[W], key: Callable[[W], Hashable], most: int = MOST_WORLDS) -> tuple[W, ...]:
    """The worlds in their order, each once by `key`, at most `most` of them."""
    kept: dict[Hashable, W] = {}
    for world in worlds:
        kept.setdefault(key(world), world)
        if len(kept) >= most:
            break
    return tuple(kept.values())
