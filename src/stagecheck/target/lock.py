"""One run at a time: a lock beside the ledger of a target.

The operating system holds it, so that it ends with its process, however that ends: a lock whose file is still there is
not taken for a live one, and no process id is asked that may have been given away since. Another machine that shares
the directory may not see that; for those a note says who holds it, and is touched now and then: a note that nobody has
touched for a while is stale.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import filelock

from stagecheck.errors import UsageError

_STALE_S = 300.0
"""Longer than a run is ever silent: it waits 150 s at most for a target that asks for patience."""
_BEAT_S = 5.0


@dataclass(slots=True)
class Lock:
    """The right to write to one target, while the context lasts. `ledger`: the ledger it stands beside."""

    ledger: Path
    clock: Any = time.time
    _lock: filelock.BaseFileLock = field(init=False)
    _beat: float = 0.0

    def __post_init__(self) -> None:
        self._lock = filelock.FileLock(self._beside(".lock"), timeout=0)

    def _beside(self, suffix: str) -> Path:
        """A file of the target; a ledger that was set aside is one of the same target."""
        known = re.match(r"ledger-.+-[0-9a-f]{12}(?=\.)", self.ledger.name)
        return self.ledger.with_name((known.group(0) if known else self.ledger.stem) + suffix)

    @property
    def note(self) -> Path:
        """Where it says who holds the lock."""
        return self._beside(".holder")

    def __enter__(self) -> Self:
        """Take it. Raises UsageError naming who has it."""
        try:
            self.ledger.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout:
            raise UsageError(self._refusal(self._holder())) from None
        except OSError as error:
            raise UsageError(
                f"cannot write to {self.ledger.parent}: {error.strerror or error}; name another directory in [storage] "
                "ledgers"
            ) from None
        holder = self._holder()
        if holder.get("host", socket.gethostname()) != socket.gethostname() and self._age() < _STALE_S:
            self._lock.release()
            raise UsageError(self._refusal(holder))
        self._write()
        return self

    def __exit__(self, *of_error: object) -> None:
        """Let it go."""
        self.note.unlink(missing_ok=True)
        self._lock.release()

    def beat(self, _: object = None) -> None:
        """Say that the run still goes on; told of every exchange."""
        now = time.monotonic()
        if now - self._beat > _BEAT_S:
            self._beat = now
            try:
                os.utime(self.note)
            except OSError:
                self._write()

    def _write(self) -> None:
        began = datetime.now(tz=UTC).isoformat(timespec="seconds")
        told = {"pid": os.getpid(), "host": socket.gethostname(), "since": began}
        with suppress(OSError):
            # It only says who it is: the lock itself is held.
            self.note.write_text(json.dumps(told) + "\n", encoding="utf-8")

    def _holder(self) -> dict[str, Any]:
        try:
            told = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _age(self) -> float:
        try:
            return float(self.clock()) - self.note.stat().st_mtime
        except OSError:
            return _STALE_S

    def _refusal(self, holder: dict[str, Any]) -> str:
        who = f"process {holder['pid']} on {holder.get('host')}, since {holder.get('since')}" if "pid" in holder else ""
        return (
            f"another run is at work on this target{f' ({who})' if who else ''}, and two would take each other's moves "
            f"for the target's: wait until it has ended (its lock: {self._lock.lock_file})"
        )
