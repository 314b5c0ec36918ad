"""Defects that one client alone never meets: what goes wrong when requests come at the same time (RACE-1…3).

Each answers one request after another as it should. `pause` stands for the store that a real server waits for, and
opens the window in which another request comes in between.
"""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

from stagecheck.audit.defect import seeded
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import Attach, ReadList, Request, is_read
from stagecheck.model.state import Placement, World
from stagecheck.model.step import Accepted, Outcome, Refused

_STORE_S = 0.003
"""What a round trip to a database takes."""


def pause() -> None:
    """Wait for the store."""
    time.sleep(_STORE_S)


class Racing(Mock):
    """Requests meet: each has a thread of its own, and `handle` is not alone. `alone` is the lock that is left.

    `under_way`: how many requests are being handled.
    """

    in_threads = True

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.busy = threading.Lock()
        self.under_way = 0

    def locked(self, call: Call) -> Answer:
        """Answer a request beside others."""
        with self.busy:
            self.under_way += 1
        try:
            return self.handle(call)
        finally:
            with self.busy:
                self.under_way -= 1

    def placed(self, service: str, place: Placement) -> None:
        """Put one service somewhere, and nothing else, in one step."""
        with self.lock:
            self.world = self.world.placed(service, place.stage, skipped=place.skipped)

    def commit(self, request: Attach, world: World) -> None:
        """Write what concerns the service, whatever else was written meanwhile."""
        self.placed(request.service, world.placements[request.service])


class Serial(Racing):
    """Requests are handled one after another, but for what `accepted` does outside the lock."""

    def handle(self, call: Call) -> Answer:
        """The decision and the write under the lock."""
        request = self.understand(call)
        if request is None:
            return self.refusal(Refused((404,), None, 404))
        with self.lock:
            outcome = self.decide(request)
            if isinstance(outcome.answer, Refused):
                return self.refusal(outcome.answer)
            if not isinstance(request, Attach):
                return super().answer(call, request, outcome)
            before = self.world
            self.commit(request, outcome.world)
            self.touch(request, before)
        return self.afterwards(request, outcome.answer)

    def afterwards(self, request: Attach, answer: Accepted) -> Answer:
        """The answer, when the lock is free again."""
        with self.lock:
            return self.accepted(request, answer)


# ---------------------------------------------------------------------- acknowledged and lost, RACE-2


@seeded("whole-document-written-back", "RACE-2", "Everything is read, changed in one place, and written back whole.")
class _WholeDocumentWrittenBack(Racing):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        if isinstance(request, Attach):
            pause()
        return super().answer(call, request, outcome)

    def commit(self, request: Attach, world: World) -> None:
        self.world = world


@seeded("decided-before-the-lock", "RACE-2", "What a move leads to is worked out first, and only written under a lock.")
class _DecidedBeforeTheLock(Racing):
    def decide(self, request: Request) -> Outcome:
        outcome = super().decide(request)
        if isinstance(request, Attach):
            pause()
        return outcome

    def commit(self, request: Attach, world: World) -> None:
        with self.lock:
            pause()
            self.world = world


@seeded("conflict-swallowed", "RACE-2", "A write that finds another one came first is dropped, and answered 200.")
class _ConflictSwallowed(Racing):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        if not isinstance(request, Attach) or isinstance(outcome.answer, Refused):
            return super().answer(call, request, outcome)
        version = self.tick
        pause()
        with self.lock:
            if self.tick == version:
                return super().answer(call, request, outcome)
            now, self.world = self.world, outcome.world
            try:
                return self.accepted(request, outcome.answer)
            finally:
                self.world = now


@seeded(
    "flag-and-stage-apart",
    "RACE-2",
    "A move writes the stage of a service and then its flag, a skip the flag and then the stage.",
    accepts=("RACE-1",),
)
class _FlagAndStageApart(Racing):
    def commit(self, request: Attach, world: World) -> None:
        right = world.placements[request.service]
        stage, flag = {"stage": right.stage}, {"skipped": right.skipped}
        first, second = (flag, stage) if right.skipped else (stage, flag)
        self.placed(request.service, replace(self.world.placements[request.service], **first))
        pause()
        self.placed(request.service, replace(self.world.placements[request.service], **second))


class _Rooms(Racing):
    """Each stage keeps a list of its services, and nothing else says where a service is."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.rooms = {stage: list(self.world.services_in(stage)) for stage in self.world.stages}

    def stage(self, stage_id: str) -> dict[str, Any]:
        members = list(dict.fromkeys(self.rooms.get(stage_id, ())))
        return {**super().stage(stage_id), "services": [self.entry(service) for service in members]}

    def room_of(self, service: str) -> str | None:
        """The stage in whose list a service is."""
        return next((stage for stage, members in self.rooms.items() if service in members), None)


@seeded("lock-per-stage", "RACE-2", "A move locks the stage that it goes to, and not the one that it comes from.")
class _LockPerStage(_Rooms):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def commit(self, request: Attach, world: World) -> None:
        with self.locks[request.stage]:
            here = self.room_of(request.service)
            pause()
            super().commit(request, world)
            if here is not None and request.service in self.rooms[here]:
                self.rooms[here].remove(request.service)
            self.rooms.setdefault(world.placements[request.service].stage, []).append(request.service)


@seeded("stage-documents-written-back", "RACE-2", "Both stages of a move are read, changed, and written back whole.")
class _StageDocumentsWrittenBack(_Rooms):
    def commit(self, request: Attach, world: World) -> None:
        there = world.placements[request.service].stage
        here = self.room_of(request.service) or there
        left, joined = list(self.rooms.get(here, ())), list(self.rooms.get(there, ()))
        pause()
        super().commit(request, world)
        if here != there:
            self.rooms[here] = [service for service in left if service != request.service]
            self.rooms[there] = [*(service for service in joined if service != request.service), request.service]


@seeded(
    "cache-filled-late", "RACE-2", "A list that was read before a write fills the cache after it.", accepts=("RACE-1",)
)
class _CacheFilledLate(Racing):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.cached: dict[str, Any] = {}

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        if not isinstance(request, ReadList):
            return super().accepted(request, answer)
        if request.environment not in self.cached:
            fresh = self.listing(request.environment)
            pause()
            self.cached[request.environment] = fresh
        return Answer(200, self.cached[request.environment])

    def commit(self, request: Attach, world: World) -> None:
        super().commit(request, world)
        self.cached.clear()


# ---------------------------------------------------------------------- an answer that no order explains, RACE-1


@seeded(
    "acknowledged-before-written",
    "RACE-1",
    "While others are busy a move is answered first and written a little later.",
    accepts=("RACE-2",),
)
class _AcknowledgedBeforeWritten(Racing):
    def commit(self, request: Attach, world: World) -> None:
        if self.under_way < 2:
            super().commit(request, world)
            return
        place = world.placements[request.service]
        threading.Timer(4 * _STORE_S, self.placed, (request.service, place)).start()

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        if not isinstance(request, Attach):
            pause()
            return super().accepted(request, answer)
        with self.lock:
            now, self.world = self.world, self.decide(request).world
            try:
                return super().accepted(request, answer)
            finally:
                self.world = now


@seeded(
    "answer-built-after-the-lock", "RACE-1", "A move is written under a lock, and its answer read when that is gone."
)
class _AnswerBuiltAfterTheLock(Serial):
    def afterwards(self, request: Attach, answer: Accepted) -> Answer:
        pause()
        return super().afterwards(request, answer)


@seeded(
    "replica-behind",
    "RACE-1",
    "Reads are served by a copy that is behind while anything is written.",
    accepts=("RACE-2",),
)
class _ReplicaBehind(Serial):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.copy = self.world

    def commit(self, request: Attach, world: World) -> None:
        pause()
        super().commit(request, world)

    def afterwards(self, request: Attach, answer: Accepted) -> Answer:
        answered = super().afterwards(request, answer)
        if self.under_way < 2:
            self.catch_up()
        else:
            threading.Timer(2 * _STORE_S, self.catch_up).start()
        return answered

    def catch_up(self) -> None:
        """Bring the copy up to date."""
        self.copy = self.world

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        if not is_read(request):
            return super().accepted(request, answer)
        with self.lock:
            now, self.world = self.world, self.copy
            try:
                return super().accepted(request, self.decide(request).answer)  # type: ignore[arg-type]
            finally:
                self.world = now


@seeded("not-found-while-moved", "RACE-1", "A service that is just being moved is not found by others.")
class _NotFoundWhileMoved(Racing):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.moving: set[str] = set()

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        if not isinstance(request, Attach) or isinstance(outcome.answer, Refused):
            return super().answer(call, request, outcome)
        with self.lock:
            if request.service in self.moving:
                return self.refusal(Refused((404,), None, 404))
            self.moving.add(request.service)
        try:
            pause()
            with self.lock:
                return super().answer(call, request, self.decide(request))
        finally:
            self.moving.discard(request.service)


@seeded(
    "answers-exchanged", "RACE-1", "The answer is kept where the next request may put its own.", accepts=("RACE-3",)
)
class _AnswersExchanged(Serial):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.kept = Answer(204)

    def afterwards(self, request: Attach, answer: Accepted) -> Answer:
        self.kept = super().afterwards(request, answer)
        pause()
        return self.kept


# ---------------------------------------------------------------------- lists that show what never was, RACE-3


class _Between(Racing):
    """While a service is moved, `between` says in which stages lists show it."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.shown: dict[str, tuple[str, ...]] = {}

    def commit(self, request: Attach, world: World) -> None:
        here, there = self.world.placements[request.service].stage, world.placements[request.service].stage
        if here != there:
            self.shown[request.service] = self.between(here, there)
            pause()
        super().commit(request, world)
        self.shown.pop(request.service, None)

    def between(self, here: str, there: str) -> tuple[str, ...]:
        """The stages that list a service on its way."""
        return (here, there)

    def members(self, stage_id: str) -> tuple[str, ...]:
        shown = dict(self.shown)
        staying = tuple(service for service in super().members(stage_id) if service not in shown)
        return (*staying, *(service for service, stages in shown.items() if stage_id in stages))


@seeded("nowhere-while-moved", "RACE-3", "A service leaves one stage first and joins the other a little later.")
class _NowhereWhileMoved(_Between):
    def between(self, here: str, there: str) -> tuple[str, ...]:
        return ()


@seeded("twice-while-moved", "RACE-3", "A service joins one stage first and leaves the other a little later.")
class _TwiceWhileMoved(_Between):
    pass


@seeded("list-read-stage-by-stage", "RACE-3", "A list is put together from one read for each stage.")
class _ListReadStageByStage(Racing):
    def listing(self, environment: str) -> dict[str, Any]:
        stages = []
        for stage in self.world.stages_of(environment):
            stages.append(self.stage(stage.id))
            pause()
        return {"results": stages}


@seeded("environments-mixed", "RACE-3", "Which environment is listed is kept where the next request may put another.")
class _EnvironmentsMixed(Racing):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.listed = scenario.environment

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        if not isinstance(request, ReadList):
            return super().accepted(request, answer)
        self.listed = request.environment
        pause()
        return Answer(200, self.listing(self.listed))
