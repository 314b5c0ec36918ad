"""What a conforming variant is, and the register of all of them.

Each is a freedom that CONTRACT.md leaves, or that HTTP and JSON leave. They are the counterpart of the defects: a
suite that finds everything by calling everything wrong is of no use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.suite.plan import Plan
from stagecheck.target.credentials import Credentials

Configured = Callable[[Plan, Credentials], tuple[Plan, Credentials]]


def everything(plan: Plan, credentials: Credentials) -> tuple[Plan, Credentials]:
    """The config that names all there is."""
    return plan, credentials


@dataclass(frozen=True, slots=True)
class Variant:
    """A conforming target: its name, what is particular about it, and how it is made and configured."""

    name: str
    sentence: str
    mock: Callable[[Scenario], Mock]
    scenario: Callable[[], Scenario] = embedded
    configured: Configured = everything


VARIANTS: dict[str, Variant] = {}
"""Every variant by name."""


def vary(
    name: str,
    sentence: str,
    mock: Callable[[Scenario], Mock] = Mock,
    scenario: Callable[[], Scenario] = embedded,
    configured: Configured = everything,
) -> None:
    """Register a variant; ValueError at import for a name in use."""
    if name in VARIANTS:
        raise ValueError(f"two variants are named {name!r}; give one of them another name")
    VARIANTS[name] = Variant(name, sentence, mock, scenario, configured)
