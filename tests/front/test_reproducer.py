"""The three forms of a reproducer: what stands in them, and that nothing of a target's breaks out of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.serving import secrets_for_a_shell, serving
from stagecheck import witness
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import embedded_credentials
from stagecheck.errors import UsageError
from stagecheck.exchange import Credential, Exchange, HttpRequest, Recipe, Redactor
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import embedded
from stagecheck.outcome import Breach, Level, Replays, RunResult, Thing, Verdict, Violation
from stagecheck.report.record import record_of
from stagecheck.report.reproducer.files import files_of, story_of, write_reproducers
from stagecheck.report.reproducer.read import read_story
from stagecheck.standalone.symbols import filled
from stagecheck.target.credentials import NONE

SCENARIO = embedded()
ENVIRONMENT = SCENARIO.environment
STAGES, SERVICES = SCENARIO.stages(ENVIRONMENT), SCENARIO.services(ENVIRONMENT)
OWN = embedded_credentials()
REDACTOR = Redactor(OWN.secrets())
JSON = ("Content-Type", "application/json")
Story = dict[str, Any]


def exchange(
    method: str,
    path: str,
    body: bytes | None = None,
    *headers: tuple[str, str],
    credential: Credential = OWN.own,
    status: int = 200,
) -> Exchange:
    request = HttpRequest(method, path, (("Accept", "application/json"), *headers), body, credential)
    return Exchange(1, "tour", request, status, {"content-type": "application/json"}, b"{}", 0.0, 0.0)


def put(stage: str, service: str, body: bytes | None = None, *headers: tuple[str, str], **more: Any) -> Exchange:
    return exchange("PUT", f"/deploymentStage/{stage}/service/{service}", body, *headers, **more)


def violation(*steps: Exchange, text: str = "it broke", shows: witness.Witness | None, **more: Any) -> Violation:
    breach = Breach(more.pop("requirement", "MOVE-1"), "cause", text, text, text, Level.MUST)
    return Violation(breach, 7, steps, witness=shows, replays=Replays(3, 3), **more)


def result(*violations: Violation, name: str = "a name", url: str = "http://127.0.0.1:1") -> RunResult:
    things = (
        Thing("environment", ENVIRONMENT),
        *(Thing("stage", stage, name) for stage in STAGES),
        *(Thing("service", service) for service in SERVICES),
        Thing("second.stage", SCENARIO.stages(SCENARIO.second_environment)[0]),
    )
    return RunResult(url, False, (), Verdict.NON_CONFORMING, {}, (), violations, 1, 0.1, 0, "quick", things=things)


def told(*steps: Exchange, shows: witness.Witness, url: str = "http://127.0.0.1:1", **more: Any) -> Story:
    name = more.pop("name", "a name")
    record = record_of(result(violation(*steps, shows=shows, **more), name=name), REDACTOR)
    story = story_of(record["violations"][0])
    assert story is not None
    return {**json.loads(json.dumps(story)), "url": url}


def form(story: Story, kind: str) -> str:
    return next(text for name, text in files_of(story).items() if name.endswith(kind))


# ---------------------------------------------------------------------- what stands in it


def test_symbols_come_in_the_order_of_first_use() -> None:
    story = told(
        put(STAGES[2], SERVICES[3], b'{"is_skipped": true}', JSON),
        put(STAGES[0], SERVICES[0]),
        exchange("GET", f"/environment/{ENVIRONMENT}/deploymentStage"),
        shows=witness.places(SERVICES[3], [(STAGES[1], True)]),
        set_up=1,
    )
    assert [step["path"] for step in story["steps"]] == [
        "/deploymentStage/{stage:A}/service/{service:1}",
        "/deploymentStage/{stage:B}/service/{service:2}",
        "/environment/{environment}/deploymentStage",
    ]
    assert story["witness"] == {"kind": "places", "service": "{service:1}", "places": [["{stage:C}", True]]}
    ids = {symbol: bound["id"] for symbol, bound in story["bindings"].items()}
    assert (ids["stage:A"], ids["stage:B"], ids["stage:C"]) == (STAGES[2], STAGES[0], STAGES[1])
    assert story["placement"] == {"service:1": {"stage": "stage:A", "is_skipped": True}}


def test_the_answers_behind_the_wrong_one_are_left_out() -> None:
    story = told(put(STAGES[0], SERVICES[0]), put(STAGES[1], SERVICES[0]), shows=witness.status(200), wrong=0)
    assert (len(story["steps"]), story["wrong"]) == (1, 0)


@pytest.mark.parametrize(
    ("segment", "symbol"),
    [
        (STAGES[0], "{stage:A}"),
        (STAGES[0].upper(), "{stage:A~}"),
        ("not-a-thing", "not-a-thing"),
        (STAGES[0].replace("-", "%2D"), STAGES[0].replace("-", "%2D")),
        (STAGES[0] + "%00", STAGES[0] + "%00"),
    ],
)
def test_an_id_as_it_was_spelled(segment: str, symbol: str) -> None:
    story = told(put(segment, SERVICES[0]), shows=witness.status(200))
    path = story["steps"][0]["path"]
    assert path.split("/")[2] == symbol
    assert filled(path, {key: bound["id"] for key, bound in story["bindings"].items()}).split("/")[2] == segment


def test_credentials_are_told_by_recipe_and_all_forms_make_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [OWN.own, *OWN.worthless(), *OWN.broken_jwts(), *OWN.respelled(), OWN.foreign]
    steps = [put(STAGES[0], SERVICES[0], credential=credential) for credential in made]
    story = told(*steps, shows=witness.status(200))
    forms = files_of(story)
    for secret in (OWN.token, OWN.jwt, OWN.foreign_token, OWN.expired_jwt):
        assert secret is not None
        assert not any(secret in text for text in forms.values())
    for sent in heard(story, tmp_path, monkeypatch):
        assert [call.headers.get("authorization") for call in sent] == [credential.header for credential in made]


class Hears(Mock):
    def __init__(self) -> None:
        super().__init__(embedded())
        self.calls: list[Call] = []

    def handle(self, call: Call) -> Answer:
        self.calls.append(call)
        return super().handle(call)


def heard(story: Story, directory: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[Call]]:
    """What the test file sends, and, where there is curl, the shell script."""
    mocks = Hears(), Hears()
    with serving(mocks[0]) as url:
        in_python(form(story, ".py"), url, monkeypatch)
    with serving(mocks[1]) as url:
        if shutil.which("curl"):
            in_a_shell(form(story, ".sh"), url, directory)
    return [mock.calls for mock in mocks if mock.calls]


def in_a_shell(text: str, url: str, directory: Path) -> int:
    script = directory / "reproducer.sh"
    script.write_bytes(text.encode("utf-8", "backslashreplace"))
    environment = {"PATH": os.environ["PATH"], "STAGECHECK_URL": url, **secrets_for_a_shell()}
    for command in (["sh", "-n", str(script)], ["sh", str(script)]):
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, timeout=30, check=False, encoding="utf-8"
        )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert ("reproduced: " if done.returncode else "gone: ") in done.stdout, done.stdout + done.stderr
    return done.returncode


def in_python(text: str, url: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the test fails."""
    monkeypatch.setenv("STAGECHECK_URL", url)
    for name, value in secrets_for_a_shell().items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    exec(compile(text.encode("utf-8", "backslashreplace"), "reproducer", "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    try:
        test()
    except AssertionError:
        return True
    return False


# ---------------------------------------------------------------------- bodies


_BODIES = [
    (None, None),
    (b"", "application/json"),
    (b'{"is_skipped": true}', "application/json"),
    (b'{"is_skipped": true}', None),
    (b"is_skipped=true", "application/x-www-form-urlencoded"),
    (b"@/etc/passwd", "text/plain"),
    (b"'; touch broke-out; '", "text/plain"),
    ("ж — $(touch broke-out) `touch broke-out`".encode(), "text/plain"),
    (b"a\r\nPYTHON\n\tb\\c%s\\0101\n", "text/plain"),
    (bytes(range(256)), "application/octet-stream"),
    (b"\x00\xff\x00", None),
]


def test_bodies_are_sent_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = [() if media is None else (("Content-Type", media),) for _, media in _BODIES]
    steps = [put(STAGES[0], SERVICES[0], body, *named) for (body, _), named in zip(_BODIES, headers, strict=True)]
    for calls in heard(told(*steps, shows=witness.status(200)), tmp_path, monkeypatch):
        sent = [(call.body, call.headers.get("content-type")) for call in calls]
        assert sent == [(body or b"", media) for body, media in _BODIES]
    assert not (tmp_path / "broke-out").exists()


# ---------------------------------------------------------------------- what breaks out of nothing

_HOSTILE = [
    "'; touch broke-out; '",
    '"; touch broke-out; "',
    '""" + __import__("os").system("touch broke-out") + """',
    "$(touch broke-out) `touch broke-out` ${IFS}",
    "a\ntouch broke-out\nPYTHON\ntouch broke-out\n",
    "a\r\u2028\u2029\x85\x0b\x0cimport os; os.system('touch broke-out')",
    "\x00\x1b[2J\udc80\ud800 ж漢\U0001f600 \u202e",
    "\\",
    "\\\n'\\",
    "{stage:A} {service:1~} {x} %s %(x)s {{",
    "}; touch broke-out; #",
]


@pytest.mark.parametrize("text", _HOSTILE, ids=ascii)
def test_nothing_that_a_target_says_breaks_out(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    strange = Credential(text, "Token garbage", "Token garbage")
    steps = put(STAGES[0], SERVICES[0]), put(STAGES[1], SERVICES[0], credential=strange)
    story = told(*steps, shows=witness.status("4xx"), set_up=1, text=text, name=text)
    story["cause"] = text
    write_reproducers(tmp_path, {"violations": [_as_recorded(story)], "target": {"url": "http://127.0.0.1:1"}})
    script, test, told_again = (next((tmp_path / "reproducers").glob(f"*{kind}")) for kind in (".sh", ".py", ".json"))
    assert read_story(told_again)["message"] == text
    with serving(Mock(embedded())) as url:
        if shutil.which("curl"):
            assert in_a_shell(script.read_text(), url, tmp_path) == 0
        assert not in_python(test.read_text(), url, monkeypatch)
    assert not (tmp_path / "broke-out").exists()


def _as_recorded(story: Story) -> Story:
    outside = ("requirement", "cause", "message", "expected", "actual", "reproduced")
    inside = {key: value for key, value in story.items() if key not in (*outside, "schema", "url")}
    return {**{key: story[key] for key in outside}, "reproducer": inside}


@pytest.mark.parametrize("text", _HOSTILE, ids=ascii)
def test_a_strange_url_id_or_path_breaks_out_neither(text: str, tmp_path: Path) -> None:
    story = told(put(STAGES[0], SERVICES[0]), shows=witness.status(200), url="http://127.0.0.1:1/" + text)
    story["bindings"]["stage:A"]["id"] = text.replace("\x00", "")
    story["steps"][0]["path"] = "/" + text.translate({ord(c): None for c in "\x00\n{}"}) + "/{stage:A}"
    story["steps"][0]["method"] = text.replace("\x00", "").replace("\n", " ")
    story["url"] = story["url"].replace("\x00", "")
    script = tmp_path / "reproducer.sh"
    script.write_bytes(form(story, ".sh").encode("utf-8", "backslashreplace"))
    for shell in filter(shutil.which, ("sh", "bash")):
        # Not sent: with no curl there is nothing that could be, but every word is expanded.
        (tmp_path / "bin").mkdir(exist_ok=True)
        environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", **secrets_for_a_shell()}
        subprocess.run([shell, "-n", str(script)], check=True, capture_output=True, timeout=30)
        curl = tmp_path / "bin" / "curl"
        curl.write_text('#!/bin/sh\nprintf "200 "\nprintf "%s" "$*" > asked\n')
        curl.chmod(0o755)
        done = subprocess.run(
            [shell, str(script)], cwd=tmp_path, env=environment, capture_output=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        asked = (tmp_path / "asked").read_bytes().decode("utf-8", "replace")
        if text.isprintable():
            assert f" http://127.0.0.1:1/{text}/" in asked
            assert f"/{story['bindings']['stage:A']['id']} " in asked
    compile(form(story, ".py").encode("utf-8", "backslashreplace"), "reproducer", "exec")
    assert not (tmp_path / "broke-out").exists()


@pytest.mark.parametrize("requirement", CATALOGUE)
def test_every_promise_can_head_a_file(requirement: str) -> None:
    story = told(put(STAGES[0], SERVICES[0]), shows=witness.status(200), requirement=requirement)
    names = files_of(story, 3)
    stem = requirement.lower()
    assert list(names) == [f"03-{stem}.json", f"03-{stem}.sh", f"test_03_{stem.replace('-', '_')}.py"]
    compile(form(story, ".py"), "reproducer", "exec")


def test_the_other_letter_case_is_the_same_in_all_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = told(put(STAGES[0].upper(), SERVICES[0].upper()), shows=witness.status(200))
    for mixed in (STAGES[0], STAGES[0].upper(), STAGES[0].capitalize().replace("b", "B")):
        story["bindings"]["stage:A"]["id"] = mixed
        wanted = filled("{stage:A~}", {"stage:A": mixed})
        for (call,) in heard(story, tmp_path, monkeypatch):
            assert call.segments[1] == wanted


def test_the_test_file_keeps_no_cookie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sessions(Hears):
        def handle(self, call: Call) -> Answer:
            answer = super().handle(call)
            answer.headers["set-cookie"] = "session=1; Path=/"
            return answer

    story = told(
        put(STAGES[0], SERVICES[0]), put(STAGES[1], SERVICES[0], credential=NONE), shows=witness.status(401), set_up=1
    )
    mock = Sessions()
    with serving(mock) as url:
        assert not in_python(form(story, ".py"), url, monkeypatch)
    assert [call.headers.get("cookie") for call in mock.calls] == [None, None]


# ---------------------------------------------------------------------- files


def _write(directory: Path, *violations: Violation) -> list[str]:
    directory.mkdir(exist_ok=True)
    write_reproducers(directory, record_of(result(*violations), REDACTOR))
    folder = directory / "reproducers"
    return sorted(place.name for place in folder.iterdir()) if folder.exists() else []


def test_files_of_an_earlier_run_go_and_strangers_stay(tmp_path: Path) -> None:
    broken = violation(put(STAGES[0], SERVICES[0]), shows=witness.status(200))
    wrong = violation(put(STAGES[0], SERVICES[0]), shows=witness.status(200), requirement="ERR-2")
    assert len(_write(tmp_path, broken, wrong)) == 6
    strangers = ["01-move-1.json.bak", "notes.txt", "test_mine.py", "1-move.json"]
    for name in strangers:
        (tmp_path / "reproducers" / name).write_text("mine")
    (tmp_path / "reproducers" / "09-of-others.json").mkdir()
    left = [*strangers, "09-of-others.json"]
    assert _write(tmp_path, wrong) == sorted(["01-err-2.json", "01-err-2.sh", "test_01_err_2.py", *left])
    assert _write(tmp_path) == sorted(left)


def test_no_folder_where_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert _write(tmp_path) == []
    silent = violation(put(STAGES[0], SERVICES[0]), shows=None)
    assert _write(tmp_path, silent, replace(silent, steps=(), witness=witness.status(200))) == []
    assert not (tmp_path / "reproducers").exists()


def test_the_script_can_be_run_at_once(tmp_path: Path) -> None:
    _write(tmp_path, violation(put(STAGES[0], SERVICES[0]), shows=witness.status(200)))
    assert os.access(tmp_path / "reproducers" / "01-move-1.sh", os.X_OK)


# ---------------------------------------------------------------------- read with care


def _changed(key: str, value: object) -> Callable[[Story], object]:
    def change(story: Story) -> object:
        here: Any = story
        *way, last = key.split("/")
        for step in way:
            here = here[int(step)] if isinstance(here, list) else here[step]
        if value is ...:
            del here[last]
        else:
            here[last] = value
        return story

    return change


def _each(key: str, said: str, *values: object) -> list[tuple[Callable[[Story], object], str]]:
    return [(_changed(key, value), said) for value in values]


_NONE: list[tuple[Callable[[Story], object], str]] = [
    *(
        (_changed(key, ...), said)
        for key, said in (("requirement", "requirement"), ("expected", "expected is missing"))
    ),
    *_each("schema", "schema 1", 2, None, "1"),
    (_changed("message", 7), "message is missing"),
    *_each("steps", "steps", None, [], {}, [7], [{}]),
    *((_changed(f"steps/0/{key}", ...), "steps") for key in ("method", "path", "asks", "headers", "set_up")),
    *_each("steps/0/path", "steps", None, "", "@evil.invalid/", "evil.invalid/x", ":1/"),
    *_each("steps/0/body", "steps", 7, {}, True),
    *_each("steps/0/body_base64", "steps", "ä", "abc", 7, None),
    (_changed("steps/0/headers", {"Accept": 7}), "steps"),
    (_changed("steps/0/credential", None), "steps"),
    (_changed("steps/0/credential", {"name": "x"}), "steps"),
    *_each("steps/0/credential/name", "steps", None, ...),
    *_each("steps/0/credential/scheme", "steps", None, ...),
    *_each("steps/0/credential/shown", "steps", None, ...),
    *_each("steps/0/credential/secret", "steps", None, "own", "secrets", "__class__", []),
    *_each("steps/0/credential/how", "steps", ..., "json", "_signed", "Any", [], {}),
    *_each("bindings", "bindings", None, [], 7),
    *_each("bindings/stage:A", "bindings", None, "x", {}, {"id": 7}),
    *(
        (_changed(f"bindings/{key}", {"id": "x"}), "bindings")
        for key in ("second.__class__", "x", "stage:1", "third.stage")
    ),
    (_changed("bindings/stage:A", ...), "stage:A is not among its bindings"),
    (_changed("witness/stage", "{stage:Z}"), "stage:Z is not among its bindings"),
    *_each("given", "conditions", None, {}),
    *(
        (_changed("given", [value]), "witness")
        for value in (7, [], [0], [9, {"kind": "unique"}], ["0", {"kind": "unique"}], [[], {"kind": "unique"}], [0, {}])
    ),
    (_changed("given", [[0.0, {"kind": "unique"}]]), "witness"),
    *_each(
        "witness",
        "witness",
        None,
        {},
        {"kind": []},
        {"kind": "other"},
        {"kind": "status"},
        {"kind": "status", "allowed": 200},
        {"kind": "places", "service": "x", "places": [["x"]]},
        {"kind": "places", "service": 7, "places": []},
        {"kind": "stage", "stage": "x", "times": "1"},
        {"kind": "same", "attribute": "name"},
        {"kind": "same-set"},
        {"kind": "schema", "path": [7], "keyword": "type", "value": ["string"]},
        {"kind": "schema", "path": [], "keyword": "type", "value": 7},
        {"kind": "hides"},
        {"kind": "hides", "text": 7},
    ),
    (lambda _: [], "schema 1"),
    (lambda _: None, "schema 1"),
    (lambda _: "x", "schema 1"),
]


def _good() -> Story:
    credential = OWN.made("made", Recipe("Token", "token", "longer"), "Token ${STAGECHECK_TOKEN}x")
    step = put(STAGES[0], SERVICES[0], b"\xff", JSON, credential=credential)
    story = told(step, step, shows=witness.stage(STAGES[0], 1), set_up=1)
    return {**story, "given": [[0, dict(witness.status(200))]]}


@pytest.mark.parametrize(("change", "said"), _NONE)
def test_what_is_no_reproducer_is_refused(change: Callable[[Story], object], said: str, tmp_path: Path) -> None:
    place = tmp_path / "story.json"
    place.write_text(json.dumps(change(_good())))
    with pytest.raises(UsageError, match="is no reproducer that this version reads") as refused:
        read_story(place)
    assert said in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 200_000, b"#!/bin/sh\n"])
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    place = tmp_path / "story.json"
    place.write_bytes(content)
    with pytest.raises(UsageError, match="it is not JSON"):
        read_story(place)
    for missing in (tmp_path, tmp_path / "nowhere.json"):
        with pytest.raises(UsageError, match="cannot read the reproducer"):
            read_story(missing)


def test_what_verify_writes_is_read(tmp_path: Path) -> None:
    place = tmp_path / "story.json"
    place.write_bytes(b"\xef\xbb\xbf" + json.dumps(_good()).encode())
    assert read_story(place) == _good()
