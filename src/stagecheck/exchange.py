"""One request and its answer, as recorded. Secrets are taken out here, once, and nowhere else.

A request names its credential by role (`Credential`), so the recorded form never holds the secret itself:
`Authorization: Token $STAGECHECK_TOKEN`. What a target echoes back is scrubbed by `Redactor`.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_URL_SAFE = str.maketrans("+/", "-_")
LONGEST_RECORDED = 64 * 1024
"""Bytes of an answer that are kept in the record; the rest is cut and said to be cut."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a credential is made: the scheme, which secret of the config, and what is done to it.

    `secret`: its key in [auth]. `how`: a function of `standalone.secrets`, None for the secret as it is.
    """

    scheme: str
    secret: str
    how: str | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """What goes into the Authorization header, and how it is written down.

    `header` is the real value (None: no header at all); `shown` is what a reader and a curl command see.
    `name` is the role in words: "the API token", "a JWT with a tampered payload". `recipe`: how somebody else makes
    it from a secret of their own; None where it holds no secret.
    """

    name: str
    header: str | None = field(repr=False)
    shown: str | None
    recipe: Recipe | None = None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request before it is sent: raw percent-encoded path, headers without Authorization, exact body bytes."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    credential: Credential


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was sent, and what came back.

    `number` counts from 1 over the whole run. `status` is None when no answer came (`failure` says why): then
    nobody knows whether the request took effect. `elapsed_s` is seconds; `started_s` seconds since the run began.
    `gateway`: the status with which somebody before the target has answered instead of it.
    """

    number: int
    phase: str
    request: HttpRequest
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    started_s: float
    elapsed_s: float
    failure: str | None = None
    gateway: int | None = None

    @property
    def content_type(self) -> str:
        """The media type of the answer, lower case, without parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


class Redactor:
    """Replaces every secret it was told of, wherever it stands in a text (DESIGN: redacted once, here)."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        """`secrets`: pairs of the secret and what is written in its place."""
        self._labels: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[tuple[str, str]]) -> None:
        """Take out these as well from now on: credentials are renewed during a run."""
        for secret, label in secrets:
            if len(secret) >= 4:
                for spelled in _spellings(secret):
                    self._labels.setdefault(spelled, label)
        if self._labels:
            self._pattern = re.compile(_any_of(self._labels))

    def text(self, text: str) -> str:
        """The same text without the secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._labels[match.group(0)], text)

    def body(self, body: bytes | None) -> str | None:
        """A body as text for the record: decoded leniently, cut at `LONGEST_RECORDED`, without secrets."""
        if body is None:
            return None
        if len(body) <= LONGEST_RECORDED:
            return self.text(body.decode("utf-8", "backslashreplace"))
        # Half of a secret at the end would not be known for one: it is taken out before the rest is cut off.
        longest = max(map(len, self._labels), default=0)
        text = self.text(body[: LONGEST_RECORDED + longest].decode("utf-8", "backslashreplace"))
        return text[:LONGEST_RECORDED] + f"… ({len(body) - LONGEST_RECORDED} more bytes)"

    def step(self, exchange: Exchange) -> dict[str, Any]:
        """One step of a violation as `report.json` pins it: method, path, headers, body, status, answer."""
        return {
            "method": exchange.request.method,
            "path": self.text(exchange.request.path),
            "headers": shown_headers(exchange.request),
            "body": self.body(exchange.request.body),
            "status": exchange.status,
            "answer": self.body(exchange.body) if exchange.status is not None else exchange.failure,
        }


def _any_of(texts: Iterable[str], depth: int = 3) -> str:
    """A pattern of all texts, the longest that fits first; grouped by their first letters, which makes it fast."""
    of_each: dict[str, list[str]] = {}
    for text in texts:
        of_each.setdefault(text[:1], []).append(text[1:])
    branches = []
    for letter, rest in sorted(of_each.items(), reverse=True):
        longest_first = sorted(rest, key=len, reverse=True)
        inner = _any_of(rest, depth - 1) if depth > 1 and letter else "|".join(map(re.escape, longest_first))
        branches.append(f"{re.escape(letter)}(?:{inner})")
    return "|".join(branches)


def _spellings(secret: str) -> Iterator[str]:
    """A secret as texts hold it: plainly, in JSON (with `/` escaped or not), in URLs, in HTML, in base64, in hex."""
    in_json = json.dumps(secret)[1:-1]
    plain = (secret, in_json, in_json.replace("/", "\\/"), quote(secret, safe=""), quote(secret), html.escape(secret))
    yield from dict.fromkeys((*plain, *_encoded(secret.encode("utf-8", "surrogateescape"))))


def _encoded(secret: bytes) -> Iterator[str]:
    """The secret in base64, of both alphabets, wherever in a longer text it begins, and in hexadecimal digits.

    Where it begins within a group of three bytes decides on how it looks; the characters at both ends that depend on
    what stands beside it are left out.
    """
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret)
        end = len(whole) if (before + len(secret)) % 3 == 0 else (before + len(secret)) * 8 // 6
        certain = whole[(before * 8 + 5) // 6 : end].decode()
        if len(certain) >= 8:
            yield certain
            yield certain.translate(_URL_SAFE)
    yield secret.hex()
    yield secret.hex().upper()


def shown_headers(request: HttpRequest) -> dict[str, str]:
    """The headers as a reader may see them: the credential by its role."""
    headers = dict(request.headers)
    if request.credential.shown is not None:
        headers["Authorization"] = request.credential.shown
    return headers


def curl(url: str, request: HttpRequest) -> str:
    """The request as one curl command for a POSIX shell; `url` is the target's base URL.

    Credentials appear as shell variables (`$STAGECHECK_TOKEN`), so the command can be pasted and shared. A body that
    is not plain text is written by printf in octal, byte for byte.
    """
    words = ["curl", "-sS", "-i", "-X", request.method]
    for name, value in shown_headers(request).items():
        words += ["-H", _quoted(f"{name}: {value}", expand=name == "Authorization")]
    before = ""
    if request.body is not None and _is_plain(request.body):
        words += ["--data-raw", shlex.quote(request.body.decode())]
    elif request.body is not None:
        octal = "".join(f"\\{byte:03o}" for byte in request.body)
        before, words = f"printf '{octal}' | ", [*words, "--data-binary", "@-"]
    words.append(shlex.quote(url.rstrip("/") + request.path))
    return before + " ".join(words)


def _is_plain(body: bytes) -> bool:
    try:
        return body.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _quoted(text: str, *, expand: bool) -> str:
    """Shell quoting that leaves `$NAME` to the shell where it stands for a credential."""
    if expand and "$" in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`") + '"'
    return shlex.quote(text)
