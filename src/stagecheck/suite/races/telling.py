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
    """What was asked, for a line of its own: `move service 5e6f7a8b to stage B`."""
    if isinstance(call, Attach):
        service, stage = words.service_label(world, call.service), words.stage_label(world, call.stage)
        return f"skip {service} in {stage}" if call.form is Form.TRUE else f"move {service} to {stage}"
    if isinstance(call, ReadList):
        return "list the stages"
    if isinstance(call, ReadService):
        return f"read the stage of {words.service_label(world, call.service)}"
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


def race_of(world: World, all_done: Sequence[Done], kept: Sequence[Done], wrong: Done | None, why: str) -> Race:
    """What the record holds of a race: the requests that are enough, and all of the round."""
    services = [done.call.service for done in kept if isinstance(done.call, Attach)] or list(world.placements)
    operations = tuple(_operation(world, done, services, wrong=done is wrong) for done in kept)
    everything = tuple(_operation(world, done, services, wrong=done is wrong) for done in all_done)
    return Race(why, operations, everything)


def _operation(world: World, done: Done, services: Sequence[str], *, wrong: bool) -> RaceOperation:
    timed = done.timed
    return RaceOperation(
        timed.client,
        timed.exchange.number,
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
    count = f"these {len(kept)} requests" if len(kept) > 1 else "this request"
    message = f"{_subject(world, blamed, kept)} {_shows(world, blamed, services)}: no order of {count} explains it"
    whole = requirement == "RACE-3"
    return Mismatch(
        requirement,
        f"{'snapshot' if whole else 'order'}:{_kind(blamed)}",
        message,
        "a state that one order of the requests, which respects real time, leads to",
        shown_words(world, blamed, services) or words.reply_words(blamed.reply),
        "state",
    )


def _kind(done: Done) -> str:
    answer = done.operation.answer
    if isinstance(answer, Shown) and answer.kind is Kind.REFUSED:
        return "refusal"
    return "answer" if isinstance(done.call, Attach) else "read"


def _subject(world: World, blamed: Done, kept: Sequence[Done]) -> str:
    """`The list that client 3 asked for 3 ms after client 1's move of … was answered`."""
    what = {ReadList: "the list", ReadService: "the stage of the service"}.get(type(blamed.call), "the stage")
    if isinstance(blamed.call, Attach):
        subject = f"the answer to {blamed.client}, who asked to {asked_words(world, blamed.call)}"
    else:
        subject = f"{what} that {blamed.client} asked for"
    before = [one for one in kept if one is not blamed and _ended(one) and one.timed.end_s <= blamed.timed.begin_s]  # type: ignore[operator]
    writes = [one for one in before if isinstance(one.call, Attach)]
    if writes:
        last = max(writes, key=lambda one: one.timed.end_s or 0.0)
        later = (blamed.timed.begin_s - (last.timed.end_s or 0.0)) * 1000
        return f"{subject} {_ms(later)} after {last.client} was told that to {asked_words(world, last.call)} is done,"
    others = [one for one in kept if one is not blamed and isinstance(one.call, Attach)]
    if others:
        meanwhile = " and ".join(f"{one.client} asked to {asked_words(world, one.call)}" for one in others[:2])
        return f"{subject} while {meanwhile},"
    return subject


def _ended(done: Done) -> bool:
    return done.timed.end_s is not None


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


def _shows(world: World, blamed: Done, services: Sequence[str]) -> str:
    answer = blamed.operation.answer
    if isinstance(answer, Shown) and answer.kind is Kind.REFUSED:
        return f"is a refusal ({blamed.reply.status})"
    return f"shows {shown_words(world, blamed, services)}"
