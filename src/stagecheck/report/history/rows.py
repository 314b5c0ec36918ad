"""One run as the history keeps it: what it saw, and what it was held against. A few kilobytes, whatever the record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stagecheck.report.ladder import ladder_of
from stagecheck.report.record import Record, moment_of, moment_text, version_of
from stagecheck.report.seen import Found, Seen, seen_in

_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `digest` tells it from every other one; `started` in UTC, as RFC 3339 writes it.

    `p50_ms` and `p99_ms`: of all answers, None where the record does not say.
    """

    digest: str
    started: str
    url: str
    version: str | None
    fingerprint: str | None
    tool: str
    only: tuple[str, ...]
    seed: int
    rung: int
    requests: int
    duration_s: float
    p50_ms: float | None
    p99_ms: float | None
    seen: Seen

    @property
    def circumstances(self) -> tuple[str | None, str | None, str]:
        """What has to stay the same for a change to be the target's own doing: its version, the document, the tool."""
        return self.version, self.fingerprint, self.tool


def run_of(record: Record, otherwise: datetime) -> Run:
    """A record as the history keeps it. `otherwise`: when it began, if it does not say so itself."""
    started = moment_of(record.get("started")) or otherwise
    seen = seen_in(record)
    latency = record.get("latency") or {}
    every = latency.get("all") if isinstance(latency, Mapping) else None
    version, profile, cut_short = version_of(record), record.get("profile"), record.get("cut_short")
    return Run(
        hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest(),
        moment_text(started) or "",
        _text(record["target"]["url"]),
        None if version is None else _text(version),
        (record.get("spec") or {}).get("fingerprint"),
        _text(record["tool"]["version"]),
        tuple(_text(prefix) for prefix in record.get("only") or ()),
        record["seed"],
        (record.get("ladder") or ladder_of(record["requirements"]))["rung"],
        record["requests"],
        record["duration_s"],
        _milliseconds(every, "p50_ms"),
        _milliseconds(every, "p99_ms"),
        Seen(
            seen.verdict,
            None if profile is None else _text(profile),
            None if cut_short is None else _text(cut_short),
            {_text(key): grade for key, grade in seen.grades.items()},
            {_text(key): number for key, number in seen.tried.items()},
            {},
            {
                (_text(requirement), cause): Found(_text(found.message[:_MESSAGE]), found.known)
                for (requirement, cause), found in seen.found.items()
            },
            seen.causes,
        ),
    )


def _milliseconds(entry: Any, key: str) -> float | None:
    value = entry.get(key) if isinstance(entry, Mapping) else None
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e12 else None


def _text(text: str) -> str:
    """Text as a database can hold it: half of a surrogate pair is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def packed(seen: Seen) -> str:
    """What a run saw, as one text."""
    return json.dumps(
        {
            "grades": {key: [grade, seen.tried.get(key, 0)] for key, grade in seen.grades.items()},
            "found": [[*key, found.message, found.known] for key, found in seen.found.items()],
            "causes": seen.causes,
        },
        separators=(",", ":"),
    )


def unpacked(text: str, verdict: str, profile: str | None, cut_short: str | None) -> Seen:
    """The same, back again. Raises ValueError, KeyError or TypeError where it is none."""
    told = json.loads(text)
    return Seen(
        verdict,
        profile,
        cut_short,
        {key: grade for key, (grade, _) in told["grades"].items()},
        {key: tried for key, (_, tried) in told["grades"].items()},
        {},
        {(requirement, cause): Found(message, known) for requirement, cause, message, known in told["found"]},
        told["causes"],
    )
