"""What may come of a request: a next world, and what the answer must be."""

from __future__ import annotations

from dataclasses import dataclass

from stagecheck.model.state import World


@dataclass(frozen=True, slots=True)
class Accepted:
    """200, showing the world afterwards: all stages of `environment`, or the one `stage`; neither: 204, and nothing."""

    environment: str | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A 4xx that changes nothing. `statuses`: what is tolerated, the best first; empty: any 4xx will do.

    `requirement`: the promise that asks for the refusal; None where refusing is the target's own choice.
    """

    statuses: tuple[int, ...]
    requirement: str | None
    preferred: int

    def allows(self, status: int) -> bool:
        """Whether that status is a tolerated refusal."""
        if self.requirement is None and status == 401:
            # Whoever is let in is not asked who they are: no target chooses that as its way to refuse.
            return False
        return status in self.statuses if self.statuses else 400 <= status < 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that may happen. `choice` names a freedom the target used: (what was open, what it chose)."""

    world: World
    answer: Accepted | Refused
    choice: tuple[str, str] | None = None
