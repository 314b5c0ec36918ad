"""The bridge to Schemathesis: what it generates, that it is repeatable, and what it says of answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings

from stagecheck.errors import HarnessError
from stagecheck.exchange import Credential, Exchange, HttpRequest
from stagecheck.operations import OPERATIONS, OperationKey
from stagecheck.spec import Document, fragment_path, load
from stagecheck.spec.cases import Generated, judge, strategy

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

ATTACH = OperationKey.ATTACH
STAGES = ["6f1c2f5e-2c0c-4c53-9d0a-6a2d1f0b7a01", "6f1c2f5e-2c0c-4c53-9d0a-6a2d1f0b7a02"]
SERVICE = "c5d1a7b2-7f64-4f0a-b8a1-3e9b6a5d4c01"
ENVIRONMENT = "0a4d8e8b-9a0e-4d0f-8a53-0d3f6f3f1e00"
IDS = {"environmentId": ENVIRONMENT, "deploymentStageId": STAGES, "stageId": STAGES, "serviceId": SERVICE}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
WHEN = "2023-11-07T05:31:56Z"
JSON = {"content-type": "application/json"}
WITH_BODY = (OperationKey.ATTACH, OperationKey.CREATE, OperationKey.EDIT)


def drawn(cases: SearchStrategy[Generated], count: int = 200, start: int = 1) -> list[Generated]:
    """The first cases that Hypothesis tries with this seed."""
    found: list[Generated] = []

    @seed(start)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(cases)
    def collect(case: Generated) -> None:
        found.append(case)

    collect()
    return found


def parsed(case: Generated) -> Any:
    return None if case.body is None else json.loads(case.body)


@pytest.fixture(scope="module")
def fragment() -> Document:
    return load()


@pytest.fixture(scope="module")
def valid(fragment: Document) -> list[Generated]:
    return drawn(strategy(fragment, ATTACH, "positive", IDS))


@pytest.fixture(scope="module")
def broken(fragment: Document) -> list[Generated]:
    return drawn(strategy(fragment, ATTACH, "negative", IDS), 400)


# --- valid requests


def test_every_form_of_the_body_is_frequent(valid: list[Generated]) -> None:
    assert len(valid) == 200
    forms = Counter(
        {
            "no body": sum(case.body is None and not case.headers for case in valid),
            "no body, JSON": sum(case.body is None and dict(case.headers) == JSON for case in valid),
            "{}": sum(case.body == b"{}" for case in valid),
            "false": sum(parsed(case) == {"is_skipped": False} for case in valid),
            "true": sum(parsed(case) == {"is_skipped": True} for case in valid),
            "unknown": sum(bool(set(parsed(case) or {}) - {"is_skipped"}) for case in valid),
            "unknown and the flag": sum(
                "is_skipped" in (parsed(case) or {}) and len(parsed(case)) > 1 for case in valid
            ),
        }
    )
    assert all(forms[form] >= 10 for form in forms), forms
    assert sum(forms.values()) - forms["unknown and the flag"] == len(valid)


def test_valid_requests_go_to_real_things(valid: list[Generated]) -> None:
    paths = {f"/deploymentStage/{stage}/service/{SERVICE}" for stage in STAGES}
    assert {case.path for case in valid} == paths
    assert {(case.key, case.method, case.mode, case.fault) for case in valid} == {(ATTACH, "PUT", "positive", "none")}


def test_requests_carry_no_credential_and_nothing_of_the_generator(
    valid: list[Generated], broken: list[Generated]
) -> None:
    for case in valid + broken:
        assert dict(case.headers) in ({}, JSON)
        assert (case.body is None) or dict(case.headers) == JSON


def test_the_document_accepts_each_valid_body(fragment: Document) -> None:
    for key in WITH_BODY:
        for case in drawn(strategy(fragment, key, "positive", IDS), 60):
            if case.body is None:
                assert fragment.body_accepted(key)
            else:
                assert fragment.body_accepted(key, json.loads(case.body)), case


@pytest.mark.parametrize("key", list(OperationKey))
def test_every_operation_is_driven(key: OperationKey, fragment: Document) -> None:
    fact = OPERATIONS[key]
    shape = re.compile(re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(fact.template)))
    for case in drawn(strategy(fragment, key, "positive", IDS), 20):
        found = shape.fullmatch(case.path)
        assert found is not None
        assert case.method == fact.method
        assert all(UUID.fullmatch(value) for value in found.groups())
        assert len(set(found.groups())) == len(found.groups()), "a stage moved beside itself"
    for case in drawn(strategy(fragment, key, "negative", IDS), 60):
        found = shape.fullmatch(case.path)
        assert found is not None
        malformed = [value for value in found.groups() if not UUID.fullmatch(unquote(value))]
        assert bool(malformed) == (case.fault == "path")
        assert case.mode == "negative"


def test_a_single_stage_may_be_named_twice(fragment: Document) -> None:
    ids = {**IDS, "deploymentStageId": STAGES[0], "stageId": STAGES[:1]}
    [case] = drawn(strategy(fragment, OperationKey.MOVE_AFTER, "positive", ids))
    assert case.path == f"/deploymentStage/{STAGES[0]}/moveAfter/{STAGES[0]}"


def test_ids_may_be_asked_for_anew(fragment: Document) -> None:
    asked: list[int] = []

    def ids() -> dict[str, str]:
        asked.append(1)
        return {"deploymentStageId": STAGES[1], "serviceId": SERVICE}

    cases = drawn(strategy(fragment, ATTACH, "positive", ids), 10)
    assert {case.path for case in cases} == {f"/deploymentStage/{STAGES[1]}/service/{SERVICE}"}
    assert len(asked) >= len(cases)


def test_misuse_is_named(fragment: Document, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="attach needs a real serviceId"):
        strategy(fragment, ATTACH, "positive", {"deploymentStageId": STAGES})
    raw = yaml.safe_load(fragment_path().read_text(encoding="utf-8"))
    raw["paths"] = {name: item for name, item in raw["paths"].items() if name == OPERATIONS[ATTACH].template}
    own = tmp_path / "own.json"
    own.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(ValueError, match="does not have the operation list"):
        strategy(load(own), OperationKey.LIST, "positive", IDS)


# --- broken requests


def test_half_break_the_body_and_half_an_id(broken: list[Generated]) -> None:
    faults = Counter(case.fault for case in broken)
    assert 0.35 < faults["path"] / len(broken) < 0.65, faults
    for fault in ("syntax", "garbage", "not-an-object", "flag-type", "path"):
        assert faults[fault], faults
    assert not faults["none"] + faults["body"] + faults["parameter"], faults


def test_faults_are_what_they_are_called(broken: list[Generated]) -> None:
    real = {f"/deploymentStage/{stage}/service/{SERVICE}" for stage in STAGES}
    for case in broken:
        assert (case.path in real) == (case.fault != "path")
        if case.fault == "path":
            continue
        assert case.body is not None
        if case.fault in ("syntax", "garbage"):
            for encoding in ("utf-8", "latin-1", "utf-16", "utf-16-le", "utf-16-be"):
                with pytest.raises(ValueError):  # noqa: PT011  (either of two kinds, both mean no JSON)
                    json.loads(case.body.decode(encoding))
            assert case.body.strip(b" \t\r\n\0")
            assert case.fault == "garbage" or case.body.startswith(b"{")
        elif case.fault == "not-an-object":
            assert not isinstance(parsed(case), dict)
        else:
            flag = parsed(case)["is_skipped"]
            assert not isinstance(flag, bool)
            is_open = flag is None or str(flag).strip().lower() in ("true", "false")
            assert is_open == (case.fault == "flag-open")


def test_a_malformed_id_stands_beside_a_real_one(broken: list[Generated]) -> None:
    sides: Counter[str] = Counter()
    for case in broken:
        if case.fault != "path":
            continue
        _, _, stage, _, service = case.path.split("/")
        sides["stage"] += stage in STAGES
        sides["service"] += service == SERVICE
        assert httpx.URL("http://target.invalid" + case.path).raw_path.decode() == case.path
        for value in (unquote(stage), unquote(service)):
            assert value.strip(".")
            assert not set(value) & set("/\\")
            assert not UUID.fullmatch(value) or value in (*STAGES, SERVICE)
    assert sides["stage"] > 20
    assert sides["service"] > 20


def test_missing_name_is_a_broken_body(fragment: Document) -> None:
    cases = drawn(strategy(fragment, OperationKey.CREATE, "negative", IDS), 100)
    bodies = [parsed(case) for case in cases if case.fault == "body"]
    assert {} in bodies
    assert not [body for body in bodies if fragment.body_accepted(OperationKey.CREATE, body)]


# --- repeatable


def test_the_same_seed_gives_the_same_cases(fragment: Document) -> None:
    for mode in ("positive", "negative"):
        first, second, other = (drawn(strategy(fragment, ATTACH, mode, IDS), 50, start) for start in (1, 1, 2))
        assert first == second
        assert first != other


_PRINT_CASES = """
import sys
sys.path.insert(0, sys.argv[1])
from test_cases import ATTACH, IDS, drawn
from stagecheck.spec import load
from stagecheck.spec.cases import strategy
print([drawn(strategy(load(), ATTACH, mode, IDS), 30) for mode in ("positive", "negative")])
"""


def test_the_hash_seed_of_the_process_does_not_matter() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", _PRINT_CASES, str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(printed) == 1


# --- documents of users


def _own(tmp_path: Path, **changes: Any) -> Document:
    """Attach alone, behind a prefix, with other names for its parameters."""
    raw = yaml.safe_load(fragment_path().read_text(encoding="utf-8"))
    item = raw["paths"][OPERATIONS[ATTACH].template]
    ids = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("a", "b")]
    item["parameters"] = ids + changes.pop("parameters", [])
    item["put"].update(changes)
    raw["paths"] = {"/api/deploymentStage/{a}/service/{b}": item}
    raw["servers"] = [{"url": "https://example.invalid/base"}]
    own = tmp_path / "own.json"
    own.write_text(json.dumps(raw), encoding="utf-8")
    return load(own)


def test_own_names_and_prefix(tmp_path: Path) -> None:
    own = _own(tmp_path)
    cases = drawn(strategy(own, ATTACH, "positive", IDS), 40)
    assert {case.path for case in cases} == {f"/deploymentStage/{stage}/service/{SERVICE}" for stage in STAGES}
    # The ids are plain strings here, of which none is malformed by the document.
    faults = Counter(case.fault for case in drawn(strategy(own, ATTACH, "negative", IDS), 60))
    assert faults["path"]
    assert faults["flag-type"]


def test_own_document_may_ask_for_a_body_and_close_it(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"is_skipped": {"type": "boolean"}},
        "additionalProperties": False,
    }
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    cases = drawn(strategy(_own(tmp_path, requestBody=body), ATTACH, "positive", IDS), 40)
    assert {case.body for case in cases} == {b"{}", b'{"is_skipped":false}', b'{"is_skipped":true}'}


def test_own_parameters_are_generated(tmp_path: Path) -> None:
    extra = [
        {"name": "dry", "in": "query", "required": True, "schema": {"type": "boolean"}},
        {"name": "X-Reason", "in": "header", "required": True, "schema": {"type": "string", "minLength": 1}},
    ]
    own = _own(tmp_path, parameters=extra)
    for case in drawn(strategy(own, ATTACH, "positive", IDS), 40):
        assert case.path.partition("?")[2] in ("dry=true", "dry=false")
        assert case.headers["x-reason"]
    faults = Counter(case.fault for case in drawn(strategy(own, ATTACH, "negative", IDS), 100))
    assert faults["parameter"]


# --- answers


def answer(content: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx.Response(status, content=body, headers=JSON if headers is None else headers)


FULL_ENTRY = {"id": SERVICE, "created_at": WHEN, "service_id": SERVICE, "is_skipped": True, "new": 1}
MINIMAL = {"id": STAGES[0], "created_at": WHEN, "environment": {"id": ENVIRONMENT}}


@pytest.mark.parametrize(
    "good",
    [
        answer({"results": []}),
        answer({}),
        answer({"results": [MINIMAL, {**MINIMAL, "services": [FULL_ENTRY], "new": []}]}),
        answer({"results": [{**MINIMAL, "id": STAGES[0].upper(), "created_at": "2016-12-31t23:59:60z"}]}),
        answer({"results": []}, headers={"content-type": "Application/JSON; charset=utf-8"}),
        answer(b"\xef\xbb\xbf{}"),
        answer(b"<html>", 404, {"content-type": "text/html"}),
        answer(b"", 401, {}),
        answer({"detail": "x"}, 400),
        answer({"detail": "x"}, 405),
        answer({"detail": "x"}, 415),
        answer({"detail": "x"}, 422),
        answer(b"", 500, {}),
    ],
)
def test_nothing_is_said_of_good_answers_and_of_refusals(good: httpx.Response, fragment: Document) -> None:
    assert judge(fragment, ATTACH, good) == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (answer([]), 'Response violates schema: [] is not of type "object"'),
        (answer({"results": [{}]}), 'Response violates schema at results/0: "id" is a required property'),
        (
            answer({}, headers={"content-type": "text/plain"}),
            "Undocumented Content-Type: Received: text/plain",
        ),
        (answer({}, headers={}), "Missing Content-Type header"),
        (answer(b"<html>"), "JSON deserialization error"),
        (answer(b""), "JSON deserialization error"),
        (answer({}, headers={"content-type": "nonsense"}), "Malformed media type"),
        (answer({}, 201), "Undocumented status code: Received: 201"),
        (answer(b"", 302, {}), "Undocumented status code: Received: 302"),
    ],
)
def test_bad_answers_are_found(bad: httpx.Response, said: str, fragment: Document) -> None:
    assert any(sentence.startswith(said) for sentence in judge(fragment, ATTACH, bad)), judge(fragment, ATTACH, bad)


def test_answers_are_judged_by_their_operation(fragment: Document, valid: list[Generated]) -> None:
    assert judge(fragment, OperationKey.DELETE, answer(b"", 204, {})) == []
    assert judge(fragment, OperationKey.DELETE, answer({}, 200)) != []
    assert judge(fragment, OperationKey.GET_STAGE, answer(MINIMAL)) == []
    assert judge(fragment, OperationKey.GET_STAGE, answer({"results": []})) != []
    assert judge(fragment, valid[0], answer({"results": []})) == []


def exchange(status: int | None, body: bytes) -> Exchange:
    request = HttpRequest("PUT", "/", (), None, Credential("none", None, None))
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    return Exchange(1, "test", request, status, headers, body, started_s=0.0, elapsed_s=0.0)


def test_recorded_answers_are_judged_alike(fragment: Document) -> None:
    # What is recorded is decoded already, whatever the header still says.
    assert judge(fragment, ATTACH, exchange(200, b"{}")) == []
    assert judge(fragment, ATTACH, exchange(200, b"[]")) == ['Response violates schema: [] is not of type "object"']
    with pytest.raises(HarnessError, match="no answer came"):
        judge(fragment, ATTACH, exchange(None, b""))


def test_a_fault_of_the_bridge_is_no_finding(fragment: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(*_: Any) -> None:
        raise KeyError("hole")

    monkeypatch.setattr("stagecheck.spec.cases.content_type_conformance", defective)
    with pytest.raises(HarnessError, match="KeyError"):
        judge(fragment, ATTACH, answer({}))
