"""Values that a canonical schema takes, or nearly: typical ones first, then each different in one thing.

They are candidates and no proof; whoever needs one that is valid holds them against a validator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain, islice, zip_longest
from typing import Any, Final

from jsonschema_rs import CanonicalSchema
from jsonschema_rs import canonical as forms

from stagecheck.spec.diff.nodes import Inner, Way

DEEPEST: Final = 12
_EACH: Final = 12
"""Values of one part that are put into a whole."""
_ANY: Final[tuple[Any, ...]] = ("x", 1, True, None, {}, [], 0.5, "", False, -1, "7", {"x-unknown": 1}, [1, 1])
_TYPICAL: Final[dict[str, tuple[Any, ...]]] = {
    "string": ("x", "", "abc"),
    "integer": (1, 0, -1, 7),
    "number": (0.5, 1, 0, -1.5),
    "boolean": (True, False),
    "null": (None,),
    "array": ([], ["x"], [1], [{}]),
    "object": ({}, {"x-unknown": 1}),
}
_FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "uuid": ("3c90c3cc-0d44-4b50-8888-8dd25736052a",),
    "date-time": ("2023-11-07T05:31:56Z",),
    "date": ("2023-11-07",),
    "time": ("05:31:56Z",),
    "duration": ("P1D",),
    "email": ("a@example.com",),
    "idn-email": ("a@example.com",),
    "hostname": ("example.com",),
    "idn-hostname": ("example.com",),
    "ipv4": ("192.0.2.1",),
    "ipv6": ("2001:db8::1",),
    "uri": ("https://example.com/a",),
    "uri-reference": ("/a",),
    "iri": ("https://example.com/a",),
    "iri-reference": ("/a",),
    "uri-template": ("/a/{b}",),
    "json-pointer": ("/a",),
    "relative-json-pointer": ("1/a",),
    "regex": ("a+",),
}
_MATCHES: Final = 100
"""Texts of a pattern that are tried."""


def values(schema: CanonicalSchema, depth: int = 0) -> Iterator[Any]:
    """Candidates for a schema."""
    if depth > DEEPEST:
        return
    view = schema.view()
    match view:
        case forms.StringView():
            yield from _strings(view)
        case forms.IntegerView() | forms.NumberView():
            yield from _numbers(view)
        case forms.ArrayView():
            yield from _arrays(view, depth)
        case forms.ObjectView():
            yield from _objects(view, depth)
        case forms.ReferenceView():
            target = schema.definition(view.uri)
            if target is not None:
                yield from values(target, depth + 1)
        case _:
            yield from _of_several(view, depth)


def _of_several(view: forms.CanonicalViewType, depth: int) -> Iterator[Any]:
    match view:
        case forms.ConstView():
            yield view.value
        case forms.EnumView():
            yield from view.values
        case forms.MultiTypeView():
            yield from _mixed([iter(_TYPICAL[name]) for name in view.types])
        case forms.TypedGroupView():
            yield from values(view.body, depth + 1)
        case forms.AnyOfView() | forms.OneOfView() | forms.AllOfView():
            yield from _mixed([values(one, depth + 1) for one in view.branches])
        case forms.FalseView():
            return
        case _:
            yield from _ANY


def _mixed(sources: list[Iterator[Any]]) -> Iterator[Any]:
    """One of each in turn."""
    nothing = object()
    for each in zip_longest(*sources, fillvalue=nothing):
        yield from (value for value in each if value is not nothing)


def _first(schema: CanonicalSchema | None, depth: int) -> list[Any]:
    """The likeliest value, alone or not at all."""
    return [1] if schema is None else list(islice(values(schema, depth + 1), 1))


def _strings(view: forms.StringView) -> Iterator[str]:
    shortest, longest = view.min_length or 0, view.max_length
    for name in view.formats:
        yield from _FORMATS.get(name, ())
    # What is no uuid may well be a date.
    known = chain(_TYPICAL["string"], *(_FORMATS[name] for name in ("uuid", "date-time", "date")), ("7", "true"))
    for text in known:
        if len(text) >= shortest and (longest is None or len(text) <= longest):
            yield text
    if shortest <= 100_000:
        yield "x" * shortest
        yield "x" * (shortest + 1)
    if longest is not None and longest <= 100_000:
        yield "x" * longest


def _numbers(view: forms.IntegerView | forms.NumberView) -> Iterator[Any]:
    least, most = view.minimum, view.maximum
    steps = [step for step in view.multiple_of if step] or [1]
    bounds = [bound for bound in (least, most) if bound is not None]
    for bound in bounds:
        yield from (_plain(bound + by) for by in (0, 1, -1))
    whole = not isinstance(view, forms.IntegerView)
    for base in (0, 1, -1, *((0.5, -0.5, 1.5) if whole else ())):
        yield _plain(base)
        yield from (_plain(base * step) for step in steps)
    if whole and bounds:
        yield from (float(bound) + by / 2 for bound in bounds for by in (1, -1))


def _plain(number: Any) -> Any:
    """A number that JSON has; a whole one as an integer."""
    if isinstance(number, int):
        return number
    return int(number) if number == int(number) else float(number)


def _arrays(view: forms.ArrayView, depth: int) -> Iterator[list[Any]]:
    least = view.min_items or 0
    most = least + 2 if view.max_items is None else view.max_items
    begun = [_first(one, depth) for one in view.prefix_items]
    if least > 50 or not all(begun):
        return
    prefix = [one[0] for one in begun]
    fill = list(islice(values(view.items, depth + 1), _EACH)) if view.items is not None else ["x", 1, None]
    needed: list[Any] = []
    for contained in view.contains:
        both = _both(contained.schema, view.items)
        needed += _first(both, depth) * (1 if contained.min_contains is None else contained.min_contains)
    for length in dict.fromkeys((max(least, len(needed)), least, least + 1, most, most + 1)):
        whole = (needed + fill[:1] * length if not prefix else prefix + fill[:1] * length)[: max(length, len(needed))]
        if len(whole) == length:
            yield whole
    for one in fill:
        for length in (max(least, 1), max(least, 2)):
            yield [one] * length
    distinct = _different(fill)
    for length in dict.fromkeys((max(least, 2), least, most + 1)):
        if 1 < length <= len(distinct):
            yield distinct[:length]


def _different(some: list[Any]) -> list[Any]:
    """The same without repetition; as JSON has it, where 1 and 1.0 are one and 1 and true are two."""
    return list({json.dumps(one, sort_keys=True): one for one in some}.values())


def _both(one: CanonicalSchema, other: CanonicalSchema | None) -> CanonicalSchema:
    if other is None:
        return one
    try:
        return one.intersect(other)
    except forms.CanonicalizationError:
        return one


def _objects(view: forms.ObjectView, depth: int) -> Iterator[dict[str, Any]]:
    more = view.additional_properties
    least: dict[str, Any] = {}
    for name in view.required:
        value = _first(view.properties.get(name, more), depth)
        if not value:
            return
        least[name] = value[0]
    wanting = min(view.min_properties or 0, 50)
    for name, one in view.properties.items():
        if len(least) < wanting and name not in least:
            least.update((name, value) for value in _first(one, depth))
    for position in range(wanting - len(least)):
        least.update((f"x-{position}", value) for value in _first(more, depth))
    yield least
    parts = {name: list(islice(values(one, depth + 1), _EACH)) for name, one in view.properties.items()}
    full = {**least, **{name: some[0] for name, some in parts.items() if some and name not in least}}
    yield full
    for name, some in parts.items():
        yield from ({**least, name: value} for value in some)
    # What nobody describes, and what breaks a rule about names or about the values of names.
    unknown = list(islice(values(more, depth + 1), 3)) if more is not None else [1]
    for name in ("x-unknown", "", "X", *_names(view, depth)):
        yield from ({**least, name: value} for value in unknown)
    yield {**least, **{f"x-{position}": unknown[0] for position in range(3)}} if unknown else least
    for each in view.violations:
        if isinstance(each, forms.NameFailsView):
            yield from ({**least, str(name): 1} for name in ("x-unknown", "1", ""))
        else:
            wrong = each.additional if isinstance(each, forms.UndeclaredValueFailsView) else each.schema
            name = "x-unknown" if isinstance(each, forms.UndeclaredValueFailsView) else each.pattern.strip("^$")
            yield from ({**least, name: value} for value in _refused(wrong))


def _names(view: forms.ObjectView, depth: int) -> Iterator[str]:
    if view.property_names is not None:
        yield from (one for one in islice(values(view.property_names, depth + 1), 3) if isinstance(one, str))
    yield from (pattern.strip("^$") for pattern in view.pattern_properties)


def _refused(schema: CanonicalSchema) -> Iterator[Any]:
    try:
        yield from islice(values(schema.negate()), 5)
    except forms.CanonicalizationError:
        yield from _ANY


def holding(schema: CanonicalSchema, way: Way, value: Any, depth: int = 0) -> Iterator[Any]:
    """Wholes that have ``value`` at the end of ``way``, and as little as possible besides."""
    if not way:
        yield value
        return
    if depth > 4 * DEEPEST:
        return
    view = schema.view()
    match view:
        case forms.TypedGroupView():
            yield from holding(view.body, way, value, depth + 1)
        case forms.AnyOfView() | forms.OneOfView() | forms.AllOfView():
            for one in view.branches:
                yield from holding(one, way, value, depth + 1)
        case forms.ReferenceView():
            target = schema.definition(view.uri)
            if target is not None:
                yield from holding(target, way, value, depth + 1)
        case forms.ArrayView():
            if way[0] is Inner.ELEMENT:
                yield from _among(view, way, value, depth)
        case forms.ObjectView():
            yield from _held(view, way, value, depth)
        case forms.TrueView() | forms.MultiTypeView():
            yield _bare(way, value)
        case _:
            return


def _among(view: forms.ArrayView, way: Way, value: Any, depth: int) -> Iterator[list[Any]]:
    """Arrays with the value in their first element, and as many others as there have to be."""
    wholes = [_bare(way[1:], value)] if view.items is None else holding(view.items, way[1:], value, depth + 1)
    others = list(islice(values(view.items, depth + 1), _EACH)) if view.items is not None else list(_ANY)
    more = max(0, (view.min_items or 1) - 1)
    for inner in wholes:
        yield [inner] * (more + 1)
        if more:
            yield [inner, *_different([one for one in others if one != inner])[:more]]


def _held(view: forms.ObjectView, way: Way, value: Any, depth: int) -> Iterator[Any]:
    step = way[0]
    name = "x-unknown" if step is Inner.VALUE else step
    child = view.additional_properties if step is Inner.VALUE else view.properties.get(str(name))
    if isinstance(name, Inner):
        return
    for inner in [_bare(way[1:], value)] if child is None else holding(child, way[1:], value, depth + 1):
        for whole in islice(_objects(view, depth), 2):
            yield {**whole, name: inner}


def _bare(way: Way, value: Any) -> Any:
    """The value at the end of a way of which nothing is asked."""
    for step in reversed(way):
        value = [value] if step is Inner.ELEMENT else {"x-unknown" if step is Inner.VALUE else str(step): value}
    return value


def matching(schema: CanonicalSchema, wanted: Callable[[Any], bool]) -> Any:
    """A text of the patterns of a schema that is wanted; None where none is found."""
    view = schema.view()
    patterns = [*view.patterns, *view.excluded_patterns] if isinstance(view, forms.StringView) else []
    if not patterns:
        return None
    # Imported here for its cost: few documents come as far.
    from stagecheck.spec.diff.patterns import text_of  # noqa: PLC0415

    found = (text_of(pattern, wanted, _MATCHES) for pattern in patterns)
    return next((text for text in found if text is not None), None)
