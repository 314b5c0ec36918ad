"""What the forms of a reproducer have in common: the head of a file, names of variables, which checks are needed."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.standalone import checks

CHECKS = {kind: function.__name__ for kind, function in checks.CHECKS.items()}


def title(story: Mapping[str, Any]) -> Iterator[str]:
    """The promise and how it was broken, one line after another."""
    known = CATALOGUE.get(story["requirement"])
    yield (
        f"{story['requirement']}: {known.text} ({known.level.value}; {known.source})" if known else story["requirement"]
    )
    yield ""
    yield one_line(story["message"])
    yield f"  expected  {one_line(story['expected'])}"
    yield f"  actual    {one_line(story['actual'])}"


def one_line(text: str) -> str:
    """A text of a target on one line of printable ASCII or letters, safe in any comment."""
    return "".join(c if c.isprintable() and c not in '\\"' else " " if c.isspace() else "?" for c in text)[:400]


def variable(symbol: str) -> str:
    """The environment variable of a symbol: `stage:A` is STAGE_A."""
    return re.sub(r"[^A-Z0-9]", "_", symbol.upper())


def secrets_of(story: Mapping[str, Any]) -> list[str]:
    """The environment variables of the secrets that the steps need."""
    needed = (step["credential"].get("secret") for step in story["steps"])
    return sorted({f"STAGECHECK_{secret.upper()}" for secret in needed if secret})


def checks_of(story: Mapping[str, Any]) -> list[str]:
    """The functions of `standalone.checks` that judge the story."""
    conditions = [story["witness"], *(condition for _, condition in story["given"])]
    return sorted({CHECKS[condition["kind"]] for condition in conditions})


def body_of(step: Mapping[str, Any]) -> bytes | None:
    """The bytes of a step's body; None for none."""
    if "body_base64" in step:
        return base64.b64decode(step["body_base64"])
    body = step.get("body")
    return None if body is None else str(body).encode()


def comment(bound: Mapping[str, Any]) -> str:
    """The name of a thing, as a comment behind its id."""
    return f"  # {one_line(bound['name'])}" if bound.get("name") else ""
