"""What a JSON answer says, read leniently: anything may be absent, null or of an unexpected type.

Whether the answer matches the published schema is judged elsewhere (SHAPE-1); here as much is read as can be, so that
a target with one flaw in its shape is still judged by its meaning. `Habits` remembers what each operation is in the
habit of showing: a target that once showed `services` and now leaves the key out means an empty stage, one that never
shows it says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from stagecheck.model.observation import Observation, SeenEntry, SeenStage
from stagecheck.model.state import canonical, is_uuid
from stagecheck.operations import OPERATIONS, OperationKey


class Habits:
    """What the answers of each operation have been seen to show, and how the target writes each id."""

    def __init__(self) -> None:
        self._shows_services: set[OperationKey] = set()
        self.spellings: dict[str, str] = {}

    def note(self, key: OperationKey, stages: list[Mapping[str, Any]]) -> bool:
        """Remember these stages; True if a missing `services` means that there are none."""
        if any(isinstance(stage.get("services"), list) for stage in stages):
            self._shows_services.add(key)
        return key in self._shows_services

    def note_spellings(self, stages: list[Mapping[str, Any]]) -> None:
        """Remember how ids are written that nobody has written yet."""
        for stage in stages:
            listed = stage.get("services")
            entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
            for written in (stage.get("id"), *(entry.get("service_id") for entry in entries)):
                identifier = _id(written)
                if identifier is not None and isinstance(written, str):
                    self.spellings.setdefault(identifier, written)


def read_answer(
    key: OperationKey, payload: object, habits: Habits, services: Collection[str] = ()
) -> Observation | None:
    """The stages that the 200 answer of an operation shows; None if it shows none at all.

    `payload`: the decoded JSON. `services`: ids known to be services, for entries that name no service_id but whose
    own id is one.
    """
    of_list = OPERATIONS[key].answer == "list"
    stages = _stages(payload, of_list=of_list)
    if stages is None:
        return None
    empty_if_missing = habits.note(key, stages)
    seen = tuple(_stage(stage, services, empty_if_missing=empty_if_missing) for stage in stages)
    habits.note_spellings(stages)
    return Observation(tuple(stage for stage in seen if stage is not None), of_list)


def _stages(payload: object, *, of_list: bool) -> list[Mapping[str, Any]] | None:
    if not isinstance(payload, dict):
        return None
    if not of_list:
        return [payload] if isinstance(payload.get("id"), str) else None
    results = payload.get("results")
    if not isinstance(results, list):
        return None
    return [stage for stage in results if isinstance(stage, dict)]


def _stage(stage: Mapping[str, Any], services: Collection[str], *, empty_if_missing: bool) -> SeenStage | None:
    identifier = _id(stage.get("id"))
    if identifier is None:
        return None
    environment = stage.get("environment")
    listed = stage.get("services")
    entries: tuple[SeenEntry, ...] | None = None
    if isinstance(listed, list):
        entries = tuple(_entry(entry, services) for entry in listed if isinstance(entry, dict))
    elif empty_if_missing:
        entries = ()
    order = stage.get("deployment_order")
    return SeenStage(
        identifier,
        _id(environment.get("id")) if isinstance(environment, dict) else None,
        _text(stage.get("name")),
        _description(stage),
        order if isinstance(order, int) and not isinstance(order, bool) else None,
        _text(stage.get("created_at")),
        _text(stage.get("updated_at")),
        entries,
    )


def _description(stage: Mapping[str, Any]) -> str | None:
    """The description; an explicit null says that it is empty, where leaving it out says nothing."""
    return "" if "description" in stage and stage["description"] is None else _text(stage.get("description"))


def _entry(entry: Mapping[str, Any], services: Collection[str]) -> SeenEntry:
    service = _id(entry.get("service_id"))
    if service is None:
        own = _id(entry.get("id"))
        service = own if own in services else None
    return SeenEntry(
        service,
        # Clients read an absent flag as false. A flag of a wrong type is a matter of shape; its sense is clear.
        entry.get("is_skipped") in (True, "true", "True"),
        _text(entry.get("service_type")),
        _text(entry.get("created_at")),
        _text(entry.get("updated_at")),
    )


def _id(value: object) -> str | None:
    return canonical(value) if isinstance(value, str) and is_uuid(value) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
