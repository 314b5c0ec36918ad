"""Every command, every option and every key of the config stands in the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stagecheck.cli import COMMANDS, group
from stagecheck.config import TABLES

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def options() -> Iterator[tuple[str, str]]:
    """Command and option, in its long form where it has one."""
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        inner = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in inner:
            for parameter in one.params:
                if isinstance(parameter, click.Option):
                    yield name, max(parameter.opts, key=len)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"`?stagecheck {command}\b", README)


@pytest.mark.parametrize(("command", "option"), sorted(set(options())))
def test_every_option_is_in_the_readme(command: str, option: str) -> None:
    assert re.search(rf"{re.escape(option)}(?![\w-])", README), f"{command} {option}"


@pytest.mark.parametrize(("table", "key"), [(table, key) for table, keys in TABLES.items() for key in keys])
def test_every_key_of_the_config_is_in_the_readme(table: str, key: str) -> None:
    # token_file stands for jwt_file and foreign_token_file: the README says so.
    general = re.sub(r"^(jwt|foreign_token)_(file|command)$", r"token_\2", key)
    assert re.search(rf"\b{general}\b", README), f"[{table}] {key}"
