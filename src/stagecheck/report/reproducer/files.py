"""The three forms of every violation of a record, written beside it; and the JSON form, read with care.

All three send the same steps and judge the last answer by the same function of `standalone.checks`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stagecheck.errors import UsageError
from stagecheck.report.record import Record, write_atomically
from stagecheck.report.reproducer.script import pytest_of
from stagecheck.report.reproducer.shell import shell_of
from stagecheck.report.reproducer.story import SCHEMA
from stagecheck.standalone import checks, secrets

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
            if _OURS.fullmatch(old.name):
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


def files_of(story: Mapping[str, Any], number: int = 1) -> dict[str, str]:
    """The names and texts of the three forms."""
    stem = f"{number:02d}-{story['requirement'].lower()}"
    return {
        f"{stem}.json": json.dumps(story, indent=2, ensure_ascii=False) + "\n",
        f"{stem}.sh": shell_of(story),
        f"test_{stem.replace('-', '_')}.py": pytest_of(story),
    }


def read_story(path: Path) -> dict[str, Any]:
    """Read a reproducer. Raises UsageError naming the file and what is wrong with it."""
    try:
        story = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read the reproducer {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no reproducer: it is not JSON ({error})") from None
    wrong = _problem(story)
    if wrong:
        raise UsageError(f"{path} is no reproducer that this version reads: {wrong}; give one from reports/{FOLDER}/")
    assert isinstance(story, dict)
    return story


def _problem(story: object) -> str | None:
    """What keeps a value from being a reproducer, None if nothing does."""
    if not isinstance(story, dict) or story.get("schema") != SCHEMA:
        return f"it is no object of schema {SCHEMA}"
    texts = [key for key in ("requirement", "message", "expected") if not isinstance(story.get(key), str)]
    if texts:
        return f"{texts[0]} is missing"
    steps, given, witness = story.get("steps"), story.get("given"), story.get("witness")
    if not isinstance(steps, list) or not steps or not all(map(_is_step, steps)):
        return "its steps are not of the form that verify writes"
    if not isinstance(story.get("bindings"), dict) or not isinstance(given, list):
        return "its bindings or conditions are missing"
    numbered = all(isinstance(e, list) and len(e) == 2 and e[0] in range(len(steps)) for e in given)
    conditions = [witness, *(entry[1] for entry in given)] if numbered else [None]
    known = all(isinstance(one, dict) and one.get("kind") in checks.CHECKS for one in conditions)
    return None if known else "its witness is of no known kind"


def _is_step(step: object) -> bool:
    if not isinstance(step, dict) or not isinstance(step.get("credential"), dict):
        return False
    texts = all(isinstance(step.get(key), str) for key in ("method", "path", "asks"))
    how = step["credential"].get("how")
    made = how is None or how in vars(secrets)
    return texts and made and isinstance(step.get("headers"), dict) and isinstance(step.get("set_up"), bool)
