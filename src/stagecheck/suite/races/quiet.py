"""RACE-2: what has to be so once all is quiet, whatever the order was in which things happened.

Each service is where a request put it that no later request follows. That is less than linearizability asks: of
requests that were under way together any may have been the last. What nobody asked to be moved stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stagecheck.linear import Answered
from stagecheck.model import words
from stagecheck.model.compare import Mismatch, places_of
from stagecheck.model.observation import Observation
from stagecheck.model.requests import Attach
from stagecheck.model.state import Placement, World
from stagecheck.suite.races.specification import Kind, Placements, Shown, State
from stagecheck.suite.races.telling import Done, deed_words


@dataclass(frozen=True, slots=True)
class Quiet:
    """The quiet after a round. `world`: where everything was before it; `lost`: as in `Judging`."""

    world: World
    environment: str
    done: Sequence[Done]
    lost: tuple[Attach, ...] = ()

    def allowed(self, service: str) -> set[Placement]:
        """Where a service may be: where a last request put it, or one whose outcome nobody knows."""
        mine = [one for one in self.done if isinstance(one.call, Attach) and one.call.service == service]
        acknowledged = [one for one in mine if _kind(one) is Kind.DONE]
        unknown = [one.call for one in mine if one.operation.end is None]
        unknown += [call for call in self.lost if call.service == service]
        reachable = self._reachable(service, [*(one.call for one in acknowledged), *unknown])
        last = [one.call for one in acknowledged if not any(_follows(other, one) for other in acknowledged)]
        found = {place for call in (*last, *unknown) for place in self._put(service, call, reachable)}
        return found if last else found | {self.world.placements[service]}

    def _reachable(self, service: str, calls: Sequence[object]) -> set[Placement]:
        """Everywhere that these requests, in any order and any number, may have put a service."""
        found = {self.world.placements[service]}
        while True:
            more = {place for call in calls for place in self._put(service, call, found)} - found
            if not more:
                return found
            found |= more

    def _put(self, service: str, call: object, places: set[Placement]) -> set[Placement]:
        """Where a request puts a service that is anywhere of these."""
        assert isinstance(call, Attach)
        model = Placements(self.world, (service,))
        starts: list[State] = [((place,), self.world.reading) for place in places]
        return {after[0][0] for state in starts for after in model.step(state, call, Answered.UNKNOWN)}

    # ------------------------------------------------------------------ judged

    def judged(self, seen: Observation) -> Iterator[tuple[Mismatch, str | None]]:
        """What a list shows that cannot be, each with the service that it is about."""
        ours = {key for key, stage in self.world.stages.items() if stage.environment == self.environment}
        shown = {stage.id for stage in seen.stages}
        for key in sorted(ours - shown):
            label = words.stage_label(self.world, key)
            yield _mismatch("stages", f"{label} is missing", "every stage", "it is missing"), None
        if self.environment in self.world.complete:
            for key in sorted(shown - ours):
                yield _mismatch("stages", f"there is a stage {key} that nobody made", "no other stage", key), None
        if not seen.names_services:
            return
        places, _ = places_of(seen)
        for service, before in self.world.placements.items():
            if self.world.environment_of(service) == self.environment:
                yield from self._service(service, places.get(service, ()), before)
        for service in sorted(set(places) - set(self.world.services)):
            if self.environment in self.world.complete:
                yield _mismatch("stranger", f"there is a service {service} that nobody made", "no other", service), None

    def _service(
        self, service: str, where: tuple[Placement, ...], before: Placement
    ) -> Iterator[tuple[Mismatch, str | None]]:
        label = words.service_label(self.world, service)
        actual = words.places_words(self.world, where)
        if len(where) != 1:
            cause = "twice" if where else "nowhere"
            told = f"{label} is in {len(where)} places" if where else f"{label} is in no stage"
            yield _mismatch(cause, told, f"{label} in one stage", actual), service
            return
        allowed = self.allowed(service)
        if where[0] in allowed:
            return
        expected = " or ".join(sorted(words.placement_words(self.world, place) for place in allowed))
        mine = [one for one in self.done if isinstance(one.call, Attach) and one.call.service == service]
        if not mine:
            told = f"{label}, which none of them asked to move, is {actual}"
            yield _mismatch("bystander", told, expected, actual), service
            return
        last = self._last(mine)
        told = f"{deed_words(self.world, last)} was answered, and no later request undid it" if last else ""
        if last is None:
            yield _mismatch("unasked", f"{label} is {actual}, where no request put it", expected, actual), service
        elif where[0] == before:
            yield _mismatch("lost", f"{told}, yet {label} is {actual}, as before", expected, actual), service
        else:
            yield _mismatch("overtaken", f"{told}, yet {label} is {actual}", expected, actual), service

    def story(self, service: str | None) -> tuple[Done, ...]:
        """The requests that tell of a service: those that wrote to it; all that wrote where it is about none."""
        wrote = [one for one in self.done if isinstance(one.call, Attach) and service in (None, one.call.service)]
        if service is None or not wrote:
            return tuple(one for one in self.done if isinstance(one.call, Attach))
        last = [one for one in wrote if not any(_follows(other, one) for other in wrote if _kind(other) is Kind.DONE)]
        return tuple(last or wrote)

    def _last(self, mine: Sequence[Done]) -> Done | None:
        done = [one for one in mine if _kind(one) is Kind.DONE]
        return max(done, key=lambda one: one.operation.end or 0.0, default=None)


def disagreement(world: World, service: str, listed: Placement, stage: str) -> Mismatch:
    """Two reads that show a service in different stages once all is quiet."""
    label = words.service_label(world, service)
    in_list, alone = words.stage_label(world, listed.stage), words.stage_label(world, stage)
    told = f"the list shows {label} in {in_list}, its own read in {alone}"
    return _mismatch("reads-disagree", told, "reads that agree", told)


def _kind(one: Done) -> Kind | None:
    return one.operation.answer.kind if isinstance(one.operation.answer, Shown) else None


def _follows(later: Done, earlier: Done) -> bool:
    """Whether a request was called after another one was answered, by the clock of the clients."""
    return earlier.operation.end is not None and later.operation.begin > earlier.operation.end


def _mismatch(cause: str, message: str, expected: str, actual: str) -> Mismatch:
    return Mismatch("RACE-2", f"quiet:{cause}", f"once all clients were done, {message}", expected, actual, "state")
