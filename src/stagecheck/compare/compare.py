"""The comparison itself: request by request, and after every difference both targets are brought together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stagecheck.compare.sequence import Asked
from stagecheck.compare.side import Answered, Side
from stagecheck.errors import BudgetSpent, TargetError
from stagecheck.exchange import curl
from stagecheck.model.requests import (
    Attach,
    CreateStage,
    ReadList,
    ReadService,
    ReadStage,
    Request,
    is_management,
)
from stagecheck.model.state import Placement, World
from stagecheck.model.statuses import stands_under
from stagecheck.operations import OperationKey
from stagecheck.suite.sent import Sent
from stagecheck.wire.spell import operation_of

_NOT_THERE = ("403", "404", "405", "501")
_LISTED = 8
"""Facts of one difference that are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which two targets differ.

    `requirement`: the promise that one of them breaks, or under which the contract leaves a choice; `breaks`: the names
    of those that break it, none where it is a choice. `facts`: what each of them shows, by field. `at_request`: the
    position in the sequence. `commands`: for each target, the curl commands that show it. `seen`: how often it came up.
    """

    requirement: str
    breaks: tuple[str, ...]
    message: str
    facts: Mapping[str, tuple[str, str]]
    at_request: int
    commands: Mapping[str, tuple[str, ...]]
    seen: int = 1


@dataclass(slots=True)
class Comparison:
    """Two targets, asked the same. `enough`: told each difference; the comparison ends when it says so."""

    one: Side
    other: Side
    sequence: Asked
    enough: Callable[[Difference], bool] = lambda _: False
    notes: list[str] = field(default_factory=list)
    asked: int = 0
    ended: bool = False
    broken_off: str | None = None
    _anew: int | None = None
    """Where to go on from, when only one of them has done what was asked, and both must be brought together."""
    _found: dict[tuple[str, ...], Difference] = field(default_factory=dict)
    _offered: set[tuple[str, OperationKey]] = field(default_factory=set)
    _lacking: dict[OperationKey, str] = field(default_factory=dict)

    def run(self) -> tuple[Difference, ...]:
        """Ask both everything, as far as it goes: what ends it early is `broken_off`, and in `notes`.

        Both are put back afterwards, whatever happens; what could not be is in `notes`. Raises HarnessError.
        """
        sure = False
        try:
            begin = self._placements(self.sequence.sent[0].before)
            for side in self._sides:
                side.begin(begin)
            self._begun()
            position = 0
            while position < len(self.sequence.sent) and not self.ended:
                if self._ask(position, self.sequence.sent[position]):
                    break
                position = position + 1 if self._anew is None else self._begin_anew(self._anew)
            sure = True
        except BudgetSpent as spent:
            sure = True
            self.notes.append(f"{spent}: {len(self.sequence.sent) - self.asked} requests were not compared")
        except (TargetError, KeyboardInterrupt) as error:
            self.broken_off = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
            self.notes.append(f"{self.broken_off}: what came after request {self.asked} was not compared")
        finally:
            for side in self._sides:
                self.notes += side.leave(sure=sure)
        return tuple(self._found.values())

    def _begun(self) -> None:
        """What one of them alone has broken while it was brought to where the comparison begins."""
        for mine, theirs in (self._sides, self._sides[::-1]):
            for key in mine.at_the_start.keys() - theirs.at_the_start.keys():
                mismatch = mine.at_the_start[key]
                shows = {mine.name: mismatch.actual, theirs.name: mismatch.expected}
                difference = Difference(
                    mismatch.requirement,
                    (mine.name,),
                    mismatch.message,
                    {"the answers to the first moves": (shows[self.one.name], shows[self.other.name])},
                    1,
                    {side.name: tuple(_commands(side)) for side in self._sides},
                )
                self._found[key] = difference
                self.ended = self.ended or self.enough(difference)

    def _begin_anew(self, position: int) -> int:
        """Bring both to where they were before any stage was made, and go on from there."""
        self._anew = None
        for side in self._sides:
            side.client.phase = "set up"
            side.clear()
        self._together(position - 1)
        return position

    @property
    def _sides(self) -> tuple[Side, Side]:
        return self.one, self.other

    def _ask(self, position: int, sent: Sent) -> bool:
        """Ask both one thing; True if that is enough."""
        if (sent.request is None and sent.message.method != "GET") or not self._possible(sent):
            return False
        for side in self._sides:
            side.client.phase = "compare"
        one, other = self.one.ask(sent), self.other.ask(sent)
        self.asked += 1
        differs = {
            fact: (one.facts.get(fact, "not shown"), other.facts.get(fact, "not shown"))
            for fact in sorted(one.facts.keys() | other.facts.keys())
            if one.facts.get(fact) != other.facts.get(fact)
        }
        if sent.request is not None:
            self._take_note(operation_of(sent.request), one, other)
        if not differs:
            return False
        if sent.request is not None and self._not_offered(sent.request, one, other):
            return False
        difference = self._told(position, sent, one, other, differs)
        key = (difference.requirement, *difference.breaks, *(_kind(fact) for fact in differs))
        known = self._found.get(key)
        if known is None:
            self._found[key] = difference
        else:
            self._found[key] = _again(known)
        self._together(position)
        if known is None:
            self._found[key] = replace(difference, commands=self._shortest(sent, differs) or difference.commands)
            self._together(position)
        return known is None and self.enough(difference)

    def _possible(self, sent: Sent) -> bool:
        """Whether both have what a request needs; what one lacks is said once."""
        if sent.request is not None and operation_of(sent.request) in self._lacking:
            return False
        if isinstance(sent.request, CreateStage) and not self._may_make():
            return False
        for side in self._sides:
            lacks = side.lacks(sent, self.sequence.ids)
            if lacks is not None:
                self._note(f"{side.name} has no {lacks}: what needs it was not compared")
                return False
        return True

    def _may_make(self) -> bool:
        """Whether both remove again what is made there, as far as it was seen."""
        if OperationKey.DELETE in self._lacking:
            return False
        for side in self._sides:
            if side.keeps_stages:
                self._note(f"{side.name} keeps stages that were to be deleted: no more of them were made")
                return False
        return True

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _not_offered(self, request: Request, one: Answered, other: Answered) -> bool:
        """Whether one of them does not offer the operation at all, which is said once and is no difference."""
        key = operation_of(request)
        statuses = (one.facts["status"], other.facts["status"])
        if key is OperationKey.ATTACH:
            return False
        for status, opposite, side in ((statuses[0], statuses[1], self.one), (statuses[1], statuses[0], self.other)):
            if status in _NOT_THERE and opposite.startswith("2") and (side.name, key) not in self._offered:
                self._lacking[key] = side.name
                self._note(f"{side.name} does not offer {key}")
                if is_management(request):
                    self._anew = self._first_creation
                return True
        return False

    @property
    def _first_creation(self) -> int | None:
        requests = (sent.request for sent in self.sequence.sent)
        return next((at for at, request in enumerate(requests) if isinstance(request, CreateStage)), None)

    def _take_note(self, key: OperationKey, one: Answered, other: Answered) -> None:
        """An operation that was carried out once is offered; what it refuses later is an answer like any other."""
        for side, answered in zip(self._sides, (one, other), strict=True):
            if answered.facts["status"].startswith("2"):
                self._offered.add((side.name, key))

    def _told(
        self, position: int, sent: Sent, one: Answered, other: Answered, differs: Mapping[str, tuple[str, str]]
    ) -> Difference:
        broken = {side.name: answered.broken for side, answered in zip(self._sides, (one, other), strict=True)}
        named = {m.requirement: m.message for found in broken.values() for m in found}
        only = [
            (m.requirement, m.message)
            for mine, theirs in ((one, other), (other, one))
            for m in mine.broken
            if m.requirement not in {theirs_.requirement for theirs_ in theirs.broken}
        ]
        requirement, message = next(iter(only or named.items()), (None, None))
        breaks = tuple(name for name, found in broken.items() if any(m.requirement == requirement for m in found))
        if requirement is None:
            # What is looked at without a request of ours is another environment.
            requirement = stands_under(sent.before, sent.request) if sent.request is not None else "AUTH-4"
            message = "both keep the contract, each in its own way"
        return Difference(
            requirement,
            breaks,
            str(message),
            dict(list(differs.items())[:_LISTED]),
            position + 1,
            {side.name: tuple(_commands(side)) for side in self._sides},
        )

    def _shortest(self, sent: Sent, differs: Mapping[str, object]) -> dict[str, tuple[str, ...]] | None:
        """The commands of the request alone, its service put where it was; None where that does not show it."""
        request = sent.request
        if not isinstance(request, Attach | ReadList | ReadStage | ReadService):
            return None
        service = getattr(request, "service", None)
        place = sent.before.placements.get(service) if service is not None else None
        answers = []
        for side in self._sides:
            side.recent.clear()
            if service is not None and place is not None:
                side.place({service: place})
            answers.append(side.ask(sent).facts)
        kinds = {_kind(fact) for fact in differs}
        now = {_kind(f) for f in answers[0].keys() | answers[1].keys() if answers[0].get(f) != answers[1].get(f)}
        return {side.name: tuple(_commands(side)) for side in self._sides} if kinds <= now else None

    def _together(self, position: int) -> None:
        """Bring both to where the sequence believes everything to be."""
        after = self.sequence.sent[position + 1].before if position + 1 < len(self.sequence.sent) else None
        if after is None:
            return
        for side in self._sides:
            side.client.phase = "set up"
            side.place(self._placements(after))

    def _placements(self, world: World) -> dict[str, Placement]:
        return {key: place for key, place in world.placements.items() if key in self.sequence.ids}


def _commands(side: Side) -> Iterator[str]:
    """What was sent to a target last, as curl commands."""
    yield from (curl(side.client.url, exchange.request) for exchange in side.recent)


def _again(known: Difference) -> Difference:
    return replace(known, seen=known.seen + 1)


def _kind(fact: str) -> str:
    """A fact without the thing that it is about."""
    return fact.rpartition(", ")[2]
