"""What an answer must show to keep a promise, as plain values that `standalone.checks` judges without the model.

One function for each kind of witness; the kinds, and what each means, stand there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Witness = Mapping[str, Any]
"""A `kind`, and the ids and values it is about. Plain JSON."""


def status(*allowed: int | str) -> Witness:
    """The status is one of these numbers, or of a class such as `4xx`."""
    return {"kind": "status", "allowed": list(allowed)}


def places(service: str, where: Iterable[tuple[str, bool]]) -> Witness:
    """The service stands exactly in these stages, each with its flag."""
    return {"kind": "places", "service": service, "places": [list(place) for place in where]}


def stage(identifier: str, times: int) -> Witness:
    """The stage is listed so many times."""
    return {"kind": "stage", "stage": identifier, "times": times}


def stage_keeps(identifier: str, attribute: str) -> Witness:
    """An attribute of a stage is what an earlier answer showed."""
    return {"kind": "same", "stage": identifier, "attribute": attribute}


def entry_keeps(service: str, attribute: str) -> Witness:
    """An attribute of a service's entry is what an earlier answer showed."""
    return {"kind": "same", "service": service, "attribute": attribute}


def same_set(of: str) -> Witness:
    """The `stages`, or the `services`, that are listed are those of an earlier answer."""
    return {"kind": "same-set", "of": of}


def schema(path: Iterable[str], keyword: str, value: object) -> Witness:
    """Everything at that path keeps one keyword of the schema."""
    return {"kind": "schema", "path": list(path), "keyword": keyword, "value": value}


def hides(text: str) -> Witness:
    """The answer does not show the text."""
    return {"kind": "hides", "text": text}


def hides_attribute(identifier: str, attribute: str) -> Witness:
    """The answer does not show an attribute of a stage that an earlier answer showed."""
    return {"kind": "hides", "stage": identifier, "attribute": attribute}


SAME_PLACES: Witness = {"kind": "same-places"}
UNIQUE_ORDERS: Witness = {"kind": "unique"}
DATES: Witness = {"kind": "dates"}
CONTENT_TYPE: Witness = {"kind": "content-type"}
