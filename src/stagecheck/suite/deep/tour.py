"""The deep tour itself: sends what the walks say, one length after the other, and says how far it came.

Single transitions of every service over all stages first (in place, and from one stage to the next), then the walks of
the profile, each from its shortest sequences to its longest; so a budget that ends too soon has bought what is worth
most. The account counts what all parts of a run send.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from stagecheck.model.state import Reading
from stagecheck.outcome import Coverage as Covered
from stagecheck.outcome import WalkCoverage
from stagecheck.suite.deep.account import Account
from stagecheck.suite.deep.coverage import Coverage
from stagecheck.suite.deep.space import FORMS, Space
from stagecheck.suite.deep.walk import Walk
from stagecheck.suite.discover import Ground
from stagecheck.suite.plan import Extent, Profile
from stagecheck.suite.session import Session
from stagecheck.wire import bodies

_PATIENCE = 20
"""How many requests in a row may all lead elsewhere than promised, or all to nothing new, before a walk is given up."""

NOT_WALKED = "this profile takes no walk, and counts what its other parts sent"
NOT_BEGUN = "the run did not come to it"
NO_REQUESTS = "the requests that the deep tour may use were used"
OUT_OF_REACH = "the rest can be reached only over transitions that led elsewhere than expected"
NOTHING_NEW = f"{_PATIENCE} requests in a row led elsewhere than promised, or to nothing new"


@dataclass(slots=True)
class _Leg:
    """One walk: its coverage, and for each length how many requests were sent and why it went no further."""

    coverage: Coverage
    requests: dict[int, int] = field(default_factory=dict)
    stopped: dict[int, str | None] = field(default_factory=dict)


class DeepTour:
    """The deep tour of one session. Made before the other parts of the run, so that what they send is counted."""

    def __init__(self, session: Session, ground: Ground, profile: Profile) -> None:
        self.session = session
        self.idle = NOT_BEGUN if profile.every else NOT_WALKED
        walks = [
            Space(extent.depth, ground.stages[: extent.stages], ground.services[: extent.services])
            for extent in _possible(profile.walks, len(ground.stages), len(ground.services))
        ]
        singles = [Space(1, ground.stages, (service,)) for service in ground.services if profile.every]
        self.account = Account(session, (*singles, *walks))
        legs = [_Leg(coverage) for coverage in self.account.coverages]
        self.singles, self.walks = legs[: len(singles)], legs[len(singles) :]
        for leg in self.singles:
            _from_next_door(leg.coverage)

    # ------------------------------------------------------------------ walking

    def go(self, requests: int, more: int) -> None:
        """Walk. `requests`: what may be sent for single transitions and the first walk; `more`: for all that follows.

        `more` counts from the same moment, and gives nothing unless it is greater than what was used until then.
        """
        began = self.session.client.sent
        for leg in (*self.singles, *self.walks[:1]):
            self._walk(leg, began + requests)
        for leg in self.walks[1:]:
            self._walk(leg, began + more)

    def _walk(self, leg: _Leg, until: int) -> None:
        for length in range(1, leg.coverage.space.depth + 1):
            before = self.session.client.sent
            reason = self._length(leg.coverage, length, until)
            leg.requests[length] = self.session.client.sent - before
            leg.stopped[length] = reason
            if reason in (NO_REQUESTS, NOTHING_NEW):
                leg.stopped |= dict.fromkeys(range(length, leg.coverage.space.depth + 1), reason)
                return

    def _length(self, coverage: Coverage, length: int, until: int) -> str | None:
        """Walk until all sequences of one length were tried; why it went no further, None if they were."""
        client, walk = self.session.client, self._planned(coverage)
        astray = in_vain = 0
        while not coverage.complete(length):
            if client.left <= 0 or client.sent >= until:
                return NO_REQUESTS
            if max(astray, in_vain) >= _PATIENCE:
                return NOTHING_NEW
            if walk.reading is not self._reading:
                walk = self._planned(coverage)
            tried, strays = len(coverage.order), coverage.strays
            if not self._step(coverage, walk, length):
                return OUT_OF_REACH
            astray = astray + 1 if coverage.strays > strays else 0
            in_vain = in_vain + 1 if len(coverage.order) == tried else 0
        return None

    def _step(self, coverage: Coverage, walk: Walk, length: int) -> bool:
        """Send the next transition; False if there is none."""
        self.account.settle()
        state = coverage.space.state(self.session.world.placements)
        if state is None:
            self._come_in(coverage.space)
            return True
        transition = walk.next(state, length)
        if transition is None:
            return False
        self.session.attach(*coverage.space.request(transition))
        return True

    def _come_in(self, space: Space) -> None:
        """Bring the services that are nowhere, or beyond the stages of the walk, to its first stage."""
        placements = self.session.world.placements
        for service in space.services:
            placement = placements.get(service)
            if placement is None or placement.stage not in space.stages:
                self.session.attach(service, space.stages[0], bodies.NO_BODY)

    @property
    def _reading(self) -> Reading:
        """What `true` to another stage is expected to do: what it did, or the plainest while nobody knows."""
        return self.session.oracle.reading or Reading.MOVE_AND_SKIP

    def _planned(self, coverage: Coverage) -> Walk:
        return Walk(coverage, self._reading)

    # ------------------------------------------------------------------ how far it came

    def covered(self) -> Covered:
        """How far the run came on each walk of the profile."""
        entries = [
            WalkCoverage(
                length,
                len(leg.coverage.space.stages),
                len(leg.coverage.space.services),
                leg.coverage.count(length),
                leg.coverage.space.total(length),
                leg.requests.get(length, 0),
                None if leg.coverage.complete(length) else leg.stopped.get(length, self.idle),
            )
            for leg in self.walks
            for length in range(1, leg.coverage.space.depth + 1)
        ]
        return Covered(tuple(body.name for body in FORMS), tuple(entries))


def _from_next_door(coverage: Coverage) -> None:
    """Of the transitions of one service, ask only for those in place, and for those from one stage to the next."""
    space = coverage.space
    for state in range(space.states):
        for transition in range(space.transitions):
            if (transition // len(FORMS) - state // 2) % len(space.stages) > 1:
                coverage.waive(space.longer(state, transition))


def _possible(walks: tuple[Extent, ...], stages: int, services: int) -> list[Extent]:
    """The walks over what there is; none that another one goes over as well."""
    fitting = [replace(w, stages=min(w.stages, stages), services=min(w.services, services)) for w in walks]
    fitting = list(dict.fromkeys(fitting))
    return [one for one in fitting if not any(_within(one, other) for other in fitting if other != one)]


def _within(one: Extent, other: Extent) -> bool:
    return (one.stages, one.services) == (other.stages, other.services) and one.depth <= other.depth
