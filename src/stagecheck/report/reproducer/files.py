"""The three forms of every violation of a record, written beside it.

All three send the same steps and judge the last answer by the same function of `standalone.checks`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stagecheck.report.record import Record, write_atomically
from stagecheck.report.reproducer.script import pytest_of
from stagecheck.report.reproducer.shell import shell_of
from stagecheck.report.reproducer.story import SCHEMA

FOLDER = "reproducers"
_OURS = re.compile(r"(test_)?\d{2,}[-_][a-z0-9_-]+\.(json|sh|py)")
_FIELDS = ("requirement", "cause", "message", "expected", "actual", "reproduced")


def write_reproducers(directory: Path, record: Record) -> None:
    """Write the three forms of every violation into a folder of the report directory. Raises OSError.

    Files of an earlier run are taken away; others that lie there are left alone.
    """
    folder = directory / FOLDER
    if folder.is_dir():
        for old in folder.iterdir():
            if _OURS.fullmatch(old.name) and not old.is_dir():
                old.unlink()
    stories = [story for story in map(story_of, record["violations"]) if story is not None]
    if not stories:
        return
    folder.mkdir(exist_ok=True)
    for number, story in enumerate(stories, start=1):
        for name, text in files_of({**story, "url": record["target"]["url"]}, number).items():
            write_atomically(folder / name, text.encode("utf-8", "backslashreplace"))
            if name.endswith(".sh"):
                (folder / name).chmod(0o755)


def story_of(violation: Mapping[str, Any]) -> dict[str, Any] | None:
    """A violation of a record as a reproducer by itself; None where nothing can be checked."""
    told = violation.get("reproducer")
    if told is None:
        return None
    return {"schema": SCHEMA, **{key: violation.get(key) for key in _FIELDS}, **told}


def names_of(requirement: str, number: int) -> tuple[str, str, str]:
    """The names of the three forms: JSON, shell script, test file."""
    stem = f"{number:02d}-{requirement.lower()}"
    return f"{stem}.json", f"{stem}.sh", f"test_{stem.replace('-', '_')}.py"


def files_of(story: Mapping[str, Any], number: int = 1) -> dict[str, str]:
    """The names and texts of the three forms."""
    written = (json.dumps(story, indent=2, ensure_ascii=False) + "\n", shell_of(story), pytest_of(story))
    return dict(zip(names_of(story["requirement"], number), written, strict=True))
