"""`stagecheck serve` as a program: what it prints, how it is told to stop, what it says of wrong arguments."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from front.samples import Called
from kit.serving import served
from stagecheck import config
from stagecheck.mock.server import LOOPBACK, bound

Call = Callable[..., Called]
SCENARIO = """\
organizations:
  acme:
    tokens: [acme-token]
    environments:
      production:
        stages:
          BUILD: {services: {api: {type: APPLICATION}, migrate: {type: JOB, skipped: true}}}
          DEPLOY:
      staging: {stages: {ONLY: {services: {staging-api: }}}}
  other:
    environments: {sandbox: {stages: {THEIRS: {services: {their-api: }}}}}
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_it_is_ready_and_ends_when_it_is_told(number: signal.Signals, tmp_path: Path) -> None:
    ready_file, place, log = tmp_path / "ready.json", tmp_path / "sub.toml", tmp_path / "requests.log"
    files = ("--ready-file", str(ready_file), "--write-config", str(place), "--log", str(log))
    ready_file.write_text("of an earlier server")
    with served(*files) as (process, ready):
        assert json.loads(ready_file.read_text()) == ready
        assert config.load(place).target.url == ready["url"]
        main = ready["environments"]["main"]
        path = f"{ready['url']}/deploymentStage/{main['stages']['LAST']}/service/{main['services']['api']}"
        answer = httpx.put(path, headers={"Authorization": f"Token {ready['auth']['token']}"})
        assert answer.status_code == 200
        assert httpx.get(ready["state"]).json() != httpx.post(ready["reset"]).content
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert not ready_file.exists()
    first, *_ = log.read_text().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d PUT /deploymentStage/\S+/service/\S+ 200 \d+\.\d ms", first)
    assert ready["auth"]["token"] not in log.read_text()


def test_a_scenario_with_a_defect_is_found_out_with_the_config_that_it_writes(tmp_path: Path, call: Call) -> None:
    scenario, place = tmp_path / "scenario.yaml", tmp_path / "sub.toml"
    scenario.write_text(SCENARIO)
    options = ("--scenario", str(scenario), "--write-config", str(place), "--reading", "move-unskips")
    with served(*options, "--defect", "false-is-flag-only") as (process, ready):
        assert (ready["defect"], ready["reading"]) == ("false-is-flag-only", "move-unskips")
        assert list(ready["environments"]) == ["production", "staging", "sandbox"]
        called = call("verify", "--config", place, "--profile", "quick", "-q")
        assert (called.code, called.err) == (1, "")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        assert len(log.splitlines()) > 50


def test_what_is_no_http_goes_to_the_log_and_quiet_means_quiet() -> None:
    for options, said in (((), "Invalid HTTP request received."), (("--quiet",), "")):
        with served(*options) as (process, ready):
            host, port = ready["url"].removeprefix("http://").split(":")
            script = (
                f"import socket; c = socket.create_connection(({host!r}, {port})); c.send(b'?\\r\\n\\r\\n'); c.recv(9)"
            )
            subprocess.run([sys.executable, "-c", script], check=True, timeout=20)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        assert errors.rstrip()[9:] == said


def test_a_port_that_is_taken_ends_with_2(call: Call) -> None:
    with bound(LOOPBACK, 0) as taken:
        port = taken.getsockname()[1]
        called = call("serve", "--port", port)
    assert (called.code, called.out) == (2, "")
    assert re.fullmatch(rf"stagecheck: error: cannot listen on 127\.0\.0\.1 port {port}: .*\n", called.err)


def test_the_config_is_printed_for_a_port_and_a_scenario(call: Call, tmp_path: Path) -> None:
    scenario, place = tmp_path / "scenario.yaml", tmp_path / "stagecheck.toml"
    scenario.write_text(SCENARIO)
    called = call("serve", "--print-config", "--port", "9999", "--scenario", scenario)
    assert (called.code, called.err) == (0, "")
    place.write_text(called.out)
    found = config.load(place)
    assert (found.target.url, found.auth.token) == ("http://127.0.0.1:9999", "acme-token")
    assert len(found.target.stages) == 2
    assert None not in (found.second.service, found.foreign.service, found.auth.foreign_token, found.auth.expired_jwt)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--print-config", "--port", "0"), "--print-config cannot know the port that --port 0 will find"),
        (
            ("--defect", "false-is-flags-only"),
            "there is no defect 'false-is-flags-only'; did you mean false-is-flag-only",
        ),
        (("--defect", "xyzzy"), "there is no defect 'xyzzy'; see: stagecheck defects"),
        (("--scenario", "nowhere.yaml"), "cannot read the scenario nowhere.yaml: No such file or directory"),
        (("--scenario", "wrong.yaml"), "wrong.yaml:2: environments.a: unknown key 'stage'; did you mean stages?"),
        (("--reading", "move"), "Invalid value for '--reading'"),
        (("--latency", "soon"), "'soon' is no latency; give milliseconds such as 50, or a range such as 50-200"),
        (("--latency", "200-50"), "a latency of 200 to 50 ms; give from 0"),
        (("--fail-rate", "5"), "a fail rate of 5; give a share from 0 to 1"),
        (("--rate-limit", "0"), "a rate limit of 0; give requests per second, more than 0"),
        (("--host", "nowhere.invalid"), "cannot listen on nowhere.invalid"),
        (("--port", "70000"), "Invalid value for '--port'"),
        (("--ready-file", "nowhere/ready.json"), "cannot write nowhere/ready.json: No such file or directory"),
        (("--write-config", "."), "cannot write .: Is a directory; give another file"),
        (("--log", "nowhere/log"), "cannot write the log nowhere/log: No such file or directory; give another --log"),
    ],
)
def test_wrong_arguments_are_one_line_and_2(options: tuple[str, ...], said: str, call: Call) -> None:
    Path("wrong.yaml").write_text("environments:\n  a: {stage: {}}\n")
    called = call("serve", *(("--port", "0") if "--port" not in options else ()), *options)
    assert (called.code, called.out) == (2, "")
    assert said in called.err
    assert len(called.err.splitlines()) == 1


def test_a_range_of_latency_is_kept_to() -> None:
    with served("--latency", "40-60", "--fail-rate", "1", "--quiet") as (_, ready):
        with httpx.Client() as client:
            client.get(ready["url"])
            began = time.monotonic()
            answer = client.get(ready["url"])
            took = time.monotonic() - began
        assert answer.headers["stagecheck-fault"] == "fail-rate"
        assert took >= 0.04
