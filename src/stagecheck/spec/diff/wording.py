"""A schema and a value in a few words, for a line that people read."""

from __future__ import annotations

import json
from typing import Any, Final

from stagecheck.spec.diff.nodes import keyword
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.schema import shorten

_LONGEST: Final = 90
_BOUNDS: Final = (
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("multipleOf", "in steps of {}"),
    ("minLength", "at least {} long"),
    ("maxLength", "at most {} long"),
    ("pattern", "like {}"),
    ("minItems", "at least {} elements"),
    ("maxItems", "at most {} elements"),
    ("minProperties", "at least {} properties"),
    ("maxProperties", "at most {} properties"),
)


def shown(value: Any) -> str:
    """A value as JSON, on one line, not too long."""
    return shorten(json.dumps(value, ensure_ascii=False), _LONGEST)


def short(view: View, part: Part) -> str:
    """What a schema allows, roughly: its type, its values, its bounds."""
    kinds = keyword(view, part, "type")
    named = [str(kind) for kind in kinds] if isinstance(kinds, list) else [str(kinds)] if kinds else []
    if keyword(view, part, "nullable") is True and "null" not in named:
        named.append("null")
    words = " or ".join(named) or "anything"
    values = keyword(view, part, "enum")
    if isinstance(values, list):
        words = "one of " + ", ".join(str(value) if isinstance(value, str) else shown(value) for value in values)
        words += " or null" if "null" in named and None not in values else ""
    constant = view.keyword(part, "const")
    if constant is not None:
        words = f"only {shown(constant.value)}"
    form = keyword(view, part, "format")
    if isinstance(form, str):
        words += f" ({form})"
    for name, text in _BOUNDS:
        bound = keyword(view, part, name)
        if bound is not None and not isinstance(bound, bool):
            words += f", {text.format(bound)}"
    for name in ("oneOf", "anyOf"):
        several = keyword(view, part, name)
        if isinstance(several, list) and set(named) <= {"null", "object"} and values is None:
            words = f"one of {len(several)} alternatives{' or null' if 'null' in named else ''}"
    return shorten(words, _LONGEST)


def listed(old: tuple[View, Part], new: tuple[View, Part]) -> str | None:
    """Which values came to an enumeration and which went; None where it is not that alone."""
    values = [keyword(view, part, "enum") for view, part in (old, new)]
    beside = [[keyword(view, part, name) for name in ("type", "nullable")] for view, part in (old, new)]
    if not all(isinstance(one, list) for one in values) or beside[0] != beside[1]:
        return None
    before, after = ([one if isinstance(one, str) else shown(one) for one in each] for each in values)
    gone, fresh = [one for one in before if one not in after], [one for one in after if one not in before]
    said = [f"{words} {', '.join(some)}" for words, some in (("no longer", gone), ("now also", fresh)) if some]
    return shorten("; ".join(said), 2 * _LONGEST) or None
