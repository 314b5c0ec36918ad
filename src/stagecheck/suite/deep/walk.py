"""Where to go next until every window of one length was tried, in nearly the fewest requests. Pure, and without chance.

Take positions, the last n - 1 transitions with the state before them, as nodes and the windows of length n as edges:
then all windows is the problem of the postman, who may use an edge twice. His extra ways lead from the nodes with more
ways in than out to those with more out than in. So the walk takes untried edges as long as there are any at hand, and
else goes the shortest way to a node that has more untried ways out than in, for to such a node it has to come once
more anyway. Nothing is planned further ahead, so it goes on from wherever a target has strayed to.

Measured (`python -m benchmarks.walks`) beside the lower bound by minimum cost flow, the lengths below n walked first,
under every reading: at most 1.01 times the bound for n = 2, 3 of one service and n = 1, 2 of two services over three
stages and for n = 4 of one over two (1.03 for n = 1 of one service), less than 0.1 ms a step. Three transitions of one
service have 10,368 windows and take 16,435 requests under move-and-skip: the bound is 16,362, because half of the
windows begin with a skipped service and only one transition in four skips.
"""

from __future__ import annotations

from collections.abc import Iterator

from stagecheck.model.state import Reading
from stagecheck.suite.deep.coverage import Coverage


class Walk:
    """Chooses transitions by what a coverage still lacks; whoever sends them feeds the coverage.

    `reading`: what `true` to another stage is expected to do. A target that does otherwise is only walked less well.
    """

    def __init__(self, coverage: Coverage, reading: Reading) -> None:
        self.coverage = coverage
        self.reading = reading
        space = coverage.space
        self._rest = space.rest(reading)
        shorter = space.first[space.depth]
        self._out = [space.transitions] * shorter
        self._in = [0] * shorter
        for window in range(space.states, space.first[-1]):
            self._in[self._rest[window]] += 1
        self._known = 0
        self._path: list[tuple[int, int]] = []

    def next(self, state: int, length: int) -> int | None:
        """The next transition from `state` on the walk over the windows of that length.

        None when all were tried, or the others cannot be reached but over transitions that lead elsewhere.
        """
        self._catch_up()
        here = self.coverage.position(state, length - 1)
        if self._path and self._path[-1][0] == here:
            return self._path.pop()[1]
        if here >= self.coverage.space.first[length - 1] and self._out[here]:
            self._path = []
            return self._untried(here)
        self._path = self._way(here, length, needed=True) or self._way(here, length, needed=False)
        return self._path.pop()[1] if self._path else None

    def _catch_up(self) -> None:
        """Take off what was tried since."""
        space, order = self.coverage.space, self.coverage.order
        for window in order[self._known :]:
            self._out[(window - space.states) // space.transitions] -= 1
            self._in[self._rest[window]] -= 1
        self._known = len(order)

    def _untried(self, here: int) -> int:
        """Of the untried windows from here the one that leads to where most is left to try."""
        space, tried = self.coverage.space, self.coverage.tried
        first = space.longer(here, 0)
        untried = (t for t in range(space.transitions) if not tried[first + t])
        return max(untried, key=lambda transition: self._out[self._rest[first + transition]])

    def _way(self, here: int, length: int, *, needed: bool) -> list[tuple[int, int]]:
        """The shortest way to a position with untried ways out, more than in if `needed`; of several the neediest.

        As pairs of position and transition, the last one first; empty where there is none.
        """
        came: dict[int, tuple[int, int] | None] = {here: None}
        level, full = [here], self.coverage.space.first[length - 1]
        while level:
            reached = []
            best, most = -1, 0 if needed else -self.coverage.space.first[-1]
            for position in level:
                for transition, next_ in self._steps(position, full):
                    if next_ in came:
                        continue
                    came[next_] = (position, transition)
                    reached.append(next_)
                    if next_ >= full and self._out[next_] and self._out[next_] - self._in[next_] > most:
                        best, most = next_, self._out[next_] - self._in[next_]
            if best >= 0:
                return list(_back(came, best))
            level = reached
        return []

    def _steps(self, position: int, full: int) -> Iterator[tuple[int, int]]:
        """Each transition from a position, and the position after it; from `full` on positions are long enough."""
        space, strayed = self.coverage.space, self.coverage.strayed
        first = space.longer(position, 0)
        for transition in range(space.transitions):
            window = first + transition
            if window not in strayed:
                yield transition, self._rest[window] if position >= full else window


def _back(came: dict[int, tuple[int, int] | None], goal: int) -> Iterator[tuple[int, int]]:
    step = came[goal]
    while step is not None:
        yield step
        step = came[step[0]]
