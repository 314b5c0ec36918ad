"""Puts the requirements in the place of test_contract.py: `pytest tests/contract --stagecheck-config FILE` is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from stagecheck.pytest_plugin import Requirements


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if module_path.name != "test_contract.py" or parent.config.pluginmanager.is_blocked("stagecheck"):
        return None
    return Requirements.from_parent(parent, path=module_path)
