"""What changed between two documents, for clients and for servers: decided by schema algebra, shown by a witness.

Compared is what the operations of both reach. Senders are taken to send what their document describes, receivers to
take what theirs allows; a change breaks somebody where the one is no longer within the other.
"""

from __future__ import annotations

from stagecheck.spec.diff.changes import KINDS, Change, Class, Kind, Side, Witness
from stagecheck.spec.diff.compare import Diffed, diff

__all__ = ["KINDS", "Change", "Class", "Diffed", "Kind", "Side", "Witness", "diff"]
