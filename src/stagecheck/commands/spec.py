"""`stagecheck spec`: an OpenAPI document, held against the contract or another one, or with an overlay applied."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stagecheck.commands.spec_diff import diff_command
from stagecheck.errors import UsageError
from stagecheck.operations import OPERATIONS
from stagecheck.report.record import write_atomically
from stagecheck.report.terminal import shown
from stagecheck.spec import overlay_path, read
from stagecheck.spec.document import check_version
from stagecheck.spec.lint import Checked, Severity, check
from stagecheck.spec.lint.render import as_json, as_sarif
from stagecheck.spec.overlay import apply, load_overlay, unmatched
from stagecheck.spec.writing import as_json as json_text
from stagecheck.spec.writing import as_yaml

_FILE = click.Path(path_type=Path)
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


@click.group(
    "spec", short_help="Hold an OpenAPI document against the contract or another one, or change it by an overlay."
)
def command() -> None:
    """Hold an OpenAPI document against the contract or another document, or change it by an overlay."""


command.add_command(diff_command)


@command.command("check", short_help="Is this document still the contract?")
@click.argument("file", type=_FILE)
@click.option("--strict", is_flag=True, help="Warnings fail, too.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--sarif", "form", flag_value="sarif", help="Print SARIF 2.1.0.")
def check_command(file: Path, *, strict: bool, form: str | None) -> int:
    """Tell whether a document is still the contract.

    FILE is an OpenAPI 3 document, YAML or JSON: the fragment alone, or a vendor's whole document. An error says that
    it contradicts the contract, a warning that it leaves something of it unsaid. Exit code 0: no error, 1: errors
    (with --strict: warnings too), 2: FILE cannot be read.
    """
    checked = check(file)
    if form is not None:
        click.echo(json.dumps(as_json(checked) if form == "json" else as_sarif(checked), indent=2))
    else:
        _print(checked)
    failing = checked.count(Severity.ERROR) + (checked.count(Severity.WARNING) if strict else 0)
    return 1 if failing else 0


def _print(checked: Checked) -> None:
    for finding in checked.findings:
        level = click.style(finding.severity.value, _COLOURS[finding.severity], bold=True)
        tied = f" ({', '.join(finding.rule.requirements)})" if finding.rule.requirements else ""
        where = _line(f"{checked.path}:{finding.place}")
        click.echo(f"{where}: {level}: {_line(finding.message)} [{finding.rule.id}]{tied}")
        click.echo(_line(f"    at {finding.pointer or 'the top'}; to mend it: {finding.mend}"))
    counts = ", ".join(_counted(checked.count(severity), severity.value) for severity in Severity)
    there = f"{len(checked.operations)} of {_counted(len(OPERATIONS), 'operation')} found"
    others = f", {checked.others} others not looked at" if checked.others else ""
    click.echo(shown(f"{checked.path}: OpenAPI {checked.version}, {there}{others}: {counts}"))


def _line(text: str) -> str:
    """One line, whatever a document has in it."""
    return shown(text).replace("\n", "\\n")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@command.command("overlay", short_help="Apply an OpenAPI overlay, by default the strict one.")
@click.argument("document", type=_FILE)
@click.option(
    "--overlay", "with_", type=_FILE, metavar="FILE", help="An Overlay 1.0 document.  [default: the strict one]"
)
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Write there instead of printing.")
def overlay_command(document: Path, with_: Path | None, output: Path | None) -> int:
    """Apply an OpenAPI overlay to a document, and print what comes out.

    The overlay that stagecheck brings adds what the published document leaves open and the contract knows; a strict
    run holds the target against that. What is written is JSON where the name of the file ends in .json, else YAML.
    """
    overlay = load_overlay(with_ or overlay_path())
    raw = read(document).raw
    check_version(document, raw)
    applied = apply(overlay, raw)
    for line in unmatched(overlay, applied):
        click.echo(shown(f"stagecheck: warning: {line}"), err=True)
    text = json_text(applied.raw) if (output or document).suffix.lower() == ".json" else as_yaml(applied.raw)
    if output is None:
        click.echo(text, nl=False)
        return 0
    try:
        write_atomically(output, text.encode())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot write {output}: {getattr(error, 'strerror', None) or error}; give another -o"
        ) from None
    return 0
