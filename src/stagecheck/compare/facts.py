"""What an answer says, as plain facts that can be held against those of another target.

Ids are written as what they stand for, times are left out, and what was so before the first request is written as that:
two targets whose stages have other names say the same as long as neither changes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stagecheck.exchange import Exchange
from stagecheck.suite.shapes import payload_of

Facts = dict[str, str]

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST = 120
_AT_FIRST = "as at first"
_ELSEWHERE = ("second", "foreign")
_ALWAYS = ("status", "content type")
_UNCHANGED = ("name", "description", "deployment_order", "service_type")


@dataclass(slots=True)
class Reader:
    """Reads the answers of one target.

    `ids`: canonical id → what it stands for; `at_first`: what the attributes of things were at first; `besides`: how
    many stages there are that nothing stands for; `elsewhere`: what each read of another environment said at first.
    """

    ids: dict[str, str]
    at_first: dict[tuple[str, str], object] = field(default_factory=dict)
    besides: int = 0
    elsewhere: dict[str, Facts] = field(default_factory=dict)

    def remember(self, payload: object) -> None:
        """Take a list for how everything is at first."""
        self.besides = sum(_text(stage.get("id")) not in self.ids for stage in _stages(payload))
        for stage in _stages(payload):
            self._note(stage, _text(stage.get("id")))
            for entry in _entries(stage):
                self._note(entry, _text(entry.get("service_id")))

    def _note(self, thing: Mapping[str, Any], identifier: str) -> None:
        for attribute in _UNCHANGED:
            if attribute in thing:
                self.at_first[identifier, attribute] = thing[attribute]

    def facts(self, exchange: Exchange) -> Facts:
        """What an answer says; of another environment, what it says otherwise than at first."""
        told = self._all(exchange)
        request = exchange.request
        about = (self.ids.get(part.lower(), "") for part in request.path.split("/"))
        if request.method != "GET" or not any(name.startswith(_ELSEWHERE) for name in about):
            return told
        first = self.elsewhere.setdefault(request.path.lower(), told)
        changed = {fact: value for fact, value in told.items() if first.get(fact) != value or fact in _ALWAYS}
        return {**dict.fromkeys(first.keys() - told.keys(), "not shown"), **changed}

    def _all(self, exchange: Exchange) -> Facts:
        status = exchange.status
        facts = {"status": str(status if status is not None else exchange.failure)}
        payload, instead = payload_of(exchange)
        if status is None or not 200 <= status < 300:
            facts["refusal"] = self._plain(payload if instead is None else exchange.body.decode("utf-8", "replace"))
            return facts
        facts["content type"] = exchange.content_type or "none"
        if instead is not None:
            facts["body"] = instead
            return facts
        stages = list(_stages(payload))
        if not stages:
            facts["body"] = self._plain(payload)
            return facts
        if isinstance(payload, dict) and "results" in payload:
            facts |= self._of_list(payload, stages)
        for stage in stages:
            facts |= dict(self._of_stage(stage))
        return facts

    def _of_list(self, payload: Mapping[str, Any], stages: list[Mapping[str, Any]]) -> Facts:
        bound = [stage for stage in stages if _text(stage.get("id")) in self.ids]
        orders = [(stage.get("deployment_order"), self._name(stage.get("id"))) for stage in bound]
        numbered = all(isinstance(order, int) for order, _ in orders)
        facts = {
            "stages": ", ".join(sorted(name for _, name in orders)),
            "order of the stages": ", ".join(name for _, name in sorted(orders)) if numbered else "none",
            "other properties": ", ".join(sorted(key for key in payload if key != "results")),
        }
        return {**facts, "stages that were not there at first": str(len(stages) - len(bound) - self.besides)}

    def _of_stage(self, stage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        identifier = _text(stage.get("id"))
        if identifier not in self.ids:
            return
        name = self.ids[identifier]
        for key, value in stage.items():
            if key in ("services", "id", "deployment_order") or _is_time(value):
                # Numbers are the target's own; what they say is the order of the list.
                continue
            yield f"{name}, {key}", self._value(identifier, key, value)
        yield f"{name}, services", "listed" if isinstance(stage.get("services"), list) else "not shown"
        for entry in _entries(stage):
            yield from self._of_entry(entry, name)

    def _of_entry(self, entry: Mapping[str, Any], stage: str) -> Iterator[tuple[str, str]]:
        identifier = _text(entry.get("service_id"))
        if identifier not in self.ids:
            return
        name = self.ids[identifier]
        yield f"{name}, stage", stage
        for key, value in entry.items():
            if key not in ("id", "service_id") and not _is_time(value):
                yield f"{name}, {key}", self._value(identifier, key, value)
        if "is_skipped" not in entry:
            yield f"{name}, is_skipped", "not shown"

    def _value(self, identifier: str, key: str, value: object) -> str:
        if (identifier, key) in self.at_first and self.at_first[identifier, key] == value:
            return _AT_FIRST
        return self._plain(value)

    def _name(self, identifier: object) -> str:
        return self.ids.get(_text(identifier), "another stage")

    def _plain(self, value: object) -> str:
        """A value in one line: ids by what they stand for, times and other ids by what they are."""
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
        text = _UUID.sub(lambda match: self.ids.get(match.group(0).lower(), "an id"), _TIME.sub("a time", text))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _stages(payload: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(payload, dict):
        return
    listed = payload.get("results", [payload] if "id" in payload else [])
    yield from (stage for stage in (listed if isinstance(listed, list) else ()) if isinstance(stage, dict))


def _entries(stage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = stage.get("services")
    yield from (entry for entry in (listed if isinstance(listed, list) else ()) if isinstance(entry, dict))


def _text(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""


def _is_time(value: object) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None
