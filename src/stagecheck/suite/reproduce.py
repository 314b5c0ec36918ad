"""From a violation seen somewhere in a long run to the shortest way to see it again, tried on the target itself.

What was sent before the violation is replayed from a stated placement: first the last request alone, then ever longer
stretches, until the same promise breaks again; then every request that is not needed is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from stagecheck.errors import BudgetSpent
from stagecheck.exchange import Exchange
from stagecheck.model.requests import Attach, is_read
from stagecheck.model.state import Placement
from stagecheck.outcome import Violation
from stagecheck.suite.discover import Ground
from stagecheck.suite.session import Sent, Session, Signature
from stagecheck.wire import bodies

_FAMILIES = ("MOVE", "SKIP", "STATE")
_STRETCHES = (1, 2, 3, 4, 6, 9, 14, 22, 35)
_PER_VIOLATION = 120
"""Requests that one violation may cost."""


@dataclass(slots=True)
class Reproduction:
    """Replays stretches of what a session sent. `requests`: how many it may send in all."""

    session: Session
    ground: Ground
    requests: int

    def run(self, violations: tuple[Violation, ...]) -> None:
        """Find the shortest steps of every violation whose promise is about state; the others show in one request."""
        last = self.session.client.sent + self.requests
        for violation in violations:
            breach = violation.breach
            signature = self._signature(breach.requirement, breach.cause)
            if breach.requirement.split("-")[0] not in _FAMILIES or signature is None:
                continue
            until = min(last, self.session.client.sent + _PER_VIOLATION)
            try:
                steps = self._shortest(signature, until)
            except BudgetSpent:
                return
            if steps:
                self.session.findings.shorten(breach.requirement, breach.cause, steps)

    def _signature(self, requirement: str, cause: str) -> Signature | None:
        recorded = self.session.recorded.items()
        return next((raw for raw, named in recorded if named == (requirement, cause)), None)

    def _shortest(self, signature: Signature, until: int) -> tuple[Exchange, ...]:
        log, end = self.session.log, self.session.first_seen[signature] + 1
        for length in _STRETCHES:
            stretch = log[max(0, end - length) : end]
            steps = self._replay(stretch, stretch[0].before.placements, signature, until)
            if steps:
                return self._reduced(stretch, signature, steps, until)
            if length >= end:
                break
        return ()

    def _reduced(
        self, stretch: list[Sent], signature: Signature, steps: tuple[Exchange, ...], until: int
    ) -> tuple[Exchange, ...]:
        """Leave out one request after the other, as long as the promise still breaks."""
        home = stretch[0].before.placements
        position = 0
        while position < len(stretch) - 1:
            shorter = stretch[:position] + stretch[position + 1 :]
            found = self._replay(shorter, home, signature, until)
            if found:
                stretch, steps = shorter, found
            else:
                position += 1
        return steps

    def _replay(self, stretch: list[Sent], home: object, signature: Signature, until: int) -> tuple[Exchange, ...]:
        """Send a stretch from its placement; the exchanges up to the violation, none if it does not come."""
        session = self.session
        assert isinstance(home, dict)
        needed = 2 * len(self.ground.services) + len(stretch)
        if session.client.sent + needed > until or session.client.left < needed:
            return ()
        steps: list[Exchange] = []
        session.client.listen.append(steps.append)
        session.replaying = True
        try:
            self._set_up(stretch, home, look=signature[0] == "STATE-6")
            session.raw_seen.clear()
            for sent in stretch:
                session.perform(sent.request, sent.message)
                if signature in session.raw_seen:
                    return tuple(steps)
        finally:
            session.replaying = False
            session.client.listen.remove(steps.append)
        return ()

    def _set_up(self, stretch: list[Sent], home: dict[str, Placement], *, look: bool) -> None:
        """Put the addressed services, and all others that are elsewhere now, where the stretch began.

        `look`: read the state then, so that what a refusal changes can be told from what was so before.
        """
        addressed = {sent.request.service for sent in stretch if isinstance(sent.request, Attach)}
        now = self.session.world.placements
        for service in self.ground.services:
            placement = home.get(service)
            if placement is None or (service not in addressed and now.get(service) == placement):
                continue
            self.session.attach(service, placement.stage, bodies.FALSE)
            if placement.skipped:
                self.session.attach(service, placement.stage, bodies.TRUE)
        if look or all(is_read(sent.request) for sent in stretch):
            self.session.baseline(self.ground.services[0])
