"""`stagecheck defects`: what the audit seeds. Runs nothing."""

from __future__ import annotations

import json
import sys

import click

from stagecheck.audit import DEFECTS
from stagecheck.audit.render import render_defects
from stagecheck.report.terminal import make_console


@click.command("defects", short_help="List the defects that the audit seeds.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead.")
def command(*, as_json: bool) -> None:
    """List the defects that the audit seeds, each with the requirement that must find it."""
    if as_json:
        rows = [
            {"name": one.name, "requirement": one.requirement, "accepts": list(one.accepts), "sentence": one.sentence}
            for one in DEFECTS.values()
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    render_defects(DEFECTS.values(), make_console(sys.stdout))
