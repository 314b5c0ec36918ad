"""A schema of a document and what lies below it, as two documents are walked together.

Everything about references and combinations is settled here, so that whoever compares sees properties, elements and
values. Knows OpenAPI's structure; compares nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum
from typing import Any, Final, TypeAlias

from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Step, Steps
from stagecheck.spec.schema import resolve


class Inner(Enum):
    """The steps of a way that have no name: any element of an array, any value of a map."""

    ELEMENT = "[]"
    VALUE = ".*"


Way: TypeAlias = tuple[str | Inner, ...]
Children: TypeAlias = dict[str | Inner, Part]
"""What is described below: properties by their names, elements, values of a map."""
_ALTERNATIVES: Final = ("anyOf", "oneOf")
_BESIDE: Final = frozenset({"$ref", "description", "summary", "title", "default", "example", "examples", "deprecated"})


def below(view: View, part: Part | None, *names: Step) -> Part | None:
    """What is below, references followed; what stands beside a reference counts with it from OpenAPI 3.1 on."""
    holder = view.child(part, *names[:-1]) if names else part
    name = names[-1]
    raw = holder.value.get(name) if holder is not None and isinstance(holder.value, dict) else None
    is_30 = str(view.source.raw.get("openapi", "")).startswith("3.0")
    if holder is None or is_30 or not isinstance(raw, dict) or "$ref" not in raw or raw.keys() <= _BESIDE:
        return view.child(holder, name)
    beside = {key: value for key, value in raw.items() if key != "$ref"}
    beside["allOf"] = [{"$ref": raw["$ref"]}, *beside.get("allOf", ())]
    return Part((*holder.steps, name), beside)


def together(view: View, part: Part) -> list[Part]:
    """The schemas that hold together, the part's own first."""
    return list(view.flat(part))


def alternatives(view: View, part: Part) -> list[Part]:
    """The same, and those of which one or another holds."""
    found: dict[Steps, Part] = {}
    pending = together(view, part)
    while pending:
        one = pending.pop(0)
        if one.steps in found:
            continue
        found[one.steps] = one
        for keyword in _ALTERNATIVES:
            for _, each in view.children(view.child(one, keyword)):
                pending += together(view, each)
    return list(found.values())


def children(view: View, parts: list[Part], combined: str = "allOf") -> Children:
    """What these schemas describe below. What several describe is ``combined``: ``allOf``, or ``anyOf`` of them."""
    found: dict[str | Inner, list[Part]] = {}
    for one in parts:
        properties = view.child(one, "properties")
        if properties is not None and isinstance(properties.value, dict):
            for name in properties.value:
                child = below(view, properties, name)
                if child is not None and isinstance(child.value, dict):
                    found.setdefault(name, []).append(child)
        for step, keyword in ((Inner.ELEMENT, "items"), (Inner.VALUE, "additionalProperties")):
            child = below(view, one, keyword)
            if child is not None and isinstance(child.value, dict) and child.value:
                found.setdefault(step, []).append(child)
    return {step: _combined(several, combined) for step, several in found.items()}


def _combined(parts: list[Part], how: str) -> Part:
    different = list({part.steps: part for part in parts}.values())
    if len(different) == 1:
        return different[0]
    # A step that leads nowhere, so that it is not taken for the first alone.
    return Part((*different[0].steps, f"+{how}"), {how: [part.value for part in different]})


def names(view: View, part: Part) -> dict[str, Part]:
    """The properties that a schema describes in any of its alternatives."""
    found = children(view, alternatives(view, part), "anyOf")
    return {name: one for name, one in found.items() if isinstance(name, str)}


def keyword(view: View, part: Part, name: str) -> Any:
    """The value of a keyword, from whichever of the schemas that hold together has it; None where none has."""
    found = view.keyword(part, name)
    return None if found is None else found.value


def required(view: View, part: Part) -> set[str]:
    """The properties that have to be there."""
    listed = [one.value.get("required") for one in together(view, part)]
    return {str(name) for each in listed if isinstance(each, list) for name in each}


def is_closed(view: View, part: Part) -> bool:
    """Whether further properties are refused."""
    closing = ("additionalProperties", "unevaluatedProperties")
    return any(one.value.get(name) is False for one in together(view, part) for name in closing)


def shell(view: View, part: Part, blank: set[str | Inner], optional: Collection[str] = ()) -> Any:
    """The schema itself without what is compared elsewhere.

    The children named in ``blank`` may be anything, the properties in ``optional`` may be absent.
    """
    return _shell(view, part, blank, frozenset(optional), frozenset())


def _shell(view: View, part: Part, blank: set[str | Inner], optional: frozenset[str], seen: frozenset[Steps]) -> Any:
    if not isinstance(part.value, dict) or part.steps in seen:
        return part.value
    seen |= {part.steps}
    result: dict[str, Any] = dict(part.value)
    if isinstance(result.get("properties"), dict):
        result["properties"] = {name: {} if name in blank else one for name, one in result["properties"].items()}
    if isinstance(result.get("required"), list):
        result["required"] = [name for name in result["required"] if not (isinstance(name, str) and name in optional)]
    if Inner.ELEMENT in blank and "items" in result:
        result["items"] = {}
    if Inner.VALUE in blank and isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = {}
    for combined in ("allOf", *_ALTERNATIVES):
        members = [one for _, one in view.children(view.child(part, combined))]
        others = [one for one in members if not (isinstance(one.value, dict) and one.value.get("type") == "null")]
        if members and (combined == "allOf" or len(others) == 1):
            result[combined] = [_shell(view, one, blank, optional, seen) for one in members]
    return result


class Restriction:
    """What a sender does not send: a property that only the receiver describes, by coincidence.

    A document leaves most objects open, and somebody may put anything into them. But whoever adds a property to a
    document takes nothing from those who follow the old one, although the name was free for any use before.
    """

    def __init__(self, sender: View, receiver: View) -> None:
        self._sender = sender
        self._receiver = receiver
        self.definitions: dict[str, Any] = {}
        self.restricts = False
        self._known: dict[tuple[Steps, Steps], str] = {}

    def of(self, sent: Part, received: Part) -> dict[str, Any]:
        """A schema that is to hold beside the sender's; its references lead to ``definitions``."""
        key = (sent.steps, received.steps)
        if key not in self._known:
            name = self._known[key] = f"r{len(self._known)}"
            self.definitions[name] = {}
            self.definitions[name] = self._made(sent, received)
        return {"$ref": f"#/$defs/{self._known[key]}"}

    def _made(self, sent: Part, received: Part) -> dict[str, Any]:
        ours = children(self._sender, alternatives(self._sender, sent), "anyOf")
        theirs = children(self._receiver, alternatives(self._receiver, received), "anyOf")
        result: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        is_map = Inner.VALUE in ours
        for step, child in theirs.items():
            if step in ours:
                inner = self.of(ours[step], child)
                if step is Inner.ELEMENT:
                    result["items"] = inner
                elif isinstance(step, str):
                    properties[step] = inner
            elif isinstance(step, str) and not is_map:
                properties[step] = False
                self.restricts = True
        if properties:
            result["properties"] = properties
        return result


def words_of(way: Way) -> str:
    """A way as a reader would write it: ``results[].name``."""
    text = "".join(step.value if isinstance(step, Inner) else f".{step}" for step in way)
    return text.removeprefix(".")


class Sameness:
    """Whether two parts are word for word the same, with all that they refer to."""

    def __init__(self, old: View, new: View) -> None:
        self._old = old
        self._new = new
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, old: Any, new: Any) -> bool:
        """Compare two raw values."""
        if isinstance(old, dict) and isinstance(new, dict):
            one, other = old.get("$ref"), new.get("$ref")
            if isinstance(one, str) and isinstance(other, str):
                return self._referred(one, other) and old.keys() == new.keys() and self._members(old, new)
            return one is None and other is None and old.keys() == new.keys() and self._members(old, new)
        if isinstance(old, list) and isinstance(new, list):
            return len(old) == len(new) and all(map(self, old, new))
        return type(old) is type(new) and bool(old == new)

    def _members(self, old: dict[str, Any], new: dict[str, Any]) -> bool:
        return all(self(value, new[name]) for name, value in old.items() if name != "$ref")

    def _referred(self, one: str, other: str) -> bool:
        if one != other:
            return False
        key = (one, other)
        if key not in self._known:
            # Until something differs: a schema that contains itself is the same as far as the rest is.
            self._known[key] = True
            found = self(resolve(self._old.source.raw, one), resolve(self._new.source.raw, other))
            if not found:
                # Others may have relied on it meanwhile.
                self._known = {known: same for known, same in self._known.items() if not same}
            self._known[key] = found
        return self._known[key]


def pairs(ours: Children, theirs: Children) -> Iterator[tuple[str | Inner, Part, Part]]:
    """What both describe."""
    for step, part in ours.items():
        if step in theirs:
            yield step, part, theirs[step]
