"""`stagecheck restore`, and `verify` on what an earlier run has left: put back once, and never over somebody else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from front.samples import Called
from kit.serving import config_for, serving
from stagecheck.cli import main
from stagecheck.errors import TargetError
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.state import Placement, Stage
from stagecheck.suite.put_back import WayHome
from stagecheck.target.account import Account
from stagecheck.target.ledger import Ledger
from stagecheck.target.lock import Lock
from suite.rig import Offering

CallLine = Callable[..., Called]
SCENARIO = embedded()
SERVICES = SCENARIO.services(SCENARIO.environment)
STAGES = [stage.id for stage in SCENARIO.world.stages_of(SCENARIO.environment)]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> CallLine:
    def called(*arguments: str | Path) -> Called:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Called(code, captured.out, captured.err)

    return called


def _crashed(config: Path, monkeypatch: pytest.MonkeyPatch, requests: int = 65, *arguments: str) -> Path:
    """A run that puts nothing back, as if it had been killed; its ledger."""
    text = config.read_text()
    config.write_text(f"{text}\n[limits]\nrequests = {requests}\n")
    with monkeypatch.context() as patched:
        patched.setattr(WayHome, "go", lambda _: [])
        main(["verify", "--config", str(config), "-q", *(arguments or ("--profile", "quick"))])
    config.write_text(text)
    (ledger,) = Path("reports").glob("ledger-*.jsonl")
    return ledger


def _moved(mock: Mock) -> list[str]:
    homes = mock.scenario.world.placements
    return [key for key, place in mock.world.placements.items() if homes[key] != place]


def _put(mock: Mock, service: str, stage: str, skipped: bool) -> None:
    """Somebody else moves a service."""
    mock.world = mock.world.placed(service, stage, skipped=skipped)


def _not_ours(ledger: Path, service: str) -> tuple[str, bool]:
    """A place where the run cannot have left a service."""
    account = Account.read(ledger)
    places = [(stage, flag) for stage in STAGES for flag in (True, False)]
    return next(place for place in places if not account.ours(service, Placement(*place)))


def test_everything_is_put_back_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch)
        assert (left := _moved(mock))
        first = call("restore", ledger, "--config", config)
        assert (first.code, _moved(mock)) == (0, [])
        assert all(f"service {key} was put back to stage" in first.out for key in left)
        assert "everything is back where the run found it" in first.out
        handled = mock.handle
        monkeypatch.setattr(mock, "handle", None)
        again = call("restore", ledger, "--config", config)
        assert (again.code, again.out.strip()) == (0, "nothing to put back")
        monkeypatch.setattr(mock, "handle", handled)


def test_json_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch)
        theirs = _moved(mock)[0]
        _put(mock, theirs, *_not_ours(ledger, theirs))
        out = call("restore", ledger, "--config", config, "--json").out
        told = json.loads(out[out.index("{") :])
        assert told["restored"] is True
        assert [theirs in line for line in told["theirs"]] == [True]
        assert told["left"] == []


def test_what_somebody_else_has_moved_since_is_left_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch, 65)
        theirs = _moved(mock)[0]
        elsewhere, skipped = _not_ours(ledger, theirs)
        _put(mock, theirs, elsewhere, skipped)
        told = call("restore", ledger, "--config", config)
        assert told.code == 0
        assert f"service {theirs} is in stage {elsewhere}, " in told.out
        assert "where the run has not put it: somebody else has, and it is left there" in told.out
        assert _moved(mock) == [theirs]
        assert mock.world.placements[theirs] == Placement(elsewhere, skipped)


def test_a_service_whose_stage_is_gone_is_told_with_exit_code_3(tmp_path: Path, call: CallLine) -> None:
    service, home = SERVICES[0], STAGES[0]
    mock = Mock(embedded())
    for key, place in SCENARIO.world.placements.items():
        if place.stage == home:
            _put(mock, key, STAGES[-1], False)
    mock.world = replace(mock.world, stages={key: one for key, one in mock.world.stages.items() if key != home})
    with serving(mock) as url:
        book = Ledger(tmp_path / "ledger.jsonl", {"url": url, "environment": SCENARIO.environment})
        path = f"/deploymentStage/{STAGES[-1]}/service/{service}"
        homes = {service: [home, False]}
        book.note({"write": "1", "method": "PUT", "path": path, "flag": "false", "usable": [service], "homes": homes})
        book.close(finished=False)
        told = call("restore", book.path, "--config", config_for(mock, url, tmp_path))
    assert told.code == 3
    assert f"service {service} was in stage {home} before the run, which is not there any more" in told.out
    assert "not everything could be put back" in told.out


def test_a_target_that_is_away_is_exit_code_3_and_the_ledger_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch)
        before = ledger.read_bytes()
        monkeypatch.setattr(mock, "handle", lambda _: Answer(401))
        refused = call("restore", ledger, "--config", config)
        assert (refused.code, ledger.read_bytes()) == (3, before)
        assert "refused the credential" in refused.err


def test_the_ledger_of_another_target_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    with serving(mock := Mock(embedded())) as url, serving(other := Mock(embedded())) as elsewhere:
        ledger = _crashed(config_for(mock, url, tmp_path), monkeypatch)
        (tmp_path / "other").mkdir()
        told = call("restore", ledger, "--config", config_for(other, elsewhere, tmp_path / "other"))
        assert told.code == 2
        assert "is the ledger of" in told.err
        assert "give the config of that target" in told.err


def test_without_a_config_the_credential_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    with serving(mock := Mock(embedded())) as url:
        ledger = _crashed(config_for(mock, url, tmp_path), monkeypatch)
        monkeypatch.delenv("STAGECHECK_TOKEN", raising=False)
        assert call("restore", ledger).code == 3
        token = next(iter(mock.scenario.tokens))
        monkeypatch.setenv("STAGECHECK_TOKEN", token)
        assert (call("restore", ledger).code, _moved(mock)) == (0, [])


def test_without_a_config_a_target_elsewhere_needs_to_be_allowed(tmp_path: Path, call: CallLine) -> None:
    book = Ledger(tmp_path / "ledger.jsonl", {"url": "https://api.example", "environment": SCENARIO.environment})
    book.note({"write": "1", "method": "PUT", "path": "/deploymentStage/a/service/b", "flag": "false"})
    book.close(finished=False)
    told = call("restore", tmp_path / "ledger.jsonl")
    assert (told.code, "give --allow-writes" in told.err) == (2, True)


def test_no_credential_is_in_a_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        text = _crashed(config, monkeypatch, 700, "--profile", "nightly").read_text()
        secrets = re.findall(r'"([^"]+)"', config.read_text().split("[auth]")[1].split("[")[0])
    assert len(secrets) >= 3
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("lost", [False, True])
def test_stages_that_the_run_had_made_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine, *, lost: bool
) -> None:
    """By their ids, or, where the answer never came, by the name that the run was giving them."""

    class Forgetful(Mock):
        def handle(self, call: Call) -> Answer:
            if call.method == "DELETE":
                return Answer(409)
            answer = super().handle(call)
            return Answer(502) if lost and call.method == "POST" and answer.status < 300 else answer

    with serving(mock := Forgetful(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch, 120, "--profile", "quick", "--only", "STAGE")
        made = mock.world.stages.keys() - SCENARIO.world.stages.keys()
        assert made
        monkeypatch.setattr(mock, "handle", lambda call: Mock.handle(mock, call))
        told = call("restore", ledger, "--config", config)
        assert told.code == 0
        assert told.out.count("which the run had made, was removed") == len(made)
        assert mock.world.stages.keys() == SCENARIO.world.stages.keys()


def test_a_stage_of_the_same_name_that_was_there_before_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    mock = Mock(embedded())
    before = STAGES[-1]
    named = replace(mock.world.stages[before], name="STAGECHECK 1")
    mock.world = replace(mock.world, stages={**mock.world.stages, before: named})
    with serving(mock) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch, 120, "--profile", "quick", "--only", "STAGE")
        assert call("restore", ledger, "--config", config).code == 0
        assert before in mock.world.stages
        assert isinstance(mock.world.stages[before], Stage)


def test_where_only_the_put_is_offered_its_answer_shows_what_is_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    mock = Offering(embedded(), [])
    with serving(mock) as url:
        config = config_for(mock, url, tmp_path)
        text = re.sub(r'(?m)^environment = "[^"]*"$', "", config.read_text(), count=1)
        config.write_text(text)
        ledger = _crashed(config, monkeypatch, 90)
        first = SERVICES[0]
        assert set(_moved(mock)) - {first}
        told = call("restore", ledger, "--config", config)
        assert told.code == 3
        assert f"service {first} was moved before any answer showed where it was" in told.out
        assert set(_moved(mock)) <= {first}


# ---------------------------------------------------------------------- verify, replay, compare


def test_verify_puts_back_first_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch)
        left = _moved(mock)
        told = call("verify", "--config", config, "--profile", "quick", "-q")
        assert (told.code, _moved(mock), ledger.exists()) == (0, [], False)
        assert "did not end: what it has left moved is put back first" in told.err
        assert all(f"service {key} was put back" in told.err for key in left)
        notes = json.loads(Path("reports/report.json").read_text())["notes"]
        assert any("an earlier run" in note and left[0] in note for note in notes)


def test_what_cannot_be_put_back_is_set_aside_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        ledger = _crashed(config, monkeypatch)
        lines = ledger.read_bytes().splitlines(keepends=True)
        ledger.write_bytes(b"".join([*lines[:3], b"#" + lines[3], *lines[4:]]))
        told = call("verify", "--config", config, "--profile", "quick", "-q")
        assert told.code == 0
        (aside,) = Path("reports").glob("ledger-*.jsonl")
        assert f"stagecheck restore {aside}" in told.err
        assert call("restore", aside, "--config", config).code == 3


@pytest.mark.parametrize("arguments", [("verify", "--profile", "quick"), ("compare", "embedded")])
def test_a_second_run_is_refused(tmp_path: Path, call: CallLine, arguments: tuple[str, ...]) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        assert call("verify", "--config", config, "--profile", "quick", "--only", "MOVE-1").code == 0
        (ledger,) = (path.with_suffix(".jsonl") for path in Path("reports").glob("ledger-*.lock"))
        asked = len(mock.world.placements)
        with Lock(ledger):
            told = call(*arguments, *((config,) if "compare" in arguments else ("--config", config)))
        assert told.code == 2
        assert re.search(
            r"another run is at work on this target \(process \d+ on .*\).*: wait until it has ended", told.err
        )
        assert len(mock.world.placements) == asked


def test_the_config_may_say_where_ledgers_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        config.write_text(config.read_text() + f'\n[storage]\nledgers = "{tmp_path}/kept"\n')
        with monkeypatch.context() as patched:
            patched.setattr(WayHome, "go", lambda _: [])
            call("verify", "--config", config, "--profile", "quick", "-q")
        assert list((tmp_path / "kept").glob("ledger-*.jsonl"))
        assert not list(Path("reports").glob("ledger-*"))
        assert call("compare", config, "embedded", "--profile", "quick").code == 0
        assert (_moved(mock), list((tmp_path / "kept").glob("*.jsonl"))) == ([], [])


def test_what_a_comparison_moves_is_put_back_and_its_ledgers_go(tmp_path: Path, call: CallLine) -> None:
    with serving(one := Mock(embedded())) as first, serving(other := Mock(embedded())) as second:
        configs = []
        for mock, url, name in ((one, first, "one"), (other, second, "other")):
            (tmp_path / name).mkdir()
            configs.append(config_for(mock, url, tmp_path / name))
        told = call("compare", *configs, "--profile", "quick")
        assert told.code == 0
        assert (_moved(one), _moved(other), list(Path("reports").glob("*.jsonl"))) == ([], [], [])


def test_a_ledger_that_cannot_be_written_stops_the_run_before_the_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: CallLine
) -> None:
    noted = Ledger.note
    writes = 0

    def full(self: Ledger, entry: dict[str, object], *, durably: bool = True) -> None:
        nonlocal writes
        writes += "write" in entry
        if writes > 20:
            raise TargetError("the ledger cannot be written (No space left on device)")
        noted(self, entry, durably=durably)

    with serving(mock := Mock(embedded())) as url:
        config = config_for(mock, url, tmp_path)
        monkeypatch.setattr(Ledger, "note", full)
        told = call("verify", "--config", config, "--profile", "quick", "-q")
        assert (told.code, _moved(mock)) == (3, [])
        assert "No space left on device" in told.out
