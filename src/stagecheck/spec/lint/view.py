"""A document as the rules see it: its parts with where they stand, references followed, schemas flattened.

Knows OpenAPI's structure; knows nothing of the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import jsonschema_rs

from stagecheck.spec.lint.findings import RULES, Finding, Severity
from stagecheck.spec.positions import Place, Step, Steps, pointer, steps_of
from stagecheck.spec.reading import Source
from stagecheck.spec.schema import LONGEST_CHAIN, Compiler, PointerError, is_json, resolve, shorten

Way: TypeAlias = tuple[str | None, ...]
"""The way into a value that a schema describes: names of properties, None for any element of a list."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value of the document, and the steps that lead to where it is written."""

    steps: Steps
    value: Any

    def has(self, name: str) -> bool:
        """Whether it is a mapping with that member."""
        return isinstance(self.value, dict) and name in self.value


@dataclass(slots=True)
class View:
    """One document under examination; ``found`` is what was found so far."""

    source: Source
    found: list[Finding] = field(default_factory=list)
    _told: set[tuple[str, str, Place, str]] = field(default_factory=set)
    answers: Compiler = field(init=False)
    bodies: Compiler = field(init=False)

    def __post_init__(self) -> None:
        self.answers = Compiler(self.source.raw, absent="writeOnly")
        self.bodies = Compiler(self.source.raw, absent="readOnly")

    def top(self) -> Part:
        """The whole document."""
        return Part((), self.source.raw)

    def child(self, part: Part | None, *names: Step) -> Part | None:
        """What is below, with the references on the way followed; None where nothing is."""
        for name in names:
            if part is None:
                return None
            value = part.value
            below = isinstance(value, list) and isinstance(name, int) and name < len(value)
            if not (below or (isinstance(value, dict) and name in value)):
                return None
            part = self.followed(Part((*part.steps, name), value[name]))
        return part

    def children(self, part: Part | None) -> Iterator[tuple[str, Part]]:
        """The members of a mapping, or the elements of a list, references followed."""
        value = part.value if part else None
        names: list[Step] = list(value) if isinstance(value, dict) else []
        names = list(range(len(value))) if isinstance(value, list) else names
        for name in names:
            below = self.child(part, name)
            if below is not None:
                yield str(name), below

    def followed(self, part: Part) -> Part | None:
        """The part, or what its reference leads to; None where it leads nowhere."""
        steps, value = part.steps, part.value
        seen: set[str] = set()
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            reference = value["$ref"]
            if reference in seen or len(seen) >= LONGEST_CHAIN:
                return None
            seen.add(reference)
            try:
                value = resolve(self.source.raw, reference)
            except PointerError:
                return None
            steps = steps_of(reference[1:])
        return Part(steps, value)

    def flat(self, schema: Part | None, seen: set[Steps] | None = None) -> Iterator[Part]:
        """The schemas that hold together: this one, and what it combines by allOf or as the only one not null."""
        seen = set() if seen is None else seen
        if schema is None or not isinstance(schema.value, dict) or schema.steps in seen:
            return
        seen.add(schema.steps)
        yield schema
        for _, below in self.children(self.child(schema, "allOf")):
            yield from self.flat(below, seen)
        for keyword in ("anyOf", "oneOf"):
            others = [one for _, one in self.children(self.child(schema, keyword)) if not _is_null(one.value)]
            if len(others) == 1:
                yield from self.flat(others[0], seen)

    def described(self, schema: Part | None, way: Way) -> Part | None:
        """The schema that describes what ``way`` leads to; None where none is declared."""
        for step in way:
            below = None
            for one in self.flat(schema):
                below = self.child(one, "items") if step is None else self.child(one, "properties", step)
                if below is not None:
                    break
            schema = below
        return schema

    def compiled(self, schema: Part, way: Literal["answers", "bodies"]) -> jsonschema_rs.Validator | None:
        """The validator of a schema; None, and a finding, where it cannot be used."""
        compiler = self.answers if way == "answers" else self.bodies
        try:
            return compiler.compile(schema.value)
        except PointerError:
            # Told where the reference stands.
            return None
        except (ValueError, AttributeError, TypeError) as error:
            # The last two: a keyword whose value is of a wrong type, which is no schema either.
            if not any(finding.rule.id == "document-invalid" for finding in self.found):
                self.report("schema-unusable", schema, f"not a usable schema: {shorten(str(error))}")
            return None

    def media(self, described: Part | None) -> Part | None:
        """The JSON media type of a body or an answer."""
        for name, media in self.children(self.child(described, "content")):
            if is_json(name):
                return media
        return None

    def keyword(self, schema: Part | None, name: str) -> Part | None:
        """Where a schema has that keyword, wherever it takes it from."""
        return next((Part((*one.steps, name), one.value[name]) for one in self.flat(schema) if one.has(name)), None)

    def report(
        self,
        rule: str,
        part: Part | Steps,
        message: str,
        *,
        severity: Severity | None = None,
        mend: str | None = None,
        place: Place | None = None,
        about: str = "",
    ) -> None:
        """Add a finding; of one rule and one place once, but for what it is about where that stands nowhere."""
        steps = part.steps if isinstance(part, Part) else part
        known = RULES[rule]
        where = place or self.source.positions.place(steps)
        key = (rule, pointer(steps), where, about)
        if key not in self._told:
            self._told.add(key)
            severity = severity or known.severity
            self.found.append(Finding(known, severity, message, pointer(steps), where, mend or known.mend))


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"
