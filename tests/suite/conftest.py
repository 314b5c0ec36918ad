"""Runs against targets that make one wait, without waiting."""

from __future__ import annotations

import pytest

from kit.patience import Skipping, skipping


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Skipping:
    """The clock of the client; how long it has slept."""
    return skipping(monkeypatch)
