"""Is the suite any good? Seeded defects that it must find, and conforming variants that it must leave alone.

Importing this package registers every defect, so that `audit.defect.DEFECTS` is complete for whoever reads it.
"""

from __future__ import annotations

from stagecheck.audit import defects as _registered
from stagecheck.audit.defect import DEFECTS, Defect, defect_named

__all__ = ["DEFECTS", "Defect", "defect_named"]

del _registered
