"""The seeded defects, by the family of the requirement that each is aimed at. Importing a module registers its own."""

from __future__ import annotations

# isort: off
# The order is the order of the register, which follows the catalogue.
from stagecheck.audit.defects import move
from stagecheck.audit.defects import move_flag
from stagecheck.audit.defects import skip
from stagecheck.audit.defects import state
from stagecheck.audit.defects import state_stages
from stagecheck.audit.defects import state_reads
from stagecheck.audit.defects import state_facts
from stagecheck.audit.defects import shape
from stagecheck.audit.defects import err_crashes
from stagecheck.audit.defects import err
from stagecheck.audit.defects import auth
from stagecheck.audit.defects import auth_owners
from stagecheck.audit.defects import stage
from stagecheck.audit.defects import stage_order
from stagecheck.audit.defects import races

__all__ = [
    "auth",
    "auth_owners",
    "err",
    "err_crashes",
    "move",
    "move_flag",
    "races",
    "shape",
    "skip",
    "stage",
    "stage_order",
    "state",
    "state_facts",
    "state_reads",
    "state_stages",
]
