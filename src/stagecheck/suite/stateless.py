"""Telling a target that remembers nothing, by design, from one that remembers wrongly.

A static mock answers every PUT with the example of its document. To hold each promise against it one by one would say
the same thing fifty times; so where the first answers do not speak of what was asked, a few requests that ask for
different things are sent, and if all of them are answered alike that is said once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from stagecheck import witness
from stagecheck.exchange import Exchange
from stagecheck.model.compare import Mismatch
from stagecheck.model.requests import Attach
from stagecheck.model.words import service_label, stage_label
from stagecheck.suite.discover import Ground
from stagecheck.suite.session import Session
from stagecheck.suite.shapes import payload_of
from stagecheck.suite.transient import sent
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body

WHY = "the target answers the same whatever is sent, so it cannot keep a state"


@dataclass(frozen=True, slots=True)
class Stateless:
    """How it was seen: a sentence, the exchanges, and the broken promise that stands for all of them."""

    sentence: str
    exchanges: tuple[Exchange, ...]
    broken: Mismatch


def suspected(session: Session, ground: Ground) -> bool:
    """Whether the answers so far give reason to ask."""
    broken = {violation.breach.requirement for violation in session.findings.violations}
    return ground.blind or any(key.startswith(("MOVE", "SKIP", "SHAPE-3", "STATE")) for key in broken)


def ask(session: Session, ground: Ground, unknown: Callable[[], str]) -> Stateless | None:
    """Ask for different things; None as soon as one is refused, or the answers speak of what was asked.

    `unknown`: makes ids that nothing has. Nothing of it is held against the target; if it is not stateless, nobody
    knows afterwards where the services are that were asked for.
    """
    session.client.phase = "discover"
    stages, services = ground.all_stages, ground.all_services
    last = (stages[-1], services[0], bodies.FALSE)
    questions = (
        # No id is known to a target that has none of its own.
        (unknown(), unknown(), bodies.TRUE),
        (stages[0], services[-1], bodies.TRUE),
        (stages[-1], services[0], bodies.TRUE),
        last,
    )
    exchanges: list[Exchange] = []
    for stage, service, body in questions:
        request = Attach(stage, service, body.form)
        exchange = sent(session.client, session.spell.attach(request, body, session.credentials.own))
        exchanges.append(exchange)
        accepted = exchange.status is not None and 200 <= exchange.status < 300
        if not accepted or not (_identical(exchanges) or not any(map(_named, exchanges, questions))):
            _forget(session, ground)
            return None
    return _found(session, exchanges, last[0], last[1])


def _found(session: Session, exchanges: list[Exchange], stage: str, service: str) -> Stateless:
    same = "with one and the same answer" if _identical(exchanges) else "without a word of what was asked for"
    sentence = f"{len(exchanges)} requests for different things were all answered {exchanges[-1].status} {same}"
    broken = Mismatch(
        "MOVE-1",
        "stateless",
        f"the target remembers nothing: {sentence}",
        f"{service_label(session.world, service)} in {stage_label(session.world, stage)}, is_skipped false",
        "the same answer as to the others, which does not show that"
        if _identical(exchanges)
        else "an answer without it",
        witness=witness.places(service, [(stage, False)]),
    )
    return Stateless(sentence, tuple(exchanges), broken)


def _identical(exchanges: list[Exchange]) -> bool:
    return len({json.dumps(payload_of(exchange)[0], sort_keys=True) for exchange in exchanges}) == 1


def _named(exchange: Exchange, question: tuple[str, str, Body]) -> bool:
    """Whether an answer names the service that it was asked for."""
    return question[1] in exchange.body.decode("utf-8", "replace").lower()


def _forget(session: Session, ground: Ground) -> None:
    for service in ground.all_services:
        session.oracle.worlds = tuple(world.unplaced(service) for world in session.oracle.worlds)
