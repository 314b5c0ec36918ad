"""What the form of one answer breaks: SHAPE-1 (the published schema), SHAPE-2 (its content type), SHAPE-3 (a list)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from stagecheck import witness
from stagecheck.exchange import Exchange
from stagecheck.model.compare import Mismatch
from stagecheck.operations import OPERATIONS, OperationKey
from stagecheck.spec import Document
from stagecheck.spec.schema import Flaw
from stagecheck.witness import Witness

_JSON = "application/json"


def payload_of(exchange: Exchange) -> tuple[Any, str | None]:
    """The decoded JSON of an answer, and what it has instead of JSON if it has none."""
    try:
        return json.loads(exchange.body), None
    except (ValueError, RecursionError):
        return None, "no JSON" if exchange.body else "no body"


def shape_problems(document: Document, key: OperationKey, exchange: Exchange) -> Iterator[Mismatch]:
    """What is wrong with the form of an answer between 200 and 299, whatever it says."""
    status = exchange.status or 0
    if exchange.content_type != _JSON and (exchange.body or status == 200):
        got = exchange.content_type or "none"
        message = f"an answer of {key} has {got}"
        expected = "content type application/json"
        yield Mismatch("SHAPE-2", str(key), message, expected, got, "shape", witness=witness.CONTENT_TYPE)
    payload, instead = payload_of(exchange)
    if instead is not None:
        shows = witness.schema((), "type", ["object"]) if status == 200 else witness.status(200)
        yield _problem("SHAPE-1", key, "a JSON answer", f"status {status} with {instead}", shows)
    elif status != 200:
        yield _problem("SHAPE-1", key, "status 200", f"status {status}", witness.status(200))
    else:
        yield from _schema_problems(document, key, payload)
        if OPERATIONS[key].answer == "list" and not _lists(payload):
            shows = witness.schema(("results",), "type", ["array"])
            if not isinstance(payload, dict):
                shows = witness.schema((), "type", ["object"])
            elif "results" not in payload:
                shows = witness.schema((), "required", "results")
            yield _problem("SHAPE-3", key, "a list of stages in results", "no list of stages", shows)


def _schema_problems(document: Document, key: OperationKey, payload: Any) -> Iterator[Mismatch]:
    """One problem of each kind: a flaw in every entry is one thing to mend, two flaws in one entry are two."""
    published = _kinds(document.response_flaws(key, 200, payload))
    for flaw in published.values():
        yield _problem("SHAPE-1", key, "an answer of the published schema", flaw.sentence, _shown_by(flaw))
    strict = _kinds(document.strict.response_flaws(key, 200, payload)) if document.strict else {}
    for kind, flaw in strict.items():
        if kind not in published:
            # The published document lets it be: no target has promised it, so that it weighs as a SHOULD does.
            expected = "an answer of the strict document"
            found = _problem("SHAPE-1", key, expected, flaw.sentence, _shown_by(flaw))
            yield replace(found, cause=f"strict:{found.cause}", must=False)


def _kinds(flaws: list[Flaw]) -> dict[str, Flaw]:
    kinds: dict[str, Flaw] = {}
    for flaw in flaws:
        kinds.setdefault(_kind_of_problem(flaw.sentence), flaw)
    return kinds


def _shown_by(flaw: Flaw) -> Witness | None:
    return witness.schema(flaw.path, flaw.keyword, flaw.value) if flaw.keyword else None


def _lists(payload: Any) -> bool:
    return isinstance(payload, dict) and isinstance(payload.get("results"), list)


def _problem(requirement: str, key: OperationKey, expected: str, actual: str, shows: Witness | None) -> Mismatch:
    cause = f"{key}:{_kind_of_problem(actual)}"
    return Mismatch(requirement, cause, f"an answer of {key}: {actual}", expected, actual, "shape", witness=shows)


def _kind_of_problem(text: str) -> str:
    """A problem without the positions and values of this one answer: the same flaw again has the same kind."""
    return re.sub(r"\[\d+\]", "[]", text.split(";", maxsplit=1)[0]).split(": ")[0][:60]
