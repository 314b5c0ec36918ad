"""Where services should have stood at the end of a story: what its witness says, with ids in place of symbols."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stagecheck.report.html.snapshots import Snapshot, identifier

_SYMBOL = re.compile(r"\{([a-z.]+(?::[A-Za-z0-9]+)?)~?\}")


@dataclass(frozen=True, slots=True)
class Expected:
    """Places that are expected, by service; and stages that are spoken of besides."""

    places: Mapping[str, list[tuple[str, bool | None]]] = field(default_factory=dict)
    stages: tuple[str, ...] = ()


def resolved(story: Mapping[str, Any]) -> Mapping[str, Any]:
    """The witness of a story, ids in place of symbols; empty where there is none."""
    bindings = story.get("bindings")
    bound = {
        symbol: identifier(entry.get("id"))
        for symbol, entry in (bindings.items() if isinstance(bindings, Mapping) else ())
        if isinstance(entry, Mapping)
    }
    filled = _filled(story.get("witness"), bound)
    return filled if isinstance(filled, Mapping) else {}


def _filled(value: Any, bound: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        found = _SYMBOL.fullmatch(value)
        return bound.get(found.group(1), value) if found else value
    if isinstance(value, Mapping):
        return {key: _filled(entry, bound) for key, entry in value.items()}
    return [_filled(entry, bound) for entry in value] if isinstance(value, list) else value


def expected_of(
    witness: Mapping[str, Any], snapshots: Sequence[Snapshot | None], steps: Sequence[Mapping[str, Any]], last: int
) -> Expected:
    """What the witness expects of the last answer, as far as it can be drawn."""
    kind, now = witness.get("kind"), snapshots[last]
    if kind == "places" and isinstance(witness.get("service"), str):
        return Expected({identifier(witness["service"]): _places(witness.get("places"), now)})
    if kind == "same-places":
        earlier = [
            snapshot
            for snapshot, step in zip(snapshots[:last], steps, strict=False)
            if snapshot is not None and step["path"] == steps[last]["path"]
        ]
        return Expected(_differing(earlier[0], now)) if earlier and now is not None else Expected()
    if kind == "same-set" and witness.get("of") == "services" and now is not None and now.whole:
        return Expected(_lost(snapshots[:last], now))
    if kind == "ranking" and isinstance(witness.get("stages"), list):
        return Expected(stages=tuple(identifier(stage) for stage in witness["stages"]))
    if isinstance(witness.get("stage"), str):
        return Expected(stages=(identifier(witness["stage"]),))
    return Expected()


def _places(places: Any, now: Snapshot | None) -> list[tuple[str, bool | None]]:
    """The places of a witness; of an answer that shows one stage, only whether the service is there can be wrong."""
    pairs = [pair for pair in places if isinstance(pair, list) and len(pair) == 2] if isinstance(places, list) else []
    wanted: list[tuple[str, bool | None]] = [(identifier(stage), bool(flag)) for stage, flag in pairs]
    if now is None or now.whole:
        return wanted
    silent = {stage for stage, here in now.stages.items() for one in here if one.skipped is None}
    return [(stage, None if stage in silent else flag) for stage, flag in wanted]


def _differing(before: Snapshot, now: Snapshot) -> dict[str, list[tuple[str, bool | None]]]:
    services = dict.fromkeys(one.service for shown in (before, now) for here in shown.stages.values() for one in here)
    return {
        service: before.places(service)
        for service in services
        if sorted(map(str, before.places(service))) != sorted(map(str, now.places(service)))
    }


def _lost(earlier: Sequence[Snapshot | None], now: Snapshot) -> dict[str, list[tuple[str, bool | None]]]:
    """Services that an earlier answer showed and this one does not: each where it was last seen."""
    last_seen: dict[str, list[tuple[str, bool | None]]] = {}
    for snapshot in earlier:
        for stage, here in snapshot.stages.items() if snapshot else ():
            last_seen.update({one.service: [(stage, one.skipped)] for one in here})
    return {service: places for service, places in last_seen.items() if not now.places(service)}
