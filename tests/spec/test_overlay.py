"""Overlays: the examples of the Overlay Specification 1.0.0, what is refused, and the strict overlay of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stagecheck.errors import SpecError
from stagecheck.operations import OPERATIONS, OperationKey
from stagecheck.spec import Document, fragment_path, load, overlay_path, read
from stagecheck.spec.lint import Severity, check
from stagecheck.spec.overlay import Applied, apply, load_overlay, unmatched
from stagecheck.spec.writing import as_json, as_yaml

HEAD = "overlay: 1.0.0\ninfo: {title: Test, version: 1.0.0}\n"
PETS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1.0.0"},
    "servers": [{"url": "https://a.example"}, {"url": "https://b.example"}],
    "tags": ["one"],
    "paths": {
        "/": {"get": {"summary": "Root"}},
        "/pets": {
            "get": {
                "parameters": [
                    {"name": "filter", "in": "query", "schema": {"type": "string"}},
                    {"name": "dummy", "in": "query"},
                    {"name": "filter", "in": "header"},
                ]
            },
            "post": {"x-kept": True},
        },
    },
}


def overlaid(folder: Path, actions: str, document: dict[str, Any] | None = None) -> Applied:
    file = folder / "overlay.yaml"
    file.write_text(f"{HEAD}actions:\n{actions}")
    return apply(load_overlay(file), PETS if document is None else document)


# --- the examples of the specification, its section 4.4.3.2 and following, on a document of ours


def test_structured_example(tmp_path: Path) -> None:
    update = {
        "info": {"x-overlay-applied": "structured-overlay"},
        "paths": {
            "/": {
                "summary": "The root resource",
                "get": {"summary": "Retrieve the root resource", "x-rate-limit": 100},
            },
            "/pets": {"get": {"summary": "Retrieve a list of pets", "x-rate-limit": 100}},
        },
        "components": None,
    }
    raw = overlaid(tmp_path, f"  - {{target: $, update: {as_json(update)}}}").raw
    assert raw["info"] == {"title": "Pets", "version": "1.0.0", "x-overlay-applied": "structured-overlay"}
    assert raw["paths"]["/"] == {
        "summary": "The root resource",
        "get": {"summary": "Retrieve the root resource", "x-rate-limit": 100},
    }
    assert raw["paths"]["/pets"]["get"]["x-rate-limit"] == 100
    assert len(raw["paths"]["/pets"]["get"]["parameters"]) == 3
    assert raw["paths"]["/pets"]["post"] == {"x-kept": True}
    assert raw["components"] is None


def test_targeted_example(tmp_path: Path) -> None:
    raw = overlaid(
        tmp_path,
        "  - {target: \"$.paths['/'].get\", update: {description: new}}\n"
        "  - {target: \"$.paths['/pets'].get\", update: {description: changed}}\n"
        "  - target: $.paths['/pets']\n    update: {post: {description: of a child, x-safe: false}}\n",
    ).raw
    assert raw["paths"]["/"]["get"] == {"summary": "Root", "description": "new"}
    assert raw["paths"]["/pets"]["get"]["description"] == "changed"
    assert raw["paths"]["/pets"]["post"] == {"x-kept": True, "description": "of a child", "x-safe": False}


def test_wildcard_example(tmp_path: Path) -> None:
    applied = overlaid(
        tmp_path,
        "  - {target: $.paths.*.get, update: {x-safe: true}}\n"
        "  - target: $.paths.*.get.parameters[?@.name=='filter' && @.in=='query']\n"
        "    update: {schema: {$ref: '/components/schemas/filterSchema'}}\n",
    )
    assert applied.changed == (2, 1)
    assert applied.raw["paths"]["/"]["get"]["x-safe"] is True
    parameters = applied.raw["paths"]["/pets"]["get"]["parameters"]
    assert parameters[0]["schema"] == {"type": "string", "$ref": "/components/schemas/filterSchema"}
    assert "schema" not in parameters[2]


def test_array_examples(tmp_path: Path) -> None:
    added = overlaid(tmp_path, "  - {target: $.paths.*.get.parameters, update: {name: newParam, in: query}}\n")
    assert added.raw["paths"]["/pets"]["get"]["parameters"][3:] == [{"name": "newParam", "in": "query"}]
    removed = overlaid(tmp_path, "  - {target: \"$.paths.*.get.parameters[?@.name == 'dummy']\", remove: true}\n")
    assert [one["name"] for one in removed.raw["paths"]["/pets"]["get"]["parameters"]] == ["filter", "filter"]


def test_traits_example_is_told_how_to_be_written(tmp_path: Path) -> None:
    """The specification writes ``@.x-oai-traits.paged``, which RFC 9535 does not allow; in brackets it works."""
    with pytest.raises(SpecError, match=r"overlay\.yaml:4:6: not a JSONPath of RFC 9535 .* a name with a hyphen"):
        overlaid(tmp_path, "  - {target: '$.paths.*.get[?@.x-oai-traits.paged]', update: {}}\n")
    items = {"paths": {"/items": {"get": {"x-oai-traits": ["paged"]}, "put": {"x-oai-traits": []}}}}
    target = "$.paths.*[?@['x-oai-traits'][?@ == 'paged']]"
    raw = overlaid(tmp_path, f'  - {{target: "{target}", update: {{parameters: [{{name: top}}]}}}}\n', items).raw
    assert raw["paths"]["/items"]["get"]["parameters"] == [{"name": "top"}]
    assert "parameters" not in raw["paths"]["/items"]["put"]


# --- what else the specification says


def test_actions_see_what_the_one_before_left(tmp_path: Path) -> None:
    applied = overlaid(
        tmp_path,
        "  - {target: $.servers, remove: true}\n  - {target: $, update: {servers: [{url: 'http://sandbox'}]}}\n"
        "  - {target: '$.servers[0]', update: {description: ours}}\n",
    )
    assert applied.raw["servers"] == [{"url": "http://sandbox", "description": "ours"}]


def test_what_is_merged(tmp_path: Path) -> None:
    raw = overlaid(
        tmp_path,
        "  - target: $\n    update: {tags: [two], info: {title: New, contact: {name: me}}, servers: none}\n"
        "  - {target: $.tags, update: [three]}\n  - {target: $.tags, update: four}\n",
    ).raw
    # Lists within an update are joined, what is appended to a list is one entry, another kind takes the place.
    assert raw["tags"] == ["one", "two", ["three"], "four"]
    assert raw["info"] == {"title": "New", "version": "1.0.0", "contact": {"name": "me"}}
    assert raw["servers"] == "none"


def test_removing(tmp_path: Path) -> None:
    applied = overlaid(
        tmp_path,
        "  - {target: '$.servers[*]', remove: true, update: {ignored: true}}\n"
        "  - {target: '$..parameters[0,2,0]', remove: true}\n  - {target: $.nowhere, remove: true}\n"
        "  - {target: $.paths, remove: false}\n",
    )
    assert applied.changed == (2, 2, 0, 1)
    assert applied.raw["servers"] == []
    assert [one["name"] for one in applied.raw["paths"]["/pets"]["get"]["parameters"]] == ["dummy"]


def test_what_lies_in_what_is_removed_is_removed_first(tmp_path: Path) -> None:
    nested: dict[str, Any] = {"a": {"x": {"x": {"x": {}}}}}
    assert overlaid(tmp_path, "  - {target: $..x, remove: true}\n", nested).raw == {"a": {}}


def test_the_document_is_left_alone(tmp_path: Path) -> None:
    shared: dict[str, Any] = {}
    document = {"a": shared, "b": shared}
    raw = overlaid(tmp_path, "  - {target: $.a, update: {c: 1}}\n", document).raw
    assert (raw, document) == ({"a": {"c": 1}, "b": {}}, {"a": {}, "b": {}})


def test_a_target_that_selects_nothing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "overlay.yaml"
    file.write_text(f"{HEAD}actions:\n  - {{target: $.info, update: {{}}}}\n  - target: $.inof\n    update: {{}}\n")
    overlay = load_overlay(file)
    assert list(unmatched(overlay, apply(overlay, PETS))) == [f"{file}:5:5: $.inof selects nothing"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n", "1:1: not an overlay"),
        ("overlay: 1.1.0\n", "1:1: Overlay 1.1.0 is not understood; write 1.0.0"),
        ("overlay: 1.0\n", "1:1: Overlay 1.0 is not understood"),
        ("overlay: 1.0.0\nactions: []\n", "info is no mapping"),
        ("overlay: 1.0.0\ninfo: {version: 1.0.0}\n", "2:1: info has no title"),
        (HEAD, "actions is no list, or an empty one"),
        (HEAD + "actions: []\n", "3:1: actions is no list, or an empty one"),
        (HEAD + "extends: [1]\nactions: [{target: $}]\n", "3:1: extends is no text"),
        (HEAD + "action: []\n", "3:1: unknown action; known are actions, extends, info, overlay, and x-"),
        (HEAD + "actions:\n  - update: {}\n", "4:5: target is no JSONPath"),
        (HEAD + "actions:\n  - {target: info}\n", "4:6: target is no JSONPath; write one that begins with $"),
        (HEAD + "actions:\n  - {target: $.a.., update: {}}\n", "4:6: not a JSONPath of RFC 9535"),
        (HEAD + "actions:\n  - {target: $.a, remove: 1}\n", "4:19: remove is neither true nor false"),
        (HEAD + "actions:\n  - {target: $.a, copy: $.b}\n", "4:19: unknown copy"),
        (HEAD + "actions: [x]\n", "3:11: an action is a mapping"),
        (HEAD + "actions: [{target: $.info.title, update: x}]\n", '3:12: $.info.title selects "Pets", neither'),
        (HEAD + "actions: [{target: $.info, update: x}]\n", "3:28: $.info selects an object, and update is none"),
        (HEAD + "actions: [{target: $, remove: true}]\n", "the whole document would be removed"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "overlay.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as refused:
        apply(load_overlay(file), PETS)
    assert str(refused.value).startswith(f"{file}:")
    assert words in str(refused.value)


def test_a_target_that_multiplies_is_bounded(tmp_path: Path) -> None:
    target = f"$.a[{','.join(['*'] * 300)}]"
    with pytest.raises(SpecError, match="selects more than 100,000 nodes"):
        overlaid(tmp_path, f"  - {{target: '{target}', update: {{}}}}\n", {"a": [{} for _ in range(400)]})


# --- the strict overlay


@pytest.fixture(scope="module")
def strict() -> Document:
    document = load(strict=True).strict
    assert document is not None
    return document


def test_the_strict_document_describes_the_refusals(strict: Document) -> None:
    for status in (400, 401, 403, 404, 409, 415, 422):
        assert strict.documents_status(OperationKey.ATTACH, status)
    for key in OPERATIONS:
        assert strict.documents_status(key, 400)


def test_the_strict_document_asks_for_what_shows_the_state(strict: Document) -> None:
    published = load()
    entry = {"id": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "created_at": "2023-11-07T05:31:56Z"}
    stage = {**entry, "environment": {"id": entry["id"]}}
    whole = {"results": [{**stage, "services": [{**entry, "service_id": entry["id"]}]}]}
    assert strict.response_problems(OperationKey.ATTACH, 200, whole) == []
    for lacking, named in (
        ({}, "results is missing"),
        ({"results": [stage]}, "results[0].services is missing"),
        ({"results": [{**stage, "services": [entry]}]}, "results[0].services[0].service_id is missing"),
    ):
        assert published.response_problems(OperationKey.ATTACH, 200, lacking) == []
        assert strict.response_problems(OperationKey.ATTACH, 200, lacking) == [named]


def test_every_action_of_the_strict_overlay_changes_something() -> None:
    overlay = load_overlay(overlay_path())
    assert list(unmatched(overlay, apply(overlay, read(fragment_path()).raw))) == []


def test_the_strict_document_is_still_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "strict.yaml"
    file.write_text(as_yaml(apply(load_overlay(overlay_path()), read(fragment_path()).raw).raw), encoding="utf-8")
    checked = check(file)
    assert checked.count(Severity.ERROR) == 0
    assert {finding.rule.id for finding in checked.findings} == {"property-required"}


# --- what is written is read again as the same


@pytest.mark.parametrize("written", [as_yaml, as_json])
def test_what_is_written_is_read_as_the_same(tmp_path: Path, written: Any) -> None:
    value = {
        "texts": ["yes", "null", "1", "1e3", "0o17", "0x1f", "3.0.0", "2024-02-01", "12:30", "", " a", "a: b", "- a"],
        "lines": "one\ntwo\n\n  three\n",
        "numbers": [1, 1.5, -2, 1e300, 0],
        "others": [None, True, False, {}, [], {"é": "ü 😀"}],
        "200": {"on": "off"},
    }
    file = tmp_path / "own.yaml"
    file.write_text(written(value), encoding="utf-8")
    assert read(file).raw == value
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["texts"] == value["texts"]
