"""A round of a race that was kept, sent again by `stagecheck replay`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from front.samples import Called
from kit.serving import config_for, serving
from stagecheck.audit.defect import DEFECTS
from stagecheck.errors import UsageError
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.requests import Attach, Form, ReadList, ReadService, ReadStage
from stagecheck.report.race import read_history
from stagecheck.suite.races.again import round_of, together

CallLine = Callable[..., Called]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A history that verify has kept of a server that swallows conflicts."""
    from stagecheck.cli import main  # noqa: PLC0415  (as the fixture `call` does)

    directory = tmp_path_factory.mktemp("race")
    mock = DEFECTS["conflict-swallowed"].mock(embedded())
    with serving(mock) as url:
        config = config_for(mock, url, directory)
        options = ["--config", str(config), "--only", "RACE-2", "--report-dir", str(directory), "-q"]
        assert main(["verify", *options]) == 1
    history: dict[str, Any] = json.loads((directory / "races" / "01-race-2.json").read_text(encoding="utf-8"))
    return history


def written(history: dict[str, Any], directory: Path) -> Path:
    place = directory / "race.json"
    place.write_text(json.dumps(history))
    return place


@pytest.mark.parametrize(("kind", "code", "word"), [("conflict-swallowed", 1, ""), (None, 0, "gone (0 of 4 times)")])
def test_a_round_is_sent_again(
    kind: str | None, code: int, word: str, kept: dict[str, Any], call: CallLine, tmp_path: Path
) -> None:
    mock = DEFECTS[kind].mock(embedded()) if kind else Mock(embedded())
    with serving(mock) as url:
        called = call("replay", written(kept, tmp_path), "--config", config_for(mock, url, tmp_path), "--times", "4")
        assert dict(mock.world.placements) == dict(mock.scenario.world.placements), "everything went home"
    assert called.code == code, called.out
    assert called.out.startswith(f"RACE-2: {kept['message'][:40]}")
    assert word in called.out
    assert ("came" in called.out) == bool(kind)


def test_a_race_of_another_target_is_refused_with_the_mend(
    kept: dict[str, Any], call: CallLine, tmp_path: Path
) -> None:
    moved = next(one for one in kept["operations"] if one["method"] == "PUT")
    service = moved["path"].rsplit("/", 1)[1]
    other = json.loads(json.dumps(kept).replace(service, "dddddddd-0000-4000-8000-000000000000"))
    mock = Mock(embedded())
    with serving(mock) as url:
        called = call("replay", written(other, tmp_path), "--config", config_for(mock, url, tmp_path))
    assert called.code == 2
    assert "a race is sent again to the target that it was found on" in called.error


def test_what_is_no_round_is_refused_with_the_mend(kept: dict[str, Any], tmp_path: Path, call: CallLine) -> None:
    for wrong in (
        {**kept, "schema": 2},
        {**kept, "operations": []},
        {**kept, "operations": [{**kept["operations"][0], "path": 3}]},
        {**kept, "began": [{"service": 1}]},
        {**kept, "message": None},
    ):
        with pytest.raises(UsageError, match="is no race that this version reads"):
            read_history(written(wrong, tmp_path))
    place = tmp_path / "other.json"
    place.write_text("[1]")
    assert read_history(place) is None
    assert read_history(tmp_path / "missing.json") is None
    strange = {**kept["operations"][0], "method": "DELETE", "path": "/deploymentStage/x"}
    called = call("replay", written({**kept, "operations": [strange]}, tmp_path))
    assert called.code == 2
    assert "which no client of a race sends" in called.error


def test_a_round_holds_the_requests_of_each_client_in_their_order_with_their_pauses() -> None:
    stage, service, environment = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc")

    def one(client: int, path: str, start: float, end: float | None, body: str | None = None) -> dict[str, Any]:
        method = "PUT" if path.startswith("/deploymentStage") and "service" in path else "GET"
        return {"client": client, "method": method, "path": path, "start_s": start, "end_s": end, "body": body}

    history = {
        "operations": [
            one(2, f"/service/{service}/deploymentStage", 0.5, 0.6),
            one(1, f"/deploymentStage/{stage}/service/{service}", 0.0, 0.2, '{"is_skipped": true}'),
            one(1, f"/environment/{environment}/deploymentStage", 0.25, None),
            one(1, f"/deploymentStage/{stage}", 9.0, 9.1),
        ]
    }
    kept = round_of(history)
    first, second = kept.scripts
    assert [ask.call for ask in first] == [Attach(stage, service, Form.TRUE), ReadList(environment), ReadStage(stage)]
    assert [ask.call for ask in second] == [ReadService(service)]
    assert [round(ask.pause_s, 3) for ask in first] == [0.0, 0.05, 0.1]
    assert second[0].pause_s == 0.1, "a client that began later begins later again, as late as is of any use"
    at_once = together(kept)
    assert [script[0].pause_s for script in at_once.scripts] == [0.0, 0.0]
    assert [ask.call for script in at_once.scripts for ask in script] == [ask.call for ask in (*first, *second)]
    assert at_once.scripts[0][1:] == first[1:]
