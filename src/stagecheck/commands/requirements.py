"""`stagecheck requirements`: the catalogue. Runs nothing."""

from __future__ import annotations

import json
import sys

import click
from rich import box
from rich.table import Table

from stagecheck import contract
from stagecheck.report.terminal import make_console


@click.command("requirements", short_help="List the requirements of the contract.")
@click.argument("prefixes", nargs=-1, metavar="[PREFIX]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead.")
def command(prefixes: tuple[str, ...], *, as_json: bool) -> None:
    """List the requirements of the contract.

    Each PREFIX selects the ids that begin with it (MOVE, AUTH-, STATE-4); without one, all are listed.
    """
    chosen = contract.select(prefixes)
    if as_json:
        rows = [
            {"id": one.id, "family": one.family, "level": one.level.value, "text": one.text, "source": one.source}
            for one in chosen
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    for name in ("id", "level", "requirement"):
        table.add_column(name, no_wrap=name != "requirement")
    table.add_column("source", max_width=20)
    for one in chosen:
        table.add_row(one.id, one.level.value, one.text, one.source)
    make_console(sys.stdout).print(table)
