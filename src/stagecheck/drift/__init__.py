"""Who disagrees with whom: the document that is pinned, the one its vendor has now, and what a target did.

Works on two documents and on what a run put on record of answers. Sends nothing.
"""

from __future__ import annotations

from stagecheck.drift.table import Drift, Row, drift_of

__all__ = ["Drift", "Row", "drift_of"]
