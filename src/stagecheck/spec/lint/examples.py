"""Examples and defaults that do not fit their own schema, wherever the contract's operations have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from stagecheck.spec.lint.probes import flaws_of
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Steps

Way = Literal["answers", "bodies"]
MOST_CONVERTED: Final = 200_000
"""Schemas that are translated for the examples of one document; each example needs all that its schema reaches."""


def check_examples(view: View, part: Part) -> None:
    """Those of an operation's parameters, body and answers, and of the schemas below them."""
    seen: set[tuple[Steps, Way]] = set()
    item = view.child(view.top(), *part.steps[:-1])
    for owner in (item, part):
        for _, parameter in view.children(view.child(owner, "parameters")):
            _media(view, parameter, "bodies", seen)
    for _, media in view.children(view.child(part, "requestBody", "content")):
        _media(view, media, "bodies", seen)
    for _, response in view.children(view.child(part, "responses")):
        for _, media in view.children(view.child(response, "content")):
            _media(view, media, "answers", seen)


def _media(view: View, media: Part, way: Way, seen: set[tuple[Steps, Way]]) -> None:
    """A Media Type or a Parameter Object: its examples, and its schema with everything below."""
    schema = view.child(media, "schema")
    if schema is None:
        return
    values = [*_own(media, ("example",)), *_named(view, media)]
    _fit(view, schema, values, way)
    for inner in _schemas(view, schema, way, seen):
        _fit(view, inner, list(_own(inner, ("example", "default"))), way)
        if inner.has("examples") and isinstance(inner.value["examples"], list):
            listed = inner.value["examples"]
            _fit(view, inner, [Part((*inner.steps, "examples", at), one) for at, one in enumerate(listed)], way)


def _own(part: Part, names: tuple[str, ...]) -> Iterator[Part]:
    for name in names:
        if part.has(name):
            yield Part((*part.steps, name), part.value[name])


def _named(view: View, media: Part) -> Iterator[Part]:
    for _, example in view.children(view.child(media, "examples")):
        yield from _own(example, ("value",))


def _schemas(view: View, schema: Part, way: Way, seen: set[tuple[Steps, Way]]) -> Iterator[Part]:
    """The schema and all below it, each once."""
    pending = [schema]
    while pending:
        one = pending.pop()
        if (one.steps, way) in seen or not isinstance(one.value, dict):
            continue
        seen.add((one.steps, way))
        yield one
        for keyword in ("properties", "allOf", "anyOf", "oneOf", "prefixItems"):
            pending += [below for _, below in view.children(view.child(one, keyword))]
        for keyword in ("items", "additionalProperties", "not"):
            below = view.child(one, keyword)
            pending += [below] if below is not None else []


def _fit(view: View, schema: Part, values: list[Part], way: Way) -> None:
    if not values:
        return
    if view.answers.converted + view.bodies.converted > MOST_CONVERTED:
        view.report(
            "document-unvalidated", (), "too many examples of large schemas: not all were checked", about="examples"
        )
        return
    compiled = view.compiled(schema, way)
    if compiled is None:
        return
    for value in values:
        for flaw in flaws_of(compiled, value.value):
            where = Part((*value.steps, *flaw.path), None)
            view.report("example-invalid", where, f"the example does not fit its schema: {flaw.sentence}")
