"""`report.json`: a run's result as one dict (schema 1, pinned in DESIGN.md), written atomically, read with care.

Every text goes through the redactor here, so whatever is rendered from a record holds no secret. Everything else in
this package renders from the record alone.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stagecheck import __version__
from stagecheck.errors import UsageError
from stagecheck.exchange import Exchange, Redactor, curl
from stagecheck.outcome import (
    Coverage,
    Grade,
    Latency,
    Level,
    Observed,
    Promised,
    Race,
    RaceOperation,
    Reckoning,
    Remark,
    RequirementResult,
    RunResult,
    Verdict,
    Violation,
)
from stagecheck.report.ladder import ladder_of
from stagecheck.report.reproducer.story import reproducer_of

SCHEMA = 1
Record = dict[str, Any]


def record_of(result: RunResult, redactor: Redactor) -> Record:
    """The result as `report.json` holds it, without secrets."""
    text = redactor.text
    requirements = [_requirement(entry, redactor) for entry in result.requirements]
    return {
        "schema": SCHEMA,
        "tool": {"name": "stagecheck", "version": __version__},
        "started": moment_text(result.setting.started),
        "target": {
            "url": text(result.url),
            "mocked": result.mocked,
            "offers": list(result.offers),
            "version": None if result.setting.version is None else text(result.setting.version),
        },
        "verdict": result.verdict.value,
        "reading": {text(what): None if how is None else text(how) for what, how in result.reading.items()},
        "requirements": requirements,
        "violations": [_violation(entry, result, redactor) for entry in result.violations],
        "requests": result.requests,
        "duration_s": round(result.duration_s, 3),
        "seed": result.seed,
        "profile": result.profile,
        "only": [text(prefix) for prefix in result.setting.only],
        "strict": result.setting.strict,
        "cut_short": None if result.cut_short is None else text(result.cut_short),
        "spec": spec_of(result.setting.document, result.setting.fingerprint, result.setting.places, text),
        "ladder": ladder_of(requirements, None if result.stateless is None else text(result.stateless)),
        "phases": dict(result.phases),
        "latency": {what: _latency(entry) for what, entry in result.latency.items()},
        "observed": {what: _observed(entry, redactor) for what, entry in result.observed.items()},
        "coverage": None if result.coverage is None else _coverage(result.coverage, redactor),
        "notes": [text(note) for note in result.notes],
        "expectations": None if result.expectations is None else _expectations(result.expectations, redactor),
    }


def moment_text(moment: datetime | None) -> str | None:
    """A moment in UTC to the millisecond, as RFC 3339 writes it."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def spec_of(
    document: str | None, fingerprint: str | None, places: Mapping[str, Promised], text: Callable[[str], str] = str
) -> dict[str, Any]:
    """Which document a run was held against (None: the packaged one), and where it makes its promises, as recorded."""
    return {
        "document": None if document is None else text(document),
        "fingerprint": fingerprint,
        "places": [
            {"requirement": key, **asdict(place), "pointer": text(place.pointer)} for key, place in places.items()
        ],
    }


def _requirement(entry: RequirementResult, redactor: Redactor) -> dict[str, Any]:
    return {
        "id": entry.id,
        "level": entry.level.value,
        "grade": entry.grade.value,
        "exercised": entry.exercised,
        "violations": entry.violations,
        "reason": None if entry.reason is None else redactor.text(entry.reason),
    }


def _violation(entry: Violation, result: RunResult, redactor: Redactor) -> dict[str, Any]:
    return {
        "requirement": entry.breach.requirement,
        "cause": redactor.text(entry.breach.cause),
        "message": redactor.text(entry.breach.message),
        "expected": redactor.text(entry.breach.expected),
        "actual": redactor.text(entry.breach.actual),
        "at_request": entry.at_request,
        "reproduced": None if entry.replays is None else str(entry.replays),
        "steps": [_step(step, redactor) for step in entry.steps],
        "curl": redactor.text(_commands(entry, result.url)),
        "reproducer": reproducer_of(entry, result, redactor),
        "known": entry.known,
        "race": None if entry.race is None else _race(entry.race, redactor),
    }


def _commands(entry: Violation, url: str) -> str:
    """The steps as curl commands, one a line; those of a race in the background, so that they run together."""
    commands = [curl(url, step.request) for step in entry.steps]
    return "\n".join([*(f"{one} &" for one in commands), "wait"] if entry.race is not None else commands)


def _race(race: Race, redactor: Redactor) -> dict[str, Any]:
    """Who asked what when: what is enough to show it (`operations`), and all of the round (`all`)."""

    def operation(entry: RaceOperation) -> dict[str, Any]:
        return {
            "client": entry.client,
            "number": entry.number,
            "method": entry.request.method,
            "path": redactor.text(entry.request.path),
            "body": redactor.body(entry.request.body),
            "words": redactor.text(entry.words),
            "start_s": round(entry.begin_s, 6),
            "end_s": None if entry.end_s is None else round(entry.end_s, 6),
            "status": entry.status,
            "shows": redactor.text(entry.shows),
            "wrong": entry.wrong,
        }

    return {
        "explanation": redactor.text(race.explanation),
        "operations": [operation(entry) for entry in race.operations],
        "all": [operation(entry) for entry in race.all],
        "began": [{"service": service, "stage": stage, "skipped": flag} for service, stage, flag in race.began],
        "reading": race.reading,
    }


def _step(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    """A step as it is pinned, besides when it was sent, how long its answer took (in seconds), and its type."""
    return {
        **redactor.step(exchange),
        "content_type": redactor.text(exchange.headers.get("content-type", "")) or None,
        "started": round(exchange.started_s, 6),
        "elapsed": round(exchange.elapsed_s, 6),
    }


def _latency(entry: Latency) -> dict[str, Any]:
    return {key: value if key == "count" else round(value, 3) for key, value in asdict(entry).items()}


def _observed(entry: Observed, redactor: Redactor) -> dict[str, Any]:
    """What an operation answered; names come from the target, so that they go through the redactor, too."""

    def named(counts: Mapping[str, int]) -> dict[str, int]:
        return {redactor.text(name): count for name, count in counts.items()}

    answers = {
        status: {
            "looked_into": seen.looked_into,
            "media": named(seen.media),
            "types": dict(seen.types),
            "properties": [{**asdict(one), "path": redactor.text(one.path)} for one in seen.properties],
            "left_out": seen.left_out,
        }
        for status, seen in entry.answers.items()
    }
    return {"statuses": dict(entry.statuses), "answers": answers}


def _expectations(reckoning: Reckoning, redactor: Redactor) -> dict[str, Any]:
    def remark(entry: Remark, said: str | None = None) -> dict[str, str]:
        key = {"requirement": entry.requirement, "cause": redactor.text(entry.cause)}
        return key if said is None else {**key, said: redactor.text(entry.said)}

    return {
        "file": redactor.text(reckoning.file),
        "known": reckoning.known,
        "gone": [remark(entry) for entry in reckoning.gone],
        "expired": [remark(entry, "expires") for entry in reckoning.expired],
        "unsure": [remark(entry, "why") for entry in reckoning.unsure],
    }


def _coverage(entry: Coverage, redactor: Redactor) -> dict[str, Any]:
    """How far the deep tour came; in front the first walk at its full depth."""
    main = entry.main
    return {
        "depth": main.depth,
        "stages": main.stages,
        "services": main.services,
        "forms": [redactor.text(form) for form in entry.forms],
        "covered": main.covered,
        "total": main.total,
        "complete": main.complete,
        "walks": [
            {**asdict(walk), "stopped": None if walk.stopped is None else redactor.text(walk.stopped)}
            for walk in entry.walks
        ],
    }


# ---------------------------------------------------------------------- writing


def write_record(path: Path, record: Record) -> None:
    """Write the record as JSON; a reader sees the old file or the new one, never a part. Raises OSError."""
    write_atomically(path, json.dumps(record, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step. Raises OSError; nothing half written is left behind."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


# ---------------------------------------------------------------------- reading

_NUMBER = (int, float)
_TEXT_OR_NONE = (str, type(None))
_RECORD: dict[str, Any] = {
    "tool": {"name": str, "version": str},
    "target": {"url": str, "mocked": bool, "offers": [str]},
    "verdict": Verdict,
    "reading": dict,
    "requirements": [
        {"id": str, "level": Level, "grade": Grade, "exercised": int, "violations": int, "reason": _TEXT_OR_NONE}
    ],
    "violations": [
        {
            "requirement": str,
            "message": str,
            "expected": str,
            "actual": str,
            "at_request": int,
            "steps": [
                {
                    "method": str,
                    "path": str,
                    "headers": dict,
                    "body": _TEXT_OR_NONE,
                    "status": (int, type(None)),
                    "answer": _TEXT_OR_NONE,
                }
            ],
            "curl": str,
        }
    ],
    "requests": int,
    "duration_s": _NUMBER,
    "seed": int,
}
"""The pinned keys and their types: a dict is an object with at least these keys, a list one of such entries."""

_EXTENT = {"depth": int, "stages": int, "services": int, "covered": int, "total": int}
_COVERAGE: dict[str, Any] = {
    **_EXTENT,
    "forms": [str],
    "complete": bool,
    "walks": [{**_EXTENT, "requests": int, "stopped": _TEXT_OR_NONE}],
}
_RACED = {
    "client": (int, str),
    "words": str,
    "start_s": _NUMBER,
    "end_s": (int, float, type(None)),
    "status": (int, type(None)),
    "shows": str,
    "wrong": bool,
}
_RACE: dict[str, Any] = {"explanation": str, "operations": [_RACED], "all": [_RACED]}
_REMARK = {"requirement": str, "cause": str}
_LATER: dict[str, Any] = {
    "profile": str,
    "started": datetime,
    "only": [str],
    "strict": bool,
    "cut_short": str,
    "spec": {
        "document": _TEXT_OR_NONE,
        "fingerprint": _TEXT_OR_NONE,
        "places": [{"requirement": str, "pointer": str, "line": int, "column": int}],
    },
    "notes": [str],
    "coverage": _COVERAGE,
    "ladder": {
        "rung": int,
        "of": int,
        "stateless": _TEXT_OR_NONE,
        "rungs": [
            {
                "rung": int,
                "name": str,
                "says": str,
                "holds": bool,
                "missing": [{"id": str, "grade": Grade, "reason": _TEXT_OR_NONE}],
                "untested": [str],
            }
        ],
    },
    "expectations": {
        "file": str,
        "known": int,
        "gone": [_REMARK],
        "expired": [{**_REMARK, "expires": str}],
        "unsure": [{**_REMARK, "why": str}],
    },
}
"""The same of what earlier versions did not write, and what is null where nothing is said of it."""


def read_record(path: Path, also: Mapping[str, Any] | None = None) -> Record:
    """Read a record that `write_record` wrote, perhaps a later version with more keys.

    `also`: keys that are needed beyond the pinned ones, spelled as in `_RECORD`.
    Raises UsageError naming the file, the place and what is wrong there.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"cannot read the record {path}: {error.strerror or error}; give the report.json of a run"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no record of a run: it is not JSON ({error}); give a report.json") from None
    wrong = problem_of(record) or _wrong(record, also or {}, "")
    if wrong:
        raise UsageError(f"{path} is no record of a run that this version reads: {wrong}; write it again with verify")
    assert isinstance(record, dict)
    return record


def problem_of(record: object) -> str | None:
    """What makes this no record of schema 1, in words, or None if nothing does."""
    if not isinstance(record, dict):
        return "it is no object"
    if record.get("schema") != SCHEMA:
        return f"its schema is {record.get('schema')!r}, not {SCHEMA}"
    later = (_wrong(record[key], form, key) for key, form in _LATER.items() if record.get(key) is not None)
    return _wrong(record, _RECORD, "") or next(filter(None, later), None) or _races(record) or _inconsistent(record)


def _races(record: Mapping[str, Any]) -> str | None:
    told = [(number, entry["race"]) for number, entry in enumerate(record["violations"]) if entry.get("race")]
    return next(filter(None, (_wrong(race, _RACE, f"violations[{number}].race") for number, race in told)), None)


def _wrong(value: object, wanted: Any, where: str) -> str | None:
    """The first place where `value` is not of the wanted form."""
    if isinstance(wanted, dict):
        if not isinstance(value, Mapping):
            return f"{where or 'it'} is no object"
        for key, inner in wanted.items():
            place = f"{where}.{key}".lstrip(".")
            if key not in value:
                return f"{place} is missing"
            if found := _wrong(value[key], inner, place):
                return found
        return None
    if isinstance(wanted, list):
        if not isinstance(value, list):
            return f"{where} is no list"
        found_each = (_wrong(entry, wanted[0], f"{where}[{position}]") for position, entry in enumerate(value))
        return next((found for found in found_each if found), None)
    if wanted in (Verdict, Grade, Level):
        known = [member.value for member in wanted]
        return None if value in known else f"{where} is {value!r}, none of {', '.join(known)}"
    if wanted is datetime:
        return None if moment_of(value) else f"{where} is no moment such as 2026-01-31T12:00:00Z"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where} is no finite number"
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        return f"{where} is of the wrong type"
    return None


def version_of(record: Mapping[str, Any]) -> str | None:
    """The version of the target, where the record says it."""
    version = record["target"].get("version")
    return version if isinstance(version, str) else None


def moment_of(value: object) -> datetime | None:
    """A moment of a record, in UTC; None where it is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _inconsistent(record: Mapping[str, Any]) -> str | None:
    """A record that contradicts itself was edited, or put together from two."""
    ids = [entry["id"] for entry in record["requirements"]]
    if len(set(ids)) < len(ids):
        return "a requirement stands in it twice"
    ladder = record.get("ladder")
    if ladder is not None and not 0 <= ladder["rung"] <= ladder["of"] == len(ladder["rungs"]):
        return "its ladder has not the rung that the target stands on"
    strangers = {entry["requirement"] for entry in record["violations"]} - set(ids)
    return f"a violation names {min(strangers)}, which is not among its requirements" if strangers else None
