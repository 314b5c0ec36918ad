"""Removing the stages that a run has made."""

from __future__ import annotations

from collections.abc import Iterator

from stagecheck.model.requests import Attach, DeleteStage
from stagecheck.suite.session import Session
from stagecheck.wire import bodies


def tidy(session: Session, home: str, *, sure: bool = True) -> Iterator[str]:
    """Delete what the run has made, its services moved to the stage `home` first; the ids that could not be deleted.

    `sure`: whether what is believed of the state may be relied on; else nothing is held against the answers.
    Raises BudgetSpent.
    """
    for stage in list(session.created):
        for service in [key for key in session.world.services_in(stage) if key in session.usable]:
            request = Attach(home, service, bodies.FALSE.form)
            message = session.spell.attach(request, bodies.FALSE, session.credentials.own)
            session.perform(request if sure else None, message)
        deletion = DeleteStage(stage)
        exchange = session.perform(deletion if sure else None, session.spell.manage(deletion, session.credentials.own))
        if exchange.status is not None and (200 <= exchange.status < 300 or exchange.status == 404):
            session.created.pop(stage, None)
        else:
            yield stage
