"""From a schema of an OpenAPI document to a compiled validator, and from its errors to short sentences.

Knows OpenAPI's dialects and ``jsonschema_rs``; knows nothing of operations or statuses. Everything is
translated to JSON Schema 2020-12, so that one validator class serves OpenAPI 3.0, 3.1 and 3.2:

- ``nullable`` (3.0) becomes a union with null;
- boolean ``exclusiveMinimum``/``exclusiveMaximum`` (3.0) become the bounds themselves;
- siblings of a ``$ref`` count for nothing in 3.0, and count from 3.1 on;
- a property that travels the other way only (``readOnly``, ``writeOnly``) is not required this way;
- of the formats, ``uuid`` and ``date-time`` are asserted. The contract promises no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ASSERTED_FORMATS: Final = frozenset({"uuid", "date-time"})
LONGEST_VALUE: Final = 60
LONGEST_SENTENCE: Final = 160
MOST_PROBLEMS: Final = 20
LONGEST_CHAIN: Final = 100
"""References that lead to one another before something is reached."""

_ONE: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"dependentSchemas", "patternProperties", "properties"})
# Taken over as they stand. Everything else is annotation, or a vendor's extension.
_PLAIN: Final = frozenset(
    {
        "const",
        "dependentRequired",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "required",
        "type",
        "uniqueItems",
    }
)
_ARTICLES: Final = {
    "array": "an array",
    "boolean": "a boolean",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


class PointerError(Exception):
    """A ``$ref`` that leads nowhere, or out of the document."""


def resolve(document: Mapping[str, Any], reference: str) -> Any:
    """What the local ``reference`` (``#/components/…``) points to. Raises ``PointerError``."""
    if not reference.startswith("#/"):
        raise PointerError(f"$ref {reference!r} leaves the document; bundle everything into one file")
    here: Any = document
    for token in reference[2:].split("/"):
        name = unquote(token).replace("~1", "/").replace("~0", "~")
        try:
            here = here[int(name)] if isinstance(here, list) else here[name]
        except (KeyError, IndexError, TypeError, ValueError):
            raise PointerError(f"$ref {reference!r} points to nothing; correct or remove it") from None
    return here


def follow(document: Mapping[str, Any], value: Any) -> Any:
    """``value``, or what its ``$ref`` leads to in the end. Raises ``PointerError``, also for a circle."""
    seen: set[str] = set()
    while isinstance(value, dict) and isinstance(value.get("$ref"), str):
        reference = value["$ref"]
        if reference in seen:
            raise PointerError(f"$ref {reference!r} leads back to itself; point it to something")
        if len(seen) >= LONGEST_CHAIN:
            raise PointerError(f"$ref {reference!r} is the end of {LONGEST_CHAIN} others; point to the thing itself")
        seen.add(reference)
        value = resolve(document, reference)
    return value


def is_json(media_type: str) -> bool:
    """Whether a media type of a document stands for JSON."""
    kind = media_type.split(";", maxsplit=1)[0].strip().lower()
    return kind in ("application/json", "application/*", "*/*") or kind.endswith("+json")


class _Names(dict[str, str]):
    """Short names for references, in the order in which they were met."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def name(self, reference: str) -> str:
        """The name of that reference, a new one for one that is new."""
        if reference not in self:
            self[reference] = str(len(self))
            self.order.append(reference)
        return self[reference]


class Compiler:
    """Compiles schemas of one document; ``absent`` names the properties that do not travel this way.

    ``absent`` is ``"writeOnly"`` for answers and ``"readOnly"`` for requests. ``converted`` counts the schemas that
    were translated so far.
    """

    def __init__(self, document: Mapping[str, Any], *, absent: str) -> None:
        self._document = document
        self._absent = absent
        self.converted = 0
        self._is_30 = str(document.get("openapi", "")).startswith("3.0")

    def compile(self, schema: object) -> jsonschema_rs.Validator:
        """A validator for ``schema``. Raises ``PointerError``, or ``ValueError`` for what is no schema."""
        try:
            return jsonschema_rs.Draft202012Validator(self.translated(schema), validate_formats=True, offline=True)
        except jsonschema_rs.ValidationError as error:
            raise ValueError(f"{_place(error.instance_path)}: {shorten(error.message)}") from None

    def translated(self, schema: object) -> dict[str, Any]:
        """``schema`` as one of JSON Schema 2020-12 that stands by itself. Raises as ``compile`` does."""
        names = _Names()
        root = self._convert(schema, names)
        definitions: dict[str, Any] = {}
        while len(definitions) < len(names.order):
            # Converting one target may meet further references, which join the end.
            reference = names.order[len(definitions)]
            definitions[names[reference]] = self._convert(resolve(self._document, reference), names)
        return {"allOf": [root], "$defs": definitions}

    def _convert(self, schema: object, names: _Names) -> Any:
        self.converted += 1
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise ValueError(f"{_shown(schema)} is not a schema")  # noqa: TRY004  (callers catch one kind)
        result: dict[str, Any] = {}
        if "$ref" in schema:
            follow(self._document, schema)
            result["$ref"] = "#/$defs/" + names.name(str(schema["$ref"]))
            if self._is_30:
                return result
        for keyword, value in schema.items():
            if keyword in _PLAIN or (keyword == "format" and self._counts(value)):
                result[keyword] = value
            elif keyword in _ONE:
                result[keyword] = self._convert(value, names)
            elif keyword in _MANY:
                result[keyword] = [self._convert(item, names) for item in value]
            elif keyword in _NAMED:
                result[keyword] = {name: self._convert(item, names) for name, item in value.items()}
        self._drop_absent(result, schema)
        return _as_2020(result, schema) if self._is_30 else result

    def _counts(self, name: object) -> bool:
        """Whether a format is asserted."""
        return name in ASSERTED_FORMATS

    def _drop_absent(self, result: dict[str, Any], schema: Mapping[str, Any]) -> None:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or "required" not in result:
            return
        result["required"] = [
            name
            for name in result["required"]
            if not (isinstance(properties.get(name), dict) and properties[name].get(self._absent) is True)
        ]


def _as_2020(result: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenAPI 3.0 says otherwise than JSON Schema 2020-12."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = result.get(exclusive)
        if isinstance(flag, bool):
            del result[exclusive]
            if flag and bound in result:
                result[exclusive] = result.pop(bound)
    if schema.get("nullable") is not True:
        return result
    if isinstance(result.get("type"), str) and not _MANY & result.keys():
        result["type"] = [result["type"], "null"]
        if "enum" in result and None not in result["enum"]:
            result["enum"] = [*result["enum"], None]
        return result
    # `nullable` beside `allOf` is the common way to write a nullable reference. Literally it allows no null.
    return {"anyOf": [result, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a payload: a sentence, where, and the keyword of the schema that it breaks.

    ``path`` leads there, ``*`` for any element of an array. ``keyword`` is None for what has no simple form.
    """

    sentence: str
    path: tuple[str, ...] = ()
    keyword: str | None = None
    value: Any = None


def problems(validator: jsonschema_rs.Validator, payload: Any) -> list[str]:
    """What is wrong with ``payload`` (a value of ``json.loads``), one short sentence each; valid: none."""
    found = list(dict.fromkeys(flaw.sentence for flaw in flaws(validator, payload)))
    if len(found) > MOST_PROBLEMS:
        found[MOST_PROBLEMS:] = [f"… and {len(found) - MOST_PROBLEMS} more"]
    return found


def flaws(validator: jsonschema_rs.Validator, payload: Any) -> list[Flaw]:
    """What is wrong with ``payload``, in the order of the validator; valid: none."""
    try:
        if validator.is_valid(payload):
            return []
    except UnicodeEncodeError:
        # JSON may spell a lone surrogate (RFC 8259, 8.2), which no UTF-8 text can hold.
        return flaws(validator, _without_surrogates(payload))
    return [flaw for error in validator.iter_errors(payload) for flaw in _flaws(error)]


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def _flaws(error: jsonschema_rs.ValidationError) -> Iterator[Flaw]:
    kind = error.kind
    place = _place(error.instance_path)
    path = tuple("*" if isinstance(step, int) else step for step in error.instance_path)
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        missing = _place([*error.instance_path, kind.property])
        yield Flaw(f"{missing} is missing", path, "required", kind.property)
    elif isinstance(kind, jsonschema_rs.ValidationErrorKind.Type):
        types = sorted(kind.types, key="null".__eq__)
        wanted = " or ".join(_ARTICLES.get(name, name) for name in types)
        yield Flaw(f"{place}: {_shown(error.instance)} is not {wanted}", path, "type", types)
    elif isinstance(kind, jsonschema_rs.ValidationErrorKind.Format):
        yield Flaw(f"{place}: {_shown(error.instance)} is not a {kind.format}", path, "format", kind.format)
    elif isinstance(kind, jsonschema_rs.ValidationErrorKind.AnyOf) and len(kind.context) == 2:
        # Our own union with null: what the other branch says is what the reader wants to know.
        for inner in kind.context[0]:
            yield from _flaws(inner)
    else:
        yield Flaw(f"{place}: {shorten(error.message)}")


def _place(path: Sequence[str | int]) -> str:
    if not path:
        return "the answer"
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower().replace("none", "null")
    return shorten(repr(value), LONGEST_VALUE)


def shorten(text: str, longest: int = LONGEST_SENTENCE) -> str:
    """``text`` on one line of at most ``longest`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
