"""What may be sent: the body of the attach operation, and the one that creates and edits a stage.

Sources: CONTRACT S2, S4, S5 and P: the body is optional as a whole, an unknown property is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs

from stagecheck.operations import OperationKey
from stagecheck.spec.lint.findings import Severity
from stagecheck.spec.lint.probes import Refusal, flaws_of, takes
from stagecheck.spec.lint.view import Part, View

FLAG: Final = "is_skipped"
_ATTACH: Final[tuple[dict[str, Any], ...]] = ({}, {FLAG: True}, {FLAG: False}, {FLAG: True, "x-unknown": 1})
_STAGE: Final[tuple[dict[str, Any], ...]] = (
    {"name": "a"},
    {"name": "a", "description": "b"},
    {"name": "a", "description": None},
    {"name": "a", "x-unknown": 1},
)
_NO_OBJECTS: Final[tuple[Any, ...]] = ([], "x", 7)
_NO_FLAGS: Final[tuple[Any, ...]] = ("yes", 7, [])


def check_body(view: View, key: OperationKey, part: Part) -> None:
    """The request's body of an operation that has one."""
    if key is OperationKey.ATTACH:
        _attach(view, part)
    elif key in (OperationKey.CREATE, OperationKey.EDIT):
        _stage(view, key, part)


def _schema(view: View, key: OperationKey, part: Part) -> tuple[Part, jsonschema_rs.Validator] | None:
    body = view.child(part, "requestBody")
    media = view.media(body)
    schema = view.child(media, "schema")
    if schema is None:
        what = "no requestBody" if body is None else "no JSON in its body" if media is None else "no schema of its body"
        view.report("body-missing", media or body or part, f"{key} has {what}")
        return None
    compiled = view.compiled(schema, "bodies")
    return None if compiled is None else (schema, compiled)


def _attach(view: View, part: Part) -> None:
    required = view.child(part, "requestBody", "required")
    if required is not None and required.value is True:
        view.report("body-required", required, "the body is required; clients move without one")
    found = _schema(view, OperationKey.ATTACH, part)
    if found is None:
        return
    schema, compiled = found
    flag = view.described(schema, (FLAG,))
    if flag is None:
        where = view.keyword(schema, "properties") or schema
        view.report("flag-missing", where, f"the body has no {FLAG}")
    refused = list(_refused(view, schema, compiled, _ATTACH))
    if refused or flag is None:
        return
    taken = [value for value in _NO_FLAGS if takes(compiled, {FLAG: value})]
    if taken:
        said = view.keyword(flag, "type")
        message = f"{FLAG} may be {taken[0]!r}; it is a boolean"
        severity = None if said else Severity.WARNING
        view.report("flag-type", said or flag, message, severity=severity)
    elif takes(compiled, {FLAG: None}):
        view.report("flag-nullable", view.keyword(flag, "nullable") or flag, f"{FLAG} may be null")
    _check_default(view, flag)
    _loose(view, schema, compiled)


def check_default_of(view: View, schema: Part | None) -> None:
    """The default of an ``is_skipped``: what is absent means false, in a request and in an answer."""
    if schema is not None:
        _check_default(view, schema)


def _check_default(view: View, flag: Part) -> None:
    default = view.keyword(flag, "default")
    if default is not None and default.value is not False:
        view.report("flag-default", default, f"an absent {FLAG} would mean {default.value!r}; it means false")


def _stage(view: View, key: OperationKey, part: Part) -> None:
    found = _schema(view, key, part)
    if found is None:
        return
    schema, compiled = found
    if list(_refused(view, schema, compiled, _STAGE)):
        return
    if takes(compiled, {}):
        view.report("body-loose", schema, f"{key}: name is not required", mend="add name to required", about="name")
    if takes(compiled, {"name": 7}):
        name = view.described(schema, ("name",)) or schema
        view.report("body-loose", name, f"{key}: name need not be a string", mend="write type: string")
    _loose(view, schema, compiled)


def _loose(view: View, schema: Part, compiled: jsonschema_rs.Validator) -> None:
    taken = [value for value in _NO_OBJECTS if takes(compiled, value)]
    if taken:
        mend = "write type: object"
        view.report("body-loose", schema, f"the body may be {taken[0]!r}; it is an object", mend=mend)


def _refused(
    view: View, schema: Part, compiled: jsonschema_rs.Validator, bodies: tuple[dict[str, Any], ...]
) -> Iterator[Refusal]:
    """Why bodies of the contract are refused, each reason told once."""
    for body in bodies:
        for flaw in flaws_of(compiled, body):
            way = tuple(None if isinstance(step, int) else step for step in flaw.path)
            inner = view.described(schema, way) or schema
            where = view.keyword(inner, flaw.keyword) or inner
            if flaw.missing == FLAG:
                view.report("flag-required", where, f"{FLAG} is required; it may be left out")
            elif flaw.missing is not None:
                mend = f"take {flaw.missing} out of required"
                view.report(
                    "body-narrowed", where, f"the body has to have {flaw.missing}", mend=mend, about=flaw.missing
                )
            elif flaw.keyword in ("additionalProperties", "unevaluatedProperties"):
                if FLAG in body and not _declares(view, schema) and "x-unknown" not in body:
                    continue
                view.report("body-closed", where, "the body refuses properties that are not described")
            elif way == (FLAG,) and flaw.keyword == "type":
                view.report("flag-type", where, f"{FLAG} refuses {str(body[FLAG]).lower()}")
            else:
                view.report("body-narrowed", where, f"the body {body!r} is refused: {flaw.sentence}")
            yield flaw


def _declares(view: View, schema: Part) -> bool:
    return view.described(schema, (FLAG,)) is not None
