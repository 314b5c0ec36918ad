"""What a seeded defect is, and the register of all of them.

A defect is a mock that gets exactly one thing wrong. It is aimed at one requirement; where the same mistake may as
rightly be called by another name, that one stands in `accepts`. Names are permanent: reports and options use them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from stagecheck.contract import CATALOGUE
from stagecheck.errors import UsageError, closest
from stagecheck.mock.app import Mock
from stagecheck.outcome import Violation

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
M = TypeVar("M", bound=type[Mock])


@dataclass(frozen=True, slots=True)
class Defect:
    """One seeded defect: its name, what is wrong in one sentence, and the requirement that must find it."""

    name: str
    sentence: str
    requirement: str
    accepts: tuple[str, ...]
    mock: type[Mock]

    @property
    def right_names(self) -> frozenset[str]:
        """The requirements that may be found violated first of all: the aimed one, and those as right."""
        return frozenset((self.requirement, *self.accepts))

    @property
    def races(self) -> bool:
        """Whether one client alone never meets it: it takes several at once, each in a thread of its own."""
        return self.mock.in_threads

    def names(self, violation: Violation) -> bool:
        """Whether the violation has one of the right names."""
        return violation.breach.requirement in self.right_names


DEFECTS: dict[str, Defect] = {}
"""Every defect by name, in the order of the modules. Filled by importing `stagecheck.audit`."""


def alone() -> dict[str, Defect]:
    """The defects that one client meets, by name: all but those of races."""
    return {name: defect for name, defect in DEFECTS.items() if not defect.races}


def defect_named(name: str) -> Defect:
    """The defect of that name. Raises UsageError that names those which are near."""
    if name not in DEFECTS:
        hint = closest(name, DEFECTS, otherwise="see: stagecheck defects", most=3)
        raise UsageError(f"there is no defect {name!r}; {hint}")
    return DEFECTS[name]


def seeded(name: str, requirement: str, sentence: str, *, accepts: tuple[str, ...] = ()) -> Callable[[M], M]:
    """Register the decorated mock as a defect. Raises ValueError at import for a name in use or a wrong entry."""

    def register(mock: M) -> M:
        _enter(Defect(name, sentence, requirement, accepts, mock))
        return mock

    return register


def _enter(defect: Defect) -> None:
    if defect.name in DEFECTS:
        raise ValueError(f"two defects are named {defect.name!r}; give one of them another name")
    if not _NAME.fullmatch(defect.name):
        raise ValueError(f"the defect name {defect.name!r} is not in kebab-case")
    if not defect.sentence.endswith("."):
        raise ValueError(f"the defect {defect.name} is not described by a sentence that ends with a full stop")
    unknown = [identifier for identifier in defect.right_names if identifier not in CATALOGUE]
    if unknown:
        raise ValueError(f"the defect {defect.name} names no requirement of the catalogue: {', '.join(unknown)}")
    DEFECTS[defect.name] = defect
