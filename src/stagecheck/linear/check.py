"""`check`: the parts of a history one after another, within one budget."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from stagecheck.linear.history import A, Budget, C, Operation, Outcome, S, Specification, Verdict
from stagecheck.linear.search import Search


def check(
    history: Sequence[Operation[C, A]], specification: Specification[S, C, A], budget: Budget | None = None
) -> Verdict[C, A]:
    """Whether some order explains the history: yes, no, or unknown where the budget ended first.

    NO is certain whatever the budget: one part without an order is enough. Raises ValueError for an operation that
    returns before it is called, or at no moment in time.
    """
    allowed = budget or Budget()
    _make_sure(history)
    began = time.monotonic()
    tried = 0
    order: list[Operation[C, A]] = []
    unsettled: str | None = None
    for part in specification.parts(history):
        left = Budget(max(1, allowed.states - tried), max(0.0, allowed.seconds - (time.monotonic() - began)))
        found = Search(part.history, part.specification, left).run()
        tried += found.tried
        if found.outcome is Outcome.NO:
            seconds = time.monotonic() - began
            return Verdict(Outcome.NO, tried, seconds, found.placed, found.blocked, part.name)
        if found.outcome is Outcome.UNKNOWN and unsettled is None:
            unsettled = part.name
        order += found.placed
    seconds = time.monotonic() - began
    if unsettled is not None:
        return Verdict(Outcome.UNKNOWN, tried, seconds, part=unsettled)
    return Verdict(Outcome.YES, tried, seconds, tuple(order))


def _make_sure(history: Sequence[Operation[C, A]]) -> None:
    for number, operation in enumerate(history):
        begin, end = operation.begin, operation.begin if operation.end is None else operation.end
        if not (math.isfinite(begin) and math.isfinite(end)):
            raise ValueError(f"operation {number} has no moment in time: {begin} to {end}")
        if operation.repeats and operation.end is not None:
            raise ValueError(f"operation {number} returned, so it cannot repeat")
        if end < begin:
            raise ValueError(f"operation {number} returns at {end}, before it is called at {begin}")
