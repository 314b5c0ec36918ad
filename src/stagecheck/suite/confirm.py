"""Seeing a violation again before it is reported, and the shortest way to see it, tried on the target itself.

What was sent before a violation is sent again from a stated placement: first the last request alone, then ever longer
stretches, until the same promise breaks again. Then everything that is not needed is left out (delta debugging), and
what is left is sent a few times more: a violation is reported as seen always, sometimes, or once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from stagecheck.errors import BudgetSpent, LeftAlone, TargetError
from stagecheck.exchange import Exchange
from stagecheck.model.compare import Mismatch
from stagecheck.model.requests import Attach, CreateStage, ReadService
from stagecheck.model.state import Placement, World
from stagecheck.outcome import Replays, Violation
from stagecheck.suite.discover import Ground
from stagecheck.suite.findings import breach_of
from stagecheck.suite.made import MOST_STAYING_IN_ALL
from stagecheck.suite.sent import Sent, Signature, freshly_named, made_by, rebound
from stagecheck.suite.session import Session
from stagecheck.suite.stretches import about_others, of_one_stage, self_contained, skips_elsewhere, the_needed
from stagecheck.suite.tidy import tidy
from stagecheck.wire import bodies
from stagecheck.witness import Witness, against

_STRETCHES = (1, 2, 3, 4, 6, 9, 14, 22, 35, 60, 120)
_FROM_A_FRESH_START = (250, 600, 1500, 4000)
_EARNEST = 60
"""A stretch of this length, or all that was sent: what does not come again in it is reported as seen once."""
_PER_VIOLATION = 160
"""Requests that one violation may cost, but for the long stretches of the ones that do not come again soon."""
_TRIES = 3
_OTHERS = 2
_ALONE = ("status", "schema", "content-type", "unique", "dates")
"""Witnesses that need neither a placement nor an earlier answer."""

_KEPT = ("same", "same-set")
"""Witnesses of what must stay as an earlier answer showed it."""

Home = Mapping[str, Placement]


@dataclass(frozen=True, slots=True)
class Seen:
    """One time that a violation was seen again: the exchanges, how many set it up, and which answer was wrong."""

    mismatch: Mismatch
    steps: tuple[Exchange, ...]
    set_up: int
    wrong: int

    @property
    def speaks_for_itself(self) -> bool:
        """Whether the steps alone show it, without what the oracle knows from before."""
        shows = self.mismatch.witness
        return shows is None or against(shows, self.steps[: self.wrong + 1]) is not None


@dataclass(frozen=True, slots=True)
class Goal:
    """What is hoped to be seen again: under the same name, or, in the last answer, the same thing wrong."""

    signature: Signature
    about: tuple[object, ...] | None

    def met(self, found: Sequence[tuple[Mismatch, int]], *, last: bool) -> tuple[Mismatch, int] | None:
        """The mismatch that meets it, and which exchange shows it."""
        for mismatch, number in found:
            if (mismatch.requirement, mismatch.cause) == self.signature:
                return mismatch, number
        return next((one for one in found if last and self.about and _about(one[0].witness) == self.about), None)


@dataclass(slots=True)
class Confirmation:
    """Sends stretches of a session's log again. `until`: how many requests the run may have sent when it is over."""

    session: Session
    ground: Ground
    until: int

    def run(self, violations: Sequence[Violation]) -> None:
        """Confirm and shorten every violation, one of each requirement first."""
        for violation in _in_turns(violations):
            breach = violation.breach
            signature = self._signature(breach.requirement, breach.cause)
            if signature is None:
                continue
            try:
                better = self._confirmed(violation, signature)
            except LeftAlone:
                # It needs a service that somebody else moves by now.
                continue
            except BudgetSpent:
                return
            self.session.findings.confirm(breach.requirement, breach.cause, **better)

    def _signature(self, requirement: str, cause: str) -> Signature | None:
        recorded = self.session.recorded.items()
        return next((raw for raw, named in recorded if named == (requirement, cause)), None)

    def _confirmed(self, violation: Violation, signature: Signature) -> dict[str, object]:
        """What is known of a violation after it was tried again; nothing if there was no budget to try in earnest."""
        if self._gone_for_good(violation):
            return {}
        began, tried, earnest = self.session.client.sent, 0, False
        goal = Goal(signature, _about(violation.witness))
        better: dict[str, object] = {}
        for lead in self._leads(signature):
            told = lead if self.session.renew is not None else self_contained(lead, self.session.made.ever)
            for home in self._homes(violation, told) if told else ():
                until = began + _PER_VIOLATION + 3 * len(lead) if self.session.renew is None else self.until
                # Once it came back now and then only, a longer stretch is wanted that shows it every time.
                trial = Trial(self, goal, told, home, until, times=_TRIES if better else 1)
                if not trial.affordable:
                    return better or ({"replays": Replays(0, tried)} if earnest else {})
                seen = trial.seen()
                tried += 1
                if seen is not None:
                    found = self._shortest(*trial.with_its_own(seen))
                    if str(found["replays"]) == "always":
                        return found
                    better = better or found
            earnest = earnest or len(lead) >= _EARNEST or len(lead) == self.session.first_seen[signature] + 1
        return better or ({"replays": Replays(0, tried)} if earnest else {})

    def _gone_for_good(self, violation: Violation) -> bool:
        """Whether it is about a service that nobody has seen since: it cannot be lost twice."""
        about = (violation.witness or {}).get("service")
        return about in self.ground.all_services and about not in self.session.world.placements

    def _leads(self, signature: Signature) -> Iterator[tuple[Sent, ...]]:
        """Stretches of the log that end with the violation, the likeliest to show it again first."""
        log, end = self.session.log, self.session.first_seen[signature] + 1
        if signature in self.session.leads:
            yield tuple(self.session.leads[signature])
        if signature[0] == "SKIP-2":
            yield from self._two_readings(log[:end])
        if signature[0].startswith("STAGE"):
            yield from of_one_stage(log[:end])
        for length in (*_STRETCHES, *(_FROM_A_FRESH_START if self.session.renew else ())):
            yield tuple(log[max(0, end - length) : end])
            if length >= end:
                break
        if self.session.renew is not None:
            return
        services = self.ground.all_services
        for shift in range(1, min(len(services), _OTHERS + 1)):
            # What happens to each service once only, or to each pair, may happen to others still.
            takes = dict(zip(services, (*services[shift:], *services[:shift]), strict=True))
            yield from (about_others(log[max(0, end - length) : end], takes, self.session.spell) for length in (2, 4))

    def _two_readings(self, log: Sequence[Sent]) -> Iterator[tuple[Sent, ...]]:
        """What showed the first reading of SKIP-2, then what showed another, from where its service was."""
        first, last = next((sent for sent in log[:-1] if skips_elsewhere(sent)), None), log[-1]
        if first is None or not skips_elsewhere(last) or not isinstance(last.request, Attach):
            return
        place = last.before.placements[last.request.service]
        between = []
        for body in (bodies.FALSE, bodies.TRUE) if place.skipped else (bodies.FALSE,):
            request = Attach(place.stage, last.request.service, body.form)
            message = self.session.spell.attach(request, body, self.session.credentials.own)
            between.append(Sent(request, message, last.before))
        yield (first, *between, last)

    def _homes(self, violation: Violation, lead: Sequence[Sent]) -> Iterator[Home]:
        """The placements to begin a stretch with: none at all, where one request tells the whole story.

        Nor where the set-up itself might change for good what the story is about; but where a service enters a stage
        that the story makes, it has to be said where it is to go afterwards.
        """
        kind = violation.witness["kind"] if violation.witness is not None else None
        guests = any(isinstance(s.request, Attach) and s.request.stage in self.session.made.ever for s in lead)
        if (len(lead) == 1 and kind in _ALONE) or (kind in _KEPT and not guests):
            yield {}
        yield self._home(violation, lead)

    def _home(self, violation: Violation, lead: Sequence[Sent]) -> Home:
        """Where a stretch begins: the services that it addresses or harms, and all that are elsewhere now."""
        before, now = lead[0].before.placements, self.session.world.placements
        addressed = {sent.request.service for sent in lead if isinstance(sent.request, Attach | ReadService)}
        addressed |= {str((violation.witness or {}).get("service"))}
        services = self.ground.all_services
        named = [service for service in services if service in addressed] or [self.ground.services[0]]
        others = [service for service in services if service not in named and now.get(service) != before.get(service)]
        stages = self.ground.all_stages
        # Where a service was in a stage of the run's own, that is gone: the story has to make it anew.
        places = {key: p if p.stage in stages else replace(p, stage=stages[0]) for key, p in before.items()}
        return {service: places[service] for service in (*named, *others) if service in places}

    def _shortest(self, lead: Trial, seen: Seen) -> dict[str, object]:
        """Leave out what is not needed, and count how often what is left shows it."""
        trial = lead
        for shorter in lead.shortened():
            trial, seen = shorter
        once = replace(trial, times=1)
        again = of = trial.times
        while of < _TRIES and once.affordable:
            of += 1
            # The last time from wherever the trial before has left everything.
            once_more = replace(once, afresh=of < _TRIES).seen()
            again += once_more is not None
            seen = once_more or seen
        return {
            "steps": seen.steps,
            "set_up": seen.set_up,
            "wrong": seen.wrong,
            "witness": seen.mismatch.witness,
            "replays": Replays(again, of),
            "breach": breach_of(seen.mismatch),
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """A stretch of requests, the placement that it begins with, and what is hoped to be seen."""

    owner: Confirmation
    goal: Goal
    stretch: tuple[Sent, ...]
    home: Home
    until: int
    times: int = 1
    afresh: bool = True
    placed: bool = False
    """Whether only that counts which is about a service that the story puts somewhere itself."""

    @property
    def affordable(self) -> bool:
        """Whether there are requests left for it."""
        session = self.owner.session
        makes = session.renew is None and any(isinstance(sent.request, CreateStage) for sent in self.stretch)
        if makes and session.made.staying(session.world.stages) >= MOST_STAYING_IN_ALL:
            return False
        needed = self.times * (3 * len(self.home) + len(self.stretch) + 2)
        return session.client.sent + needed <= min(self.until, self.owner.until) and session.client.left >= needed

    def seen(self) -> Seen | None:
        """Send it, `times` over; what shows the violation, None if it does not come or there is no budget for it."""
        found = None
        if self.stretch and self.affordable:
            for _ in range(self.times):
                found = self._sent()
                if found is None:
                    return None
        return found

    def _sent(self) -> Seen | None:
        session = self.owner.session
        steps: list[Exchange] = []
        undo: list[tuple[Sent, Exchange]] = []
        followed = session.oracle
        session.replaying = True
        # An oracle that has seen a target lie is lenient ever after; each trial is judged by one that has not.
        session.oracle = followed.anew(self._world(), forget_reading=self.goal.signature[0] == "SKIP-2")
        try:
            if session.renew is not None:
                session.renew()
            elif self.afresh:
                self._send_away()
            session.client.listen.append(steps.append)
            set_up = self._set_up(steps)
            ids: dict[str, str] = {}
            told: dict[str, str] = {}
            for original in self.stretch:
                sent = freshly_named(rebound(original, ids), session.made.names, session.world, told)
                session.oracle.looking = sent.looking
                exchange = session.perform(sent.request, sent.message, sent.also)
                undo.append((sent, exchange))
                made, stands_for = session.made_by(exchange), made_by(original)
                if made is not None and stands_for is not None:
                    ids[stands_for] = made
                elif stands_for is not None and original is not self.stretch[-1]:
                    # What follows would be about another stage than the story's own.
                    return None
                met = self.goal.met(session.latest, last=original is self.stretch[-1])
                if met is not None:
                    wrong = next(i for i, step in enumerate(steps) if step.number == met[1])
                    seen = Seen(met[0], tuple(steps), set_up, wrong)
                    if seen.speaks_for_itself and not (self.placed and self.lacks(seen)):
                        return seen
            return None
        finally:
            if steps.append in session.client.listen:
                session.client.listen.remove(steps.append)
            self._tidy()
            session.replaying = False
            followed.believe(session.oracle)
            session.oracle = followed
            for sent, exchange in undo:
                if sent.also.undo is not None:
                    sent.also.undo(exchange)

    def lacks(self, seen: Seen) -> str | None:
        """The service that it is about, if nothing in the story says where that was."""
        shows = seen.mismatch.witness or {}
        about = shows.get("service") if shows.get("kind") == "places" else None
        addressed = {sent.request.service for sent in self.stretch if isinstance(sent.request, Attach)}
        return None if about in addressed | self.home.keys() else about

    def with_its_own(self, seen: Seen) -> tuple[Trial, Seen]:
        """The same, every service that it turns out to be about put somewhere first, if it is still seen then."""
        trial = self
        for _ in self.owner.ground.all_services:
            about = trial.lacks(seen)
            place = self.stretch[0].before.placements.get(about) if about is not None else None
            if about is None or place is None or place.stage not in self.owner.ground.all_stages:
                break
            trial = replace(trial, home={**trial.home, about: place})
            again = trial.seen()
            if again is None:
                return self, seen
            seen = again
        return replace(trial, placed=trial.lacks(seen) is None), seen

    def _tidy(self) -> None:
        """Remove the stages that the trial has made; a renewed target has none."""
        session = self.owner.session
        if session.renew is not None:
            session.made.forget()
        else:
            with suppress(BudgetSpent, TargetError):
                for _ in tidy(session, self.owner.ground.stages[0]):
                    pass

    def _world(self) -> World:
        """What is known when it begins: all but where the services are that are put somewhere first."""
        session = self.owner.session
        if session.renew is not None and session.beginning is not None:
            return session.beginning
        # What was deleted in the run is not known here: a story in which it comes again has to delete it itself.
        world = replace(session.world, gone=frozenset())
        for service in self.home:
            world = world.unplaced(service)
        return world

    def _send_away(self) -> None:
        """Leave no trace of the trial before: what a story needs has to be in its own steps."""
        session, stages = self.owner.session, self.owner.ground.all_stages
        for service, placement in self.home.items():
            away = next((stage for stage in stages if stage != placement.stage), placement.stage)
            session.attach(service, away, bodies.FALSE)
            left = session.world.placements.get(service)
            if left is not None and left.skipped:
                # A target that lets the flag travel along may still clear it in place.
                session.attach(service, left.stage, bodies.FALSE)

    def _set_up(self, steps: list[Exchange]) -> int:
        """Bring the services to their placement; how many requests that took."""
        session = self.owner.session
        for service, placement in self.home.items():
            session.attach(service, placement.stage, bodies.FALSE)
            if placement.skipped:
                session.attach(service, placement.stage, bodies.TRUE)
        if self.goal.signature[0] == "STATE-6":
            # What a refusal changes can be told from what was so before, if a read has shown it.
            session.baseline(next(iter(self.home), self.owner.ground.services[0]))
        return len(steps)

    def over(self, stretch: tuple[Sent, ...]) -> Trial:
        """The same with fewer requests, and without those that have nothing left to be about."""
        session = self.owner.session
        return replace(self, stretch=stretch if session.renew else self_contained(stretch, session.made.ever))

    def shortened(self) -> Iterator[tuple[Trial, Seen]]:
        """Ever shorter trials in which it is still seen: without stretches of requests, without placements."""
        best = self
        for fewer in the_needed(best.stretch):
            found = best.over(fewer).seen()
            if found is not None:
                best = best.over(fewer)
                yield best, found
                break
        size = max(1, len(best.stretch) // 2)
        while len(best.stretch) > 1:
            removed = False
            position = 0
            while position < len(best.stretch) - 1:
                rest = best.stretch[:position] + best.stretch[min(position + size, len(best.stretch) - 1) :]
                found = best.over(rest).seen()
                if found is None:
                    position += size
                else:
                    best, removed = best.over(rest), True
                    yield best, found
            if size == 1 and not removed:
                break
            size = max(1, size // 2)
        yield from best.plainer()

    def plainer(self) -> Iterator[tuple[Trial, Seen]]:
        """The same from a plainer placement: fewer services put somewhere, fewer of them skipped."""
        best = self
        needed = {sent.request.service for sent in best.stretch if isinstance(sent.request, Attach)}
        for service in list(best.home):
            places = best.home
            fewer = {key: place for key, place in places.items() if key != service}
            unskipped = {**places, service: replace(places[service], skipped=False)}
            for home in (fewer, *((unskipped,) if places[service].skipped else ())):
                if not home or (home is fewer and service in needed):
                    continue
                found = replace(best, home=home).seen()
                if found is not None:
                    best = replace(best, home=home)
                    yield best, found
                    break


def _about(shows: Witness | None) -> tuple[object, ...] | None:
    """What a witness is about, whatever it wants of it."""
    return None if shows is None else (shows["kind"], shows.get("service"), shows.get("stage"))


def _in_turns(violations: Sequence[Violation]) -> list[Violation]:
    """The first violation of each requirement, then the second of each, and so on."""
    turn: dict[str, int] = {}
    placed: list[tuple[int, int, Violation]] = []
    for position, violation in enumerate(violations):
        name = violation.breach.requirement
        turn[name] = turn.get(name, 0) + 1
        placed.append((turn[name], position, violation))
    return [violation for _, _, violation in sorted(placed, key=lambda entry: entry[:2])]
