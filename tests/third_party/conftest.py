"""Programs that others wrote, from npm: `make peers` runs these tests; everywhere else they are skipped, and say so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("STAGECHECK_PEERS"):
        why = "needs programs from npm: make peers installs them and runs this"
    elif shutil.which("node") is None:
        why = "needs Node.js 20 or newer: install it and run make peers again"
    else:
        return
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.skip(reason=why))
