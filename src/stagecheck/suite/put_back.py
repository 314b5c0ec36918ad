"""Bringing every service home at the end of a run, after an error and after Ctrl-C.

Each PUT is judged like any other, and checked by looking again; what a defective target leaves astray is tried by other
ways, and then said, with the command that would put it right.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from stagecheck.errors import HarnessError, TargetError
from stagecheck.exchange import Exchange, HttpRequest, curl
from stagecheck.model.compare import places_of
from stagecheck.model.observation import Observation
from stagecheck.model.requests import Attach, DeleteStage, ReadList
from stagecheck.model.state import Placement
from stagecheck.operations import READS, OperationKey
from stagecheck.suite.session import Session
from stagecheck.suite.tidy import tidy
from stagecheck.suite.transient import sent
from stagecheck.target.journal import ROUTES, Flag, Journal, PutBack
from stagecheck.wire import bodies


@dataclass(slots=True)
class WayHome:
    """The way home of one session. `sure`: whether what is believed of the state may be relied on.

    `astray`: whether something is not at home in the end that another try may bring there.
    """

    session: Session
    journal: Journal
    sure: bool
    astray: bool = True

    def go(self) -> list[str]:
        """Put everything back; what could not be, as notes for the report. Never raises for the target's sake."""
        self.session.client.release()
        if not self.session.client.wrote:
            self.astray = False
            return []
        writable = frozenset(self.session.usable)
        with _uninterrupted():
            try:
                now = self._placements() if self.sure else {}
                for route in range(len(ROUTES)):
                    steps = list(self.journal.way_home(now, writable, self._stages(), route))
                    if not steps:
                        break
                    now = self._walked(steps, now)
                self.remove()
                left = list(self._left(now, writable))
                made = [*self._made(), *self._unanswered()]
                self.astray = bool(left or made)
                return [*left, *self._foreign(now, writable), *self._unknown(), *made]
            except (TargetError, HarnessError) as error:
                ended = f"putting back ended early: {error}"
                return [ended, *self._left({}, writable), *self._made(), *self._unanswered()]

    def _walked(self, steps: list[PutBack], now: Mapping[str, Placement]) -> dict[str, Placement]:
        """Send the PUTs, and say where everything is then, as far as it can be seen."""
        last: Exchange | None = None
        accepted: dict[str, Placement] = dict(now)
        for step in steps:
            request, message = self._spelled(step)
            # Where nobody knows what a lost request did, nothing can be held against its answer either.
            session = self.session
            exchange = session.perform(request, message) if self.sure else sent(session.client, message)
            if exchange.status is not None and 200 <= exchange.status < 300:
                accepted[step.service] = Placement(step.stage, step.flag is Flag.TRUE)
                last = exchange
        seen = self._listed()
        if seen is None and last is not None:
            reply, _ = self.session.understand(OperationKey.ATTACH, last)
            seen = reply.shows if reply.shows is not None and reply.shows.names_services else None
        return _places(seen) if seen is not None else accepted

    def remove(self) -> None:
        """Delete every stage that the run has made, one whose answer was lost too."""
        session = self.session
        if not session.made.names and not session.created:
            return
        seen = self._adopt()
        home = next((stage for stage in self._stages() if stage not in session.created), "")
        tried = bool(session.created)
        held: dict[str, list[str]] = {}
        for service, place in _places(seen).items() if seen is not None else ():
            held.setdefault(place.stage, []).append(service)
        known = seen is not None or not self.sure
        for _ in tidy(session, home, sure=self.sure, held=(lambda s: held.get(s, [])) if known else None):
            pass
        if tried:
            # A deletion that was answered rightly may not have been carried out.
            self._adopt()

    def _adopt(self) -> Observation | None:
        """Take note of the stages of the run's own that are there, if the list says so; what it shows."""
        seen = self._shown()
        if seen is not None:
            known = self.session.beginning.stages if self.session.beginning else {}
            self.session.made.adopt([(stage.id, stage.name) for stage in seen.stages], known)
        return seen

    def _made(self) -> Iterator[str]:
        """What the run has made and is there still, with the command that would remove it."""
        session = self.session
        for stage, name in session.created.items():
            command = curl(session.client.url, session.spell.manage(DeleteStage(stage), session.credentials.own))
            yield f"stage {name or stage}, which the run has made, could not be deleted; to do it: {command}"

    def _unanswered(self) -> Iterator[str]:
        """What may have been made, and nothing could be seen of since."""
        for name in sorted(self.session.made.unanswered):
            yield (
                f"a stage named {name} was asked for, and no answer says whether it was made: look for it by hand, and "
                "delete it if it is there"
            )

    def _stages(self) -> tuple[str, ...]:
        return tuple(stage.id for stage in self.session.world.stages_of(self.session.oracle.environment))

    def _spelled(self, step: PutBack) -> tuple[Attach, HttpRequest]:
        body = {Flag.FALSE: bodies.FALSE, Flag.TRUE: bodies.TRUE, Flag.ABSENT: bodies.NO_BODY}[step.flag]
        request = Attach(step.stage, step.service, body.form)
        return request, self.session.spell.attach(request, body, self.session.credentials.own)

    def _placements(self) -> dict[str, Placement]:
        """Where everything is: by the list if it is offered, else by what was seen last."""
        believed = self.session.world.placements
        seen = self._listed()
        if any(found.breach.requirement == "STATE-5" for found in self.session.findings.violations):
            # What a read says was wrong before, and what is believed may come from it: everything is sent home.
            return {}
        if seen is not None:
            # A read that lies must not keep a service from home: what is believed otherwise is put back.
            return {key: place for key, place in _places(seen).items() if believed.get(key, place) == place}
        return dict(believed) if len(self.session.oracle.worlds) == 1 else {}

    def _listed(self) -> Observation | None:
        """The list, if it is offered and says where services are."""
        shown = self._shown()
        return shown if shown is not None and shown.names_services else None

    def _shown(self) -> Observation | None:
        """The list, if it is offered."""
        if OperationKey.LIST not in self.session.offers:
            return None
        own = self.session.credentials.own
        exchange = self.session.client.send(self.session.spell.read(ReadList(self.session.oracle.environment), own))
        return self.session.understand(OperationKey.LIST, exchange)[0].shows

    def _left(self, now: Mapping[str, Placement], writable: frozenset[str]) -> Iterator[str]:
        """What is not at home in spite of everything, with the commands that would bring it there."""
        left: dict[str, list[str]] = {}
        for step in self.journal.way_home(now, writable):
            command = curl(self.session.client.url, self._spelled(step)[1])
            left.setdefault(step.service, []).append(command)
        for service, commands in left.items():
            home = self.journal.homes[service]
            flag = "skipped" if home.skipped else "not skipped"
            yield (
                f"service {service} could not be put back to stage {home.stage}, {flag}; to do it: "
                + " && ".join(commands)
            )

    def _foreign(self, now: Mapping[str, Placement], writable: frozenset[str]) -> Iterator[str]:
        """What the target moved or flagged by itself, and the run may not write to."""
        for service, home in self.journal.astray(now, writable).items():
            flag = "skipped" if home.skipped else "not skipped"
            yield (
                f"service {service} was in stage {home.stage}, {flag}, before the run, and is not one the run may "
                "write to: the target changed it by itself, or somebody else did; put it back by hand if need be"
            )

    def _unknown(self) -> Iterator[str]:
        """What was sent somewhere before anything showed where it was."""
        sent = self.session.addressed - self.journal.homes.keys()
        homeless = [service for service in self.session.usable if service in sent]
        if homeless:
            one = len(homeless) == 1
            mend = " (give [target] environment, if the target lists it)" if not READS & self.session.offers else ""
            yield (
                f"service{'' if one else 's'} {', '.join(homeless)} {'was' if one else 'were'} moved before any answer "
                f"showed where {'it was' if one else 'they were'}, and cannot be put back{mend}"
            )


def _places(seen: Observation) -> dict[str, Placement]:
    places, _ = places_of(seen)
    return {service: where[0] for service, where in places.items() if len(where) == 1}


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C off while things are put back; a second one must not leave them moved."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
