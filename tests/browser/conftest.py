"""Tests in real Chromium: `make browser` runs them; everywhere else they are skipped, and say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser.chromium import Browser

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("STAGECHECK_BROWSER"):
        return
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.skip(reason="needs Chromium: make browser installs it and runs this"))


@pytest.fixture(scope="session")
def chromium_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    from browser.chromium import chromium  # noqa: PLC0415  (a driver library that no other test needs)

    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium_browser: Browser) -> Browser:
    """The browser, looking as it does for most people."""
    chromium_browser.scripts(allowed=True)
    chromium_browser.look()
    return chromium_browser
