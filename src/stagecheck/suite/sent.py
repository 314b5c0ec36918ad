"""A request that was sent, and what goes with it: the values in which a session tells of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.compare import Mismatch
from stagecheck.model.observation import Reply
from stagecheck.model.oracle import Judgement
from stagecheck.model.requests import (
    Attach,
    CreateStage,
    DeleteStage,
    EditStage,
    MoveStage,
    OtherMethod,
    ReadStage,
    Request,
)
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


def some(exchange: Exchange | None) -> tuple[Exchange, ...]:
    """The exchange, if there is one."""
    return (exchange,) if exchange is not None else ()


def in_order(exchanges: Iterable[Exchange]) -> tuple[Exchange, ...]:
    """Each exchange once, as they were sent."""
    by_number = {exchange.number: exchange for exchange in exchanges}
    return tuple(by_number[number] for number in sorted(by_number))


def needs_earlier(mismatch: Mismatch) -> bool:
    """Whether what managing a stage has changed shows only beside an earlier answer."""
    kind = (mismatch.witness or {}).get("kind")
    return mismatch.requirement.startswith("STAGE") and kind in ("same", "same-set")


def rebound(sent: Sent, ids: Mapping[str, str]) -> Sent:
    """The same request about other stages, by meaning and as it is spelled. `ids`: which stands for which."""
    if not ids:
        return sent
    path, request = sent.message.path, sent.request
    for old, new in ids.items():
        path = path.replace(old, new)
    if isinstance(request, Attach | ReadStage | OtherMethod | EditStage | DeleteStage | MoveStage):
        request = replace(request, stage=ids.get(request.stage, request.stage))
    if isinstance(request, MoveStage):
        request = replace(request, anchor=ids.get(request.anchor, request.anchor))
    return replace(sent, request=request, message=replace(sent.message, path=path))


def freshly_named(sent: Sent, used: Collection[str], world: World, told: dict[str, str]) -> Sent:
    """The same creation or edit under a new name, where a stage of the `world` has its name already.

    `used`: how many names were tried, so that the new one is new. `told`: which names stand for which in this story so
    far, and is added to: a name that comes twice in it comes twice again.
    """
    request = sent.request
    if not isinstance(request, CreateStage | EditStage) or request.flaw is not None:
        return sent
    if request.name not in told:
        taken = request.name in {stage.name for stage in world.stages.values()}
        told[request.name] = f"STAGECHECK AGAIN {len(used) + 1}" if taken else request.name
    name = told[request.name]
    if name == request.name:
        return sent
    message = replace(sent.message, body=json.dumps({**json.loads(sent.message.body or b""), "name": name}).encode())
    return replace(sent, request=replace(request, name=name), message=message)


def made_by(sent: Sent) -> str | None:
    """The id of the stage that a request created when it was sent; None if it created none."""
    return sent.request.new if isinstance(sent.request, CreateStage) else None


@dataclass(frozen=True, slots=True)
class Judged:
    """A request whose answer was judged, and the worlds that were possible before and are now."""

    request: Request
    exchange: Exchange
    reply: Reply
    judgement: Judgement
    before: tuple[World, ...]
    after: tuple[World, ...]


def fingerprint(request: HttpRequest) -> object:
    """What tells whether the very same bytes were sent before."""
    return (request.method, request.path, request.headers, request.body)
