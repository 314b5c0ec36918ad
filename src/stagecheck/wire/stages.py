"""The bodies that name a stage: how they are spelled, and what one that was received says (P)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from stagecheck.model.requests import Form


@dataclass(frozen=True, slots=True)
class Named:
    """What a body says: a name, a description (None: left out; empty: null or empty), and what is wrong with it."""

    name: str
    description: str | None = None
    flaw: Form | None = None


def naming(name: str, description: str | None, *, null: bool = False) -> bytes:
    """The body that names a stage. `description`: None to leave it out, or, if `null`, to say that it is null."""
    told: dict[str, str | None] = {"name": name}
    if null or description is not None:
        told["description"] = description
    return json.dumps(told).encode()


def named(content: bytes | None) -> Named:
    """What a body says. Never raises; a body without a usable name has the flaw UNJUDGED: nothing is said of it."""
    try:
        value = json.loads(content or b"")
    except (ValueError, RecursionError):
        return Named("", None, Form.MALFORMED if content else Form.UNJUDGED)
    if not isinstance(value, dict):
        return Named("", None, Form.UNJUDGED if value is None else Form.NOT_OBJECT)
    name, description = value.get("name"), value.get("description", ...)
    if not isinstance(name, str) or not name or not isinstance(description, str | None | type(...)):
        return Named("", None, Form.UNJUDGED)
    if description is ...:
        return Named(name)
    return Named(name, description if isinstance(description, str) else "")
