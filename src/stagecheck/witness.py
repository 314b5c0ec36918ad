"""What an answer must show to keep a promise, as plain values that `standalone.checks` judges without the model.

One function for each kind of witness; the kinds, and what each means, stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stagecheck.exchange import Exchange
from stagecheck.standalone.checks import CHECKS

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


def empty(identifier: str) -> Witness:
    """The stage holds no service."""
    return {"kind": "empty", "stage": identifier}


def stage_keeps(identifier: str, attribute: str, *, since_last: bool = False) -> Witness:
    """An attribute of a stage is what an earlier answer showed: the first one, or the last before it."""
    told: Witness = {"kind": "same", "stage": identifier, "attribute": attribute}
    return {**told, "since": "last"} if since_last else told


def entry_keeps(service: str, attribute: str) -> Witness:
    """An attribute of a service's entry is what an earlier answer showed."""
    return {"kind": "same", "service": service, "attribute": attribute}


def ranking(stages: Iterable[str]) -> Witness:
    """The stages stand in that order, by their deployment_order."""
    return {"kind": "ranking", "stages": list(stages)}


def order(stage_id: str | None = None, anchor: str = "", *, after: bool = False) -> Witness:
    """The stages stand as they did, but for one, if it is named: right before the anchor, or right `after` it."""
    told: Witness = {"kind": "order"}
    return told if stage_id is None else {**told, "stage": stage_id, "anchor": anchor, "after": after}


def shows(stage_id: str, attribute: str, value: str) -> Witness:
    """An attribute of a stage has that value, wherever the answer shows it."""
    return {"kind": "shows", "stage": stage_id, "attribute": attribute, "value": value}


def same_set(of: str, more: Iterable[str] = (), fewer: Iterable[str] = ()) -> Witness:
    """The `stages`, or the `services`, that are listed are those of an earlier answer, and `more`, without `fewer`."""
    added, gone = list(more), list(fewer)
    return {"kind": "same-set", "of": of} | ({"more": added} if added else {}) | ({"fewer": gone} if gone else {})


def schema(path: Iterable[str], keyword: str, value: object) -> Witness:
    """Everything at that path keeps one keyword of the schema."""
    return {"kind": "schema", "path": list(path), "keyword": keyword, "value": value}


def hides(text: str) -> Witness:
    """The answer does not show the text."""
    return {"kind": "hides", "text": text}


def hides_attribute(identifier: str, attribute: str) -> Witness:
    """The answer does not show an attribute of a stage that an earlier answer showed."""
    return {"kind": "hides", "stage": identifier, "attribute": attribute}


def asks(method: str, path: str) -> str:
    """What the answer to a request shows: a list, one stage, the stage of a service."""
    if method == "POST" or (method in ("GET", "PUT") and re.fullmatch(r"/deploymentStage/[^/]+", path)):
        return "stage"
    return "service-stage" if re.fullmatch(r"/service/[^/]+/deploymentStage", path) else "list"


def answer_of(exchange: Exchange) -> dict[str, Any]:
    """An answer as `standalone.checks` reads it."""
    request = exchange.request
    return {
        "asked": asks(request.method, request.path),
        "path": request.path,
        "status": exchange.status,
        "content_type": exchange.headers.get("content-type", ""),
        "body": exchange.body.decode("utf-8", "replace"),
    }


def against(witness: Witness, exchanges: Sequence[Exchange]) -> str | None:
    """What the last answer shows against the witness, in words; None if it keeps the promise."""
    answers = [answer_of(exchange) for exchange in exchanges]
    return CHECKS[witness["kind"]](witness, answers[-1], answers[:-1])


SAME_PLACES: Witness = {"kind": "same-places"}
NEW_ID: Witness = {"kind": "new-id"}
UNIQUE_ORDERS: Witness = {"kind": "unique"}
DATES: Witness = {"kind": "dates"}
CONTENT_TYPE: Witness = {"kind": "content-type"}
