"""The OpenAPI document: where the packaged one is, how any is loaded, what it says of operations and answers.

``stagecheck.spec.cases`` is left out on purpose: it imports Schemathesis, which takes a third of a second.
"""

from __future__ import annotations

from stagecheck.spec.document import ABSENT, Document, Operation, load
from stagecheck.spec.fragment import fragment_path, overlay_path
from stagecheck.spec.reading import Source, read

__all__ = ["ABSENT", "Document", "Operation", "Source", "fragment_path", "load", "overlay_path", "read"]
