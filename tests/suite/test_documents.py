"""Runs held against other documents: the strict one, and those in which something is missing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stagecheck import spec
from stagecheck.audit import conforming as own_way
from stagecheck.audit.variants import VARIANTS
from stagecheck.launch import exit_code
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.operations import OPERATIONS, OperationKey
from stagecheck.outcome import Grade, Level, RunResult, Verdict
from suite import rig as rigs
from suite.rig import by_id, rig

ATTACH = OPERATIONS[OperationKey.ATTACH].template
LIST = OPERATIONS[OperationKey.LIST].template


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunResult]:
    """A run against a document of ours, of the shapes alone unless told otherwise."""

    def run(document: spec.Document, mock: Mock | None = None) -> RunResult:
        monkeypatch.setattr(rigs, "DOCUMENT", document)
        return rig(mock, selected={"SHAPE-1", "SHAPE-2", "SHAPE-3", "ERR-4"}).run()

    return run


@pytest.fixture
def without_some_services() -> Mock:
    """Conforming: a stage without services has no property services."""
    return own_way.Dressed(embedded(), stage=own_way.without_empty_services)


def test_the_mocked_target_is_strict(held: Callable[..., RunResult]) -> None:
    result = held(spec.load(strict=True))
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING


def test_what_the_published_document_lets_be_is_no_violation(
    held: Callable[..., RunResult], without_some_services: Mock
) -> None:
    result = held(spec.load(), without_some_services)
    assert result.violations == ()
    assert exit_code(result, strict=True) == 0


def test_what_only_the_strict_document_forbids_is_a_should(
    held: Callable[..., RunResult], without_some_services: Mock
) -> None:
    result = held(spec.load(strict=True), without_some_services)
    assert {violation.breach.level for violation in result.violations} == {Level.SHOULD}
    assert {violation.breach.requirement for violation in result.violations} == {"SHAPE-1"}
    assert all(violation.breach.cause.startswith("strict:") for violation in result.violations)
    assert by_id(result)["SHAPE-1"].grade is Grade.NON_STRICT
    assert result.verdict is Verdict.NON_STRICT
    assert (exit_code(result, strict=False), exit_code(result, strict=True)) == (0, 1)
    assert "services is missing" in result.violations[0].breach.actual


def test_what_the_published_document_forbids_is_a_must_when_strict_too(held: Callable[..., RunResult]) -> None:
    nameless = own_way.Dressed(embedded(), stage=own_way.without("created_at"))
    result = held(spec.load(strict=True), nameless)
    assert {violation.breach.level for violation in result.violations} == {Level.MUST}
    assert exit_code(result, strict=False) == 1


# --- documents in which something is missing


def _no_attach(raw: dict[str, Any]) -> None:
    del raw["paths"][ATTACH]


def _no_list(raw: dict[str, Any]) -> None:
    del raw["paths"][LIST]


def _no_answers(raw: dict[str, Any]) -> None:
    for name in ("StageList", "Stage"):
        del raw["components"]["responses"][name]["content"]


def _no_success(raw: dict[str, Any]) -> None:
    responses = raw["paths"][ATTACH]["put"]["responses"]
    responses["201"] = responses.pop("200")


def _other_media(raw: dict[str, Any]) -> None:
    raw["components"]["responses"]["StageList"]["content"] = {"text/plain": {"schema": {"type": "string"}}}


def _no_body(raw: dict[str, Any]) -> None:
    del raw["paths"][ATTACH]["put"]["requestBody"]


def _no_security(raw: dict[str, Any]) -> None:
    del raw["security"], raw["components"]["securitySchemes"]


def _no_formats(raw: dict[str, Any]) -> None:
    for parameter in raw["components"]["parameters"].values():
        parameter["schema"] = {}


def _no_flag(raw: dict[str, Any]) -> None:
    del raw["components"]["schemas"]["Service"]["properties"]["is_skipped"]
    raw["components"]["schemas"]["Stage"]["properties"]["environment"] = {}


@pytest.mark.parametrize(
    ("damage", "notes"),
    [
        (
            _no_flag,
            [
                "says nothing of results[].environment, results[].services[].is_skipped in the 200 of attach: its form",
                "says nothing of results[].environment, results[].services[].is_skipped in the 200 of list: its form",
                "says nothing of environment, services[].is_skipped in the 200 of get-stage: its form",
                "says nothing of environment, services[].is_skipped in the 200 of get-service-stage: its form",
            ],
        ),
        (_no_attach, [f"has no PUT {ATTACH}: no inputs are generated for attach"]),
        (_no_list, [f"has no GET {LIST}: no inputs are generated for list"]),
        (_no_success, ["has no JSON schema for the 200 of attach"]),
        (_other_media, ["has no JSON schema for the 200 of attach", "has no JSON schema for the 200 of list"]),
        (_no_body, ["has no JSON body for attach: none is generated"]),
        (_no_security, ["names no security scheme: AUTH-* are judged by the contract alone"]),
        (_no_formats, []),
    ],
)
def test_what_is_missing_is_said_and_is_no_violation(
    held: Callable[..., RunResult], damage: Any, notes: list[str], tmp_path: Path
) -> None:
    result = held(_document(tmp_path, damage))
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    said = [note for note in result.notes if "own.json" in note]
    assert len(said) == len(notes)
    assert all(words in note for words, note in zip(notes, said, strict=True))


def test_without_any_answer_the_form_is_not_tested(held: Callable[..., RunResult], tmp_path: Path) -> None:
    shape = by_id(held(_document(tmp_path, _no_answers)))["SHAPE-1"]
    assert (shape.grade, shape.exercised) == (Grade.NOT_TESTED, 0)
    assert shape.reason is not None
    assert shape.reason.endswith("has no JSON schema for any answer of the target")


def _document(folder: Path, damage: Callable[[dict[str, Any]], None]) -> spec.Document:
    raw = copy.deepcopy(dict(spec.load().raw))
    damage(raw)
    file = folder / "own.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    return spec.load(file)


@pytest.mark.parametrize("name", ["minimal-answers", "required-properties-alone", "extra-properties"])
def test_no_conforming_variant_breaks_a_must_of_the_strict_document(held: Callable[..., RunResult], name: str) -> None:
    result = held(spec.load(strict=True), VARIANTS[name].mock(VARIANTS[name].scenario()))
    assert {violation.breach.level for violation in result.violations} <= {Level.SHOULD}
    assert exit_code(result, strict=False) in (0, 3)
