"""Mocks that keep the contract in their own way, each by a freedom that the contract leaves; `variants` names them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stagecheck.mock.app import Answer, Attachment, Call, Mock
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import Attach, OtherMethod, Request
from stagecheck.model.state import World
from stagecheck.model.step import Accepted, Outcome, Refused, step
from stagecheck.operations import OperationKey
from stagecheck.wire.spell import operation_of

_SLOW_S = 0.003


# ---------------------------------------------------------------------- what is offered


class Offers(Mock):
    """Offers the PUT and the operations of `reads`; every other path does not exist."""

    def __init__(self, scenario: Scenario, reads: tuple[OperationKey, ...] = ()) -> None:
        super().__init__(scenario)
        self.reads = reads

    def understand(self, call: Call) -> Request | None:
        """What the call asks for, if that is offered."""
        request = super().understand(call)
        offered = request is None or operation_of(request) in (*self.reads, OperationKey.ATTACH)
        return request if offered else None


# ---------------------------------------------------------------------- what answers look like


class Dressed(Mock):
    """Renders every stage and every entry through two functions."""

    def __init__(
        self,
        scenario: Scenario,
        stage: Callable[[dict[str, Any]], dict[str, Any]] = lambda shown: shown,
        entry: Callable[[dict[str, Any]], dict[str, Any]] = lambda shown: shown,
    ) -> None:
        super().__init__(scenario)
        self.stage_dressed = stage
        self.entry_dressed = entry

    def stage(self, stage_id: str) -> dict[str, Any]:
        """One stage, dressed."""
        return self.stage_dressed(super().stage(stage_id))

    def entry(self, service_id: str) -> dict[str, Any]:
        """One entry, dressed."""
        return self.entry_dressed(super().entry(service_id))


def only(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Keep these properties; a flag that is false counts as left out."""
    return lambda shown: {k: v for k, v in shown.items() if k in names and (k != "is_skipped" or v)}


def without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Leave these properties out."""
    return lambda shown: {key: value for key, value in shown.items() if key not in names}


def without_empty_services(shown: dict[str, Any]) -> dict[str, Any]:
    """Leave `services` out where there are none."""
    return shown if shown["services"] else {key: value for key, value in shown.items() if key != "services"}


def with_extras(shown: dict[str, Any]) -> dict[str, Any]:
    """More than is published: other names, other types, and names that mean something elsewhere."""
    return {**shown, "status": {"state": "RUNNING"}, "skipped": "no", "stage_id": None, "tags": ["a", 1], "results": []}


def in_capitals(shown: dict[str, Any]) -> dict[str, Any]:
    """UUIDs in capitals."""
    loud = {key: value.upper() for key, value in shown.items() if key in ("id", "service_id")}
    home = {"environment": {"id": shown["environment"]["id"].upper()}} if "environment" in shown else {}
    return {**shown, **loud, **home}


def with_offsets(shown: dict[str, Any]) -> dict[str, Any]:
    """The same moments with microseconds and an offset of two hours."""
    return {**shown, **{key: _shifted(shown[key]) for key in ("created_at", "updated_at")}}


def _shifted(moment: str) -> str:
    hour = int(moment[11:13]) + 2
    # The last two hours of a day would be the next day there; they stay in UTC, as summer time ends some day, too.
    return f"{moment[:11]}{hour:02d}{moment[13:19]}.000000+02:00" if hour < 24 else f"{moment[:19]}.000+00:00"


class Shuffles(Mock):
    """Stages and services stand in another order in every answer."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.random = random.Random(0)  # noqa: S311  # an order, not a secret

    def listing(self, environment: str) -> dict[str, Any]:
        """All stages, shuffled."""
        stages = super().listing(environment)["results"]
        self.random.shuffle(stages)
        return {"results": stages}

    def members(self, stage_id: str) -> tuple[str, ...]:
        """The services of a stage, shuffled."""
        return tuple(self.random.sample(right := super().members(stage_id), len(right)))


class Backwards(Mock):
    """Stages from the last to the first, services from the newest to the oldest."""

    def listing(self, environment: str) -> dict[str, Any]:
        """All stages, the last one first."""
        return {"results": super().listing(environment)["results"][::-1]}

    def members(self, stage_id: str) -> tuple[str, ...]:
        """The services of a stage, backwards."""
        return super().members(stage_id)[::-1]


class NewEntries(Mock):
    """Every PUT makes a new entry, in place too: another id and new dates."""

    def touch(self, request: Attach, before: World) -> None:
        """Replace the entry."""
        super().touch(request, before)
        self.attachments[request.service] = self.attachment(request.service)


class KeptEntries(Mock):
    """The entry is the service's own: it keeps its id and created_at in every move, and is updated by every PUT."""

    def touch(self, request: Attach, before: World) -> None:
        """Keep the id and the first date."""
        old = self.attachments[request.service]
        super().touch(request, before)
        self.attachments[request.service] = Attachment(old.id, old.created_at, self.now())


class UpdatesStages(Mock):
    """A stage is updated by every write to the target."""

    def stage(self, stage_id: str) -> dict[str, Any]:
        """One stage, updated just now."""
        return {**super().stage(stage_id), "updated_at": self.now()}


class SaysCharset(Mock):
    """The content type carries a charset, in capitals."""

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        """The answer, with the header."""
        right = super().accepted(request, answer)
        right.headers["content-type"] = "Application/JSON; charset=UTF-8"
        return right


class Slow(Mock):
    """Takes a few milliseconds for every answer."""

    def handle(self, call: Call) -> Answer:
        """Answer late."""
        time.sleep(_SLOW_S)
        return super().handle(call)


# ---------------------------------------------------------------------- how it refuses


class Refuses(Mock):
    """Renders refusals through a function."""

    def __init__(self, scenario: Scenario, refusal: Callable[[Answer], Answer]) -> None:
        super().__init__(scenario)
        self.dressed = refusal

    def refusal(self, refused: Refused) -> Answer:
        """A refusal, dressed."""
        return self.dressed(super().refusal(refused))


def as_forbidden(answer: Answer) -> Answer:
    """403 in place of 401 and 404."""
    return replace(answer, status=403) if answer.status in (401, 404) else answer


def as_problem(answer: Answer) -> Answer:
    """RFC 9457."""
    problem = {"type": "about:blank", "title": "Refused", "status": answer.status, "detail": "stage or service"}
    return replace(answer, payload=problem, headers={"content-type": "application/problem+json"})


def as_html(answer: Answer) -> Answer:
    """A page for people, as a gateway sends it."""
    return replace(answer, raw=b"<html><h1>No.</h1></html>", headers={"content-type": "text/html"})


def without_body(answer: Answer) -> Answer:
    """A status alone."""
    return Answer(answer.status)


class ChecksBackwards(Mock):
    """Where several reasons to refuse hold, the last one counts: the body before the ids, the credential at the end."""

    def decide(self, request: Request) -> Outcome:
        """The last refusal, or the plainest outcome."""
        outcomes = step(self.world, request)
        refusals = [outcome for outcome in outcomes if isinstance(outcome.answer, Refused)]
        return refusals[-1] if outcomes[0] in refusals else outcomes[0]

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        """No path for a stranger method, whoever asks."""
        if isinstance(request, OtherMethod):
            return self.refusal(Refused((405,), None, 405))
        return super().answer(call, request, outcome)


class NoSuchMethod(Mock):
    """Stranger methods find nothing: 401 without a good credential, else 404."""

    def refusal(self, refused: Refused) -> Answer:
        """405 becomes 404."""
        return super().refusal(replace(refused, preferred=404) if refused.preferred == 405 else refused)


# ---------------------------------------------------------------------- what is open about bodies


class Chooses(Mock):
    """Where the contract leaves a choice about a body, takes the one that is named `preferred`."""

    def __init__(self, scenario: Scenario, preferred: str) -> None:
        super().__init__(scenario)
        self.preferred = preferred

    def decide(self, request: Request) -> Outcome:
        """The preferred outcome if the choice is open, else the plainest."""
        outcomes = step(self.world, request)
        return next((o for o in outcomes if o.choice and o.choice[1] == self.preferred), outcomes[0])


class ReadsAnyMedia(Mock):
    """Does not look at the content type: whatever comes is read as JSON."""

    def read_body(self, call: Call) -> tuple[Any, bool]:
        """The body as JSON."""
        form, _ = super().read_body(call)
        return form, False


class KeepsOnRepeat(Mock):
    """The very same PUT again, at once, is a repeat, and leaves the state as the first one did (RFC 9110 9.2.2).

    Under move-unskips this is the other way to read a true that is sent twice: the first one moved the service to the
    stage, so that the second one would skip it there.
    """

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.present: Call | None = None
        self.last: Call | None = None

    def handle(self, call: Call) -> Answer:
        """Answer, knowing which call it is."""
        self.present = call
        return super().handle(call)

    def decide(self, request: Request) -> Outcome:
        """The same state as after the first time."""
        right = super().decide(request)
        repeated = isinstance(request, Attach) and self.present == self.last
        return replace(right, world=self.world) if repeated else right

    def commit(self, request: Attach, world: World) -> None:
        """Remember the call."""
        super().commit(request, world)
        self.last = self.present
