"""What changed as plain data: JSON of our own, SARIF 2.1.0, and the sentence of a witness.

Source of SARIF: OASIS SARIF 2.1.0, sections 3.13 and following.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stagecheck.sarif import SarifPlace, SarifResult, SarifRule, Severity, log_of
from stagecheck.spec.diff.changes import KINDS, Change, Class, Spot, Witness
from stagecheck.spec.diff.compare import Diffed
from stagecheck.spec.diff.nodes import Inner, words_of
from stagecheck.spec.lint.render import uri
from stagecheck.spec.schema import shorten

_LEVELS: Final[Mapping[Class, Severity]] = {
    Class.BREAKING: "error",
    Class.MEANING: "warning",
    Class.UNKNOWN: "warning",
    Class.ADDITIVE: "note",
    Class.EDITORIAL: "note",
}
_LONGEST: Final = 200


def headline(change: Change) -> str:
    """What a change is, and for whom: ``breaking for clients and servers``."""
    words = change.what.value
    if change.breaks:
        words += f" for {' and '.join(change.breaks)}"
    if change.unsure:
        words += f"; nobody can say for {' and '.join(change.unsure)}"
    return words


def told(witness: Witness) -> str:
    """A witness as a sentence."""
    text = witness.value if isinstance(witness.value, str) and witness.what == "request" else None
    thing = text or f"{witness.what} {_value(witness)}"
    if witness.undescribed:
        return f"{thing} has {witness.undescribed}, of which the new document says nothing"
    if witness.valid == "both":
        return f"{thing} is allowed by both, and means something else"
    return f"{thing} {'was allowed and is not any more' if witness.valid == 'old' else 'is allowed now and was not'}"


def _value(witness: Witness) -> str:
    value = witness.value
    if witness.what == "answer" and isinstance(value, str) and value[:1].isdigit():
        return value
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _LONGEST or not witness.way:
        return shorten(text, _LONGEST)
    inner = value
    for step in witness.way:
        inner = _below(inner, step)
    return f"with {words_of(witness.way)} {shorten(json.dumps(inner, ensure_ascii=False), _LONGEST)}"


def _below(value: Any, step: str | Inner) -> Any:
    """What a step leads to in a witness, which has of everything one at most."""
    if isinstance(value, list) and value:
        return value[0]
    if isinstance(value, dict):
        return next(iter(value.values()), None) if step is Inner.VALUE else value.get(str(step))
    return None


def as_json(diffed: Diffed) -> dict[str, Any]:
    """The result of `spec diff --json`; keys are only ever added."""
    return {
        "old": str(diffed.old),
        "new": str(diffed.new),
        "openapi": list(diffed.versions),
        "operations": diffed.operations,
        "counts": {what.value: diffed.count(what) for what in Class},
        "changes": [_change(diffed, change) for change in diffed.changes],
    }


def _change(diffed: Diffed, change: Change) -> dict[str, Any]:
    return {
        "id": change.kind.id,
        "class": change.what.value,
        "breaks": [side.value for side in change.breaks],
        "unsure": [side.value for side in change.unsure],
        "operation": change.operation,
        "also": list(change.also),
        "where": change.where,
        "message": change.message,
        "old": _spot(diffed.old, change.old),
        "new": _spot(diffed.new, change.new),
        "witnesses": [_witness(witness) for witness in change.witnesses],
        "words": [[how, text] for how, text in change.words],
        "sources": list(change.sources),
        "requirements": list(change.requirements),
    }


def _spot(path: Path, spot: Spot | None) -> dict[str, Any] | None:
    if spot is None:
        return None
    return {"file": str(path), "pointer": spot.pointer, "line": spot.place.line, "column": spot.place.column}


def _witness(witness: Witness) -> dict[str, Any]:
    return {
        "for": witness.side.value,
        "what": witness.what,
        "value": witness.value,
        "valid": witness.valid,
        "undescribed": witness.undescribed,
        "says": told(witness),
    }


def as_sarif(diffed: Diffed) -> dict[str, Any]:
    """The result as a SARIF log of one run: each change at its place in the new document, beside that in the old."""
    rules = [SarifRule(kind.id, kind.title, kind.title, "warning") for kind in KINDS.values()]
    return log_of(rules, [_result(diffed, change) for change in diffed.changes])


def _result(diffed: Diffed, change: Change) -> SarifResult:
    spots = [(path, spot) for path, spot in ((diffed.new, change.new), (diffed.old, change.old)) if spot is not None]
    places = [SarifPlace(uri(path), spot.place.line, spot.place.column, spot.pointer) for path, spot in spots]
    text = f"{headline(change)}: {change.operation}, {change.where}: {change.message}"
    here = places[0]
    return SarifResult(
        change.kind.id,
        _LEVELS[change.what],
        "; ".join([text, *map(told, change.witnesses)]),
        here.uri,
        here.line,
        here.column,
        here.part,
        f"{change.kind.id}\n{change.operation}\n{change.where}\n{change.message}",
        related=dict(zip(["the same in the old document"], places[1:], strict=False)),
        properties={"class": change.what.value, "breaks": list(change.breaks), "tags": list(change.requirements)},
    )
