"""What a read says of an answer that seemed wrong: was it the state, or the answer alone? The promise depends on it."""

from __future__ import annotations

from dataclasses import replace

from stagecheck.model.compare import Comparison, Mismatch
from stagecheck.model.observation import Observation, Reply
from stagecheck.model.requests import Read, ReadService, ReadStage
from stagecheck.model.state import World


def agrees(world: World, read: Read, seen: Observation, environment: str) -> bool:
    """Whether a read shows that world, as far as it speaks of placements and stages."""
    comparison = Comparison(world, world, read, environment)
    if seen.of_list:
        return not any(m.about in ("state", "stages") for m in comparison.listing(seen))
    placement = world.placements.get(read.service) if isinstance(read, ReadService) else None
    return not any(m.about == "state" for m in comparison.one_stage(seen, placement.stage if placement else None))


def stage_agrees(world: World, stage: str, reply: Reply, environment: str) -> bool:
    """Whether the answer to a read of one stage shows that world: its attributes, or that it is there no more."""
    if stage not in world.stages:
        return reply.status in (403, 404, 410)
    if reply.shows is None or not reply.shows.stages:
        return False
    comparison = Comparison(world, world, ReadStage(stage), environment)
    return not any(m.about in ("state", "attribute") for m in comparison.one_stage(reply.shows, stage))


def list_is_wrong(mismatch: Mismatch, stage: str) -> Mismatch:
    """What is wrong with a stage in a list, when the stage alone is read as promised."""
    if mismatch.subject != stage or not mismatch.requirement.startswith("STAGE"):
        return mismatch
    message = f"{mismatch.message}; read alone, the stage is as promised"
    return replace(mismatch, requirement="STATE-5", cause=f"ReadList:{mismatch.cause}", message=message)


def reattributed(mismatch: Mismatch, shown: set[str], *, as_promised: bool) -> Mismatch:
    """The promise that broke, now that a read has been asked; `shown`: the stages that the read shows."""
    if mismatch.about not in ("state", "stages"):
        return mismatch
    family = mismatch.requirement.split("-")[0]
    if as_promised and (family in ("MOVE", "SKIP") or mismatch.requirement in ("STATE-2", "STATE-4")):
        return replace(
            mismatch,
            requirement="STATE-5",
            cause="answer:bystander" if mismatch.requirement == "STATE-2" else "answer",
            message=f"{mismatch.message}, says the answer; a read right after it shows the promised state",
        )
    if mismatch.cause == "stage-left-out" and mismatch.subject not in shown:
        return replace(mismatch, requirement="STATE-3", message=mismatch.message + ", and so does a read")
    return mismatch
