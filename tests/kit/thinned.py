"""Fewer of what is many: `make test` runs a part that is always the same, `make audit` and EVERYTHING=1 run all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

from stagecheck.audit.defect import alone

EVERYTHING = os.environ.get("EVERYTHING") == "1"


T = TypeVar("T")


def thinned(names: Iterable[T], every: int) -> list[T]:
    """Each `every`-th of them; all of them in an environment with EVERYTHING=1."""
    return list(names)[:: 1 if EVERYTHING else every]


def defects(every: int) -> list[str]:
    """Of the defects that one client meets each `every`-th, and the first aimed at each requirement, in their order."""
    first: dict[str, str] = {}
    register = alone()
    for name, defect in register.items():
        first.setdefault(defect.requirement, name)
    chosen = {*first.values(), *thinned(register, every)}
    return [name for name in register if name in chosen]
