"""The labelled pairs of `diff_corpus/`: made from one document and a table of edits."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent / "diff_corpus"
BASE = yaml.safe_load((HERE / "base.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two documents, and the changes that have to be found between them."""

    name: str
    old: dict[str, Any]
    new: dict[str, Any]
    labels: list[str]


def pairs() -> list[Pair]:
    entries = yaml.safe_load((HERE / "pairs.yaml").read_text(encoding="utf-8"))
    return [_pair(entry) for entry in entries]


def _pair(entry: dict[str, Any]) -> Pair:
    old = copy.deepcopy(BASE)
    edit(old, entry.get("before", {}))
    new = copy.deepcopy(old)
    edit(new, entry)
    return Pair(entry["name"], old, new, sorted(entry["is"]))


def edit(document: Any, how: dict[str, Any]) -> None:
    """Carry out an edit: what is copied first, then what is removed, then what is set."""
    for origin, target in how.get("copy", {}).items():
        holder, name = _reach(document, origin)
        value = copy.deepcopy(holder[name])
        holder, name = _reach(document, target)
        holder[name] = value
    for pointer in how.get("remove", []):
        holder, name = _reach(document, pointer)
        del holder[name]
    for pointer, value in how.get("set", {}).items():
        holder, name = _reach(document, pointer)
        if name == "-":
            holder.append(copy.deepcopy(value))
        else:
            holder[name] = copy.deepcopy(value)


def _reach(document: Any, pointer: str) -> tuple[Any, Any]:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in steps[:-1]:
        document = document[int(step) if isinstance(document, list) else step]
    last: Any = steps[-1]
    return document, int(last) if isinstance(document, list) and last != "-" else last
