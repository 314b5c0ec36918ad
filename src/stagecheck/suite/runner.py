"""One run from the first request to the verdict: discover, explore, put back, grade. Both front ends use it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

from stagecheck.errors import BudgetSpent, ConfigError, LeftAlone, StagecheckError, TargetError
from stagecheck.exchange import Exchange
from stagecheck.operations import READS, OperationKey
from stagecheck.outcome import Level, RunResult, Violation
from stagecheck.spec import Document
from stagecheck.suite.auth import Auth
from stagecheck.suite.circumstances import silences, things, undescribed
from stagecheck.suite.confirm import Confirmation
from stagecheck.suite.deep.tour import DeepTour
from stagecheck.suite.discover import Ground, discover, look_around, without
from stagecheck.suite.findings import Findings
from stagecheck.suite.grading import OF_ANY_ANSWER, Circumstances, grade_all, verdict_of
from stagecheck.suite.latency import Latencies
from stagecheck.suite.observed import Observations
from stagecheck.suite.others import Others
from stagecheck.suite.plan import Plan
from stagecheck.suite.put_back import WayHome
from stagecheck.suite.races.races import Races, unfit, wrong_alone
from stagecheck.suite.reads import WHY as READS_ALONE
from stagecheck.suite.reads import Reads
from stagecheck.suite.refusals import Case, Refusals, in_turns
from stagecheck.suite.registry import SEQUENCES, wants
from stagecheck.suite.sent import Sent
from stagecheck.suite.session import Session
from stagecheck.suite.stages import Stages
from stagecheck.suite.stateless import WHY, ask, suspected
from stagecheck.suite.tour import Part, Tour
from stagecheck.suite.wandering import Wandering
from stagecheck.target.client import Client
from stagecheck.target.credentials import Credentials

_RESERVE_PER_SERVICE = 2
_FOR_CONFIRMING, _FOR_A_SHOULD = 90, 20
"""Requests kept back for each violation, to see it again and to shorten it; a quarter of the budget at most."""
_WATCHING = 60
"""Requests kept back for seeing whether somebody else changes things; a third of what is left at most."""
_TWO = 2
_QUESTIONS = 8
_TIGHT = 250
"""With fewer requests than these, what shows the most comes without what shows a little more."""
_ENOUGH = "a short run that finds something new looks for no more"


@dataclass(slots=True)
class Observer:
    """Whom a run tells what happens: a phase begins, an exchange is over, a violation is new."""

    phase: Callable[[str], None] = lambda _: None
    exchange: Callable[[Exchange], None] = lambda _: None
    violation: Callable[[Violation], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a run is made of, once it is known what may be used."""

    ground: Ground
    tour: Tour
    refusals: Refusals
    auth: Auth
    deep: DeepTour
    stages: Stages


@dataclass(slots=True)
class Runner:
    """Runs a plan against one target. Use once."""

    client: Client
    document: Document
    credentials: Credentials
    plan: Plan
    mocked: bool = False
    observer: Observer = field(default_factory=Observer)
    notes: list[str] = field(default_factory=list)
    exploring_ends: int | None = None
    """How many requests may have been sent when the exploring ends; None: as many as there are."""
    renew: Callable[[], None] | None = None
    log: list[Sent] = field(default_factory=list)
    """Every request that was judged, in its order."""
    races: Races | None = None
    """What was asked by several clients at once; None until then."""
    attend: Callable[[Session], None] = lambda _: None
    """Told of the session before anything is sent."""
    astray: bool = False
    """Whether something was not put back that another try may put back."""
    _cut_short: str | None = None
    _left_out: str | None = None
    _fell_short: bool = False
    _broken_off: bool = True
    _stateless: str | None = None
    _for_races: int = 0
    _unraced: str | None = None
    _others: Others = field(init=False)
    _latencies: Latencies = field(default_factory=Latencies)
    _observations: Observations = field(default_factory=Observations)

    def run(self) -> RunResult:
        """Explore and judge.

        Raises ConfigError, CredentialRefused or TargetError when the run cannot begin; whatever happens after that
        is part of the result, and everything that was moved is put back first.
        """
        findings = Findings(self.plan.selected, self.plan.expects)
        findings.listen.append(self.observer.violation)
        phases: Counter[str] = Counter()
        self.client.listen += [
            self.observer.exchange,
            self._latencies,
            self._observations,
            lambda exchange: phases.update([exchange.phase]),
        ]
        session = Session(self.client, self.document, self.credentials, findings)
        session.renew, session.log = self.renew, self.log
        self.client.read_only = self.plan.read_only
        self.attend(session)
        self._others = Others(session)
        self._begin("discover")
        try:
            parts = self._set_out(session)
        except (StagecheckError, KeyboardInterrupt) as error:
            left = self._put_back(session)
            if findings.violations and isinstance(error, ConfigError) and not hasattr(session, "oracle"):
                # The list itself is wrong: that is worth more than that nothing could be chosen from it.
                self.notes += [str(error), *left]
                self._cut_short = str(error)
                return self._result(session, None, phases)
            raise told(error, left) from None
        try:
            self._go(session, parts)
        except (TargetError, KeyboardInterrupt) as error:
            self._cut_short = "the run was interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
            self.notes.append(self._cut_short)
        else:
            self._broken_off = False
        finally:
            left = self._put_back(session)
        self.notes += [*self._others.notes(), *left]
        return self._result(session, parts, phases)

    def _set_out(self, session: Session) -> _Parts:
        """Discover, and make the parts of the run."""
        ground = (look_around if self.plan.read_only else discover)(session, self.plan)
        self.notes += [*ground.notes, *undescribed(session)]
        return self._parts(session, ground)

    def _parts(self, session: Session, ground: Ground) -> _Parts:
        tour = Tour(session, ground)
        ids = random.Random(self.plan.seed)  # noqa: S311  (ids that nothing has, no secrets)
        refusals = Refusals(session, tour, ids, thorough=self.plan.profile.every)
        auth = Auth(refusals, self.plan)
        stages = Stages(session, tour, refusals, allowed=self.plan.manage)
        return _Parts(ground, tour, refusals, auth, DeepTour(session, ground, self.plan.profile), stages)

    def _go(self, session: Session, parts: _Parts) -> None:
        """Explore as far as the budget goes, then see again what was found."""
        if self.plan.read_only:
            self._read(session, parts)
            return
        services = len(parts.ground.all_services)
        way_home = min(self.client.limits.requests // 4, _RESERVE_PER_SERVICE * services + 2)
        if self._tight:
            # One service is walked with; two are moved at most.
            way_home = min(way_home, _RESERVE_PER_SERVICE * 2 + 2)
        if wants("races", self.plan.selected) and unfit(session, parts.ground) is None:
            self._for_races = 0 if self._tight else min(self.plan.profile.races, self.client.limits.requests // 8)
        self._keep_back(session.findings, way_home)
        session.findings.listen.append(lambda _: self._keep_back(session.findings, way_home))
        try:
            self._explored(session, parts)
        except BudgetSpent as spent:
            self._cut_short, self._fell_short = f"{spent} before a case of it was tried", True
        self._race(session, parts, way_home)
        self.client.reserve = way_home
        with suppress(BudgetSpent):
            self._confirm(session, parts.ground)
        self._race(session, parts, way_home)  # if there was no room before: confirming may have left some
        with suppress(BudgetSpent):
            self._others.review()

    def _explored(self, session: Session, parts: _Parts) -> None:
        """Explore, and once more without the services that somebody else was seen to move. Raises BudgetSpent."""
        while True:
            try:
                self._explore(session, parts)
            except LeftAlone:
                parts = self._parts(session, without(parts.ground, self._others.theirs))
            else:
                return

    def _read(self, session: Session, parts: _Parts) -> None:
        """What reads alone can show. The plan's other parts are left out, so nothing known is said to be gone."""
        self._begin("reads")
        self._left_out = READS_ALONE
        try:
            Reads(session, parts.ground, parts.refusals, parts.auth).go()
        except BudgetSpent as spent:
            self._cut_short, self._fell_short = f"{spent} before a case of it was tried", True

    def _put_back(self, session: Session) -> list[str]:
        """Everything goes home. After an error nothing that is believed is relied on: a PUT may have taken effect."""
        if not hasattr(session, "oracle") or self._stateless is not None:
            return []
        self._begin("restore")
        self.astray = True
        way_home = WayHome(session, session.journal, sure=not self._broken_off)
        left = way_home.go()
        self.astray = way_home.astray
        return left

    # ------------------------------------------------------------------ exploring

    def _begin(self, phase: str) -> None:
        self.client.phase = phase
        self.observer.phase(phase)

    def _remembers_nothing(self, session: Session, parts: _Parts) -> bool:
        """Whether the target is stateless; if there is reason to ask, it is asked."""
        if self._stateless is None and self.client.left > _QUESTIONS and suspected(session, parts.ground):
            found = ask(session, parts.ground, parts.refusals.unknown_id)
            if found is not None:
                self._stateless = found.sentence
                session.findings.keep_only(OF_ANY_ANSWER, found.broken)
                session.findings.add(found.broken, found.exchanges[-1:], found.exchanges[-1].number)
                session.remembers = False
                self.notes.append(f"{WHY}: {found.sentence}")
        return self._stateless is not None

    def _explore(self, session: Session, parts: _Parts) -> None:
        """Most telling first: what clients do all day, one case of each refusal, then ever rarer things."""
        every, tour = self.plan.profile.every, parts.tour
        telling, early, late = in_turns(list(self._wanted(parts.refusals, parts.auth)))
        if self._remembers_nothing(session, parts):
            self._cases(tour, telling)
            return
        if parts.ground.blind:
            # Nothing shows where a service is: what is moved could not be put back, and what breaks not be seen.
            self._cases(tour, [*telling, *early, *late])
            return
        wandering = Wandering(self.client, self.plan, self._begin)
        wandering.again(session, parts.ground, parts.stages)
        daily, common, rarer, others = tour.courses() if wants("tour", self.plan.selected) else ([], [], [], [])
        if not self.plan.profile.telling_first:
            daily, common, rarer, others = [*daily, *common, *rarer, *others], [], [], []
            telling, early, late = list(self._wanted(parts.refusals, parts.auth)), [], []
        parts.refusals.thorough = every and not self._tight
        self._walk(daily)
        if self._remembers_nothing(session, parts):
            self._cases(tour, telling)
            return
        # Nothing shows as much in so few requests.
        self._stages(parts, thorough=False)
        self._cases(tour, telling)
        self._walk(common)
        self._cases(tour, early)
        parts.refusals.thorough = every
        if every:
            self._stages(parts, thorough=True)
            parts.auth.watch_the_second()
            self._walk(rarer)
            self._cases(tour, late)
            self._walk(others)
            wandering.deep(parts.deep)
            parts.auth.watch_the_second()
        if every or not session.findings.news:
            wandering.machine(session, parts.ground)
            wandering.properties(session, parts.ground)
            self._fell_short |= wandering.fell_short
            if not every:
                self._cases(tour, late)
        else:
            self._left_out = _ENOUGH

    def _race(self, session: Session, parts: _Parts, way_home: int) -> None:
        """Several clients at once, if one at a time is answered rightly; they have a share of the requests."""
        share, self._for_races = self._for_races, 0
        if not share or self._stateless:
            return
        self._keep_back(session.findings, way_home)
        ground = parts.ground
        with suppress(LeftAlone):
            ground = without(ground, self._others.theirs)
        self._unraced = unfit(session, ground) or wrong_alone(session.findings) or self._left_out
        if self._unraced is None:
            self._begin("races")
            self.races = Races(session, ground, self.plan)
            self.races.go(share)
            self.notes += self.races.notes()
            self._for_races = 0 if self.races.rounds else share

    def _keep_back(self, findings: Findings, way_home: int) -> None:
        """Keep requests back for the way home, and, where something was found, for seeing it again."""
        if self.client.phase in ("confirm", "restore"):
            return
        most = self.client.limits.requests
        levels = (found.breach.level for found in findings.violations)
        confirming = min(most // 4, sum(_FOR_A_SHOULD if at is Level.SHOULD else _FOR_CONFIRMING for at in levels))
        self.client.reserve = max(way_home + confirming, most - (self.exploring_ends or most))
        if self._for_races and wrong_alone(findings) is None:
            self.client.reserve += self._for_races

    def _confirm(self, session: Session, ground: Ground) -> None:
        if session.findings.violations and self.client.left > 0 and session.remembers:
            self._begin("confirm")
            news_first = sorted(session.findings.violations, key=lambda violation: violation.known)
            watching = 0 if session.renew else min(_WATCHING, self.client.left // 3)
            Confirmation(session, ground, self.client.sent + self.client.left - watching).run(news_first)

    def _wanted(self, refusals: Refusals, auth: Auth) -> Iterator[Case]:
        selected = self.plan.selected
        for case in chain(refusals.cases(), auth.cases()):
            if case.requirement in selected or "STATE-6" in selected or "ERR-1" in selected:
                yield case

    def _walk(self, parts: list[Part]) -> None:
        for part in parts:
            self._begin("tour")
            for _ in part:
                pass

    def _cases(self, tour: Tour, cases: list[Case]) -> None:
        """The service is skipped first, so that a refused request that un-skips it or moves it would be seen."""
        if not cases:
            return
        self._begin("refusals")
        if not tour.ground.blind and tour.session.remembers:
            for _ in tour.skip(tour.ground.services[0]):
                pass
        for case in cases:
            self._begin("auth" if case.requirement.startswith("AUTH") else "refusals")
            case.send()

    def _stages(self, parts: _Parts, *, thorough: bool) -> None:
        """Stages made, edited, moved and deleted: one life of one stage, then everything else."""
        if wants("stages", self.plan.selected):
            self._begin("stages")
            parts.stages.walk(parts.auth, self.plan.selected, thorough=thorough)

    @property
    def _tight(self) -> bool:
        """Whether there are so few requests that every case has to do without what makes it surer."""
        return self.client.limits.requests < _TIGHT

    # ------------------------------------------------------------------ the result

    def _result(self, session: Session, parts: _Parts | None, phases: Counter[str]) -> RunResult:
        """The result; `parts` None where the run could not begin, but had seen something wrong by then."""
        findings = session.findings
        oracle = session.oracle if hasattr(session, "oracle") else None
        reading = oracle.reading if oracle and parts else None
        circumstances = Circumstances(
            selected=self.plan.selected,
            lacking=parts.auth.lacking | parts.stages.lacking if parts else {},
            silent=silences(session, parts.ground) if parts else {},
            unraced=self._unraced or (unfit(session, parts.ground) if parts else None),
            reads_offered=bool(READS & session.offers) or parts is None,
            stages=len(parts.ground.all_stages) if parts else _TWO,
            cut_short=self._cut_short,
            nameless=findings.exercised["STATE-1"] == 0 and parts is not None,
            reading=reading.value if reading else None,
            pinned=self.plan.reading is not None,
            choices={key: frozenset(values) for key, values in findings.choices.items()},
            not_offered=parts.stages.missing if parts else {},
            stateless=WHY if self._stateless else None,
            read_only=READS_ALONE if self.plan.read_only else None,
            gateway=self.client.gateways,
            unsure=self._others.why,
            unanswered=findings.unanswered,
        )
        results = grade_all(findings.violations, findings.exercised, circumstances)
        readings = {"SKIP-2": reading.value if reading else None}
        readings |= {what: ", ".join(sorted(chosen)) for what, chosen in sorted(findings.choices.items())}
        return RunResult(
            url=self.client.url,
            mocked=self.mocked,
            offers=tuple(key.value for key in OperationKey if key in session.offers),
            verdict=verdict_of(results, broken_off=self._broken_off),
            reading=readings,
            requirements=results,
            violations=findings.violations,
            requests=self.client.sent,
            duration_s=self.client.elapsed_s,
            seed=self.plan.seed,
            profile=self.plan.profile.name.value,
            phases=dict(phases),
            notes=(*self.notes, *self.client.notes(), *self._latencies.notes()),
            things=tuple(things(session, parts.ground, self.plan)) if parts else (),
            cut_short=self._less_than_usual(findings),
            broken_off=self._broken_off,
            coverage=parts.deep.covered() if parts and self._walks else None,
            stateless=self._stateless,
            latency=self._latencies.summary(),
            observed=self._observations.summary(),
        )

    @property
    def _walks(self) -> bool:
        """Whether sequences of operations are tried at all."""
        return bool(self.plan.selected & SEQUENCES) and not self.plan.read_only

    def _less_than_usual(self, findings: Findings) -> str | None:
        """Why what the same profile has shown before might not have come up this time, or None.

        That the requests of the profile are used up is usual. It is not when something new has used them, or when
        there were fewer.
        """
        if self._broken_off:
            return self._cut_short
        if not self._fell_short:
            return self._left_out
        limits = self.client.limits
        if self.client.elapsed_s > limits.seconds:
            return f"the {limits.seconds:g} seconds of the run were over before all was tried"
        if limits.requests < self.plan.profile.requests:
            return f"the {limits.requests} requests of [limits] were spent before all was tried"
        return "something new has used requests that are missing elsewhere" if findings.news else self._left_out


def told(error: BaseException, left: list[str]) -> BaseException:
    """The error, with what could not be put back: it is all that a caller gets to see."""
    if not left or not isinstance(error, StagecheckError):
        return error
    return type(error)(f"{error}; {'; '.join(left)}")
