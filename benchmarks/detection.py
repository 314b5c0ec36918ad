"""How many requests it takes until a seeded defect is first seen, and until it is seen for what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stagecheck.audit.defect import DEFECTS
from stagecheck.audit.target import embedded_run
from stagecheck.suite.plan import Profile


@dataclass(frozen=True, slots=True)
class Detection:
    """Requests sent when a defect was first seen, and when a right requirement was; None for never."""

    name: str
    requirement: str
    first: int | None
    aimed: int | None


def detect(name: str, profile: Profile) -> Detection:
    """Run the suite against one defect, given by name so that it can cross to another process."""
    defect = DEFECTS[name]
    violations = embedded_run(defect.mock, profile=profile, enough=defect.names).violations
    right = (defect.requirement, *defect.accepts)
    return Detection(
        name,
        defect.requirement,
        min((violation.at_request for violation in violations), default=None),
        min((violation.at_request for violation in violations if violation.breach.requirement in right), default=None),
    )


def quantile(ordered: Sequence[int], share: float) -> int:
    """The value below which that share of the ordered values lies; 0 if there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
