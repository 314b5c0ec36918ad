"""Judging one answer after another: which worlds are still possible, and, when none is, which promise broke.

The oracle follows the target: after a violation it believes what it saw and goes on, so one defect never hides the
next. It never sends anything; `suite.session` asks it about every exchange, in the order in which they happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from stagecheck import witness
from stagecheck.model import words
from stagecheck.model.absorb import learn, resynchronise
from stagecheck.model.arrangement import anywhere, arrangement, by_its_promise, reused, shown_value
from stagecheck.model.beliefs import told_apart
from stagecheck.model.compare import Comparison, Mismatch
from stagecheck.model.exercised import Circumstances, exercised_by
from stagecheck.model.intrinsic import intrinsic
from stagecheck.model.management import bound, carried_out, outcomes, unnumbered, unread, without
from stagecheck.model.observation import Reply
from stagecheck.model.past import Past, missing_by
from stagecheck.model.requests import (
    OPEN_FORMS,
    Attach,
    CreateStage,
    OtherMethod,
    ReadService,
    Request,
    is_management,
    is_read,
)
from stagecheck.model.state import Placement, Reading, World
from stagecheck.model.statuses import kind_of, not_accepted, not_refused, service_lost
from stagecheck.model.step import Accepted, Outcome, Refused, step

_RENAMED_ON_REPEAT = ("MOVE-", "SKIP-")
_GATEWAY = (502, 503, 504)
_OF_THE_REQUEST = (400, 415, 422)
"""Refusals that speak of the request as it is, whatever has become of the service."""

_LATE = 2
"""Lost requests that may still take effect, the latest ones: each doubles the worlds."""

_WEIGHT = {"status": 100, "state": 10, "stages": 3}
"""How far an answer is from an outcome: a wrong status says more than a wrong placement, that more than a date."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one answer says: the promises it breaks, those it could have broken, and the freedom it used."""

    mismatches: tuple[Mismatch, ...] = ()
    exercised: tuple[str, ...] = ()
    choice: tuple[str, str] | None = None
    expected: World | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    before: World
    outcome: Outcome
    mismatches: tuple[Mismatch, ...]

    @property
    def weight(self) -> int:
        return sum(_WEIGHT.get(mismatch.about, 1) for mismatch in self.mismatches)


class Oracle:
    """Follows one target through a run. `environment` is the id of the environment under test."""

    def __init__(self, world: World, environment: str, *, pinned: Reading | None = None) -> None:
        self.worlds: tuple[World, ...] = (replace(world, reading=pinned),)
        self.looking = False
        """Whether the next PUT is sent only to see whether a refusal changed anything."""
        self.disputed = False
        """Whether a read and an answer have contradicted each other in this run."""
        self.environment = environment
        self.pinned = pinned
        self._last_write: tuple[object, bool] | None = None
        self._past = Past()
        self._shown_by_attach: set[str] = set()
        self._moved_by_true: dict[str, str] = {}
        self._at_risk: OtherMethod | None = None

    @property
    def world(self) -> World:
        """The plainest of the possible worlds: the one the next request is chosen by."""
        return self.worlds[0]

    @property
    def reading(self) -> Reading | None:
        """The reading of SKIP-2 that the target has shown, when only one is left."""
        left = {world.reading for world in self.worlds}
        return next(iter(left)) if len(left) == 1 else None

    def agrees(self, read: Request) -> bool:
        """Whether that very read agreed with the world after the last write."""
        return read in self._past.clean_reads

    def consider(self, world: World) -> None:
        """Keep one more world as possible, the plainest: a read showed it, though an answer did not."""
        self.disputed = True
        self._set((world, *self.worlds))

    def perhaps(self, request: Request) -> None:
        """Believe it possible as well that a request which was refused was carried out by then, once."""
        self._set((*self.worlds, *(done for world in self.worlds for done in carried_out(world, request, step))))

    def meanwhile(self, world: World) -> None:
        """Others have written meanwhile: believe that world, and blame nothing on what was asked before."""
        self._set((world,))
        self._last_write = None
        self._moved_by_true.clear()
        self._past.forget()

    def anew(self, world: World, *, forget_reading: bool) -> Oracle:
        """An oracle that knows that world and has seen nothing yet, but for the reading."""
        oracle = Oracle(replace(world, pending=()), self.environment, pinned=self.pinned)
        if self.pinned is None and not forget_reading:
            oracle.worlds = (replace(oracle.world, reading=self.reading),)
        return oracle

    def believe(self, other: Oracle) -> None:
        """Take over what another oracle has come to believe of the state, but for the reading."""
        self._set(replace(world, reading=self.world.reading) for world in other.worlds)

    def judge(self, request: Request, reply: Reply, fingerprint: object = None) -> Judgement:
        """Judge an answer. `fingerprint` tells whether the very same bytes were sent before (STATE-4)."""
        request = bound(request, reply)
        not_implemented = reply.status == 501 and isinstance(request, OtherMethod)
        if reply.status is None or (reply.status >= 500 and not not_implemented):
            return self._unknown(request, reply)
        candidates = list(self._candidates(request, reply))
        clean = [candidate for candidate in candidates if not candidate.mismatches]
        repeat = self._last_write == (fingerprint, True) and fingerprint is not None
        was = self.world.placements.get(request.service) if isinstance(request, Attach) else None
        excused = isinstance(request, Attach) and self._moved_by_true.get(request.service) == request.stage
        if clean:
            judgement = self._accept(request, reply, clean, repeat=repeat)
        else:
            best = min(candidates, key=lambda candidate: candidate.weight)
            judgement = self._resynchronise(request, reply, best, repeat=repeat, excused=excused)
        judgement = self._with_intrinsic(judgement, reply, request)
        judgement = self._with_losses(judgement, reply)
        if isinstance(request, Attach) and reply.accepted:
            self._note_moved_by_true(request, was)
        self._remember(request, reply, fingerprint, judgement)
        return judgement

    # ------------------------------------------------------------------ candidates

    def _candidates(self, request: Request, reply: Reply) -> Iterator[_Candidate]:
        for world in self._with_pending():
            for outcome in outcomes(world, request, step):
                mismatches = tuple(self._mismatches(world, outcome, request, reply))
                yield _Candidate(world, outcome, mismatches)

    def _with_pending(self) -> Iterator[World]:
        """Every world, and every world in which a request of unknown outcome has taken effect by now."""
        for world in self.worlds:
            yield world
            for position, late in enumerate(world.pending):
                rest = world.pending[:position] + world.pending[position + 1 :]
                yield from (replace(done, pending=rest) for done in carried_out(world, late, step))

    def _mismatches(self, before: World, outcome: Outcome, request: Request, reply: Reply) -> Iterator[Mismatch]:
        answer = outcome.answer
        if isinstance(answer, Refused):
            if not (reply.refused and answer.allows(reply.status or 0)):
                yield not_refused(before, request, answer, reply)
        elif not reply.accepted:
            if reply.status in _OF_THE_REQUEST or not self._vanished(before, request):
                yield not_accepted(before, request, reply)
        elif reply.shows is not None:
            environment = self._environment_of(outcome)
            comparison = Comparison(before, outcome.world, request, environment, frozenset(self._shown_by_attach))
            yield from reused(before, request)
            if reply.shows.of_list:
                broken = (*comparison.listing(reply.shows), *arrangement(comparison, reply.shows))
            else:
                broken = tuple(comparison.one_stage(reply.shows, answer.stage))
            for mismatch in broken:
                yield by_its_promise(request, mismatch, outcome.world)

    def _note_moved_by_true(self, request: Attach, was: Placement | None) -> None:
        """Remember a move by `true` that un-skipped, until something else is done with that service."""
        now = self.world.placements.get(request.service)
        if request.form.moves or now is None or now.skipped or now.stage != request.stage:
            self._moved_by_true.pop(request.service, None)
        elif was is None or was.stage != request.stage:
            self._moved_by_true[request.service] = request.stage

    def _environment_of(self, outcome: Outcome) -> str:
        """Which environment an answer speaks of: the one under test, unless another one was addressed."""
        answer = outcome.answer
        if isinstance(answer, Refused):
            return self.environment
        named = answer.environment or (outcome.world.environment_of(answer.stage) if answer.stage else None)
        return named or self.environment

    def _vanished(self, world: World, request: Request) -> bool:
        """Whether the service was seen to be in no stage: that was reported, and what follows from it is no news."""
        return (
            isinstance(request, Attach | ReadService)
            and self.environment in world.complete
            and request.service not in world.placements
        )

    # ------------------------------------------------------------------ what follows from them

    def _accept(self, request: Request, reply: Reply, clean: list[_Candidate], *, repeat: bool) -> Judgement:
        worlds: Iterable[World] = (_after(candidate, reply) for candidate in clean)
        if reply.shows is not None and reply.accepted:
            seen = reply.shows
            environment = self._environment_of(clean[0].outcome)
            worlds = (learn(world, seen, environment) for world in worlds)
        elif reply.accepted and isinstance(request, Attach):
            # 200 that cannot be read: nobody knows what it did.
            worlds = (world for candidate in clean for world in (candidate.outcome.world, candidate.before))
        elif reply.accepted and isinstance(request, CreateStage):
            worlds = (unread(candidate.before, request) for candidate in clean)
        if reply.refused and isinstance(request, Attach) and kind_of(request) in self._past.lying_refusals:
            # Such a refusal was seen to change the state before: it may have done so again.
            known = list(worlds)
            done = (w.placed(request.service, request.stage, skipped=flag) for w in known for flag in (False, True))
            worlds = (*known, *done)
        first = clean[0]
        exercised = tuple(exercised_by(first.before, request, reply, self._circumstances(repeat=repeat)))
        if not (is_read(request) and self.disputed):
            # Once a read was caught contradicting an answer, reads no longer rule worlds out.
            self._set(worlds)
        return Judgement((), exercised, first.outcome.choice)

    def _resynchronise(
        self, request: Request, reply: Reply, best: _Candidate, *, repeat: bool, excused: bool
    ) -> Judgement:
        mismatches = tuple(self._renamed(request, reply, best, repeat=repeat, excused=excused))
        exercised = tuple(exercised_by(best.before, request, reply, self._circumstances(repeat=repeat)))
        if is_read(request) and any(m.requirement == "STAGE-3" and m.about == "status" for m in mismatches):
            # A stage that is shown although it was deleted: it is the read that is wrong.
            pass
        elif reply.shows is not None and reply.accepted:
            believed = resynchronise(best.outcome.world, reply.shows, self._environment_of(best.outcome))
            believed = without(believed, missing_by(mismatches))
            explained = any(mismatch.requirement.startswith(("STATE-6", "STAGE")) for mismatch in mismatches)
            if is_read(request) and not explained:
                # Either the read or the last 200 answer is wrong: both stay possible until the next answer.
                if not self.disputed:
                    self._set((*self.worlds, believed))
                self.disputed = True
            else:
                inconsistent = any(mismatch.requirement == "SKIP-2" for mismatch in mismatches)
                reading = best.before.reading if inconsistent else best.outcome.world.reading
                believed = replace(believed, reading=reading)
                if is_management(request) and any(m.cause.endswith("stage-deployment_order") for m in mismatches):
                    # Where one has another number than it should, so may all that the answer does not show.
                    believed = unnumbered(believed, believed.stages.keys() - {stage.id for stage in reply.shows.stages})
                let_in = any(mismatch.cause.startswith("not-refused") for mismatch in mismatches)
                if let_in and isinstance(request, Attach) and request.service in believed.placements:
                    # What should have been refused may have sent the service anywhere, whatever the answer shows.
                    self._set((believed, believed.unplaced(request.service)))
                else:
                    self._set((believed,))
        elif reply.accepted and isinstance(request, OtherMethod):
            # Whatever such a method does, the service may be anywhere now, but for nowhere.
            self._at_risk = request
            self._set((self.world.unplaced(request.service),))
        elif reply.accepted and isinstance(request, Attach):
            self._set((*self.worlds, self.world.placed(request.service, request.stage, skipped=False)))
        elif reply.accepted and is_management(request):
            self._set((*self.worlds, *carried_out(self.world, request, step)))
        broken = (mismatch.requirement for mismatch in mismatches if mismatch.requirement not in exercised)
        return Judgement(mismatches, (*exercised, *broken), None, best.outcome.world)

    def _renamed(
        self, request: Request, reply: Reply, best: _Candidate, *, repeat: bool, excused: bool
    ) -> Iterator[Mismatch]:
        for mismatch in best.mismatches:
            if isinstance(request, Attach) and request.form in OPEN_FORMS and _is_own(mismatch):
                # What such a body does to the addressed service is never a failure.
                continue
            if excused and mismatch.requirement == "SKIP-1" and mismatch.cause.startswith("flag:"):
                # Under move-unskips the first answer was "moved, not skipped". Now the stage is the current one:
                # SKIP-1 asks for a skip, STATE-4 for an equal answer. No target can keep both; either will do, and
                # a target may know the repetition by its meaning, whatever came in between for other services.
                continue
            if repeat and mismatch.requirement.startswith(_RENAMED_ON_REPEAT):
                message = f"{mismatch.message}, though the same request was answered rightly just before"
                yield replace(mismatch, requirement="STATE-4", cause=f"repeat:{mismatch.cause}", message=message)
            elif self._past.blames_refusal(request, mismatch, self.world, looking=self.looking, sure=not self.disputed):
                yield self._past.of_refusal(mismatch, best.before)
            elif (managing := self._past.of_management(request, mismatch)) is not None:
                done = self._past.managed or request
                yield anywhere(done, shown_value(done, managing, best.outcome.world))
            elif mismatch.requirement == "SKIP-2" and (mismatch.about == "state" or reply.shows is not None):
                yield self._inconsistent(best, request, reply, mismatch)
            else:
                yield mismatch

    def _inconsistent(self, best: _Candidate, request: Request, reply: Reply, mismatch: Mismatch) -> Mismatch:
        """SKIP-2: the answer follows another reading than before (or than the pinned one), or none at all."""
        before = replace(best.before, reading=None)
        against = [
            (outcome.world.reading, [m for m in self._mismatches(before, outcome, request, reply) if _is_reading(m)])
            for outcome in step(before, request)
        ]
        # Whatever else is wrong with the answer, a reading is followed if the addressed service is where it says.
        follows = [reading for reading, broken in against if not broken]
        known = best.before.reading
        doing = words.request_words(best.before, request)
        if follows and follows[0] is not None and known is not None:
            source = "the pinned reading is" if self.pinned else "earlier answers follow"
            return replace(
                mismatch,
                cause=f"reading:{follows[0].value}",
                message=f"{doing} was answered as {follows[0].value}; {source} {known.value}",
                expected=f"{known.value}: {mismatch.expected}",
                actual=f"{follows[0].value}: {mismatch.actual}",
            )
        # Where earlier ones were refused no place was expected: what came is told by the plainest reading.
        nearest = next((broken[0] for _, broken in against if broken and broken[0].about == "state"), mismatch)
        return replace(
            mismatch,
            cause=f"no-reading:{nearest.cause if mismatch.about == 'status' else mismatch.cause}",
            message=f"{doing} follows none of the four readings: {mismatch.message}",
        )

    def _unknown(self, request: Request, reply: Reply) -> Judgement:
        """No answer, or a 5xx: the request may have taken effect, or not."""
        before, worlds = self.world, list(self.worlds)
        if isinstance(request, Attach) or is_management(request):
            for world in self.worlds:
                late = reply.status is None and request not in world.pending
                if late and not isinstance(request, CreateStage):
                    worlds += [replace(world, pending=(*world.pending, request)[-_LATE:])]
                worlds += carried_out(world, request, step)
            self._last_write = None
        self._set(worlds)
        if reply.status is None:
            return Judgement()
        doing = words.request_words(before, request)
        mismatch = Mismatch(
            "ERR-1",
            f"5xx:{kind_of(request)}",
            f"{doing} was answered {reply.status}",
            "no 5xx, whatever the input",
            f"status {reply.status}",
            "status",
            witness=witness.status("2xx", "3xx", "4xx"),
        )
        if reply.status in _GATEWAY:
            # Said by whoever stands before the target, perhaps: nothing of what was promised is broken by that.
            return Judgement((mismatch,), ("ERR-1",))
        answers = [outcome.answer for outcome in step(before, request)]
        if len(answers) == 1 and isinstance(answers[0], Refused):
            promised = not_refused(before, request, answers[0], reply)
        elif any(isinstance(answer, Refused) for answer in answers):
            return Judgement((mismatch,), ("ERR-1",))
        else:
            promised = not_accepted(before, request, reply)
        return Judgement((mismatch, promised), ("ERR-1", promised.requirement))

    # ------------------------------------------------------------------ counting and remembering

    def _circumstances(self, *, repeat: bool) -> Circumstances:
        refused = self._past.refused[0] if self._past.refused else None
        return Circumstances(self.environment, repeat, refused, self._past.managed)

    def _with_intrinsic(self, judgement: Judgement, reply: Reply, request: Request) -> Judgement:
        if reply.shows is None or not reply.accepted:
            return judgement
        mismatches, exercised = intrinsic(reply.shows, words.request_words(self.world, request))
        return replace(
            judgement,
            mismatches=(*judgement.mismatches, *mismatches),
            exercised=(*judgement.exercised, *exercised),
        )

    def _with_losses(self, judgement: Judgement, reply: Reply) -> Judgement:
        """STATE-1: a method that should not be there may do anything but lose the service."""
        risky = self._at_risk
        if risky is None or reply.shows is None or not reply.shows.of_list or not reply.shows.names_services:
            return judgement
        self._at_risk = None
        shown = {entry.service for stage in reply.shows.stages for entry in stage.entries or ()}
        ours = any(self.world.environment_of(stage.id) == self.environment for stage in reply.shows.stages)
        if not ours or risky.service in shown:
            return judgement
        lost = service_lost(self.world, risky)
        return replace(judgement, mismatches=(*judgement.mismatches, lost))

    def _remember(self, request: Request, reply: Reply, fingerprint: object, judgement: Judgement) -> None:
        self._past.remember(request, reply.status or 0, self.world, judgement.mismatches)
        if is_read(request):
            return
        if reply.refused:
            self._last_write = None
            return
        self._last_write = (fingerprint, not judgement.mismatches) if isinstance(request, Attach) else None
        for stage in reply.shows.stages if reply.shows else ():
            shown = {
                "environment": stage.environment,
                "name": stage.name,
                "description": stage.description,
                "deployment_order": stage.order,
            }
            self._shown_by_attach |= {key for key, value in shown.items() if value is not None}

    def _set(self, worlds: Iterable[World]) -> None:
        self.worlds = told_apart(worlds)


def _after(candidate: _Candidate, reply: Reply) -> World:
    """The world after an outcome that took place; what was not carried out (of a vanished service) changed nothing."""
    undone = isinstance(candidate.outcome.answer, Accepted) and not reply.accepted
    return candidate.before if undone else candidate.outcome.world


def _is_reading(mismatch: Mismatch) -> bool:
    """Whether a difference says that a reading is not followed: it is about the addressed service."""
    return mismatch.requirement in ("SKIP-2", "STATE-1")


def _is_own(mismatch: Mismatch) -> bool:
    """Whether a difference is about where the addressed service is, or its flag, and nothing else."""
    return mismatch.about == "state" and mismatch.requirement.split("-")[0] in ("MOVE", "SKIP")
