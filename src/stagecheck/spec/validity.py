"""Whether a document is valid OpenAPI, by a maintained validator that is kept from fetching anything.

The only module that imports ``openapi_spec_validator``, which takes a quarter of a second. Structure is judged by the
schema that it carries, and what no schema can say by its own rules.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from stagecheck.spec.positions import Step, Steps
from stagecheck.spec.schema import LONGEST_SENTENCE, PointerError, follow

_QUOTED: Final = re.compile(r"'([^']+)'")
_MOST_PATHS: Final = 100_000
_MOST_SCHEMAS: Final = 60_000
_MOST_FLAWS: Final = 100
_DEEPEST: Final = 300
_IN_PLACE: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})
"""Keywords whose schemas are held against the same value."""
_COLLECTED: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "items"})
_DATA: Final = frozenset({"example", "value", "default", "enum", "const"})
"""Members whose value is data: a ``$ref`` in it is no reference."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """One thing that is not valid, and where."""

    steps: Steps
    message: str


def references(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Every ``$ref`` of a document, with where it stands."""
    if isinstance(value, dict):
        named = bool(steps) and steps[-1] in ("properties", "patternProperties", "schemas", "examples", "$defs")
        for name, item in value.items():
            if name == "$ref" and isinstance(item, str):
                yield (*steps, name), item
            elif named or not (name in _DATA or name.startswith("x-")):
                yield from references(item, (*steps, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from references(item, (*steps, position))


def loose(raw: dict[str, Any]) -> Iterator[tuple[Steps, PointerError]]:
    """The references that lead out of the document, to nothing, or in a circle that contains nothing else."""
    for steps, reference in references(raw):
        try:
            follow(raw, {"$ref": reference})
        except PointerError as error:
            yield steps, error


def invalid(raw: dict[str, Any]) -> Iterator[Invalid]:
    """What is not valid in a document whose references are sound (see ``loose``), of a version that is known."""
    # Imported here for its cost, which a run on the packaged fragment need not pay.
    from openapi_spec_validator import shortcuts  # noqa: PLC0415

    known = shortcuts.get_validator_cls(raw)
    found: list[Invalid] = []
    schema: Any = known.schema_validator.schema
    structure = jsonschema_rs.validator_for(dict(schema), offline=True)
    for error in islice(structure.iter_errors(raw), _MOST_FLAWS):
        exact = _exact(error)
        found.append(Invalid(tuple(exact.instance_path), _short(exact.message)))
    if multiplies(raw):
        found.append(Invalid((), f"its schemas refer to one another in more than {_MOST_PATHS:,} ways"))
    elif not too_large(raw):
        found += _meaning(raw, known, sound=not found)
    exact_ones = {flaw.steps for flaw in found}
    yield from (flaw for flaw in found if not flaw.steps or not _is_vague(flaw.steps, exact_ones))


def too_large(raw: dict[str, Any]) -> bool:
    """Whether what no schema can say is left out: the validator's time for it grows with the square of the document.

    Nor does it see the end of an array of itself below an allOf.
    """
    schemas = sum(1 for value in _mappings(raw) if value.keys() & {"type", "properties", "allOf", "anyOf", "oneOf"})
    return schemas > _MOST_SCHEMAS or _ways(raw, frozenset({"allOf"}), _COLLECTED) > _MOST_PATHS


def _meaning(raw: dict[str, Any], known: Any, *, sound: bool) -> list[Invalid]:
    """What the structure does not show: ids that are not unique, parameters that are not declared, wrong defaults."""
    # Without handlers nothing can be fetched, whatever a reference says.
    offline = type("Offline", (known,), {"resolver_handlers": {}})(raw)
    found: list[Invalid] = []
    try:
        for error in islice(offline.root_validator(offline.schema_path), _MOST_FLAWS):
            steps = tuple(error.absolute_path)
            message = error.message
            found.append(Invalid(_anchored(raw, steps, error.instance) or _told(raw, message), _short(message)))
    except Exception as error:  # noqa: BLE001  (on odd documents errors of its own escape too)
        if sound:
            found.append(Invalid((), _short(f"{type(error).__name__}: {error}")))
    return found


def _exact(error: jsonschema_rs.ValidationError) -> jsonschema_rs.ValidationError:
    """The error behind "not valid under any of the schemas": of the alternative that came furthest."""
    context = getattr(error.kind, "context", None)
    inner = [one for branch in context or () for one in branch]
    if not inner:
        return error
    return _exact(max(inner, key=lambda one: (len(one.instance_path), "$ref" not in one.message)))


def _is_vague(steps: Steps, others: set[Steps]) -> bool:
    """Whether something below is named as well, which is then what is wrong."""
    return any(len(other) > len(steps) and other[: len(steps)] == steps for other in others)


def multiplies(raw: dict[str, Any]) -> bool:
    """Whether one value would have to be held against more than ``_MOST_PATHS`` schemas, or against them for ever."""
    return _ways(raw, _IN_PLACE, _IN_PLACE) > _MOST_PATHS


def _ways(raw: dict[str, Any], roots: frozenset[str], keywords: frozenset[str]) -> int:
    """The most ways there are from a schema that has one of ``roots``, along ``keywords`` and references."""
    known: dict[int, int] = {}

    def ways(schema: Any, depth: int) -> int:
        if not isinstance(schema, dict):
            return 1
        if depth > _DEEPEST:
            return _MOST_PATHS + 1
        if id(schema) not in known:
            # Until it is known: whoever comes back here goes round for ever.
            known[id(schema)] = _MOST_PATHS + 1
            whole = follow(raw, schema)
            if whole is schema:
                below = [one for name in keywords & schema.keys() for one in _schemas_of(schema[name])]
                known[id(schema)] = 1 + sum(ways(one, depth + 1) for one in below)
            else:
                known[id(schema)] = ways(whole, depth + 1)
        return known[id(schema)]

    return max((ways(schema, 0) for schema in _mappings(raw) if roots & schema.keys()), default=0)


def _schemas_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mappings(raw: Any) -> Iterator[dict[str, Any]]:
    pending = [raw]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _anchored(raw: dict[str, Any], steps: Steps, instance: Any) -> Steps:
    """The whole way to an error whose path begins at some schema; ``()`` where it has none."""
    if not steps:
        return ()
    pending: deque[tuple[Steps, Any]] = deque([((), raw)])
    while pending:
        where, value = pending.popleft()
        if _at(value, steps) == (instance,):
            return (*where, *steps)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        pending += [((*where, name), item) for name, item in items]
    return ()


def _at(value: Any, steps: Steps) -> tuple[Any] | tuple[()]:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ()
    return (value,)


def _told(raw: dict[str, Any], message: str) -> Steps:
    """Where an error is that has no path but names a path of the API and a method."""
    steps: list[Step] = []
    paths = raw.get("paths")
    words = _QUOTED.findall(message)
    for word in words:
        if isinstance(paths, dict) and isinstance(paths.get(word), dict):
            steps = ["paths", word, *[other for other in words if other in paths[word]][:1]]
    return tuple(steps)


def _short(message: str) -> str:
    """One line. A long one begins with the whole value that is wrong; what is wrong with it stands at the end."""
    line = message.strip().split("\n", maxsplit=1)[0]
    return line if len(line) <= LONGEST_SENTENCE else f"… {line[-80:]}"
