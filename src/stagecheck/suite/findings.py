"""What a run has found so far: each violation once by its cause, and how often each requirement could have failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from stagecheck.contract import requirement
from stagecheck.exchange import Exchange
from stagecheck.model.compare import Mismatch
from stagecheck.outcome import Breach, Level, Violation
from stagecheck.suite.plan import nothing

MOST_OF_ONE_REQUIREMENT = 12
"""Violations kept of one requirement, known ones not counted; a target with more causes has been told enough."""


class Findings:
    """Collects violations.

    `selected`: the requirement ids the run was asked about; others are not kept. `expects`: as in `Plan`.
    """

    def __init__(self, selected: Iterable[str], expects: Callable[[str, str], bool] = nothing) -> None:
        self.selected = frozenset(selected)
        self.expects = expects
        self.exercised: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()
        """How many requests that a requirement speaks of were never answered."""
        self.choices: dict[str, set[str]] = {}
        self.listen: list[Callable[[Violation], None]] = []
        self.ignores: Callable[[Violation], bool] = lambda _: False
        """Whether a new violation is not to be kept: it may be somebody else's doing."""
        self._found: dict[tuple[str, str], Violation] = {}
        self._seen: Counter[tuple[str, str]] = Counter()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All that was found, in the order in which it was first seen."""
        return tuple(
            replace(violation, seen=self._seen[key])
            for key, violation in sorted(self._found.items(), key=lambda item: item[1].at_request)
        )

    @property
    def news(self) -> tuple[Violation, ...]:
        """What was found and is not expected."""
        return tuple(violation for violation in self.violations if not violation.known)

    def known(self, mismatch: Mismatch) -> bool:
        """Whether a violation of this requirement and cause is on record already."""
        return (mismatch.requirement, mismatch.cause) in self._found

    def exercise(self, requirements: Iterable[str]) -> None:
        """Count that these requirements could have failed."""
        self.exercised.update(requirements)

    def choose(self, choice: tuple[str, str] | None) -> None:
        """Note which freedom the target used."""
        if choice is not None:
            self.choices.setdefault(choice[0], set()).add(choice[1])

    def add(self, mismatch: Mismatch, steps: tuple[Exchange, ...], at_request: int) -> bool:
        """Put a broken promise on record with the exchanges that show it; True if it was not known."""
        if mismatch.requirement not in self.selected:
            return False
        key = (mismatch.requirement, mismatch.cause)
        self._seen[key] += 1
        known = self._found.get(key)
        if known is not None:
            return False
        expected = self.expects(*key)
        others = sum(
            found == mismatch.requirement and not self._found[found, cause].known for found, cause in self._found
        )
        if others >= MOST_OF_ONE_REQUIREMENT and not expected:
            return False
        wrong = max((i for i, step in enumerate(steps) if step.number == at_request), default=len(steps) - 1)
        violation = Violation(
            breach_of(mismatch), at_request, steps, wrong=wrong, witness=mismatch.witness, known=expected
        )
        if self.ignores(violation):
            return False
        self._found[key] = violation
        for listener in self.listen:
            listener(violation)
        return True

    def keep_only(self, requirements: Iterable[str], but_for: Mismatch) -> None:
        """From now on these alone are looked for, and of others what is still to be added: `but_for`."""
        kept = frozenset(requirements)
        self.selected &= kept | {but_for.requirement}
        self._found = {key: found for key, found in self._found.items() if key[0] in kept}
        self.exercised = Counter({key: count for key, count in self.exercised.items() if key in kept})

    def drop(self, requirement_id: str, cause: str) -> None:
        """Take a violation back."""
        self._found.pop((requirement_id, cause), None)

    def again(self, requirement_id: str, cause: str) -> None:
        """Count that a violation was seen once more."""
        self._seen[requirement_id, cause] += 1

    @property
    def sightings(self) -> int:
        """How often a violation was seen, whichever it was."""
        return self._seen.total()

    def seen_in_one_go(self) -> None:
        """Let what was seen so far count as seen once, however often it was."""
        self._seen = Counter(dict.fromkeys(self._seen, 1))

    def confirm(self, requirement_id: str, cause: str, **better: Any) -> None:
        """Replace what is known of a violation by better: its steps, how often it was seen again.

        A `breach` of another name is left out: the violation got its name by a second look, which is taken once only.
        """
        key = (requirement_id, cause)
        breach = better.get("breach")
        if breach is not None and (breach.requirement, breach.cause) != key:
            del better["breach"]
        if key in self._found:
            self._found[key] = replace(self._found[key], **better)


def breach_of(mismatch: Mismatch) -> Breach:
    """The breach with the level of its requirement, or the weight it has in this case."""
    level = requirement(mismatch.requirement).level
    if mismatch.must or mismatch.requirement == "SKIP-2":
        # Which reading is open; that it is one, and always the same, is a MUST.
        level = Level.MUST
    elif mismatch.must is False:
        level = Level.SHOULD
    return Breach(
        mismatch.requirement, mismatch.cause, _sentence(mismatch.message), mismatch.expected, mismatch.actual, level
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
