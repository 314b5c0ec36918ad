"""The JSON form of a reproducer, read with care: anybody may have written it, and it is sent with our credentials."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from stagecheck.errors import UsageError
from stagecheck.report.reproducer.files import FOLDER
from stagecheck.report.reproducer.story import SCHEMA
from stagecheck.standalone import checks, secrets
from stagecheck.standalone.symbols import SYMBOL

_BOUND = re.compile(r"stage:[A-Z]+|service:[0-9]+|environment|(second|foreign)\.(environment|stage|service)")
_MADE = re.compile(r"new:[A-Z]+")
_SECRETS = ("token", "jwt", "expired_jwt", "foreign_token")
_RECIPES = frozenset(
    name for name, made in vars(secrets).items() if isinstance(made, FunctionType) and not name.startswith("_")
)


def read_story(path: Path) -> dict[str, Any]:
    """Read a reproducer. Raises UsageError naming the file and what is wrong with it."""
    try:
        story = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"cannot read the reproducer {path}: {error.strerror or error}; give one from reports/reproducers/"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no reproducer: it is not JSON ({error})") from None
    wrong = _problem(story)
    if wrong:
        raise UsageError(f"{path} is no reproducer that this version reads: {wrong}; give one from reports/{FOLDER}/")
    assert isinstance(story, dict)
    return story


def _problem(story: object) -> str | None:
    """What keeps a value from being a reproducer, None if nothing does."""
    if not isinstance(story, dict) or story.get("schema") != SCHEMA:
        return f"it is no object of schema {SCHEMA}"
    texts = [key for key in ("requirement", "message", "expected") if not isinstance(story.get(key), str)]
    if texts:
        return f"{texts[0]} is missing"
    steps, given, witness, bindings = (story.get(key) for key in ("steps", "given", "witness", "bindings"))
    if not isinstance(steps, list) or not steps or not all(map(_is_step, steps)):
        return "its steps are not of the form that verify writes"
    if not isinstance(bindings, dict) or not isinstance(given, list):
        return "its bindings or conditions are missing"
    if not all(_BOUND.fullmatch(symbol) and _is_thing(thing) for symbol, thing in bindings.items()):
        return "its bindings are not of the form that verify writes"
    if not all(_is_condition(entry, len(steps)) for entry in given) or not _is_witness(witness):
        return "its witness is of no known kind"
    used = SYMBOL.findall(json.dumps([[step["path"] for step in steps], witness, given]))
    made = [step["makes"] for step in steps if "makes" in step]
    unbound = [symbol for symbol, _ in used if symbol not in bindings and symbol not in made]
    return f"{unbound[0]} is not among its bindings" if unbound else None


def _is_thing(thing: object) -> bool:
    return isinstance(thing, dict) and isinstance(thing.get("id"), str)


def _is_step(step: object) -> bool:
    """Whether it is a step, and one that goes to the target alone: its path must not continue the URL's host."""
    if not isinstance(step, dict) or not _is_credential(step.get("credential")):
        return False
    texts = all(isinstance(step.get(key), str) for key in ("method", "path", "asks"))
    if not _MADE.fullmatch(str(step.get("makes", "new:A"))):
        return False
    headers = step.get("headers")
    if not texts or not step["path"].startswith("/") or not isinstance(headers, dict):
        return False
    plain = all(isinstance(value, str) for value in headers.values()) and isinstance(step.get("body"), str | None)
    return plain and isinstance(step.get("set_up"), bool) and _is_base64(step.get("body_base64", ""))


def _is_base64(text: object) -> bool:
    try:
        return isinstance(text, str) and base64.b64decode(text, validate=True) is not None
    except ValueError:
        return False


def _is_credential(told: object) -> bool:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        return False
    if "secret" not in told:
        return isinstance(told.get("header", ...), str | None)
    how = told.get("how", ...)
    made = how is None or (isinstance(how, str) and how in _RECIPES)
    texts = all(isinstance(told.get(key), str) for key in ("scheme", "shown"))
    return texts and made and told["secret"] in _SECRETS


# ---------------------------------------------------------------------- witnesses

_Test = Callable[[Mapping[str, Any]], bool]


def _has(**kinds: type | tuple[type, ...]) -> _Test:
    return lambda witness: all(isinstance(witness.get(key), kind) for key, kind in kinds.items())


def _is_place(place: object) -> bool:
    return isinstance(place, list) and [type(part) for part in place] == [str, bool]


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


_OF_STAGE, _OF_SERVICE = _has(stage=str, attribute=str), _has(service=str, attribute=str)
_WITNESSES: dict[str, _Test] = {
    "status": _has(allowed=list),
    "places": lambda w: _has(service=str, places=list)(w) and all(map(_is_place, w["places"])),
    "stage": _has(stage=str, times=int),
    "same": lambda w: (_OF_SERVICE if "service" in w else _OF_STAGE)(w),
    "same-set": lambda w: _has(of=str)(w) and all(_is_texts(w.get(key, [])) for key in ("more", "fewer")),
    "same-places": _has(),
    "order": lambda w: "stage" not in w or _has(stage=str, anchor=str, after=bool)(w),
    "empty": _has(stage=str),
    "new-id": _has(),
    "ranking": lambda w: _is_texts(w.get("stages")),
    "shows": _has(stage=str, attribute=str, value=str),
    "unique": _has(),
    "dates": _has(),
    "content-type": _has(),
    "schema": lambda w: (
        _has(path=list, keyword=str, value=(str, list))(w) and all(isinstance(step, str) for step in w["path"])
    ),
    "hides": lambda w: (_has(text=str) if "text" in w else _OF_STAGE)(w),
}
assert _WITNESSES.keys() == checks.CHECKS.keys()


def _is_witness(witness: object) -> bool:
    if not isinstance(witness, dict) or not isinstance(witness.get("kind"), str):
        return False
    test = _WITNESSES.get(witness["kind"])
    return test is not None and test(witness)


def _is_condition(entry: object, steps: int) -> bool:
    if not isinstance(entry, list) or len(entry) != 2:
        return False
    return type(entry[0]) is int and entry[0] in range(steps) and _is_witness(entry[1])
