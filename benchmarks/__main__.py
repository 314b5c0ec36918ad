"""Print what a run costs and how soon it finds things: `make bench`."""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from benchmarks.comparing import print_comparisons
from benchmarks.cost import PhaseCost, bare_exchange_s, run_cost
from benchmarks.detection import Detection, detect, quantile
from benchmarks.documents import print_changes, print_documents
from benchmarks.history import print_history
from benchmarks.ledger import print_ledger
from benchmarks.races import print_races
from benchmarks.serving import print_serving
from benchmarks.shrinking import measure, measured_names, print_lengths
from benchmarks.walks import print_walks
from stagecheck.audit.defect import alone
from stagecheck.suite.plan import PROFILES, ProfileName


def main() -> None:
    """Measure, and print a table of each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes for the detection table")
    parser.add_argument("--profile", choices=[name.value for name in ProfileName], default="nightly")
    options = parser.parse_args()
    console = Console()
    profile = ProfileName(options.profile)
    bare = bare_exchange_s()
    costs, per_second = run_cost(profile)
    _print_cost(console, costs, per_second, bare, profile)
    print_walks(console)
    print_documents(console)
    print_history(console)
    print_changes(console)
    print_serving(console)
    print_races(console)
    print_ledger(console)
    with ProcessPoolExecutor(options.jobs) as pool:
        chosen, defects = PROFILES[profile], list(alone())
        number = len(defects)
        listed = list(pool.map(detect, defects, [replace(chosen, telling_first=False)] * number))
        detections = list(pool.map(detect, defects, [chosen] * number))
        lengths = list(pool.map(measure, measured_names()))
        print_comparisons(console, pool)
    print_lengths(console, lengths)
    _print_detection(console, detections)
    _print_distribution(console, "as listed, the tour first", listed)
    _print_distribution(console, "the most telling first", detections)


def _print_cost(
    console: Console, costs: dict[str, PhaseCost], per_second: float, bare_s: float, profile: ProfileName
) -> None:
    table = Table(title=f"A {profile} run on the embedded target: {per_second:.0f} requests per second")
    for heading in ("phase", "requests", "ms each", "not the target's", "to a bare exchange"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    for phase, cost in costs.items():
        table.add_row(
            phase,
            str(cost.requests),
            f"{cost.each_s * 1000:.2f}",
            f"{cost.own_share:.0%}",
            f"{cost.each_s / bare_s:.1f}",
        )
    console.print(table)
    console.print(f"A bare respx exchange of the same request and answer: {bare_s * 1000:.2f} ms (aim: below 4)")


def _print_detection(console: Console, detections: list[Detection]) -> None:
    table = Table(title="Requests to first detection")
    for heading in ("defect", "aimed at", "first", "aimed"):
        table.add_column(heading, justify="right" if heading in ("first", "aimed") else "left")
    for found in sorted(detections, key=lambda entry: entry.first or 10**9):
        table.add_row(found.name, found.requirement, str(found.first or "never"), str(found.aimed or "never"))
    console.print(table)


def _print_distribution(console: Console, order: str, detections: list[Detection]) -> None:
    firsts = sorted(found.first for found in detections if found.first is not None)
    shares = ", ".join(f"{int(share * 100)} % within {quantile(firsts, share)}" for share in (0.25, 0.5, 0.75, 0.9))
    console.print(
        f"{order}: {len(firsts)} of {len(detections)} found; {shares}, the last after {firsts[-1]} "
        "(aim: 50 % within 40, 90 % within 300)"
    )


if __name__ == "__main__":
    main()
