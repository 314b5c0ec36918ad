"""Which statement of the contract a changed description speaks of, so that it can be tied to requirements.

A tie says: this text is where that requirement comes from, read it again. Sources are the contract's: S1 to S8.
"""

from __future__ import annotations

import re
from typing import Final

from stagecheck.operations import OperationKey
from stagecheck.spec.lint.words import Condition, Segment, segments

_BY_CONDITION: Final = {
    Condition.TRUE: ("S2", "S4"),
    Condition.FALSE: ("S5",),
    Condition.ELSEWHERE: ("S3",),
    Condition.SKIPPED: ("S4",),
    Condition.OTHER: (),
}
_BY_PHRASE: Final = (
    (re.compile(r"\b(?:different|another|other|new)\s+(?:deployment\s+)?stage\b"), ("S3",)),
    (
        re.compile(
            r"\b(?:no|without\s+(?:any|a|the)|request|empty)\s+body\b|\bleft\s+out\b(?!\s+(?:of|from)\b)|\bomitted\b"
        ),
        ("S5",),
    ),
    (re.compile(r"\b(?:answer|response|return|list)\w*\b.*\bstages?\b|\bstages\b.*\benv"), ("S6",)),
)
_MOVES: Final = re.compile(r"\b(?:mov\w+|put|puts|attach\w*|assign\w*|ends?\s+up|placed?)\b")
_BY_OPERATION: Final = {
    OperationKey.CREATE: ("STAGE-1",),
    OperationKey.EDIT: ("STAGE-2",),
    OperationKey.DELETE: ("STAGE-3",),
    OperationKey.MOVE_BEFORE: ("STAGE-4",),
    OperationKey.MOVE_AFTER: ("STAGE-4",),
    OperationKey.LIST: ("STATE-5",),
    OperationKey.GET_STAGE: ("STATE-5",),
    OperationKey.GET_SERVICE_STAGE: ("STATE-5",),
}


def sources(old: str, new: str, where: str) -> tuple[str, ...]:
    """The statements that a text speaks of which changed; ``where`` it stands in the operation that attaches a service.

    What is said of an answer and of a credential speaks of one statement each; of the rest, what changed is read.
    """
    if where.startswith("the credential"):
        return ("S7",)
    if where.startswith("the answer"):
        whole = "," not in where
        return () if not where.startswith("the answer 2") else ("S6",) if whole else ("S8",)
    if not where.startswith(("the operation", "the body")):
        return ()
    implied = Condition.TRUE if where.endswith("is_skipped") else Condition.OTHER
    ours, theirs = ({_plain(one): one for one in segments(text, implied)} for text in (old, new))
    changed: list[Segment] = [one for key, one in ours.items() if key not in theirs]
    changed += [one for key, one in theirs.items() if key not in ours]
    found: set[str] = set()
    for one in changed:
        found |= _of(one)
    return tuple(sorted(found))


def _of(segment: Segment) -> set[str]:
    text = segment.text.lower()
    found = set(_BY_CONDITION[segment.condition])
    found |= {source for pattern, tied in _BY_PHRASE for source in tied if pattern.search(text)}
    if {"true", "stage"} <= set(re.findall(r"\w+", text)):
        found |= {"S2", "S4"}
    # Whatever moves or skips is in some stage: the least of them, where nothing else is said.
    return found or ({"S1"} if _MOVES.search(text) else set())


def _plain(segment: Segment) -> tuple[Condition, str]:
    return segment.condition, " ".join(segment.text.lower().split())


def of_operation(key: OperationKey | None) -> tuple[str, ...]:
    """The requirements that a text of one of the other operations is the source of."""
    return () if key is None else _BY_OPERATION.get(key, ())
