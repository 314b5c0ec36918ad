"""What the coverage of the deep tour says, in words. Renders from the record alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Walk = Mapping[str, Any]

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
_FAMILIES = ("MOVE", "SKIP", "STATE")


def sentences(record: Mapping[str, Any]) -> Iterator[str]:
    """For each walk what was tried completely, and how far the run came with what was not; none without a coverage."""
    walks: dict[tuple[int, int], list[Walk]] = {}
    for walk in (record.get("coverage") or {"walks": ()})["walks"]:
        walks.setdefault((walk["services"], walk["stages"]), []).append(walk)
    for same in walks.values():
        yield "; ".join(_clauses(sorted(same, key=lambda walk: int(walk["depth"])), record))


def _clauses(walks: list[Walk], record: Mapping[str, Any]) -> Iterator[str]:
    """The longest sequences of which all were tried, and the first of which some were not."""
    done = [walk for walk in walks if walk["covered"] == walk["total"]]
    lacking = [walk for walk in walks if walk["covered"] < walk["total"]]
    if done:
        most = done[-1]
        yield f"every {_what(most)}{_where(most)} was tried ({_share(most)}){_claim(most, record)}"
    for walk in lacking[:1]:
        where = "" if done else _where(walk)
        yield f"{_share(walk)} {_what(walk, 's')}{where} were tried, the others were not ({walk['stopped']})"


def _claim(walk: Walk, record: Mapping[str, Any]) -> str:
    """What follows when all was tried: it is said of what the answers to the sequences themselves can show."""
    judged = [entry for entry in record["requirements"] if entry["id"].split("-")[0] in _FAMILIES]
    of_all = all(entry["reason"] != "not selected" for entry in judged)
    what = "" if of_all else " of what was selected"
    if record["violations"]:
        return f", and all that it showed{what} is reported"
    operations = "one operation" if walk["depth"] == 1 else f"{_number(walk['depth'])} consecutive operations"
    return f": no deterministic defect{what} that depends on at most {operations}, and shows in the answers, is left"


def _share(walk: Walk) -> str:
    return f"{walk['covered']:,} of {walk['total']:,}"


def _what(walk: Walk, plural: str = "") -> str:
    return f"single transition{plural}" if walk["depth"] == 1 else f"sequence{plural} of {walk['depth']} transitions"


def _where(walk: Walk) -> str:
    services, stages = walk["services"], walk["stages"]
    return f" of {_number(services)} service{_s(services)} over {_number(stages)} stage{_s(stages)}"


def _number(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _s(number: int) -> str:
    return "" if number == 1 else "s"
