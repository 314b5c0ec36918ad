"""The OpenAPI document: the fragment, documents of users, what is refused, what an answer must look like."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest
import yaml

from stagecheck.errors import SpecError
from stagecheck.operations import OPERATIONS, OperationKey, path
from stagecheck.spec import ABSENT, Document, fragment_path, load

ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
WHEN = "2023-11-07T05:31:56Z"
ATTACH = OperationKey.ATTACH


def entry(**changes: Any) -> dict[str, Any]:
    whole = {"id": ID, "created_at": WHEN, "updated_at": WHEN, "service_id": ID, "service_type": "JOB"}
    return {**whole, "is_skipped": True, **changes}


def stage(*services: Any, **changes: Any) -> dict[str, Any]:
    whole = {"id": ID, "created_at": WHEN, "updated_at": WHEN, "environment": {"id": ID}, "name": "a"}
    return {**whole, "description": "b", "deployment_order": 1, "services": list(services), **changes}


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


@pytest.fixture(scope="module")
def fragment() -> Document:
    return load()


@pytest.fixture
def raw() -> dict[str, Any]:
    """The fragment as plain data, to be damaged."""
    data: dict[str, Any] = yaml.safe_load(fragment_path().read_text(encoding="utf-8"))
    return data


def written(place: Path, raw: Any, name: str = "own.json") -> Path:
    target = place / name
    target.write_text(raw if isinstance(raw, str) else json.dumps(raw), encoding="utf-8")
    return target


# --- the fragment


def test_fragment_is_valid_openapi(raw: dict[str, Any]) -> None:
    openapi_spec_validator.validate(raw)
    assert raw["openapi"] == "3.0.0"


def test_fragment_has_the_nine_operations(fragment: Document) -> None:
    assert fragment.missing == frozenset()
    for key, fact in OPERATIONS.items():
        found = fragment.operations[key]
        assert (found.method, found.template, found.prefix) == (fact.method, fact.template, "")
        assert {int(status) for status in found.definition["responses"]} == {fact.success, 401, 403, 404}


def test_fragment_has_the_published_operation_ids(fragment: Document) -> None:
    ids = {key: operation.definition["operationId"] for key, operation in fragment.operations.items()}
    assert ids == {
        OperationKey.ATTACH: "AttachServiceToDeploymentStage",
        OperationKey.LIST: "ListEnvironmentDeploymentStage",
        OperationKey.CREATE: "CreateEnvironmentDeploymentStage",
        OperationKey.GET_STAGE: "getDeploymentStage",
        OperationKey.EDIT: "EditDeploymentStage",
        OperationKey.DELETE: "DeleteDeploymentStage",
        OperationKey.MOVE_BEFORE: "MoveBeforeDeploymentStage",
        OperationKey.MOVE_AFTER: "MoveAfterDeploymentStage",
        OperationKey.GET_SERVICE_STAGE: "getServiceDeploymentStage",
    }


def test_fragment_promises_no_more_than_the_contract(raw: dict[str, Any]) -> None:
    schemas = raw["components"]["schemas"]
    assert schemas["Stage"]["required"] == ["id", "created_at", "environment"]
    assert schemas["Service"]["required"] == ["id", "created_at"]
    assert schemas["Reference"]["required"] == ["id"]
    assert "required" not in schemas["StageList"]
    assert not [name for name, schema in schemas.items() if "additionalProperties" in schema]
    body = raw["paths"][OPERATIONS[ATTACH].template]["put"]["requestBody"]
    assert "required" not in body
    for name in ("Unauthorized", "Forbidden", "NotFound"):
        assert "content" not in raw["components"]["responses"][name]
    assert {scheme["type"] for scheme in raw["components"]["securitySchemes"].values()} == {"http", "apiKey"}


def test_fragment_examples_fit_their_schemas(fragment: Document, raw: dict[str, Any]) -> None:
    responses = raw["components"]["responses"]
    shown = {
        ATTACH: responses["StageList"]["content"]["application/json"]["example"],
        OperationKey.GET_STAGE: responses["Stage"]["content"]["application/json"]["example"],
    }
    for key, example in shown.items():
        assert fragment.response_problems(key, 200, example) == []
    body = raw["paths"][OPERATIONS[ATTACH].template]["put"]["requestBody"]["content"]["application/json"]
    assert all(fragment.body_accepted(ATTACH, example["value"]) for example in body["examples"].values())
    created = raw["components"]["requestBodies"]["StageRequest"]["content"]["application/json"]["example"]
    assert fragment.body_accepted(OperationKey.CREATE, created)


def test_importing_spec_does_not_import_schemathesis() -> None:
    code = "import sys, stagecheck.spec; stagecheck.spec.load(); print('schemathesis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- paths


def test_path_fills_and_encodes() -> None:
    assert path(ATTACH, deploymentStageId="a/b", serviceId="ü") == "/deploymentStage/a%2Fb/service/%C3%BC"
    with pytest.raises(KeyError, match="serviceId"):
        path(ATTACH, deploymentStageId="a")


# --- documents that are refused


def _swagger(raw: dict[str, Any]) -> None:
    del raw["openapi"]
    raw["swagger"] = "2.0"


def _remote(raw: dict[str, Any]) -> None:
    raw["components"]["schemas"]["Stage"]["properties"]["name"] = {"$ref": "http://127.0.0.1:9/name.yaml"}


def _dangling(raw: dict[str, Any]) -> None:
    raw["components"]["responses"]["Stage"] = {"$ref": "#/components/responses/Nowhere"}


def _circle(raw: dict[str, Any]) -> None:
    raw["components"]["schemas"]["Stage"] = {"$ref": "#/components/schemas/Stage"}


def _no_operation(raw: dict[str, Any]) -> None:
    raw["paths"] = {"/health": {"get": {"responses": {"200": {"description": "alive"}}}}}


def _undeclared_parameter(raw: dict[str, Any]) -> None:
    raw["paths"][OPERATIONS[ATTACH].template]["parameters"].pop()


@pytest.mark.parametrize(
    ("damage", "mend"),
    [
        (lambda raw: raw.pop("openapi"), "no `openapi` at the top"),
        (_swagger, "convert it to OpenAPI 3"),
        (lambda raw: raw.update(openapi="4.0.0"), "use 3.0, 3.1 or 3.2"),
        (lambda raw: raw.pop("info"), "is a required property; correct it there"),
        (_undeclared_parameter, "serviceId"),
        (_remote, "bundle everything into one file"),
        (_dangling, "points to nothing; correct or remove it"),
        (_circle, "leads back to itself"),
        (_no_operation, "no operation PUT /deploymentStage/{deploymentStageId}/service/{serviceId}; add it"),
    ],
)
def test_damaged_documents_are_refused_with_the_mend(
    damage: Any, mend: str, raw: dict[str, Any], tmp_path: Path
) -> None:
    damage(raw)
    target = written(tmp_path, raw)
    with pytest.raises(SpecError) as caught:
        load(target)
    message = str(caught.value)
    assert message.startswith(f"{target}: ")
    assert mend in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("a: b: c", "own.yaml:1:5: neither YAML nor JSON"),
        ("{", "own.yaml:1:2: neither YAML nor JSON"),
        ('{"openapi": "3.0.0",,}', "correct the syntax there"),
        ("[1, 2]", "a list at the top; name another file"),
        ("", "nothing at the top; name another file"),
        ("a: &a\n  b: *a\n", "contains itself by *a; remove the alias"),
    ],
)
def test_texts_that_are_no_document(text: str, mend: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(written(tmp_path, text, "own.yaml"))
    assert mend in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="name an OpenAPI document that exists"):
        load(tmp_path / "absent.yaml")
    with pytest.raises(SpecError, match="cannot be read"):
        load(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8 text"):
        load(binary)


# --- documents of users


def test_own_document_with_other_parameter_names_and_a_prefix(raw: dict[str, Any], tmp_path: Path) -> None:
    item = copy.deepcopy(raw["paths"][OPERATIONS[ATTACH].template])
    names = ("stage", "svc")
    item["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    raw["paths"] = {"/api/v1/deploymentStage/{stage}/service/{svc}": item}
    document = load(written(tmp_path, raw))
    assert set(document.operations) == {ATTACH}
    assert document.missing == frozenset(OperationKey) - {ATTACH}
    found = document.operations[ATTACH]
    assert found.prefix == "/api/v1"
    assert dict(found.names) == {"deploymentStageId": "stage", "serviceId": "svc"}
    assert document.response_problems(ATTACH, 200, {"results": [stage(entry())]}) == []
    assert document.response_problems(OperationKey.LIST, 200, "no such operation") == []


def test_a_path_of_its_own_goes_before_one_behind_a_prefix(raw: dict[str, Any], tmp_path: Path) -> None:
    template = OPERATIONS[ATTACH].template
    other = copy.deepcopy(raw["paths"][template])
    other["put"]["operationId"] = "other"
    raw["paths"] = {f"/v2{template}": other, **raw["paths"]}
    assert load(written(tmp_path, raw)).operations[ATTACH].prefix == ""


def test_a_parameter_in_front_is_no_prefix(raw: dict[str, Any], tmp_path: Path) -> None:
    template = OPERATIONS[ATTACH].template
    item = raw["paths"].pop(template)
    owner = {"name": "org", "in": "path", "required": True, "schema": {"type": "string"}}
    item["parameters"].append(owner)
    raw["paths"]["/organization/{org}" + template] = item
    assert ATTACH in load(written(tmp_path, raw)).missing


def test_yaml_and_json_are_the_same(raw: dict[str, Any], tmp_path: Path) -> None:
    text = yaml.safe_dump(raw).replace("'200':", "200:").replace("'204':", "204:")
    assert "\n        200:" in text
    as_yaml = load(written(tmp_path, text, "own.yaml"))
    as_json = load(written(tmp_path, raw))
    assert as_yaml.raw == as_json.raw
    assert as_yaml.response_problems(ATTACH, 200, []) == ["the answer: [] is not an object"]


def test_openapi_31(raw: dict[str, Any], tmp_path: Path) -> None:
    raw["openapi"] = "3.1.0"
    request = raw["components"]["schemas"]["StageRequest"]["properties"]["description"]
    del request["nullable"]
    request["type"] = ["string", "null"]
    raw["components"]["schemas"]["Stage"]["properties"]["name"] = {"type": ["string", "null"]}
    document = load(written(tmp_path, raw))
    assert document.body_accepted(OperationKey.CREATE, {"name": "a", "description": None})
    assert document.response_problems(OperationKey.GET_STAGE, 200, stage(name=None)) == []
    assert document.response_problems(OperationKey.GET_STAGE, 200, stage(name=1)) == ["name: 1 is not a string or null"]


def _property(raw: dict[str, Any], **schema: Any) -> None:
    raw["components"]["schemas"]["Stage"]["properties"]["x"] = schema


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "nullable": True}, [None, "a"], [1]),
        ({"type": "string", "enum": ["a"], "nullable": True}, [None, "a"], ["b"]),
        ({"allOf": [{"$ref": "#/components/schemas/Reference"}], "nullable": True}, [None, {"id": ID}], [{}]),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, [2], [1]),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": False}, [1], [0]),
        ({"type": "string", "format": "email"}, ["not an address"], [1]),
        (
            {"type": "object", "required": ["w"], "properties": {"w": {"type": "string", "writeOnly": True}}},
            [{}, {"w": "a"}],
            [{"w": 1}],
        ),
        (
            {"type": "object", "properties": {"nullable": {"type": "string"}}},
            [{"nullable": "a"}],
            [{"nullable": 1}],
        ),
        ({"$ref": "#/components/schemas/Reference", "nullable": True}, [{"id": ID}], [None]),
    ],
)
def test_dialect_of_openapi_30(
    schema: dict[str, Any], good: list[Any], bad: list[Any], raw: dict[str, Any], tmp_path: Path
) -> None:
    _property(raw, **schema)
    document = load(written(tmp_path, raw))
    assert [v for v in good if document.response_problems(OperationKey.GET_STAGE, 200, stage(x=v))] == []
    assert [v for v in bad if not document.response_problems(OperationKey.GET_STAGE, 200, stage(x=v))] == []


def test_nullable_reference_explains_what_is_wrong(raw: dict[str, Any], tmp_path: Path) -> None:
    _property(raw, allOf=[{"$ref": "#/components/schemas/Reference"}], nullable=True)
    document = load(written(tmp_path, raw))
    assert document.response_problems(OperationKey.GET_STAGE, 200, stage(x={})) == ["x.id is missing"]


def test_recursive_schema(raw: dict[str, Any], tmp_path: Path) -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Tree"}}}
    raw["components"]["schemas"]["Tree"] = tree
    _property(raw, **{"$ref": "#/components/schemas/Tree"})
    document = load(written(tmp_path, raw))
    found = document.response_problems(OperationKey.GET_STAGE, 200, stage(x={"next": {"next": 1}}))
    assert found == ["x.next.next: 1 is not an object"]


# --- statuses


def test_documented_statuses(fragment: Document, raw: dict[str, Any], tmp_path: Path) -> None:
    assert [fragment.documents_status(ATTACH, status) for status in (200, 401, 403, 404)] == [True] * 4
    assert [fragment.documents_status(ATTACH, status) for status in (201, 400, 422, 500)] == [False] * 4
    assert fragment.documents_status(OperationKey.DELETE, 204)
    error = {"description": "x", "content": {"application/json": {"schema": {"type": "object"}}}}
    raw["paths"][OPERATIONS[ATTACH].template]["put"]["responses"]["4XX"] = error
    document = load(written(tmp_path, raw))
    assert document.documents_status(ATTACH, 422)
    assert document.response_problems(ATTACH, 422, []) == ["the answer: [] is not an object"]
    assert document.response_problems(ATTACH, 404, []) == []


# --- answers


@pytest.mark.parametrize(
    "payload",
    [
        {"results": [stage(entry(), entry()), stage()]},
        {"results": []},
        {},
        {"results": [without(stage(), "updated_at", "name", "description", "deployment_order", "services")]},
        {"results": [stage(without(entry(), "updated_at", "service_id", "service_type", "is_skipped"))]},
        {"results": [stage(entry(new=1), new={})], "page": 1},
        {"results": [stage(entry(service_id=ID.upper(), created_at="2023-11-07t05:31:56.123456789z"))]},
        {"results": [stage(created_at="2016-12-31T23:59:60Z", updated_at="2023-11-07T05:31:56-00:00")]},
        {"results": [stage(name="\ud800")]},
    ],
)
def test_good_answers(payload: Any, fragment: Document) -> None:
    assert fragment.response_problems(ATTACH, 200, payload) == []


@pytest.mark.parametrize(
    ("payload", "problems"),
    [
        ([], ["the answer: [] is not an object"]),
        (None, ["the answer: null is not an object"]),
        ({"results": None}, ["results: null is not an array"]),
        (
            {"results": [{}]},
            [f"results[0].{name} is missing" for name in ("id", "created_at", "environment")],
        ),
        ({"results": [stage(environment={})]}, ["results[0].environment.id is missing"]),
        ({"results": [stage(id="7")]}, ["results[0].id: '7' is not a uuid"]),
        (
            {"results": [stage(id=ID.replace("-", ""))]},
            [f"results[0].id: '{ID.replace('-', '')}' is not a uuid"],
        ),
        ({"results": [stage(deployment_order="1")]}, ["results[0].deployment_order: '1' is not an integer"]),
        ({"results": [stage(description=7)]}, ["results[0].description: 7 is not a string or null"]),
        ({"results": [stage(name=None)]}, ["results[0].name: null is not a string"]),
        (
            {"results": [stage(entry(), entry(created_at="2023-02-30T00:00:00Z"))]},
            ["results[0].services[1].created_at: '2023-02-30T00:00:00Z' is not a date-time"],
        ),
        (
            {"results": [stage(), stage(entry(is_skipped="true"))]},
            ["results[1].services[0].is_skipped: 'true' is not a boolean"],
        ),
        ({"results": [stage(id="\ud800")]}, ["results[0].id: '?' is not a uuid"]),
    ],
)
def test_bad_answers(payload: Any, problems: list[str], fragment: Document) -> None:
    assert sorted(fragment.response_problems(ATTACH, 200, payload)) == sorted(problems)


def test_many_problems_are_counted_and_long_values_cut(fragment: Document) -> None:
    found = fragment.response_problems(ATTACH, 200, {"results": ["x" * 1000] * 50})
    assert len(found) == 21
    assert found[-1] == "… and 30 more"
    assert all(len(sentence) < 120 for sentence in found)


def test_one_stage_answers(fragment: Document) -> None:
    for key in (
        OperationKey.CREATE,
        OperationKey.GET_STAGE,
        OperationKey.EDIT,
        OperationKey.GET_SERVICE_STAGE,
    ):
        assert fragment.response_problems(key, 200, stage(entry())) == []
        assert fragment.response_problems(key, 200, {"results": []}) != []
    assert fragment.response_problems(OperationKey.DELETE, 204, None) == []


# --- request bodies


@pytest.mark.parametrize(
    ("key", "body", "accepted"),
    [
        (ATTACH, ABSENT, True),
        (ATTACH, {}, True),
        (ATTACH, {"is_skipped": True, "more": [1]}, True),
        (ATTACH, {"is_skipped": None}, False),
        (ATTACH, {"is_skipped": "true"}, False),
        (ATTACH, [], False),
        (ATTACH, None, False),
        (OperationKey.CREATE, ABSENT, False),
        (OperationKey.CREATE, {}, False),
        (OperationKey.CREATE, {"name": "a", "description": None}, True),
        (OperationKey.GET_STAGE, ABSENT, True),
        (OperationKey.GET_STAGE, {}, False),
    ],
)
def test_request_bodies(key: OperationKey, body: Any, accepted: bool, fragment: Document) -> None:
    assert fragment.body_accepted(key, body) is accepted
