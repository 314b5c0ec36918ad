"""Removing the stages that a run has made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stagecheck.model.requests import Attach, DeleteStage
from stagecheck.model.state import Placement
from stagecheck.suite.session import Session
from stagecheck.wire import bodies


def tidy(
    session: Session, home: str, *, sure: bool = True, places: Mapping[str, Placement] | None = None
) -> Iterator[str]:
    """Delete what the run has made, its services moved to the stage `home` first; the ids that could not be deleted.

    `sure`: whether what is believed of the state may be relied on; else nothing is held against the answers. `places`:
    where everything is, where that is known better than it is believed.
    Raises BudgetSpent.
    """
    for stage in list(session.created):
        now = session.world.placements if places is None else places
        inside = [key for key, place in now.items() if place.stage == stage]
        if any(key in session.journal.theirs for key in inside):
            # Somebody else has put a service there: it is not moved, so the stage stays as well.
            yield stage
            continue
        for service in [key for key in inside if key in session.usable]:
            request = Attach(home, service, bodies.FALSE.form)
            message = session.spell.attach(request, bodies.FALSE, session.credentials.own)
            session.perform(request if sure else None, message)
        deletion = DeleteStage(stage)
        exchange = session.perform(deletion if sure else None, session.spell.manage(deletion, session.credentials.own))
        if exchange.status is not None and (200 <= exchange.status < 300 or exchange.status == 404):
            session.created.pop(stage, None)
        else:
            yield stage
