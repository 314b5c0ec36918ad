"""A single register, and the public histories of it: what Jepsen recorded of etcd, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from stagecheck.linear import Answered, Operation, Specification

HISTORIES = Path(__file__).parent / "histories"
Value = int | None
Call = tuple[str, Value, Value]
"""`("read", None, None)`, `("write", v, None)` or `("cas", a, b)`."""
_LINE = re.compile(r"INFO  jepsen\.util - (\d+)\t:(\w+)\t:(\w+)\t(.*)")


class Register(Specification[Value, Call, "Value | bool"]):
    """Empty (None) in the beginning. A read answers the value, a write True, a cas whether it was done."""

    def initial(self) -> Iterable[Value]:
        return (None,)

    def step(self, state: Value, call: Call, answer: Value | bool | Answered) -> Iterator[Value]:
        what, first, second = call
        if what == "read":
            # True and 1 are equal in Python, and no value of a register is a bool.
            if answer is Answered.UNKNOWN or answer == state:
                yield state
        elif what == "write":
            yield first
        elif state == first:
            if answer is not False:
                yield second
        elif answer is not True:
            yield state


def read_history(path: Path) -> list[Operation[Call, Value | bool]]:
    """The operations of one file, on a scale of line numbers."""
    under_way: dict[str, tuple[Call, int]] = {}
    found: list[Operation[Call, Value | bool]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            continue
        process, kind, what, text = match.groups()
        if kind == "invoke":
            values = [None if word == "nil" else int(word) for word in text.strip("[]").split()]
            call = (what, values[0] if what != "read" else None, values[1] if what == "cas" else None)
            under_way[process] = call, number
            continue
        call, begin = under_way.pop(process)
        if kind == "info":
            found.append(Operation(process, call, Answered.UNKNOWN, begin, None))
            continue
        answer: Value | bool = kind == "ok"
        if what == "read":
            answer = None if text == "nil" else int(text)
        found.append(Operation(process, call, answer, begin, number))
    found += [Operation(who, call, Answered.UNKNOWN, begin, None) for who, (call, begin) in under_way.items()]
    return found
