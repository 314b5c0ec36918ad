"""Sending a reproducer's steps to any target, with its own ids and credentials, and seeing whether it still happens.

The steps are judged by the reproducer's own witness (`standalone.checks`), as its other two forms do: no model and no
memory of the run that found it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stagecheck.errors import ConfigError, TargetError
from stagecheck.exchange import Credential, Exchange, HttpRequest, Recipe
from stagecheck.model.observation import Reply
from stagecheck.model.state import canonical
from stagecheck.outcome import Replays
from stagecheck.standalone.steps import farewell, needed
from stagecheck.standalone.symbols import filled, filled_inside
from stagecheck.suite.made import MOST_STAYING
from stagecheck.suite.plan import Plan
from stagecheck.suite.put_back import WayHome
from stagecheck.suite.session import Session
from stagecheck.wire.stages import named
from stagecheck.witness import against

_MEND = {
    True: "begin; check the ids and the credential",
    False: "go on; is there a stage of that name already?",
}


class Story(StrEnum):
    """What became of a violation."""

    REPRODUCED = "reproduced"
    GONE = "gone"
    FLAKY = "flaky"


@dataclass(frozen=True, slots=True)
class Retold:
    """What sending a reproducer several times has shown. `seen`: what came instead, the last time that it did."""

    replays: Replays
    seen: str | None
    exchanges: tuple[Exchange, ...]

    @property
    def story(self) -> Story:
        """Reproduced every time, never, or now and then."""
        if self.replays.again == 0:
            return Story.GONE
        return Story.REPRODUCED if self.replays.again == self.replays.of else Story.FLAKY


def bound(
    symbols: Mapping[str, Mapping[str, Any]],
    stages: Sequence[str],
    services: Sequence[str],
    plan: Plan,
    session: Session,
) -> dict[str, str]:
    """An id of this target for every symbol: the very same one where the target has it, else the next unused one.

    Raises ConfigError naming what the config does not give.
    """
    ids: dict[str, str] = {}
    for kind, mine in (("stage", stages), ("service", services)):
        wanted = {s: canonical(str(entry["id"])) for s, entry in symbols.items() if s.startswith(f"{kind}:")}
        ids |= {symbol: identifier for symbol, identifier in wanted.items() if identifier in mine}
        free = [identifier for identifier in mine if identifier not in ids.values()]
        for symbol in wanted:
            if symbol not in ids and not free:
                raise ConfigError(f"the story needs {len(wanted)} {kind}s: give more of them in [target] {kind}s")
            if symbol not in ids:
                ids[symbol] = free.pop(0)
    ids |= {"environment": session.oracle.environment} if "environment" in symbols else {}
    for symbol in symbols:
        table, _, key = symbol.partition(".")
        if key:
            value = getattr(plan.second if table == "second" else plan.foreign, key)
            if value is None:
                raise ConfigError(f"the story needs [{table}] {key}: give it in the config")
            ids[symbol] = value
    return {symbol: session.spell.id(canonical(identifier)) for symbol, identifier in ids.items()}


@dataclass(frozen=True, slots=True)
class Replay:
    """A reproducer bound to one target. `ids`: symbol → id; `made`: the same of the stages that its steps create."""

    session: Session
    reproducer: Mapping[str, Any]
    ids: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict)

    def tell(self, times: int) -> Retold:
        """Send it that many times, fewer if the stages that it makes stay.

        Raises TargetError when a step that the others need is refused.
        """
        again, of, seen = 0, 0, None
        exchanges: list[Exchange] = []
        for _ in range(times):
            exchanges = [self._sent(number, step) for number, step in enumerate(self.reproducer["steps"])]
            now = self._seen(exchanges)
            again, of, seen = again + (now is not None), of + 1, now or seen
            if self.made and not self._cleared():
                break
        return Retold(Replays(again, of), seen, tuple(exchanges))

    def _sends(self, step: Mapping[str, Any]) -> Exchange:
        body = base64.b64decode(step["body_base64"]) if "body_base64" in step else step.get("body")
        content = body.encode() if isinstance(body, str) else body
        if "makes" in step:
            self.session.made.begin(named(content).name)
        path, headers = filled(step["path"], self._bound()), tuple(step["headers"].items())
        message = HttpRequest(step["method"], path, headers, content, self._credential(step["credential"]))
        exchange = self.session.client.send(message)
        if "makes" in step:
            made = self.session.made_by(exchange)
            self.session.made.answered(named(content).name, exchange.status, made)
            self.made[step["makes"]] = made or "no-stage-was-made"
        return exchange

    def _sent(self, number: int, step: Mapping[str, Any]) -> Exchange:
        exchange = self._sends(step)
        if number in needed(self.reproducer) and (exchange.status is None or not 200 <= exchange.status < 300):
            raise TargetError(
                f"step {number + 1} {'only prepares' if step['set_up'] else 'makes a stage'}, and was answered "
                f"{exchange.status or exchange.failure}: the story cannot {_MEND[bool(step['set_up'])]}"
            )
        return exchange

    def _bound(self) -> dict[str, str]:
        return {**self.ids, **self.made}

    def _cleared(self) -> bool:
        """Clear away what the steps have made; whether so little stays that they may make more."""
        for step in farewell(self.reproducer):
            status = self._sends(step).status
            if step["method"] == "DELETE":
                stage = filled(step["path"], self._bound()).rpartition("/")[2]
                self.session.made.asked_to_delete(canonical(stage), Reply(status), empty=False)
        WayHome(self.session, self.session.journal, sure=False).remove()
        return len(self.session.created) < MOST_STAYING

    def _credential(self, told: Mapping[str, Any]) -> Credential:
        if "secret" not in told:
            return Credential(told["name"], told["header"], told["header"])
        recipe = Recipe(told["scheme"], told["secret"], told["how"])
        if recipe.secret == "token" and recipe.how is None and recipe.scheme == "Token":
            # Whoever has no API token uses the target with what they have.
            return self.session.credentials.own
        return self.session.credentials.made(told["name"], recipe, told["shown"])

    def _seen(self, exchanges: Sequence[Exchange]) -> str | None:
        for number, condition in self.reproducer["given"]:
            if against(filled_inside(condition, self._bound()), exchanges[: number + 1]) is not None:
                return None
        return against(filled_inside(self.reproducer["witness"], self._bound()), exchanges)
