"""A race in words that a person believes: who asked what when, what was shown, and why no order explains it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stagecheck.model import words
from stagecheck.model.compare import Mismatch
from stagecheck.model.observation import Reply
from stagecheck.model.requests import Attach, Form, ReadList, ReadService
from stagecheck.model.state import Placement, World
from stagecheck.outcome import Race, RaceOperation
from stagecheck.suite.races.specification import Asked, Kind, Shown
from stagecheck.suite.races.specification import Race as Operation
from stagecheck.target.crowd import Timed

_SOON_MS = 0.1


@dataclass(frozen=True, slots=True)
class Done:
    """A request of a round with its answer by meaning, and the same as an operation of the history."""

    call: Asked
    timed: Timed
    reply: Reply
    operation: Operation
    places: dict[str, tuple[Placement, ...]]

    @property
    def client(self) -> str:
        """Who asked, in words."""
        return f"client {self.timed.client}"


def asked_words(world: World, call: Asked) -> str:
    """What was asked, for a line of its own: `move 5e6f7a8b to BUILD`."""
    if isinstance(call, Attach):
        service = words.service_label(world, call.service).removeprefix("service ")
        stage = words.stage_label(world, call.stage).removeprefix("stage ")
        return f"skip {service} in {stage}" if call.form is Form.TRUE else f"move {service} to {stage}"
    if isinstance(call, ReadList):
        return "list the stages"
    if isinstance(call, ReadService):
        return f"read the stage of {words.service_label(world, call.service).removeprefix('service ')}"
    return f"read {words.stage_label(world, call.stage)}"


def shown_words(world: World, done: Done, services: Iterable[str]) -> str:
    """What an answer shows of some services."""
    answer = done.operation.answer
    if not isinstance(answer, Shown):
        return done.timed.exchange.failure or ""
    if answer.kind is not Kind.DONE:
        return "refused"
    named = list(services)
    told = [
        f"{words.service_label(world, service)} {_place(world, stage, skipped)}"
        for service, stage, skipped in answer.places
        if service in named
    ]
    told += [
        f"{words.service_label(world, service)} not in {words.stage_label(world, stage)}"
        for service, stage in answer.absent
        if service in named
    ]
    return ", ".join(told)


def _place(world: World, stage: str, skipped: bool | None) -> str:  # noqa: FBT001  (a flag of the API)
    return f"in {words.stage_label(world, stage)}{', skipped' if skipped else ''}"


def race_of(
    world: World, all_done: Sequence[Done], kept: Sequence[Done], wrong: Done | None, services: Sequence[str], why: str
) -> Race:
    """What the record holds of a race: the requests that are enough, and all of the round; `services`: it is about."""
    operations = tuple(_operation(world, done, services, wrong=done is wrong) for done in kept)
    everything = tuple(_operation(world, done, services, wrong=done is wrong) for done in all_done)
    began = tuple((service, place.stage, place.skipped) for service, place in world.placements.items())
    return Race(why, operations, everything, began, world.reading)


def _operation(world: World, done: Done, services: Sequence[str], *, wrong: bool) -> RaceOperation:
    timed = done.timed
    return RaceOperation(
        timed.client,
        timed.exchange.number,
        timed.exchange.request,
        asked_words(world, done.call),
        timed.begin_s,
        timed.end_s,
        timed.exchange.status,
        shown_words(world, done, services),
        wrong,
    )


# ---------------------------------------------------------------------- sentences


def unexplained(
    requirement: str, world: World, kept: Sequence[Done], wrong: Done | None, services: Sequence[str]
) -> Mismatch:
    """No order explains these answers (RACE-1, RACE-3)."""
    blamed = wrong or kept[-1]
    why = f"no order of these {len(kept)} requests explains it"
    if len(kept) == 1:
        why = "in no order of the requests can that be"
    message = f"{_subject(world, blamed, kept)} {_shows(world, blamed, services)}: {why}"
    whole = requirement == "RACE-3"
    if whole:
        told = [f"{_subject(world, one, ())} {_shows(world, one, services)}" for one in _others(kept, blamed, services)]
        message = f"{_subject(world, blamed, kept)} {_shows(world, blamed, services)}{_beside(told)}: {why}"
    return Mismatch(
        requirement,
        f"{'snapshot' if whole else 'order'}:{_kind(blamed)}",
        message,
        "a state that one order of the requests, which respects real time, leads to",
        shown_words(world, blamed, services) or words.reply_words(blamed.reply),
        "state",
    )


def _others(kept: Sequence[Done], blamed: Done, services: Sequence[str]) -> list[Done]:
    """The other answers that say something of these services."""
    return [
        one
        for one in kept
        if one is not blamed
        and isinstance(one.operation.answer, Shown)
        and any(place[0] in services for place in one.operation.answer.places)
    ]


def _beside(told: Sequence[str]) -> str:
    return f", while {' and '.join(told[:2])}" if told else ""


def _kind(done: Done) -> str:
    answer = done.operation.answer
    if isinstance(answer, Shown) and answer.kind is Kind.REFUSED:
        return "refusal"
    return "answer" if isinstance(done.call, Attach) else "read"


def _subject(world: World, blamed: Done, kept: Sequence[Done]) -> str:
    """`The list that client 3 asked for 3 ms after client 1's move of … was answered`."""
    if isinstance(blamed.call, Attach):
        subject = f"the answer to {deed_words(world, blamed)}"
    else:
        what = {ReadList: "the list", ReadService: "the stage of the service"}.get(type(blamed.call), "the stage")
        subject = f"{what} that {blamed.client} asked for"
    others = [one for one in kept if one is not blamed and isinstance(one.call, Attach)]
    before = [(one.timed.end_s, one) for one in others if one.timed.end_s is not None]
    ended = [(end, one) for end, one in before if end < blamed.timed.begin_s]
    if ended:
        end, last = max(ended, key=lambda pair: pair[0])
        return f"{subject} {_later(blamed.timed.begin_s - end)} {deed_words(world, last)} was answered"
    if others:
        return f"{subject} during {' and '.join(deed_words(world, one) for one in others[:2])}"
    return subject


def deed_words(world: World, done: Done) -> str:
    """A write as a thing: `client 1's move of service 5e6f7a8b to stage B`."""
    assert isinstance(done.call, Attach)
    service, stage = words.service_label(world, done.call.service), words.stage_label(world, done.call.stage)
    if done.call.form is Form.TRUE:
        return f"{done.client}'s skip of {service} in {stage}"
    return f"{done.client}'s move of {service} to {stage}"


def _later(seconds: float) -> str:
    milliseconds = seconds * 1000
    if milliseconds < _SOON_MS:
        return "right after"
    return f"{milliseconds:.1f} ms after" if milliseconds < 10 else f"{milliseconds:.0f} ms after"


def _shows(world: World, blamed: Done, services: Sequence[str]) -> str:
    answer = blamed.operation.answer
    if isinstance(answer, Shown) and answer.kind is Kind.REFUSED:
        return f"is a refusal ({blamed.reply.status})"
    return f"shows {shown_words(world, blamed, services)}"
