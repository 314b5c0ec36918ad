"""How long the answers of a target took, by operation: a few numbers that a record can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from stagecheck.exchange import Exchange
from stagecheck.operations import OperationKey, operation_of
from stagecheck.outcome import Latency

ALL, OTHER = "all", "other"
_SHOWN = 60
"""Bytes of a body that a note shows."""


class Latencies:
    """Takes every exchange of a run; what was never answered has no latency, and is told of apart."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._unanswered: list[Exchange] = []

    def __call__(self, exchange: Exchange) -> None:
        """Remember how long the answer took; time spent waiting at the target's request (429) counts, too."""
        if exchange.status is None:
            self._unanswered.append(exchange)
            return
        operation = operation_of(exchange.request.method, exchange.request.path)
        for name in (ALL, operation.value if operation else OTHER):
            self._seconds.setdefault(name, []).append(exchange.elapsed_s)

    def summary(self) -> Mapping[str, Latency]:
        """The latencies of all answers, then of each operation that was asked, then of whatever else was sent."""
        return {name: latency_of(self._seconds[name]) for name in self._names() if name in self._seconds}

    def notes(self) -> list[str]:
        """That some requests were never answered, if any: one sentence that names the first."""
        if not self._unanswered:
            return []
        first, others = self._unanswered[0], len(self._unanswered) - 1
        request = first.request
        shown = f" with the body {request.body[:_SHOWN].decode(errors='replace')!r}" if request.body else ""
        more = f", nor were {others} more" if others else ""
        lost = f"{request.method} {request.path}{shown}, was not answered ({first.failure}){more}"
        return [f"request {first.number}, {lost}: nothing was concluded from that"]

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
