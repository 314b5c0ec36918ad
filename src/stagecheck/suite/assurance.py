"""Before an answer is judged: is it the target's, and to this request? Else the network, a gateway or a credential.

Whatever may be somebody else's doing is asked for again before a target is blamed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from stagecheck.errors import CredentialRefused, TargetError
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.requests import FOREIGN, Request, is_read
from stagecheck.model.state import World
from stagecheck.model.step import Refused, step
from stagecheck.target.client import Client

_PATIENCE_S = (0.5, 1.0, 2.0, 4.0)
"""How long an outage may last, from one look to the next, before the run ends."""
_REPEATS = 5
"""How often a gateway has to answer for one request, and not for another, until it is the target's doing."""
_PAUSE_S = 0.2
_IDEMPOTENT = frozenset({"GET", "PUT"})
"""What may be sent again and leaves the same state (RFC 9110 9.2.2); a second DELETE has another answer."""


class Asking(Protocol):
    """What is needed of a session."""

    client: Client
    good: HttpRequest | None

    @property
    def world(self) -> World:
        """What is believed of the target now."""

    def lost(self, request: Request) -> None:
        """Take note that nobody knows whether a request took effect."""


def assured(session: Asking, request: Request | None, exchange: Exchange) -> Exchange:
    """The exchange that is to be judged: this one, or that of the same request sent again.

    Raises CredentialRefused or TargetError when what was answered 200 before is refused now as well.
    """
    good = session.good
    if good is None:
        return exchange
    if exchange.gateway is not None:
        return _asked_again(session, good, request, exchange)
    status = exchange.status
    ours = request is not None and (exchange.request.credential == good.credential or request.caller == FOREIGN)
    if status in (401, 403) and request is not None and ours:
        answers = [outcome.answer for outcome in step(session.world, request)]
        promised = any(isinstance(a, Refused) and a.requirement and a.allows(status) for a in answers)
        if not promised and session.client.send(good).status in (401, 403):
            raise CredentialRefused(
                f"the credential was let in until request {exchange.number - 1} and is answered {status} since: "
                "it has ended, or was revoked; give one that lives longer than the run, or [auth] token_command"
            )
    if status in (502, 503, 504) and session.client.send(good).status in (502, 503, 504):
        raise TargetError(f"since request {exchange.number} everything is answered {status}: is a gateway down?")
    return exchange


def _asked_again(session: Asking, good: HttpRequest, request: Request | None, exchange: Exchange) -> Exchange:
    """What a gateway has answered is asked for again; if it does so each time, and for this alone, it is the target's.

    A target that dies of a request lets the gateway speak for it.
    """
    _sit_out(session.client, good, exchange)
    message = exchange.request
    if request is None or message.method not in _IDEMPOTENT:
        return exchange
    for count in range(_REPEATS):
        session.client.pace.hold(_PAUSE_S * count)
        again = session.client.send(message)
        if again.gateway is None:
            if again.status is not None and not is_read(request):
                # The first one may have taken effect as well.
                session.lost(request)
            return again
    if session.client.send(good).gateway is not None:
        _sit_out(session.client, good, exchange)
        return exchange
    return replace(exchange, status=exchange.gateway, gateway=None, failure=None)


def _sit_out(client: Client, good: HttpRequest, exchange: Exchange) -> None:
    """Wait until a gateway lets something through again. Raises TargetError when it does not."""
    for pause in _PATIENCE_S:
        if client.send(good).gateway is None:
            return
        client.pace.hold(pause)
    if client.send(good).gateway is None:
        return
    raise TargetError(
        f"since request {exchange.number} everything is answered {exchange.failure}: it does not reach the target"
    )
