"""How long the answers of a target took, by operation: a few numbers that a record can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from stagecheck.exchange import Exchange
from stagecheck.operations import OperationKey, operation_of
from stagecheck.outcome import Latency

ALL, OTHER = "all", "other"


class Latencies:
    """Takes every exchange of a run; what was never answered has no latency."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}

    def __call__(self, exchange: Exchange) -> None:
        """Remember how long the answer took; time spent waiting at the target's request (429) counts, too."""
        if exchange.status is None:
            return
        operation = operation_of(exchange.request.method, exchange.request.path)
        for name in (ALL, operation.value if operation else OTHER):
            self._seconds.setdefault(name, []).append(exchange.elapsed_s)

    def summary(self) -> Mapping[str, Latency]:
        """The latencies of all answers, then of each operation that was asked, then of whatever else was sent."""
        return {name: latency_of(self._seconds[name]) for name in self._names() if name in self._seconds}

    @staticmethod
    def _names() -> Iterator[str]:
        yield ALL
        yield from (key.value for key in OperationKey)
        yield OTHER


def latency_of(seconds: Sequence[float]) -> Latency:
    """Count, percentiles by nearest rank, and the longest; of at least one answer. Milliseconds."""
    ordered = sorted(seconds)

    def at(percent: int) -> float:
        return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] * 1000

    return Latency(len(ordered), at(50), at(90), at(99), ordered[-1] * 1000)
