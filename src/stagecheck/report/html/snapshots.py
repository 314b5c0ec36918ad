"""What the answers of a story show: which stages, and which service stands in which of them, skipped or not.

An answer that shows no stages (a refusal, a deletion, something that is no JSON) has no snapshot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stagecheck.report.html.text import short
from stagecheck.witness import asks

_MOST_STAGES, _MOST_ENTRIES = 200, 500
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Standing:
    """A service in a stage. `skipped`: None where the answer does not say."""

    service: str
    skipped: bool | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The stages of one answer with what stands in them, by id in lower case, in the order of deployment.

    `whole`: the answer lists the environment, so what is not in it is not there.
    """

    stages: Mapping[str, tuple[Standing, ...]]
    names: Mapping[str, str]
    whole: bool

    def places(self, service: str) -> list[tuple[str, bool | None]]:
        """Where it shows the service: stages, each with the flag."""
        return [(stage, one.skipped) for stage, here in self.stages.items() for one in here if one.service == service]


def snapshot_of(step: Mapping[str, Any]) -> Snapshot | None:
    """What a step's answer shows, None if it shows no stages."""
    if step["status"] != 200 or not step["answer"]:
        return None
    asked = asks(step["method"], step["path"].split("?")[0])
    try:
        payload = json.loads(step["answer"])
    except (ValueError, RecursionError):
        return None
    listed = payload.get("results") if isinstance(payload, dict) and asked == "list" else [payload]
    if not isinstance(listed, list):
        return None
    stages = [one for one in listed[:_MOST_STAGES] if isinstance(one, dict) and isinstance(one.get("id"), str)]
    if not stages and asked != "list":
        return None
    stages.sort(key=_order)
    shown = {identifier(one["id"]): _standings(one) for one in stages}
    if asked == "service-stage":
        service = identifier(step["path"].split("/")[2])
        shown = {stage: here or (Standing(service, None),) for stage, here in shown.items()}
    names = {identifier(one["id"]): short(one["name"], 60) for one in stages if _named(one)}
    return Snapshot(shown, names, asked == "list")


def identifier(value: object) -> str:
    """An id as it is compared: in lower case, and never longer than an id has reason to be; `?` for what is none."""
    return value[:_LONGEST_ID].lower() if isinstance(value, str) else "?"


def cut(step: Mapping[str, Any]) -> bool:
    """Whether the record holds only the beginning of a step's answer (`exchange.LONGEST_RECORDED`)."""
    return re.search(r"… \(\d+ more bytes\)$", (step["answer"] or "")[-40:]) is not None


def _named(stage: Mapping[str, Any]) -> bool:
    return isinstance(stage.get("name"), str) and bool(stage["name"])


def _order(stage: Mapping[str, Any]) -> float:
    order = stage.get("deployment_order")
    return order if isinstance(order, int) and abs(order) < 1e9 else float("inf")


def _standings(stage: Mapping[str, Any]) -> tuple[Standing, ...]:
    listed = stage.get("services")
    entries = listed[:_MOST_ENTRIES] if isinstance(listed, list) else []
    return tuple(_standing(entry) for entry in entries if isinstance(entry, dict))


def _standing(entry: Mapping[str, Any]) -> Standing:
    flag = entry.get("is_skipped")
    kind = entry.get("service_type")
    return Standing(
        identifier(entry.get("service_id") or entry.get("id")),
        flag in (True, "true", "True"),
        short(kind, 20) if isinstance(kind, str) and kind else "",
    )
