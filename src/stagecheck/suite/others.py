"""Somebody else who changes things during a run: told from what the target does, and left alone.

What a second writer does looks like the worst of defects: a service moves that nobody has asked for (STATE-2), a read
contradicts the last answer (STATE-5), a refused request seems to have changed something (STATE-6). Two things tell them
apart, and neither alone would do:

- *What changes while nothing is asked.* Between two equal reads in a row, with nothing else sent, no target that keeps
  the contract or breaks it in answer to requests changes a placement. That it once differs from the read before is not
  enough, though: a cache or a replica that lags catches up at the first read after a write, so the first one is not
  compared.
- *What does not come again.* A defect answers to requests, so it is seen again when they are sent again, or it is no
  ground for a verdict. That something came again is not enough either: whoever moves services often enough does it
  during every trial. So after the trials nothing is asked for as long: if placements change then as well, they do
  without our help.

What is theirs by this makes the promises that it touches inconclusive, its services are not moved any further, and they
are left in the end where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from stagecheck.errors import BudgetSpent, LeftAlone, TargetError
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.compare import places_of
from stagecheck.model.requests import ReadList
from stagecheck.model.state import Placement
from stagecheck.operations import OperationKey
from stagecheck.outcome import Violation
from stagecheck.suite.session import Session
from stagecheck.target.account import attach_in
from stagecheck.target.client import GATEWAY

_AT_ONCE = 5
"""Reads in a row when something new was seen that might be theirs; the first is not compared."""
_AFTERWARDS = 60
"""Reads in a row after everything was tried again: about as many requests as a violation is shown by, ten times."""
_RACE = "RACE"
_UNSTEADY = 2
"""So many spoiled requests make a network that may deliver some of them late or twice."""
_FAMILIES = ("SKIP", "STAGE", _RACE)
"""Not MOVE: with the flag false or omitted a service has to be in the addressed stage, wherever it was before."""
_OTHERS = ("STATE-2", "STATE-4", "STATE-5", "STATE-6", "AUTH-4")
_TWICE = 2
"""So often a violation has to come again that somebody who moves services now and then does not bring it about."""
_OF_THE_ANSWER = ("schema", "content-type", "unique", "dates", "stage", "same-set")
"""Witnesses of what nobody brings about who moves a service."""


class Others:
    """Watches one session. `why`: of each requirement that is inconclusive for their sake."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._looking = False
        self.seen = False
        self._spoiled = 0
        self.why: dict[str, str] = {}
        session.findings.listen.append(self._found)
        session.findings.ignores = self._ignores
        session.client.announce.append(self._announced)
        session.client.listen.append(self._heard)

    @property
    def theirs(self) -> Mapping[str, Placement]:
        """Where they have put which services, as far as it was seen last."""
        return self._session.journal.theirs

    # ------------------------------------------------------------------ leaving alone

    def _announced(self, request: HttpRequest) -> None:
        """Keep a request from being sent that might move what is theirs."""
        if self.theirs and request.method != "GET" and self._session.client.phase != "restore":
            service = attach_in(request.path)
            if service in self.theirs:
                raise LeftAlone(f"service {service} is moved by somebody else, and left alone")

    def _ignores(self, violation: Violation) -> bool:
        """Whether a violation is about a service of theirs, or came up when nothing is tried again any more."""
        if not _may_be_theirs(violation):
            return False
        if self._session.client.phase == "restore" and self._session.renew is None:
            self._unsure(violation, "seen while everything was put back, when nothing is tried again")
            return True
        if _service_of(violation) not in self.theirs:
            return False
        self._unsure(violation, "somebody else moves the service that it is about")
        return True

    def _heard(self, exchange: Exchange) -> None:
        """Count what the network spoiled while one asked alone: in a race it may be the target's doing."""
        self._spoiled += exchange.status in (None, *GATEWAY) and exchange.phase != "races"

    # ------------------------------------------------------------------ seeing them

    def _found(self, violation: Violation) -> None:
        """Look a few times, right after something was seen that might be theirs."""
        session = self._session
        worth = session.renew is None and not self._looking and session.client.left > _AT_ONCE
        if worth and _may_be_theirs(violation) and self._moves():
            with suppress(BudgetSpent, TargetError):
                self._watch(_AT_ONCE)
            if self._ignores(violation):
                session.findings.drop(violation.breach.requirement, violation.breach.cause)

    def _moves(self) -> bool:
        """Whether anything is elsewhere than at first: a target that only ever shows one state has no others."""
        session = self._session
        if not session.remembers or session.client.phase == "discover":
            return False
        return session.beginning is None or session.world.placements != session.beginning.placements

    def _watch(self, times: int) -> None:
        """Read the list that many times in a row; what changes from the second to the last is theirs."""
        session = self._session
        if OperationKey.LIST not in session.offers:
            return
        self._looking = True
        try:
            before = None
            for number in range(times):
                now = self._places()
                if number > 1 and before is not None and now is not None:
                    self._take(before, now)
                before = now
        finally:
            self._looking = False

    def _places(self) -> dict[str, Placement] | None:
        session = self._session
        own = session.credentials.own
        exchange = session.client.send(session.spell.read(ReadList(session.oracle.environment), own))
        reply, _ = session.understand(OperationKey.LIST, exchange)
        if reply.shows is None or not reply.shows.names_services:
            return None
        return {key: where[0] for key, where in places_of(reply.shows)[0].items() if len(where) == 1}

    def _take(self, before: Mapping[str, Placement], now: Mapping[str, Placement]) -> None:
        for service in before.keys() & now.keys():
            if before[service] != now[service]:
                self.seen = True
                self._session.journal.leave(service, now[service])

    # ------------------------------------------------------------------ the end of a run

    def review(self) -> None:
        """Take back what may be their doing, once everything was tried again. Raises BudgetSpent, TargetError."""
        if self._session.renew is not None:
            # Whoever can make a target anew is alone with it.
            return
        suspects = [violation for violation in self._session.findings.violations if _may_be_theirs(violation)]
        certain = [violation for violation in suspects if _came_again(violation)]
        races = any(violation.breach.requirement.startswith(_RACE) for violation in suspects)
        if (certain or races) and not self.seen:
            self._watch(min(_AFTERWARDS, self._session.client.left))
        for violation in suspects:
            if self.seen:
                self._back(violation, "somebody else moved services during the run, and this may be their doing")
            elif violation.breach.requirement.startswith(_RACE):
                # Races are never sure to come again; what was delivered late or twice looks like one that went wrong.
                if self._spoiled >= _UNSTEADY:
                    self._back(
                        violation, "requests were lost, or answered by a gateway, and some perhaps delivered twice"
                    )
            elif not certain or (violation.replays is not None and violation.replays.again == 0):
                self._back(violation, _once(violation))

    def _back(self, violation: Violation, why: str) -> None:
        self._unsure(violation, why)
        self._session.findings.drop(violation.breach.requirement, violation.breach.cause)

    def _unsure(self, violation: Violation, why: str) -> None:
        self.why.setdefault(violation.breach.requirement, f"{why}: {violation.breach.message}")

    def notes(self) -> Iterator[str]:
        """What there is to be told of them."""
        for service, place in self.theirs.items():
            flag = "skipped" if place.skipped else "not skipped"
            yield (
                f"service {service} was moved by somebody else during the run, when last seen to stage "
                f"{place.stage}, {flag}: from then on it was left alone, and nothing that may be their doing is held "
                "against the target"
            )


def _may_be_theirs(violation: Violation) -> bool:
    """Whether somebody who moves services, or sets their flags, could bring about what was seen."""
    family = violation.breach.requirement.split("-", maxsplit=1)[0]
    kind = violation.witness["kind"] if violation.witness is not None else None
    of_stage = violation.witness is not None and kind == "same" and "stage" in violation.witness
    theirs = family in _FAMILIES or violation.breach.requirement in _OTHERS
    return theirs and kind not in _OF_THE_ANSWER and not of_stage


def _came_again(violation: Violation) -> bool:
    again = violation.replays.again if violation.replays is not None else 0
    if violation.breach.requirement.startswith("STAGE"):
        # Where stages cannot be removed hardly any is made to try it again; that it was seen with several says as much.
        return violation.seen + again >= _TWICE
    return again >= _TWICE


def _once(violation: Violation) -> str:
    """Why a single sight is no ground for a verdict."""
    seen = "once" if violation.seen == 1 else f"{violation.seen} times"
    tried = violation.replays.of if violation.replays is not None else 0
    if tried == 0:
        return f"seen {seen}, at request {violation.at_request} first, and there were no requests left to try it again"
    again = violation.replays.again if violation.replays is not None else 0
    how = "never" if again == 0 else f"{again} time{'s' if again > 1 else ''}"
    return f"seen {seen}, at request {violation.at_request} first, and {how} when it was tried {tried} times more"


def _service_of(violation: Violation) -> str | None:
    service = (violation.witness or {}).get("service")
    return service if isinstance(service, str) else None
