"""Values that a schema has to take, and values that it has to refuse, tried on its compiled form.

What a schema means is asked of a validator and not read out of its keywords, so that it does not matter how it says
it: allOf, a reference, an enumeration. Knows JSON Schema; knows nothing of documents or the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from stagecheck.spec.schema import shorten


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value is refused: where in the value, by which keyword, in words."""

    path: tuple[str | int, ...]
    keyword: str
    sentence: str
    missing: str | None = None


def takes(validator: jsonschema_rs.Validator, value: Any) -> bool:
    """Whether the schema allows the value."""
    return validator.is_valid(value)


def flaws_of(validator: jsonschema_rs.Validator, value: Any) -> Iterator[Refusal]:
    """Why the schema refuses the value; nothing if it takes it."""
    for error in validator.iter_errors(value):
        yield from _refusals(error)


def _refusals(error: jsonschema_rs.ValidationError) -> Iterator[Refusal]:
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AnyOf) and len(kind.context) == 2:
        # Most likely a union with null: what the other branch says is what the reader wants to know.
        for inner in kind.context[0]:
            yield from _refusals(inner)
        return
    missing = kind.property if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required) else None
    names = [str(step) for step in error.schema_path]
    keyword = next((name for name in reversed(names) if not name.isdecimal()), "schema")
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.FalseSchema):
        keyword = "schema"
    yield Refusal(tuple(error.instance_path), keyword, shorten(error.message), missing)
