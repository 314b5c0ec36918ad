"""All conforming variants; importing this module registers every one of them."""

from __future__ import annotations

# isort: off
# The order is the order of the register.
from stagecheck.audit import variants_moves as _moves
from stagecheck.audit import variants_stages as _stages
from stagecheck.audit.variant import VARIANTS, Variant

__all__ = ["VARIANTS", "Variant"]

del _moves, _stages
