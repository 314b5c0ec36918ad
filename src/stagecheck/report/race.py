"""A race in text: one line an operation, its bar on a common scale of time; and the file that keeps its history."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stagecheck.errors import UsageError
from stagecheck.report.record import Record, write_atomically

FOLDER = "races"
SCHEMA = 1
_WIDTH = 76
_BAR = 18
_MOST = 24
_OURS = re.compile(r"\d{2,}-race-\d\.json")


def timeline(violation: Mapping[str, Any], width: int = _WIDTH) -> Iterator[str]:
    """The lines of a race, none of another violation. `width`: characters of a line, its indent not counted."""
    race = violation.get("race")
    operations = sorted(race["operations"], key=lambda one: one["start_s"])[:_MOST] if race else []
    if not operations:
        return
    began = operations[0]["start_s"]
    ended = max(one["end_s"] if one["end_s"] is not None else one["start_s"] for one in operations)
    span = max(ended - began, 1e-6)
    yield f"{'':{_BAR}}  {span * 1000:.1f} ms from the first call to the last answer"
    for one in operations:
        room = width - _BAR - 2
        told = f"client {one['client']}: {one['words']}"
        yield f"{_bar(one, began, span)}  {_cut(told, room)}"
        answered = "never answered" if one["status"] is None else f"{one['status']} {one['shows']}".strip()
        mark = "✗ " if one["wrong"] else ""
        yield f"{'':{_BAR}}  {_cut(f'{mark}→ {answered}', room)}"


def _bar(one: Mapping[str, Any], began: float, span: float) -> str:
    """From the call to the return: `  ├────┤   `; open at the end where no answer came."""
    scale = (_BAR - 1) / span
    start = min(_BAR - 2, round((one["start_s"] - began) * scale))
    if one["end_s"] is None:
        return f"{' ' * start}├{'─' * (_BAR - start - 2)}…"
    end = max(start + 1, min(_BAR - 1, round((one["end_s"] - began) * scale)))
    return f"{' ' * start}├{'─' * (end - start - 1)}┤".ljust(_BAR)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def write_histories(directory: Path, record: Record) -> None:
    """Write the whole round of every race into a folder of the report directory. Raises OSError.

    A file holds the placements that the round began with, the reading, and every operation: what was asked, what was
    answered, and when. Files of an earlier run are taken away.
    """
    folder = directory / FOLDER
    for old in folder.iterdir() if folder.is_dir() else ():
        if _OURS.fullmatch(old.name) and not old.is_dir():
            old.unlink()
    races = [violation for violation in record["violations"] if violation.get("race")]
    for number, violation in enumerate(races, start=1):
        folder.mkdir(exist_ok=True)
        race = violation["race"]
        history = {
            "schema": SCHEMA,
            **{key: violation[key] for key in ("requirement", "message", "expected", "actual")},
            "began": race["began"],
            "reading": race["reading"],
            "operations": race["all"],
        }
        text = json.dumps(history, indent=2, ensure_ascii=False) + "\n"
        place = folder / f"{number:02d}-{violation['requirement'].lower()}.json"
        write_atomically(place, text.encode("utf-8", "backslashreplace"))


def read_history(path: Path) -> dict[str, Any] | None:
    """The whole round that a file keeps; None for a file that is no such history.

    Raises UsageError where the file is one by its name for things, and cannot be sent again.
    """
    try:
        history = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(history, dict) or "operations" not in history:
        return None
    if not _is_history(history):
        raise UsageError(f"{path} is no race that this version reads; give one from reports/{FOLDER}/")
    return history


def _is_history(history: Mapping[str, Any]) -> bool:
    texts = all(isinstance(history.get(key), str) for key in ("requirement", "message", "expected"))
    began, operations = history.get("began"), history.get("operations")
    if history.get("schema") != SCHEMA or not texts or not isinstance(began, list) or not isinstance(operations, list):
        return False
    places = all(
        isinstance(one, dict)
        and isinstance(one.get("service"), str)
        and isinstance(one.get("stage"), str)
        and isinstance(one.get("skipped"), bool)
        for one in began
    )
    return places and bool(operations) and all(map(_is_operation, operations))


def _is_operation(one: object) -> bool:
    if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in ("method", "path")):
        return False
    times = isinstance(one.get("start_s"), int | float) and isinstance(one.get("end_s"), int | float | None)
    return times and isinstance(one.get("client"), int) and isinstance(one.get("body"), str | None)
