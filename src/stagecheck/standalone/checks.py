"""Whether answers keep one promise, judged by a witness alone: no model, the standard library only.

Copied into reproducers, each with the functions it needs, and used by `replay` as well: the forms of a reproducer can
never disagree. A witness is a dict with a `kind` (see the functions named after them) and the ids it is about. An
answer is a dict: `asked` (list, stage, service-stage or none: what its request asks to be shown), `path`, `status`
(None if no answer came), `content_type` and `body` (text). Each check takes the witness, the answer and the answers
before it, and returns None where the promise is kept, else what came instead, in words.
"""

# ruff: noqa: ARG001  # every check has one signature
from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any


def status(witness: Any, answer: Any, before: Any) -> str | None:
    """The status is one of `allowed`: numbers, or classes such as 4xx."""
    got = answer["status"]
    fine = got is not None and (got in witness["allowed"] or f"{got // 100}xx" in witness["allowed"])
    return None if fine else f"status {got}"


def places(witness: Any, answer: Any, before: Any) -> str | None:
    """The `service` stands exactly in `places`: pairs of a stage and whether it is skipped there."""
    wanted = sorted((stage_id.lower(), skipped) for stage_id, skipped in witness["places"])
    stages = _stages(answer)
    if stages is None:
        return f"status {answer['status']} without stages"
    shown, got = [_id(one) for one in stages], standing(answer, witness["service"])
    if answer["asked"] == "stage":
        wanted = [place for place in wanted if place[0] in shown]
    if answer["asked"] == "service-stage" and not got and shown == [place[0] for place in wanted]:
        silent = all("services" not in one for one in stages)
        return None if silent else "a stage without the service"
    if sorted(got) == wanted:
        return None
    return " and ".join(f"in {stage_id}, is_skipped {str(flag).lower()}" for stage_id, flag in got) or "in no stage"


def standing(answer: Any, service: str) -> Any:
    """Where an answer shows a service: pairs of a stage and whether it is skipped there."""
    stages = _stages(answer) or ()
    return [(_id(one), _skipped(entry)) for one in stages for entry in _entries(one) if _is(entry, service)]


def stage(witness: Any, answer: Any, before: Any) -> str | None:
    """The `stage` is listed `times` times."""
    got = sum(_id(shown) == witness["stage"].lower() for shown in _stages(answer) or ())
    return None if got == witness["times"] else f"listed {got} times"


def same(witness: Any, answer: Any, before: Any) -> str | None:
    """The `attribute` of a stage, or of a service's entry, is what the first answer that showed it said.

    `since`: "last" for the last answer before this one that showed it.
    """
    told = [value for value in (_attribute(witness, one) for one in before) if value is not None]
    was = None if not told else told[-1] if witness.get("since") == "last" else told[0]
    now = _attribute(witness, answer)
    if was is None or now is None or was == now or (_moment(was) == _moment(now) is not None):
        return None
    return f"{witness['attribute']} {now!r}, which was {was!r}"


def same_set(witness: Any, answer: Any, before: Any) -> str | None:
    """The ids that are listed are those of the first answer that listed any; `of`: stages or services.

    `more` has come to them since, and `fewer` is gone.
    """
    was = next((found for found in (_members(one, witness["of"]) for one in before) if found), None)
    now = _members(answer, witness["of"])
    if was is None or now is None:
        return None
    was = was | {one.lower() for one in witness.get("more", ())}
    was = was - {one.lower() for one in witness.get("fewer", ())}
    if was == now:
        return None
    return f"{len(now - was)} more and {len(was - now)} fewer {witness['of']} than before"


def same_places(witness: Any, answer: Any, before: Any) -> str | None:
    """All services stand where the first answer to the same request showed them."""
    earlier = [one for one in before if one["path"] == answer["path"] and _stages(one) is not None]
    if not earlier or _stages(answer) is None:
        return None
    return None if _everything(earlier[0]) == _everything(answer) else "other placements or flags than before"


def ranking(witness: Any, answer: Any, before: Any) -> str | None:
    """The `stages` stand in this order by their deployment_order, as far as the answer shows them."""
    orders = {_id(one): one.get("deployment_order") for one in _stages(answer) or ()}
    shown = [(orders[key.lower()], key) for key in witness["stages"] if isinstance(orders.get(key.lower()), int)]
    numbers = [number for number, _ in shown]
    return None if numbers == sorted(set(numbers)) else f"orders {numbers}"


def order(witness: Any, answer: Any, before: Any) -> str | None:
    """The stages stand as the last list before this one showed them, but for one that was moved.

    That is `stage`, if it is named: it stands right before the `anchor`, or right behind it if `after`.
    """
    now = _orders(answer)
    lists = (_orders(one) for one in reversed(before))
    was: dict[str, int] = next((found for found in lists if found and len(set(found.values())) == len(found)), {})
    wanted = sorted(was, key=lambda one: was[one])
    moved, anchor = str(witness.get("stage")).lower(), str(witness.get("anchor")).lower()
    if "stage" in witness and moved != anchor:
        wanted = [one for one in wanted if one != moved] if anchor in was else [anchor]
        wanted.insert(wanted.index(anchor) + bool(witness.get("after")), moved)
    numbers = [now[one] for one in wanted if one in now]
    return None if numbers == sorted(set(numbers)) else f"orders {numbers}"


def empty(witness: Any, answer: Any, before: Any) -> str | None:
    """The `stage` holds no service, if the answer shows it."""
    shown = [one for one in _stages(answer) or () if _id(one) == witness["stage"].lower()]
    held = [_owner(entry) for one in shown for entry in _entries(one)]
    return f"service {held[0]} in it" if held else None


def new_id(witness: Any, answer: Any, before: Any) -> str | None:
    """The stage that an answer to a creation shows has an id that no earlier answer showed."""
    shown = {_id(one) for earlier in before for one in _stages(earlier) or ()}
    again = next((_id(made) for made in _stages(answer) or () if _id(made) in shown), None)
    return None if again is None else f"id {again}, which an earlier answer showed"


def shows(witness: Any, answer: Any, before: Any) -> str | None:
    """The `attribute` of a stage is `value`, if the answer shows it; an empty one may be null, too."""
    now, wanted = _attribute(witness, answer), witness["value"]
    same_id = witness["attribute"] == "environment" and str(now).lower() == wanted.lower()
    return None if now is None or now == wanted or same_id else f"{witness['attribute']} {now!r}"


def unique(witness: Any, answer: Any, before: Any) -> str | None:
    """No two stages of one environment have the same deployment_order."""
    orders = [
        (str(_environment(shown)).lower(), shown["deployment_order"])
        for shown in _stages(answer) or ()
        if isinstance(shown.get("deployment_order"), int)
    ]
    return None if len(set(orders)) == len(orders) else f"orders {[order for _, order in orders]}"


def dates(witness: Any, answer: Any, before: Any) -> str | None:
    """No stage and no entry is updated before it was created."""
    for shown in _stages(answer) or ():
        for thing in (shown, *_entries(shown)):
            created, updated = _moment(thing.get("created_at")), _moment(thing.get("updated_at"))
            if created is not None and updated is not None and updated < created:
                return f"updated_at {thing['updated_at']}, created_at {thing['created_at']}"
    return None


def content_type(witness: Any, answer: Any, before: Any) -> str | None:
    """A 200 comes as application/json."""
    media = (answer["content_type"] or "").split(";")[0].strip().lower()
    return None if answer["status"] != 200 or media == "application/json" else f"content type {media or 'none'}"


def schema(witness: Any, answer: Any, before: Any) -> str | None:
    """Every value at `path` (`*`: each element) of a 200 keeps one keyword of the schema: required, type or format."""
    if answer["status"] != 200:
        return None
    try:
        here = [json.loads(answer["body"])]
    except (ValueError, RecursionError):
        return "a body that is no JSON"
    for step in witness["path"]:
        here = [value for one in here for value in _inside(one, step)]
    bad = [value for value in here if not _keeps(value, witness["keyword"], witness["value"])]
    return f"{json.dumps(bad[0])[:200]} against {witness['keyword']} {witness['value']}" if bad else None


def hides(witness: Any, answer: Any, before: Any) -> str | None:
    """The answer does not show `text`, or the attribute of a stage that an earlier answer showed."""
    text = witness.get("text")
    if text is None:
        text = next((value for value in (_attribute(witness, one) for one in before) if value is not None), None)
    return f"an answer with {text!r}" if text and str(text).lower() in answer["body"].lower() else None


CHECKS = {
    "status": status,
    "places": places,
    "stage": stage,
    "same": same,
    "same-set": same_set,
    "same-places": same_places,
    "ranking": ranking,
    "order": order,
    "empty": empty,
    "new-id": new_id,
    "shows": shows,
    "unique": unique,
    "dates": dates,
    "content-type": content_type,
    "schema": schema,
    "hides": hides,
}


def _stages(answer: Any) -> Any:
    """The stages of a 200; None if it shows none."""
    if answer["status"] != 200:
        return None
    try:
        payload = json.loads(answer["body"])
    except (ValueError, RecursionError):
        return None
    if answer["asked"] != "list":
        return [payload] if isinstance(payload, dict) and isinstance(payload.get("id"), str) else None
    listed = payload.get("results") if isinstance(payload, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else None


def _entries(shown: Any) -> Any:
    listed = shown.get("services")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _id(thing: Any) -> str:
    return str(thing.get("id")).lower()


def _owner(entry: Any) -> str:
    """Whose entry it is: its service_id, or, where it names none, its own id."""
    return str(entry.get("service_id") or entry.get("id")).lower()


def _is(entry: Any, service: str) -> bool:
    return _owner(entry) == service.lower()


def _skipped(entry: Any) -> bool:
    return entry.get("is_skipped") in (True, "true", "True")


def _environment(shown: Any) -> Any:
    return shown["environment"].get("id") if isinstance(shown.get("environment"), dict) else None


def _attribute(witness: Any, answer: Any) -> Any:
    """The value of the witness's attribute in an answer, None if it shows none."""
    for shown in _stages(answer) or ():
        if "service" in witness:
            for entry in _entries(shown):
                if _is(entry, witness["service"]) and entry.get(witness["attribute"]) is not None:
                    return entry[witness["attribute"]]
        elif _id(shown) == witness["stage"].lower():
            if witness["attribute"] == "environment":
                return _environment(shown)
            empty = "" if witness["attribute"] == "description" and "description" in shown else None
            value = shown.get(witness["attribute"])
            return empty if value is None else value
    return None


def _members(answer: Any, kind: str) -> Any:
    stages = _stages(answer)
    if stages is None or answer["asked"] != "list":
        return None
    if kind == "stages":
        return {_id(one) for one in stages}
    return {_owner(entry) for one in stages for entry in _entries(one)}


def _orders(answer: Any) -> Any:
    """The deployment_order of each stage that a list shows with one."""
    stages = _stages(answer) if answer["asked"] == "list" else None
    return {_id(one): one["deployment_order"] for one in stages or () if isinstance(one.get("deployment_order"), int)}


def _everything(answer: Any) -> Any:
    return sorted(
        (_id(shown), _owner(entry), _skipped(entry)) for shown in _stages(answer) for entry in _entries(shown)
    )


def _moment(text: Any) -> float | None:
    """A date-time as seconds since 1970; None for what is none (RFC 3339)."""
    try:
        found = re.fullmatch(r"([^.]{19})(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text)
        whole, fraction, offset = found.groups()  # type: ignore[union-attr]
        when = datetime.fromisoformat(whole.upper() + ("+00:00" if offset in "Zz" else offset))
        return when.timestamp() + float(fraction or 0)
    except (AttributeError, TypeError, ValueError):
        return None


def _inside(value: Any, step: str) -> Any:
    if step == "*":
        return value if isinstance(value, list) else []
    return [value[step]] if isinstance(value, dict) and step in value else []


def _keeps(value: Any, keyword: str, wanted: Any) -> bool:
    if keyword == "required":
        return not isinstance(value, dict) or wanted in value
    if keyword == "type":
        names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
        name = "null" if value is None else names[type(value)]
        return name in wanted or (name == "integer" and "number" in wanted)
    if not isinstance(value, str):
        return True
    if wanted == "uuid":
        return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) is not None
    return _moment(value) is not None
