"""Which operations are enough to show that a history has no order, and whose answer is the one that cannot be.

Leaving an operation out altogether would prove nothing: a read of what it wrote would look wrong without it. So an
operation that is left out stays as one that never returned: it may have taken effect at any moment after its call, or
never, or several times, which asks more of the proof and costs the search less. What cannot be explained then, cannot
be explained whatever the others did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic

from stagecheck.linear.history import A, Answered, Budget, C, Operation, Outcome, S, Specification
from stagecheck.linear.search import Search

_BUDGET = Budget(states=200_000, seconds=2.0)


@dataclass(frozen=True, slots=True)
class Core(Generic[C, A]):
    """Operations that no order explains, whatever the others did, in the order of their calls.

    `wrong`: the one whose answer is to blame: with any other answer there would be an order. None where that can be
    said of no single one. `history`: all operations, those that are not needed as ones that never returned.
    """

    operations: tuple[Operation[C, A], ...]
    wrong: Operation[C, A] | None
    history: tuple[Operation[C, A], ...]


def smallest(
    history: Sequence[Operation[C, A]], specification: Specification[S, C, A], budget: Budget = _BUDGET
) -> Core[C, A]:
    """The core of a history that is one part and has no order: none of its operations can be left out.

    `budget`: for each trial; an operation is left out only where it is certain that there is no order without it.
    """
    kept = sorted(range(len(history)), key=lambda index: history[index].begin)

    def impossible(changed: Sequence[Operation[C, A]]) -> bool:
        return Search(changed, specification, budget).run().outcome is Outcome.NO

    def without(left_out: set[int]) -> list[Operation[C, A]]:
        return [_vague(one) if index in left_out else one for index, one in enumerate(history)]

    left_out: set[int] = set()
    for size in (8, 4, 2, 1, 1):  # in groups first, and once more singly: the first ones may have become needless
        remaining = [index for index in reversed(kept) if index not in left_out]
        for start in range(0, len(remaining), size):
            trial = left_out | set(remaining[start : start + size])
            if impossible(without(trial)):
                left_out = trial
    enough = without(left_out)
    core = [index for index in kept if index not in left_out]
    for index in reversed(core):
        if not impossible([_silent(one) if at == index else one for at, one in enumerate(enough)]):
            return Core(tuple(history[at] for at in core), history[index], tuple(enough))
    return Core(tuple(history[at] for at in core), None, tuple(enough))


def _vague(operation: Operation[C, A]) -> Operation[C, A]:
    return replace(operation, answer=Answered.UNKNOWN, end=None, repeats=True)


def _silent(operation: Operation[C, A]) -> Operation[C, A]:
    """The same with any answer. One that never returned says nothing already."""
    return replace(operation, answer=Answered.UNKNOWN)
