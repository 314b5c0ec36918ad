"""What the answers of a target looked like: statuses, and of each JSON answer its properties, types and formats.

Names and kinds alone: no value is kept. Time and memory are bounded, whatever a target answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stagecheck.exchange import Exchange
from stagecheck.operations import OperationKey, operation_of
from stagecheck.outcome import AnswerSeen, Observed, PropertySeen
from stagecheck.suite.shapes import payload_of

MOST_NAMES: Final = 300
"""Properties that are kept of one kind of answer; further ones are counted."""
LONGEST_NAME: Final = 80
"""Characters of a media type that is kept by its name, and of a text that may be of a format."""
ALL_OF: Final = 400
"""Answers of one kind that are all looked into; of those after them each ``ONE_IN``-th."""
ONE_IN: Final = 20
_MOST_STATUSES: Final = 60
_MOST_ELEMENTS: Final = 100
_DEEPEST: Final = 8
_TYPES: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}
_PLAIN: Final = re.compile(r"[\w$@+:-]{1,80}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


@dataclass(slots=True)
class _Property:
    of: int = 0
    seen: int = 0
    types: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Answer:
    came: int = 0
    looked_into: int = 0
    media: Counter[str] = field(default_factory=Counter)
    root: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    properties: dict[str, _Property] = field(default_factory=dict)
    left_out: int = 0


class Observations:
    """Takes every exchange of a run."""

    def __init__(self) -> None:
        self._statuses: dict[OperationKey, Counter[int]] = {}
        self._answers: dict[tuple[OperationKey, int], _Answer] = {}

    def __call__(self, exchange: Exchange) -> None:
        """Take note of an answer; what was never answered, and what no operation asked for, shows nothing."""
        key = operation_of(exchange.request.method, exchange.request.path)
        if key is None or exchange.status is None:
            return
        statuses = self._statuses.setdefault(key, Counter())
        if exchange.status in statuses or len(statuses) < _MOST_STATUSES:
            statuses[exchange.status] += 1
            self._look_into(self._answers.setdefault((key, exchange.status), _Answer()), exchange)

    def _look_into(self, answer: _Answer, exchange: Exchange) -> None:
        answer.came += 1
        if answer.came > ALL_OF and answer.came % ONE_IN:
            return
        media = exchange.content_type if len(exchange.content_type) <= LONGEST_NAME else "other"
        if exchange.body and (media in answer.media or len(answer.media) < _MOST_STATUSES):
            answer.media[media] += 1
        payload, instead = payload_of(exchange)
        if instead is None:
            answer.looked_into += 1
            answer.root[_TYPES[type(payload)]] += 1
            self._walk(answer, "", payload, 0)

    def _walk(self, answer: _Answer, way: str, value: Any, depth: int) -> None:
        if depth > _DEEPEST:
            return
        if isinstance(value, list):
            for element in value[:_MOST_ELEMENTS]:
                self._kind(answer, f"{way}[]", element)
                self._walk(answer, f"{way}[]", element, depth + 1)
        elif isinstance(value, dict):
            answer.objects[way] += 1
            # Not more of one object than are kept of all.
            for name, inner in list(value.items())[: MOST_NAMES + 1]:
                place = f"{way}.{_named(name)}".removeprefix(".")
                if self._kind(answer, place, inner):
                    self._walk(answer, place, inner, depth + 1)

    @staticmethod
    def _kind(answer: _Answer, place: str, value: Any) -> bool:
        known = answer.properties.get(place)
        if known is None:
            if len(answer.properties) >= MOST_NAMES:
                answer.left_out += 1
                return False
            known = answer.properties[place] = _Property()
        known.seen += 1
        known.types[_TYPES[type(value)]] += 1
        if isinstance(value, str):
            known.formats[_format(value)] += 1
        return True

    def summary(self) -> Mapping[str, Observed]:
        """What was seen of each operation that answered, in the order of the operations."""
        return {key.value: self._observed(key) for key in OperationKey if key in self._statuses}

    def _observed(self, key: OperationKey) -> Observed:
        statuses = {str(status): self._statuses[key][status] for status in sorted(self._statuses[key])}
        answers = {
            str(status): _seen(answer)
            for (operation, status), answer in sorted(self._answers.items(), key=lambda item: item[0][1])
            if operation is key and (answer.looked_into or answer.media)
        }
        return Observed(statuses, answers)


def _seen(answer: _Answer) -> AnswerSeen:
    properties = tuple(
        PropertySeen(place, one.seen, _parents(answer, place, one), dict(one.types), dict(one.formats))
        for place, one in sorted(answer.properties.items())
    )
    return AnswerSeen(answer.looked_into, dict(answer.media), dict(answer.root), properties, answer.left_out)


def _parents(answer: _Answer, place: str, one: _Property) -> int:
    """How often the property could have been there: in each object that may hold it; an element is always there."""
    if place.endswith("[]"):
        return one.seen
    parent = place.rpartition(".")[0]
    return max(one.seen, answer.objects[parent])


def _named(name: str) -> str:
    """A name for the record. One that is an id, or that is no plain name, stands for any.

    A part of a name is never kept: the redactor would not know the secret in it.
    """
    return name if _PLAIN.fullmatch(name) and not _UUID.fullmatch(name) else "*"


def _format(text: str) -> str:
    if len(text) > LONGEST_NAME:
        return "other"
    forms = (("uuid", _UUID), ("date-time", _DATE_TIME), ("date", _DATE))
    return next((name for name, pattern in forms if pattern.fullmatch(text)), "other")
