"""Where the packaged OpenAPI fragment is. No other module knows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stagecheck.errors import HarnessError

NAME: Final = "deployment-stage.yaml"


def fragment_path() -> Path:
    """The packaged fragment: package data of an installed wheel, or ``openapi/`` of a source checkout.

    The wheel is looked at first: an installed package may lie below a directory that has an ``openapi/`` of
    its own. Raises ``HarnessError`` when neither place has it, which only a broken installation brings
    about.
    """
    package = Path(__file__).resolve().parent.parent
    installed = package / "openapi" / NAME
    checkout = package.parent.parent / "openapi" / NAME
    for place in (installed, checkout):
        if place.is_file():
            return place
    raise HarnessError(f"the packaged OpenAPI fragment is missing: {installed}; reinstall stagecheck")
