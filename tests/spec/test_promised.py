from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Promised
from stagecheck.spec import fragment_path, load, read
from stagecheck.spec.promised import fingerprint_of, promises_of

TEXT = fragment_path().read_text(encoding="utf-8")
LINES = TEXT.splitlines()
ATTACH = "/deploymentStage/{deploymentStageId}/service/{serviceId}"


def promised(raw: dict[str, Any], tmp_path: Path) -> tuple[dict[str, Promised], list[str]]:
    """Of a document as JSON: the places, and its lines."""
    file = tmp_path / "own.json"
    file.write_text(json.dumps(raw, indent=1))
    return promises_of(load(file), CATALOGUE), file.read_text().splitlines()


def test_every_requirement_of_the_contract_is_promised_in_the_packaged_document() -> None:
    assert list(promises_of(load(), CATALOGUE)) == list(CATALOGUE)


@pytest.mark.parametrize(
    ("requirement", "line", "below"),
    [
        ("MOVE-1", "description: |-", "Move a service to a stage"),
        ("MOVE-3", "requestBody:", "ATTACH"),
        ("SHAPE-1", "'200':", "ATTACH"),
        ("STATE-5", "'200':", "List the stages"),
        ("ERR-2", "'404':", "ATTACH"),
        ("AUTH-1", "'401':", "ATTACH"),
        ("STAGE-3", "description: The stage is gone", "DeleteDeploymentStage"),
        ("STAGE-4", "description: The first stage", "MoveBeforeDeploymentStage"),
    ],
)
def test_the_line_is_that_of_the_promise(requirement: str, line: str, below: str) -> None:
    place = promises_of(load(), CATALOGUE)[requirement]
    assert LINES[place.line - 1][place.column - 1 :].startswith(line)
    begins = "operationId: AttachServiceToDeploymentStage" if below == "ATTACH" else below
    above = [number for number, text in enumerate(LINES, 1) if begins in text]
    assert 0 < place.line - above[0] < 40
    assert place.pointer.startswith("/paths/~1")


def test_what_a_document_lacks_is_looked_for_around_it(tmp_path: Path) -> None:
    raw = json.loads(json.dumps(read(fragment_path()).raw))
    del raw["paths"][ATTACH]["put"]["responses"]["404"]
    del raw["paths"]["/environment/{environmentId}/deploymentStage"]
    found, lines = promised(raw, tmp_path)
    assert found["ERR-2"].pointer.endswith("/put/responses")
    assert lines[found["ERR-2"].line - 1].strip() == '"responses": {'
    assert not {"STAGE-1", "STATE-5"} & set(found)
    assert "MOVE-1" in found


def test_an_operation_behind_a_prefix_is_found_there(tmp_path: Path) -> None:
    raw = json.loads(json.dumps(read(fragment_path()).raw))
    raw["paths"] = {f"/api{path}": item for path, item in raw["paths"].items()}
    found, lines = promised(raw, tmp_path)
    assert found["MOVE-1"].pointer.startswith("/paths/~1api~1deploymentStage")
    assert lines[found["MOVE-1"].line - 1].strip().startswith('"description": "Puts the service')


def test_the_fingerprint_is_the_same_in_any_spelling(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps(dict(reversed(read(fragment_path()).raw.items()))))
    assert fingerprint_of(load(own)) == fingerprint_of(load()) == fingerprint_of(load(strict=True))
    own.write_text(own.read_text().replace("Deployment stages", "Stages"))
    assert fingerprint_of(load(own)) != fingerprint_of(load())
