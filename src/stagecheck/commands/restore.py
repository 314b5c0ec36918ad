"""`stagecheck restore`: what a run has left that was killed, put back by its ledger."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.text import Text

from stagecheck.cli import INCONCLUSIVE, Settings
from stagecheck.launch import Wanted, prepare, prepare_restore
from stagecheck.report.terminal import make_console, shown
from stagecheck.suite.restoring import Restored

_FILE = click.Path(path_type=Path)


@click.command("restore", short_help="Put back what a run that was killed has left, by its ledger.")
@click.argument("ledger", type=_FILE)
@click.option(
    "--config",
    type=_FILE,
    metavar="FILE",
    help="The stagecheck.toml of the target. Without it: the target of the ledger, with the credential in "
    "STAGECHECK_TOKEN or STAGECHECK_JWT.",
)
@click.option("--allow-writes", is_flag=True, help="Move services of a target that is not on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(settings: Settings, ledger: Path, config: Path | None, *, allow_writes: bool, as_json: bool) -> int:
    """Put every service back where the run of a LEDGER (reports/ledger-*.jsonl) found it, and remove what it made.

    It looks first: what is at home stays there, and what somebody else has changed since is theirs and left alone. Done
    twice it changes nothing. Exit code 0: everything is back, 3: something is not, or the target cannot be reached.
    """
    wanted = Wanted(config=config, allow_writes=allow_writes)
    launch = prepare(wanted) if config is not None else prepare_restore(ledger, wanted, os.environ)
    settings.redact = launch.redactor.text
    told = launch.restore(ledger)
    if as_json:
        groups = {"back": told.back, "theirs": told.theirs, "left": told.left}
        lines = {name: [launch.redactor.text(line) for line in group] for name, group in groups.items()}
        click.echo(json.dumps({"restored": not told.left, **lines}, indent=2, ensure_ascii=False))
    else:
        _print(told, launch.redactor.text)
    return INCONCLUSIVE if told.left else 0


def _print(told: Restored, redact: Callable[[str], str]) -> None:
    console = make_console(sys.stdout)
    for group, style in ((told.back, "green"), (told.theirs, "yellow"), (told.left, "red")):
        for line in group:
            console.print(Text(shown(redact(line)), style), soft_wrap=True)
    if told.left:
        console.print(Text("not everything could be put back", "bold red"))
    elif told.back:
        console.print(Text("everything is back where the run found it", "bold green"))
    else:
        console.print(Text("nothing to put back", "bold green"))
