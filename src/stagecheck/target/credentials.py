"""The credentials of a run, each with its role: valid ones from the config, and broken ones made from them.

Nothing here verifies a token. Sources: S7 (Bearer JWTs), P (`Authorization: Token`), RFC 7519, RFC 8725 3.1
(alg none), RFC 9110 11.1 (scheme names are matched without regard to case).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass

from stagecheck.exchange import Credential

NONE = Credential("no credential", None, None)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the config gives. Any may be missing; without token and jwt, requests go out without a credential."""

    token: str | None = None
    jwt: str | None = None
    expired_jwt: str | None = None
    foreign_token: str | None = None

    @property
    def own(self) -> Credential:
        """The credential of the run: the API token, else the JWT, else none."""
        if self.token:
            return Credential("the API token", f"Token {self.token}", "Token $STAGECHECK_TOKEN")
        if self.jwt:
            return self.bearer
        return NONE

    @property
    def bearer(self) -> Credential:
        """The JWT."""
        return Credential("the JWT", f"Bearer {self.jwt}", "Bearer $STAGECHECK_JWT")

    @property
    def foreign(self) -> Credential:
        """Another organization's credential: a JWT is sent as Bearer, anything else as Token."""
        scheme = "Bearer" if self.foreign_token and jwt_parts(self.foreign_token) else "Token"
        return Credential(
            "another organization's credential",
            f"{scheme} {self.foreign_token}",
            f"{scheme} $STAGECHECK_FOREIGN_TOKEN",
        )

    @property
    def expired(self) -> Credential:
        """A JWT whose time is over."""
        return Credential("an expired JWT", f"Bearer {self.expired_jwt}", "Bearer $STAGECHECK_EXPIRED_JWT")

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Each secret with what is written in its place, for the redactor; the parts of a JWT that are secret, too."""
        for value, label in (
            (self.token, "$STAGECHECK_TOKEN"),
            (self.jwt, "$STAGECHECK_JWT"),
            (self.expired_jwt, "$STAGECHECK_EXPIRED_JWT"),
            (self.foreign_token, "$STAGECHECK_FOREIGN_TOKEN"),
        ):
            if not value:
                continue
            yield value, label
            parts = jwt_parts(value)
            if parts:
                yield parts[2], f"{label}_SIGNATURE"
                yield parts[1], f"{label}_PAYLOAD"

    def respelled(self) -> Iterator[Credential]:
        """The valid credential under scheme names in other letter cases (AUTH-5)."""
        own = self.own
        if own.header is None or own.shown is None:
            return
        scheme, secret = own.header.split(" ", 1)
        placeholder = own.shown.split(" ", 1)[1]
        for spelled in (scheme.lower(), scheme.upper()):
            yield Credential(
                f"{own.name} under the scheme {spelled}", f"{spelled} {secret}", f"{spelled} {placeholder}"
            )

    def worthless(self) -> Iterator[Credential]:
        """No, unknown, garbage and prefix-only credentials (AUTH-1)."""
        yield NONE
        yield Credential("a garbage token", "Token stagecheck-garbage", "Token stagecheck-garbage")
        yield Credential("a garbage bearer", "Bearer stagecheck.gar.bage", "Bearer stagecheck.gar.bage")
        basic = "Basic " + base64.b64encode(b"stagecheck:garbage").decode()
        yield Credential("an unknown scheme", basic, basic)
        own = self.own
        if own.header is None or own.shown is None:
            return
        scheme, secret = own.header.split(" ", 1)
        placeholder = own.shown.split(" ", 1)[1]
        if len(secret) > 1:
            head = secret[: max(1, len(secret) // 2)]
            yield Credential(
                "the first half of the credential", f"{scheme} {head}", f"{scheme} <first half of {placeholder}>"
            )
            yield Credential("the credential with more behind it", f"{scheme} {secret}x", f"{scheme} {placeholder}x")
        swapped = secret.swapcase()
        if swapped != secret:
            yield Credential(
                "the credential in the other letter case",
                f"{scheme} {swapped}",
                f"{scheme} <{placeholder} in the other case>",
            )
        for unknown in ("Basic", "Stagecheck"):
            name = f"the valid secret under the scheme {unknown}"
            yield Credential(name, f"{unknown} {secret}", f"{unknown} {placeholder}")
        for bare in ("Token", "Bearer"):
            yield Credential(f"the scheme {bare} without a secret", bare, bare)

    def broken_jwts(self) -> Iterator[Credential]:
        """The JWT tampered with in its payload, its signature, and with alg none; then the expired one (AUTH-2)."""
        if self.jwt and jwt_parts(self.jwt):
            yield from _tampered(self.jwt)
        if self.expired_jwt:
            yield self.expired


def jwt_parts(token: str) -> tuple[str, str, str] | None:
    """Header, payload and signature of a compact JWS as they stand, or None if the text is not one."""
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        return None
    header = _decoded(parts[0])
    return (parts[0], parts[1], parts[2]) if isinstance(header, dict) and "alg" in header else None


def _tampered(token: str) -> Iterator[Credential]:
    parts = jwt_parts(token)
    assert parts is not None
    header, payload, signature = parts
    claims = _decoded(payload)
    if isinstance(claims, dict):
        later = {**claims, "exp": 4102444800, "stagecheck": "tampered"}
        yield _made("a JWT with a tampered payload", f"{header}.{_encoded(later)}.{signature}", "tampered payload")
    yield _made("a JWT with a tampered signature", f"{header}.{payload}.{_flipped(signature)}", "tampered signature")
    for alg in ("none", "None", "NONE"):
        unsigned = _encoded({"alg": alg, "typ": "JWT"})
        yield _made(f"a JWT with alg {alg}", f"{unsigned}.{payload}.", f"alg {alg}")
    none = _encoded({"alg": "none", "typ": "JWT"})
    yield _made("a JWT with alg none and the old signature", f"{none}.{payload}.{signature}", "alg none, old signature")
    yield _made("a JWT without its signature", f"{header}.{payload}.", "no signature")
    half = signature[: len(signature) // 2]
    yield _made("a JWT with half of its signature", f"{header}.{payload}.{half}", "half of the signature")


def _made(name: str, token: str, how: str) -> Credential:
    return Credential(name, f"Bearer {token}", f"Bearer <$STAGECHECK_JWT with {how}>")


def _flipped(signature: str) -> str:
    """The signature with its last character but one changed: never one whose bits base64 throws away."""
    at = max(0, len(signature) - 2)
    return signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]


def _decoded(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error):
        return None


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
