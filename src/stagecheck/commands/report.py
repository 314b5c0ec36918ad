"""`stagecheck report`: a record of an earlier run, rendered in another format."""

from __future__ import annotations

from pathlib import Path

import click

from stagecheck import contract, spec
from stagecheck.errors import UsageError
from stagecheck.report.formats import FORMATS
from stagecheck.report.record import Record, read_record, spec_of, write_atomically
from stagecheck.spec.promised import promises_of

_FILE = click.Path(path_type=Path)


@click.command("report", short_help="Render the record of a run in another format.")
@click.argument("record", type=_FILE)
@click.option("--to", "form", type=click.Choice(list(FORMATS)), required=True, help="The format.")
@click.option("--out", type=_FILE, metavar="FILE", help="Write there instead of printing.")
@click.option("--strict", is_flag=True, help="A broken SHOULD is a failure, whether or not the run was strict.")
def command(record: Path, form: str, out: Path | None, *, strict: bool) -> None:
    """Render the record of a run in another format.

    RECORD is the report.json of any run, old ones too: everything is rendered from it alone.
    """
    told = read_record(record)
    if strict:
        told["strict"] = True
    rendered = FORMATS[form].render(_placed(told))
    if out is None:
        click.echo(rendered, nl=False)
        return
    try:
        write_atomically(out, rendered)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot write {out}: {getattr(error, 'strerror', None) or error}; give another --out"
        ) from None


def _placed(record: Record) -> Record:
    """The record with the lines of the packaged document, where an earlier version did not record any."""
    if not record.get("spec"):
        record["spec"] = spec_of(None, None, promises_of(spec.load(), contract.CATALOGUE))
    return record
