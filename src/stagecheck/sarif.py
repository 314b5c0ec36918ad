"""A SARIF 2.1.0 log of one run, from rules and results as plain values. Knows nothing of what they are about.

Source: OASIS SARIF 2.1.0, sections 3.13 (log), 3.49 (rules) and 3.27 (results).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from stagecheck import __version__

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Severity = Literal["error", "warning", "note", "none"]


@dataclass(frozen=True, slots=True)
class SarifRule:
    """One thing that is looked at. `help`: what it is held to, or how to mend it."""

    id: str
    title: str
    help: str
    severity: Severity
    tags: Sequence[str] = ()
    full: str | None = None


@dataclass(frozen=True, slots=True)
class SarifPlace:
    """A place in a file: `line` and `column`, both from 1. `part`: a name of it that stays when lines are added."""

    uri: str
    line: int
    column: int
    part: str


@dataclass(frozen=True, slots=True)
class SarifResult:
    """One thing that was found.

    `uri`, `line` and `column` (both from 1): where. `part`: the same as a name that stays when lines are added above.
    `same`: what makes it the same finding in the next log. `known`: why it is accepted, None where it is not.
    `related`: other places, each by what it is.
    """

    rule: str
    severity: Severity
    message: str
    uri: str
    line: int
    column: int
    part: str
    same: str
    known: str | None = None
    related: Mapping[str, SarifPlace] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)


def log_of(
    rules: Sequence[SarifRule], results: Iterable[SarifResult], more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The log; every rule is in it, found or not. `more`: what else is said of the run, by SARIF's names.

    Raises KeyError where a result names none of the rules.
    """
    places = {rule.id: position for position, rule in enumerate(rules)}
    driver = {"name": "stagecheck", "version": __version__, "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, places[result.rule]) for result in results],
        **(more or {}),
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: SarifRule) -> dict[str, Any]:
    full = {} if rule.full is None else {"fullDescription": {"text": rule.full}}
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        **full,
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": list(rule.tags)},
    }


def _result(result: SarifResult, position: int) -> dict[str, Any]:
    same = hashlib.sha256(result.same.encode("utf-8", "backslashreplace")).hexdigest()[:32]
    found: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": position,
        "level": result.severity,
        "message": {"text": result.message},
        "locations": [_location(SarifPlace(result.uri, result.line, result.column, result.part))],
        "partialFingerprints": {"stagecheck/v1": same},
    }
    if result.known is not None:
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": result.known}]
    if result.related:
        others = result.related.items()
        found["relatedLocations"] = [{**_location(place), "message": {"text": what}} for what, place in others]
    if result.properties:
        found["properties"] = dict(result.properties)
    return found


def _location(place: SarifPlace) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {
        "physicalLocation": {"artifactLocation": {"uri": place.uri}, "region": region},
        "logicalLocations": [{"fullyQualifiedName": place.part or "/"}],
    }
