"""How states, requests and answers are spoken of to a person. Nothing is decided here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stagecheck.model.observation import Reply
from stagecheck.model.requests import (
    BAD_JWT,
    FOREIGN,
    NOBODY,
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
from stagecheck.model.state import Placement, World

_BODY = {
    Form.ABSENT: "with no body",
    Form.OMITTED: "with is_skipped omitted",
    Form.FALSE: "with is_skipped false",
    Form.TRUE: "with is_skipped true",
    Form.NULL: "with is_skipped null",
    Form.TEXT_FALSE: 'with is_skipped "false"',
    Form.TEXT_TRUE: 'with is_skipped "true"',
    Form.NULL_BODY: "with null as body",
    Form.WRONG_TYPE: "with is_skipped of a wrong type",
    Form.NOT_OBJECT: "with a JSON array or scalar as body",
    Form.MALFORMED: "with malformed JSON",
    Form.UNJUDGED: "with an odd body",
}
_LONGEST_NAME = 40


_CALLER = {
    NOBODY: ", without a valid credential,",
    BAD_JWT: ", with an invalid JWT,",
    FOREIGN: ", with another organization's credential,",
}


def caller_words(request: Request) -> str:
    """Who asks, where that is a reason to refuse, as an insertion; nothing for the usual credential."""
    return _CALLER.get(getattr(request, "caller", ""), "")


def stage_label(world: World, stage: str) -> str:
    """`stage BUILD` where the name is known and no other stage has it, else by as much of the id as tells it apart."""
    known = world.stages.get(stage)
    name = known.name if known else None
    if not name or not name.isprintable() or sum(other.name == name for other in world.stages.values()) > 1:
        return f"stage {_short(world, stage)}"
    return f"stage {name}" if len(name) <= _LONGEST_NAME else f"stage {name[: _LONGEST_NAME - 1]}…"


def service_label(world: World, service: str) -> str:
    """`service 5e6f7a8b`: enough of the id to tell it from every other one."""
    return f"service {_short(world, service)}"


def _short(world: World, identifier: str) -> str:
    """The first eight digits, else the last twelve (UUIDs made at one moment may begin alike), else the whole id."""
    known = (*world.stages, *world.services)
    if sum(key.startswith(identifier[:8]) for key in known) <= 1:
        return identifier[:8]
    return identifier[-12:] if sum(key.endswith(identifier[-12:]) for key in known) <= 1 else identifier


def placement_words(world: World, placement: Placement | None) -> str:
    """Where a service is: `in stage A, is_skipped false`."""
    if placement is None:
        return "somewhere not known yet"
    return f"in {stage_label(world, placement.stage)}, is_skipped {'true' if placement.skipped else 'false'}"


def places_words(world: World, places: Iterable[Placement]) -> str:
    """Where an answer shows a service: in no stage, in one, or in several."""
    counted = Counter(places)
    texts = [
        placement_words(world, place) if count == 1 else f"{count} times {placement_words(world, place)}"
        for place, count in counted.items()
    ]
    return " and ".join(texts) if texts else "in no stage"


def request_words(before: World, request: Request) -> str:
    """What was asked, as the subject of a sentence: `moving service S from stage A to stage B with no body`."""
    if isinstance(request, ReadList):
        return "listing the stages of the environment"
    if isinstance(request, ReadStage):
        return f"reading {stage_label(before, request.stage)}"
    if isinstance(request, ReadService):
        return f"reading the stage of {service_label(before, request.service)}"
    if isinstance(request, OtherMethod):
        return f"sending {request.method} to the path of {service_label(before, request.service)}"
    if isinstance(request, CreateStage):
        return f"creating stage {request.name}"
    if isinstance(request, EditStage | DeleteStage):
        return f"{'editing' if isinstance(request, EditStage) else 'deleting'} {stage_label(before, request.stage)}"
    if isinstance(request, MoveStage):
        where = "behind" if request.after else "before"
        return f"moving {stage_label(before, request.stage)} {where} {stage_label(before, request.anchor)}"
    return _attach_words(before, request)


def _attach_words(before: World, request: Attach) -> str:
    service, stage = service_label(before, request.service), stage_label(before, request.stage)
    body = _BODY[request.form] + (" under another content type" if request.other_media else "")
    current = before.placements.get(request.service)
    if current is None:
        return f"moving {service} to {stage} {body}"
    if current.stage == request.stage:
        return f"addressing {service} to its current {stage} {body}"
    return f"moving {service} from {stage_label(before, current.stage)} to {stage} {body}"


def reply_words(reply: Reply) -> str:
    """The status of an answer, for the actual side of a sentence."""
    return "no answer" if reply.status is None else f"status {reply.status}"


def statuses_words(statuses: Iterable[int]) -> str:
    """`401 or 403`, or `some 4xx` when none is named."""
    texts = [str(status) for status in statuses]
    return " or ".join(texts) if texts else "some 4xx"
