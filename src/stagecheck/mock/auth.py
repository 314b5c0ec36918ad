"""Who is calling: API tokens and signed JWTs (S7, P). PyJWT verifies; nothing is decided about what they may do."""

from __future__ import annotations

from collections.abc import Mapping

import jwt

from stagecheck.mock.scenario import JWT_SECRET
from stagecheck.model.requests import BAD_JWT, NOBODY

_ALGORITHM = "HS256"
FAR_AHEAD = 4102444800
"""The year 2100, in seconds since 1970: when the JWTs of a mock expire."""
LONG_AGO = 1500000000
"""The year 2017: when its expired one did."""


def issue_jwt(organization: str, *, expires_at: int, secret: str = JWT_SECRET) -> str:
    """A signed JWT for a person of that organization; `expires_at` is seconds since 1970."""
    return jwt.encode({"sub": "user|stagecheck", "org": organization, "exp": expires_at}, secret, algorithm=_ALGORITHM)


def caller(authorization: str | None, tokens: Mapping[str, str], secret: str = JWT_SECRET) -> str:
    """The organization that a credential belongs to; NOBODY or BAD_JWT if it is worth nothing.

    `tokens`: API token → organization. Scheme names are matched without regard to case (AUTH-5).
    """
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "token":
        return tokens.get(value, NOBODY)
    if scheme.lower() != "bearer":
        return NOBODY
    try:
        claims = jwt.decode(value, secret, algorithms=[_ALGORITHM], options={"require": ["exp"]})
    except jwt.InvalidTokenError:
        return BAD_JWT if value.count(".") == 2 else NOBODY
    return str(claims.get("org", NOBODY))
