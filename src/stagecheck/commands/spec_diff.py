"""`stagecheck spec diff`: two OpenAPI documents compared, and what each change means for whom."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stagecheck.contract.catalogue import CATALOGUE
from stagecheck.report.terminal import shown
from stagecheck.spec.diff import Change, Class, Diffed, Side, diff
from stagecheck.spec.diff.render import as_json, as_sarif, headline, told

_FILE = click.Path(path_type=Path)
_COLOURS = {
    Class.BREAKING: "red",
    Class.MEANING: "yellow",
    Class.UNKNOWN: "magenta",
    Class.ADDITIVE: "green",
    Class.EDITORIAL: "cyan",
}
_MARKS = {"-": ("[-", "-]", "red"), "+": ("{+", "+}", "green")}


def requirements_of(sources: tuple[str, ...]) -> tuple[str, ...]:
    """The requirements whose source any of these statements is."""
    wanted = set(sources)
    return tuple(key for key, entry in CATALOGUE.items() if wanted & set(entry.source.replace(",", " ").split()))


@click.command("diff", short_help="What changed between two documents, and for whom?")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option(
    "--for",
    "side",
    type=click.Choice([side.value for side in Side]),
    help="Fail for these alone.  [default: for both]",
)
@click.option("--contract", "contract_alone", is_flag=True, help="Only the operations that the contract knows.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--sarif", "form", flag_value="sarif", help="Print SARIF 2.1.0.")
def diff_command(old: Path, new: Path, *, side: str | None, contract_alone: bool, form: str | None) -> int:
    """Tell what changed between two OpenAPI 3 documents, and what that means for clients and for servers.

    Breaking is a change that somebody who keeps to OLD cannot live with: a client that talks to a server of NEW, or a
    server that is asked by clients of NEW. Each comes with a witness, a body or an answer that the one document allows
    and the other does not. Meaning is a change of words alone. Exit code 0: neither, 1: either, or something that
    nobody can tell, 2: a document cannot be read.
    """
    diffed = diff(old, new, requirements_of, contract_alone=contract_alone)
    if form is not None:
        click.echo(json.dumps(as_json(diffed) if form == "json" else as_sarif(diffed), indent=2))
    else:
        for change in diffed.changes:
            _print(diffed, change)
        counts = ", ".join(f"{diffed.count(what)} {what.value}" for what in Class)
        there = f"{diffed.operations} operation{'' if diffed.operations == 1 else 's'} in both"
        click.echo(shown(f"{old} (OpenAPI {diffed.versions[0]}) → {new} ({diffed.versions[1]}), {there}: {counts}"))
    return 1 if any(diffed.failing(tuple(Side) if side is None else (Side(side),))) else 0


def _print(diffed: Diffed, change: Change) -> None:
    what = click.style(headline(change), _COLOURS[change.what], bold=True)
    click.echo(f"{what}: {_line(f'{change.operation}, {change.where}: {change.message}')} [{change.kind.id}]")
    places = [
        f"{'old' if path is diffed.old else 'new'} {path}:{spot.place}"
        for path, spot in ((diffed.old, change.old), (diffed.new, change.new))
        if spot is not None
    ]
    click.echo(_line(f"    {', '.join(places)}"))
    if change.words:
        click.echo("    " + " ".join(_word(how, text) for how, text in change.words))
    for witness in change.witnesses:
        click.echo(_line(f"    {witness.side}: {told(witness)}"))
    if change.requirements:
        sources = f" ({', '.join(change.sources)})" if change.sources else ""
        click.echo(f"    the source of{sources}: {', '.join(change.requirements)}")
    if change.also:
        click.echo(_line(f"    the same in: {', '.join(change.also)}"))


def _word(how: str, text: str) -> str:
    if how == "=":
        return _line(text)
    begin, end, colour = _MARKS[how]
    return click.style(f"{begin}{_line(text)}{end}", colour)


def _line(text: str) -> str:
    """One line, whatever a document has in it."""
    return shown(text).replace("\n", "\\n")
