"""What a record says of expect.toml, in lines: what fails the run and how to mend it, and what stays unsure."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from stagecheck.report.record import Record

PRUNE = "stagecheck expect --from report.json --prune removes what no longer occurs."


def complaints(record: Record) -> list[tuple[str, str]]:
    """Every entry that fails the run: its requirement, and a line that says what to do with it."""
    told = record.get("expectations")
    if not told:
        return []
    gone = [_key(entry) for entry in told["gone"]]
    unsure = {_key(entry): entry["why"] for entry in told["unsure"]}
    lines: dict[tuple[str, str], str] = {}
    for entry in told["expired"]:
        key = _key(entry)
        if key in gone:
            said = "and no longer occurs; remove it"
        elif key in unsure:
            said = f"and may still occur ({unsure[key]}); renew expires, or remove it"
        else:
            said = "and still occurs; mend the target, or renew expires"
        lines[key] = f"{_place(entry, told)} expired on {entry['expires']} {said}"
    for entry in told["gone"]:
        lines.setdefault(_key(entry), f"{_place(entry, told)} no longer occurs; remove it")
    return [(requirement, line) for (requirement, _), line in lines.items()]


def doubts(record: Record) -> list[str]:
    """Why nothing can be said of entries whose violation was not seen, one line a reason."""
    told = record.get("expectations")
    if not told:
        return []
    reasons = Counter(entry["why"] for entry in told["unsure"])
    return [f"nothing can be said of {_entries(number)}: {why}" for why, number in reasons.items()]


def summary(record: Record) -> str:
    """How much fails the run, in a few words; empty where nothing does."""
    told = record.get("expectations")
    if not told:
        return ""
    parts = [f"{_entries(len(told[what]))} {what}" for what in ("gone", "expired") if told[what]]
    return f"{told['file']}: {', '.join(parts)}" if parts else ""


def prunable(record: Record) -> bool:
    """Whether `expect --prune` has something to remove."""
    told = record.get("expectations")
    return bool(told and told["gone"])


def _key(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["requirement"], entry["cause"]


def _place(entry: dict[str, Any], told: dict[str, Any]) -> str:
    return f"{told['file']}: [[{entry['requirement']}]] cause = {json.dumps(entry['cause'], ensure_ascii=False)}"


def _entries(number: int) -> str:
    return f"{number} entr{'y' if number == 1 else 'ies'}"
