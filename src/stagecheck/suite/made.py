"""The stages that a run has made, and what it knows of each: there still, deleted, or perhaps made and never answered.

Nothing is made that seems to stay for good: where stages cannot be removed again, a run stops making them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stagecheck.model.observation import Reply
from stagecheck.model.state import Stage

MOST_STAYING = 3
"""When so many stages of a run's own stay though they were to be deleted, it makes no more to explore with."""

MOST_STAYING_IN_ALL = 6
"""And none to see a violation again."""


@dataclass(slots=True)
class Made:
    """What one session has made.

    `there`: made and not deleted yet, id → name; `ever`: all that were made, by id; `names`: those that were asked
    for; `unanswered`: those of which no answer says whether they were made.
    """

    there: dict[str, str] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    """The empty ones that the target would not delete."""

    def begin(self, name: str) -> None:
        """A stage of that name is about to be asked for: from now on there may be one."""
        if name:
            self.names.add(name)
            self.unanswered.add(name)

    def answered(self, name: str, status: int | None, made: str | None, *, known: bool = False) -> None:
        """The answer has come. `made`: the id that it shows; `known`: another stage has it already."""
        if made is not None or (status is not None and 400 <= status < 500):
            self.unanswered.discard(name)
        if made is not None and (not known or made in self.there):
            self.there[made] = name
            self.ever.add(made)

    def asked_to_delete(self, stage: str, reply: Reply, *, empty: bool) -> None:
        """A deletion was answered. `empty`: the stage holds no service for whose sake it may be refused."""
        if reply.accepted or reply.status == 404:
            self.there.pop(stage, None)
            self.refused.discard(stage)
        elif reply.refused and empty and stage in self.there:
            self.refused.add(stage)

    def adopt(self, shown: Iterable[tuple[str, str | None]], before: Mapping[str, Stage]) -> None:
        """Take what a list shows for ours: what we made, and what has a name that we asked for and is new.

        `shown`: id and name of each stage; `before`: the stages that there were before the run.
        """
        for stage, name in shown:
            if stage not in before and (stage in self.ever or name in self.names):
                self.there[stage] = name or self.there.get(stage, "")
        self.unanswered.clear()

    def forget(self) -> None:
        """The target was put back to how it was before the run."""
        for known in (self.there, self.ever, self.unanswered, self.refused):
            known.clear()

    def staying(self, now: Iterable[str]) -> int:
        """How many stay for good, it seems. `now`: the stages that there are, as far as it is believed."""
        return len({stage for stage in now if stage in self.ever and stage not in self.there} | self.refused)
