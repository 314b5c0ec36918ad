"""Two schemas of one place, in the old document and in the new: where they differ, and whom that breaks.

Whether they differ is asked of the algebra. The walk only finds out where: it compares what a schema says by itself,
with all that lies below left open, and goes on to what lies below. What is proved of each is proved of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, Final, TypeAlias

from stagecheck.spec.diff.algebra import (
    HOLDS,
    UNKNOWN,
    Shape,
    Translator,
    Verdict,
    covered,
    find,
    shows,
    stays,
    types_of,
)
from stagecheck.spec.diff.nodes import (
    Children,
    Inner,
    Restriction,
    Sameness,
    Way,
    alternatives,
    children,
    is_closed,
    keyword,
    names,
    pairs,
    required,
    shell,
    together,
)
from stagecheck.spec.diff.samples import holding, values
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Steps
from stagecheck.spec.schema import PointerError, shorten

_MOST_EMBEDDED: Final = 20
_DEEPEST: Final = 40


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two schemas differ. ``what``: ``values``, ``added``, ``removed``, ``default``.

    ``forward``: whether all that the old one allows is allowed by the new one; ``backward`` the reverse. Their values
    are whole ones, of the schemas that were to be compared. Of a name that is ``removed`` ``forward`` has a value that
    carries it; of a ``default`` one that lacks it.
    """

    what: str
    way: Way
    old: Part
    new: Part
    forward: Verdict = HOLDS
    backward: Verdict = HOLDS
    required: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


class Unusable(Exception):
    """What stands where a schema should is none."""


@dataclass(slots=True)
class Schemas:
    """Compares schemas that travel one way: ``absent`` as in ``Compiler``, ``textual`` for parameters."""

    old: View
    new: View
    same: Sameness
    absent: str
    textual: bool = False
    _translators: dict[tuple[bool, bool], Translator] = field(default_factory=dict)
    met: dict[tuple[Steps, Steps, bool], tuple[Difference, ...]] = field(default_factory=dict)
    """Pairs that were compared, wherever they stood."""

    def compare(self, old: Part, new: Part) -> tuple[Difference, ...]:
        """The differences, in the order of the old schema. Raises ``Unusable``."""
        return tuple(_Walk(self, old, new).differences())

    def shape(
        self, raw: Any, *, of_new: bool, beside: tuple[Any, dict[str, Any]] = ({}, {}), taken: bool = False
    ) -> Shape:
        """A schema of one of the documents, with another beside it and that one's definitions.

        ``taken``: of whoever reads, to whom a number in a text is a text as well.
        """
        textual = self.textual and taken
        if (of_new, textual) not in self._translators:
            document = (self.new if of_new else self.old).source.raw
            self._translators[of_new, textual] = Translator(document, absent=self.absent, textual=textual)
        try:
            translated = self._translators[of_new, textual].translated(raw)
        except (ValueError, AttributeError, TypeError, PointerError) as error:
            # A keyword whose value is of a wrong type is no schema either.
            raise Unusable(shorten(str(error))) from None
        translated["allOf"].append(beside[0])
        translated["$defs"] |= beside[1]
        return Shape(translated)


_Pair: TypeAlias = tuple[Steps, Steps, bool]


@dataclass
class _Way:
    """One direction: all that is sent, all that is taken."""

    sent: Shape
    taken: Shape

    @cached_property
    def holds(self) -> bool:
        """Whether the algebra proves it."""
        return covered(self.sent, self.taken)


@dataclass(frozen=True, slots=True)
class _Apart:
    """What is not looked at where a schema is compared by itself: children of both, names gone, names that are new."""

    both: set[str | Inner]
    gone: list[str]
    hidden: list[str]


class _Walk:
    """One comparison. The root's shapes are there to hold witnesses against."""

    def __init__(self, schemas: Schemas, old: Part, new: Part) -> None:
        self.schemas = schemas
        self.root = (old, new)
        self.forward, self.backward = self._ways(old, new)
        self.under_way: set[_Pair] = set()

    def _ways(self, old: Part, new: Part) -> tuple[_Way, _Way]:
        shape = self.schemas.shape
        return (
            _Way(self._sent(old, new, of_new=False), shape(new.value, of_new=True, taken=True)),
            _Way(self._sent(new, old, of_new=True), shape(old.value, of_new=False, taken=True)),
        )

    def differences(self) -> Iterator[Difference]:
        """What is found, in the order of the old schema."""
        yield from self._walk(*self.root, ())

    def _walk(self, old: Part, new: Part, way: Way, *, by_name: bool = False) -> Iterator[Difference]:
        """The differences of a pair, which may have been met before; ``by_name``: what they allow was compared."""
        key = (old.steps, new.steps, by_name)
        if key in self.under_way or len(way) > _DEEPEST or self.schemas.same(old.value, new.value):
            return
        met = self.schemas.met
        if key not in met:
            self.under_way.add(key)
            found = tuple(self._compare(old, new, way, by_name=by_name))
            self.under_way.discard(key)
            met[key] = tuple(replace(one, way=one.way[len(way) :]) for one in found)
        # One edit is one change, wherever it shows: the witness of the first place is enough.
        yield from (replace(one, way=(*way, *one.way)) for one in met[key])

    def _compare(self, old: Part, new: Part, way: Way, *, by_name: bool) -> Iterator[Difference]:
        ours = self._travelling(children(self.schemas.old, together(self.schemas.old, old)))
        theirs = self._travelling(children(self.schemas.new, together(self.schemas.new, new)))
        yield from self._default(old, new, way)
        gone, fresh = self._come_and_gone(old, new, ours, theirs)
        hidden = fresh if Inner.VALUE not in ours else []
        apart = _Apart({step for step, _, _ in pairs(ours, theirs)}, gone, hidden)
        own = None if by_name else self._own(old, new, way, apart)
        unsure = own is not None and None in (own.forward.holds, own.backward.holds)
        below = [
            found
            for one, other in self._alternatives(old, new)
            for found in self._walk(one, other, way, by_name=not unsure)
        ]
        if own is not None and unsure:
            own, below = _settled(own, below)
        if own is not None:
            yield own
        for name in gone:
            yield self._gone(ours[name], new, (*way, name))
        loose = not is_closed(self.schemas.old, old)
        for name in fresh:
            if loose and name not in required(self.schemas.new, new):
                yield Difference("added", (*way, name), old, theirs[name])
        for step, one, other in pairs(ours, theirs):
            yield from self._walk(one, other, (*way, step), by_name=by_name)
        yield from below

    def _travelling(self, parts: Mapping[Any, Part]) -> Children:
        return {step: part for step, part in parts.items() if not stays(part.value, self.schemas.absent)}

    def _come_and_gone(self, old: Part, new: Part, ours: Children, theirs: Children) -> tuple[list[str], list[str]]:
        """The properties that only the old schema describes, and only the new one."""
        known = self._travelling(names(self.schemas.old, old)), self._travelling(names(self.schemas.new, new))
        gone = [name for name in ours if isinstance(name, str) and name not in known[1]]
        fresh = [name for name in theirs if isinstance(name, str) and name not in known[0]]
        if gone or fresh:
            shapes = self.schemas.shape(old.value, of_new=False), self.schemas.shape(new.value, of_new=True)
            if not all("object" in types_of(shape) for shape in shapes):
                # What is no object any more has lost more than its properties.
                return [], []
        return gone, fresh

    def _own(self, old: Part, new: Part, way: Way, apart: _Apart) -> Difference | None:
        """What the two say by themselves. Names that came or went are told of by their own."""
        views = self.schemas.old, self.schemas.new
        bare = shell(views[0], old, apart.both | set(apart.gone), apart.gone), shell(views[1], new, apart.both)
        shape = self.schemas.shape
        forward, backward = HOLDS, HOLDS
        hidden: Any = {"properties": dict.fromkeys(apart.hidden, False)}
        taken = shape(_admitting(bare[1], apart.gone), of_new=True, taken=True)
        if not covered(shape(bare[0], of_new=False, beside=(hidden, {})), taken):
            forward = self._shown(self._sent(old, new, of_new=False), taken, self.forward, way)
        taken = shape(bare[0], of_new=False, taken=True)
        if not covered(shape(bare[1], of_new=True), taken):
            backward = self._shown(self._sent(new, old, of_new=True), taken, self.backward, way)
        if forward is HOLDS and backward is HOLDS:
            return None
        needs = frozenset(required(views[0], old)), frozenset(required(views[1], new))
        return Difference("values", way, old, new, forward, backward, needs)

    def _sent(self, sender: Part, receiver: Part, *, of_new: bool) -> Shape:
        """What is sent: nothing in a name that only the receiver describes."""
        views = (self.schemas.new, self.schemas.old) if of_new else (self.schemas.old, self.schemas.new)
        restriction = Restriction(*views)
        more = restriction.of(sender, receiver)
        beside = (more, restriction.definitions) if restriction.restricts else ({}, {})
        return self.schemas.shape(sender.value, of_new=of_new, beside=beside)

    def _shown(self, sent: Shape, taken: Shape, root: _Way, way: Way) -> Verdict:
        """A whole value that shows it. Where none is found, it holds if that is proved, of it or of the whole."""
        for found in islice(find(sent, taken), _MOST_EMBEDDED):
            whole = self._whole(root, way, found.value)
            if whole is not None:
                return whole
        return HOLDS if covered(sent, taken) or root.holds else UNKNOWN

    def _whole(self, root: _Way, way: Way, value: Any) -> Verdict | None:
        if root.sent.canonical is None:
            return None
        for whole in islice(holding(root.sent.canonical, way, value), _MOST_EMBEDDED):
            if shows(whole, root.sent, root.taken):
                return Verdict(holds=False, value=whole)
        return None

    def _gone(self, old: Part, new: Part, way: Way) -> Difference:
        """A property that is no longer described; the witness carries it."""
        local = self.schemas.shape(old.value, of_new=False)
        found = None
        if local.canonical is not None and self.forward.sent.canonical is not None:
            for value in islice(values(local.canonical), _MOST_EMBEDDED):
                wholes = islice(holding(self.forward.sent.canonical, way, value), _MOST_EMBEDDED)
                found = next((whole for whole in wholes if self.forward.sent.takes(whole)), None)
                if found is not None:
                    break
        return Difference("removed", way, old, new, UNKNOWN if found is None else Verdict(holds=False, value=found))

    def _default(self, old: Part, new: Part, way: Way) -> Iterator[Difference]:
        before, after = keyword(self.schemas.old, old, "default"), keyword(self.schemas.new, new, "default")
        if before == after and type(before) is type(after):
            return
        forward = UNKNOWN
        sent = self.forward.sent.canonical
        if way and sent is not None:
            wholes = islice(holding(sent, way[:-1], {}) if len(way) > 1 else values(sent), 2 * _MOST_EMBEDDED)
            lacking = (whole for whole in wholes if _lacks(whole, way) and self.forward.sent.takes(whole))
            forward = next((Verdict(holds=False, value=whole) for whole in lacking), UNKNOWN)
        yield Difference("default", way, old, new, forward)

    def _alternatives(self, old: Part, new: Part) -> Iterator[tuple[Part, Part]]:
        """The alternatives of the two that correspond, as far as that can be told."""
        ours = self._only_alternatives(self.schemas.old, old)
        theirs = self._only_alternatives(self.schemas.new, new)
        for one in list(ours):
            other = next((each for each in theirs if self.schemas.same(one.value, each.value)), None)
            if other is not None:
                ours.remove(one)
                theirs.remove(other)
        if len(ours) == len(theirs):
            yield from zip(ours, theirs, strict=True)

    @staticmethod
    def _only_alternatives(view: View, part: Part) -> list[Part]:
        held = {one.steps for one in together(view, part)}
        return [one for one in alternatives(view, part) if one.steps not in held]


def _settled(own: Difference, below: list[Difference]) -> tuple[Difference | None, list[Difference]]:
    """What nobody knows of a whole, where one of its alternatives has shown it; of these nothing else counts."""
    broken = [one for one in below if one.what == "values"]
    forward = any(one.forward.holds is False for one in broken)
    backward = any(one.backward.holds is False for one in broken)
    own = replace(
        own,
        forward=HOLDS if forward and own.forward.holds is None else own.forward,
        backward=HOLDS if backward and own.backward.holds is None else own.backward,
    )
    kept = [
        replace(
            one,
            forward=HOLDS if one.forward.holds is None and one.what == "values" else one.forward,
            backward=HOLDS if one.backward.holds is None else one.backward,
        )
        for one in below
    ]
    said = own.forward.holds is not True or own.backward.holds is not True
    told = [one for one in kept if one.what != "values" or False in (one.forward.holds, one.backward.holds)]
    return own if said else None, told


def _admitting(bare: Any, gone: list[str]) -> Any:
    """A schema that takes the names that are gone, which are told of by themselves."""
    if not gone or not isinstance(bare, dict):
        return bare
    return {**bare, "properties": {**{name: {} for name in gone}, **(bare.get("properties") or {})}}


def _lacks(whole: Any, way: Way) -> bool:
    """Whether a value has not what the way leads to, and has what would hold it."""
    for step in way[:-1]:
        whole = whole[0] if isinstance(whole, list) and whole else whole.get(step) if isinstance(whole, dict) else None
    return isinstance(whole, dict) and way[-1] not in whole
