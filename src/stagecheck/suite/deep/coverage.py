"""Which windows of a space a target was led through. Pure.

A window counts as tried when its transitions were sent one right after the other, nothing in between, every answer was
judged, and up to the last one each had brought the state that was promised. A transition that went elsewhere ends the
windows that end in it (they were tried, and what they showed is a violation) and begins none.
"""

from __future__ import annotations

from stagecheck.suite.deep.space import Space


class Coverage:
    """The account of one space, fed with transitions as they are sent.

    `order`: the windows tried, in the order of their first time. `strayed`: those of them after whose last transition
    the target was elsewhere than promised. `strays`: how often it was.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.tried = bytearray(space.first[-1])
        self.order: list[int] = []
        self.strayed: set[int] = set()
        self.strays = 0
        self._counts = [0] * (space.depth + 1)
        self._running: list[int] = []
        self._here: int | None = None

    def count(self, length: int) -> int:
        """How many windows of that length were tried."""
        return self._counts[length]

    def complete(self, length: int) -> bool:
        """Whether all windows of that length were tried."""
        return self._counts[length] == self.space.total(length)

    def note(self, state: int, transition: int, *, after: int | None, promised: int | None) -> None:
        """One transition, sent right after the one noted before unless `interrupt` was called in between.

        `state`: where it was sent from; `after`: where it led, `promised`: where it had to lead, None for unknown.
        """
        if state != self._here:
            self._running = []
        ended = [self.space.longer(window, transition) for window in (*self._running, state)]
        for window in ended:
            self._count(window)
        if after is None or after != promised:
            self.strayed.update(ended)
            self.strays += 1
            self.interrupt()
            return
        self._here = after
        self._running = ended[max(0, len(ended) - self.space.depth + 1) :]

    def waive(self, window: int) -> None:
        """Count a window that nobody asks for as if it had been tried."""
        self._count(window)

    def _count(self, window: int) -> None:
        if not self.tried[window]:
            self.tried[window] = 1
            self.order.append(window)
            self._counts[self.space.length(window)] += 1

    def interrupt(self) -> None:
        """Something else was sent, or nobody knows what an answer meant: no window goes on over this moment."""
        self._running = []
        self._here = None

    def position(self, state: int, length: int) -> int:
        """The window of at most that length which the target has just been led through to `state`."""
        if state != self._here or not self._running or not length:
            return state
        return self._running[-length:][0]
