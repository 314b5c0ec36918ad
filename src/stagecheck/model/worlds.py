"""Keeping every world that is still possible. Generic: it knows nothing of stages and services.

A wrong belief is worse than a wide one, so nothing is ruled out but by an answer. Letting possible worlds go would
make the rest look certain, so where there are too many of them they are blurred into one that knows less.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

W = TypeVar("W")

MOST_WORLDS = 64
"""Worlds kept at most; a run against a steady target keeps one to four."""


def distinct(
    worlds: Iterable[W],
    key: Callable[[W], Hashable],
    blur: Callable[[Sequence[W]], tuple[W, ...]],
    most: int = MOST_WORLDS,
) -> tuple[W, ...]:
    """The worlds in their order, each once by `key`; where they are more than `most`, what `blur` makes of them."""
    kept: dict[Hashable, W] = {}
    for world in worlds:
        kept.setdefault(key(world), world)
    found = tuple(kept.values())
    return found if len(found) <= most else blur(found)
