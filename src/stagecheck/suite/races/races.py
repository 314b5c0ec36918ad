"""The races of a run: round after round from a known placement, each judged when all is quiet again.

A round is sent by several clients at once (`target.crowd`). Its answers are judged by linearizability (RACE-1), its
lists as snapshots (RACE-3), and the quiet state afterwards (RACE-2). What is seen there is believed, and the next
round begins from it. A request that was never answered may still take effect in any later round, and is kept in mind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from stagecheck.errors import BudgetSpent
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.absorb import resynchronise
from stagecheck.model.compare import Mismatch, places_of
from stagecheck.model.observation import Observation
from stagecheck.model.requests import Attach, Form, ReadList, ReadService
from stagecheck.model.state import Reading, World
from stagecheck.operations import OperationKey
from stagecheck.outcome import Level, Race, Replays
from stagecheck.suite.discover import Ground
from stagecheck.suite.findings import Findings, breach_of
from stagecheck.suite.plan import Plan
from stagecheck.suite.races.judging import Judging, Wrong
from stagecheck.suite.races.quiet import Quiet, disagreement
from stagecheck.suite.races.rounds import Ask, Round, Rounds
from stagecheck.suite.races.specification import Asked, Kind, Shown
from stagecheck.suite.races.telling import Done, race_of
from stagecheck.suite.registry import RACES
from stagecheck.suite.session import Session
from stagecheck.target.crowd import Crowd, Errand
from stagecheck.wire import bodies
from stagecheck.wire.spell import operation_of

_FOR_LOOKING = 4
"""Requests that a round may need besides its own: looks at the quiet state."""
_TWO = 2
_KEPT_IN_MIND = 2
"""Requests of unknown outcome that the oracle hears of when the races are over: each doubles what is possible."""
_ENOUGH_OF_ONE = 3
"""How often a broken promise is seen before its pattern is left alone."""


def unfit(session: Session, ground: Ground) -> str | None:
    """Why races cannot be judged on this target, or are not to be; None where they are."""
    if session.client.limits.concurrency < _TWO:
        return "[limits] concurrency is 1: the target is not to be asked by several clients at once"
    if ground.blind or not session.sees_services:
        return "the answers do not show which services are in a stage"
    if len(ground.all_stages) < _TWO:
        return "only one stage may be used: give at least two in [target] stages"
    if OperationKey.LIST not in session.offers and len(ground.all_services) < _TWO:
        return "nothing shows the state without changing it: no list is offered, and one service is used"
    return None


def wrong_alone(findings: Findings) -> str | None:
    """Why nothing would be learnt from races: the target is wrong already when it is asked one thing after another."""
    broken = sorted(
        {
            found.breach.requirement
            for found in findings.violations
            if found.breach.level is Level.MUST
            and found.breach.requirement.split("-")[0] in ("MOVE", "SKIP", "STATE")
            and not found.doubtful
        }
    )
    if not broken:
        return None
    return f"one request after another is answered wrongly already ({', '.join(broken)}): mend that first"


@dataclass(slots=True)
class Races:
    """Sends rounds and puts on record what they break.

    `rounds`: how many were sent; `declined`: refusals for the time being, by status; `lost`: requests whose outcome is
    unknown; `broken`: requirement and sentence of everything that was seen broken, each time.
    """

    session: Session
    ground: Ground
    plan: Plan
    rounds: int = 0
    declined: Counter[int] = field(default_factory=Counter)
    lost: list[Attach] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def go(self, requests: int) -> None:
        """Send rounds until so many requests are spent, or all three promises were seen broken often enough."""
        session = self.session
        end = session.client.sent + requests
        try:
            with suppress(BudgetSpent):
                self.learn_reading()
                self._go(end)
        finally:
            for request in self.lost[-_KEPT_IN_MIND:]:
                session.lost(request)

    def _go(self, end: int) -> None:
        session = self.session
        size = session.client.limits.concurrency
        made = Rounds(
            self._services(),
            self.ground.all_stages,
            frozenset(session.offers),
            size,
            self.ground.environment,
            self.plan.seed,
            self._beside(),
        )
        with Crowd(session.client, size) as crowd:
            while made.services:
                following = made.next(session.world)
                cost = following.requests + _FOR_LOOKING
                if session.client.sent + cost > end or session.client.left < cost or self._enough():
                    return
                self.round(crowd, following)
                made.services = self._services()

    def learn_reading(self) -> None:
        """Find out what a skip that addresses another stage does (SKIP-2): the fewer readings, the more is wrong.

        A run of races alone does not know it. With every reading possible, a service that was moved and at the same
        time skipped where it was may end in the new stage, skipped.
        """
        session = self.session
        service = next(iter(self._services()), None)
        if session.world.reading is not None or service is None or not session.client.left:
            return
        here = session.world.placements[service].stage
        there = next(stage for stage in self.ground.all_stages if stage != here)
        answered = session.attach(service, there, bodies.TRUE).status
        if answered is None or answered >= 500:
            self.lost.append(Attach(there, service, Form.TRUE))

    def notes(self) -> list[str]:
        """What a reader has to know of what was not judged."""
        notes = []
        if self.declined:
            told = ", ".join(f"{times} with {status}" for status, times in sorted(self.declined.items()))
            notes.append(f"of requests that came together some were declined ({told}): that is not judged")
        if self.lost:
            notes.append(
                f"{len(self.lost)} requests that came together with others were not answered: each may have taken "
                "effect, or may do so later"
            )
        return notes

    def _services(self) -> tuple[str, ...]:
        """The services that may be sent around now: those of which it is known where they are."""
        known = [key for key in self.ground.all_services if key in self.session.world.placements]
        if OperationKey.LIST in self.session.offers:
            return tuple(known)
        # One is left alone: its PUT shows where the others are.
        return tuple(known[1:])

    def _beside(self) -> str | None:
        second = self.plan.second.environment
        return second if OperationKey.LIST in self.session.offers else None

    def _enough(self) -> bool:
        broken = {requirement for (requirement, _), times in self._seen.items() if times >= _ENOUGH_OF_ONE}
        return broken >= RACES & self.plan.selected

    # ------------------------------------------------------------------ one round

    def round(self, crowd: Crowd, following: Round) -> None:
        """Send one round, judge it, and believe what is seen afterwards."""
        session, before = self.session, self.session.world
        self.session.addressed |= set(following.services)
        scripts = [[Errand(self._spelled(ask), ask.pause_s) for ask in script] for script in following.scripts]
        lost = tuple(self.lost)
        judging = Judging(before, self.ground.environment, lost)
        done = []
        for timed in crowd.send(scripts):
            call = following.scripts[timed.client - 1][timed.place].call
            reply, _ = session.understand(operation_of(call), timed.exchange)
            done.append(judging.done(call, timed, reply))
        self.rounds += 1
        self._count(done)
        self.lost += [one.call for one in done if isinstance(one.call, Attach) and one.operation.end is None]
        broken = [*judging.orders(done)]
        self._quiet(Quiet(before, self.ground.environment, done, lost), done)
        if not broken:
            broken += judging.snapshots(done)
        for wrong in broken:
            self._found(wrong, done, before)

    def _spelled(self, ask: Ask) -> HttpRequest:
        spell, own = self.session.spell, self.session.credentials.own
        if isinstance(ask.call, Attach):
            return spell.attach(ask.call, ask.body or bodies.NO_BODY, own)
        return spell.read(ask.call, own)

    def _count(self, done: Sequence[Done]) -> None:
        """How often each promise could have been broken: only where requests really were under way together."""
        findings = self.session.findings
        together = [one for one in done if any(_overlap(one, other) for other in done if other is not one)]
        moved = {one.call.service for one in together if isinstance(one.call, Attach)}
        findings.exercise(["RACE-1"] * len(moved))
        lists = sum(one.reply.shows is not None and one.reply.shows.of_list for one in together)
        findings.exercise(["RACE-3"] * lists)
        for one in done:
            answer = one.operation.answer
            if isinstance(answer, Shown) and answer.kind is Kind.DECLINED and not self._may_refuse(one.call):
                self.declined[one.reply.status or 0] += 1
            self._crashed(one)

    def _may_refuse(self, call: Asked) -> bool:
        """Whether the contract leaves it to the target to refuse that (SKIP-2)."""
        reading = self.session.world.reading
        return isinstance(call, Attach) and call.form is Form.TRUE and reading in (None, Reading.REFUSE)

    def _crashed(self, one: Done) -> None:
        status = one.reply.status
        self.session.findings.exercise(["ERR-1"])
        if status is not None and status >= 500 and status not in (502, 503, 504):
            mismatch = Mismatch(
                "ERR-1",
                f"5xx:race:{type(one.call).__name__}",
                f"a request that came together with others was answered {status}",
                "no 5xx, whatever the input",
                f"status {status}",
                "status",
            )
            self.session.findings.add(mismatch, (one.timed.exchange,), one.timed.exchange.number)

    # ------------------------------------------------------------------ the quiet afterwards

    def _quiet(self, quiet: Quiet, done: Sequence[Done]) -> None:
        """Look at the state, judge it, and believe it."""
        session = self.session
        seen, look = self._look(quiet)
        if seen is None or look is None:
            session.oracle.meanwhile(self._forgotten(quiet))
            return
        moved = {one.call.service for one in done if isinstance(one.call, Attach)}
        session.findings.exercise(["RACE-2"] * len(moved))
        found = list(quiet.judged(seen))
        for mismatch, service in found:
            self._found_quiet(mismatch, service, quiet, (look,))
        session.oracle.meanwhile(resynchronise(quiet.world, seen, self.ground.environment))
        if not found:
            self._compare_reads(seen, sorted(moved), quiet)

    def _look(self, quiet: Quiet) -> tuple[Observation | None, Exchange | None]:
        """The list, or the answer to a PUT that puts a service where it is and that no client has touched."""
        session = self.session
        if OperationKey.LIST in session.offers:
            look = session.client.send(session.spell.read(ReadList(self.ground.environment), session.credentials.own))
            reply, _ = session.understand(OperationKey.LIST, look)
        else:
            touched = {one.call.service for one in quiet.done if isinstance(one.call, Attach)}
            known = quiet.world.placements
            spare = next(key for key in self.ground.all_services if key not in touched and key in known)
            place = known[spare]
            body = bodies.TRUE if place.skipped else bodies.FALSE
            request = Attach(place.stage, spare, body.form)
            look = session.client.send(session.spell.attach(request, body, session.credentials.own))
            reply, _ = session.understand(OperationKey.ATTACH, look)
        good = reply.accepted and reply.shows is not None and reply.shows.names_services
        return (reply.shows, look) if good else (None, None)

    def _forgotten(self, quiet: Quiet) -> World:
        """The world with nobody knowing where the services of the round are."""
        world = quiet.world
        for one in quiet.done:
            if isinstance(one.call, Attach):
                world = world.unplaced(one.call.service)
        return world

    def _compare_reads(self, seen: Observation, moved: Iterable[str], quiet: Quiet) -> None:
        """One service's own read, where it is offered, says the same as the list."""
        session = self.session
        if OperationKey.GET_SERVICE_STAGE not in session.offers or OperationKey.LIST not in session.offers:
            return
        places, _ = places_of(seen)
        service = next(iter(moved), None)
        if service is None or len(places.get(service, ())) != 1:
            return
        look = session.client.send(session.spell.read(ReadService(service), session.credentials.own))
        reply, _ = session.understand(OperationKey.GET_SERVICE_STAGE, look)
        if not reply.accepted or reply.shows is None or not reply.shows.stages or self.lost:
            return
        stage, listed = reply.shows.stages[0].id, places[service][0]
        if stage != listed.stage:
            mismatch = disagreement(quiet.world, service, listed, stage)
            self._found_quiet(mismatch, service, quiet, (look,))

    # ------------------------------------------------------------------ on record

    def _found(self, wrong: Wrong, done: Sequence[Done], world: World) -> None:
        race = race_of(world, done, wrong.kept, wrong.blamed, wrong.services, breach_of(wrong.mismatch).message)
        self._record(wrong.mismatch, wrong.kept, (), race)

    def _found_quiet(self, mismatch: Mismatch, service: str | None, quiet: Quiet, looks: tuple[Exchange, ...]) -> None:
        kept, done, world = quiet.story(service), quiet.done, quiet.world
        services = (service,) if service is not None else tuple(world.placements)
        self._record(mismatch, kept, looks, race_of(world, done, kept, None, services, breach_of(mismatch).message))

    def _record(self, mismatch: Mismatch, kept: Sequence[Done], looks: tuple[Exchange, ...], race: Race) -> None:
        key = (mismatch.requirement, mismatch.cause)
        self._seen[key] += 1
        self.broken.append((mismatch.requirement, breach_of(mismatch).message))
        findings = self.session.findings
        steps = (*(one.timed.exchange for one in kept), *looks)
        at = max((exchange.number for exchange in steps), default=self.session.client.sent)
        if findings.add(mismatch, steps, at):
            findings.confirm(*key, race=race)
        findings.confirm(*key, replays=Replays(self._seen[key], self.rounds))


def _overlap(one: Done, other: Done) -> bool:
    first, second = one.operation, other.operation
    return first.begin <= (second.end if second.end is not None else first.begin) and second.begin <= (
        first.end if first.end is not None else second.begin
    )
