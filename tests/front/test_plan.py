"""`verify --plan` sends nothing, and what it says is what a run then sends."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from front.samples import Called
from kit.serving import config_for, serving
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import embedded

Caller = Callable[..., Called]


class Counting(Mock):
    def handle(self, call: Call) -> Answer:
        self.__dict__["asked"] = self.__dict__.get("asked", 0) + 1
        return super().handle(call)


def table(text: str) -> dict[str, int]:
    """Phase → requests, as printed."""
    rows = re.findall(r"^(\w[\w ]*?) +(\d+)(?: .*)?$", text.partition("───")[2], re.MULTILINE)
    return {phase: int(number) for phase, number in rows}


@pytest.mark.parametrize("options", [(), ("--read-only",)])
def test_what_is_planned_is_what_is_sent(options: tuple[str, ...], call: Caller, tmp_path: Path) -> None:
    mock = Counting(embedded())
    with serving(mock) as url:
        config = config_for(mock, url, tmp_path)
        planned = call("verify", "--config", config, "--profile", "quick", "--plan", *options)
        assert (planned.code, planned.err) == (0, "")
        assert "asked" not in mock.__dict__, "nothing is sent"
        assert not Path("reports").exists(), "nor written"
        assert call("verify", "--config", config, "--profile", "quick", "-q", *options).code == 0
    lines = [json.loads(line) for line in Path("reports/exchanges.ndjson").read_text().splitlines()]
    sent = Counter(line["phase"] for line in lines)
    said = table(planned.out)
    assert said.pop("in all") == sum(said.values())
    assert said.keys() == sent.keys()
    # Where the services are before the run, which the plan cannot know, makes a few requests' difference.
    assert all(abs(said[phase] - sent[phase]) <= 4 for phase in sent)
    assert not options or said == dict(sent)
    for service in mock.scenario.services(mock.scenario.environment):
        assert (service in planned.out) is (not options)


def test_the_plan_as_json_says_the_same(call: Caller, tmp_path: Path) -> None:
    mock = Counting(embedded())
    with serving(mock) as url:
        config = config_for(mock, url, tmp_path)
        printed = call("verify", "--config", config, "--profile", "quick", "--plan")
        planned = call("verify", "--config", config, "--profile", "quick", "--plan", "--json")
    assert (planned.code, planned.err) == (0, "")
    told, said = json.loads(planned.out), table(printed.out)
    sums = {phase: sum(sent.values()) for phase, sent in told["phases"].items()}
    assert (told["requests"], said.pop("in all")) == (sum(sums.values()), sum(said.values()))
    # Where clients that ask at once leave things is for nobody to say, so neither how many have to be put back.
    assert {**sums, "restore": 0} == {**said, "restore": 0}
    assert abs(sums["restore"] - said["restore"]) <= 4
    assert (told["target"], told["profile"]) == ({"url": url, "mocked": False}, "quick")
    assert told["services"] == mock.scenario.services(mock.scenario.environment)
    assert "token" in told["credentials"]
    assert "asked" not in mock.__dict__
    refused = call("verify", "--profile", "quick", "--json")
    assert (refused.code, "--plan" in refused.error) == (2, True)


def test_a_config_that_names_little_is_planned_with_what_the_mock_has(call: Caller) -> None:
    Path("stagecheck.toml").write_text(
        '[target]\nurl = "https://staging.invalid"\nenvironment = "3fa85f64-5717-4562-b3fc-2c963f66afa6"\n'
        'manage_stages = false\n[auth]\ntoken = "secret-of-the-plan"\n[limits]\nrequests = 150\n'
    )
    refused = call("verify", "--config", "stagecheck.toml", "--plan")
    assert (refused.code, "--allow-writes" in refused.err) == (2, True)
    called = call("verify", "--config", "stagecheck.toml", "--plan", "--allow-writes")
    assert (called.code, called.err) == (0, "")
    assert "all services that the environment lists, among all its stages" in called.out
    assert "nothing ([target] manage_stages is false)" in called.out
    assert "credentials  token, and broken ones made from them" in called.out
    assert "150 requests at most, 20 a second at most, within 600 s" in called.out
    assert "secret-of-the-plan" not in called.out
    assert "stages" not in table(called.out)
