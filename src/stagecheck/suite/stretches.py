"""Which stretches of what was sent may show something again: pure functions of a log, and of its requests.

A stretch that is sent again has to say everything itself: a stage that the run made has to be made in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from stagecheck.model.requests import (
    OWN,
    Attach,
    CreateStage,
    Form,
    MoveStage,
    ReadService,
    Request,
    is_management,
    is_read,
)
from stagecheck.suite.sent import Sent, made_by
from stagecheck.wire.spell import Speller


def the_needed(stretch: Sequence[Sent]) -> Iterator[tuple[Sent, ...]]:
    """The stretch with little but its end: most of it is reads and refusals, and most stories need none of them."""
    tried = {len(stretch)}
    for needed in (_is_plain, _manages, lambda request: _is_plain(request) or _manages(request)):
        fewer = (*(sent for sent in stretch[:-1] if needed(sent.request)), stretch[-1])
        if len(fewer) not in tried:
            tried.add(len(fewer))
            yield fewer


def of_one_stage(log: Sequence[Sent]) -> Iterator[tuple[Sent, ...]]:
    """What was done to the stage of the run's own that was managed last, from its creation on, and the end.

    First with all that went into it and came out of it, then how it was managed alone.
    """
    last = next((sent for sent in reversed(log) if _manages(sent.request)), None)
    stage = None if last is None else made_by(last) or getattr(last.request, "stage", None)
    if stage is None:
        return
    deeds = [sent for sent in log[:-1] if _done_to(sent, stage)]
    born = next((at for at, sent in enumerate(deeds) if made_by(sent) == stage), None)
    if born is not None:
        life = deeds[born:]
        alone = [sent for sent in life if _manages(sent.request)]
        yield (*life, log[-1])
        if len(alone) < len(life):
            yield (*alone, log[-1])


def _done_to(sent: Sent, stage: str) -> bool:
    """Whether a request was about a stage, or took a service out of it: one that is not emptied is not deleted."""
    request = sent.request
    if request is None or is_read(request):
        return False
    place = sent.before.placements.get(request.service) if isinstance(request, Attach) else None
    return stage in _about(request) or (place is not None and place.stage == stage)


def self_contained(stretch: Sequence[Sent], made: Collection[str]) -> tuple[Sent, ...]:
    """The stretch without what is about a stage of the run's own that it does not make; nothing, if its end is.

    `made`: all stages that the run has made.
    """
    here: set[str] = set()
    kept: list[Sent] = []
    for sent in stretch:
        new = made_by(sent)
        if new is None and any(stage in made and stage not in here for stage in _about(sent.request)):
            continue
        here |= {new} if new is not None else set()
        kept.append(sent)
    return tuple(kept) if kept and kept[-1] is stretch[-1] else ()


def about_others(stretch: Sequence[Sent], takes: Mapping[str, str], spell: Speller) -> tuple[Sent, ...]:
    """The same requests about other services. `takes`: which is taken for which."""
    other: list[Sent] = []
    for sent in stretch:
        request, path = sent.request, sent.message.path
        if isinstance(request, Attach | ReadService) and request.service in takes:
            new = takes[request.service]
            path = path.replace(spell.id(request.service), spell.id(new))
            request = replace(request, service=new)
        placements = {takes.get(key, key): place for key, place in sent.before.placements.items()}
        before = replace(sent.before, placements=placements)
        other.append(replace(sent, request=request, message=replace(sent.message, path=path), before=before))
    return tuple(other)


def skips_elsewhere(sent: Sent) -> bool:
    """Whether it asked for a skip in another stage than the service was in (SKIP-2)."""
    request = sent.request
    if not isinstance(request, Attach) or request.form is not Form.TRUE:
        return False
    place = sent.before.placements.get(request.service)
    return place is not None and place.stage != request.stage


def _is_plain(request: Request | None) -> bool:
    """Whether it moves or skips, and should be let in."""
    return isinstance(request, Attach) and request.caller == OWN and (request.form.moves or request.form is Form.TRUE)


def _manages(request: Request | None) -> bool:
    """Whether it creates, edits, deletes or moves a stage, and should be let in."""
    return request is not None and is_management(request) and request.caller == OWN


def _about(request: Request | None) -> tuple[str, ...]:
    """The stages that a request names, or has made."""
    if isinstance(request, CreateStage):
        return () if request.new is None else (request.new,)
    stage = getattr(request, "stage", None)
    anchor = (request.anchor,) if isinstance(request, MoveStage) else ()
    return anchor if stage is None else (stage, *anchor)
