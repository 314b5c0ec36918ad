"""Being a target: HTTP to `step` and back, with no rules of its own.

For tests of one's own: `router` (respx, in process) and `serving` (HTTP), each imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stagecheck.mock.faults import Faults
    from stagecheck.mock.handle import MockTarget
    from stagecheck.mock.routing import Router, router
    from stagecheck.mock.server import serving

__all__ = ["Faults", "MockTarget", "Router", "router", "serving"]

_MODULES = {"Faults": "faults", "MockTarget": "handle", "Router": "routing", "router": "routing", "serving": "server"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
