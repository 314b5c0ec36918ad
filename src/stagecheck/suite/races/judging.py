"""Judging a round that has ended: whether an order explains its answers, and whether each list was one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stagecheck.linear import Answered, Budget, Operation, Outcome, check, smallest
from stagecheck.model import words
from stagecheck.model.compare import Mismatch, places_of
from stagecheck.model.observation import Reply
from stagecheck.model.requests import Attach, ReadList, ReadService
from stagecheck.model.state import World
from stagecheck.suite.races.specification import Asked, EachService, Kind, Placements, Shown, about, shown_by, told_of
from stagecheck.suite.races.specification import Race as Recorded
from stagecheck.suite.races.telling import Done, unexplained
from stagecheck.target.crowd import Timed

_ONE_SERVICE = Budget(states=200_000, seconds=2.0)
_SNAPSHOTS = Budget(states=50_000, seconds=1.0)
"""Whole answers are checked on what one round sends; where that is too much, nothing is said."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A broken promise of a round: what is wrong, the requests that are enough to show it, and the one to blame.

    `services`: those that it is about.
    """

    mismatch: Mismatch
    kept: tuple[Done, ...]
    blamed: Done
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judging:
    """Judges rounds of one environment. `world`: where everything was when the round began.

    `lost`: requests of earlier rounds whose outcome is unknown, and that may still take effect.
    """

    world: World
    environment: str
    lost: tuple[Attach, ...] = ()

    def done(self, call: Asked, timed: Timed, reply: Reply) -> Done:
        """A request that was answered, or not, as an operation of the history."""
        services = self._services()
        places = places_of(reply.shows)[0] if reply.shows is not None else {}
        mine = not (isinstance(call, ReadList) and call.environment != self.environment)
        answer = shown_by(call, reply, services, places) if mine else Answered.UNKNOWN
        settled = answer is not Answered.UNKNOWN or not mine
        end = timed.end_s if settled else None
        return Done(call, timed, reply, Operation(timed.client, call, answer, timed.begin_s, end), places)

    def _services(self) -> tuple[str, ...]:
        mine = self.world.services
        return tuple(key for key in self.world.placements if key in mine and mine[key].environment == self.environment)

    # ------------------------------------------------------------------ RACE-1

    def orders(self, done: Sequence[Done]) -> Iterator[Wrong]:
        """RACE-1: a service whose answers no order explains."""
        asked = [service for service in self._services() if any(_asks(one, service) for one in done)]
        history = self._history(done)
        verdict = check(history, EachService(self.world, asked), _ONE_SERVICE)
        if verdict.outcome is Outcome.NO:
            mine = about(verdict.part, history)
            yield self._unexplained("RACE-1", mine, Placements(self.world, (verdict.part,)), done)

    def snapshots(self, done: Sequence[Done]) -> Iterator[Wrong]:
        """RACE-3: each list shows each service once, every stage and no other; and an order explains all lists."""
        broken = [wrong for one in done for wrong in self._list(one)]
        yield from broken
        if not broken:
            history, specification = self._certain(done)
            if check(history, specification, _SNAPSHOTS).outcome is Outcome.NO:
                yield self._unexplained("RACE-3", history, specification, done)

    def _certain(self, done: Sequence[Done]) -> tuple[tuple[Recorded, ...], Placements]:
        """The history of the services that no lost request of an earlier round may still move."""
        doubtful = {call.service for call in self.lost}
        services = tuple(service for service in self._services() if service not in doubtful)
        look = ReadList(self.environment)
        history = []
        for one in (one.operation for one in done if not _beside(one, self.environment)):
            of_doubtful = isinstance(one.call, Attach | ReadService) and one.call.service in doubtful
            told = told_of(one, services)
            if not of_doubtful:
                history.append(told)
            elif isinstance(told.answer, Shown) and told.answer.kind is Kind.DONE:
                # What it did is none of this; what it shows of the others is.
                history.append(replace(told, call=look))
        return tuple(history), Placements(self.world, services)

    def _history(self, done: Sequence[Done]) -> tuple[Recorded, ...]:
        own = [one.operation for one in done if not _beside(one, self.environment)]
        began = min((one.begin for one in own), default=0.0)
        ghosts: list[Recorded] = [
            Operation("earlier", call, Answered.UNKNOWN, began, None, repeats=True) for call in self.lost
        ]
        return (*own, *ghosts)

    def _unexplained(
        self,
        requirement: str,
        history: Sequence[Recorded],
        specification: Placements,
        done: Sequence[Done],
    ) -> Wrong:
        """The few requests that are enough to show that there is no order."""
        core = smallest(history, specification)
        by_moment = {(one.operation.client, one.operation.begin): one for one in done}
        kept = tuple(by_moment[one.client, one.begin] for one in core.operations)
        blamed = by_moment[core.wrong.client, core.wrong.begin] if core.wrong is not None else kept[-1]
        enough = _contradiction(core.history, specification)
        return Wrong(unexplained(requirement, self.world, kept, blamed, enough), kept, blamed, enough)

    # ------------------------------------------------------------------ one list

    def _list(self, one: Done) -> Iterator[Wrong]:
        seen = one.reply.shows
        if seen is None or not seen.of_list or not one.reply.accepted:
            return
        shown = {stage.id for stage in seen.stages}
        ours = {key for key, stage in self.world.stages.items() if stage.environment == self.environment}
        if _beside(one, self.environment):
            mixed = shown & ours
            if mixed:
                label = words.stage_label(self.world, min(mixed))
                yield self._wrong(one, "mixed", f"the list of another environment shows {label} of this one")
            return
        if self.environment in self.world.complete and shown - ours:
            strange = ", ".join(sorted(shown - ours))
            yield self._wrong(one, "mixed", f"a list shows stage {strange}, which is not of this environment")
        if ours - shown:
            label = words.stage_label(self.world, min(ours - shown))
            yield self._wrong(one, "stage-left-out", f"a list leaves {label} out")
        if not seen.names_services:
            return
        for service in self._services():
            where = one.places.get(service, ())
            if len(where) != 1:
                times = "in no stage" if not where else f"{len(where)} times"
                label = words.service_label(self.world, service)
                cause = "nowhere" if not where else "twice"
                at = words.places_words(self.world, where)
                message = f"a list shows {label} {times} while clients move services"
                yield self._wrong(one, cause, message, at, (service,))

    def _wrong(
        self, one: Done, cause: str, message: str, actual: str | None = None, services: tuple[str, ...] = ()
    ) -> Wrong:
        mismatch = Mismatch(
            "RACE-3",
            f"list:{cause}",
            message,
            "every stage of the environment, and each service in one of them",
            actual or message,
            "state",
        )
        return Wrong(mismatch, (one,), one, services)


def _contradiction(history: Sequence[Recorded], specification: Placements) -> tuple[str, ...]:
    """The services of which it cannot be true together what the answers show; no more than are needed."""
    needed = list(specification.services)
    for service in specification.services:
        fewer = [other for other in needed if other != service]
        told = tuple(told_of(one, fewer) for one in history)
        if check(told, specification, _SNAPSHOTS).outcome is Outcome.NO:
            needed = fewer
    return tuple(needed)


def _asks(one: Done, service: str) -> bool:
    return isinstance(one.call, Attach) and one.call.service == service


def _beside(one: Done, environment: str) -> bool:
    return isinstance(one.call, ReadList) and one.call.environment != environment
