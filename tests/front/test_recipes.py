"""The recipes of docs/recipes: what they run is there and works, as far as that can be tried without their servers."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kit.serving import serving
from kit.thinned import thinned
from stagecheck.cli import group
from stagecheck.config import load
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import TOKEN, embedded
from stagecheck.report.record import read_record

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "recipes"
GITHUB: dict[str, Any] = yaml.safe_load((RECIPES / "github-actions.yml").read_text())
GITLAB: dict[str, Any] = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text())
STEPS: list[dict[str, Any]] = GITHUB["jobs"]["verify"]["steps"]
JOB: dict[str, Any] = GITLAB["stagecheck"]
SCRIPTS = {
    **{f"github: {step['name']}": step["run"] for step in STEPS if "run" in step},
    "gitlab": "\n".join((*JOB["before_script"], *JOB["script"])),
}
CONTAINER = (RECIPES / "Containerfile").read_text()


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the Containerfile, continued lines joined."""
    lines = "\n".join(line for line in CONTAINER.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name, " ".join(rest.split())


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_one(name: str) -> None:
    subprocess.run(["sh", "-n", "-c", SCRIPTS[name]], check=True, timeout=20)


def commands() -> list[str]:
    """Every call of stagecheck in the recipes, those in comments too."""
    examples = re.findall(r"^#   podman run .* stagecheck (verify .*)$", CONTAINER, re.MULTILINE)
    scripted = re.findall(r"^(?:stagecheck )(verify .*)$", "\n".join(_lines(SCRIPTS.values())), re.MULTILINE)
    return [line.partition(" ||")[0] for line in (*scripted, *examples)]


def _lines(scripts: Iterable[str]) -> Iterator[str]:
    return (line.strip() for script in scripts for line in script.splitlines())


@pytest.mark.parametrize("line", commands())
def test_every_option_is_one(line: str) -> None:
    name, *words = shlex.split(line)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    words = ["quick" if word == "$STAGECHECK_PROFILE" else word for word in words]
    context = command.make_context(name, words)
    assert (context.params["allow_writes"], str(context.params["config"])) == (True, "stagecheck.toml")


def test_they_are_all_looked_at() -> None:
    assert len(commands()) == 5


def _environment(url: str, tmp_path: Path) -> dict[str, str]:
    command = tmp_path / "bin" / "stagecheck"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stagecheck "$@"\n')
    command.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "STAGECHECK_URL": url,
        "STAGECHECK_HOST": "127.0.0.1",
        "STAGECHECK_ENVIRONMENT": embedded().environment,
        "STAGECHECK_TOKEN": TOKEN,
        "STAGECHECK_PROFILE": "quick",
    }


def _run(script: str, directory: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = ["sh", "-e", "-c", script]
    return subprocess.run(
        words, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("kind", thinned(["github", "gitlab"], 2))
def test_the_job_runs_and_leaves_what_is_kept(kind: str, tmp_path: Path) -> None:
    (tmp_path / "stagecheck.toml").write_text((RECIPES / "stagecheck.toml").read_text().replace("= 20.0", "= 2000.0"))
    scripts = {name: text for name, text in SCRIPTS.items() if name.startswith(kind) and "Install" not in name}
    script = "\n".join(line for text in scripts.values() for line in text.splitlines() if " pip install " not in line)
    with serving(Mock(embedded())) as url:
        done = _run(script, tmp_path, _environment(url, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing has been sent" in done.stdout
    assert read_record(tmp_path / "reports" / "report.json")["verdict"] == "conforming"
    kept = [step["with"]["path"] for step in STEPS if "upload-artifact" in str(step.get("uses"))]
    for path in (*kept, *JOB["artifacts"]["paths"], JOB["artifacts"]["reports"]["junit"], "reports/report.html"):
        assert (tmp_path / path).exists(), path
    assert TOKEN not in done.stdout + done.stderr


def test_a_run_without_a_verdict_is_told_and_no_success(tmp_path: Path) -> None:
    (tmp_path / "stagecheck.toml").write_text((RECIPES / "stagecheck.toml").read_text().replace("= 20.0", "= 2000.0"))
    done = _run(SCRIPTS["github: Verify"], tmp_path, _environment("http://127.0.0.1:9", tmp_path))
    assert done.returncode == 3
    assert "::warning title=stagecheck::" in done.stdout
    assert JOB["allow_failure"] == {"exit_codes": 3}


def test_the_cache_is_where_the_config_keeps_examples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in _environment("https://staging.example.com", tmp_path).items():
        monkeypatch.setenv(name, value)
    config = load(RECIPES / "stagecheck.toml")
    cached = {step["with"]["path"] for step in STEPS if "actions/cache" in str(step.get("uses"))}
    assert cached == set(JOB["cache"]["paths"])
    assert str(config.storage.examples).startswith(f"{cached.pop()}/")
    assert config.target.allow_hosts == ("127.0.0.1",)


def test_every_variable_of_the_config_is_given_by_the_job() -> None:
    wanted = set(re.findall(r"\$\{(\w+)\}", (RECIPES / "stagecheck.toml").read_text()))
    assert wanted <= GITHUB["jobs"]["verify"]["env"].keys()
    head = (RECIPES / "gitlab-ci.yml").read_text().partition("stages:")[0]
    assert all(name in head for name in wanted)


def test_it_runs_at_night_one_at_a_time_and_keeps_reports_of_failures() -> None:
    # YAML 1.1 reads the key `on` as true.
    (schedule,) = GITHUB[True]["schedule"]  # type: ignore[index]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", schedule["cron"])
    assert GITHUB["concurrency"]["cancel-in-progress"] is False
    assert JOB["resource_group"]
    assert [step["if"] for step in STEPS if "upload-artifact" in str(step.get("uses"))] == ["always()"]
    assert JOB["artifacts"]["when"] == "always"
    assert GITHUB["permissions"] == {"contents": "read"}


def test_the_container_is_built_from_the_wheel_and_runs_without_root() -> None:
    found = list(instructions())
    assert {name for name, _ in found} <= {"FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    last = dict(found)
    user = last["USER"].partition(":")[0]
    assert user.isdigit()
    assert int(user) > 0
    made = next(rest for name, rest in found if name == "RUN" and "useradd" in rest)
    assert f"--uid {user}" in made
    assert f"chown {last['USER']} {last['WORKDIR']}" in made
    names = [name for name, _ in found]
    assert names.index("USER") > max(number for number, name in enumerate(names) if name == "RUN")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert yaml.safe_load(last["ENTRYPOINT"]) == list(project["scripts"]) == ["stagecheck"]
    for _, rest in found:
        subprocess.run(["sh", "-n", "-c", rest if "useradd" in rest or "venv" in rest else ":"], check=True, timeout=20)


def test_what_the_container_copies_is_let_through_and_nothing_else() -> None:
    ignored, *let_through = (ROOT / ".containerignore").read_text().split()
    assert ignored == "*"
    sources = [
        word for name, rest in instructions() if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]
    ]
    assert sources == ["constraints.txt", "dist/*.whl"]
    assert {f"!{source}" for source in sources} == set(let_through)
    assert fnmatch("dist/stagecheck-0.1.0-py3-none-any.whl", sources[1])
    assert (ROOT / sources[0]).exists()
