"""The search for an order: Wing and Gong's, with Lowe's memory of what was tried, over sets of possible states.

It walks a doubly linked list of calls and returns in the order of time. Before the first return of an operation that
has no place in the order yet, any operation that was called by then may come next: it is lifted from the list, the
walk begins anew, and when it gets stuck at a return it goes back on the last choice. A configuration (which operations
have been placed, and the states that are possible after them) is never tried twice.

- A specification that leaves choices is made deterministic by its power set: the state of the search is the set of
  all states that are possible, held as a small number, and each step is looked up once it has been made.
- Operations that never returned stand in no list. They may be placed at any moment after their call, or never; of
  several that ask the same, the one called first goes first, which loses nothing. They are tried only where the walk
  is stuck: most histories need none of them. One that `repeats` may be placed again and again, and is not counted.
- What has been placed is held as the first operation that has not, and the bits of those after it. So a configuration
  stays as small as the number of clients, however long the history is.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic

from stagecheck.linear.history import A, Answered, Budget, C, Operation, Outcome, S, Specification

_DEAD = -1
_Chain = tuple[int, "_Chain"] | None
"""What has been placed, the last one first: the longest that ever was is kept without copying any."""
_CLOCK_EVERY = 4096


@dataclass(slots=True)
class _States(Generic[S, C, A]):
    """Sets of possible states by number, and the steps between them, each made once."""

    specification: Specification[S, C, A]
    _numbers: dict[frozenset[S], int] = field(default_factory=dict)
    _sets: list[frozenset[S]] = field(default_factory=list)

    def first(self) -> int:
        return self._number(frozenset(self.specification.initial()))

    def after(self, number: int, call: C, answer: A | Answered) -> int:
        step = self.specification.step
        return self._number(frozenset(new for state in self._sets[number] for new in step(state, call, answer)))

    def _number(self, states: frozenset[S]) -> int:
        if not states:
            return _DEAD
        number = self._numbers.setdefault(states, len(self._sets))
        if number == len(self._sets):
            self._sets.append(states)
        return number


@dataclass(frozen=True, slots=True)
class Found(Generic[C, A]):
    """How a search ended. `placed`: the order, or as far as it ever came; `blocked`: what stood in the way there."""

    outcome: Outcome
    tried: int
    placed: tuple[Operation[C, A], ...]
    blocked: Operation[C, A] | None


@dataclass(slots=True)
class Search(Generic[S, C, A]):
    """The search over one history. Use once."""

    history: Sequence[Operation[C, A]]
    specification: Specification[S, C, A]
    budget: Budget
    _ended: list[int] = field(init=False)
    _open: list[int] = field(init=False)
    _kinds: list[int] = field(init=False)
    _steps: list[dict[int, int]] = field(init=False)
    _calls: list[tuple[C, A | Answered]] = field(init=False)
    _next: list[int] = field(init=False)
    _before: list[int] = field(init=False)
    _ends: list[float] = field(init=False)

    def __post_init__(self) -> None:
        indexes = range(len(self.history))
        begins = [operation.begin for operation in self.history]
        self._ended = sorted((i for i in indexes if self.history[i].end is not None), key=begins.__getitem__)
        self._open = sorted((i for i in indexes if self.history[i].end is None), key=begins.__getitem__)
        self._classify()
        self._link()

    def _classify(self) -> None:
        """Operations that ask and answer the same are of one kind: they share what is known of their steps."""
        known: dict[Hashable, int] = {}
        self._calls, self._kinds = [], []
        for operation in self.history:
            kind = known.setdefault((operation.call, operation.answer, operation.repeats), len(known))
            if kind == len(self._calls):
                self._calls.append((operation.call, operation.answer))
            self._kinds.append(kind)
        self._steps = [{} for _ in self._calls]

    def _link(self) -> None:
        """The list: node 0 is its head, node 2n+1 the call and 2n+2 the return of the n-th that ended, by their time.

        A call and a return at the very same time overlap, so calls come first: no order is ruled out by a clock that
        is too coarse.
        """
        count = len(self._ended)
        moments: list[tuple[float, int, int]] = []
        for rank, index in enumerate(self._ended):
            begin, end = self.history[index].begin, self.history[index].end
            moments += [(begin, 0, 2 * rank + 1), (begin if end is None else end, 1, 2 * rank + 2)]
        self._next, self._before = [0] * (2 * count + 1), [0] * (2 * count + 1)
        self._ends, last = [0.0] * (2 * count + 1), 0
        for moment, _, node in sorted(moments):
            self._ends[node] = moment
            self._next[last], self._before[node] = node, last
            last = node
        self._next[last], self._before[0] = 0, last

    def run(self) -> Found[C, A]:  # noqa: C901, PLR0912, PLR0915 - one loop over plain lists: this is where time goes
        """Search until an order is found, none is left, or the budget ends."""
        following, before, kinds, steps = self._next, self._before, self._kinds, self._steps
        ended = self._ended
        states: _States[S, C, A] = _States(self.specification)
        state = states.first()
        if state == _DEAD:
            return Found(Outcome.NO, 0, (), None)
        low = window = used = tried = best = 0
        blocked: int | None = None
        chain: _Chain = None
        longest: _Chain = None
        seen: set[tuple[int, int, int, int]] = set()
        undo: list[tuple[int, int, int, int, int]] = []
        until, most = time.monotonic() + self.budget.seconds, self.budget.states
        node, pending = following[0], 0
        while node:
            tried += 1
            if tried >= most or (not tried % _CLOCK_EVERY and time.monotonic() > until):
                return Found(Outcome.UNKNOWN, tried, self._order(undo), None)
            if node & 1:  # the call of an operation that ended
                rank = node >> 1
                kind = kinds[ended[rank]]
                new = steps[kind].get(state)
                if new is None:
                    new = steps[kind][state] = states.after(state, *self._calls[kind])
                if new >= 0:
                    if rank == low:
                        shift = 1
                        while window >> shift & 1:
                            shift += 1
                        at, bits = low + shift, window >> shift
                    else:
                        at, bits = low, window | 1 << (rank - low)
                    key = (at, bits, used, new)
                    if key not in seen:
                        seen.add(key)
                        undo.append((node, state, low, window, used))
                        chain = (node, chain)
                        state, low, window = new, at, bits
                        back, onward = before[node], following[node]
                        following[back], before[onward] = onward, back
                        back, onward = before[node + 1], following[node + 1]
                        following[back], before[onward] = onward, back
                        node, pending = following[0], 0
                        continue
                node = following[node]
                continue
            # A return: first what never returned and was called before it, then back.
            stuck = ended[(node >> 1) - 1]
            if len(undo) >= best:
                best, blocked = len(undo), stuck
                longest = chain
            placed, pending = self._place_open(pending, state, used, self._ends[node], states)
            if placed is not None:
                index, new = placed
                tried += 1
                taken = used if self.history[self._open[index]].repeats else used | 1 << index
                key = (low, window, taken, new)
                if key not in seen:
                    seen.add(key)
                    undo.append((-1 - index, state, low, window, used))
                    chain = (-1 - index, chain)
                    state, used = new, taken
                    node, pending = following[0], 0
                continue
            if not undo:
                found = [self._operation(entry) for entry in _unrolled(longest)]
                return Found(Outcome.NO, tried, tuple(found), self.history[blocked] if blocked is not None else None)
            entry, state, low, window, used = undo.pop()
            chain = chain[1] if chain else None
            if entry < 0:
                # Back at the return that it was tried before: its successors are next.
                pending = -entry
                node = self._first_return(following)
                continue
            for lifted in (entry + 1, entry):
                following[before[lifted]] = before[following[lifted]] = lifted
            node, pending = following[entry], 0
        return Found(Outcome.YES, tried, self._order(undo), None)

    def _place_open(
        self, first: int, state: int, used: int, moment: float, states: _States[S, C, A]
    ) -> tuple[tuple[int, int] | None, int]:
        """The next operation without a return that may be placed before `moment` and changes anything.

        Returns its position and the state after it, or None; and from which position to go on later.
        """
        taken: set[int] = set()
        for position, index in enumerate(self._open):
            operation = self.history[index]
            if operation.begin > moment:
                break
            kind = self._kinds[index]
            if used >> position & 1 or kind in taken:
                continue
            taken.add(kind)
            if position < first:
                continue
            new = self._steps[kind].get(state)
            if new is None:
                new = self._steps[kind][state] = states.after(state, *self._calls[kind])
            if new not in (_DEAD, state):
                return (position, new), position + 1
        return None, len(self._open)

    @staticmethod
    def _first_return(following: list[int]) -> int:
        node = following[0]
        while node & 1:
            node = following[node]
        return node

    def _operation(self, entry: int) -> Operation[C, A]:
        return self.history[self._open[-1 - entry]] if entry < 0 else self.history[self._ended[entry >> 1]]

    def _order(self, undo: list[tuple[int, int, int, int, int]]) -> tuple[Operation[C, A], ...]:
        return tuple(self._operation(entry[0]) for entry in undo)


def _unrolled(chain: _Chain) -> list[int]:
    entries = []
    while chain:
        entry, chain = chain
        entries.append(entry)
    return entries[::-1]
