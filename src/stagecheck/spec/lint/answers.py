"""What the answers of the contract look like, held against the document's schemas by trying values on them.

An answer that the contract allows has to be taken; one that it does not allow has to be refused. Each attempt differs
from a good answer in one thing, so that a schema that decides otherwise is named by that thing.

Sources: CONTRACT S6, S8 and P (which properties are required, their types and formats).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import jsonschema_rs

from stagecheck.operations import OPERATIONS, AnswerKind, OperationKey
from stagecheck.spec.lint.findings import Severity
from stagecheck.spec.lint.probes import Refusal, flaws_of, takes
from stagecheck.spec.lint.view import Part, View, Way

Kind = Literal["uuid", "date-time", "text", "text or null", "integer", "boolean", "object", "list"]

_ID: Final = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
_WHEN: Final = "2023-11-07T05:31:56Z"
_KINDS: Final = ("APPLICATION", "CONTAINER", "DATABASE", "JOB", "HELM", "TERRAFORM", "SOMETHING_NEW")

GOOD: Final[dict[Kind, Any]] = {
    "uuid": _ID,
    "date-time": _WHEN,
    "text": "something",
    "text or null": "something",
    "integer": 1,
    "boolean": True,
}
WRONG: Final[dict[Kind, Any]] = {
    "uuid": 7,
    "date-time": 7,
    "text": 7,
    "text or null": 7,
    "integer": "one",
    "boolean": "yes",
    "object": "x",
    "list": {},
}
_CLOSED: Final = ("additionalProperties", "unevaluatedProperties")
_TYPES: Final[dict[Kind, str]] = {
    "uuid": "string",
    "date-time": "string",
    "text": "string",
    "text or null": "string",
    "list": "array",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One property of the contract: where it is in a stage, what kind it is, and whether it is always given."""

    way: Way
    kind: Kind
    always: bool = False

    @property
    def name(self) -> str:
        """As a reader would write it: ``services[].is_skipped``."""
        return "".join("[]" if step is None else f".{step}" for step in self.way).removeprefix(".")


_ENTRY: Final = ("services", None)
STAGE: Final = (
    Field(("id",), "uuid", always=True),
    Field(("created_at",), "date-time", always=True),
    Field(("updated_at",), "date-time"),
    Field(("environment",), "object", always=True),
    Field(("environment", "id"), "uuid", always=True),
    Field(("name",), "text"),
    Field(("description",), "text or null"),
    Field(("deployment_order",), "integer"),
    Field(("services",), "list"),
    Field((*_ENTRY, "id"), "uuid", always=True),
    Field((*_ENTRY, "created_at"), "date-time", always=True),
    Field((*_ENTRY, "updated_at"), "date-time"),
    Field((*_ENTRY, "service_id"), "uuid"),
    Field((*_ENTRY, "service_type"), "text"),
    Field((*_ENTRY, "is_skipped"), "boolean"),
)
LIST: Final = (
    Field(("results",), "list"),
    *(Field(("results", None, *field.way), field.kind, field.always) for field in STAGE),
)
FIELDS: Final[dict[AnswerKind, tuple[Field, ...]]] = {"stage": STAGE, "list": LIST, "none": ()}


def answer(fields: tuple[Field, ...], *, only: bool = False) -> dict[str, Any]:
    """A right answer with every property, or with those alone that are always given (and the lists)."""
    whole: dict[str, Any] = {}
    for field in fields:
        if only and not field.always and field.kind != "list":
            continue
        empty: dict[str, Any] = {}
        value = [empty] if field.kind == "list" else empty if field.kind == "object" else GOOD[field.kind]
        _holder(whole, field.way)[field.way[-1]] = value
    return whole


def unchecked(takes_it: Callable[[Any], bool], fields: tuple[Field, ...]) -> list[str]:
    """The properties of which a schema says so little that it takes anything in their place; the outermost alone.

    ``takes_it`` asks the schema. One that refuses a right answer is not asked further: a run will tell of it.
    """
    full = answer(fields)
    if not takes_it(full):
        return []
    loose = [field for field in fields if takes_it(_with(full, field.way, WRONG[field.kind]))]
    return [field.name for field in loose if not any(_inside(field.way, other.way) for other in loose)]


def _inside(way: Way, outer: Way) -> bool:
    return len(way) > len(outer) and _within(way, outer)


def _holder(whole: Any, way: Way) -> Any:
    for step in way[:-1]:
        whole = whole[0 if step is None else step]
    return whole


def _with(whole: dict[str, Any], way: Way, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(whole)
    _holder(changed, way)[way[-1]] = value
    return changed


def _without(whole: dict[str, Any], way: Way) -> dict[str, Any]:
    changed = copy.deepcopy(whole)
    del _holder(changed, way)[way[-1]]
    return changed


def _within(way: Way, outer: Way) -> bool:
    return way[: len(outer)] == outer


def check_answer(view: View, key: OperationKey, part: Part) -> None:
    """The schema of an operation's success, if it is to have one."""
    fact = OPERATIONS[key]
    responses = view.child(part, "responses")
    described = next(
        (one for name, one in view.children(responses) if name.upper() in (str(fact.success), "2XX", "DEFAULT")), None
    )
    if fact.answer == "none" or described is None:
        return
    media = view.media(described)
    schema = view.child(media, "schema")
    if schema is None:
        view.report("answer-missing", media or described, f"the {fact.success} of {key} has no JSON schema")
        return
    compiled = view.compiled(schema, "answers")
    if compiled is not None:
        _Held(view, schema, compiled, FIELDS[fact.answer]).check()


@dataclass(slots=True)
class _Held:
    """One answer's schema under examination."""

    view: View
    schema: Part
    compiled: jsonschema_rs.Validator
    fields: tuple[Field, ...]

    def check(self) -> None:
        blamed = {field.way for field in self.fields if not self._declared(field)}
        full = answer(self.fields)
        for value in self._allowed(full):
            for flaw in flaws_of(self.compiled, value):
                way = tuple(None if isinstance(step, int) else step for step in flaw.path)
                if flaw.missing is None and flaw.keyword not in _CLOSED:
                    blamed.add(way)
                self._refused(flaw, way)
        # What is refused is left out, so that it does not hide what else is wrong.
        kept = tuple(field for field in self.fields if not any(_within(field.way, way) for way in blamed if way))
        base = full if takes(self.compiled, full) else answer(kept)
        if takes(self.compiled, base):
            for field in kept:
                self._loose(field, base)

    def _allowed(self, full: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Answers of the contract: with everything, with what must be, empty, with what nobody knows yet."""
        yield full
        yield answer(self.fields, only=True)
        for field in self.fields:
            if field.kind == "list":
                yield _with(full, field.way, [])
            elif field.kind == "boolean":
                yield _with(full, field.way, value=False)
            elif field.kind == "object":
                yield _with(full, (*field.way, "x-unknown"), 1)
            elif field.name.endswith("service_type"):
                yield from (_with(full, field.way, kind) for kind in _KINDS)
        owners = {field.way[:-1] for field in self.fields}
        yield from (_with(full, (*owner, "x-unknown"), 1) for owner in sorted(owners, key=str))

    def _declared(self, field: Field) -> bool:
        """Whether the property is described at all; that it is not is told once, for the outermost."""
        if self.view.described(self.schema, field.way) is not None:
            return True
        owner = self.view.described(self.schema, field.way[:-1])
        if owner is not None:
            where = self.view.keyword(owner, "properties") or owner
            mend = f"describe {field.way[-1]} there"
            self.view.report(
                "property-missing", where, f"{field.name} is not described", mend=mend, about=str(field.way[-1])
            )
        return False

    def _refused(self, flaw: Refusal, way: Way) -> None:
        """An answer of the contract is refused: which keyword of which schema does it."""
        schema = self.view.described(self.schema, way) or self.schema
        where = self.view.keyword(schema, flaw.keyword) or schema
        name = Field(way, "text").name or "the answer"
        rule = {
            "required": "property-required",
            **dict.fromkeys(_CLOSED, "answer-closed"),
            "type": "property-type",
            "format": "property-format",
        }.get(flaw.keyword, "answer-narrowed")
        if flaw.missing is not None:
            missing = Field((*way, flaw.missing), "text").name
            message = f"{missing} is required, and the contract lets it be absent"
            mend = f"take {flaw.missing} out of required"
            self.view.report(rule, self._listed(where, flaw.missing), message, mend=mend, about=flaw.missing)
        elif rule == "answer-closed":
            self.view.report(rule, where, f"{name}: further properties are refused")
        else:
            self.view.report(rule, where, f"{name}: {flaw.sentence}")

    def _declaring(self, field: Field) -> Part:
        """The schema that lists the property among its own, which is where it would be required."""
        owner = self.view.described(self.schema, field.way[:-1]) or self.schema
        own = (one for one in self.view.flat(owner) if self.view.child(one, "properties", str(field.way[-1])))
        return next(own, owner)

    def _listed(self, required: Part, name: str) -> Part:
        listed = required.value if isinstance(required.value, list) else []
        return Part((*required.steps, listed.index(name)), name) if name in listed else required

    def _loose(self, field: Field, full: dict[str, Any]) -> None:
        """What the contract does not allow is taken: how the schema says too little, or something else."""
        schema = self.view.described(self.schema, field.way) or self.schema
        if field.always and takes(self.compiled, _without(full, field.way)):
            owner = self._declaring(field)
            where = Part((*owner.steps, "required"), None) if owner.has("required") else owner
            mend = f"add {field.way[-1]} to required"
            self.view.report(
                "property-optional", where, f"{field.name} is not required", mend=mend, about=str(field.way[-1])
            )
        if takes(self.compiled, _with(full, field.way, WRONG[field.kind])):
            self._says(field, schema, "type", _TYPES.get(field.kind, field.kind))
            return
        if field.kind in ("uuid", "date-time") and takes(self.compiled, _with(full, field.way, "neither")):
            self._says(field, schema, "format", field.kind)
        if field.kind != "text or null" and takes(self.compiled, _with(full, field.way, value=None)):
            where = self.view.keyword(schema, "nullable") or self.view.keyword(schema, "type") or schema
            self.view.report("property-nullable", where, f"{field.name} may be null")

    def _says(self, field: Field, schema: Part, keyword: Literal["type", "format"], wanted: str) -> None:
        """A keyword that says otherwise is an error, one that is not there a warning."""
        said = self.view.keyword(schema, keyword)
        message = f"{field.name} has {f'the {keyword} {said.value}' if said else f'no {keyword}'}; it is {wanted}"
        severity = None if said else Severity.WARNING
        mend = f"write {keyword}: {wanted}"
        self.view.report(f"property-{keyword}", said or schema, message, severity=severity, mend=mend)
