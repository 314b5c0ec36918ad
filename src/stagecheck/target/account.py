"""What a ledger tells: where everything was before the run, and every place where the run may have left it.

Between what was found and what is there now stands what the run may have done. A service that is in none of the places
its requests can lead to was moved by somebody else, and is theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from stagecheck.model.state import Placement, canonical, is_uuid
from stagecheck.operations import OperationKey, operation_of
from stagecheck.target.ledger import Entry, entries_of

FALSE, TRUE, ANY = "false", "true", "any"
"""What a body says of the flag; `any`: what may be taken for either."""
_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


@dataclass(slots=True)
class Account:
    """The contents of a ledger.

    `homes`: the first placement seen of each service; `theirs`: where somebody else has put a service since, which is
    its home then. `stages`: those there were before the run; None where nobody could list them. `made`: stages that
    the run has made and not deleted (id → name); `tried`: the names of all that it may have made. `damaged`: the
    numbers of lines that cannot be read.
    """

    url: str = ""
    environment: str | None = None
    began: str = ""
    usable: tuple[str, ...] = ()
    stages: frozenset[str] | None = None
    homes: dict[str, Placement] = field(default_factory=dict)
    theirs: dict[str, Placement] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    tried: dict[str, None] = field(default_factory=dict)
    addressed: dict[str, None] = field(default_factory=dict)
    writes: int = 0
    damaged: list[int] = field(default_factory=list)
    finished: bool = False
    _possible: dict[str, set[Placement]] = field(default_factory=dict)
    _late: dict[str, set[Placement]] = field(default_factory=dict)
    _anywhere: set[str] = field(default_factory=set)
    _asked: dict[str, tuple[str, set[Placement]]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _deleted: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Account:
        """Read a ledger. Raises UsageError where there is none."""
        account = cls()
        for number, entry in entries_of(path):
            if entry is None:
                account.damaged.append(number)
            else:
                account.take(entry)
        return account

    def home_of(self, service: str) -> Placement | None:
        """Where a service belongs; None where no answer had shown where it was."""
        return self.theirs.get(service, self.homes.get(service))

    def ours(self, service: str, now: Placement) -> bool:
        """Whether the run may have left a service there."""
        known = self._possible.get(service, set()) | self._late.get(service, set())
        return service in self._anywhere or now in known

    # ------------------------------------------------------------------ one entry after another

    def take(self, entry: Entry) -> None:
        """Take note of one entry."""
        if "ledger" in entry:
            self.url, self.environment = str(entry.get("url", "")), entry.get("environment")
            self.began = str(entry.get("began", ""))
        self._take_state(entry)
        if "write" in entry:
            self.finished = False
            self.writes += 1
            self._take_write(str(entry["write"]), entry)
        elif "answer" in entry:
            self._take_answer(str(entry["answer"]), entry)
        elif "finished" in entry:
            self.finished = True

    def _take_state(self, entry: Entry) -> None:
        if "usable" in entry:
            self.usable = tuple(entry["usable"])
        if "stages" in entry and self.stages is None:
            self.stages = frozenset(entry["stages"])
        for service, place in _places(entry.get("homes")).items():
            self.homes.setdefault(service, place)
            self._possible.setdefault(service, {place})
        self.theirs |= _places(entry.get("theirs"))
        for service, places in (entry.get("now") or {}).items():
            self._possible[service] = {Placement(stage, bool(skipped)) for stage, skipped in places}
            self._anywhere.discard(service)

    def _take_write(self, number: str, entry: Entry) -> None:
        segments = _segments(str(entry["path"]))
        if _is_attach(segments):
            self._take_attach(number, entry, segments[1], segments[3])
            return
        key = operation_of(str(entry["method"]), str(entry["path"]))
        if key is OperationKey.CREATE and isinstance(entry.get("name"), str):
            self._names[number] = entry["name"]
            self.tried[entry["name"]] = None
        elif key is OperationKey.DELETE:
            self._deleted[number] = segments[1]
            # Whoever deletes a stage may move its services anywhere.
            self._anywhere |= {key for key, places in self._possible.items() if _in(places, segments[1])}

    def _take_attach(self, number: str, entry: Entry, stage: str, service: str) -> None:
        if not (is_uuid(stage) and is_uuid(service)):
            return
        self.addressed[service] = None
        before = self._possible.setdefault(service, set())
        outcomes = set(_outcomes(str(entry.get("flag", ANY)), str(entry["method"]), stage, before))
        self._asked[number] = (service, outcomes)
        before |= outcomes

    def _take_answer(self, number: str, entry: Entry) -> None:
        status = entry.get("status")
        service, outcomes = self._asked.pop(number, ("", set()))
        if status is None and service:
            # Nobody knows whether it took effect, or when it will.
            self._late.setdefault(service, set()).update(outcomes)
        name, deleted = self._names.pop(number, None), self._deleted.pop(number, None)
        if name is not None and isinstance(entry.get("made"), str):
            self.made[entry["made"]] = name
        if deleted is not None and status is not None and (200 <= status < 300 or status == 404):
            self.made.pop(deleted, None)


def flag_of(body: bytes | None) -> str:
    """What a body says of the flag, as far as it bears on where a service may be afterwards."""
    if not body:
        return FALSE
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ANY
    if not isinstance(value, dict):
        return ANY
    flag = value.get("is_skipped", False)
    return {False: FALSE, True: TRUE}[flag] if isinstance(flag, bool) else ANY


def attach_in(path: str) -> str | None:
    """The service that an attach path names, in canonical form; None for any other path."""
    segments = _segments(path)
    return segments[3] if _is_attach(segments) else None


def _segments(path: str) -> list[str]:
    return [canonical(unquote(segment)) for segment in path.strip("/").split("/")]


def _is_attach(segments: Sequence[str]) -> bool:
    return len(segments) == 4 and list(segments[::2]) == ["deploymentstage", "service"]


def changes_nothing(method: str) -> bool:
    """Whether a method promises to change nothing (RFC 9110 9.2.1)."""
    return method in _SAFE


def _outcomes(flag: str, method: str, stage: str, before: Iterable[Placement]) -> Iterable[Placement]:
    """Where a request may leave its service, by the words of S1…S5 and every reading of them."""
    flag = flag if method == "PUT" else ANY
    stages = [stage, *(place.stage for place in before)]
    yield Placement(stage, skipped=False)
    if flag != FALSE:
        yield from (Placement(one, skipped=True) for one in stages)
    if flag == ANY:
        yield from (Placement(one, skipped=False) for one in stages)


def _places(told: Mapping[str, Any] | None) -> dict[str, Placement]:
    return {service: Placement(stage, bool(skipped)) for service, (stage, skipped) in (told or {}).items()}


def _in(places: Iterable[Placement], stage: str) -> bool:
    return any(place.stage == stage for place in places)
