"""No credential in any artefact of a run: every report format, reproducers, logs, output, tracebacks; renewed ones too.

The target echoes what it is sent, in every disguise that a log line or an error message may give it.
"""

from __future__ import annotations

import base64
import html
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from front.samples import Called
from kit.serving import config_for, serving
from stagecheck.commands import verify
from stagecheck.embedded import embedded_credentials
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import TOKEN, embedded
from stagecheck.model.requests import OWN
from stagecheck.report.formats import FORMATS, Format
from stagecheck.suite.session import Session

Caller = Callable[..., Called]
RENEWED = '{}-a-renewed/token"with+odd&characters<>'
PRINTED = f"""
import pathlib
count = pathlib.Path("asked")
times = int(count.read_text()) if count.exists() else 0
count.write_text(str(times + 1))
print({RENEWED!r}.format("number%d" % times))
"""


class Echo(Mock):
    """Forgets to un-skip, crashes now and then, shows what it was sent, and wants another token each 70 requests."""

    asked = 0

    def handle(self, call: Call) -> Answer:
        self.asked += 1
        known = {RENEWED.format(f"number{self.asked // 70}"): OWN}
        self.scenario = replace(self.scenario, tokens={**known, **_without_own(self.scenario.tokens)})
        answer = super().handle(call)
        sent = call.headers.get("authorization", "")
        shown = {"you_sent": list(_disguises(sent))}
        if isinstance(answer.payload, dict):
            answer.payload = {**answer.payload, **shown}
            if "results" in answer.payload and call.method == "PUT":
                for stage in answer.payload["results"]:
                    stage["description"] = f"changed by {sent}"
        if answer.status == 404:
            return Answer(500, {"message": f"no user for {sent}", **shown}, {"x-debug": quote(sent)})
        return answer


def _without_own(tokens: object) -> dict[str, str]:
    assert hasattr(tokens, "items")
    return {token: owner for token, owner in tokens.items() if owner != OWN}


def _disguises(text: str) -> Iterator[str]:
    """How a secret may stand in a text."""
    for before in ("", "a", "ab"):
        yield base64.b64encode((before + text).encode()).decode()
        yield base64.urlsafe_b64encode((before + text).encode()).decode().rstrip("=")
    yield from (text, quote(text, safe=""), quote(text), html.escape(text), json.dumps(text), text.encode().hex())


def _patterns(secret: str) -> set[str]:
    """What must stand nowhere, each long enough to be no accident."""
    found = {secret, quote(secret, safe=""), html.escape(secret), json.dumps(secret)[1:-1], secret.encode().hex()}
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Whatever stands around it: the characters that hold bits of the secret alone.
            whole = encode(b"\0" * before + secret.encode()).decode()
            found.add(whole[4 * (before > 0) : len(whole) - 4])
    return found


def _secrets(directory: Path) -> list[str]:
    own = embedded_credentials()
    renewed = int((directory / "asked").read_text())
    assert renewed >= 2, "it was renewed"
    secrets = [RENEWED.format(f"number{times}") for times in range(renewed)]
    for jwt in (own.jwt, own.expired_jwt):
        assert jwt is not None
        secrets += [jwt, *jwt.split(".")[1:]]
    return [*secrets, own.foreign_token or ""]


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    mock = Echo(embedded())
    with serving(mock) as url:
        place = config_for(mock, url, tmp_path)
        text = place.read_text()
        (line,) = (one for one in text.splitlines() if one.startswith("token ="))
        words = ", ".join(map(json.dumps, (sys.executable, "-c", PRINTED)))
        text = text.replace(line, f"token_command = [{words}]")
        place.write_text(f"{text}\n[report]\nformats = {json.dumps(list(FORMATS))}\n")
        yield place


def _clean(directory: Path, called: Called) -> int:
    """Look through everything; how many files there were."""
    texts = {"stdout": called.out, "stderr": called.err}
    for place in (directory / "reports").rglob("*"):
        if place.is_file():
            texts[str(place.relative_to(directory))] = place.read_bytes().decode("utf-8", "replace")
    for secret in _secrets(directory):
        for pattern in _patterns(secret):
            for name, text in texts.items():
                assert pattern not in text, (name, pattern)
    return len(texts) - 2


def test_no_credential_is_in_any_artefact(call: Caller, config: Path, tmp_path: Path) -> None:
    called = call("verify", "--config", config, "--profile", "quick", "-v")
    assert called.code == 1, called.err
    files = _clean(tmp_path, called)
    assert files >= 3 + len(FORMATS) + 3, "reports, formats, reproducers"
    assert "$STAGECHECK_TOKEN" in called.out
    assert "you_sent" in (tmp_path / "reports/exchanges.ndjson").read_text(), "what it echoes is on record"


def test_no_credential_is_in_a_traceback(
    call: Caller, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, count = Session._judge, []

    def failing(self: Session, request: object, exchange: object) -> None:
        count.append(request)
        if len(count) > 120:
            raise RuntimeError(f"no idea what to do with {exchange.body!r}")  # type: ignore[attr-defined]
        judge(self, request, exchange)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "_judge", failing)
    called = call("verify", "--config", config, "--profile", "quick", "-v")
    assert called.code == 3
    assert "Traceback (most recent call last)" in called.err
    assert "no idea what to do with" in called.err
    assert "you_sent" in called.err
    assert _clean(tmp_path, called) >= 1


def test_no_credential_is_in_what_fails_while_reporting(
    call: Caller, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is redacted; an error of whoever renders it is, too."""

    def failing(*_: object, **__: object) -> bytes:
        raise ValueError(f"cannot render Token {RENEWED.format('number1')} Basic")

    monkeypatch.setattr(verify, "FORMATS", {**FORMATS, "junit": Format("junit.xml", failing)})
    called = call("verify", "--config", config, "--profile", "quick", "-v")
    assert called.code == 3
    assert "cannot render Token $STAGECHECK_TOKEN Basic" in called.err
    _clean(tmp_path, called)


def test_the_search_would_find_one(tmp_path: Path) -> None:
    """The patterns fit what the disguises make of a secret."""
    secret = RENEWED.format("number0")
    text = "\n".join(_disguises(f"Token {secret}"))
    found = {pattern for pattern in _patterns(secret) if pattern in text}
    assert len(found) >= 8
    assert TOKEN not in text
