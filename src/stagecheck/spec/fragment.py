"""Where the packaged OpenAPI fragment and its strict overlay are. No other module knows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stagecheck.errors import HarnessError

FRAGMENT: Final = "deployment-stage.yaml"
OVERLAY: Final = "strict.overlay.yaml"


def fragment_path() -> Path:
    """The packaged fragment. Raises ``HarnessError`` when it is missing."""
    return _packaged(FRAGMENT)


def overlay_path() -> Path:
    """The packaged overlay, which adds to a document what the contract knows. Raises as ``fragment_path`` does."""
    return _packaged(OVERLAY)


def _packaged(name: str) -> Path:
    """Package data of an installed wheel, or a file in ``openapi/`` of a source checkout.

    The wheel is looked at first: an installed package may lie below a directory that has an ``openapi/`` of
    its own. Only a broken installation has it in neither place.
    """
    package = Path(__file__).resolve().parent.parent
    installed = package / "openapi" / name
    checkout = package.parent.parent / "openapi" / name
    for place in (installed, checkout):
        if place.is_file():
            return place
    raise HarnessError(f"a packaged OpenAPI file is missing: {installed}; reinstall stagecheck")
