"""Whether one schema takes whatever another lets pass: asked of the algebra, and shown by a value.

``jsonschema_rs`` decides. What it cannot decide is looked for: a value that the one takes and the other refuses, held
against both by a validator. Found, it is a proof; not found, nothing is known, and that is what is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from stagecheck.spec.diff.samples import matching, values
from stagecheck.spec.schema import Compiler

MOST_TRIED: Final = 600
"""Values that are tried of one schema before nothing is known."""
_SMALL: Final = 8_000
"""Characters of a schema."""
_BITS: Final = {"int32": 31, "int64": 63}
_HINTS: Final = frozenset({"password", *_BITS})
"""Formats that allow no other values, or say so by their bounds here."""
_TEXT_ONLY: Final = frozenset({"enum", "const", "format", "pattern", "minLength", "maxLength"})
_Failure: Final = (jsonschema_rs.canonical.CanonicalizationError, jsonschema_rs.ValidationError, ValueError)


class Translator(Compiler):
    """The same for comparing: every format counts, known or not; ``int32`` and ``int64`` are bounds.

    Of a property that does not travel this way nothing is asked.
    ``textual``: of a parameter, which is text on the wire, so that any text takes every number, too.
    """

    def __init__(self, document: dict[str, Any], *, absent: str, textual: bool = False) -> None:
        super().__init__(document, absent=absent)
        self._textual = textual

    def _counts(self, name: object) -> bool:
        return isinstance(name, str) and name not in _HINTS

    def _convert(self, schema: object, names: Any) -> Any:
        result = super()._convert(self._travelling(schema), names)
        if not isinstance(schema, dict) or not isinstance(result, dict):
            return result
        bits = _BITS.get(str(schema.get("format")))
        if bits and schema.get("type") in ("integer", ["integer", "null"]) and "$ref" not in result:
            bound = {"minimum": -(2**bits), "maximum": 2**bits - 1}
            return {"allOf": [result, {"anyOf": [bound | {"type": "integer"}, {"type": "null"}]}]}
        if self._textual and result.get("type") == "string" and not _TEXT_ONLY & result.keys():
            result["type"] = ["string", "number", "boolean"]
        return result

    def _travelling(self, schema: object) -> object:
        if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
            return schema
        others = {name for name, one in schema["properties"].items() if stays(one, self._absent)}
        if not others:
            return schema
        properties = {name: name in others or one for name, one in schema["properties"].items()}
        required = schema.get("required")
        listed = [name for name in required if name not in others] if isinstance(required, list) else []
        return {**schema, "properties": properties, "required": listed}


def stays(schema: Any, absent: str) -> bool:
    """Whether a property does not travel this way; ``absent`` as in ``Compiler``."""
    return isinstance(schema, dict) and schema.get(absent) is True


@dataclass(frozen=True, eq=False)
class Shape:
    """A schema of JSON Schema 2020-12, to be asked what it takes."""

    schema: Any

    @cached_property
    def canonical(self) -> jsonschema_rs.CanonicalSchema | None:
        """Its canonical form; None where there is none."""
        try:
            return jsonschema_rs.canonicalize(
                self.schema, draft=jsonschema_rs.Draft202012, validate_formats=True, offline=True
            )
        except _Failure:
            return None

    @cached_property
    def is_small(self) -> bool:
        """Whether the algebra can be asked for a difference: its time grows faster than what it is asked about."""
        return len(json.dumps(self.schema)) <= _SMALL

    @cached_property
    def _validator(self) -> jsonschema_rs.Validator | None:
        try:
            return jsonschema_rs.Draft202012Validator(self.schema, validate_formats=True, offline=True)
        except _Failure:
            return None

    def takes(self, value: Any) -> bool | None:
        """Whether it allows a value; None where that cannot be said."""
        try:
            return None if self._validator is None else bool(self._validator.is_valid(value))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all that is sent is taken. ``holds``: None where nobody knows; if not, ``value`` is one that is not."""

    holds: bool | None
    value: Any = None


HOLDS: Final = Verdict(holds=True)
UNKNOWN: Final = Verdict(holds=None)


def covered(sent: Shape, taken: Shape) -> bool:
    """Whether the algebra proves that all that is sent is taken."""
    if sent.canonical is None or taken.canonical is None:
        return bool(sent.schema == taken.schema)
    try:
        contained = taken.canonical.covers(sent.canonical)
    except _Failure:
        return False
    return bool(contained == jsonschema_rs.canonical.Containment.YES)


_NO_INTEGER: Final = {"type": "number", "not": {"multipleOf": 1}}
TYPES: Final[dict[str, Shape]] = {
    name: Shape(_NO_INTEGER if name == "number" else {"type": name})
    for name in ("null", "boolean", "integer", "number", "string", "array", "object")
}
"""The types of JSON; of numbers, ``number`` are those that are no integers."""


def types_of(shape: Shape) -> frozenset[str]:
    """The types of the values that a schema allows; where nobody knows, it may be any."""
    if shape.canonical is None:
        return frozenset(TYPES)
    return frozenset(name for name, kind in TYPES.items() if _meets(shape.canonical, kind))


def _meets(canonical: jsonschema_rs.CanonicalSchema, kind: Shape) -> bool:
    if kind.canonical is None:
        return True
    try:
        both = canonical.intersect(kind.canonical)
    except (jsonschema_rs.canonical.UnsupportedOperand, jsonschema_rs.canonical.UnsupportedResult):
        return True
    return bool(both.satisfiability() != jsonschema_rs.canonical.Satisfiability.NO)


def find(sent: Shape, taken: Shape) -> Iterator[Verdict]:
    """Values that are sent and not taken, the most exact first."""
    if sent.canonical is None:
        return
    rest = sent.canonical
    if taken.canonical is not None and sent.is_small and taken.is_small:
        with suppress(*_Failure):
            rest = sent.canonical.subtract(taken.canonical)
    for schema in (rest, sent.canonical):
        for value in islice(values(schema), MOST_TRIED):
            if shows(value, sent, taken):
                yield Verdict(holds=False, value=value)
    text = matching(rest, lambda value: shows(value, sent, taken))
    if text is not None:
        yield Verdict(holds=False, value=text)


def shows(value: Any, sent: Shape, taken: Shape) -> bool:
    """Whether a value is one that is sent and not taken."""
    return sent.takes(value) is True and taken.takes(value) is False
