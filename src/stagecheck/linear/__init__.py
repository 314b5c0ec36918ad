"""Whether what clients saw at the same time can be explained by some order, one request after another.

`check(history, specification) -> Verdict` and nothing of HTTP, stages or services: a specification says what one
operation may do to a state. A history is linearizable if every operation can be given one moment between its call and
its return such that the answers are those of the operations done at these moments, one by one (Herlihy and Wing,
1990). `smallest` says which operations are enough to show that there is no such order.
"""

from stagecheck.linear.check import check
from stagecheck.linear.history import Answered, Budget, Operation, Outcome, Part, Specification, Verdict
from stagecheck.linear.shrink import Core, smallest

__all__ = [
    "Answered",
    "Budget",
    "Core",
    "Operation",
    "Outcome",
    "Part",
    "Specification",
    "Verdict",
    "check",
    "smallest",
]
