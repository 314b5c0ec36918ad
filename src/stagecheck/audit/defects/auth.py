"""Defects of letting in: worthless credentials (AUTH-1), broken JWTs (AUTH-2), scheme names (AUTH-5)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

import base64
import json
from typing import Any

import jwt

from stagecheck.audit.defect import seeded
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import JWT_SECRET
from stagecheck.model.requests import (
    BAD_JWT,
    NOBODY,
    OWN,
    Request,
)
from stagecheck.model.step import Outcome, Refused

# ---------------------------------------------------------------------- worthless credentials, AUTH-1


class _LetsIn(Mock):
    """`knows` looks at an Authorization header before the right check does; None leaves the matter to it."""

    def authenticate(self, call: Call) -> str:
        return self.knows(call, call.headers.get("authorization", "")) or super().authenticate(call)

    def knows(self, call: Call, header: str) -> str | None:
        """Whom the header is taken for."""
        return None


@seeded("no-credential-let-in", "AUTH-1", "A request without a credential is let in.")
class _NoCredentialLetIn(_LetsIn):
    def knows(self, call: Call, header: str) -> str | None:
        return None if header else OWN


@seeded("any-token-let-in", "AUTH-1", "Every Token is let in: its value is not looked up.")
class _AnyTokenLetIn(_LetsIn):
    def knows(self, call: Call, header: str) -> str | None:
        unknown = header.startswith("Token ") and header.split(" ", 1)[1] not in self.scenario.tokens
        return OWN if unknown else None


@seeded(
    "token-compared-by-its-beginning",
    "AUTH-1",
    "A token is compared over its own length, so the first half of one will do.",
)
class _TokenComparedByItsBeginning(_LetsIn):
    def knows(self, call: Call, header: str) -> str | None:
        scheme, _, value = header.partition(" ")
        if scheme != "Token" or not value:
            return None
        return next((owner for token, owner in self.scenario.tokens.items() if token.startswith(value)), None)


@seeded("token-may-be-longer", "AUTH-1", "A token with more behind it is let in: the column cuts it.")
class _TokenMayBeLonger(_LetsIn):
    def knows(self, call: Call, header: str) -> str | None:
        tokens = self.scenario.tokens.items()
        return next((owner for token, owner in tokens if header.startswith(f"Token {token}")), None)


@seeded("scheme-not-looked-at", "AUTH-1", "The valid secret is let in under any scheme.")
class _SchemeNotLookedAt(_LetsIn):
    def knows(self, call: Call, header: str) -> str | None:
        return self.scenario.tokens.get(header.partition(" ")[2])


@seeded("list-is-public", "AUTH-1", "The list of an environment is shown without a credential.")
class _ListIsPublic(_LetsIn):
    def knows(self, call: Call, header: str) -> str | None:
        return OWN if call.segments[0] == "environment" and not header else None


@seeded(
    "service-read-is-public",
    "AUTH-1",
    "The stage of a service is shown to any bearer.",
    accepts=("AUTH-2",),
)
class _ServiceReadIsPublic(_LetsIn):
    def knows(self, call: Call, header: str) -> str | None:
        return OWN if call.segments[0] == "service" and header.lower().startswith("bearer ") else None


@seeded(
    "no-credential-is-not-found", "AUTH-1", "Without a credential the answer is 404, as for things that do not exist."
)
class _NoCredentialIsNotFound(Mock):
    def decide(self, request: Request) -> Outcome:
        if request.caller == NOBODY:
            return Outcome(self.world, Refused((), None, 404))
        return super().decide(request)


@seeded("garbage-is-a-bad-request", "AUTH-1", "A token that is not known is answered 400.")
class _GarbageIsABadRequest(Mock):
    def handle(self, call: Call) -> Answer:
        right = super().handle(call)
        unknown = right.status == 401 and call.headers.get("authorization", "").startswith("Token ")
        return self.refusal(Refused((), None, 400)) if unknown else right


# ---------------------------------------------------------------------- broken JWTs, AUTH-2


class _TrustsJwts(Mock):
    """A Bearer that the right check refuses is let in where `trusts` says so."""

    def authenticate(self, call: Call) -> str:
        right = super().authenticate(call)
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if right != BAD_JWT or not self.trusts(call, token):
            return right
        try:
            claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        except jwt.InvalidTokenError:
            # Whoever trusts too much has to read it all the same.
            return right
        return str(claims.get("org", NOBODY))

    def trusts(self, call: Call, token: str) -> bool:
        """Whether the token is believed."""
        return False


def _verified_but_for_expiry(token: str) -> bool:
    try:
        jwt.decode(token, JWT_SECRET, algorithms=["HS256"], options={"verify_exp": False})
    except jwt.InvalidTokenError:
        return False
    return True


def _header(token: str) -> dict[str, Any]:
    part = token.split(".", maxsplit=1)[0]
    try:
        return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    except ValueError:
        return {}


@seeded("expiry-ignored", "AUTH-2", "An expired JWT is let in.")
class _ExpiryIgnored(_TrustsJwts):
    def trusts(self, call: Call, token: str) -> bool:
        return _verified_but_for_expiry(token)


@seeded("expiry-ignored-in-reads", "AUTH-2", "An expired JWT may still read.")
class _ExpiryIgnoredInReads(_TrustsJwts):
    def trusts(self, call: Call, token: str) -> bool:
        return call.method == "GET" and _verified_but_for_expiry(token)


@seeded(
    "signature-not-verified",
    "AUTH-2",
    "The claims of a JWT are decoded and its signature is never verified, only its expiry.",
)
class _SignatureNotVerified(_TrustsJwts):
    def trusts(self, call: Call, token: str) -> bool:
        try:
            jwt.decode(token, options={"verify_signature": False, "verify_exp": True})
        except jwt.InvalidTokenError:
            return False
        return True


@seeded("alg-none-let-in", "AUTH-2", "The algorithm is taken from the token, none included.")
class _AlgNoneLetIn(_TrustsJwts):
    def trusts(self, call: Call, token: str) -> bool:
        return _header(token).get("alg") == "none"


@seeded("alg-none-in-capitals", "AUTH-2", "The algorithm none is refused, but NONE in capitals is let in.")
class _AlgNoneInCapitals(_TrustsJwts):
    def trusts(self, call: Call, token: str) -> bool:
        return _header(token).get("alg") == "NONE"


@seeded("missing-signature-let-in", "AUTH-2", "A JWT without a signature is let in.")
class _MissingSignatureLetIn(_TrustsJwts):
    def trusts(self, call: Call, token: str) -> bool:
        return token.endswith(".") and _header(token).get("alg") == "HS256"


@seeded(
    "signature-compared-by-its-beginning",
    "AUTH-2",
    "A signature is compared over its own length, so half of one will do.",
)
class _SignatureComparedByItsBeginning(_TrustsJwts):
    def trusts(self, call: Call, token: str) -> bool:
        signed, _, signature = token.rpartition(".")
        algorithm = jwt.get_algorithm_by_name("HS256")
        right = algorithm.sign(signed.encode(), algorithm.prepare_key(JWT_SECRET))
        whole = base64.urlsafe_b64encode(right).decode().rstrip("=")
        return len(signature) > 1 and whole.startswith(signature)


@seeded("expired-is-a-bad-request", "AUTH-2", "A JWT that is broken or expired is answered 400.")
class _ExpiredIsABadRequest(Mock):
    def decide(self, request: Request) -> Outcome:
        if request.caller == BAD_JWT:
            return Outcome(self.world, Refused((), None, 400))
        return super().decide(request)


# ---------------------------------------------------------------------- scheme names, AUTH-5


@seeded("scheme-compared-by-case", "AUTH-5", "The scheme must be spelled Token or Bearer, with one capital.")
class _SchemeComparedByCase(Mock):
    def authenticate(self, call: Call) -> str:
        scheme = call.headers.get("authorization", "").partition(" ")[0]
        return super().authenticate(call) if scheme in ("Token", "Bearer") else NOBODY


@seeded("scheme-in-capitals-refused", "AUTH-5", "The scheme token is understood in small letters, TOKEN is not.")
class _SchemeInCapitalsRefused(Mock):
    def authenticate(self, call: Call) -> str:
        scheme = call.headers.get("authorization", "").partition(" ")[0]
        return NOBODY if scheme == "TOKEN" else super().authenticate(call)
