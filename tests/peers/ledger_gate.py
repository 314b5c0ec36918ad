"""The gate: who calls. API tokens under `Token`, HS256 JSON Web Tokens under `Bearer`.

Everything the token says is believed only once its signature has been verified with
the one algorithm this server uses; the header's `alg` is compared, never obeyed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus

JWT_SEGMENTS = 3


@dataclass
class Refusal(Exception):
    """A request that is answered 4xx, with a detail that shows nothing of anyone's data."""

    status: HTTPStatus
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


def unauthorized() -> Refusal:
    """Make the 401, with the challenge HTTP asks for; it does not say what was wrong."""
    challenge = (("WWW-Authenticate", 'Token realm="ledger", Bearer realm="ledger"'),)
    return Refusal(HTTPStatus.UNAUTHORIZED, "one valid credential is needed", challenge)


def encode(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> dict[str, object]:
    """Decode one base64url segment that holds a JSON object; empty when it holds another value."""
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    value = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    return value if isinstance(value, dict) else {}


class Gate:
    """Knows the API tokens and the signing key; tells the organization of a caller."""

    def __init__(self) -> None:
        """Start with a fresh signing key and no API token."""
        self.key = secrets.token_bytes(32)
        self.tokens: dict[str, str] = {}

    def issue_token(self, organization: str) -> str:
        """Make an API token for an organization."""
        token = "ldg_" + secrets.token_urlsafe(24)
        self.tokens[token] = organization
        return token

    def issue_jwt(self, organization: str, expires_in: int) -> str:
        """Make a signed JWT for a person of an organization."""
        now = int(time.time())
        header = {"alg": "HS256", "typ": "JWT"}
        claims = {
            "sub": "person",
            "org": organization,
            "iat": now - 7200,
            "exp": now + expires_in,
        }
        text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{self.sign(text)}"

    def sign(self, text: str) -> str:
        """Compute the HS256 signature of `header.payload`, encoded."""
        digest = hmac.new(self.key, text.encode("utf-8", "backslashreplace"), hashlib.sha256)
        return encode(digest.digest())

    def admit(self, authorization: tuple[str, ...]) -> str:
        """Give the organization of the caller, or refuse with 401."""
        if len(authorization) != 1:
            raise unauthorized()
        scheme, _, credential = authorization[0].strip().partition(" ")
        credential = credential.strip()
        match scheme.lower():
            case "token":
                organization = self.of_token(credential)
            case "bearer":
                organization = self.of_jwt(credential)
            case _:
                raise unauthorized()
        if organization is None:
            raise unauthorized()
        return organization

    def of_token(self, credential: str) -> str | None:
        """Look an API token up, comparing in constant time."""
        given = credential.encode("utf-8", "backslashreplace")
        for token, organization in self.tokens.items():
            if hmac.compare_digest(token.encode(), given):
                return organization
        return None

    def of_jwt(self, credential: str) -> str | None:
        """Verify a JWT: form, algorithm, signature (as text: one spelling only), times."""
        segments = credential.split(".")
        if len(segments) != JWT_SEGMENTS:
            return None
        expected = self.sign(f"{segments[0]}.{segments[1]}")
        given = segments[2].encode("utf-8", "backslashreplace")
        if not hmac.compare_digest(expected.encode(), given):
            return None
        try:
            header, claims = decode(segments[0]), decode(segments[1])
        except (ValueError, RecursionError):
            return None
        organization = claims.get("org")
        if header.get("alg") != "HS256" or not self.in_time(claims):
            return None
        return organization if isinstance(organization, str) else None

    def in_time(self, claims: dict[str, object]) -> bool:
        """Check `exp` (required) and `nbf` (where given), both in seconds."""
        now = time.time()
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        for claim in (expires, begins):
            if isinstance(claim, bool) or not isinstance(claim, int | float) or math.isnan(claim):
                return False
        return begins <= now < expires  # type: ignore[operator]  # both are numbers by now
