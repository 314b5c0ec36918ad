"""`stagecheck diff`: what changed between the records of two runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from stagecheck.report.changes import Change, Changes, Untested, changes_between
from stagecheck.report.html.text import plural, short
from stagecheck.report.record import Record, read_record, version_of
from stagecheck.report.terminal import make_console, shown

_FILE = click.Path(path_type=Path)
_LONGEST = 1000


@click.command("diff", short_help="Say what changed between two runs.")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(old: Path, new: Path, *, as_json: bool) -> int:
    """Say what changed from one run to another: new, fixed, still there, no longer tested.

    OLD and NEW are the report.json of two runs. A violation is the same one if its requirement and its cause are; what
    the newer run did not try, or would not have shown, is no longer tested, and not fixed. Exit code 1: a violation is
    new, and not a known one of expect.toml.
    """
    before, after = read_record(old), read_record(new)
    changes = changes_between(before, after)
    if as_json:
        runs = {"earlier": _facts(old, before), "recent": _facts(new, after)}
        click.echo(json.dumps({"headline": changes.headline, **runs, **_data(changes)}, indent=2))
    else:
        _print(make_console(sys.stdout), changes)
    return 1 if changes.alarming else 0


def _facts(path: Path, record: Record) -> dict[str, Any]:
    return {
        "file": str(path),
        "started": record.get("started"),
        "url": record["target"]["url"],
        "version": version_of(record),
        "profile": record.get("profile"),
        "verdict": record["verdict"],
    }


def _data(changes: Changes) -> dict[str, Any]:
    return {
        "new": [asdict(change) for change in changes.new],
        "fixed": [_without_untried(change) for change in changes.fixed],
        "still": [_without_untried(change) for change in changes.still],
        "no_longer_tested": [
            {**asdict(entry), "violations": [_without_untried(change) for change in entry.violations]}
            for entry in changes.untested
        ],
        "grades": [asdict(entry) for entry in changes.grades],
        "notes": list(changes.notes),
    }


def _without_untried(change: Change) -> dict[str, Any]:
    return {key: value for key, value in asdict(change).items() if key != "untried"}


def _print(console: Console, changes: Changes) -> None:
    console.print(Text(shown(changes.headline), "bold red" if changes.alarming else "bold green"))
    before, after = changes.verdicts
    console.print(Text(f"verdict: {after}, as before" if before == after else f"verdict: {before}, now {after}"))
    _section(console, "New", changes.new, "red")
    _section(console, "Fixed", changes.fixed, "green")
    _section(console, "Still there", changes.still, "")
    if changes.untested:
        _heading(console, "No longer tested")
        for why, entries in _by_reason(changes.untested).items():
            _line(console, f"{', '.join(entries)}: {why}", "magenta")
    told = {change.requirement for change in (*changes.new, *changes.fixed)}
    told |= {entry.requirement for entry in changes.untested}
    others = [graded for graded in changes.grades if graded.requirement not in told]
    if others:
        _heading(console, "Other grades")
        for graded in others:
            _line(
                console, f"{graded.requirement}: {graded.before or 'not there'}, now {graded.after or 'not there'}", ""
            )
    if changes.notes:
        _heading(console, "Notes")
        for note in changes.notes:
            _line(console, note, "")


def _by_reason(untested: Iterable[Untested]) -> dict[str, list[str]]:
    """The requirements that are no longer tested by why; those that were broken with what they were."""
    reasons: dict[str, list[str]] = {}
    for entry in untested:
        was = f" (was {entry.before}, {plural(len(entry.violations), 'violation')})" if entry.violations else ""
        reasons.setdefault(entry.why, []).append(f"{entry.requirement}{was}")
    return reasons


def _section(console: Console, title: str, changes: Iterable[Change], style: str) -> None:
    found = list(changes)
    if not found:
        return
    _heading(console, title)
    for change in found:
        known = " (known)" if change.known else ""
        untried = f" (the older run might not have shown it: {change.untried})" if change.untried else ""
        _line(console, f"{change.requirement}{known}: {change.message}{untried}", style)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, "bold"))


def _line(console: Console, text: str, style: str) -> None:
    console.print(Padding(Text(shown(short(text, _LONGEST)), style, overflow="fold"), (0, 0, 0, 2), expand=False))
