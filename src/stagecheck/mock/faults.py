"""Faults for testing clients: answers that come late, fail, or ask for patience. No promise of the contract is meant.

A fault is told apart from the contract by the header `Stagecheck-Fault`, and a request that meets one has no effect
(latency alone changes nothing but the time). The same seed gives the same faults to the same sequence of requests.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from stagecheck.errors import UsageError
from stagecheck.mock.app import Answer

HEADER = "stagecheck-fault"
_LONGEST_MS = 600_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults there are; none by default. Raises UsageError for what cannot be.

    `latency_ms`: an answer waits that long, or evenly between the two; `fail_rate`: the share of requests that are
    answered 503, from 0 to 1; `rate_limit`: how many requests a second are answered, those beyond with 429 and
    Retry-After (RFC 9110 10.2.3), None: all; `seed`: of what is left to chance.
    """

    latency_ms: float | tuple[float, float] = 0.0
    fail_rate: float = 0.0
    rate_limit: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = self.range_ms
        if not 0 <= low <= high <= _LONGEST_MS:
            raise UsageError(
                f"a latency of {low:g} to {high:g} ms; give from 0 to {_LONGEST_MS}, the smaller one first"
            )
        if not 0 <= self.fail_rate <= 1:
            raise UsageError(f"a fail rate of {self.fail_rate:g}; give a share from 0 to 1")
        if self.rate_limit is not None and not 0 < self.rate_limit < math.inf:
            raise UsageError(f"a rate limit of {self.rate_limit:g}; give requests per second, more than 0")

    @property
    def range_ms(self) -> tuple[float, float]:
        """The shortest and the longest latency."""
        given = self.latency_ms
        return given if isinstance(given, tuple) else (given, given)


class Disturbance:
    """The faults as they happen. `clock`: seconds, for the rate limit. Safe for threads.

    `delays` and `interferes`: whether `delay_s` and `instead` need be asked at all.
    """

    def __init__(self, faults: Faults, clock: Callable[[], float] = time.monotonic) -> None:
        self.faults = faults
        self.delays = faults.range_ms[1] > 0
        self.interferes = faults.fail_rate > 0 or faults.rate_limit is not None
        self._clock = clock
        self._chance = random.Random(faults.seed)  # noqa: S311 - not for secrets
        self._lock = threading.Lock()
        self._bucket = self._full = max(1.0, faults.rate_limit or 0.0)
        self._filled_at = clock()

    def delay_s(self) -> float:
        """How many seconds the next answer waits."""
        with self._lock:
            return self._chance.uniform(*self.faults.range_ms) / 1000

    def instead(self) -> Answer | None:
        """What the next request is answered in place of the mock's answer; None where there is no fault."""
        faults = self.faults
        with self._lock:
            wait_s = self._patience_s() if faults.rate_limit is not None else 0.0
            failed = not wait_s and self._chance.random() < faults.fail_rate
        if wait_s:
            return _fault(429, "rate-limit", "too many requests", {"retry-after": str(math.ceil(wait_s))})
        return _fault(503, "fail-rate", "out of order for once") if failed else None

    def _patience_s(self) -> float:
        """Take a request out of the bucket, or say in how many seconds there is one to take."""
        rate, now = self.faults.rate_limit or 1.0, self._clock()
        self._bucket = min(self._full, self._bucket + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._bucket >= 1:
            self._bucket -= 1
            return 0.0
        return (1 - self._bucket) / rate


def _fault(status: int, name: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(
        status, {"status": status, "message": f"{message} (a fault of --{name})"}, {HEADER: name, **(headers or {})}
    )
