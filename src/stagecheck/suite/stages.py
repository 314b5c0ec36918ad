"""STAGE-*: stages that the run makes are edited, moved and deleted among moves and skips, and removed in the end.

Only stages that the run has made itself are ever edited, moved or deleted, and none is made unless it seems that it can
be deleted again. Everything is looked at right before and right after, so that what changed besides is known by its
cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from stagecheck.errors import BudgetSpent
from stagecheck.exchange import Exchange
from stagecheck.model.management import ranking
from stagecheck.model.requests import (
    NOBODY,
    CreateStage,
    DeleteStage,
    EditStage,
    Manage,
    MoveStage,
    ReadList,
    ReadStage,
)
from stagecheck.model.state import canonical
from stagecheck.operations import OperationKey
from stagecheck.suite.auth import Auth
from stagecheck.suite.discover import UNKNOWN_ENVIRONMENT, note_crash
from stagecheck.suite.made import MOST_STAYING
from stagecheck.suite.refusals import Case, Refusals
from stagecheck.suite.session import Session
from stagecheck.suite.stage_refusals import of_the_deleted, wrong
from stagecheck.suite.tour import Tour
from stagecheck.suite.transient import DELIVERED_TWICE, sent
from stagecheck.target.credentials import NONE
from stagecheck.wire import bodies
from stagecheck.wire.spell import operation_of
from stagecheck.wire.stages import naming

_NOT_THERE = (403, 404, 405, 501)
_PROMISED = {
    OperationKey.CREATE: "STAGE-1",
    OperationKey.EDIT: "STAGE-2",
    OperationKey.DELETE: "STAGE-3",
    OperationKey.MOVE_BEFORE: "STAGE-4",
}


@dataclass(slots=True)
class Stages:
    """The management of stages in one session.

    `missing`: requirement → why the target does not let it be tried; `lacking`: why the config does not.
    """

    session: Session
    tour: Tour
    refusals: Refusals
    allowed: bool = True
    missing: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    _asked: set[OperationKey] = field(default_factory=set)
    _count: int = 0

    # ------------------------------------------------------------------ what is offered

    def offered(self) -> bool:
        """Whether stages can be made, and removed again; asks the target, once, by making one."""
        if OperationKey.CREATE in self._asked:
            return OperationKey.CREATE in self.session.offers
        why = None if self.allowed else "[target] manage_stages is false"
        if self.session.oracle.environment == UNKNOWN_ENVIRONMENT:
            why = "no answer names the environment: give [target] environment"
        if why is not None:
            self.lacking |= dict.fromkeys(_PROMISED.values(), why)
            self._asked.add(OperationKey.CREATE)
            return False
        probe = self.session.spell.manage(DeleteStage(self.refusals.unknown_id()), self.session.credentials.own)
        exchange = sent(self.session.client, probe)
        note_crash(self.session, exchange, "deleting an unknown stage")
        if exchange.status is None or exchange.status in (405, 501):
            # What is made could not be removed.
            self._asked.add(OperationKey.CREATE)
            self._lack("the target deletes no stages, so none is made", *_PROMISED.values())
            return False
        self._view()
        made = self._first(CreateStage(self.session.oracle.environment, self._name(), "made by stagecheck"))
        if made is None:
            self._lack("the target creates no stages, and others are not touched", *_PROMISED.values())
            return False
        self._view()
        return True

    def _lack(self, why: str, *requirements: str) -> None:
        for requirement in requirements:
            self.missing.setdefault(requirement, why)

    def do(self, request: Manage, content: bytes | None = None) -> bool:
        """Send a request, unless it is known that the target does not offer it; True if it was carried out.

        `content`: another body than the one that is meant, for an operation that is known to be offered.
        """
        key = operation_of(request)
        if OperationKey.LIST in self.session.offers and not self.session.oracle.agrees(self._list):
            # What is wrong already must not be blamed on this.
            self._view()
        if key in self.session.offers:
            exchange: Exchange | None = self.session.manage(request, content)
        else:
            exchange = None if key in self._asked else self._first(request)
        done = exchange is not None and exchange.status is not None and 200 <= exchange.status < 300
        if done or isinstance(request, DeleteStage):
            # A deletion that is refused changes nothing either (STATE-6).
            self._view()
        return done

    def _first(self, request: Manage) -> Exchange | None:
        """The first request of an operation shows whether it is offered, and is judged only then."""
        key, session = operation_of(request), self.session
        holds = isinstance(request, DeleteStage) and bool(session.world.services_in(request.stage))
        if not holds:
            # For the sake of its services a stage may be refused to be deleted, in whatever words.
            self._asked.add(key)
        if isinstance(request, CreateStage):
            session.made.begin(request.name)
        message = session.spell.manage(request, session.credentials.own)
        exchange = sent(session.client, message, lambda: session.lost(request))
        status = exchange.status
        if isinstance(request, CreateStage):
            session.made.answered(request.name, status, None)
        if status is not None and 200 <= status < 300:
            session.offers.add(key)
            session.judge(request, exchange)
            return exchange
        note_crash(session, exchange, f"the first {key} of a stage")
        self._perhaps(request, status)
        if status is None:
            # The next one will show it.
            self._asked.discard(key)
            return None
        if holds:
            if status is not None and 400 <= status < 500:
                session.judge(request, exchange)
            return None
        if key in _PROMISED and status not in _NOT_THERE:
            self._lack(f"the target answered {status or exchange.failure} to the first {key}", _PROMISED[key])
        elif key in _PROMISED:
            self._lack(f"the target offers no {key} of a stage ({status})", _PROMISED[key])
        if key is OperationKey.DELETE and status is not None and 400 <= status < 500 and status not in _NOT_THERE:
            # Made by this run, and not to be removed: that is no choice of the target's.
            session.judge(request, exchange)
        return None

    def _perhaps(self, request: Manage, status: int | None) -> None:
        """Take note that a request may have been carried out, though no answer says so."""
        session = self.session
        if status is None or status >= 500:
            session.lost(request)
        elif status == DELIVERED_TWICE.get(type(request)):
            if isinstance(request, CreateStage):
                session.made.begin(request.name)
            session.oracle.perhaps(request)

    # ------------------------------------------------------------------ steps

    def _name(self) -> str:
        """A name that no stage has. Capitals, for some targets write all names so."""
        known = {stage.name for stage in self.session.world.stages.values()}
        while True:
            self._count += 1
            name = f"STAGECHECK {self._count}"
            if name not in known:
                return name

    def _view(self) -> None:
        """Look at everything, if that is offered."""
        if OperationKey.LIST in self.session.offers:
            self.session.read(self._list)

    @property
    def _list(self) -> ReadList:
        return ReadList(self.session.oracle.environment)

    def look_at(self, stage: str) -> None:
        """Read one stage, if that is offered."""
        if OperationKey.GET_STAGE in self.session.offers:
            self.session.read(ReadStage(stage))

    def make(self, description: str | None = None) -> str | None:
        """Make a stage; its id, None if that did not work, or too many stay already."""
        if self._staying() >= MOST_STAYING:
            return None
        made = self._create(self._name(), description)
        return made[0] if made else None

    def _create(self, name: str, description: str | None) -> list[str]:
        """The stages that are there once one more was asked for: one, if all is well."""
        before = set(self.session.created)
        self.do(CreateStage(self.session.oracle.environment, name, description))
        return [stage for stage in self.session.created if stage not in before]

    def _staying(self) -> int:
        """How many of our own stay for good, it seems: all of them, where the first could not be deleted."""
        session = self.session
        if OperationKey.DELETE in self._asked - session.offers:
            return len(session.created)
        return session.made.staying(session.world.stages)

    @property
    def newest(self) -> str | None:
        """The stage that was made last and is still there."""
        there = [stage for stage in self.session.created if stage in self.session.world.stages]
        return there[-1] if there else None

    def _order(self) -> tuple[str, ...]:
        """The stages as they stand; where no order is shown those of the run: a move touches no service then either."""
        return ranking(self.session.world, self.session.oracle.environment) or self.tour.ground.stages

    # ------------------------------------------------------------------ the walk

    def walk(self, auth: Auth, selected: frozenset[str], *, thorough: bool) -> None:
        """One life of a stage, or everything else, as far as it is offered; what was made is removed again.

        After an error that is left to the way home: what is believed then must not be held against the target.
        """
        if not self.offered():
            return
        if any(key.startswith("STAGE") for key in selected):
            for part in self.parts(thorough=thorough):
                part()
        for case in (*self.cases(), *self.strangers(auth)) if thorough else ():
            if case.requirement in selected:
                case.send()
        with suppress(BudgetSpent):
            self.clear()

    def parts(self, *, thorough: bool) -> Iterator[Callable[[], None]]:
        """The parts of the walk, to be called one after another; the first comes early, and alone."""
        if not thorough:
            yield self.a_life
        else:
            yield self.a_queue
            yield self.names
            yield self.again
            yield self.crowded

    def a_life(self) -> None:
        """A stage is made, gets a service that is skipped there, is moved, renamed, and deleted while it holds it."""
        made = self.newest
        if made is None:
            return
        service, session = self.tour.ground.services[0], self.session
        self.look_at(made)
        session.attach(service, made, session.plain)
        session.attach(service, made, bodies.TRUE)
        order = self._order()
        first, last = order[0], order[-1]
        self.do(MoveStage(made, first if first != made else last, after=first == made))
        self.do(EditStage(made, self._name(), "edited by stagecheck"))
        self.look_at(made)
        self.do(DeleteStage(made))
        self.remove(made)

    def remove(self, stage: str) -> None:
        """Empty a stage of ours and delete it, and see that it is gone: no read shows it, nothing moves into it."""
        session = self.session
        if stage in session.created:
            for service in [key for key in session.world.services_in(stage) if key in session.usable]:
                session.attach(service, self.tour.ground.stages[0], session.plain)
            self.do(DeleteStage(stage))
        if stage in session.created or OperationKey.DELETE not in session.offers:
            return
        self.look_at(stage)
        subject = self.tour.ground.services[0]
        session.attach(subject, stage, session.plain)
        session.look(subject)

    def a_queue(self) -> None:
        """Two stages are moved about: up and down, to both ends, beside each other, to where they are already."""
        one, other = self.make("the one"), self.make()
        if one is None or other is None:
            return
        theirs = [stage for stage in self._order() if stage not in (one, other)]
        if len(theirs) < 2:
            return
        first, last, middle = theirs[0], theirs[-1], theirs[len(theirs) // 2]
        service = self.tour.ground.services[-1]
        for stage, anchor, after in (
            (one, first, False),
            # Where new stages come last, this is the end of all.
            (one, other, True),
            (one, last, True),
            (other, middle, False),
            (one, other, False),
            (one, other, True),
            (one, other, True),
            (other, one, True),
            (other, first, True),
            (one, middle, True),
            (one, first, False),
            (other, one, False),
            (other, last, False),
            (other, other, True),
        ):
            if stage not in self.session.created:
                return
            self.do(MoveStage(stage, anchor, after))
            if anchor == middle:
                self.session.attach(service, stage, self.session.plain)
        self.session.attach(service, theirs[0], bodies.TRUE)
        self.do(MoveStage(one, last, after=False))

    def names(self) -> None:
        """Stages are renamed and described, with their services in them; what was not named stays as it was."""
        made = self.newest or self.make("to be described")
        if made is None:
            return
        service = self.tour.ground.services[0]
        self.session.attach(service, made, bodies.TRUE)
        name = self._name()
        for title, description in ((name, None), (name, "described"), (name, "described"), (name, ""), (name, None)):
            self.do(EditStage(made, title, description))
            self.look_at(made)
        self.do(EditStage(made, self._name(), "at last"))
        # Null is allowed; whether it empties the description or stands for none is not said.
        self.do(EditStage(made, name, None), naming(name, None, null=True))
        self._twin(made, name)
        self.session.attach(service, made, self.session.plain)
        self.session.attach(service, self.tour.ground.stages[0], self.session.plain)

    def _twin(self, made: str, name: str) -> None:
        """Another stage of the same name is another stage, or it is refused."""
        if self._staying() >= MOST_STAYING:
            return
        twins = self._create(name, "another one")
        self.look_at(made)
        for twin in twins:
            self.remove(twin)

    def again(self) -> None:
        """What was deleted does not come back: not by a new stage, not by a move, not by a read."""
        self.clear()
        for description in ("the first", None):
            made = self.make(description)
            if made is not None:
                self.remove(made)
                self._stir(made)
        kept = [stage for stage in (self.make("one of two"), self.make("the other of two")) if stage is not None]
        for stage in kept:
            # The first of the two, then the last: a target may find the wrong one.
            self.remove(stage)
            if stage in self.session.world.gone and self.newest is not None:
                self._refused(MoveStage(self.newest, stage, after=True))

    def _stir(self, gone: str) -> None:
        """Nothing that is asked of a deleted stage is carried out, and none of it brings the stage back."""
        if gone in self.session.world.gone:
            for request in of_the_deleted(gone, self.tour.ground.stages[0], self._name()):
                self._refused(request)

    def crowded(self) -> None:
        """A stage is deleted while all services that may be used are in it, some skipped."""
        made = self.make("crowded")
        if made is None:
            return
        for number, service in enumerate(self.tour.ground.services):
            self.session.attach(service, made, self.session.plain)
            if number % 2:
                self.session.attach(service, made, bodies.TRUE)
        self.do(DeleteStage(made))
        self.remove(made)

    def clear(self) -> None:
        """Remove every stage that the run has made."""
        for stage in list(self.session.created):
            self.remove(stage)

    # ------------------------------------------------------------------ refusals

    def cases(self) -> Iterator[Case]:
        """Requests to manage stages that must be refused; what is changed in spite of that is ours."""
        unknown = self.refusals.unknown_id
        for requirement, title, request, content in wrong(self.session.oracle.environment, unknown, self._name):
            yield Case(requirement, title, partial(self._refused, request, content), first=False)
        yield Case("ERR-2", "move beside an unknown stage", lambda: self._ours(lambda s: MoveStage(s, unknown())))

    def strangers(self, auth: Auth) -> Iterator[Case]:
        """The same with credentials that must not be let in, on stages that the run has made."""
        own = self.session.oracle.environment
        ways: tuple[tuple[str, Callable[[str], Manage]], ...] = (
            ("create", lambda caller: CreateStage(own, self._name(), caller=caller)),
            ("edit", lambda caller: EditStage(self.newest or "", "EDITED BY A STRANGER", caller=caller)),
            ("move", lambda caller: MoveStage(self.newest or "", self.tour.ground.stages[0], caller=caller)),
            ("delete", lambda caller: DeleteStage(self.newest or "", caller=caller)),
        )
        second = auth.plan.second.stage
        if second is not None:
            beside = canonical(second)
            yield Case("STAGE-4", "move beside a stage elsewhere", lambda: self._ours(lambda s: MoveStage(s, beside)))
        for requirement, name in (("AUTH-1", "no credential"), ("AUTH-3", "a foreign credential")):
            for verb, way in ways if requirement not in auth.lacking else ():
                yield Case(requirement, f"{name}: {verb} a stage", self._strange(way, auth, requirement), first=False)

    def _strange(self, way: Callable[[str], Manage], auth: Auth, requirement: str) -> Callable[[], object]:
        def send() -> None:
            foreign = requirement == "AUTH-3"
            if foreign and not auth.alive():
                return
            made = self.newest or self.make()
            request = way(auth.foreign_caller() if foreign else NOBODY)
            if made is None or operation_of(request) not in self.session.offers:
                return
            self._view()
            credential = self.session.credentials.foreign if foreign else NONE
            self.session.perform(request, self.session.spell.manage(request, credential))
            self._view()

        return send

    def _refused(self, request: Manage, content: bytes | None = None) -> None:
        if operation_of(request) in self.session.offers:
            self._view()
            self.session.manage(request, content)
            self._view()

    def _ours(self, request: Callable[[str], Manage]) -> None:
        made = self.newest or self.make()
        if made is not None:
            self._refused(request(made))
