"""What can be judged without a write: the reads that are offered, what they must refuse, and that they agree.

What shows something wrong is asked once more, so that what is reported was seen more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stagecheck.errors import BudgetSpent
from stagecheck.model.requests import Read, ReadList, ReadService, ReadStage
from stagecheck.operations import OperationKey
from stagecheck.outcome import Replays
from stagecheck.suite.auth import Auth
from stagecheck.suite.discover import Ground
from stagecheck.suite.refusals import Case, Refusals
from stagecheck.suite.session import Session

Send = Callable[[], object]
WHY = "a run that only reads (--read-only) sends nothing that could show it"


@dataclass(frozen=True, slots=True)
class Reads:
    """The reads of one session. Nothing of it sends anything but GET."""

    session: Session
    ground: Ground
    refusals: Refusals
    auth: Auth

    def go(self) -> None:
        """Ask everything, and what showed something wrong once more. Raises BudgetSpent when not all could be asked.

        Somebody else may have moved something in between: what does not show a second time is no violation that could
        be stood by.
        """
        findings, client = self.session.findings, self.session.client
        telling: list[Case] = []
        spent = False
        for case in self.cases():
            spent = client.left <= len(telling) + 1
            if spent:
                break
            before = findings.sightings
            self._send(case)
            if findings.sightings != before or case.requirement == "STATE-5":
                telling.append(case)
        findings.seen_in_one_go()
        for case in telling if findings.violations else ():
            self._send(case)
        for found in findings.violations:
            findings.confirm(found.breach.requirement, found.breach.cause, replays=Replays(int(found.seen > 1), 1))
        if spent:
            raise BudgetSpent("the requests or seconds of [limits] were spent")

    def _send(self, case: Case) -> None:
        self.session.client.phase = "auth" if case.requirement.startswith("AUTH") else "reads"
        case.send()

    def cases(self) -> Iterator[Case]:
        """Every read there is: what is there, what is not, in another spelling, with other credentials."""
        offered = list(self._offered())
        for read in offered:
            yield Case("STATE-5", str(read), self._sent(read))
        for read in {type(read): read for read in offered}.values():
            yield Case("ERR-9", str(read), self._respelled(read))
        for kind in {type(read) for read in offered} - {ReadList}:
            yield Case("ERR-2", kind.__name__, self._unknown(kind))
        yield from self.auth.reading()

    def _offered(self) -> Iterator[Read]:
        offers = self.session.offers
        if OperationKey.LIST in offers:
            yield ReadList(self.session.oracle.environment)
        if OperationKey.GET_STAGE in offers:
            yield from (ReadStage(stage) for stage in self.ground.all_stages)
        if OperationKey.GET_SERVICE_STAGE in offers:
            yield from (ReadService(service) for service in self.ground.all_services)

    def _sent(self, read: Read) -> Send:
        return lambda: self.session.read(read)

    def _respelled(self, read: Read) -> Send:
        return lambda: self.session.read(read, respell=True)

    def _unknown(self, kind: type[Read]) -> Send:
        return lambda: self.session.read(kind(self.refusals.unknown_id()))
