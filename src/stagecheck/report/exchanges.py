"""`exchanges.ndjson`: every exchange of a run, one JSON object a line, written as it happens.

A crash loses nothing that was answered before it. A disk that fills up must not keep a run from putting things back:
writing then stops, and `failure` says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from stagecheck.exchange import Exchange, Redactor


def line_of(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    """One exchange as it is logged: without secrets, times in seconds, `status` None where no answer came."""
    return {
        "number": exchange.number,
        "phase": exchange.phase,
        **redactor.step(exchange),
        "credential": exchange.request.credential.name,
        "content_type": redactor.text(exchange.headers.get("content-type", "")) or None,
        "started": round(exchange.started_s, 6),
        "elapsed": round(exchange.elapsed_s, 6),
    }


class ExchangeLog:
    """An open log; call it with each exchange. Made before anything is sent, so that OSError comes early."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self.failure: str | None = None
        self._redactor = redactor
        self._file: TextIO | None = path.open("w", encoding="utf-8", buffering=1, newline="\n")

    def __call__(self, exchange: Exchange) -> None:
        """Write one line and flush it. Never raises OSError: see `failure`."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(line_of(exchange, self._redactor)) + "\n")
        except OSError as error:
            self._stop(error)

    def close(self) -> None:
        """Close the file; what is logged after that is dropped."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._stop(error)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _stop(self, error: OSError) -> None:
        self.failure = f"{self.path} ends early: {error.strerror or error}"
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                return
