"""How fast requests may follow each other, and how many may be on their way at once. Safe for threads.

The rate is kept by a bucket of pyrate-limiter. Its `Limiter` is left out: that one sleeps by itself, 50 ms too long,
and starts a thread to empty its bucket; the bucket alone counts exactly and starts nothing. aiolimiter is for asyncio.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyrate_limiter import InMemoryBucket

_WINDOWS_PER_S = 20
"""A rate is kept over windows of about this length: 20 a second means one in 50 ms, never 20 at once."""


class Pace:
    """`rate`: requests per second, None for as fast as it goes; `concurrency`: how many at once."""

    def __init__(
        self, rate: float | None, concurrency: int, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._slots = threading.BoundedSemaphore(concurrency)
        self._clock, self._sleep = clock, sleep
        self._held_until = -math.inf
        self._lock = threading.Lock()
        self._bucket = _bucket(rate) if rate else None

    @contextmanager
    def slot(self) -> Iterator[None]:
        """The place of one request: entered when it may be sent, left when it was answered."""
        with self._slots:
            self._wait()
            yield

    def hold(self, seconds: float) -> None:
        """Let nobody send anything for so long: the target asked for patience."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _wait(self) -> None:
        while (seconds := self._must_wait()) > 0:
            self._sleep(seconds)

    def _must_wait(self) -> float:
        """Seconds until it is worth asking again; 0 when the request may go, which is noted."""
        with self._lock:
            now = self._clock()
            if self._held_until > now:
                return self._held_until - now
            if self._bucket is None:
                return 0.0
            from pyrate_limiter import RateItem  # noqa: PLC0415 - takes long to import, and most runs have no rate

            item = RateItem("request", math.floor(now * 1000))
            self._bucket.leak(item.timestamp)
            if self._bucket.put(item):
                return 0.0
            waiting = self._bucket.waiting(item)
            assert isinstance(waiting, int), "a bucket in memory answers at once"
            return max(1, waiting) / 1000


def _bucket(rate: float) -> InMemoryBucket:
    from pyrate_limiter import InMemoryBucket, Rate  # noqa: PLC0415 - takes long to import, and most runs have no rate

    at_once = max(1, round(rate / _WINDOWS_PER_S))
    return InMemoryBucket([Rate(at_once, max(1, math.ceil(1000 * at_once / rate)))])


def retry_after_s(headers: Mapping[str, str], otherwise: float) -> float:
    """How long an answer asks to wait (RFC 9110 10.2.3: seconds, or a date), in seconds; `otherwise` if it does not."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return otherwise
    moment = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(tz=UTC)).total_seconds())
