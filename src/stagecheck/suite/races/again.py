"""A round that was kept (`reports/races/`) sent once more: from the same placements, by as many clients, as fast.

What was seen once in a race is rarely seen at the next try; so it is tried many times, and what counts is whether the
same promise broke again. Every other time the clients begin when they began, as far apart; and else all together: some
windows are met by whoever comes later, some were met because somebody was held up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stagecheck.errors import ConfigError, UsageError
from stagecheck.model.requests import Attach, ReadList, ReadService, ReadStage
from stagecheck.model.state import canonical
from stagecheck.operations import OperationKey, operation_of
from stagecheck.outcome import Replays
from stagecheck.suite.discover import Ground
from stagecheck.suite.races.races import Races
from stagecheck.suite.races.rounds import Ask, Round
from stagecheck.suite.races.specification import Asked
from stagecheck.target.crowd import Crowd
from stagecheck.wire import bodies
from stagecheck.wire.bodies import JSON, Body, meaning

_LONGEST_PAUSE_S = 0.1


def round_of(history: Mapping[str, Any]) -> Round:
    """The round that a history tells of, its clients as far apart.

    Raises UsageError for a request that no client of a race sends.
    """
    scripts: dict[object, list[Ask]] = {}
    ended: dict[object, float] = {}
    operations = sorted(history["operations"], key=lambda one: one["start_s"])
    for one in operations:
        client = one["client"]
        before = ended.get(client, operations[0]["start_s"])
        pause = min(_LONGEST_PAUSE_S, max(0.0, one["start_s"] - before))
        call, body = _call(one["method"], one["path"], one["body"])
        scripts.setdefault(client, []).append(Ask(call, body, pause))
        ended[client] = one["start_s"] if one["end_s"] is None else one["end_s"]
    return Round("kept", tuple(map(tuple, scripts.values())))


def together(following: Round) -> Round:
    """The same with all clients beginning at once."""
    scripts = [(replace(script[0], pause_s=0.0), *script[1:]) for script in following.scripts]
    return replace(following, scripts=tuple(scripts))


def _call(method: str, path: str, text: str | None) -> tuple[Asked, Body | None]:
    """A request by meaning, and its body."""
    ids = [canonical(segment) for segment in path.split("/")]
    match operation_of(method, path):
        case OperationKey.ATTACH:
            content = None if text is None else text.encode()
            body = bodies.NO_BODY if content is None else Body("kept", meaning(JSON, content)[0], JSON, content)
            return Attach(ids[2], ids[4], body.form), body
        case OperationKey.LIST:
            return ReadList(ids[2]), None
        case OperationKey.GET_STAGE:
            return ReadStage(ids[2]), None
        case OperationKey.GET_SERVICE_STAGE:
            return ReadService(ids[2]), None
    raise UsageError(f"the history holds {method} {path}, which no client of a race sends")


def again(races: Races, history: Mapping[str, Any], times: int) -> tuple[Replays, Sequence[str]]:
    """Send a kept round so many times; how often its promise broke again, and the sentences that tell of it.

    Raises UsageError, and ConfigError where the target has not what the round was about.
    """
    following, began = round_of(history), history["began"]
    _make_sure(races.ground, following)
    session, broken = races.session, 0
    told: list[str] = []
    races.learn_reading()
    with Crowd(session.client, len(following.scripts)) as crowd:
        for number in range(times):
            for place in began:
                service, stage = canonical(place["service"]), canonical(place["stage"])
                if service in following.services:
                    session.attach(service, stage, bodies.FALSE)
                    if place["skipped"]:
                        session.attach(service, stage, bodies.TRUE)
            before = len(races.broken)
            races.round(crowd, together(following) if number % 2 else following)
            found = [message for requirement, message in races.broken[before:] if requirement == history["requirement"]]
            broken += bool(found)
            told += found
    return Replays(broken, times), told


def _make_sure(ground: Ground, following: Round) -> None:
    for script in following.scripts:
        for call in (one.call for one in script):
            if isinstance(call, Attach) and (
                call.service not in ground.all_services or call.stage not in ground.all_stages
            ):
                raise ConfigError(
                    f"the round moves service {call.service} to stage {call.stage}, and this target has not both of "
                    "them: a race is sent again to the target that it was found on"
                )
