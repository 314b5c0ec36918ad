"""The walks of the deep tour, without a target: how many requests they take, beside the fewest that could do.

`python -m benchmarks.walks` prints this table alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import networkx as nx
from rich.console import Console
from rich.table import Table

from stagecheck.model.state import Reading
from stagecheck.suite.deep.coverage import Coverage
from stagecheck.suite.deep.space import Space
from stagecheck.suite.deep.walk import Walk

WALKS = ((1, 3, 1), (2, 3, 1), (3, 3, 1), (1, 3, 2), (2, 3, 2), (4, 2, 1))
"""Depth, stages and services."""


@dataclass(frozen=True, slots=True)
class WalkCost:
    """One walk from its shortest sequences to its longest; `bound`: no closed walk over the longest is shorter."""

    space: Space
    reading: Reading
    windows: int
    requests: int
    bound: int
    set_up_s: float
    step_s: float

    @property
    def ratio(self) -> float:
        """Requests to the lower bound."""
        return self.requests / self.bound


def space_of(depth: int, stages: int, services: int) -> Space:
    """A space of things that have no names."""
    return Space(depth, [f"stage {n}" for n in range(stages)], [f"service {n}" for n in range(services)])


def lower_bound(space: Space, reading: Reading) -> int:
    """The fewest requests of a closed walk over all windows of full depth: all once, and the cheapest ways to balance.

    A postman's round: every position must be left as often as it is come to, so the ways from where there are more
    ways in than out to where there are more out than in are a flow of minimum cost (network simplex).
    """
    rest: list[int] = space.rest(reading)
    graph: nx.DiGraph[int] = nx.DiGraph()
    positions = range(space.first[space.depth - 1], space.first[space.depth])
    surplus = dict.fromkeys(positions, -space.transitions)
    for position in positions:
        for transition in range(space.transitions):
            reached = rest[space.longer(position, transition)]
            surplus[reached] += 1
            graph.add_edge(position, reached, weight=1)
    nx.set_node_attributes(graph, {position: -extra for position, extra in surplus.items()}, "demand")
    extra, _ = nx.network_simplex(graph)
    return space.total(space.depth) + int(extra)


def walked(space: Space, reading: Reading) -> WalkCost:
    """Walk a space as the deep tour does, with a target that keeps the contract."""
    began = time.perf_counter()
    coverage = Coverage(space)
    walk = Walk(coverage, reading)
    set_up_s, began = time.perf_counter() - began, time.perf_counter()
    rest, state, requests = space.rest(reading), 0, 0
    for length in range(1, space.depth + 1):
        while (transition := walk.next(state, length)) is not None:
            after = rest[space.longer(state, transition)]
            coverage.note(state, transition, after=after, promised=after)
            state = after
            requests += 1
    step_s = (time.perf_counter() - began) / requests
    return WalkCost(space, reading, space.total(space.depth), requests, lower_bound(space, reading), set_up_s, step_s)


def print_walks(console: Console) -> None:
    """Print a table of all walks under all readings; k s v: the depth, the stages and the services."""
    table = Table(title="Walks of the deep tour, without a target")
    headings = ("k s v", "reading", "windows", "requests", "bound", "ratio", "set-up ms", "ms a step")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "reading" else "right", no_wrap=heading == "reading")
    for extent in WALKS:
        for reading in Reading:
            cost = walked(space_of(*extent), reading)
            table.add_row(
                " ".join(map(str, extent)),
                reading.value,
                f"{cost.windows:,}",
                f"{cost.requests:,}",
                f"{cost.bound:,}",
                f"{cost.ratio:.3f}",
                f"{cost.set_up_s * 1000:.0f}",
                f"{cost.step_s * 1000:.3f}",
            )
    console.print(table)


if __name__ == "__main__":
    print_walks(Console())
