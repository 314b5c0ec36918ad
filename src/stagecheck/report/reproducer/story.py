"""One violation as something that others can send again: ids by symbol, credentials by recipe, a stated placement.

Symbols are `stage:A`, `service:1`, `environment`, `second.stage` and the like, and `new:A` for a stage that one of the
steps creates (`makes`); in paths and values they stand in
braces: `/deploymentStage/{stage:A}/service/{service:1}`, and `{stage:A~}` is the id in the other letter case.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from stagecheck import witness
from stagecheck.exchange import Credential, Exchange, Redactor
from stagecheck.outcome import RunResult, Thing, Violation
from stagecheck.standalone.checks import standing
from stagecheck.witness import Witness

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NEW = "new"
SCHEMA = 1
Reproducer = dict[str, Any]


def reproducer_of(violation: Violation, result: RunResult, redactor: Redactor) -> Reproducer | None:
    """The story of a violation without the ids of the target that told it; None where nothing can be checked."""
    if violation.witness is None or not violation.steps:
        return None
    wrong = violation.wrong % len(violation.steps)
    steps = violation.steps[: wrong + 1]
    made = {number: identifier for number, step in enumerate(steps) if (identifier := _made(step)) is not None}
    symbols = _Symbols((*result.things, *(Thing(NEW, identifier) for identifier in made.values())))
    written = [_step(step, symbols, redactor, set_up=number < violation.set_up) for number, step in enumerate(steps)]
    for number, identifier in made.items():
        written[number]["makes"] = symbols.of(identifier)
    # What a target should have shown may be what it echoed before.
    shows = redactor.inside(symbols.inside(violation.witness))
    given = [[number, redactor.inside(symbols.inside(shown))] for number, shown in _given(violation, steps)]
    return {
        "bindings": symbols.used(redactor),
        "placement": _placement(written),
        "steps": written,
        "given": given,
        "wrong": wrong,
        "witness": shows,
    }


class _Symbols:
    """Gives each thing a symbol when it is first named: the letters and numbers follow the story."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self._things = {thing.id.lower(): thing for thing in things}
        self._given: dict[str, str] = {}

    def of(self, identifier: str) -> str | None:
        """The symbol of an id, in braces; None for what is no thing of the target."""
        thing = self._things.get(identifier.lower())
        if thing is None:
            return None
        key = thing.id.lower()
        if key not in self._given:
            count = sum(symbol.split(":")[0] == thing.kind for symbol in self._given.values())
            self._given[key] = _numbered(thing.kind, count)
        return self._given[key]

    def path(self, path: str) -> str:
        """A path with symbols for ids."""
        return "/".join(self._segment(segment) for segment in path.split("/"))

    def _segment(self, segment: str) -> str:
        symbol = self.of(segment)
        if symbol is None:
            return segment
        return f"{{{symbol}}}" if segment == self._things[segment.lower()].id else f"{{{symbol}~}}"

    def inside(self, value: Any) -> Any:
        """A JSON value with symbols for ids."""
        if isinstance(value, str):
            symbol = self.of(value)
            return value if symbol is None else f"{{{symbol}}}"
        if isinstance(value, Mapping):
            return {key: self.inside(entry) for key, entry in value.items()}
        return [self.inside(entry) for entry in value] if isinstance(value, list | tuple) else value

    def used(self, redactor: Redactor) -> dict[str, dict[str, str | None]]:
        """What each symbol stood for, but for what the steps themselves make."""
        bound: dict[str, dict[str, str | None]] = {}
        for key, symbol in self._given.items():
            thing = self._things[key]
            if thing.kind == NEW:
                continue
            bound[symbol] = {"id": thing.id, "name": None if thing.name is None else redactor.text(thing.name)}
        return bound


def _numbered(kind: str, count: int) -> str:
    if kind in ("stage", NEW):
        letters = _LETTERS[count % 26] if count < 26 else _LETTERS[count // 26 - 1] + _LETTERS[count % 26]
        return f"{kind}:{letters}"
    return f"service:{count + 1}" if kind == "service" else kind


def _made(step: Exchange) -> str | None:
    """The id of the stage that a step created; None if it created none."""
    if step.request.method != "POST" or step.status is None or not 200 <= step.status < 300:
        return None
    try:
        payload = json.loads(step.body)
    except (ValueError, RecursionError):
        return None
    identifier = payload.get("id") if isinstance(payload, dict) else None
    return identifier if isinstance(identifier, str) else None


def _step(step: Exchange, symbols: _Symbols, redactor: Redactor, *, set_up: bool) -> dict[str, Any]:
    request = step.request
    written = {
        "method": request.method,
        "path": redactor.text(symbols.path(request.path)),
        "headers": dict(request.headers),
        "credential": _credential(request.credential),
        "asks": witness.asks(request.method, request.path),
        "set_up": set_up,
        "status": step.status,
    }
    if request.body is None:
        return written
    try:
        return {**written, "body": redactor.text(request.body.decode())}
    except UnicodeDecodeError:
        return {**written, "body_base64": base64.b64encode(request.body).decode()}


def _credential(credential: Credential) -> dict[str, Any]:
    recipe = credential.recipe
    if recipe is None:
        return {"name": credential.name, "header": credential.header}
    return {
        "name": credential.name,
        "scheme": recipe.scheme,
        "secret": recipe.secret,
        "how": recipe.how,
        "shown": credential.shown,
    }


def _given(violation: Violation, steps: tuple[Exchange, ...]) -> Iterable[tuple[int, Witness]]:
    """What must have gone as it did for the last answer to be wrong: the refusal that lies, the reading shown first."""
    told = list(enumerate(steps))[violation.set_up : -1]
    if violation.breach.requirement == "STATE-6":
        refused = [number for number, step in told if step.status is not None and 400 <= step.status < 500]
        yield from ((number, witness.status("4xx")) for number in refused[-1:])
    if violation.breach.requirement == "SKIP-2":
        for number, step in told:
            service = unquote(step.request.path.rsplit("/", 1)[-1])
            if b"true" not in (step.request.body or b""):
                continue
            if step.status is not None and 400 <= step.status < 500:
                yield number, witness.status("4xx")
            else:
                yield number, witness.places(service, standing(witness.answer_of(step), service))


def _placement(steps: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Where the services are when the story begins, as the set-up leaves them."""
    placement: dict[str, dict[str, Any]] = {}
    for step in steps:
        match = re.fullmatch(r"/deploymentStage/\{(stage:[A-Z]+)\}/service/\{(service:\d+)\}", step["path"])
        if match and step["set_up"] and step["method"] == "PUT":
            placement[match.group(2)] = {"stage": match.group(1), "is_skipped": "true" in (step.get("body") or "")}
    return placement
