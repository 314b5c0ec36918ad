"""The credentials of a run, each with its role: valid ones from the config, and broken ones made from them.

Nothing here verifies a token. Sources: S7 (Bearer JWTs), P (`Authorization: Token`), RFC 7519, RFC 8725 3.1
(alg none), RFC 9110 11.1 (scheme names are matched without regard to case).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from stagecheck.errors import ConfigError
from stagecheck.exchange import Credential, Recipe
from stagecheck.standalone import secrets

NONE = Credential("no credential", None, None)


_ENVIRONMENT = "STAGECHECK_"
_WORTHLESS = (
    (secrets.first_half, "the first half of the credential", "<first half of {}>"),
    (secrets.longer, "the credential with more behind it", "{}x"),
    (secrets.last_changed, "the credential with another last character", "<{} with another last character>"),
    (secrets.other_case, "the credential in the other letter case", "<{} in the other case>"),
)
_TAMPERED = (
    (secrets.tampered_payload, "a JWT with a tampered payload", "tampered payload"),
    (secrets.tampered_signature, "a JWT with a tampered signature", "tampered signature"),
    (secrets.alg_none, "a JWT with alg none", "alg none"),
    (secrets.alg_none_capitalised, "a JWT with alg None", "alg None"),
    (secrets.alg_none_in_capitals, "a JWT with alg NONE", "alg NONE"),
    (secrets.alg_none_signed, "a JWT with alg none and the old signature", "alg none, old signature"),
    (secrets.no_signature, "a JWT without its signature", "no signature"),
    (secrets.half_signature, "a JWT with half of its signature", "half of the signature"),
    (secrets.first_of_signature, "a JWT whose signature begins otherwise", "another beginning of the signature"),
    (secrets.longer_signature, "a JWT with more behind its signature", "more behind the signature"),
    (secrets.signature_in_other_case, "a JWT with its signature in the other case", "signature in the other case"),
    (secrets.empty_key, "a JWT signed with an empty key", "HS256 by an empty key"),
    (secrets.guessed_key, "a JWT signed with a guessed key", "HS256 by the key 'secret'"),
    (secrets.unknown_alg, "a JWT with an algorithm nobody has", "alg XS256"),
    (secrets.other_alg, "a JWT with another algorithm and no signature", "alg RS256, no signature"),
)
_SPELLED_AS_ONE_LIKES = re.compile(r"[0-9a-fA-F-]+")
"""UUIDs and hexadecimal numbers: a target may well know them in either letter case."""
_OTHER_SCHEMES = (
    (secrets.tampered_payload, "bearer"),
    (secrets.alg_none, "bearer"),
    (secrets.tampered_payload, "Token"),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the config gives. Any may be missing; without token and jwt, requests go out without a credential."""

    ROLES: ClassVar = ("token", "jwt", "expired_jwt", "foreign_token")

    token: str | None = None
    jwt: str | None = None
    expired_jwt: str | None = None
    foreign_token: str | None = None

    @property
    def own(self) -> Credential:
        """The credential of the run: the API token, else the JWT, else none."""
        if self.token:
            return self._made("the API token", Recipe("Token", "token"))
        return self.bearer if self.jwt else NONE

    @property
    def bearer(self) -> Credential:
        """The JWT."""
        return self._made("the JWT", Recipe("Bearer", "jwt"))

    @property
    def foreign(self) -> Credential:
        """Another organization's credential: a JWT is sent as Bearer, anything else as Token."""
        scheme = "Bearer" if self.foreign_token and jwt_parts(self.foreign_token) else "Token"
        return self._made("another organization's credential", Recipe(scheme, "foreign_token"))

    @property
    def expired(self) -> Credential:
        """A JWT whose time is over."""
        return self._made("an expired JWT", Recipe("Bearer", "expired_jwt"))

    def made(self, name: str, recipe: Recipe, shown: str) -> Credential:
        """A credential from its recipe, `shown` as it was: `Token $STAGECHECK_TOKEN`, say.

        Raises ConfigError where the config does not give the secret.
        """
        value: str | None = getattr(self, recipe.secret)
        if not value or (recipe.how is not None and recipe.secret.endswith("jwt") and jwt_parts(value) is None):
            what = "a signed JWT of three parts" if recipe.secret.endswith("jwt") else "a value"
            raise ConfigError(f"[auth] {recipe.secret} is needed for {name}; give it {what}")
        return Credential(name, self.header_of(recipe), shown, recipe)

    def _made(self, name: str, recipe: Recipe, shown: str = "{}") -> Credential:
        variable = f"{_ENVIRONMENT}{recipe.secret.upper()}"
        # Where a letter follows, a shell would take it for a part of the name.
        placeholder = shown.format(f"${{{variable}}}" if re.search(r"\{\}\w", shown) else f"${variable}")
        return Credential(name, self.header_of(recipe), f"{recipe.scheme} {placeholder}".strip(), recipe)

    def header_of(self, recipe: Recipe) -> str:
        """The Authorization header that a recipe makes. Raises ValueError where the secret is not of its kind."""
        value: str = getattr(self, recipe.secret) or ""
        if recipe.how is not None:
            value = getattr(secrets, recipe.how)(value)
        return f"{recipe.scheme} {value}".strip()

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Each secret with what is written in its place, for the redactor; the parts of a JWT that are secret, too.

        What is made of a secret is as good as the secret to whoever sees it.
        """
        yield from self._plain_secrets()
        for made in (*self.worthless(), *self.broken_jwts()):
            if made.recipe is None or made.recipe.how is None or made.header is None or made.shown is None:
                continue
            value, label = (text.split(" ", 1)[-1] for text in (made.header, made.shown))
            yield value, label
            for part in value.split(".")[1:] if made.recipe.secret.endswith("jwt") else ():
                yield part, f"{label}_PART"

    def _plain_secrets(self) -> Iterator[tuple[str, str]]:
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
        if own.recipe is None:
            return
        for credential in (own, self.bearer) if self.jwt and own.recipe.secret != "jwt" else (own,):
            recipe = credential.recipe or own.recipe
            for spelled in (recipe.scheme.lower(), recipe.scheme.upper()):
                yield self._made(f"{credential.name} under the scheme {spelled}", replace(recipe, scheme=spelled))

    def worthless(self) -> Iterator[Credential]:
        """No, unknown, garbage and prefix-only credentials (AUTH-1)."""
        yield NONE
        yield Credential("a garbage token", "Token stagecheck-garbage", "Token stagecheck-garbage")
        yield Credential("a garbage bearer", "Bearer stagecheck.gar.bage", "Bearer stagecheck.gar.bage")
        basic = "Basic " + base64.b64encode(b"stagecheck:garbage").decode()
        yield Credential("an unknown scheme", basic, basic)
        own = self.own.recipe
        if own is None:
            return
        secret: str = getattr(self, own.secret)
        for how, name, shown in _WORTHLESS:
            same = how is secrets.other_case and _SPELLED_AS_ONE_LIKES.fullmatch(secret)
            if how(secret) != secret and not same:
                yield self._made(name, replace(own, how=how.__name__), shown)
        for unknown in ("Basic", "Stagecheck"):
            yield self._made(f"the valid secret under the scheme {unknown}", replace(own, scheme=unknown))
        yield self._made("the secret without a scheme", replace(own, scheme=""))
        for bare in ("Token", "Bearer"):
            yield Credential(f"the scheme {bare} without a secret", bare, bare)

    def broken_jwts(self) -> Iterator[Credential]:
        """The JWT tampered with in its payload, its signature, and with alg none; then the expired one (AUTH-2)."""
        parts = jwt_parts(self.jwt) if self.jwt else None
        if parts:
            readable = isinstance(_decoded(parts[1]), dict)
            for how, name, shown in _TAMPERED:
                if (readable or how is not secrets.tampered_payload) and how(self.jwt or "") != self.jwt:
                    yield self._made(name, Recipe("Bearer", "jwt", how.__name__), f"<{{}} with {shown}>")
            for how, scheme in _OTHER_SCHEMES:
                name, shown = next((name, shown) for one, name, shown in _TAMPERED if one is how)
                if readable or how is not secrets.tampered_payload:
                    recipe = Recipe(scheme, "jwt", how.__name__)
                    yield self._made(f"{name} under the scheme {scheme}", recipe, f"<{{}} with {shown}>")
        if self.expired_jwt:
            yield self.expired


def jwt_parts(token: str) -> tuple[str, str, str] | None:
    """Header, payload and signature of a compact JWS as they stand, or None if the text is not one."""
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        return None
    header = _decoded(parts[0])
    return (parts[0], parts[1], parts[2]) if isinstance(header, dict) and "alg" in header else None


def expiry_of(token: str) -> float | None:
    """When a JWT ends (its `exp`, seconds since 1970); None if it is none, or does not say."""
    parts = jwt_parts(token)
    claims = _decoded(parts[1]) if parts else None
    ends = claims.get("exp") if isinstance(claims, dict) else None
    return float(ends) if isinstance(ends, int | float) and not isinstance(ends, bool) else None


def _decoded(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error):
        return None
