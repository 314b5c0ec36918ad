"""What a small budget still finds: the share of all seeded defects that is seen within so many requests.

Each budget is a run of its own, as `[limits] requests` asks for it: the way home and the seeing again are paid from it
as well, so it is not the same as what a longer run has found by then. `python -m benchmarks.budgets`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.table import Table

from stagecheck import spec
from stagecheck.audit.defect import DEFECTS
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.errors import BudgetSpent
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import embedded
from stagecheck.outcome import Violation
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.suite.runner import Observer, Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.reach import EMBEDDED_URL, mocked

BUDGETS = (25, 50, 100, 200, 500)


@dataclass(frozen=True, slots=True)
class Spent:
    """One run within a budget: when a defect was first seen, None for never."""

    name: str
    requirement: str
    budget: int
    first: int | None


def spend(name: str, budget: int, profile: ProfileName = ProfileName.NIGHTLY) -> Spent:
    """Run the suite against one defect within a budget, as a config with `[limits] requests` would.

    The run ends with the first violation: what comes after it is not asked for here.
    """
    defect, scenario = DEFECTS[name], embedded()
    chosen = PROFILES[profile]
    target = MockTarget(scenario, EMBEDDED_URL, defect.mock)
    seen: list[int] = []

    def answered(request: httpx.Request) -> httpx.Response:
        try:
            return target.respond(request)
        except Exception:  # noqa: BLE001 - a server that has lost something answers 500, and so does this one
            return httpx.Response(500, json={"message": "internal server error"})

    with mocked(answered) as http:
        limits = Limits(requests=min(budget, chosen.requests), seconds=float("inf"))
        client = Client(EMBEDDED_URL, http, limits)

        def found(violation: Violation) -> None:
            seen.append(violation.at_request)
            limits.requests = client.sent

        plan, own = embedded_plan(scenario, chosen), embedded_credentials()
        with suppress(BudgetSpent):
            Runner(client, spec.load(), own, plan, mocked=True, observer=Observer(violation=found)).run()
    return Spent(name, defect.requirement, budget, min(seen, default=None))


def print_budgets(console: Console, spent: Sequence[Spent], *, missed: bool = False) -> None:
    """The share found within each budget, in all and by family; with `missed`, the names that were not."""
    families = list(dict.fromkeys(one.requirement.split("-")[0] for one in spent))
    table = Table(title=f"Seeded defects found within a budget ({len({one.name for one in spent})} in all)")
    for heading in ("budget", "found", "share", *families):
        table.add_column(heading, justify="right")
    for budget in dict.fromkeys(one.budget for one in spent):
        runs = [one for one in spent if one.budget == budget]
        found = [one for one in runs if one.first is not None]
        shares = []
        for family in families:
            mine = [one for one in runs if one.requirement.split("-")[0] == family]
            shares.append(f"{sum(one.first is not None for one in mine)}/{len(mine)}")
        table.add_row(str(budget), str(len(found)), f"{len(found) / len(runs):.0%}", *shares)
    console.print(table)
    for one in spent if missed else ():
        if one.first is None:
            console.print(f"{one.budget:>5} {one.requirement:<8} {one.name}")


def main() -> None:
    """Measure every budget over every seeded defect, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budgets", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--profile", choices=[name.value for name in ProfileName], default="nightly")
    parser.add_argument("--budget", type=int, action="append", help="another budget; may be repeated")
    parser.add_argument("--missed", action="store_true", help="name what was not found")
    options = parser.parse_args()
    work = [(name, budget) for budget in options.budget or BUDGETS for name in DEFECTS]
    names, budgets = zip(*work, strict=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        profiles = [ProfileName(options.profile)] * len(work)
        spent = list(pool.map(spend, names, budgets, profiles, chunksize=4))
    print_budgets(Console(width=160), spent, missed=options.missed)


if __name__ == "__main__":
    main()
