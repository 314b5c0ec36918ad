"""`stagecheck drift`: the pinned document, the vendor's of today, and what a target did, in one table."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from stagecheck.commands.spec_diff import requirements_of
from stagecheck.drift import Drift, Row, drift_of
from stagecheck.drift.facts import Facts
from stagecheck.errors import UsageError
from stagecheck.report.record import read_record
from stagecheck.report.terminal import make_console, shown
from stagecheck.spec import fragment_path
from stagecheck.spec.diff import diff
from stagecheck.spec.diff.compare import sound

_FILE = click.Path(path_type=Path)
_WIDE = 150
"""Columns of the table where there is no terminal that has a width."""


@click.command("drift", short_help="Tell who disagrees: two documents, and what a target did.")
@click.option("--spec", type=_FILE, metavar="PINNED", help="The document that is pinned.  [default: the packaged one]")
@click.option("--upstream", type=_FILE, metavar="NEW", required=True, help="The vendor's document as it is now.")
@click.option("--record", type=_FILE, metavar="FILE", required=True, help="The report.json of a run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(spec: Path | None, upstream: Path, record: Path, *, as_json: bool) -> int:
    """Tell who disagrees with whom: the document that is pinned, the vendor's, and what a target did in a run.

    Undocumented statuses and properties, properties that are never there, types wider or narrower than documented, and
    whatever the two documents say differently. Of answers, what a run saw; nothing is sent. Exit code 0: nobody
    contradicts anybody (that a target does less than it might, or refuses in other ways, is no contradiction), 1:
    somebody does, 2: a document or the record cannot be read.
    """
    pinned = spec or fragment_path()
    diffed = diff(pinned, upstream, requirements_of, contract_alone=True)
    told = read_record(record)
    try:
        drift = drift_of(told, Facts(sound(pinned)), Facts(sound(upstream)), diffed)
    except UsageError as error:
        raise UsageError(f"{record}: {error}") from None
    if as_json:
        click.echo(json.dumps(_json(drift), indent=2))
    else:
        _print(drift)
    return 1 if drift.grave else 0


def _json(drift: Drift) -> dict[str, object]:
    return {
        "pinned": str(drift.pinned),
        "upstream": str(drift.upstream),
        "answers": drift.answers,
        "other_words": drift.other_words,
        "rows": [asdict(row) for row in drift.rows],
    }


def _print(drift: Drift) -> None:
    console = make_console(sys.stdout)
    if not console.is_terminal:
        console.width = _WIDE
    for operation in dict.fromkeys(row.operation for row in drift.rows):
        table = Table(
            box=box.SIMPLE_HEAD, title=Text(shown(operation), style="bold"), title_justify="left", expand=True
        )
        for heading in ("what", "pinned", "upstream", "the target", "who disagrees"):
            table.add_column(heading, overflow="fold", ratio=1)
        for row in drift.rows:
            if row.operation == operation:
                table.add_row(
                    *(Text(shown(cell)) for cell in (row.what, row.pinned, row.upstream, row.target)), _who(row)
                )
        console.print(table)
    if drift.other_words:
        texts = "1 text is" if drift.other_words == 1 else f"{drift.other_words} texts are"
        click.echo(f"{texts} in other words altogether, or in one document alone; stagecheck spec diff shows them")
    notes = len(drift.rows) - drift.grave
    click.echo(
        shown(
            f"{drift.pinned} (pinned), {drift.upstream} (upstream), {drift.answers} answers looked into: "
            f"{drift.grave} disagreement{'' if drift.grave == 1 else 's'}, {notes} note{'' if notes == 1 else 's'}"
        )
    )


def _who(row: Row) -> Text:
    verdict = Text(row.verdict, style="red" if row.grave else "cyan")
    if row.requirements:
        verdict.append(f" (the source of {', '.join(row.requirements)})")
    return verdict
