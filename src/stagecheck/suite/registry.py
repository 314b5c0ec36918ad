"""Which part of the exploration exercises which requirement. One without a part is not tested, and says so."""

from __future__ import annotations

from stagecheck.contract import CATALOGUE

STATEFUL = frozenset(
    key for key, entry in CATALOGUE.items() if entry.family in ("MOVE", "SKIP", "STATE", "SHAPE") or key == "ERR-1"
)
"""What every accepted PUT and every read can break: tour, machine and properties exercise all of it."""

REFUSALS = frozenset(key for key, entry in CATALOGUE.items() if entry.family == "ERR") - {"ERR-9"}
"""What the directed refusals exercise, besides STATE-6."""

AUTH = frozenset(key for key, entry in CATALOGUE.items() if entry.family == "AUTH")
"""What the credential cases exercise, besides STATE-6."""

STAGES = frozenset(key for key, entry in CATALOGUE.items() if entry.family == "STAGE")
"""What the management of stages exercises."""

RACES = frozenset(key for key, entry in CATALOGUE.items() if entry.family == "RACE")
"""What several clients at once exercise."""

PARTS: dict[str, frozenset[str]] = {
    "tour": STATEFUL | {"ERR-9"},
    "refusals": REFUSALS | {"STATE-6"},
    "auth": AUTH | {"STATE-6"},
    "stages": STAGES,
    "deep": STATEFUL,
    "machine": STATEFUL | STAGES | {"ERR-9"},
    "races": RACES,
    "properties": frozenset({"SHAPE-1", "SHAPE-2", "STATE-6"}) | REFUSALS,
}

SEQUENCES = frozenset(key for key, entry in CATALOGUE.items() if entry.family in ("MOVE", "SKIP", "STATE"))
"""What the coverage of the deep tour is said of."""

CHECKED = frozenset().union(*PARTS.values())
"""Every requirement that some part exercises."""


def wants(part: str, selected: frozenset[str]) -> bool:
    """Whether a part of the exploration is needed for the selected requirements."""
    return bool(PARTS[part] & selected)
