"""Defects of facts that no move may change: whose entry it is (STATE-7), orders (STATE-8), dates (STATE-9)."""

# a hook has one signature, whatever an override makes of it

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Misplaces
from stagecheck.mock.app import Attachment, Mock
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import World

# ---------------------------------------------------------------------- service_id and service_type, STATE-7


@seeded("type-lost-on-a-move", "STATE-7", "A move writes a new row with the default service_type APPLICATION.")
class _TypeLostOnAMove(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        return {**entry, "service_type": "APPLICATION"} if self.addressed(service_id) else entry


@seeded(
    "type-follows-the-stage",
    "STATE-7",
    "The service_type is derived from the name of the stage, for everything that was moved there.",
)
class _TypeFollowsTheStage(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        name = self.world.stages[self.world.placements[service_id].stage].name or ""
        kind = name.removesuffix(" DEFAULT")
        return {**entry, "service_type": kind} if self.addressed(service_id) and kind != name else entry


@seeded(
    "type-taken-from-the-neighbour",
    "STATE-7",
    "A service that returns to a stage gets the service_type of the first service there.",
)
class _TypeTakenFromTheNeighbour(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        here = self.world.placements[service_id].stage
        if self.addressed(service_id).count(here) < 2:
            return entry
        first = self.world.services_in(here)[0]
        return {**entry, "service_type": self.world.services[first].type}


@seeded(
    "service-id-is-the-entry-id",
    "STATE-7",
    "After a move the entry shows its own id as service_id.",
    accepts=("STATE-1",),
)
class _ServiceIdIsTheEntryId(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        return {**entry, "service_id": entry["id"]} if self.addressed(service_id) else entry


@seeded(
    "type-lost-when-skipped",
    "STATE-7",
    "The entry of a service that was moved and then skipped shows an empty service_type.",
)
class _TypeLostWhenSkipped(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        lost = bool(self.addressed(service_id)) and self.world.placements[service_id].skipped
        return {**entry, "service_type": ""} if lost else entry


# ---------------------------------------------------------------------- deployment_order, STATE-8


@seeded("orders-all-zero", "STATE-8", "The column deployment_order is not selected, so every stage shows 0.")
class _OrdersAllZero(Mock):
    def stage(self, stage_id: str) -> dict[str, Any]:
        return {**super().stage(stage_id), "deployment_order": 0}


@seeded("last-two-share-an-order", "STATE-8", "The last stage was added with the order of the one before it.")
class _LastTwoShareAnOrder(Misplaces):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        stages = self.sisters(stage_id)
        if len(stages) > 1 and stage_id == stages[-1]:
            shown["deployment_order"] = self.order(stages[-2])
        return shown


@seeded(
    "orders-shift-as-services-move",
    "STATE-8",
    "A stage shows how many services were moved into it as its deployment_order.",
    accepts=("STATE-3",),
)
class _OrdersShiftAsServicesMove(Misplaces):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        arrived = sum(past.stage == stage_id for past in self.past)
        return {**shown, "deployment_order": arrived} if self.past else shown


# ---------------------------------------------------------------------- dates, STATE-9


@seeded(
    "moved-entry-updated-before-created", "STATE-9", "A move writes a new created_at and leaves the old updated_at."
)
class _MovedEntryUpdatedBeforeCreated(Mock):
    def touch(self, request: Attach, before: World) -> None:
        old = self.attachments[request.service].updated_at
        super().touch(request, before)
        now = self.attachments[request.service]
        if before.placements[request.service].stage != self.world.placements[request.service].stage:
            self.attachments[request.service] = Attachment(now.id, now.created_at, old)


@seeded("updated-in-local-time", "STATE-9", "A change in place writes updated_at in local time and marks it as UTC.")
class _UpdatedInLocalTime(Mock):
    def touch(self, request: Attach, before: World) -> None:
        super().touch(request, before)
        kept = self.attachments[request.service]
        was, now = before.placements[request.service], self.world.placements[request.service]
        if was.stage == now.stage and was != now:
            kept.updated_at = f"{datetime.fromisoformat(kept.updated_at) - timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}"


@seeded(
    "stage-created-when-asked",
    "STATE-9",
    "The created_at of a stage is the moment of the answer.",
    accepts=("STATE-3",),
)
class _StageCreatedWhenAsked(Mock):
    def stage(self, stage_id: str) -> dict[str, Any]:
        return {**super().stage(stage_id), "created_at": self.now(), "updated_at": self.now()}


@seeded(
    "stage-created-anew-by-a-skip",
    "STATE-9",
    "Skipping a service saves its stage as a new row, with a new created_at.",
    accepts=("STATE-3",),
)
class _StageCreatedAnewByASkip(Misplaces):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        skips = sum(past.stage == stage_id and past.form is Form.TRUE for past in self.past)
        if not skips:
            return shown
        saved = f"2024-02-{1 + skips % 28:02d}T00:00:00Z"
        return {**shown, "created_at": saved, "updated_at": saved}
