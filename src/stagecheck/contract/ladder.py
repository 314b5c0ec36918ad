"""The fidelity ladder: which requirements a mock, or any target, must keep to stand on which rung.

Five rungs, each worth something only on top of those below: an answer of the right shape, the right refusals, a state
that is remembered, one that means what the contract says, and all of that under concurrency.
"""

from __future__ import annotations

from dataclasses import dataclass

from stagecheck.contract.catalogue import CATALOGUE

_SHAPE = ("SHAPE-1", "SHAPE-2", "ERR-1")
_REMEMBERS = ("SHAPE-3", "STATE-1", "STATE-3", "STATE-5", "STATE-6", "STATE-7", "STATE-8", "STATE-9")


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung: its number from 1, its name, what it says of a target, and the requirements that it stands on.

    `strict`: a broken SHOULD keeps a target down, too.
    """

    number: int
    name: str
    says: str
    requirements: tuple[str, ...]
    strict: bool = False


def _of(*families: str) -> tuple[str, ...]:
    named = {*_SHAPE, *_REMEMBERS}
    return tuple(key for key, entry in CATALOGUE.items() if entry.family in families and key not in named)


RUNGS = (
    Rung(1, "shape", "its answers match the document", _SHAPE),
    Rung(2, "refuses", "what must be refused is refused", _of("ERR", "AUTH")),
    Rung(3, "remembers", "what was answered holds until it is changed", _REMEMBERS),
    Rung(
        4,
        "means it",
        "moves, skips and stages do what the contract says, and nothing else",
        _of("MOVE", "SKIP", "STATE", "STAGE"),
    ),
    Rung(5, "under concurrency", "all of it holds when many ask at once", _of("RACE"), strict=True),
)
"""Every requirement of the catalogue is on exactly one rung."""
