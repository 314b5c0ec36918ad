"""What one answer can get wrong all by itself, without any history: unique orders (STATE-8) and dates (STATE-9)."""

from __future__ import annotations

from collections import Counter

from stagecheck import witness
from stagecheck.model.compare import Mismatch
from stagecheck.model.moments import before, moment
from stagecheck.model.observation import Observation


def intrinsic(seen: Observation, doing: str) -> tuple[list[Mismatch], list[str]]:
    """The promises that an answer breaks on its own face, and those it could have broken."""
    mismatches: list[Mismatch] = []
    exercised: list[str] = []
    if seen.of_list:
        homes = Counter(stage.environment for stage in seen.stages)
        home = max(homes, key=lambda key: homes[key]) if homes else None
        orders = [stage.order for stage in seen.stages if stage.order is not None and stage.environment == home]
        if len(orders) > 1:
            exercised.append("STATE-8")
        if len(set(orders)) < len(orders):
            twice = next(order for order in orders if orders.count(order) > 1)
            mismatches.append(
                Mismatch(
                    "STATE-8",
                    "order-twice",
                    f"after {doing} {orders.count(twice)} stages have deployment_order {twice}",
                    "deployment_order unique within the environment",
                    f"orders {orders}",
                    "order",
                    witness=witness.UNIQUE_ORDERS,
                )
            )
    dated = [("stage", stage.id, stage.created_at, stage.updated_at) for stage in seen.stages]
    dated += [
        ("the entry of service", entry.service or "", entry.created_at, entry.updated_at)
        for stage in seen.stages
        for entry in stage.entries or ()
    ]
    for what, identifier, created, updated in dated:
        if created is None or updated is None or moment(created) is None or moment(updated) is None:
            continue
        exercised.append("STATE-9")
        if before(updated, created):
            mismatches.append(
                Mismatch(
                    "STATE-9",
                    f"updated-before-created:{what.split()[-1]}",
                    f"after {doing} the updated_at of {what} {identifier} is before its created_at",
                    f"updated_at not before {created}",
                    f"updated_at {updated}",
                    "attribute",
                    witness=witness.DATES,
                )
            )
            break
    return mismatches, list(dict.fromkeys(exercised))
