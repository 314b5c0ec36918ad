"""Random pairs of schemas: a claim of a break is true by its witness, and where none is made none can be found.

Judged by a validator that shares nothing with the algebra.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kit.thinned import EVERYTHING
from stagecheck.spec.diff.nodes import Restriction, Sameness
from stagecheck.spec.diff.samples import values
from stagecheck.spec.diff.schemas import Difference, Schemas
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Positions, Spot
from stagecheck.spec.reading import Source

NAMES = ("a", "b", "c")
ATOMS: tuple[Any, ...] = ("x", "y", 1, 2, None, True)
SCALARS = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])}),
    st.fixed_dictionaries(
        {"enum": st.lists(st.sampled_from(["x", "y", 1, 2, None, True]), min_size=1, unique_by=repr)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("integer")}, optional={"minimum": st.integers(-3, 3), "maximum": st.integers(2, 9)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(2, 4),
            "format": st.sampled_from(["uuid", "date"]),
            "pattern": st.sampled_from(["^[a-z]*$", "^[a-m]+$", "x"]),
        },
    ),
    st.fixed_dictionaries({"type": st.lists(st.sampled_from(["string", "integer", "null"]), min_size=1, unique=True)}),
    st.just({}),
)


def wholes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)},
        optional={
            "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "minProperties": st.integers(0, 2),
        },
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={"minItems": st.integers(0, 2), "maxItems": st.integers(1, 3), "uniqueItems": st.booleans()},
    )
    several = st.lists(inner, min_size=1, max_size=3)
    combined = st.one_of(*(st.fixed_dictionaries({how: several}) for how in ("allOf", "anyOf", "oneOf")))
    return st.one_of(objects, arrays, combined)


SCHEMAS = st.recursive(SCALARS, wholes, max_leaves=6)


@st.composite
def edited(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas: the same but for one part, or with nothing in common."""
    old = draw(SCHEMAS)
    if draw(st.integers(0, 3)) == 0:
        return old, draw(SCHEMAS)
    return old, _edit(draw, old)


def _edit(draw: st.DrawFn, schema: Any) -> Any:
    if isinstance(schema, dict):
        for name in ("properties", "items", "allOf", "anyOf", "oneOf"):
            inner = schema.get(name)
            if inner and draw(st.booleans()):
                if isinstance(inner, list):
                    place = draw(st.integers(0, len(inner) - 1))
                    return {**schema, name: [*inner[:place], _edit(draw, inner[place]), *inner[place + 1 :]]}
                if name == "properties":
                    chosen = draw(st.sampled_from(sorted(inner)))
                    return {**schema, name: {**inner, chosen: _edit(draw, inner[chosen])}}
                return {**schema, name: _edit(draw, inner)}
        kept = {name: value for name, value in schema.items() if draw(st.integers(0, 4))}
        if kept != schema:
            return kept
    return draw(SCHEMAS)


def view_of(schema: Any) -> View:
    raw = {"openapi": "3.1.0", "components": {"schemas": {"It": schema}}}
    return View(Source(Path("it.yaml"), raw, Positions("", Spot(0))))


def compared(old: Any, new: Any) -> tuple[Schemas, tuple[Part, Part], tuple[Difference, ...]]:
    views = view_of(old), view_of(new)
    schemas = Schemas(*views, Sameness(*views), "writeOnly")
    parts = tuple(view.child(view.top(), "components", "schemas", "It") for view in views)
    assert parts[0] is not None
    assert parts[1] is not None
    return schemas, (parts[0], parts[1]), schemas.compare(parts[0], parts[1])


def allows(schema: Any, value: Any) -> bool:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return bool(jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(value))


OFTEN = settings(
    max_examples=4000 if EVERYTHING else 250,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not EVERYTHING,
)


@OFTEN
@given(edited())
def test_a_claim_is_true_by_its_witness(pair: tuple[Any, Any]) -> None:
    old, new = pair
    for found in compared(old, new)[2]:
        if found.what != "values":
            continue
        if found.forward.holds is False:
            event("breaks forward")
            assert (allows(old, found.forward.value), allows(new, found.forward.value)) == (True, False)
        if found.backward.holds is False:
            event("breaks backward")
            assert (allows(old, found.backward.value), allows(new, found.backward.value)) == (False, True)


@OFTEN
@given(edited())
def test_where_no_claim_is_made_nothing_is_found(pair: tuple[Any, Any]) -> None:
    """Of all candidates none is allowed by the one and refused by the other, but for what is only newly described."""
    old, new = pair
    schemas, parts, found = compared(old, new)
    told = [one for one in found if one.what in ("values", "removed")]
    ways = ((old, new, parts, False), (new, old, parts[::-1], True))
    for sender, receiver, (sent, taken), of_new in ways:
        if any((one.backward if of_new else one.forward).holds is not True for one in told):
            continue
        if of_new and any(one.what == "removed" for one in told):
            continue
        views = (schemas.new, schemas.old) if of_new else (schemas.old, schemas.new)
        restriction = Restriction(*views)
        more = restriction.of(sent, taken)
        beside = (more, restriction.definitions) if restriction.restricts else ({}, {})
        canonical = schemas.shape(sent.value, of_new=of_new, beside=beside).canonical
        assert canonical is not None
        hidden = {**more, "$defs": restriction.definitions} if restriction.restricts else {}
        event("no claim")
        for value in islice(values(canonical), 60):
            if allows(sender, value) and allows(hidden, value):
                assert allows(receiver, value), value


def test_a_schema_has_not_changed_by_being_written_twice() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"enum": ["x", 1]}}}}
    assert compared(schema, {"allOf": [schema, schema]})[2] == ()
