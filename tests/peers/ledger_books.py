"""The ledger: an append-only log of events, and the fold that turns it into books.

Nothing is ever updated in place. A request appends at most one event; what a client
sees is the fold of all events so far. The books are immutable, so one answer is
always one consistent snapshot. The fold of a prefix is kept, so a read only folds
the events that came after it.
"""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ZONE = timezone(timedelta(hours=2))


def mint(milliseconds: int | None = None) -> str:
    """Make a time-ordered UUID (version 7); ids of one millisecond share 13 characters."""
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    high = (stamp & (1 << 48) - 1) << 80 | 7 << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=high | 2 << 62 | secrets.randbits(62)))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and when."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Opened(Event):
    """A stage was created, behind all others."""

    stage: str
    name: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Revised(Event):
    """A stage got another name or description."""

    stage: str
    name: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """A stage was deleted."""

    stage: str


@dataclass(frozen=True, slots=True)
class Ranked(Event):
    """The stages were put into this order."""

    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed(Event):
    """A service came to a stage, from another one or for the first time."""

    service: str
    kind: str
    stage: str
    entry: str
    skipped: bool


@dataclass(frozen=True, slots=True)
class Flagged(Event):
    """A service was skipped or un-skipped where it stands."""

    service: str
    skipped: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One service as it stands in a stage."""

    entry: str
    placed_at: datetime
    noted_at: datetime
    service: str
    kind: str
    skipped: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One stage, with the services in it in order of arrival."""

    stage: str
    opened_at: datetime
    revised_at: datetime
    name: str
    description: str | None
    rank: int
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Books:
    """The state of one environment after some event."""

    pages: tuple[Page, ...] = ()

    def page(self, stage: str) -> Page | None:
        """Find a stage by its id."""
        return next((page for page in self.pages if page.stage == stage), None)

    def standing(self, service: str) -> tuple[Page, Line] | None:
        """Find a service by its id: the stage it is in, and its line there."""
        for page in self.pages:
            for line in page.lines:
                if line.service == service:
                    return page, line
        return None

    def each(self, change: Callable[[Page], Page]) -> Books:
        """Make books in which every page went through `change`."""
        return Books(tuple(change(page) for page in self.pages))

    def ranked(self) -> tuple[Page, ...]:
        """List the pages in deployment order."""
        return tuple(sorted(self.pages, key=lambda page: page.rank))


@dataclass
class Ledger:
    """The log of one environment of one organization, and its fold so far."""

    environment: str
    organization: str
    log: list[Event] = field(default_factory=list)
    folded: int = 0
    latest: Books = field(default_factory=Books)

    def append(self, event: Event) -> None:
        """Write one event; the fold catches up at the next read."""
        self.log.append(event)

    def now(self) -> datetime:
        """Tell the time, never earlier than the last event's (clocks can be set back)."""
        present = datetime.now(ZONE)
        return max(present, self.log[-1].at) if self.log else present

    def books(self) -> Books:
        """Fold what has not been folded yet, and give the present state."""
        while self.folded < len(self.log):
            self.latest = self.fold(self.latest, self.log[self.folded])
            self.folded += 1
        return self.latest

    def view(self) -> Books:
        """Give the state that GET requests are answered from."""
        return self.books()

    def fold(self, books: Books, event: Event) -> Books:
        """Apply one event to the books."""
        match event:
            case Placed():
                return self.on_placed(books, event)
            case Flagged():
                return self.on_flagged(books, event)
            case Opened(at=at, stage=stage, name=name, description=description):
                rank = 1 + max((page.rank for page in books.pages), default=0)
                return Books((*books.pages, Page(stage, at, at, name, description, rank)))
            case Revised(at=at, stage=stage, name=name, description=text):
                return books.each(
                    lambda page: (
                        replace(page, name=name, description=text, revised_at=at) if page.stage == stage else page
                    )
                )
            case Closed(stage=stage):
                return Books(tuple(page for page in books.pages if page.stage != stage))
            case Ranked(stages=stages):
                return books.each(lambda page: replace(page, rank=1 + stages.index(page.stage)))
        message = f"no fold for {type(event).__name__}"
        raise TypeError(message)

    def on_placed(self, books: Books, event: Placed) -> Books:
        """Take the service out of wherever it stands and enter it in its new stage."""
        at = event.at
        entered = Line(event.entry, at, at, event.service, event.kind, event.skipped)

        def change(page: Page) -> Page:
            lines = tuple(line for line in page.lines if line.service != event.service)
            if page.stage == event.stage:
                lines = (*lines, entered)
            return page if lines == page.lines else replace(page, lines=lines)

        return books.each(change)

    def on_flagged(self, books: Books, event: Flagged) -> Books:
        """Set the flag of the one line the event names."""
        return books.each(
            lambda page: replace(
                page,
                lines=tuple(
                    replace(line, skipped=event.skipped, noted_at=event.at)
                    if self.same(line.service, event.service)
                    else line
                    for line in page.lines
                ),
            )
        )

    def same(self, service: str, other: str) -> bool:
        """Tell whether a flag event is about this service."""
        return service == other
