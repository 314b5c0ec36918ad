"""Removing the stages that a run has made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from stagecheck.model.observation import Reply
from stagecheck.model.requests import Attach, DeleteStage
from stagecheck.suite.session import Session
from stagecheck.wire import bodies


def tidy(
    session: Session, home: str, *, sure: bool = True, held: Callable[[str], Collection[str]] | None = None
) -> Iterator[str]:
    """Delete what the run has made, its services moved to the stage `home` first; the ids that could not be deleted.

    `sure`: whether what is believed of the state may be relied on; else nothing is held against the answers. `held`:
    the services of a stage, if that is known better than from what is believed. Raises BudgetSpent.
    """
    for stage in list(session.created):
        services = session.world.services_in(stage) if held is None else held(stage)
        if any(key in session.journal.theirs for key in services):
            # Somebody else has put a service there: it is not moved, so the stage stays as well.
            yield stage
            continue
        for service in [key for key in services if key in session.usable]:
            request = Attach(home, service, bodies.FALSE.form)
            message = session.spell.attach(request, bodies.FALSE, session.credentials.own)
            session.perform(request if sure else None, message)
        deletion = DeleteStage(stage)
        exchange = session.perform(deletion if sure else None, session.spell.manage(deletion, session.credentials.own))
        session.made.asked_to_delete(stage, Reply(exchange.status), empty=False)
        if stage in session.created:
            yield stage
