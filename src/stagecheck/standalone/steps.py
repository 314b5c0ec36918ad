"""The steps of a reproducer, as far as all its forms have to agree on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_GUEST = re.compile(r"/deploymentStage/\{new:[A-Z]+~?\}/service/(\{service:[0-9]+\})")


def needed(story: Mapping[str, Any]) -> list[int]:
    """The steps that have to be carried out for the story to go on: those that prepare it, or make a stage for later.

    What a story is about is its last answer: that one may be anything.
    """
    steps = story["steps"]
    return [number for number, step in enumerate(steps[:-1]) if step["set_up"] or "makes" in step]


def farewell(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps that clear away what a story has made: its services leave it as they came to be, then it is deleted."""
    made = [step for step in story["steps"] if "makes" in step]
    guests = {found.group(1) for step in story["steps"] if (found := _GUEST.match(step["path"]))}
    back = [step for step in story["steps"] if step["set_up"] and step["path"].rpartition("/")[2] in guests]
    gone = [
        {
            **{key: step[key] for key in ("credential", "set_up")},
            "method": "DELETE",
            "path": f"/deploymentStage/{{{step['makes']}}}",
            "headers": {name: value for name, value in step["headers"].items() if name.lower() != "content-type"},
            "asks": "none",
        }
        for step in made
    ]
    return [*back, *gone] if made else []
