"""What a gateway may have said in place of the target is asked for again, before anything is held against the target.

A request that is answered 502, 503 or 504 and goes through when it is sent again was answered so by whatever stands in
between, or by a target that was not itself for a moment: no promise speaks of that. One that is answered so again and
again is the target's doing, as far as anybody can see. The client repeats reads; here it is the writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.requests import CreateStage, DeleteStage
from stagecheck.target.client import GATEWAY, SAFE, Client

DELIVERED_TWICE: Mapping[type, int] = {CreateStage: 409, DeleteStage: 404}
"""How the second delivery of one request is answered, where the first has been carried out and its answer was lost.

So answered it may have been carried out, though whoever sent it was told that it was not.
"""
_IDEMPOTENT = ("PUT", "DELETE")
"""Besides the safe ones (RFC 9110 9.2.2)."""


def sent(client: Client, message: HttpRequest, unsure: Callable[[], object] = lambda: None) -> Exchange:
    """Send a message, again while a gateway may have answered it; raises what the client raises.

    `unsure` is called for each time before the last: nobody knows what became of that one. What may not be sent twice
    is given back as not answered at all.
    """
    exchange = client.send(message)
    if not _perhaps_a_gateways(exchange) or message.method in SAFE:
        return exchange
    if message.method not in _IDEMPOTENT:
        return replace(exchange, status=None, failure=exchange.failure or f"{exchange.status}, from a gateway perhaps")
    for pause in client.patience:
        unsure()
        client.pace.hold(pause)
        exchange = client.send(message)
        if not _perhaps_a_gateways(exchange):
            break
    return exchange


def _perhaps_a_gateways(exchange: Exchange) -> bool:
    return exchange.gateway is not None or exchange.status in GATEWAY
