"""What is recorded of an exchange: curl commands that a shell runs byte for byte, and texts without secrets."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stagecheck.exchange import LONGEST_RECORDED, Credential, Exchange, HttpRequest, Redactor, curl, shown_headers
from stagecheck.target.credentials import NONE, Credentials
from stagecheck.wire import bodies

KEYS = Credentials(token="top-secret")
KEY = KEYS.own
URL = "http://127.0.0.1:8080/prefix/"
_FAKE = """#!/bin/sh
: > "$OUT/argv"
reads=no
for word in "$@"; do
    printf '%s\\0' "$word" >> "$OUT/argv"
    if [ "$word" = "@-" ]; then reads=yes; fi
done
if [ "$reads" = yes ]; then cat > "$OUT/stdin"; fi
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a `curl` that writes down its arguments."""
    where = tmp_path_factory.mktemp("curl")
    script = where / "curl"
    script.write_text(_FAKE)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return where


def run(bench: Path, command: str) -> tuple[list[str], bytes | None]:
    """The arguments that `curl` got from the shell, and the body that came over its standard input."""
    (bench / "stdin").unlink(missing_ok=True)
    environment = {
        "PATH": f"{bench}{os.pathsep}{os.defpath}",
        "OUT": str(bench),
        "STAGECHECK_TOKEN": "top-secret",
        "STAGECHECK_JWT": "a.b.c",
    }
    subprocess.run(["/bin/sh", "-c", command], check=True, env=environment, timeout=20)
    words = [os.fsdecode(word) for word in (bench / "argv").read_bytes().split(b"\0")[:-1]]
    stdin = bench / "stdin"
    return words, stdin.read_bytes() if stdin.exists() else None


def sent(words: list[str], stdin: bytes | None) -> bytes | None:
    """The body that the command sends."""
    if "--data-raw" in words:
        return os.fsencode(words[words.index("--data-raw") + 1])
    return stdin


_REQUESTS = [
    HttpRequest("PUT", "/deploymentStage/1/service/2", (("Accept", "application/json"),), None, KEY),
    HttpRequest("PUT", "/a%20b/%00", (("Content-Type", "application/json"),), b'{"is_skipped": true}', KEY),
    HttpRequest("PUT", "/x", (("Content-Type", "application/json"),), b"", NONE),
    HttpRequest("POST", "/x", (), b'it\'s "quoted" $HOME `id` \\ !', KEY),
    HttpRequest("PUT", "/x'y", (), b"\x00\xff\n\r\t%s\\n%", KEY),
    HttpRequest("PUT", "/x", (), "é ✓".encode(), Credentials(jwt="a.b.c").own),
    HttpRequest("PUT", "/x", (), b"@/etc/passwd", NONE),
    HttpRequest("PUT", "/x", (), b"-d --data", NONE),
]


@pytest.mark.parametrize("request_", _REQUESTS, ids=range(len(_REQUESTS)))
def test_the_shell_runs_a_curl_command_byte_for_byte(bench: Path, request_: HttpRequest) -> None:
    words, stdin = run(bench, curl(URL, request_))
    assert words[words.index("-X") + 1] == request_.method
    assert words[-1] == "http://127.0.0.1:8080/prefix" + request_.path
    assert (sent(words, stdin) or b"") == (request_.body or b"")
    headers = {words[at + 1] for at, word in enumerate(words) if word == "-H"}
    wanted = {f"{name}: {value}" for name, value in request_.headers}
    if request_.credential.header is not None:
        wanted.add(f"Authorization: {request_.credential.header}")
    assert headers == wanted


@pytest.mark.parametrize("body", bodies.ALL, ids=lambda body: body.name)
def test_every_body_of_the_suite_is_reproduced(bench: Path, body: bodies.Body) -> None:
    words, stdin = run(bench, curl(URL, HttpRequest("PUT", "/x", (), body.content, KEY)))
    assert (sent(words, stdin) or b"") == (body.content or b"")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_is_reproduced(bench: Path, body: bytes) -> None:
    words, stdin = run(bench, curl(URL, HttpRequest("PUT", "/x", (), body, NONE)))
    assert (sent(words, stdin) or b"") == body


def test_a_curl_command_holds_no_secret_and_the_shell_fills_it_in(bench: Path) -> None:
    command = curl(URL, _REQUESTS[0])
    assert "top-secret" not in command
    assert "$STAGECHECK_TOKEN" in command
    words, _ = run(bench, command)
    assert "Authorization: Token top-secret" in words


def test_what_stands_behind_a_credential_is_no_part_of_its_name(bench: Path) -> None:
    (longer,) = (made for made in KEYS.worthless() if made.name == "the credential with more behind it")
    words, _ = run(bench, curl(URL, HttpRequest("GET", "/x", (), None, longer)))
    assert "Authorization: Token top-secretx" in words


def test_a_hostile_credential_name_runs_nothing(bench: Path) -> None:
    odd = Credential("odd", "Token x", 'Token $STAGECHECK_TOKEN"`touch hacked`\\')
    words, _ = run(bench, curl(URL, HttpRequest("GET", "/x", (), None, odd)))
    assert 'Authorization: Token top-secret"`touch hacked`\\' in words


# ---------------------------------------------------------------------- the record


def exchange(body: bytes | None, answer: bytes, *, status: int | None = 200, credential: Credential = KEY) -> Exchange:
    request = HttpRequest("PUT", "/service/top-secret", (("Accept", "x"),), body, credential)
    failure = None if status is not None else "connection lost: top-secret"
    return Exchange(1, "tour", request, status, {}, answer, 0.0, 0.0, failure)


def test_a_step_of_the_record_is_pinned_and_redacted() -> None:
    redactor = Redactor(Credentials(token="top-secret").secrets())
    step = redactor.step(exchange(b'{"echo": "top-secret"}', b"you said top-secret"))
    assert list(step) == ["method", "path", "headers", "body", "status", "answer"]
    assert step == {
        "method": "PUT",
        "path": "/service/$STAGECHECK_TOKEN",
        "headers": {"Accept": "x", "Authorization": "Token $STAGECHECK_TOKEN"},
        "body": '{"echo": "$STAGECHECK_TOKEN"}',
        "status": 200,
        "answer": "you said $STAGECHECK_TOKEN",
    }
    assert "top-secret" not in json.dumps(step)


def test_without_an_answer_the_record_says_why() -> None:
    step = Redactor([]).step(exchange(None, b"", status=None))
    assert (step["status"], step["body"]) == (None, None)
    assert step["answer"] == "connection lost: top-secret"


def test_a_long_answer_is_cut_and_said_to_be() -> None:
    text = Redactor([]).body(b"x" * (LONGEST_RECORDED + 5))
    assert text is not None
    assert text.endswith("… (5 more bytes)")


def test_bytes_that_are_no_text_are_shown_as_escapes() -> None:
    assert Redactor([]).body(b"a\xffb") == "a\\xffb"


def test_the_longest_secret_is_taken_out_first_and_short_ones_are_left() -> None:
    redactor = Redactor([("secret", "$S"), ("secret-longer", "$L"), ("abc", "$A"), ("", "$E")])
    assert redactor.text("secret-longer secret abc") == "$L $S abc"
    assert Redactor([]).text("as it is") == "as it is"


def test_the_headers_that_are_shown() -> None:
    assert shown_headers(HttpRequest("GET", "/", (("Accept", "x"),), None, NONE)) == {"Accept": "x"}


def test_a_credential_never_shows_itself() -> None:
    assert "top-secret" not in repr(KEY)
    assert "top-secret" not in repr(_REQUESTS)
