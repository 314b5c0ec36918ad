"""The contract as a pure sequential semantics: `step(world, request) -> outcomes`.

Each outcome is a next world and what the answer must be. Where the contract leaves a choice there are several
outcomes, and a target may take any. The same function is the oracle, the mocked target and the specification that
concurrent histories are judged by. It must not know HTTP, clocks or random numbers.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from stagecheck.model.management import managed
from stagecheck.model.outcomes import Accepted, Outcome, Refused
from stagecheck.model.requests import (
    BAD_JWT,
    NOBODY,
    UNPROVEN,
    Attach,
    CreateStage,
    DeleteStage,
    EditStage,
    Form,
    MoveStage,
    OtherMethod,
    ReadList,
    ReadService,
    ReadStage,
    Request,
)
from stagecheck.model.state import Reading, World, is_uuid

__all__ = ["Accepted", "Outcome", "Refused", "step"]


# A valid credential is missing: 401, 403 tolerated (P, S7).
_UNAUTHENTICATED = {NOBODY: Refused((401, 403), "AUTH-1", 401), BAD_JWT: Refused((401, 403), "AUTH-2", 401)}
# Another organization's things: 403 or 404 (AUTH-3; P).
_FOREIGN = Refused((403, 404), "AUTH-3", 404)
# The same, where nothing proves that the other organization's credential is alive: then 401 is as good.
_UNPROVEN = Refused((403, 404, 401), "AUTH-3", 404)
# Well-formed but unknown: 404, 403 tolerated (ERR-2; P).
_UNKNOWN = Refused((404, 403), "ERR-2", 404)
# A stage that was deleted (STAGE-3; P; 410 by RFC 9110 15.5.11).
_DELETED = Refused((404, 403, 410), "STAGE-3", 404)
# Not a UUID: some 4xx (ERR-3; P).
_MALFORMED_ID = Refused((), "ERR-3", 400)
# A service of one environment, a stage of another: 4xx (AUTH-4; S6).
_OTHER_ENVIRONMENT = Refused((), "AUTH-4", 404)
# The contract knows no such method there: 405 or 404, or 401 first (ERR-7; RFC 9110 15.5.6).
# 403 where a target says 403 for 401 and 404 throughout.
_OTHER_METHOD = Refused((405, 404, 401, 403), "ERR-7", 405)
# Refusing is one of the defensible choices.
_OWN_CHOICE = Refused((), None, 400)

_BAD_BODY = {
    Form.WRONG_TYPE: Refused((), "ERR-4", 422),
    Form.MALFORMED: Refused((), "ERR-5", 400),
    Form.NOT_OBJECT: Refused((), "ERR-6", 422),
}


def step(world: World, request: Request) -> tuple[Outcome, ...]:
    """Everything that may happen when `request` meets `world`; never empty, the plainest outcome first."""
    refusals = tuple(_refusals(world, request))
    if refusals:
        return tuple(Outcome(world, refusal) for refusal in refusals)
    if isinstance(request, Attach):
        return tuple(_attach(world, request))
    if isinstance(request, CreateStage | EditStage | DeleteStage | MoveStage):
        return tuple(managed(world, request))
    return (Outcome(world, _shown(world, request)),)


def _shown(world: World, request: Request) -> Accepted:
    """What a read shows: all of an environment, one stage, or the stage a service is in."""
    if isinstance(request, ReadList):
        return Accepted(environment=request.environment)
    if isinstance(request, ReadStage):
        return Accepted(stage=request.stage)
    placement = world.placements.get(request.service) if isinstance(request, ReadService) else None
    return Accepted(stage=placement.stage if placement else None)


def _refusals(world: World, request: Request) -> Iterator[Refused]:
    """Every reason to refuse; where several hold, a target may check in any order, so any of them will do."""
    if request.caller in _UNAUTHENTICATED:
        yield _UNAUTHENTICATED[request.caller]
    if isinstance(request, OtherMethod):
        yield _OTHER_METHOD
    owners = set()
    for identifier, kind in _ids(world, request):
        if not is_uuid(identifier):
            yield _MALFORMED_ID
        elif identifier in world.gone and kind is world.stages:
            yield _DELETED
        else:
            owners.add(world.organization_of(identifier) if identifier in kind else None)
    if None in owners:
        yield _UNKNOWN
    if request.caller not in _UNAUTHENTICATED and owners - {None, request.caller}:
        yield _UNPROVEN if request.caller == UNPROVEN else _FOREIGN
    if isinstance(request, Attach):
        homes = {world.environment_of(request.stage), world.environment_of(request.service)}
        if len(homes) > 1 and None not in homes:
            yield _OTHER_ENVIRONMENT
        if request.form in _BAD_BODY and not request.other_media:
            yield _BAD_BODY[request.form]
    if isinstance(request, CreateStage | EditStage) and request.flaw in _BAD_BODY:
        yield _BAD_BODY[request.flaw]


def _ids(world: World, request: Request) -> tuple[tuple[str, Container[str]], ...]:
    """The ids of a request, each with what it must be one of."""
    if isinstance(request, ReadList | CreateStage):
        return ((request.environment, world.organizations),)
    if isinstance(request, ReadStage | EditStage | DeleteStage):
        return ((request.stage, world.stages),)
    if isinstance(request, MoveStage):
        return ((request.stage, world.stages), (request.anchor, world.stages))
    if isinstance(request, ReadService):
        return ((request.service, world.services),)
    return ((request.stage, world.stages), (request.service, world.services))


def _attach(world: World, request: Attach) -> Iterator[Outcome]:
    if request.other_media:
        yield from _other_media(world, request)
    elif request.form.moves:
        yield _moved(world, request)
    elif request.form is Form.TRUE:
        yield from _flag_true(world, request)
    else:
        yield from _lenient(world, request)


def _moved(world: World, request: Attach, *, skipped: bool = False) -> Outcome:
    """S1, S3, S5: the service is in the addressed stage afterwards, and un-skipped."""
    return _accepted(world.placed(request.service, request.stage, skipped=skipped), request)


def _accepted(world: World, request: Attach) -> Outcome:
    return Outcome(world, Accepted(environment=world.environment_of(request.stage)))


def _flag_true(world: World, request: Attach) -> Iterator[Outcome]:
    current = world.placements.get(request.service)
    if current is None:
        yield from _flag_true_unseen(world, request)
    elif current.stage == request.stage:
        # S2, S4: stays, and is skipped.
        yield _moved(world, request, skipped=True)
    elif world.reading is not None:
        yield from _by_reading(world, request, world.reading)
    else:
        # SKIP-2 is open until the target has answered once; then it must answer always the same.
        for reading in Reading:
            yield from _by_reading(replace(world, reading=reading), request, reading)


def _flag_true_unseen(world: World, request: Attach) -> Iterator[Outcome]:
    """Nobody has shown yet where the service is: it may be in the addressed stage already, or in any other."""
    yield _moved(world, request, skipped=True)
    for reading in (world.reading,) if world.reading is not None else Reading:
        known = replace(world, reading=reading)
        if reading is Reading.SKIP_IN_PLACE:
            for stage in world.stages_of(world.environment_of(request.stage) or ""):
                if stage.id != request.stage:
                    yield _accepted(known.placed(request.service, stage.id, skipped=True), request)
        elif reading is not Reading.MOVE_AND_SKIP:
            yield from _by_reading(known, request, reading)


def _by_reading(world: World, request: Attach, reading: Reading) -> Iterator[Outcome]:
    current = world.placements.get(request.service)
    if reading is Reading.MOVE_AND_SKIP:
        yield _moved(world, request, skipped=True)
    elif reading is Reading.MOVE_UNSKIPS:
        yield _moved(world, request)
    elif reading is Reading.REFUSE:
        yield Outcome(world, replace(_OWN_CHOICE, preferred=409))
    elif current is not None:
        yield _accepted(world.placed(request.service, current.stage, skipped=True), request)


def _lenient(world: World, request: Attach) -> Iterator[Outcome]:
    """Null, "true" and "false" as the flag, null as the body: OPEN (ERR-4). Whatever is chosen is no failure."""
    what = request.form.value
    if request.form is Form.UNJUDGED:
        yield from (replace(outcome, choice=None) for outcome in _lenient(world, replace(request, form=Form.NULL)))
        return
    yield replace(_moved(world, request), choice=(what, "read as absent or false"))
    yield Outcome(world, replace(_OWN_CHOICE, preferred=422), (what, "refused"))
    for outcome in _flag_true(world, replace(request, form=Form.TRUE)):
        yield replace(outcome, choice=(what, "read as true"))
    current = world.placements.get(request.service)
    if current is not None and current.skipped:
        yield replace(_moved(world, request, skipped=True), choice=(what, "leaves the flag as it was"))


def _other_media(world: World, request: Attach) -> Iterator[Outcome]:
    """A body under another content type (ERR-8, OPEN): refused, read as JSON all the same, or passed over."""
    what = "a body under another content type"
    yield Outcome(world, Refused((), None, 415), (what, "refused"))
    as_json = replace(request, other_media=False)
    if request.form not in _BAD_BODY:
        for outcome in _attach(world, as_json):
            yield replace(outcome, choice=(what, "read as JSON all the same"))
    if not request.form.moves:
        yield replace(_moved(world, replace(as_json, form=Form.ABSENT)), choice=(what, "passed over"))
