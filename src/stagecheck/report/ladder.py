"""On which rung of the fidelity ladder a target stands, by the grades of a record, and what is missing for the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stagecheck.contract import RUNGS, Rung
from stagecheck.outcome import Grade, Level

_HELD = (Grade.PASS, Grade.OPEN, Grade.KNOWN, Grade.NON_STRICT)
_STATELESS = "it answers the same whatever is sent, and remembers nothing: a stateless mock, by design or not"


def ladder_of(requirements: Iterable[Mapping[str, Any]], stateless: str | None = None) -> dict[str, Any]:
    """The ladder as a record holds it.

    `requirements`: as in a record. `stateless`: how the target was seen to remember nothing, None if it was not.
    A rung holds if none of its MUSTs (of a strict one, none of its SHOULDs) is broken or in doubt and at least one of
    its requirements was kept; `missing`
    says what keeps it from that, and `untested` what nobody knows of it. A target stands on the highest rung that
    holds with all below it.
    """
    graded = {entry["id"]: entry for entry in requirements}
    rungs = [_rung(rung, graded) for rung in RUNGS]
    stands = 0
    for rung in rungs:
        if not rung["holds"]:
            break
        stands = rung["rung"]
    return {
        "rung": stands,
        "name": RUNGS[stands - 1].name if stands else "none",
        "of": len(RUNGS),
        "stateless": stateless,
        "rungs": rungs,
    }


def _rung(rung: Rung, graded: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    mine = [graded[key] for key in rung.requirements if key in graded]
    missing = [_said(entry) for entry in mine if _keeps_down(entry, rung)]
    kept = [entry for entry in mine if entry["grade"] in _HELD]
    untested = [entry["id"] for entry in mine if entry["grade"] == Grade.NOT_TESTED]
    return {
        "rung": rung.number,
        "name": rung.name,
        "says": rung.says,
        "holds": bool(kept) and not missing,
        "kept": len(kept),
        "missing": missing,
        "untested": untested,
    }


def _keeps_down(entry: Mapping[str, Any], rung: Rung) -> bool:
    if rung.strict and entry["grade"] == Grade.NON_STRICT:
        return True
    doubtful = entry["grade"] == Grade.INCONCLUSIVE and entry["level"] == Level.MUST
    return bool(entry["grade"] == Grade.FAIL or doubtful)


def _said(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": entry["id"], "grade": entry["grade"], "reason": entry["reason"]}


def standing(ladder: Mapping[str, Any]) -> str:
    """Where the target stands, in one sentence."""
    if ladder["rung"] == 0:
        return f"below rung 1 of {ladder['of']} ({RUNGS[0].name})"
    rung = ladder["rungs"][ladder["rung"] - 1]
    return f"rung {ladder['rung']} of {ladder['of']}, {rung['name']}: {rung['says']}"


def next_step(ladder: Mapping[str, Any]) -> str | None:
    """What is missing for the next rung, in one sentence; None on the highest."""
    if ladder["rung"] == ladder["of"]:
        return None
    rung = ladder["rungs"][ladder["rung"]]
    if ladder["stateless"] and rung["rung"] in (3, 4):
        return f"for rung {rung['rung']}, {rung['name']}: {_STATELESS}"
    if rung["missing"]:
        return f"for rung {rung['rung']}, {rung['name']}, mend {_listed([entry['id'] for entry in rung['missing']])}"
    tested = f": {_listed(rung['untested'])} not tested" if rung["untested"] else ""
    return f"for rung {rung['rung']}, {rung['name']}, nothing was seen{tested}"


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:-1]) + (" and " if len(ids) > 1 else "") + ids[-1]
