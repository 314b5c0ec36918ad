"""Where runs are kept: an SQLite database, one row a run, each written in one transaction.

Writers wait for each other, and one that is cut off leaves a journal that the next one rolls back: nothing is lost but
the row that was being written. A run that is added again is the same row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from stagecheck.errors import UsageError
from stagecheck.report.history.rows import Run, packed, unpacked

FILE = "runs.sqlite3"
_FORM = 1
_PATIENCE_S = 30.0
"""Seconds that a writer waits for others."""
_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    digest TEXT PRIMARY KEY, started TEXT NOT NULL, url TEXT NOT NULL, version TEXT, fingerprint TEXT,
    tool TEXT NOT NULL, profile TEXT, selection TEXT NOT NULL, seed TEXT NOT NULL, verdict TEXT NOT NULL,
    cut_short TEXT, rung INTEGER NOT NULL, requests INTEGER NOT NULL, duration_s REAL NOT NULL, p50_ms REAL,
    p99_ms REAL, seen TEXT NOT NULL
)"""
_INDEX = "CREATE INDEX IF NOT EXISTS runs_by_target ON runs (url, started)"
_COLUMNS = (
    "digest, started, url, version, fingerprint, tool, selection, seed, rung, requests, duration_s, p50_ms, p99_ms, "
    "seen, verdict, profile, cut_short"
)
_ADD = f"INSERT OR IGNORE INTO runs ({_COLUMNS}) VALUES ({', '.join('?' * 17)})"  # noqa: S608  (our own columns)
_READ = f"SELECT {_COLUMNS} FROM runs WHERE url = ? ORDER BY started, rowid"  # noqa: S608  (the same)


class History:
    """The runs of one directory. Every call opens the database anew: others write while a run goes on."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE

    def prepare(self) -> None:
        """Make the database where there is none. Raises UsageError where that cannot be, or where it is of no use."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as database:
                database.execute("BEGIN IMMEDIATE")
                (form,) = database.execute("PRAGMA user_version").fetchone()
                if form == 0:
                    database.execute(_TABLE)
                    database.execute(_INDEX)
                    database.execute(f"PRAGMA user_version = {_FORM}")
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"cannot keep a history in {self.path}: {_said(error)}; {_MEND}") from None
        if form > _FORM:
            raise UsageError(f"{self.path} was written by a later version of stagecheck; {_MEND}")

    def add(self, run: Run) -> bool:
        """Add a run, and say whether it was not there yet. Raises OSError where it cannot be written."""
        seen = run.seen
        values = (
            *(
                run.digest,
                run.started,
                run.url,
                run.version,
                run.fingerprint,
                run.tool,
                "\n".join(run.only),
                str(run.seed),
            ),
            *(run.rung, run.requests, run.duration_s, run.p50_ms, run.p99_ms, packed(seen)),
            *(seen.verdict, seen.profile, seen.cut_short),
        )
        try:
            with self._opened() as database:
                return database.execute(_ADD, values).rowcount == 1
        except (sqlite3.Error, OverflowError) as error:
            raise OSError(f"the history {self.path}: {_said(error)}") from None

    def targets(self) -> list[str]:
        """The URLs of all targets, that of the newest run first. Raises UsageError where there is no history."""
        with self._reading() as database:
            rows = database.execute("SELECT url FROM runs GROUP BY url ORDER BY max(started) DESC, max(rowid) DESC")
            return [url for (url,) in rows]

    def runs(self, url: str) -> list[Run]:
        """The runs against one target, the oldest first. Raises UsageError where they cannot be read."""
        with self._reading() as database:
            return [_run(row) for row in database.execute(_READ, (url,))]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self.path.is_file():
            raise UsageError(
                f"no run is remembered in {self.path.parent}: make one with verify, or give --record report.json"
            )
        try:
            with self._opened() as database:
                yield database
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"cannot read the history {self.path}: {_said(error)}; {_MEND}") from None

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None)) as database:
            yield database


_MEND = "name another directory, or move the file away"


def _run(row: tuple[object, ...]) -> Run:
    digest, started, url, version, fingerprint, tool, selection, *rest = row
    seed, rung, requests, duration_s, p50_ms, p99_ms, seen, verdict, profile, cut_short = rest
    only = tuple(part for part in str(selection).split("\n") if part)
    told = unpacked(str(seen), str(verdict), profile, cut_short)  # type: ignore[arg-type]  # TEXT or NULL
    numbers = (int(str(seed)), rung, requests, duration_s, p50_ms, p99_ms)
    return Run(digest, started, url, version, fingerprint, tool, only, *numbers, told)  # type: ignore[arg-type]  # as written


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
