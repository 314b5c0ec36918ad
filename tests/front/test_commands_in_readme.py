"""Every command and every option is in the README."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stagecheck.cli import COMMANDS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def commands(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands((*path, name), inner)
    else:
        yield " ".join(path), command


ALL = dict(
    found
    for name in COMMANDS
    for found in commands((name,), importlib.import_module(f"stagecheck.commands.{name}").command)
)


@pytest.mark.parametrize("name", ALL)
def test_a_command_and_its_options_are_in_the_readme(name: str) -> None:
    assert f"stagecheck {name}" in README
    options = [option for option in ALL[name].params if isinstance(option, click.Option)]
    assert [option.opts for option in options if not any(spelled in README for spelled in option.opts)] == []


def test_the_readers_above_see_options() -> None:
    assert {"verify", "report", "diff", "trend", "spec check"} <= ALL.keys()
    assert any("--profile" in option.opts for option in ALL["verify"].params)
