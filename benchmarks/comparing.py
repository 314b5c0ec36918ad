"""What `stagecheck compare` finds: defects beside the conforming target, conforming variants beside themselves.

`python -m benchmarks.comparing` prints this table alone. `--jobs`: processes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

from rich.console import Console
from rich.table import Table

from stagecheck import spec
from stagecheck.audit.defect import DEFECTS
from stagecheck.audit.variants import VARIANTS
from stagecheck.compare.compare import Comparison, Difference
from stagecheck.compare.sequence import Asked, sequence
from stagecheck.compare.side import Side
from stagecheck.embedded import EMBEDDED_URL, embedded_credentials, embedded_plan, private_client
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.state import Reading
from stagecheck.suite.plan import PROFILES, Plan, ProfileName
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials

Configured = Callable[[Plan, Credentials], tuple[Plan, Credentials]]
_NIGHTLY = PROFILES[ProfileName.NIGHTLY]
_MOST = Limits(requests=20_000, seconds=float("inf"))


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison. `at`: the request that showed a difference which names what the defect breaks; None for none."""

    name: str
    requirement: str
    differences: tuple[str, ...]
    asked: int
    at: int | None = None


def defect_compared(name: str) -> Compared:
    """The conforming target beside a defect, until the promise that the defect breaks is named."""
    defect = DEFECTS[name]
    right = frozenset(defect.right_names)
    comparison = compared(Mock(embedded()), defect.mock(embedded()), lambda told: told.requirement in right)
    found = comparison.run()
    at = min((told.at_request for told in found if told.requirement in right), default=None)
    names = tuple(told.requirement for told in found)
    return Compared(name, defect.requirement, names, comparison.asked, at)


def variant_compared(name: str) -> Compared:
    """A conforming variant beside another one of the same kind, to the end."""
    variant = VARIANTS[name]
    one, other = (variant.mock(variant.scenario()) for _ in range(2))
    comparison = compared(one, other, lambda _: False, variant.configured)
    names = tuple(told.requirement for told in comparison.run())
    return Compared(name, "", names, comparison.asked)


def compared(
    one: Mock,
    other: Mock,
    enough: Callable[[Difference], bool],
    configured: Configured = lambda plan, credentials: (plan, credentials),
) -> Comparison:
    """A comparison that may begin, with the sequence of a nightly run."""
    sides = [_side("A", one, configured), _side("B", other, configured)]
    stages, services = min(len(side.stages) for side in sides), min(len(side.services) for side in sides)
    asked = _asked(stages, services)
    for side in sides:
        side.bind(asked)
    return Comparison(sides[0], sides[1], asked, enough=enough)


@cache
def _asked(stages: int, services: int) -> Asked:
    return sequence(stages, services, _NIGHTLY, 0, Reading.MOVE_AND_SKIP)


def _side(name: str, mock: Mock, configured: Configured) -> Side:
    plan, credentials = configured(embedded_plan(mock.scenario, _NIGHTLY), embedded_credentials())
    side = Side(name, Client(EMBEDDED_URL, private_client(mock), _MOST), spec.load(), credentials, plan)
    side.survey()
    return side


def print_comparisons(console: Console, pool: ProcessPoolExecutor) -> None:
    """Compare everything, and print what was found."""
    defects = list(pool.map(defect_compared, DEFECTS))
    variants = list(pool.map(variant_compared, VARIANTS))
    _print_failures(console, (found for found in defects if found.at is None))
    _print_failures(console, (found for found in variants if found.differences))
    seen = sum(bool(found.differences) for found in defects)
    named = [found.at for found in defects if found.at is not None]
    differing = sum(len(found.differences) for found in variants)
    console.print(
        f"compare: a difference for {seen} of {len(defects)} defects, named by what they break for {len(named)} "
        f"({len(named) / len(defects):.1%}; half of them within {sorted(named)[len(named) // 2]} requests); "
        f"{differing} differences in {len(variants)} conforming variants beside themselves (aim: all, and 0)"
    )


def _print_failures(console: Console, failures: Iterable[Compared]) -> None:
    rows = list(failures)
    if rows:
        table = Table("target", "aimed at", "differences", "requests", title="Not as they should be")
        for found in rows:
            table.add_row(found.name, found.requirement, ", ".join(found.differences) or "none", str(found.asked))
        console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparing", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    with ProcessPoolExecutor(parser.parse_args().jobs) as processes:
        print_comparisons(Console(), processes)
