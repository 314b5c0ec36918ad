"""What is checked and what comes of it: operations on one scale of time, a specification, a verdict. Values only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
C = TypeVar("C", bound=Hashable)
A = TypeVar("A", bound=Hashable)


class Answered(StrEnum):
    """What stands for an answer that is not known."""

    UNKNOWN = "unknown"
    """None came, or one that says nothing: whatever the operation may answer is possible."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[C, A]):
    """One operation of one client: what was asked, what was answered, and when, on any scale that all share.

    `end` None: it never returned. Then it may take effect at any moment after `begin`, or never. `answer` UNKNOWN with
    an `end`: it took effect in between, and any answer would do. `repeats`: it never returned, and may take effect any
    number of times.
    """

    client: Hashable
    call: C
    answer: A | Answered
    begin: float
    end: float | None
    repeats: bool = False


class Specification(ABC, Generic[S, C, A]):
    """What operations do to a state, one after another. States, calls and answers are compared by `==` and hashed."""

    @abstractmethod
    def initial(self) -> Iterable[S]:
        """The states that may hold in the beginning; usually one."""

    @abstractmethod
    def step(self, state: S, call: C, answer: A | Answered) -> Iterable[S]:
        """Every state that may hold after the call was answered so; none where it cannot have been answered so.

        It must not depend on anything else: what it says is remembered.
        """

    def parts(self, history: Sequence[Operation[C, A]]) -> Iterable[Part[S, C, A]]:
        """Histories that may be judged apart, because no operation of one says anything of another's state.

        A history is linearizable if and only if all its parts are (the property is local). One part unless overridden.
        """
        yield Part("", tuple(history), self)


@dataclass(frozen=True, slots=True)
class Part(Generic[S, C, A]):
    """A history that is judged by itself, with a name for reports."""

    name: str
    history: tuple[Operation[C, A], ...]
    specification: Specification[S, C, A]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a check may cost: `states` tried (a configuration and one next operation), and `seconds`."""

    states: int = 20_000_000
    seconds: float = 60.0


class Outcome(StrEnum):
    """Whether some order explains a history."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """The budget ended before it was settled."""


@dataclass(frozen=True, slots=True)
class Verdict(Generic[C, A]):
    """What a check says. `states`: how many were tried; `seconds`: how long it took.

    `order`: of YES, one order that explains the history, part by part. `blocked`: of NO, the operation that the search
    could never get past; `part`: the name of the part that has no order, or that the budget ended in.
    """

    outcome: Outcome
    states: int
    seconds: float
    order: tuple[Operation[C, A], ...] = ()
    blocked: Operation[C, A] | None = None
    part: str = ""
