"""One mock with two seeded defects, made by inheritance: each hook of the one calls that of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from stagecheck.audit.defect import Defect
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.requests import Attach
from stagecheck.model.state import Placement


def combined(first: Defect, second: Defect) -> list[type[Mock]]:
    """Mocks with both defects, one for each order in which both are asked; none where one would hide the other."""
    return [*_combined(first.mock, second.mock), *_combined(second.mock, first.mock)]


def _combined(one: type[Mock], other: type[Mock]) -> Iterator[type[Mock]]:
    hidden = _hidden(one, other)
    if hidden is None or hidden - {"placed"} or _share_names(one, other):
        return
    hooks: dict[str, Any] = {"placed": _placed_by(one, other)} if hidden else {}
    yield type(f"{one.__name__}{other.__name__}", (one, other), {"__doc__": "Two defects at once.", **hooks})


def _placed_by(one: Any, other: Any) -> Callable[[Mock, Attach, Placement, Placement], Placement]:
    """Where a service goes when both have a say: the one decides after the other has taken its turn."""

    def placed(self: Mock, request: Attach, was: Placement, right: Placement) -> Placement:
        chosen: Placement = one.placed(self, request, was, other.placed(self, request, was, right))
        return chosen

    return placed


def _hidden(one: type[Mock], other: type[Mock]) -> set[str] | None:
    """The hooks by which one of the two would never be asked, if `one` stands first; None where it cannot stand so."""
    try:
        order = type("Both", (one, other), {}).__mro__
    except TypeError:
        return None
    sides = {**dict.fromkeys(_own(one, other), one), **dict.fromkeys(_own(other, one), other)}
    hidden: set[str] = set()
    for name in {name for kind in sides for name in vars(kind) if name == "__init__" or not name.startswith("__")}:
        ended: set[type[Mock]] = set()
        for kind in (kind for kind in order if kind in sides and name in vars(kind)):
            if ended - {sides[kind]}:
                hidden.add(name)
            if not _asks_the_next(vars(kind)[name], name):
                ended.add(sides[kind])
    return hidden


def _own(one: type[Mock], other: type[Mock]) -> set[type]:
    return set(one.__mro__) - set(other.__mro__)


def _asks_the_next(hook: object, name: str) -> bool:
    """Whether a method calls the one of the same name that stands behind it."""
    return isinstance(hook, FunctionType) and {"super", name} <= set(hook.__code__.co_names)


def _share_names(one: type[Mock], other: type[Mock]) -> bool:
    """Whether both keep something of their own under one name, or the one keeps what the other has as a method."""
    common = next(kind for kind in one.__mro__ if issubclass(other, kind))
    known = set(vars(common(embedded())))
    kept, also_kept = (set(vars(kind(embedded()))) - known for kind in (one, other))
    methods, also_methods = (
        {name for part in _own(*both) for name in vars(part)} for both in ((one, other), (other, one))
    )
    return bool(kept & (also_kept | also_methods) or also_kept & methods)
