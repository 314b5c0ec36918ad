"""What surrounds everything that writes to a live target: its lock, its ledger, and what an earlier run has left."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from stagecheck import __version__
from stagecheck.errors import UsageError
from stagecheck.exchange import Redactor
from stagecheck.suite.keeper import Keeper
from stagecheck.suite.plan import Plan
from stagecheck.suite.restoring import Restored, restore
from stagecheck.suite.session import Session
from stagecheck.target.account import Account
from stagecheck.target.ledger import Ledger, ledger_path
from stagecheck.target.lock import Lock


@dataclass(slots=True)
class Keeping:
    """The ledger of one target. Writing to it begins when something is sent."""

    path: Path
    url: str
    plan: Plan
    redactor: Redactor
    _ledger: Ledger = field(init=False)
    _lock: Lock | None = field(init=False, default=None)
    _sessions: int = 0
    earlier: list[str] = field(default_factory=list)
    """What was put back for a run before this one."""

    def __post_init__(self) -> None:
        header = {
            "url": self.url,
            "environment": self.plan.environment,
            "began": datetime.now(tz=UTC).isoformat(timespec="seconds"),
            "tool": f"stagecheck {__version__}",
            "host": socket.gethostname(),
        }
        self._ledger = Ledger(self.path, header)

    @classmethod
    def beside(cls, directory: Path, url: str, plan: Plan, redactor: Redactor) -> Keeping:
        """The one that a target has in a directory."""
        return cls(ledger_path(directory, url, plan.environment, (*plan.stages, *plan.services)), url, plan, redactor)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other run away. Raises UsageError while another one is at work."""
        with Lock(self.path) as self._lock:
            yield

    def attend(self, session: Session) -> None:
        """Note from now on what the session sends."""
        Keeper(self._ledger, session, self.redactor.text, f"{self._sessions}." if self._sessions else "")
        self._sessions += 1
        if self._lock is not None:
            session.client.listen.append(self._lock.beat)

    def close(self, *, finished: bool) -> None:
        """End the ledger; `finished`: nothing is left to be put back."""
        self._ledger.close(finished=finished)

    def restored(self, session: Session, account: Account) -> Restored:
        """Put back what the ledger tells of, by the session, and mark it as finished if that came about.

        Raises what `suite.restoring.restore` raises; the ledger stays as it is then.
        """
        if account.url.rstrip("/") != self.url.rstrip("/"):
            raise UsageError(
                f"{self.path} is the ledger of {account.url or 'no target'}, and not of {self.url}; give the config of "
                "that target"
            )
        self.attend(session)
        told = restore(session, self.plan, account)
        if not told.left:
            self._ledger.note({"finished": True})
        self.close(finished=False)
        return told

    def unfinished(self) -> Account | None:
        """What a run that ended too early has left behind, if one did; a ledger that says nothing is removed.

        Raises UsageError where the file cannot be read.
        """
        if not self.path.exists():
            return None
        account = Account.read(self.path)
        if account.writes and not account.finished:
            return account
        self.path.unlink(missing_ok=True)
        return None

    def catch_up(self, session: Callable[[], Session], tell: Callable[[str], None]) -> None:
        """Put back first what an earlier run has left, and say so; what cannot be is set aside with its ledger."""
        account = self.unfinished()
        if account is None:
            return
        tell(f"a run that began {account.began} did not end: what it has left moved is put back first")
        told = self.restored(session(), account)
        notes = self.earlier
        said = "; ".join(told.sentences) or "all was at home"
        notes.append(f"an earlier run (began {account.began}) had not ended; by its ledger: {said}")
        if told.left:
            aside = self.path.with_suffix(f".{datetime.now(tz=UTC):%Y%m%dT%H%M%S}.jsonl")
            self.path.replace(aside)
            notes.append(f"what could not be put back is in {aside}: stagecheck restore {aside}")
        else:
            self.path.unlink(missing_ok=True)
        for note in notes:
            tell(note)
