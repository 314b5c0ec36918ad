"""The broken credentials are really broken, the whole ones whole, and no secret is ever written."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagecheck.exchange import Credential, Redactor
from stagecheck.mock.auth import caller, issue_jwt
from stagecheck.mock.scenario import JWT_SECRET
from stagecheck.model.requests import BAD_JWT, NOBODY, OWN
from stagecheck.target.credentials import NONE, Credentials, jwt_parts

ALIVE = issue_jwt(OWN, expires_at=4102444800)
EXPIRED = issue_jwt(OWN, expires_at=1500000000)
TOKEN, FOREIGN = "stagecheck-test-token-Aa1", "stagecheck-other-token"
FULL = Credentials(TOKEN, ALIVE, EXPIRED, FOREIGN)


def _decode(token: str) -> dict[str, Any]:
    return jwt.decode(token, JWT_SECRET, algorithms=["HS256"], options={"require": ["exp"]})


def test_the_jwt_that_is_alive_is_valid() -> None:
    assert _decode(ALIVE)["org"] == OWN
    assert FULL.bearer.header == f"Bearer {ALIVE}"
    assert caller(FULL.bearer.header, {}) == OWN


@pytest.mark.parametrize("credential", list(FULL.broken_jwts()), ids=lambda credential: credential.name)
def test_every_broken_jwt_differs_and_is_invalid(credential: Credential) -> None:
    assert credential.header is not None
    token = credential.header.removeprefix("Bearer ")
    assert token != ALIVE
    with pytest.raises(jwt.InvalidTokenError):
        _decode(token)
    assert caller(credential.header, {TOKEN: OWN}) in (BAD_JWT, NOBODY)


@given(st.binary(min_size=1, max_size=70), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_a_tampered_signature_never_decodes_to_the_same_bytes(key: bytes, claims: dict[str, int]) -> None:
    """The last character of a base64 text may hold bits that are thrown away: flipping it could change nothing."""
    token = jwt.PyJWS().encode(json.dumps(claims).encode(), key.ljust(32, b"k"), algorithm="HS256")
    broken = {each.name: each.header or "" for each in Credentials(jwt=token).broken_jwts()}
    changed = broken["a JWT with a tampered signature"].rpartition(".")[2]
    kept = token.rpartition(".")[2]
    assert _bytes(changed) != _bytes(kept)
    payload = broken["a JWT with a tampered payload"].split(".")[1]
    assert _bytes(payload) != _bytes(token.split(".")[1])
    assert json.loads(_bytes(payload))["stagecheck"] == "tampered"


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_broken_jwts_are_of_each_kind_that_the_contract_names() -> None:
    names = [credential.name for credential in FULL.broken_jwts()]
    for kind in ("payload", "tampered signature", "alg none", "expired"):
        assert any(kind in name for name in names), kind
    assert len(set(names)) == len(names)
    headers = [credential.header for credential in FULL.broken_jwts()]
    assert len(set(headers)) == len(headers)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.b.c.d", "..", f"{ALIVE}.x", "x" + ALIVE])
def test_what_is_no_jwt_is_not_tampered_with(text: str) -> None:
    assert jwt_parts(text) is None
    assert list(Credentials(jwt=text).broken_jwts()) == []


def test_which_credential_a_run_uses() -> None:
    assert FULL.own.header == f"Token {TOKEN}"
    assert Credentials(jwt=ALIVE).own.header == f"Bearer {ALIVE}"
    assert Credentials().own is NONE
    assert FULL.foreign.header == f"Token {FOREIGN}"
    assert Credentials(foreign_token=ALIVE).foreign.header == f"Bearer {ALIVE}"


@pytest.mark.parametrize("credentials", [FULL, Credentials(TOKEN), Credentials(jwt=ALIVE)])
def test_worthless_credentials_are_worth_nothing_and_respelled_ones_everything(credentials: Credentials) -> None:
    tokens = {TOKEN: OWN}
    assert caller(credentials.own.header, tokens) == OWN
    worthless = list(credentials.worthless())
    assert any(credential.header is None for credential in worthless)
    assert len(worthless) >= 8
    for credential in worthless:
        assert caller(credential.header, tokens) in (NOBODY, BAD_JWT), credential.name
    respelled = list(credentials.respelled())
    assert respelled
    for credential in respelled:
        assert credential.header != credentials.own.header
        assert caller(credential.header, tokens) == OWN


def test_without_credentials_there_is_nothing_to_respell() -> None:
    assert list(Credentials().respelled()) == []
    assert NONE in list(Credentials().worthless())


# ---------------------------------------------------------------------- secrets

SECRETS = (TOKEN, ALIVE, EXPIRED, FOREIGN, ALIVE.split(".")[2], ALIVE.split(".")[1], EXPIRED.split(".")[2])


def test_no_secret_stands_in_what_is_shown() -> None:
    every = [
        FULL.own,
        FULL.bearer,
        FULL.foreign,
        FULL.expired,
        *FULL.worthless(),
        *FULL.broken_jwts(),
        *FULL.respelled(),
    ]
    for credential in every:
        shown = f"{credential.shown} {credential.name} {credential!r}"
        assert not [secret for secret in SECRETS if secret in shown], credential.name


def test_every_secret_is_taken_out_of_a_text() -> None:
    redactor = Redactor(FULL.secrets())
    text = " and ".join(SECRETS)
    redacted = redactor.text(text)
    assert not [secret for secret in SECRETS if secret in redacted]
    assert redacted.startswith("$STAGECHECK_TOKEN and $STAGECHECK_JWT and $STAGECHECK_EXPIRED_JWT")


def test_a_broken_jwt_that_a_target_echoes_shows_no_part_that_is_secret() -> None:
    redactor = Redactor(FULL.secrets())
    for credential in FULL.broken_jwts():
        redacted = redactor.text(f"not accepted: {credential.header}")
        assert ALIVE.split(".")[2] not in redacted, credential.name
        assert not (credential.header or "").startswith(f"Bearer {ALIVE}") or ALIVE not in redacted


@given(st.text(), st.text())
def test_secrets_within_any_text(before: str, after: str) -> None:
    redacted = Redactor(FULL.secrets()).text(before + TOKEN + after)
    assert TOKEN not in redacted
    assert "$STAGECHECK_TOKEN" in redacted or "${STAGECHECK_TOKEN}" in redacted


def test_a_credential_is_made_from_its_recipe_and_shown_as_it_was() -> None:
    credentials = Credentials("secret", None, None, None)
    for first in (*credentials.worthless(), credentials.own):
        if first.recipe is not None and first.shown is not None:
            assert credentials.made(first.name, first.recipe, first.shown) == first
