"""`spec check`: the fragment is clean, and each damage is named, with its rule, its line and its column."""

from __future__ import annotations

import copy
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from spec.damages import DAMAGES, MARK, SILENCES, Damage
from stagecheck.contract import CATALOGUE
from stagecheck.operations import OPERATIONS, OperationKey
from stagecheck.spec import fragment_path, read
from stagecheck.spec.lint import RULES, Severity, check, examples
from stagecheck.spec.positions import Place
from stagecheck.spec.writing import as_json, as_yaml

BOUND_SECONDS = 10.0
FRAGMENT = fragment_path().read_text(encoding="utf-8")


def damaged(damage: Damage, folder: Path) -> tuple[Path, Place | None]:
    """The damaged fragment as a file, and where its mark was."""
    assert FRAGMENT.count(damage.old) == 1, "the edit has to be of one place of the fragment"
    text = FRAGMENT.replace(damage.old, damage.new)
    before, mark, _ = text.partition(MARK)
    place = Place(before.count("\n") + 1, len(before) - before.rfind("\n")) if mark else None
    file = folder / "damaged.yaml"
    file.write_text(text.replace(MARK, ""), encoding="utf-8")
    return file, place


def test_the_fragment_is_clean() -> None:
    checked = check(fragment_path())
    assert checked.findings == ()
    assert (len(checked.operations), checked.others, checked.version) == (9, 0, "3.0.0")


@pytest.mark.parametrize("damage", [*DAMAGES, *SILENCES], ids=lambda damage: damage.name)
def test_a_damage_is_named_at_its_place(damage: Damage, tmp_path: Path) -> None:
    file, place = damaged(damage, tmp_path)
    findings = check(file).findings
    found = [finding for finding in findings if finding.rule.id == damage.rule]
    assert found, [(finding.rule.id, str(finding.place), finding.message) for finding in findings]
    assert {finding.severity.value for finding in found} == {damage.severity}
    if place is not None:
        assert place in [finding.place for finding in found], [str(finding.place) for finding in found]
    others = {finding.rule.id for finding in findings} - {damage.rule, *damage.also}
    assert others == set(), "a damage is named as what it is, and as nothing else"


def test_there_are_enough_damages() -> None:
    assert len(DAMAGES) >= 25
    assert len({damage.name for damage in (*DAMAGES, *SILENCES)}) == len(DAMAGES) + len(SILENCES)
    assert {damage.rule for damage in DAMAGES} <= set(RULES)


# --- documents of other make


def written(folder: Path, raw: Any, name: str = "own.yaml") -> Path:
    file = folder / name
    file.write_text(as_json(raw) if name.endswith(".json") else as_yaml(raw), encoding="utf-8")
    return file


@pytest.fixture
def raw() -> dict[str, Any]:
    return copy.deepcopy(read(fragment_path()).raw)


def ids(file: Path) -> list[str]:
    return [finding.rule.id for finding in check(file).findings]


def vendor(raw: dict[str, Any]) -> dict[str, Any]:
    """The same contract as a vendor writes it: allOf with a common base, an inline body, other names, more of all."""
    schemas = raw["components"]["schemas"]
    base: dict[str, Any] = {"type": "object", "required": ["id", "created_at"], "properties": {}}
    for name in ("id", "created_at", "updated_at"):
        base["properties"][name] = {**schemas["Stage"]["properties"][name], "readOnly": True}
    schemas["Base"] = base
    for name, required in (("Stage", ["environment"]), ("Service", None)):
        own = {key: value for key, value in schemas[name]["properties"].items() if key not in base["properties"]}
        rest = {"type": "object", "properties": own} | ({"required": required} if required else {})
        schemas[f"{name}Response"] = {"allOf": [{"$ref": "#/components/schemas/Base"}, rest]}
        del schemas[name]
    text = as_json(raw).replace('schemas/Stage"', 'schemas/StageResponse"')
    whole: dict[str, Any] = json.loads(text.replace('schemas/Service"', 'schemas/ServiceResponse"'))
    put = whole["paths"][OPERATIONS[OperationKey.ATTACH].template]["put"]
    put["requestBody"]["content"]["application/json"]["schema"] = whole["components"]["schemas"].pop(
        "AttachServiceRequest"
    )
    for number in range(3):
        answer = {
            "200": {
                "description": "x",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Base"}}},
            }
        }
        whole["paths"][f"/thing{number}"] = {"get": {"responses": answer}, "post": {"responses": answer}}
    return whole


def as_31(raw: dict[str, Any]) -> dict[str, Any]:
    """The same contract in OpenAPI 3.1: null is a type there."""

    def turned(value: Any) -> Any:
        if isinstance(value, list):
            return [turned(item) for item in value]
        if not isinstance(value, dict):
            return value
        whole = {name: turned(item) for name, item in value.items() if name != "nullable"}
        return {**whole, "type": [whole["type"], "null"]} if value.get("nullable") is True else whole

    return {**turned(raw), "openapi": "3.1.0"}


@pytest.mark.parametrize("name", ["own.yaml", "own.json"])
@pytest.mark.parametrize("make", [lambda raw: raw, vendor, as_31, lambda raw: as_31(vendor(raw))])
def test_the_same_contract_in_another_form_is_clean(make: Any, name: str, raw: dict[str, Any], tmp_path: Path) -> None:
    checked = check(written(tmp_path, make(raw), name))
    assert [(finding.rule.id, finding.message) for finding in checked.findings] == []
    assert len(checked.operations) == 9


def test_other_operations_are_counted_and_not_looked_at(raw: dict[str, Any], tmp_path: Path) -> None:
    assert check(written(tmp_path, vendor(raw))).others == 6


def test_in_json_a_damage_has_its_place_as_well(raw: dict[str, Any], tmp_path: Path) -> None:
    raw["components"]["schemas"]["Stage"]["properties"]["deployment_order"]["format"] = "int32"
    raw["components"]["schemas"]["Service"]["properties"]["service_type"]["enum"] = ["JOB"]
    file = written(tmp_path, raw, "own.json")
    (found,) = [one for one in check(file).findings if one.rule.id == "answer-narrowed"]
    line = file.read_text(encoding="utf-8").splitlines()[found.place.line - 1]
    assert line[found.place.column - 1 :].startswith('"enum"')


def test_behind_a_reference_the_damage_is_where_it_is_written(raw: dict[str, Any], tmp_path: Path) -> None:
    raw = vendor(raw)
    del raw["components"]["schemas"]["Base"]["required"]
    found = check(written(tmp_path, raw)).findings
    assert {finding.pointer for finding in found} == {"/components/schemas/Base"}
    assert {finding.rule.id for finding in found} == {"property-optional"}


ATTACH = OPERATIONS[OperationKey.ATTACH].template


def _flag(raw: dict[str, Any]) -> dict[str, Any]:
    flag: dict[str, Any] = raw["components"]["schemas"]["AttachServiceRequest"]["properties"]["is_skipped"]
    return flag


def _body(raw: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = raw["components"]["schemas"]["AttachServiceRequest"]
    return body


def _named(raw: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = raw["components"]["schemas"]["StageRequest"]
    return body


def _put(raw: dict[str, Any]) -> dict[str, Any]:
    put: dict[str, Any] = raw["paths"][ATTACH]["put"]
    return put


@pytest.mark.parametrize(
    ("damage", "rule", "severity"),
    [
        (lambda raw: _flag(raw).pop("type"), "flag-type", "warning"),
        (lambda raw: _flag(raw).update(enum=[False]), "body-narrowed", "error"),
        (lambda raw: _body(raw).pop("type"), "body-loose", "warning"),
        (lambda raw: _body(raw).update(required=["x"]), "body-narrowed", "error"),
        (lambda raw: raw["components"]["schemas"]["StageRequest"].pop("required"), "body-loose", "warning"),
        (lambda raw: _named(raw)["properties"]["name"].pop("type"), "body-loose", "warning"),
        (
            lambda raw: raw["components"]["schemas"]["StageRequest"]["properties"]["description"].pop("nullable"),
            "body-narrowed",
            "error",
        ),
        (lambda raw: raw["components"]["parameters"]["serviceId"].update(schema={}), "parameter-type", "warning"),
        (lambda raw: raw["components"]["responses"].update(Stage={"description": "x"}), "answer-missing", "error"),
        (lambda raw: _put(raw).update(security=[]), "security-optional", "error"),
        (lambda raw: raw.pop("security"), "security-bearer", "error"),
        (lambda raw: _put(raw).update(security=[{"bearerAuth": []}]), "security-token", "warning"),
        (lambda raw: _put(raw)["responses"].pop("404"), "status-missing", "warning"),
        (
            lambda raw: raw["components"]["schemas"]["Stage"]["properties"]["name"].update(nullable=True),
            "property-nullable",
            "warning",
        ),
        (
            lambda raw: raw["components"]["schemas"]["Stage"]["properties"].update(deployment_order={}),
            "property-type",
            "warning",
        ),
        (
            lambda raw: raw["components"]["schemas"]["Service"]["properties"]["service_id"].pop("format"),
            "property-format",
            "warning",
        ),
        (
            lambda raw: raw["components"]["schemas"]["Service"]["properties"]["service_id"].update(format="email"),
            "property-format",
            "error",
        ),
    ],
)
def test_what_is_loosened_or_tightened_is_named(
    damage: Any, rule: str, severity: str, raw: dict[str, Any], tmp_path: Path
) -> None:
    damage(raw)
    found = check(written(tmp_path, raw)).findings
    assert {(finding.rule.id, finding.severity.value) for finding in found if finding.rule.id != "example-invalid"} == {
        (rule, severity)
    }


# --- what could be worse than damaged


def _allof_bomb(raw: dict[str, Any]) -> None:
    schemas = raw["components"]["schemas"]
    schemas["L0"] = {"type": "object"}
    for level in range(1, 40):
        schemas[f"L{level}"] = {"allOf": [{"$ref": f"#/components/schemas/L{level - 1}"}] * 2}


def _reached_bomb(raw: dict[str, Any]) -> None:
    _allof_bomb(raw)
    raw["components"]["schemas"]["Stage"] = {"anyOf": [{"$ref": "#/components/schemas/L39"}] * 2}


def _chain(raw: dict[str, Any]) -> None:
    schemas = raw["components"]["schemas"]
    schemas |= {f"C{number}": {"$ref": f"#/components/schemas/C{number + 1}"} for number in range(500)}
    schemas["C500"] = {"type": "object"}


def _many_flaws(raw: dict[str, Any]) -> None:
    raw["components"]["schemas"] |= {f"F{number}": {"type": "int", "format": number} for number in range(500)}


def _many_examples(raw: dict[str, Any]) -> None:
    schemas = raw["components"]["schemas"]
    for number in range(60):
        below = {"$ref": f"#/components/schemas/E{number + 1}"}
        schemas[f"E{number}"] = {"type": "object", "properties": {"a": below}, "example": {"a": {}}}
    schemas["E60"] = {"type": "object"}
    schemas["Stage"]["properties"]["deep"] = {"$ref": "#/components/schemas/E0"}


def _own_parts(raw: dict[str, Any]) -> None:
    schemas = raw["components"]["schemas"]
    schemas["A"] = {"allOf": [{"$ref": "#/components/schemas/B"}]}
    schemas["B"] = {"allOf": [{"$ref": "#/components/schemas/A"}]}


def _circle(raw: dict[str, Any]) -> None:
    raw["components"]["schemas"]["Stage"] = {"$ref": "#/components/schemas/StageToo"}
    raw["components"]["schemas"]["StageToo"] = {"$ref": "#/components/schemas/Stage"}


def _path_circle(raw: dict[str, Any]) -> None:
    raw["paths"]["/x"] = {"$ref": "#/paths/~1x"}


def _deep(raw: dict[str, Any]) -> None:
    schema: dict[str, Any] = {}
    for _ in range(95):
        schema = {"properties": {"a": schema}}
    raw["components"]["schemas"]["Deep"] = schema


def _no_structure(raw: dict[str, Any]) -> None:
    raw["paths"] = ["x"]
    raw["components"] = "y"


def _odd_values(raw: dict[str, Any]) -> None:
    put = raw["paths"][OPERATIONS[OperationKey.ATTACH].template]["put"]
    put.update(responses=["200"], parameters={"a": 1}, requestBody=7, security={"x": 1}, description=["x"])


def _odd_schemas(raw: dict[str, Any]) -> None:
    raw["components"]["schemas"] |= {"Stage": {"properties": [], "required": "id", "allOf": {}}, "Service": 7}


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (_allof_bomb, "document-invalid"),
        (_reached_bomb, "document-invalid"),
        (_chain, "reference-broken"),
        (_many_flaws, "document-invalid"),
        (_own_parts, "document-invalid"),
        (_circle, "reference-broken"),
        (_path_circle, "reference-broken"),
        (_deep, None),
        (_no_structure, "document-invalid"),
        (_odd_values, "document-invalid"),
        (_odd_schemas, "document-invalid"),
        (lambda raw: raw.pop("paths"), "document-invalid"),
        (lambda raw: raw.pop("components"), "reference-broken"),
        (lambda raw: raw.update(openapi="3.1.0", jsonSchemaDialect="https://127.0.0.1:9/dialect"), "document-invalid"),
    ],
)
def test_whatever_is_in_a_document_it_is_judged(
    damage: Any, rule: str | None, raw: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(raw)
    file = written(tmp_path, raw, "own.json")
    monkeypatch.setattr(socket, "socket", None)
    began = time.monotonic()
    found = ids(file)
    assert time.monotonic() - began < BOUND_SECONDS
    assert rule in found if rule else found == []


def test_examples_of_large_schemas_are_checked_within_bounds(
    raw: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _many_examples(raw)
    file = written(tmp_path, raw, "own.json")
    assert ids(file) == []
    monkeypatch.setattr(examples, "MOST_CONVERTED", 2_000)
    assert ids(file) == ["document-unvalidated"]


def test_a_schema_that_contains_itself_by_a_property_is_no_fault(raw: dict[str, Any], tmp_path: Path) -> None:
    raw["components"]["schemas"]["Reference"]["properties"]["parent"] = {"$ref": "#/components/schemas/Reference"}
    tree = {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
    raw["components"]["schemas"]["Tree"] = tree
    tree_of = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/TreeOf"}}]}
    raw["components"]["schemas"]["TreeOf"] = tree_of
    assert ids(written(tmp_path, raw)) == []
    raw["components"]["schemas"]["AllOf"] = {"allOf": [{"$ref": "#/components/schemas/Tree"}]}
    assert ids(written(tmp_path, raw)) == ["document-unvalidated"]


def test_nothing_of_the_contract_at_all(tmp_path: Path) -> None:
    file = written(tmp_path, {"openapi": "3.0.3", "info": {"title": "x", "version": "1"}, "paths": {}})
    checked = check(file)
    assert [one.rule.id for one in checked.findings] == ["operation-missing"] * 9
    assert (checked.count(Severity.ERROR), checked.count(Severity.NOTE)) == (1, 8)


def test_every_rule_is_tied_to_requirements_that_there_are() -> None:
    for rule in RULES.values():
        assert set(rule.requirements) <= set(CATALOGUE)
        assert rule.requirements or rule.id.split("-")[0] in (
            "document",
            "name",
            "reference",
            "schema",
            "method",
            "operation",
        )
