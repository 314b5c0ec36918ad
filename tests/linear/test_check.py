"""The checker against itself: what was made from an order has one, what was spoilt has none, and trying all agrees."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linear.register import Call, Register, Value
from stagecheck.linear import Answered, Budget, Operation, Outcome, Part, Specification, check, smallest

Op = Operation[Call, "Value | bool"]
VALUES = (1, 2, 3)
NEVER_WRITTEN = 9


def sequential_run(rng: random.Random, length: int) -> list[tuple[Call, Value | bool]]:
    """Calls and what a register answers to them one after another."""
    state: Value = None
    run: list[tuple[Call, Value | bool]] = []
    for _ in range(length):
        what = rng.choice(("read", "write", "cas"))
        first, second = rng.choice(VALUES), rng.choice(VALUES)
        if what == "read":
            run.append((("read", None, None), state))
        elif what == "write":
            run.append((("write", first, None), True))
            state = first
        else:
            done = state == first
            run.append((("cas", first, second), done))
            state = second if done else state
    return run


def stretched(rng: random.Random, run: Sequence[tuple[Call, Value | bool]], *, lost: float = 0.0) -> list[Op]:
    """Each operation takes its effect at its place in the run, and its interval is stretched around that."""
    history: list[Op] = []
    for moment, (call, answer) in enumerate(run):
        begin, end = moment - rng.random() * 3, moment + rng.random() * 3
        if rng.random() < lost:
            history.append(Operation(moment, call, Answered.UNKNOWN, begin, None))
        else:
            history.append(Operation(moment, call, answer, begin, end))
    rng.shuffle(history)
    return history


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60), st.sampled_from((0.0, 0.2)))
def test_a_history_made_from_an_order_is_accepted_and_the_order_told_explains_it(
    rng: random.Random, length: int, lost: float
) -> None:
    history = stretched(rng, sequential_run(rng, length), lost=lost)
    verdict = check(history, Register())
    assert verdict.outcome is Outcome.YES
    assert explains(verdict.order, history)


def explains(order: Sequence[Op], history: Sequence[Op]) -> bool:
    """Whether an order holds every operation that returned, respects their times, and a register answers so in it."""
    if {id(one) for one in history if one.end is not None} - {id(one) for one in order}:
        return False
    states: set[Value] = {None}
    for place, one in enumerate(order):
        if any(later.end is not None and later.end < one.begin for later in order[place:]):
            return False
        states = {new for state in states for new in Register().step(state, one.call, one.answer)}
    return bool(states)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_with_one_answer_that_cannot_be_it_is_rejected(rng: random.Random, length: int) -> None:
    run = [*sequential_run(rng, length), (("read", None, None), None)]
    spoilt = rng.choice([place for place, (call, _) in enumerate(run) if call[0] == "read"])
    run[spoilt] = (run[spoilt][0], NEVER_WRITTEN)
    history = stretched(rng, run)
    verdict = check(history, Register())
    assert verdict.outcome is Outcome.NO
    core = smallest(history, Register())
    assert [one.answer for one in core.operations] == [NEVER_WRITTEN]
    assert core.wrong is core.operations[0]


def brute_force(history: Sequence[Op]) -> bool:
    """Whether any order of any choice of the operations that never returned, with all others, explains the history."""
    returned = [one for one in history if one.end is not None]
    lost = [one for one in history if one.end is None]
    return any(
        explains(order, history)
        for chosen in range(2 ** len(lost))
        for order in permutations([*returned, *(one for bit, one in enumerate(lost) if chosen >> bit & 1)])
    )


def random_history(rng: random.Random) -> list[Op]:
    """Up to six operations with answers that may be or not be, one or two of them lost."""
    history: list[Op] = []
    for number in range(rng.randint(1, 6)):
        what = rng.choice(("read", "read", "write", "cas"))
        first, second = rng.choice(VALUES[:2]), rng.choice(VALUES[:2])
        call: Call = (what, None if what == "read" else first, second if what == "cas" else None)
        answer: Value | bool = rng.choice((None, *VALUES[:2])) if what == "read" else True
        begin = rng.randint(0, 8)
        end = None if rng.random() < 0.15 else begin + rng.randint(0, 6)
        if what == "cas" and rng.random() < 0.4:
            answer = False
        history.append(Operation(number, call, answer if end is not None else Answered.UNKNOWN, begin, end))
    return history


def test_trying_every_order_agrees_on_small_histories() -> None:
    rng = random.Random(1)
    seen = {Outcome.YES: 0, Outcome.NO: 0}
    for number in range(2000):
        history = random_history(rng)
        outcome = check(history, Register()).outcome
        assert (outcome is Outcome.YES) == brute_force(history), (number, history)
        seen[outcome] += 1
    assert min(seen.values()) > 400, "both kinds have to come up"


def test_what_is_left_of_a_history_cannot_be_explained_whatever_the_others_did() -> None:
    rng = random.Random(2)
    cores = 0
    for _ in range(300):
        history = random_history(rng)
        if check(history, Register()).outcome is not Outcome.NO:
            continue
        core = smallest(history, Register())
        cores += 1
        kept = {id(one) for one in core.operations}
        vague = [one if id(one) in kept else replace(one, answer=Answered.UNKNOWN, end=None) for one in history]
        assert not brute_force(vague)
        for left_out in core.operations:
            fewer = [repeating(one) if id(one) not in kept or one is left_out else one for one in history]
            assert check(fewer, Register()).outcome is Outcome.YES, "nothing more could have been left out"
    assert cores > 50


def repeating(operation: Op) -> Op:
    return replace(operation, answer=Answered.UNKNOWN, end=None, repeats=True)


def test_what_repeats_explains_again_and_again_what_one_time_explains_once() -> None:
    write, other, read = ("write", 1, None), ("write", 2, None), ("read", None, None)
    lost: Op = Operation("a", write, Answered.UNKNOWN, 0, None)
    later: list[Op] = [
        Operation("b", read, 1, 1, 2),
        Operation("b", other, True, 3, 4),
        Operation("b", read, 1, 5, 6),
    ]
    assert check([lost, *later], Register()).outcome is Outcome.NO
    assert check([repeating(lost), *later], Register()).outcome is Outcome.YES
    with pytest.raises(ValueError, match="cannot repeat"):
        check([replace(later[0], repeats=True)], Register())


def test_the_budget_ends_a_search_with_unknown_and_never_with_no() -> None:
    run = sequential_run(random.Random(3), 200)
    history = stretched(random.Random(4), run)
    assert check(history, Register(), Budget(states=50)).outcome is Outcome.UNKNOWN
    assert check(history, Register(), Budget(seconds=0)).outcome in (Outcome.UNKNOWN, Outcome.YES)
    spoilt: list[Op] = [*history, Operation("x", ("read", None, None), NEVER_WRITTEN, 500, 501)]
    assert check(spoilt, Register(), Budget(states=50)).outcome is Outcome.UNKNOWN
    assert check(spoilt, Register()).outcome is Outcome.NO


def test_a_search_says_what_it_never_got_past() -> None:
    write, read = ("write", 1, None), ("read", None, None)
    history: list[Op] = [Operation("a", write, True, 0, 1), Operation("b", read, None, 2, 3)]
    verdict = check(history, Register())
    assert (verdict.outcome, verdict.blocked, verdict.order) == (Outcome.NO, history[1], (history[0],))


@pytest.mark.parametrize(("begin", "end"), [(2, 1), (float("nan"), 3), (0, float("inf"))])
def test_an_operation_has_to_have_its_moments(begin: float, end: float) -> None:
    never: Op = Operation("a", ("read", None, None), None, begin, end)
    with pytest.raises(ValueError, match="operation 0"):
        check([never], Register())


def test_an_empty_history_has_an_order() -> None:
    empty: list[Op] = []
    assert check(empty, Register()).outcome is Outcome.YES


def test_a_clock_that_is_too_coarse_rules_no_order_out() -> None:
    history: list[Op] = [
        Operation("a", ("read", None, None), 1, 5, 5),
        Operation("b", ("write", 1, None), True, 5, 5),
    ]
    assert check(history, Register()).outcome is Outcome.YES


class Coin(Specification[str, str, str]):
    """Tossed, it shows either side, and stays so; nobody knows how it lies before."""

    def initial(self) -> Iterator[str]:
        yield from ("heads", "tails")

    def step(self, state: str, call: str, answer: str | Answered) -> Iterator[str]:
        for side in ("heads", "tails") if call == "toss" else (state,):
            if answer in (side, Answered.UNKNOWN):
                yield side


def test_choices_are_kept_as_worlds_and_ruled_out_by_answers() -> None:
    def seen(*answers: str | Answered) -> list[Operation[str, str]]:
        calls = ("look", "toss", "look", "look")[: len(answers)]
        return [
            Operation("a", call, answer, 2 * at, 2 * at + 1)
            for at, (call, answer) in enumerate(zip(calls, answers, strict=True))
        ]

    assert check(seen("tails", Answered.UNKNOWN, "heads", "heads"), Coin()).outcome is Outcome.YES
    assert check(seen("tails", Answered.UNKNOWN, "heads", "tails"), Coin()).outcome is Outcome.NO
    assert check(seen("tails", "tails", "heads"), Coin()).outcome is Outcome.NO


class Registers(Specification[Value, "tuple[str, Call]", "Value | bool"]):
    """Several registers by name, each a part of its own."""

    def initial(self) -> Iterator[Value]:
        yield None

    def step(self, state: Value, call: tuple[str, Call], answer: Value | bool | Answered) -> Iterator[Value]:
        yield from Register().step(state, call[1], answer)

    def parts(
        self, history: Sequence[Operation[tuple[str, Call], Value | bool]]
    ) -> Iterator[Part[Value, tuple[str, Call], Value | bool]]:
        for name in sorted({one.call[0] for one in history}):
            yield Part(name, tuple(one for one in history if one.call[0] == name), self)


def test_parts_are_judged_apart_and_one_that_has_no_order_is_named() -> None:
    def on(name: str, call: Call, answer: Value | bool, at: float) -> Operation[tuple[str, Call], Value | bool]:
        return Operation("a", (name, call), answer, at, at + 0.5)

    write, read = ("write", 1, None), ("read", None, None)
    history = [on("x", write, True, 0), on("y", read, None, 1), on("x", read, 1, 2)]
    assert check(history, Registers()).outcome is Outcome.YES
    verdict = check([*history, on("y", read, 1, 3)], Registers())
    assert (verdict.outcome, verdict.part) == (Outcome.NO, "y")
