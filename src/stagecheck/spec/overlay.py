"""OpenAPI Overlay 1.0: a list of actions that add to a document or remove from it, carried out one after the other.

Source: the Overlay Specification 1.0.0. Targets are JSONPath queries (RFC 9535). Where the specification says no more
than that values are merged, its later edition is followed: lists within an update are joined to those that are there.

The only module that imports the JSONPath library. Nothing here knows the contract.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stagecheck.errors import SpecError
from stagecheck.spec.positions import Steps
from stagecheck.spec.reading import Source, read
from stagecheck.spec.schema import shorten

MOST_NODES: Final = 100_000
"""Nodes that one target may select."""
_VERSION: Final = re.compile(r"1\.0\.\d+")
_KNOWN: Final = {
    "overlay": frozenset({"overlay", "info", "extends", "actions"}),
    "info": frozenset({"title", "version"}),
    "action": frozenset({"target", "description", "update", "remove"}),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One change: what ``target`` selects is removed, or else ``update`` is merged into it (or appended to it)."""

    target: str
    update: Any
    remove: bool
    steps: Steps


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A checked overlay document."""

    source: Source
    title: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What came out, and how many nodes each action changed."""

    raw: dict[str, Any]
    changed: tuple[int, ...]


def load_overlay(path: Path) -> Overlay:
    """Read an overlay document. Raises ``SpecError`` with the place and the mend."""
    source = read(path)
    raw = source.raw
    version = raw.get("overlay")
    if version is None:
        raise _wrong(source, (), "not an overlay (no `overlay` at the top)", "name an Overlay 1.0 document")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise _wrong(source, ("overlay",), f"Overlay {version} is not understood", "write 1.0.0")
    _only(source, (), raw, "overlay")
    info = raw.get("info")
    if not isinstance(info, dict):
        raise _wrong(source, ("info",), "info is no mapping", "give it a title and a version")
    _only(source, ("info",), info, "info")
    for name in ("title", "version"):
        if not isinstance(info.get(name), str):
            raise _wrong(source, ("info", name), f"info has no {name}", "write one, as a text")
    if not isinstance(raw.get("extends", ""), str):
        raise _wrong(source, ("extends",), "extends is no text", "write the URI of the document it is for")
    actions = raw.get("actions")
    if not isinstance(actions, list) or not actions:
        raise _wrong(source, ("actions",), "actions is no list, or an empty one", "write at least one action")
    return Overlay(source, info["title"], tuple(_action(source, at, one) for at, one in enumerate(actions)))


def apply(overlay: Overlay, document: Mapping[str, Any]) -> Applied:
    """A new document with the actions carried out in order; each sees what the one before it left.

    Raises ``SpecError`` with the place in the overlay: a target that selects what is neither an object nor a list,
    or an update that does not fit what it selects.
    """
    # Written out, so that what YAML repeats by an alias is changed in one place alone.
    raw: dict[str, Any] = json.loads(json.dumps(document))
    changed = []
    for action in overlay.actions:
        nodes = _selected(overlay.source, action, raw)
        for where in nodes:
            if action.remove:
                _remove(overlay.source, action, raw, where)
            elif "update" in overlay.source.raw["actions"][action.steps[1]]:
                _update(overlay.source, action, _at(raw, where))
        changed.append(len(nodes))
    return Applied(raw, tuple(changed))


def unmatched(overlay: Overlay, applied: Applied) -> Iterator[str]:
    """The actions that changed nothing, one sentence each: a target with a slip in it says nothing otherwise."""
    for action, changed in zip(overlay.actions, applied.changed, strict=True):
        if not changed:
            place = overlay.source.positions.place((*action.steps, "target"))
            yield f"{overlay.source.path}:{place}: {action.target} selects nothing"


# ---------------------------------------------------------------------- reading


def _wrong(source: Source, steps: Steps, what: str, mend: str) -> SpecError:
    return SpecError(f"{source.path}:{source.positions.place(steps)}: {what}; {mend}")


def _only(source: Source, steps: Steps, value: Mapping[str, Any], kind: str) -> None:
    for name in value:
        if name not in _KNOWN[kind] and not name.startswith("x-"):
            known = ", ".join(sorted(_KNOWN[kind]))
            raise _wrong(source, (*steps, name), f"unknown {shorten(name, 40)}", f"known are {known}, and x-…")


def _action(source: Source, at: int, raw: Any) -> Action:
    steps: Steps = ("actions", at)
    if not isinstance(raw, dict):
        raise _wrong(source, steps, "an action is a mapping", "give it a target, and update or remove")
    _only(source, steps, raw, "action")
    target = raw.get("target")
    if not isinstance(target, str) or not target.startswith("$"):
        raise _wrong(source, (*steps, "target"), "target is no JSONPath", "write one that begins with $")
    if not isinstance(raw.get("remove", False), bool):
        raise _wrong(source, (*steps, "remove"), "remove is neither true nor false", "write true, or leave it out")
    _compiled(source, steps, target)
    return Action(target, raw.get("update"), raw.get("remove", False), steps)


def _compiled(source: Source, steps: Steps, target: str) -> Any:
    # Imported here for its cost (a tenth of a second), which only a strict run has to pay.
    import jsonpath_rfc9535  # noqa: PLC0415

    try:
        return jsonpath_rfc9535.compile(target)
    except (jsonpath_rfc9535.JSONPathError, RecursionError) as error:
        reason = shorten(str(error).split("\n", maxsplit=1)[0])
        mend = "correct it; a name with a hyphen is written ['x-name']"
        raise _wrong(source, (*steps, "target"), f"not a JSONPath of RFC 9535 ({reason})", mend) from None


# ---------------------------------------------------------------------- carrying out


def _selected(source: Source, action: Action, raw: dict[str, Any]) -> list[Steps]:
    """Where the nodes are, each once; what lies deeper, or later in a list, first."""
    import jsonpath_rfc9535  # noqa: PLC0415

    query = _compiled(source, action.steps, action.target)
    where: dict[Steps, None] = {}
    steps = (*action.steps, "target")
    try:
        for number, node in enumerate(query.finditer(raw)):
            if number >= MOST_NODES:
                raise _wrong(source, steps, f"{action.target} selects more than {MOST_NODES:,} nodes", "select fewer")
            where[tuple(node.location)] = None
            if not isinstance(node.value, dict | list):
                what = f"{action.target} selects {shorten(json.dumps(node.value), 40)}, neither an object nor a list"
                raise _wrong(source, steps, what, "select what contains it")
    except (jsonpath_rfc9535.JSONPathError, RecursionError) as error:
        raise _wrong(source, steps, f"{action.target}: {shorten(str(error))}", "write a simpler target") from None
    return sorted(where, key=lambda one: [(isinstance(step, str), step) for step in one], reverse=True)


def _at(raw: Any, where: Steps) -> Any:
    for step in where:
        raw = raw[step]
    return raw


def _remove(source: Source, action: Action, raw: dict[str, Any], where: Steps) -> None:
    if not where:
        raise _wrong(source, (*action.steps, "target"), "the whole document would be removed", "select a part of it")
    holder = _at(raw, where[:-1])
    del holder[where[-1]]


def _update(source: Source, action: Action, node: Any) -> None:
    if isinstance(node, list):
        node.append(copy.deepcopy(action.update))
    elif isinstance(action.update, dict):
        _merge(node, action.update)
    else:
        what = f"{action.target} selects an object, and update is none"
        raise _wrong(source, (*action.steps, "update"), what, "write a mapping of what to merge into it")


def _merge(node: dict[str, Any], update: Mapping[str, Any]) -> None:
    for name, value in update.items():
        there = node.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            _merge(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            there.extend(copy.deepcopy(value))
        else:
            node[name] = copy.deepcopy(value)
