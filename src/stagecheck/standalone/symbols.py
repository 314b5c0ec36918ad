"""Symbols for the ids of a target: `{stage:A}`, `{service:1}`, `{second.stage}`; `{stage:A~}` in the other case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stagecheck.standalone.secrets import respelled

SYMBOL = re.compile(r"\{([a-z.]+(?::[A-Z0-9]+)?)(~?)\}")


def filled(text: str, ids: Mapping[str, str]) -> str:
    """A text with every symbol in braces replaced by its id. Raises KeyError naming the symbol that has none."""

    def put(match: re.Match[str]) -> str:
        identifier = ids[match.group(1)]
        return respelled(identifier) if match.group(2) else identifier

    return SYMBOL.sub(put, text)


def filled_inside(value: Any, ids: Mapping[str, str]) -> Any:
    """The same for every text of a JSON value."""
    if isinstance(value, str):
        return filled(value, ids)
    if isinstance(value, Mapping):
        return {key: filled_inside(entry, ids) for key, entry in value.items()}
    return [filled_inside(entry, ids) for entry in value] if isinstance(value, list) else value
