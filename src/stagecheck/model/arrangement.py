"""What an answer says of stages that were created, edited, deleted or moved: their order, and their services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from stagecheck import witness
from stagecheck.model import words
from stagecheck.model.compare import Comparison, Mismatch
from stagecheck.model.observation import Observation
from stagecheck.model.requests import PROMISES, CreateStage, MoveStage, Request, is_management
from stagecheck.model.state import World

_BY_ITS_OWN_NAME = ("STATE-1", "STATE-8", "STATE-9", "STAGE-3")


def arrangement(comparison: Comparison, seen: Observation) -> Iterator[Mismatch]:
    """What a list shows to be wrong with the order of the stages, and with the services of deleted ones."""
    yield from _deleted(comparison, seen)
    yield from _adrift(comparison, seen)
    yield from _ranks(comparison, seen)


def _deleted(comparison: Comparison, seen: Observation) -> Iterator[Mismatch]:
    for shown in seen.stages:
        if shown.id in comparison.after.gone and shown.id not in comparison.after.stages:
            name = f"stage {shown.name}" if shown.name else f"stage {shown.id}"
            yield Mismatch(
                "STAGE-3",
                "deleted-stage-stays",
                f"the answer to {comparison.doing()} lists {name}, which was deleted",
                f"{name} is listed no more",
                f"{name} is listed",
                "stages",
                subject=shown.id,
                witness=witness.stage(shown.id, 0),
            )


def _adrift(comparison: Comparison, seen: Observation) -> Iterator[Mismatch]:
    """STAGE-3: the services of a deleted stage are in some other one."""
    if not seen.names_services:
        return
    shown = {entry.service for stage in seen.stages for entry in stage.entries or ()}
    for service in sorted(comparison.after.adrift - shown):
        if comparison.after.environment_of(service) == comparison.environment:
            label = words.service_label(comparison.after, service)
            yield Mismatch(
                "STAGE-3",
                "services-lost",
                f"{label} is in no stage since its stage was deleted",
                "in exactly one stage",
                "in no stage",
                witness=witness.same_set("services"),
            )


def _ranks(comparison: Comparison, seen: Observation) -> Iterator[Mismatch]:
    """The stages stand in the order that is known of them, whatever their numbers are."""
    orders = {stage.id: stage.order for stage in seen.stages if stage.order is not None}
    ranked = [key for key in comparison.after.ranking if key in orders]
    wrong = next((pair for pair in pairwise(ranked) if orders[pair[0]] >= orders[pair[1]]), None)
    if wrong is None:
        return
    shown = sorted(ranked, key=lambda key: orders[key])
    after = comparison.after
    wanted, got = (", ".join(words.stage_label(after, key) for key in keys) for keys in (ranked, shown))
    numbers = f" (deployment_order {', '.join(str(orders[key]) for key in shown)})"
    yield Mismatch(
        "STATE-3" if not isinstance(comparison.request, MoveStage) else "STAGE-4",
        "order",
        f"after {comparison.doing()} the stages are not in the order they must have",
        wanted,
        got + numbers,
        "ranking",
        witness=witness.ranking(wrong),
    )


def reused(before: World, request: Request) -> Iterator[Mismatch]:
    """STAGE-1: a created stage has an id that nothing had before it."""
    if not isinstance(request, CreateStage) or request.new is None:
        return
    if request.new in before.stages or request.new in before.gone:
        whose = "a deleted stage" if request.new in before.gone else words.stage_label(before, request.new)
        yield Mismatch(
            "STAGE-1",
            "id-reused",
            f"{words.request_words(before, request)} gave it the id of {whose}",
            "an id that nothing had before",
            f"id {request.new}",
            "stages",
            witness=witness.NEW_ID,
        )


def shown_value(request: Request, mismatch: Mismatch, after: World) -> Mismatch:
    """A difference in an attribute that `request` changed on purpose, with the value it must have as its witness."""
    attribute = mismatch.cause.rpartition("stage-")[2]
    stage = after.stages.get(mismatch.subject or "")
    if mismatch.about != "attribute" or stage is None:
        return mismatch
    if attribute == "deployment_order":
        return replace(mismatch, witness=witness.stage_keeps(stage.id, attribute, since_last=True))
    if stage.id != (request.new if isinstance(request, CreateStage) else getattr(request, "stage", None)):
        # Another one keeps what it has, whatever that is.
        return replace(mismatch, witness=witness.stage_keeps(stage.id, attribute))
    known = {"name": stage.name, "description": stage.description, "environment": stage.environment}
    value = known.get(attribute)
    return mismatch if value is None else replace(mismatch, witness=witness.shows(stage.id, attribute, value))


def by_its_promise(request: Request, mismatch: Mismatch, after: World) -> Mismatch:
    """A difference in the answer to a management request, by the name of what that request promises."""
    if not is_management(request) or mismatch.about == "status" or mismatch.requirement in _BY_ITS_OWN_NAME:
        return mismatch
    if mismatch.cause in ("stage-left-out", "stage-of-another-environment"):
        # A list that shows too little, or too much (S6).
        return replace(mismatch, requirement="SHAPE-3")
    message = mismatch.message.replace(", which the last 200 answer contradicts", "")
    named = replace(mismatch, requirement=PROMISES[type(request)], cause=f"at-once:{mismatch.cause}", message=message)
    return anywhere(request, shown_value(request, named, after))


def anywhere(request: Request, mismatch: Mismatch) -> Mismatch:
    """What managing a stage broke, with a witness that holds for other stages and services, in any order, too.

    A stage that was just created is empty; the others stand as they stood.
    """
    if mismatch.about == "ranking":
        moved = (request.stage, request.anchor) if isinstance(request, MoveStage) else ()
        return replace(mismatch, witness=witness.order(*moved, after=isinstance(request, MoveStage) and request.after))
    new = request.new if isinstance(request, CreateStage) else None
    if new is None or mismatch.place != new or mismatch.about != "state":
        return mismatch
    return replace(mismatch, witness=witness.empty(new))
