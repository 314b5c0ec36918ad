"""What a document says of the answers of the contract's operations, property by property, as a run sees them.

Which types a schema allows is asked of the algebra, so that it does not matter how it says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from stagecheck.operations import OperationKey
from stagecheck.spec.diff.algebra import TYPES, Shape, Translator, types_of
from stagecheck.spec.diff.nodes import Inner, Way, alternatives, below, children, keyword, required, together, words_of
from stagecheck.spec.diff.operations import Operation, operations
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Place, Steps
from stagecheck.spec.reading import Source
from stagecheck.spec.schema import PointerError, is_json

_DEEPEST: Final = 8
_UNUSABLE: Final = (ValueError, AttributeError, TypeError, KeyError, PointerError)


@dataclass(frozen=True, slots=True)
class Told:
    """What a document says of one property: the types it may have, its format, whether it is always there."""

    types: frozenset[str]
    form: str | None
    always: bool
    place: Place

    @property
    def anything(self) -> bool:
        """Whether nothing is said of its type."""
        return len(self.types) == len(TYPES)

    @property
    def words(self) -> str:
        """In a few words."""
        kinds = [name for name in TYPES if name in self.types and not (name == "integer" and "number" in self.types)]
        text = "anything" if self.anything else " or ".join(sorted(kinds, key="null".__eq__)) or "nothing"
        form = f" ({self.form})" if self.form else ""
        return f"{text}{form}, {'required' if self.always else 'optional'}"

    def same(self, other: Told) -> bool:
        """Whether both say the same."""
        return (self.types, self.form, self.always) == (other.types, other.form, other.always)


@dataclass(frozen=True, slots=True)
class Answer:
    """One documented answer: its properties by their ways; those of maps by patterns."""

    properties: Mapping[str, Told] = field(default_factory=dict)

    def of(self, way: str) -> Told | None:
        """What is said of what a target has at ``way``."""
        if way in self.properties:
            return self.properties[way]
        maps = ((key, told) for key, told in self.properties.items() if ".*" in key)
        return next((told for key, told in maps if _pattern(key).fullmatch(way)), None)


def _pattern(way: str) -> re.Pattern[str]:
    return re.compile(re.escape(way).replace(r"\.\*", r"\.[^.\[]+"))


class Facts:
    """One document's answers to the contract's operations."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._view = View(source)
        self._operations = {one.key: one for one in operations(self._view).values() if one.key is not None}
        self._translator = Translator(source.raw, absent="writeOnly")
        self._known: dict[Steps, tuple[frozenset[str], str | None]] = {}

    def operation(self, key: OperationKey) -> Operation | None:
        """The operation, if the document has it."""
        return self._operations.get(key)

    def statuses(self, key: OperationKey) -> dict[str, Part]:
        """The answers that are described, by status, range, or ``DEFAULT``."""
        operation = self._operations.get(key)
        found = self._view.children(self._view.child(operation.part, "responses")) if operation else ()
        return {name.upper(): part for name, part in found}

    def answer(self, key: OperationKey, status: str) -> Answer | None:
        """What is said of the JSON of one answer; None where nothing is."""
        statuses = self.statuses(key)
        names = (status, f"{status[:1]}XX", "DEFAULT")
        part = next((statuses[name] for name in names if name in statuses), None)
        for name, media in self._view.children(self._view.child(part, "content")):
            schema = below(self._view, media, "schema") if is_json(name) else None
            if schema is not None:
                return Answer(dict(self._properties(schema, (), frozenset())))
        return None

    def _properties(self, schema: Part, way: Way, above: frozenset[Steps]) -> Iterator[tuple[str, Told]]:
        if len(way) >= _DEEPEST or schema.steps in above:
            return
        needed = required(self._view, schema)
        held = children(self._view, together(self._view, schema))
        any_of = children(self._view, alternatives(self._view, schema), "anyOf")
        for step, part in {**any_of, **held}.items():
            whole = (*way, step)
            always = isinstance(step, Inner) or step in needed
            types, form = self._kind(part)
            yield words_of(whole), Told(types, form, always, self.source.positions.place(part.steps))
            yield from self._properties(part, whole, above | {schema.steps})

    def _kind(self, part: Part) -> tuple[frozenset[str], str | None]:
        if part.steps not in self._known:
            form = keyword(self._view, part, "format")
            self._known[part.steps] = self._types(part), form if isinstance(form, str) else None
        return self._known[part.steps]

    def _types(self, part: Part) -> frozenset[str]:
        try:
            return types_of(Shape(self._translator.translated(part.value)))
        except _UNUSABLE:
            return frozenset(TYPES)
