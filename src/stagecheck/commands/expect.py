"""`stagecheck expect`: the violations of a record written down as known ones, or the dead ones taken out again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from stagecheck.errors import UsageError
from stagecheck.expectations import edit
from stagecheck.expectations.entries import FILE_NAME, Entry, parse, read
from stagecheck.expectations.judge import storable
from stagecheck.launch import today
from stagecheck.report.record import Record, read_record, write_atomically
from stagecheck.report.terminal import shown
from stagecheck.suite.plan import ProfileName

_FILE = click.Path(path_type=Path)
_DAYS = 30
_NEEDED = {"violations": [{"requirement": str, "cause": str, "message": str}], "profile": str}
_NEEDED_TO_PRUNE = {"expectations": {"file": str, "gone": [{"requirement": str, "cause": str}]}}
"""What has to be in the record beyond its pinned keys."""


@click.command("expect", short_help="Write down the violations of a run as known ones, or remove those that are gone.")
@click.option("--from", "source", type=_FILE, required=True, metavar="FILE", help="The report.json of a run.")
@click.option(
    "--output",
    type=_FILE,
    metavar="FILE",
    help="The file to change.  [default: the one the run was held against, else expect.toml]",
)
@click.option("--owner", default="", metavar="NAME", help="Who answers for the new entries.")
@click.option("--reason", default="", metavar="TEXT", help="Why they may stay.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=_DAYS, show_default=True, help="After how many days they expire."
)
@click.option("--prune", is_flag=True, help="Add nothing; remove the entries whose violations no longer occur.")
def command(source: Path, output: Path | None, *, prune: bool, **new: Any) -> None:
    """Write down the violations of a run as known ones, or remove those that are gone.

    Entries that exist already stay as they are. Without --owner and --reason they are left to be filled in, and verify
    refuses the file until they are.
    """
    record = read_record(source)
    told = record.get("expectations")
    if prune and told is None:
        raise UsageError(f"{source}: the run was held against no {FILE_NAME}; run verify with --expect FILE")
    record = read_record(source, _NEEDED_TO_PRUNE if prune else _NEEDED)
    place = output or _place_of(record)
    if prune:
        _prune(record, place)
    else:
        _add(record, place, **new)


def _place_of(record: Record) -> Path:
    """The file that the run was held against, where it is to be found from here."""
    told = record.get("expectations")
    named = Path(str(told.get("file"))) if isinstance(told, dict) else Path(FILE_NAME)
    return named if named.exists() else Path(FILE_NAME)


def _add(record: Record, place: Path, *, owner: str, reason: str, days: int) -> None:
    text = read(place) if place.exists() else ""
    had = {entry.key for entry in parse(text, str(place), finished=False).entries}
    found = {entry.key: entry for entry in _entries(record, owner, reason, days)}
    new = [entry for key, entry in found.items() if key not in had]
    kept = len(found) - len(new)
    if not new:
        what = f"all {kept} are in {place} already" if kept else "the run found no violation"
        _say(f"nothing to write: {what}")
        return
    _write(place, edit.with_entries(text, new, str(place)))
    _say(f"wrote {_counted(len(new))} to {place}" + (f"; {kept} stood there already" if kept else ""))
    _list(entry.key for entry in new)
    blank = [name for name, value in (("reason", reason), ("owner", owner)) if not value.strip()]
    if blank:
        _say(f"fill in {' and '.join(blank)}: verify refuses the file until then")


def _entries(record: Record, owner: str, reason: str, days: int) -> Iterable[Entry]:
    expires = today() + timedelta(days=days)
    profiles = {name.value: name for name in ProfileName}
    profile = profiles.get(record["profile"], ProfileName.QUICK)
    for violation in record["violations"]:
        cause, message = storable(violation["cause"]), storable(violation["message"])
        yield Entry(violation["requirement"], cause, reason, owner, expires, message, profile)


def _prune(record: Record, place: Path) -> None:
    text = read(place)
    had = [entry.key for entry in parse(text, str(place), finished=False).entries]
    gone = {(entry["requirement"], entry["cause"]) for entry in record["expectations"]["gone"]}
    removed = [key for key in had if key in gone]
    if not removed:
        _say(f"nothing to remove: the run knows of no entry of {place} that is gone")
        return
    _write(place, edit.without(text, removed, str(place)))
    _say(f"removed {_counted(len(removed))} from {place}")
    _list(removed)


def _write(place: Path, text: str) -> None:
    try:
        write_atomically(place, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {place}: {error.strerror or error}; give another --output") from None


def _counted(number: int) -> str:
    return f"{number} entr{'y' if number == 1 else 'ies'}"


def _list(keys: Iterable[tuple[str, str]]) -> None:
    for requirement, cause in keys:
        _say(f"  [[{requirement}]] {cause}")


def _say(line: str) -> None:
    click.echo(shown(line))
