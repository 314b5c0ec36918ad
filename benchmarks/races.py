"""Races: how fast histories are checked, how surely seeded races are found, and what is said of servers without any.

`python -m benchmarks.races` prints it; `--seeds N` says how many seeds of each defect (20).
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from kit.races import Flaky, Slow, race_run
from linear.register import HISTORIES, Register, read_history
from stagecheck.audit.defect import DEFECTS
from stagecheck.audit.target import embedded_run
from stagecheck.linear import Operation, Outcome, check
from stagecheck.mock.scenario import embedded
from stagecheck.model.requests import Attach, Form, ReadList
from stagecheck.outcome import Level
from stagecheck.suite.races.specification import EachService, Kind, Placements, Race, Shown
from stagecheck.suite.registry import RACES

CLIENTS, SERVICES = 8, 4
LENGTHS = (100, 300, 1_000, 3_000, 10_000)
_FORMS = (Form.ABSENT, Form.FALSE, Form.TRUE)


def main() -> None:
    """Measure, and print a table of each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.races", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="seeds of each seeded race")
    print_races(Console(), parser.parse_args().seeds)


def print_races(console: Console, seeds: int = 20) -> None:
    """The checker's speed, the seeded races, and the servers that have none."""
    _print_histories(console)
    _print_lengths(console)
    _print_defects(console, seeds)
    _print_conforming(console)


# ---------------------------------------------------------------------- the checker


def _print_histories(console: Console) -> None:
    histories = [read_history(path) for path in sorted(HISTORIES.glob("*.log"))]
    began = time.perf_counter()
    verdicts = [check(history, Register()) for history in histories]
    took = time.perf_counter() - began
    no = sum(verdict.outcome is Outcome.NO for verdict in verdicts)
    states = sum(verdict.states for verdict in verdicts)
    console.print(
        f"{len(histories)} public histories of etcd, {sum(map(len, histories))} operations, {no} without an order: "
        f"{took:.2f} s, {states:,} states, {states / took:,.0f} states per second"
    )


def history_of(length: int, *, contended: bool, seed: int) -> tuple[list[Race], Placements]:
    """A history of so many operations that has an order: each takes effect at one moment within its interval.

    `contended`: all clients are always busy; otherwise each rests nine tenths of its time.
    """
    scenario, rng = embedded(), random.Random(seed)  # noqa: S311  (what is measured, no secret)
    services = scenario.services(scenario.environment)[:SERVICES]
    stages = scenario.stages(scenario.environment)
    planned = sorted(_calls(rng, length, services, stages, scenario.environment, contended=contended))
    specification = EachService(scenario.world, services)
    state = next(iter(specification.initial()))
    history: list[Race] = []
    for _, client, begin, end, call in planned:
        unanswered = next(iter(specification.step(state, call, Shown(Kind.DONE))))
        state = unanswered
        shown = tuple((service, place.stage, place.skipped) for service, place in zip(services, state[0], strict=True))
        history.append(Operation(client, call, Shown(Kind.DONE, shown), begin, end))
    return history, specification


def _calls(
    rng: random.Random,
    length: int,
    services: Sequence[str],
    stages: Sequence[str],
    environment: str,
    *,
    contended: bool,
) -> Iterator[tuple[float, int, float, float, Attach | ReadList]]:
    """When each operation takes effect, whose it is, its interval, and what is asked."""
    clocks = [rng.random() for _ in range(CLIENTS)]
    for number in range(length):
        client = number % CLIENTS
        begin = clocks[client] + (0.0 if contended else 9 * rng.random())
        end = begin + 0.2 + rng.random()
        clocks[client] = end
        call: Attach | ReadList = ReadList(environment)
        if rng.random() < 0.6:
            call = Attach(rng.choice(stages), rng.choice(services), rng.choice(_FORMS))
        yield rng.uniform(begin, end), client, begin, end, call


def _print_lengths(console: Console) -> None:
    table = Table(title=f"Checking histories that have an order: {CLIENTS} clients, {SERVICES} services, median of 3")
    for heading in ("operations", "contended s", "states per operation", "not contended s", "states per operation"):
        table.add_column(heading, justify="right")
    for length in LENGTHS:
        row = [f"{length:,}"]
        for contended in (True, False):
            took, states = [], 0
            for seed in range(3):
                history, specification = history_of(length, contended=contended, seed=seed)
                verdict = check(history, specification)
                assert verdict.outcome is Outcome.YES
                took.append(verdict.seconds)
                states += verdict.states
            row += [f"{median(took):.3f}", f"{states / 3 / length:.1f}"]
        table.add_row(*row)
    console.print(table)


# ---------------------------------------------------------------------- seeded races, and none


@dataclass(frozen=True, slots=True)
class _Found:
    seconds: float
    requests: int | None
    told: tuple[int, ...]


def _print_defects(console: Console, seeds: int) -> None:
    table = Table(title=f"Seeded races over HTTP, {seeds} seeds each")
    for heading in ("defect", "found", "median s", "longest s", "first at request", "requests told of"):
        table.add_column(heading, justify="left" if heading == "defect" else "right")
    told: list[int] = []
    for name, defect in DEFECTS.items():
        if not defect.races:
            continue
        runs = [_seeded(name, seed) for seed in range(seeds)]
        found = [run for run in runs if run.requests is not None]
        mine = [number for run in found for number in run.told]
        told += mine
        table.add_row(
            name,
            f"{len(found)}/{seeds}",
            f"{median(run.seconds for run in runs):.2f}",
            f"{max(run.seconds for run in runs):.2f}",
            f"{median(run.requests or 0 for run in found):.0f}" if found else "–",
            f"{median(mine):.0f}" if mine else "–",
        )
    console.print(table)
    console.print(f"requests that an explanation tells of: median {median(told):.0f} over all")


def _seeded(name: str, seed: int) -> _Found:
    defect = DEFECTS[name]
    began = time.perf_counter()
    result = embedded_run(defect.mock, only=RACES, seed=seed, enough=defect.names, over_http=True)
    mine = [violation for violation in result.violations if defect.names(violation)]
    return _Found(
        time.perf_counter() - began,
        min((violation.at_request for violation in mine), default=None),
        tuple(len(violation.race.operations) for violation in mine if violation.race is not None),
    )


def _print_conforming(console: Console) -> None:
    table = Table(title="Servers without a race, a thread for each request")
    for heading in ("timed out at the client", "rounds", "judged", "violations", "seconds"):
        table.add_column(heading, justify="right")
    for share in (0.0, 0.05):
        began = time.perf_counter()
        result, rounds = race_run(Slow, Flaky(share, seed=1), rounds=200, seed=1)
        judged = sum(entry.exercised for entry in result.requirements if entry.id in RACES)
        broken = [found for found in result.violations if found.breach.level is not Level.OPEN]
        took = time.perf_counter() - began
        table.add_row(f"{share:.0%}", str(rounds), str(judged), str(len(broken)), f"{took:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
