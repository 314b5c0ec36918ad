"""The operations of the contract in a document: there, with their method, parameters and statuses.

Sources: CONTRACT S1 (attach) and P (the family, which is optional to offer).
"""

from __future__ import annotations

import difflib
from typing import Any, Final

from stagecheck.operations import OPERATIONS, OperationFact, OperationKey
from stagecheck.spec.document import Operation, find
from stagecheck.spec.lint.findings import Severity
from stagecheck.spec.lint.probes import flaws_of, takes
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.schema import PointerError

PUBLISHED: Final = {
    OperationKey.ATTACH: "AttachServiceToDeploymentStage",
    OperationKey.LIST: "ListEnvironmentDeploymentStage",
    OperationKey.CREATE: "CreateEnvironmentDeploymentStage",
    OperationKey.GET_STAGE: "getDeploymentStage",
    OperationKey.EDIT: "EditDeploymentStage",
    OperationKey.DELETE: "DeleteDeploymentStage",
    OperationKey.MOVE_BEFORE: "MoveBeforeDeploymentStage",
    OperationKey.MOVE_AFTER: "MoveAfterDeploymentStage",
    OperationKey.GET_SERVICE_STAGE: "getServiceDeploymentStage",
}
"""The operationIds that the vendor publishes (P); clients are generated from them."""

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_REFUSALS: Final = (401, 403, 404)
_ID: Final = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def found_operations(view: View) -> dict[OperationKey, tuple[Operation, Part]]:
    """Those that are there; those that are not are reported."""
    there: dict[OperationKey, tuple[Operation, Part]] = {}
    for key, fact in OPERATIONS.items():
        try:
            operation = find(view.source.raw, fact)
        except PointerError:
            operation = None
        part = None
        if operation is not None:
            part = view.child(view.top(), "paths", operation.template, operation.method.lower())
        if operation is None or part is None:
            _missing(view, fact)
        else:
            there[key] = (operation, part)
    return there


def count_operations(raw: dict[str, Any]) -> int:
    """How many operations a document has in all."""
    paths = raw.get("paths")
    items = paths.values() if isinstance(paths, dict) else ()
    return sum(1 for item in items if isinstance(item, dict) for method in _METHODS if method in item)


def check_operation(view: View, key: OperationKey, operation: Operation, part: Part) -> None:
    """Its id, its parameters and its statuses."""
    name = view.child(part, "operationId")
    if name is None or name.value != PUBLISHED[key]:
        said = f"operationId {name.value!r}" if name else "no operationId"
        mend = f"write operationId: {PUBLISHED[key]}"
        view.report("operation-id", name or part, f"{key} has {said}; {PUBLISHED[key]} is published", mend=mend)
    _check_parameters(view, key, operation, part)
    _check_statuses(view, OPERATIONS[key], part)


def _missing(view: View, fact: OperationFact) -> None:
    severity = None if fact.key is OperationKey.ATTACH else Severity.NOTE
    paths = view.child(view.top(), "paths")
    item = view.child(paths, fact.template)
    other = [method for method in _METHODS if item is not None and item.has(method)]
    if item is not None and fact.key is OperationKey.ATTACH and other:
        where = Part((*item.steps, other[0]), None)
        message = f"{fact.template} has {', '.join(other)} and no {fact.method.lower()}"
        view.report("method-wrong", where, message, mend=f"name it {fact.method.lower()}")
        return
    names = list(paths.value) if paths is not None and isinstance(paths.value, dict) else []
    close = difflib.get_close_matches(fact.template, names, n=1, cutoff=0.85) if item is None else []
    ours = {one.template for one in OPERATIONS.values()}
    near = next((name for name in close if name not in ours), None)
    where = Part(("paths", near) if near else ("paths",) if item is None else item.steps, None)
    mend = f"is it {near}? write {fact.template}" if near else f"add {fact.method} {fact.template}"
    message = f"no operation {fact.method} {fact.template} ({fact.key})"
    view.report("operation-missing", where, message, severity=severity, mend=mend, about=fact.key)


# ---------------------------------------------------------------------- parameters


def _check_parameters(view: View, key: OperationKey, operation: Operation, part: Part) -> None:
    declared: dict[tuple[str, str], Part] = {}
    item = Part(part.steps[:-1], None)
    for owner in (view.child(view.top(), *item.steps), part):
        for _, one in view.children(view.child(owner, "parameters")):
            if isinstance(one.value, dict):
                declared[str(one.value.get("in")), str(one.value.get("name"))] = one
    for name in operation.names.values():
        found = declared.pop(("path", name), None)
        if found is None:
            view.report(
                "parameter-undeclared", part, f"{key}: the parameter {name} of the path is not declared", about=name
            )
        else:
            _check_id(view, name, found)
    for (place, name), one in declared.items():
        if place != "path" and one.value.get("required") is True:
            message = f"{key}: the {place} parameter {name} is required, and no client sends it"
            view.report("parameter-added", view.child(one, "required") or one, message)


def _check_id(view: View, name: str, parameter: Part) -> None:
    schema = view.child(parameter, "schema")
    if schema is None:
        view.report("parameter-type", parameter, f"{name} has no schema", mend="write schema: {type: string, …}")
        return
    compiled = view.compiled(schema, "bodies")
    if compiled is None:
        return
    refused = False
    for value in (_ID, _ID.upper()):
        for flaw in flaws_of(compiled, value):
            refused = True
            rule = {"type": "parameter-type", "format": "parameter-format"}.get(flaw.keyword, "parameter-narrowed")
            where = view.keyword(schema, flaw.keyword) or schema
            view.report(rule, where, f"{name} refuses the UUID {value} ({flaw.keyword})")
    if refused:
        return
    if takes(compiled, 7):
        view.report("parameter-type", schema, f"{name} need not be a string", severity=Severity.WARNING)
    elif takes(compiled, "no-uuid"):
        other = view.keyword(schema, "format")
        said = f"has format {other.value}" if other else "has no format"
        severity = None if other else Severity.WARNING
        view.report("parameter-format", other or schema, f"{name} {said}; ids are UUIDs", severity=severity)


# ---------------------------------------------------------------------- statuses


def _check_statuses(view: View, fact: OperationFact, part: Part) -> None:
    responses = view.child(part, "responses")
    names = list(responses.value) if responses is not None and isinstance(responses.value, dict) else []
    described = {name.upper() for name in names}
    where = responses or part
    if not described & {str(fact.success), "2XX", "DEFAULT"}:
        message = f"{fact.key} does not describe {fact.success}, its only success"
        view.report("status-missing", where, message, mend=f"describe '{fact.success}'", about="success")
    for status in _REFUSALS:
        if not described & {str(status), "4XX", "DEFAULT"}:
            message = f"{fact.key} does not describe {status}"
            mend = f"describe '{status}'"
            view.report("status-missing", where, message, severity=Severity.WARNING, mend=mend, about=str(status))
    for name in names:
        if name[:1] in "123" and name.upper() not in (str(fact.success), "2XX"):
            message = f"{fact.key} describes {name}; success is {fact.success}"
            view.report("status-undue", Part((*where.steps, name), None), message)
