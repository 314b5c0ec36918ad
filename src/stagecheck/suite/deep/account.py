"""What a run really sent, held against the spaces of its walks: the one place where requests become transitions.

Strict on purpose, for a claim of completeness stands on it. A request is a transition only if it was sent byte for byte
as one; whatever comes in between, a read too, ends every sequence, for nobody knows what a target does upon it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagecheck.model.requests import Attach
from stagecheck.model.state import World
from stagecheck.suite.deep.coverage import Coverage
from stagecheck.suite.deep.space import FORMS, Space
from stagecheck.suite.sent import Judged
from stagecheck.suite.session import Session
from stagecheck.wire.bodies import Body


class Account:
    """Listens to a session, and feeds a coverage of each space."""

    def __init__(self, session: Session, spaces: Iterable[Space]) -> None:
        self.session = session
        self.coverages = tuple(Coverage(space) for space in spaces)
        self._last = 0
        session.listen.append(self._hear)

    def settle(self) -> None:
        """End every sequence if anything was sent since the last transition."""
        if self.session.client.sent != self._last:
            self._interrupt()

    def _hear(self, judged: Judged) -> None:
        if judged.exchange.number != self._last + 1:
            self._interrupt()
        self._last = judged.exchange.number
        body = self._body(judged)
        for coverage in self.coverages:
            if not _noted(coverage, judged, body):
                coverage.interrupt()

    def _interrupt(self) -> None:
        for coverage in self.coverages:
            coverage.interrupt()

    def _body(self, judged: Judged) -> Body | None:
        """The body if this is a transition as the walks send it: our credential, that body, the ids as usual."""
        request, own = judged.request, self.session.credentials.own
        if not isinstance(request, Attach):
            return None
        alike = (body for body in FORMS if body.form is request.form)
        return next(
            (body for body in alike if self.session.spell.attach(request, body, own) == judged.exchange.request), None
        )


def _noted(coverage: Coverage, judged: Judged, body: Body | None) -> bool:
    """Note a transition of this space whose answer was judged; False for anything else."""
    request, space = judged.request, coverage.space
    if body is None or not isinstance(request, Attach) or request.service not in space.services:
        return False
    transition = space.transition(request.service, request.stage, body)
    state, after = _agreed(space, judged.before), _agreed(space, judged.after)
    if transition is None or state is None or not _was_judged(space, judged):
        return False
    expected = judged.judgement.expected
    if expected is None and after is None:
        return False
    promised = after if expected is None else _agreed(space, (expected,))
    coverage.note(state, transition, after=after, promised=promised)
    return True


def _was_judged(space: Space, judged: Judged) -> bool:
    """Whether the answer says where the services are, or refuses: silence, time-outs and 5xx leave it open."""
    reply = judged.reply
    return reply.refused or (reply.accepted and all(reply.speaks_of(service) for service in space.services))


def _agreed(space: Space, worlds: Iterable[World]) -> int | None:
    """The state in which the services are in every world that is possible; None where the worlds differ."""
    states = set(_states(space, worlds))
    return states.pop() if len(states) == 1 else None


def _states(space: Space, worlds: Iterable[World]) -> Iterator[int | None]:
    for world in worlds:
        yield None if world.pending else space.state(world.placements)
