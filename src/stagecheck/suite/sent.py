"""A request that was sent, and what goes with it: the values in which a session tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.compare import Mismatch
from stagecheck.model.observation import Reply
from stagecheck.model.oracle import Judgement
from stagecheck.model.requests import Request
from stagecheck.model.state import World

Signature = tuple[str, str]
"""Requirement and cause of a violation, as the oracle first names them."""


Inspection = Callable[[Exchange], Iterable[Mismatch]]
"""What else is looked for in one answer, beside what the oracle judges."""


@dataclass(frozen=True, slots=True)
class Also:
    """What goes with a request beside its judgement by the oracle.

    `inspect`: what else is looked for in the answer; `undo`: what has to be done once the answer has been seen.
    """

    inspect: Inspection | None = None
    undo: Callable[[Exchange], None] | None = None


NOTHING_ELSE = Also()


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was sent, by meaning and as it was spelled, and what was believed just before.

    `request`: None where the oracle is not asked. `looking`: whether it was only to see what a refusal changed.
    """

    request: Request | None
    message: HttpRequest
    before: World
    looking: bool = False
    also: Also = NOTHING_ELSE


@dataclass(frozen=True, slots=True)
class Judged:
    """A request whose answer was judged, and the worlds that were possible before and are now."""

    request: Request
    exchange: Exchange
    reply: Reply
    judgement: Judgement
    before: tuple[World, ...]
    after: tuple[World, ...]
