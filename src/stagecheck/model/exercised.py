"""Which requirements an answer could have broken: a pass needs at least one such answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stagecheck.model.compare import LOCATION
from stagecheck.model.observation import Reply
from stagecheck.model.requests import PROMISES, Attach, Form, MoveStage, Request, is_management, is_read
from stagecheck.model.state import World
from stagecheck.model.step import Refused, step


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the answer does not say by itself.

    `repeat`: the same bytes were sent before; `refused`: the last request that was; `managed`: what was last done to a
    stage.
    """

    environment: str
    repeat: bool
    refused: Request | None
    managed: Request | None = None


def exercised_by(before: World, request: Request, reply: Reply, circumstances: Circumstances) -> Iterator[str]:
    """The requirement ids that the answer to `request` in the world `before` could have broken."""
    yield "ERR-1"
    if request.spelling:
        yield request.spelling
    outcomes = [outcome.answer for outcome in step(before, request)]
    refusals = [answer for answer in outcomes if isinstance(answer, Refused)]
    if len(refusals) < len(outcomes) or all(refusal.requirement is None for refusal in refusals):
        refusals = []
    if len(refusals) == 1 and refusals[0].requirement:
        yield refusals[0].requirement
    if is_read(request):
        if reply.shows is not None and not refusals:
            yield "STATE-5"
            if circumstances.refused is not None:
                yield "STATE-6"
            if circumstances.managed is not None and reply.shows.of_list:
                yield PROMISES[type(circumstances.managed)]
    elif is_management(request) and not refusals and reply.status is not None:
        orders = [stage.order for stage in reply.shows.stages if stage.order is not None] if reply.shows else []
        if not isinstance(request, MoveStage) or len(orders) > 1 or reply.refused:
            yield PROMISES[type(request)]
    elif isinstance(request, Attach) and not refusals and not (reply.accepted and not reply.speaks_of(request.service)):
        # Silence about the service could not have broken anything.
        yield from _promises(before, request, circumstances)
        yield from _invariants(before, request, reply, circumstances)


def promised_by(before: World, request: Request, environment: str) -> Iterator[str]:
    """The requirement ids that an answer to `request` would have been about: what is not known when none came."""
    if is_management(request):
        yield PROMISES[type(request)]
    elif is_read(request):
        yield "STATE-5"
    else:
        unknown = Circumstances(environment, repeat=False, refused=None)
        yield from (key for key in exercised_by(before, request, Reply(None), unknown) if key != "ERR-1")


def _promises(before: World, request: Attach, circumstances: Circumstances) -> Iterator[str]:
    """What the request itself asks for."""
    current = before.placements.get(request.service)
    here = current is not None and current.stage == request.stage
    if request.other_media:
        yield "ERR-8"
    elif request.form.moves:
        yield LOCATION[request.form]
        if current is not None and current.skipped:
            yield "MOVE-5" if here else "MOVE-4"
    elif request.form is Form.TRUE and current is not None:
        yield "SKIP-1" if here else "SKIP-2"
    if circumstances.repeat:
        yield "STATE-4"


def _invariants(before: World, request: Attach, reply: Reply, circumstances: Circumstances) -> Iterator[str]:
    """What a list of all stages could show to be wrong, whatever was asked."""
    if reply.shows is None or not reply.shows.of_list:
        return
    yield "SHAPE-3"
    yield "STATE-1"
    others = [key for key in before.placements if key != request.service]
    if any(before.environment_of(key) == circumstances.environment for key in others):
        yield "STATE-2"
        if circumstances.refused not in (None, request):
            yield "STATE-6"
    if circumstances.environment in before.complete:
        yield "STATE-3"
    current, known = before.placements.get(request.service), before.services.get(request.service)
    moved = current is None or current.stage != request.stage
    shows_type = any(
        e.service == request.service and e.type is not None for s in reply.shows.stages for e in s.entries or ()
    )
    if moved and shows_type and known is not None and known.type is not None:
        yield "STATE-7"
