"""`expect.toml`: which violations are known, why, whose they are, until when. Every mistake is one line with its mend.

One array of tables per requirement id, one entry per cause:

    [[MOVE-4]]
    cause = "flag:omitted:other"   # as violations[].cause in report.json
    reason = "…"
    owner = "…"
    expires = 2026-01-31
    profile = "nightly"            # the profile it was seen with; quick where it is not said
    message = "…"                  # for the reader; nothing depends on it
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from stagecheck.config_values import kind_of
from stagecheck.contract import CATALOGUE
from stagecheck.errors import ConfigError, closest
from stagecheck.suite.plan import ProfileName

FILE_NAME = "expect.toml"
"""What the file is called where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One violation that is known. It counts as such through the whole day `expires`, in UTC."""

    requirement: str
    cause: str
    reason: str
    owner: str
    expires: date
    message: str = ""
    profile: ProfileName = ProfileName.QUICK

    @property
    def key(self) -> tuple[str, str]:
        """What makes two violations the same one: the requirement and the cause."""
        return self.requirement, self.cause


@dataclass(frozen=True, slots=True)
class Expectations:
    """A whole file; no two entries have the same key."""

    file: str
    entries: tuple[Entry, ...] = ()


def load(path: Path, *, finished: bool = True) -> Expectations:
    """Read the file. Not `finished`: reason and owner may still be empty, as a template leaves them.

    Raises ConfigError naming the file, the entry and the mend.
    """
    return parse(read(path), str(path), finished=finished)


def read(path: Path) -> str:
    """The text of the file, its line ends as they are. Raises ConfigError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read the expectations {path}: {error.strerror or error}; check its path") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text; save it as such") from None


def parse(text: str, name: str, *, finished: bool = True) -> Expectations:
    """What a text says that was read from the file `name`. Raises ConfigError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}; correct it there") from None
    try:
        return Expectations(name, tuple(_entries(raw, finished=finished)))
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _entries(raw: Mapping[str, Any], *, finished: bool) -> Iterator[Entry]:
    had: set[tuple[str, str]] = set()
    for requirement, tables in raw.items():
        for position, table in enumerate(_tables(requirement, tables), start=1):
            where = f"[[{requirement}]] no. {position}"
            entry = _entry(requirement, table, where, finished=finished)
            if entry.key in had:
                raise ConfigError(f"{where}: its cause stands in another [[{requirement}]] already; remove one")
            had.add(entry.key)
            yield entry


def _tables(requirement: str, value: Any) -> list[Any]:
    if requirement not in CATALOGUE:
        what = f"requirement {requirement}" if isinstance(value, dict | list) else f"key {requirement}"
        if requirement.upper() in CATALOGUE:
            raise ConfigError(f"unknown {what}; did you mean [[{requirement.upper()}]]?")
        hint = closest(requirement, CATALOGUE, "[[{}]]")
        raise ConfigError(f"unknown {what}; {hint if hint.startswith('did') else 'see: stagecheck requirements'}")
    if not isinstance(value, list):
        raise ConfigError(f"{requirement} is {kind_of(value)}; write an array of tables: [[{requirement}]]")
    return value


def _entry(requirement: str, table: Any, where: str, *, finished: bool) -> Entry:
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is {kind_of(table)}; write an array of tables: [[{requirement}]]")
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key}; {closest(key, _KEYS)}")
    for key, (_, missing) in _KEYS.items():
        if missing and key not in table:
            raise ConfigError(f"{where}: {key} is missing; give {missing}")
    read = {key: _KEYS[key][0](value, f"{where}: {key}") for key, value in table.items()}
    if finished:
        _filled_in(read, where)
    return Entry(requirement, **read)


def _filled_in(read: Mapping[str, Any], where: str) -> None:
    for key in ("reason", "owner"):
        if not read[key].strip():
            raise ConfigError(f"{where}: {key} is empty; fill in {key}")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where} is {kind_of(value)}; give a string")
    return value


def _cause(value: Any, where: str) -> str:
    text = _text(value, where)
    if not text:
        raise ConfigError(f"{where} is empty; give the cause that report.json names")
    return text


def _date(value: Any, where: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ConfigError(f"{where} is {kind_of(value)}; give a date without quotes or time, such as 2026-01-31")
    return value


def _profile(value: Any, where: str) -> ProfileName:
    text = _text(value, where)
    known = [name.value for name in ProfileName]
    if text not in known:
        raise ConfigError(f"{where} is {text!r}; {closest(text, known)}")
    return ProfileName(text)


_KEYS: dict[str, tuple[Callable[[Any, str], Any], str]] = {
    "cause": (_cause, "the cause that report.json names"),
    "reason": (_text, "why it may stay"),
    "owner": (_text, "who answers for it"),
    "expires": (_date, "the last day on which it may occur, such as 2026-01-31"),
    "message": (_text, ""),
    "profile": (_profile, ""),
}
"""Every key that an entry may have: how it is read, and what to give where it is required and missing."""
