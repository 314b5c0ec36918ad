"""What a run has asked of a target, on disk before it is sent: enough to put everything back after a crash.

A ledger is a file of JSON lines that is only ever appended to. Each line carries a checksum, so that a line that was
cut off is told from a whole one; what was cut off had not been sent yet. No line holds a credential: requests are
noted by method, path, and what their body says of the flag. `target.account` reads it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stagecheck.errors import TargetError, UsageError

FORMAT = 1
Entry = Mapping[str, Any]


def ledger_path(directory: Path, url: str, environment: str | None, things: tuple[str, ...]) -> Path:
    """Where the ledger of a target is kept: one file for each environment, however its URL is written.

    `things`: the stages and services of the config, which stand for the environment where none is named.
    """
    parts = urlsplit(url)
    which = environment or " ".join(sorted(thing.lower() for thing in things))
    digest = hashlib.sha256(f"{url.lower().rstrip('/')} {which.lower()}".encode()).hexdigest()[:12]
    host = re.sub(r"[^A-Za-z0-9.-]+", "-", parts.netloc or "target").strip("-")
    return directory / f"ledger-{host}-{digest}.jsonl"


class Ledger:
    """A ledger that is being written. The file, and its directory, are made when the first entry is.

    `header`: what the first line says, where the file is new. Entries are appended to a file that exists.
    """

    def __init__(self, path: Path, header: Entry) -> None:
        self.path = path
        self._header = header
        self._file: int | None = None

    @property
    def begun(self) -> bool:
        """Whether anything was noted."""
        return self._file is not None

    def note(self, entry: Entry, *, durably: bool = True) -> None:
        """Append an entry; `durably`: return only when it is on the disk, and would survive the loss of power.

        Raises TargetError when it cannot be written: then nothing may be sent.
        """
        try:
            if self._file is None:
                self._file = self._opened()
            _written(self._file, spelled(entry))
            if durably:
                _synced(self._file)
        except OSError as error:
            raise TargetError(
                f"the ledger {self.path} cannot be written ({error.strerror or error}), and what is not noted is not "
                "sent; make room there, or name another directory in [storage] ledgers"
            ) from None

    def close(self, *, finished: bool) -> None:
        """End it; a finished one leaves nothing to be put back, and is removed. Never raises."""
        if self._file is None:
            return
        try:
            os.close(self._file)
            if finished:
                self.path.unlink(missing_ok=True)
        except OSError:
            # What stays there is put back once more by the next run, which changes nothing.
            pass
        finally:
            self._file = None

    def _opened(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if new:
            _written(file, spelled({"ledger": FORMAT, **self._header}))
            _synced(file)
            _sync_directory(self.path.parent)
        else:
            os.ftruncate(file, _whole_lines(self.path))
        return file


def spelled(entry: Entry) -> bytes:
    """An entry as its line: the checksum first, then the entry."""
    text = json.dumps(entry, separators=(",", ":"), ensure_ascii=True)
    return f'{{"crc":"{zlib.crc32(text.encode()):08x}","entry":{text}}}\n'.encode()


def entries_of(path: Path) -> Iterator[tuple[int, Entry | None]]:
    """The entries of a ledger with the numbers of their lines; None for a line that is damaged.

    A last line without an end was cut off before what it notes was sent, and is left out. Raises UsageError where the
    file cannot be read, or is no ledger.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the ledger {path}: {error.strerror or error}; check its path") from None
    lines = content.split(b"\n")
    whole, rest = lines[:-1], lines[-1]
    first = _entry(whole[0]) if whole else None
    if whole and (first is None or first.get("ledger") != FORMAT):
        raise UsageError(f"{path} is no ledger that this version reads; give a ledger-*.jsonl that a run has left")
    if not whole and rest and not rest.startswith(b'{"crc"'):
        raise UsageError(f"{path} is no ledger; give a ledger-*.jsonl that a run has left")
    for number, line in enumerate(whole, start=1):
        if line:
            yield number, _entry(line)


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry of a line; None where the line is damaged."""
    match = re.fullmatch(rb'\{"crc":"([0-9a-f]{8})","entry":(\{.*\})\}', line)
    if match is None or int(match.group(1), 16) != zlib.crc32(match.group(2)):
        return None
    entry: dict[str, Any] = json.loads(match.group(2))
    return entry


def _written(file: int, content: bytes) -> None:
    """Append it whole, or leave the file as it was: half a line would spoil the next one."""
    before = os.fstat(file).st_size
    try:
        while content:
            content = content[os.write(file, content) :]
    except OSError:
        os.ftruncate(file, before)
        raise


def _whole_lines(path: Path) -> int:
    """The length of a file up to the end of its last whole line, in bytes: what was cut off had not been sent."""
    return path.read_bytes().rfind(b"\n") + 1


def _sync_directory(directory: Path) -> None:
    """Make the name of a new file as durable as the file; not every system lets a directory be opened for that."""
    if os.name == "nt":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_synced = getattr(os, "fdatasync", os.fsync)
"""Brings what was written to the disk; of the rest that is known of a file, its length alone matters."""
