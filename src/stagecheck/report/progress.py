"""The progress of a run as it goes: what is being tried, what was found, and how long it may take yet."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from stagecheck.exchange import Exchange
from stagecheck.outcome import Violation
from stagecheck.report.html.charts import PHASES
from stagecheck.report.terminal import shown

_LONGEST_PATH = 50
_SILENCE_S = 30.0
"""Seconds after which a log that nobody watches says where the run is."""
_SURE = 20
"""Requests after which a guess at the time left is worth something."""
_UUID = re.compile(r"([0-9A-Fa-f]{8})(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_USUAL = "the API token"


class Progress:
    """Shows a run as it goes: two live lines on a terminal, else a line per phase, per violation and per half minute.

    A context manager; `phase`, `exchange` and `violation` take what a runner tells its observer. With `quiet` nothing
    is shown, with `verbose` every exchange. `most` and `seconds`: what the run may cost; `clock` gives seconds.
    """

    def __init__(
        self,
        console: Console,
        *,
        quiet: bool = False,
        verbose: bool = False,
        most: int | None = None,
        seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self.quiet = quiet
        self.verbose = verbose
        self.most = most
        self.seconds = seconds
        self.requests = 0
        self.broken: Counter[str] = Counter()
        self._clock = clock
        self._began = self._said = clock()
        self._phase = "start"
        self._phases: set[str] = set()
        self._trying = ""
        alive = console.file.isatty() and not console.is_dumb_terminal and not quiet and not verbose
        self._live = (
            Live(console=console, get_renderable=self._lines, refresh_per_second=8, transient=True) if alive else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No live lines, so that somebody can be asked something."""
        if self._live:
            self._live.stop()
        try:
            yield
        finally:
            if self._live:
                self._live.start()

    def phase(self, name: str) -> None:
        """A phase begins, or goes on after another one."""
        self._phase = name
        if name not in self._phases:
            self._phases.add(name)
            if not self._live:
                says = f": {PHASES[name]}" if name in PHASES else ""
                self._say(f"{name}{says} (from request {self.requests + 1})")

    def exchange(self, exchange: Exchange) -> None:
        """A request was answered, or was not."""
        self.requests = exchange.number
        self._trying = f"{shown(exchange.request.method)} {_brief(exchange.request.path)}"
        if self.verbose:
            answer = exchange.status if exchange.status is not None else exchange.failure
            role = exchange.request.credential.name
            with_ = "" if role == _USUAL else f" with {role}"
            self._say(
                f"{exchange.number:>5} {exchange.phase:<10} {self._trying} {shown(str(answer))} "
                f"{exchange.elapsed_s * 1000:.0f} ms{with_}"
            )
        elif not self._live and self._clock() - self._said >= _SILENCE_S:
            self._say(f"  {self._standing()}")

    def violation(self, violation: Violation, message: str) -> None:
        """A violation was met for the first time; `message` is its sentence without secrets."""
        where = f"{violation.breach.requirement} at request {violation.at_request}"
        if violation.known:
            self._say(f"{where}, known: {shown(message)}", "dim")
            return
        self.broken[violation.breach.requirement] += 1
        style = "red" if violation.breach.level == "MUST" else "yellow"
        self._say(f"{where}: {shown(message)}", style)

    def left_s(self) -> float | None:
        """The seconds that the run may take yet, at the pace it had so far; None while that is no more than a guess."""
        elapsed = self._clock() - self._began
        bounds = [self.seconds - elapsed]
        if self.most is not None and self.requests >= _SURE:
            bounds.append((self.most - self.requests) * elapsed / self.requests)
        left = max(0.0, min(bounds))
        return left if math.isfinite(left) else None

    def _say(self, text: str, style: str = "") -> None:
        self._said = self._clock()
        if not self.quiet:
            self.console.print(Text(text, style, overflow="fold"))

    def _standing(self) -> str:
        of = "" if self.most is None else f" of at most {self.most:,}"
        found = sum(self.broken.values())
        left = self.left_s()
        time_left = "" if left is None else f", at most {in_words(left)} left"
        return f"{self.requests:,}{of} requests, {found} violation{'' if found == 1 else 's'}{time_left}"

    def _lines(self) -> RenderableType:
        first = Text.assemble((f"{self._phase:<10} ", "bold"), (self._standing(), "red" if self.broken else ""))
        says = PHASES.get(self._phase, "")
        second = Text(f"{'':<10} {says}{': ' if says and self._trying else ''}{self._trying}", "dim")
        for line in (first, second):
            line.no_wrap, line.overflow = True, "ellipsis"
        return Group(first, second)


def in_words(seconds: float) -> str:
    """A duration as one waits for it: `45 s`, `3 min`, `2 h 5 min`."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _brief(path: str) -> str:
    """A path with the beginnings of its ids, cut where it is long all the same."""
    text = shown(_UUID.sub(r"\1…", path[: 4 * _LONGEST_PATH]))
    return text if len(text) <= _LONGEST_PATH else f"{text[:_LONGEST_PATH]}…"
