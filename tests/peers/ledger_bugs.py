"""Mistakes a developer of this very server could make, each as a small subclass.

A bug replaces one part of the server (the ledger and its fold, the desk, or the gate)
and nothing else. `BUGS` says of each what goes wrong, and which requirements are a
right name for it: a suite that reports any of them has found it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import cast

from .ledger_books import Books, Event, Flagged, Ledger, Line, Page, Placed
from .ledger_desk import Desk, Json, Reply, Request, Standing, Wish
from .ledger_gate import Gate, Refusal

REDELIVERED = 3


# Bugs of the desk


class AbsentBodyKeepsFlag(Desk):
    """Without a body there is no flag to write, so the present one is written again."""

    def book(self, standing: Standing, page: Page, wish: Wish) -> None:
        """Carry the flag over where the body is absent."""
        if not wish.bare:
            super().book(standing, page, wish)
        elif page.stage != standing.page.stage:
            self.place(standing, page, skipped=standing.line.skipped)


class CurrentStageShortcut(Desk):
    """The early return for a move that is none forgets that it would also un-skip."""

    def book(self, standing: Standing, page: Page, wish: Wish) -> None:
        """Return early when the service is there already."""
        if wish.skip or page.stage != standing.page.stage:
            super().book(standing, page, wish)


class OrderComparedNotIdentity(Desk):
    """Whether the stage is another one is asked of the orders, with `>` for `!=`."""

    def book(self, standing: Standing, page: Page, wish: Wish) -> None:
        """Take a skip sent to an earlier stage for one sent to the current stage."""
        if wish.skip and page.rank < standing.page.rank:
            self.place(standing, page, skipped=True)
        else:
            super().book(standing, page, wish)


class ToggledFlag(Desk):
    """A request to skip is written as an event that turns the flag over."""

    def flag(self, standing: Standing, *, skipped: bool) -> None:
        """Turn the flag over on every request to skip."""
        super().flag(standing, skipped=skipped and not standing.line.skipped)


class SnapshotBeforeAppend(Desk):
    """The answer is made from books opened before the event was appended."""

    def attach(self, organization: str, ids: tuple[str, ...], request: Request) -> Reply:
        """Open the books first, attach, answer from the books opened first."""
        ledger, _ = self.find_stage(ids[0])
        before = ledger.books()
        super().attach(organization, ids, request)
        return Reply(HTTPStatus.OK, self.show_list(ledger, before))


class SecondEnvironmentListed(Desk):
    """The answer to an attach request lists the organization's stages."""

    def attach(self, organization: str, ids: tuple[str, ...], request: Request) -> Reply:
        """List by the caller's organization in place of the environment."""
        super().attach(organization, ids, request)
        own = [ledger for ledger in self.ledgers if ledger.organization == organization]
        lists = [self.show_list(ledger, ledger.books())["results"] for ledger in own]
        return Reply(HTTPStatus.OK, {"results": [stage for part in lists for stage in part]})


class InnerJoin(Desk):
    """Lists are joined from the services, so that an empty stage has no row."""

    def show_list(self, ledger: Ledger, books: Books) -> Json:
        """List only stages that hold a service."""
        return super().show_list(ledger, Books(tuple(page for page in books.pages if page.lines)))


class NullUpdatedAt(Desk):
    """The time of the last change is null for an entry that has not changed yet."""

    def show_line(self, line: Line) -> Json:
        """Write null until a flag has been set."""
        shown = super().show_line(line)
        return shown if line.noted_at > line.placed_at else {**shown, "updated_at": None}


class ArrayBodyCrash(Desk):
    """The decoded body is asked for the flag without a look at what it is."""

    def require_object(self, value: object) -> Json:
        """Believe that it is an object."""
        return cast("Json", value)


class UnknownServiceFallsThrough(Desk):
    """Nothing stands under the id, so nothing is booked, and the list is answered."""

    def attach(self, organization: str, ids: tuple[str, ...], request: Request) -> Reply:
        """Take a service that does not exist for one with nothing to do."""
        ledger, _ = self.find_stage(ids[0])
        try:
            self.find_service(ids[1])
        except Refusal:
            self.permit(organization, ledger)
            return Reply(HTTPStatus.OK, self.show_list(ledger, ledger.books()))
        return super().attach(organization, ids, request)


class CaseOpensAccount(Desk):
    """Ids are looked up without regard to case but booked as they were spelt."""

    def read_id(self, text: str) -> str:
        """Leave the case as it is."""
        super().read_id(text)
        return text

    def find_environment(self, organization: str, environment: str) -> Ledger:
        """Look up without regard to case."""
        return super().find_environment(organization, environment.lower())

    def find_stage(self, stage: str) -> tuple[Ledger, Page]:
        """Look up without regard to case."""
        return super().find_stage(stage.lower())

    def find_service(self, service: str) -> Standing:
        """Look up without regard to case, but hand on the spelling of the request."""
        standing = super().find_service(service.lower())
        return replace(standing, line=replace(standing.line, service=service))


class CrossEnvironmentVanish(Desk):
    """Stage and service are compared by organization only.

    The event goes to the service's ledger, whose fold takes the service out and knows
    no such stage to enter it in: a request answered 200 loses it.
    """

    def require_together(self, ledger: Ledger, other: Ledger) -> None:
        """Let everything of one organization go together."""
        self.permit(ledger.organization, other)


class BookedBeforePermission(Desk):
    """The event is appended before the caller's organization is looked at."""

    def attach(self, organization: str, ids: tuple[str, ...], request: Request) -> Reply:
        """Attach in the name of the owner, then ask whether the caller may."""
        ledger, _ = self.find_stage(ids[0])
        reply = super().attach(ledger.organization, ids, request)
        self.permit(organization, ledger)
        return reply


class DeleteGuardCountsDeployed(Desk):
    """The guard of delete counts what a deployment would run, so not skipped services."""

    def occupied(self, page: Page) -> bool:
        """Overlook the skipped ones."""
        return any(not line.skipped for line in page.lines)


# Bugs of the ledger and its fold


@dataclass
class FlagReturnsWithStage(Ledger):
    """The fold keeps flags by service and stage, and never clears them by a move."""

    kept: dict[tuple[str, str], bool] = field(default_factory=dict)

    def on_flagged(self, books: Books, event: Flagged) -> Books:
        """Remember the flag for this stage."""
        found = books.standing(event.service)
        if found:
            self.kept[event.service, found[0].stage] = event.skipped
        return super().on_flagged(books, event)

    def on_placed(self, books: Books, event: Placed) -> Books:
        """Bring back the flag the service had when it was last here."""
        kept = self.kept.get((event.service, event.stage), False)
        return super().on_placed(books, replace(event, skipped=event.skipped or kept))


@dataclass
class LaggingReplica(Ledger):
    """Reads come from a copy that is one event behind."""

    behind: Books = field(default_factory=Books)

    def append(self, event: Event) -> None:
        """Let the copy catch up with everything before this event."""
        self.behind = self.books()
        super().append(event)

    def view(self) -> Books:
        """Read the copy."""
        return self.behind


@dataclass
class RedeliveredPlacement(Ledger):
    """Delivery is at least once, and the fold of a placement does not bear twice.

    Every third placement arrives again. The fold looks for the service to take out in
    all stages but the new one, where the first delivery has just entered it.
    """

    placements: int = 0

    def append(self, event: Event) -> None:
        """Deliver every third placement again."""
        super().append(event)
        if isinstance(event, Placed) and self.folded:
            self.placements += 1
            if self.placements % REDELIVERED == 0:
                super().append(event)

    def on_placed(self, books: Books, event: Placed) -> Books:
        """Enter the service in the new stage beside what is there already."""
        there = books.page(event.stage)
        entered = super().on_placed(books, event)
        if not there:
            return entered
        doubled = tuple(line for line in there.lines if line.service == event.service)
        return entered.each(
            lambda page: replace(page, lines=(*page.lines, *doubled)) if page.stage == event.stage else page
        )


@dataclass
class ShortIdMatch(Ledger):
    """Flag events are matched by the time part of the id, which siblings share."""

    def same(self, service: str, other: str) -> bool:
        """Compare the short ids only."""
        return service[:13] == other[:13]


@dataclass
class StageUpserted(Ledger):
    """Entering a service writes the stage's row anew, creation time included."""

    def on_placed(self, books: Books, event: Placed) -> Books:
        """Set the creation time of the stage the service comes to."""
        return (
            super()
            .on_placed(books, event)
            .each(lambda page: replace(page, opened_at=event.at) if page.stage == event.stage else page)
        )


# Bugs of the gate


class ExpInMilliseconds(Gate):
    """The expiry is taken for seconds to be turned into milliseconds; the clock is not."""

    def in_time(self, claims: dict[str, object]) -> bool:
        """Compare milliseconds with seconds: nothing ever expires."""
        expires = claims.get("exp")
        return isinstance(expires, int) and expires * 1000 > time.time()


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug: what goes wrong, its right names, and the part it replaces."""

    sentence: str
    requirements: tuple[str, ...]
    desk: type[Desk] = Desk
    ledger: type[Ledger] = Ledger
    gate: type[Gate] = Gate


BUGS: dict[str, Bug] = {
    "absent-body-keeps-flag": Bug(
        "A move without a body carries the flag over, and one to the current stage does nothing.",
        ("MOVE-3", "MOVE-4", "MOVE-5"),
        desk=AbsentBodyKeepsFlag,
    ),
    "current-stage-shortcut": Bug(
        "A request without skip for the stage the service is in is answered early: no un-skip.",
        ("MOVE-5",),
        desk=CurrentStageShortcut,
    ),
    "flag-returns-with-stage": Bug(
        "The fold keeps flags by stage: back in a stage it was skipped in, it is skipped again.",
        ("MOVE-4",),
        ledger=FlagReturnsWithStage,
    ),
    "order-compared-not-identity": Bug(
        "A skip sent to an earlier stage moves and skips, one to a later stage moves and un-skips.",
        ("SKIP-2",),
        desk=OrderComparedNotIdentity,
    ),
    "toggled-flag": Bug(
        "A skip is an event that turns the flag over, so skipping a skipped service un-skips it.",
        ("SKIP-1", "STATE-4"),
        desk=ToggledFlag,
    ),
    "lagging-replica": Bug(
        "GET requests are answered from a copy of the books that is one event behind.",
        ("STATE-5",),
        ledger=LaggingReplica,
    ),
    "redelivered-placement": Bug(
        "Every third move is folded twice, and the service then stands twice in its new stage.",
        ("STATE-1",),
        ledger=RedeliveredPlacement,
    ),
    "short-id-match": Bug(
        "The fold matches flag events by the head of the id, so a sibling's flag changes too.",
        ("STATE-2",),
        ledger=ShortIdMatch,
    ),
    "stage-upserted": Bug(
        "A move writes the row of the addressed stage anew, with a new created_at.",
        ("STATE-3", "STATE-9"),
        ledger=StageUpserted,
    ),
    "snapshot-before-append": Bug(
        "The answer is made from books opened before the event was appended.",
        ("MOVE-1", "MOVE-2", "MOVE-3", "MOVE-4", "MOVE-5", "SKIP-1", "STATE-4", "STATE-5"),
        desk=SnapshotBeforeAppend,
    ),
    "second-environment-listed": Bug(
        "The 200 answer lists all stages of the organization, so those of other environments too.",
        ("SHAPE-3", "STATE-3", "STATE-5"),
        desk=SecondEnvironmentListed,
    ),
    "inner-join": Bug(
        "Lists are joined from the services, so a stage without any is missing.",
        ("SHAPE-3", "STATE-3"),
        desk=InnerJoin,
    ),
    "null-updated-at": Bug(
        "A service entry has updated_at null until its flag is first set.",
        ("SHAPE-1",),
        desk=NullUpdatedAt,
    ),
    "array-body-crash": Bug(
        "A JSON array or scalar as body is asked for a property, which ends in a 500.",
        ("ERR-1", "ERR-6"),
        desk=ArrayBodyCrash,
    ),
    "unknown-service-falls-through": Bug(
        "An attach request for a service that does not exist books nothing and answers 200.",
        ("ERR-2",),
        desk=UnknownServiceFallsThrough,
    ),
    "case-opens-account": Bug(
        "A service id spelt in capitals is booked as another service, which then stands beside it.",
        ("ERR-9", "STATE-1", "STATE-2"),
        desk=CaseOpensAccount,
    ),
    "exp-in-milliseconds": Bug(
        "The expiry of a JWT is compared in milliseconds with a clock in seconds: none expires.",
        ("AUTH-2",),
        gate=ExpInMilliseconds,
    ),
    "booked-before-permission": Bug(
        "The event is appended before the organization is checked: 403, and moved all the same.",
        ("AUTH-3", "STATE-6"),
        desk=BookedBeforePermission,
    ),
    "cross-environment-vanish": Bug(
        "Only organizations are compared: sent to another environment's stage, a service is lost.",
        ("AUTH-4", "STATE-1"),
        desk=CrossEnvironmentVanish,
    ),
    "delete-guard-counts-deployed": Bug(
        "Delete refuses for services a deployment would run only; skipped ones go with the stage.",
        ("STAGE-3", "STATE-1"),
        desk=DeleteGuardCountsDeployed,
    ),
}
