"""`expect.toml` changed in place: entries added or taken out, and all the rest left as somebody wrote it.

tomlkit says where an entry begins and ends; what is changed is the text, between marks that no TOML can hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table, Whitespace

from stagecheck.errors import ConfigError
from stagecheck.expectations.entries import Entry

_MARK = "\0"

HEADER = """\
# Violations that are known: stagecheck verify does not fail for them until they expire.
# An entry whose violation no longer occurs fails the run; stagecheck expect --prune removes it.
"""
"""How a new file begins."""


def with_entries(text: str, entries: Iterable[Entry], name: str) -> str:
    """The text with these entries added, each after the others of its requirement, else at the end.

    `text` is that of the file `name`, which `entries.parse` has accepted, or empty. Raises ConfigError.
    """
    ends = _line_ends(text)
    text = text.replace("\r\n", "\n") or HEADER
    text = text if text.endswith("\n") else f"{text}\n"
    document = _document(text, name)
    added: dict[str, list[str]] = {}
    for entry in entries:
        added.setdefault(entry.requirement, []).append(_written(entry))
    for requirement in added:
        if requirement in document:
            _mark_end(list(_tables(document, requirement, name))[-1], f"{_MARK}{requirement}{_MARK}")
    text = document.as_string()
    for requirement, texts in added.items():
        place = f"{_MARK}{requirement}{_MARK}\n"
        if place in text:
            text = text.replace(place, "".join(f"\n{one}" for one in texts))
        else:
            text = "\n".join((text.rstrip("\n") + "\n", *texts))
    return text.replace("\n", ends)


def without(text: str, keys: Collection[tuple[str, str]], name: str) -> str:
    """The text without the entries of these keys (requirement, cause), and without the comment above each of them.

    `text` is that of the file `name`, which `entries.parse` has accepted. Raises ConfigError.
    """
    ends = _line_ends(text)
    document = _document(text.replace("\r\n", "\n"), name)
    for requirement in document:
        for table in _tables(document, requirement, name):
            if (requirement, str(table["cause"])) in keys:
                table.trivia.indent = _MARK
                _mark_end(table, _MARK)
    text = document.as_string()
    while _MARK in text:
        before, _, after = text.split(_MARK, maxsplit=2)
        text = _joined(_without_comment(before), after.removeprefix("\n"))
    return text.replace("\n", ends)


def _line_ends(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _document(text: str, name: str) -> tomlkit.TOMLDocument:
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{name} cannot be edited: {error}; correct it there") from None
    if document.as_string() != text:
        raise ConfigError(f"{name} cannot be edited: put the entries of one requirement one after the other")
    return document


def _tables(document: tomlkit.TOMLDocument, requirement: str, name: str) -> Iterable[Table]:
    tables = document[requirement]
    if not isinstance(tables, AoT):
        raise ConfigError(f"{name} cannot be edited: write {requirement} as tables, each below [[{requirement}]]")
    return tables


def _mark_end(table: Table, mark: str) -> None:
    """Put a line with a mark after the last key: what follows, comments and empty lines, belongs to what comes next."""
    body = table.value.body
    last = max(position for position, (key, _) in enumerate(body) if key is not None)
    body.insert(last + 1, (None, Whitespace(f"{mark}\n")))


def _without_comment(text: str) -> str:
    """The text without the comment that ends it; one with which the file begins is about the file."""
    lines = text.splitlines(keepends=True)
    kept = len(lines)
    while kept and lines[kept - 1].lstrip().startswith("#"):
        kept -= 1
    return "".join(lines[:kept]) if kept else text


def _joined(before: str, after: str) -> str:
    """Two texts between which something stood, with one empty line there and not two."""
    if not after.strip():
        return before.rstrip("\n") + "\n" if before.strip() else after
    return before + (after.lstrip("\n") if not before or before.endswith("\n\n") else after)


def _written(entry: Entry) -> str:
    table = tomlkit.table()
    table.add("cause", entry.cause)
    if entry.message:
        table.add("message", entry.message)
    table.add("reason", entry.reason)
    table.add("owner", entry.owner)
    table.add("expires", tomlkit.date(entry.expires.isoformat()))
    table.add("profile", entry.profile.value)
    document = tomlkit.document()
    tables = tomlkit.aot()
    tables.append(table)
    document.add(entry.requirement, tables)
    return document.as_string()
