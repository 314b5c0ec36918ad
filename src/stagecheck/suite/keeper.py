"""Keeping the ledger of a session: every write is noted with what was there before, and only then sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from stagecheck.errors import TargetError
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.state import Placement, World
from stagecheck.operations import OperationKey, operation_of
from stagecheck.suite.session import Session
from stagecheck.target.account import changes_nothing, flag_of
from stagecheck.target.ledger import Ledger

_RESTORE = "restore"


class Keeper:
    """Notes in one ledger what one session sends.

    `redact`: takes credentials out of a text; `mark`: what stands before the numbers of its requests, where several
    sessions write one ledger.
    While things are put back, a ledger that cannot be written stops nothing: where they belong is known.
    """

    def __init__(self, ledger: Ledger, session: Session, redact: Callable[[str], str], mark: str = "") -> None:
        self._ledger = ledger
        self._session = session
        self._redact = redact
        self._mark = mark
        self._homes: set[str] = set()
        self._theirs: dict[str, Placement] = {}
        self._numbers: dict[int, str] = {}
        self._serial = 0
        self._known: dict[str, tuple[Placement, ...]] = {}
        self._worlds: tuple[World, ...] = ()
        self._began = False
        session.client.announce.append(self._announced)
        session.client.listen.append(self._answered)

    def _announced(self, request: HttpRequest) -> None:
        """Note a write before it is sent. Raises TargetError when that cannot be done."""
        if changes_nothing(request.method):
            return
        entry: dict[str, Any] = {
            "write": self._number(request),
            "method": request.method,
            "path": self._redact(request.path),
            "flag": flag_of(request.body),
            **self._beginning(),
            **self._state(),
        }
        if operation_of(request.method, request.path) is OperationKey.CREATE:
            entry["name"] = self._redact(_name_in(request.body) or "")
        self._note(entry, durably=True)

    def _number(self, request: HttpRequest) -> str:
        """A number of its own; the exchange will hold the very same request, even if several are sent at once."""
        self._serial += 1
        number = self._numbers[id(request)] = f"{self._mark}{self._serial}"
        return number

    def _answered(self, exchange: Exchange) -> None:
        """Note what came of a write; durably where it is the only thing that says which stage was made."""
        if changes_nothing(exchange.request.method) or not self._ledger.begun:
            return
        made = self._session.made_by(exchange)
        entry: dict[str, Any] = {"answer": self._numbers.pop(id(exchange.request), ""), "status": exchange.status}
        self._note({**entry, "made": made} if made is not None else entry, durably=made is not None)

    def _note(self, entry: Mapping[str, Any], *, durably: bool) -> None:
        if self._session.client.phase != _RESTORE:
            self._ledger.note(entry, durably=durably)
            return
        with suppress(TargetError):
            self._ledger.note(entry, durably=durably)

    def _beginning(self) -> dict[str, Any]:
        """What was there before the first write."""
        if self._began:
            return {}
        self._began = True
        told: dict[str, Any] = {"usable": list(self._session.usable)}
        world = self._session.beginning
        if world is not None and world.complete:
            told["stages"] = [stage.id for stage in world.stages_of(self._session.oracle.environment)]
        return told

    def _state(self) -> dict[str, Any]:
        """What has become known since the write before: homes, and where services may be now."""
        told: dict[str, Any] = {}
        homes = self._session.journal.homes
        if len(homes) > len(self._homes):
            told["homes"] = _spelled({key: place for key, place in homes.items() if key not in self._homes})
            self._homes = set(homes)
        theirs = {key: place for key, place in self._session.journal.theirs.items() if self._theirs.get(key) != place}
        if theirs:
            told["theirs"] = _spelled(theirs)
            self._theirs |= theirs
        changed = self._changed()
        if changed:
            told["now"] = {
                service: [[place.stage, place.skipped] for place in places] for service, places in changed.items()
            }
        return told

    def _changed(self) -> dict[str, tuple[Placement, ...]]:
        """Where services may be that may be elsewhere than was noted; one that may be anywhere is left out."""
        worlds = self._session.oracle.worlds if hasattr(self._session, "oracle") else ()
        if worlds is self._worlds or not worlds:
            return {}
        self._worlds = worlds
        changed = {}
        for service in worlds[0].placements:
            places = {world.placements.get(service) for world in worlds}
            known = tuple(sorted((place for place in places if place is not None), key=_order))
            if None in places:
                self._known.pop(service, None)
            elif self._known.get(service) != known:
                changed[service] = self._known[service] = known
        return changed


def _order(place: Placement) -> tuple[str, bool]:
    return (place.stage, place.skipped)


def _spelled(places: Mapping[str, Placement]) -> dict[str, list[Any]]:
    return {service: [place.stage, place.skipped] for service, place in places.items()}


def _name_in(body: bytes | None) -> str | None:
    try:
        value = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None
