"""`stagecheck verify`: one run, its reports, and the exit code of its verdict."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from stagecheck.cli import INCONCLUSIVE, Settings
from stagecheck.commands.consent import asking
from stagecheck.commands.planned import print_plan
from stagecheck.errors import UsageError
from stagecheck.exchange import Exchange
from stagecheck.launch import Launch, Wanted, exit_code, prepare
from stagecheck.model.state import Reading
from stagecheck.outcome import Violation
from stagecheck.report.exchanges import ExchangeLog
from stagecheck.report.formats import FORMATS
from stagecheck.report.github import annotations_of, in_actions, stop
from stagecheck.report.history.rows import run_of
from stagecheck.report.history.store import History
from stagecheck.report.markdown import markdown_of
from stagecheck.report.progress import Progress
from stagecheck.report.race import write_histories
from stagecheck.report.record import Record, record_of, write_atomically, write_record
from stagecheck.report.reproducer.files import write_reproducers
from stagecheck.report.terminal import headline, make_console, print_expectations, print_notes, print_record
from stagecheck.suite.plan import ProfileName
from stagecheck.suite.runner import Observer

_RECORD, _EXCHANGES = "report.json", "exchanges.ndjson"
_ALWAYS = ("junit",)
"""Formats that are written whatever the config says."""
_FILE = click.Path(path_type=Path)
_WANTED = (
    "config",
    "spec",
    "profile",
    "only",
    "seed",
    "reading",
    "allow_writes",
    "production",
    "read_only",
    "expect",
    "strict",
)
"""The options that say which run is wanted; the others say how it is shown."""


@click.command("verify", short_help="Judge a target, requirement by requirement (no URL: the embedded mocked target).")
@click.argument("url", required=False)
@click.option("--config", type=_FILE, metavar="FILE", help="The stagecheck.toml that names the target's things.")
@click.option(
    "--profile",
    type=click.Choice([name.value for name in ProfileName]),
    default=ProfileName.NIGHTLY.value,
    show_default=True,
    help="How much to send: at most 260 requests, at most 4,000, or as much as it takes.",
)
@click.option("--only", multiple=True, metavar="ID-PREFIX", help="Judge these requirements alone; may be repeated.")
@click.option("--strict", is_flag=True, help="A broken SHOULD fails, too, and so does a breach of the strict document.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same seed sends the same requests."
)
@click.option(
    "--report-dir", type=_FILE, default=Path("reports"), show_default=True, metavar="DIR", help="Where reports go."
)
@click.option(
    "--reading",
    type=click.Choice([reading.value for reading in Reading]),
    help="Pin what a skip to another stage has to mean (SKIP-2); otherwise it is found out.",
)
@click.option("--allow-writes", is_flag=True, help="Move services of a target that is not on this machine.")
@click.option("--plan", is_flag=True, help="Print what would be sent and changed, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the --plan as JSON; of a run, report.json is that.")
@click.option("--read-only", is_flag=True, help="Send nothing but reads; what they cannot show is not tested.")
@click.option("--production", is_flag=True, help="Write to a host that looks like production, too.")
@click.option("--yes", is_flag=True, help="Ask nothing before the first write.")
@click.option("--spec", type=_FILE, metavar="FILE", help="An OpenAPI document in place of the packaged one.")
@click.option(
    "--expect",
    type=_FILE,
    metavar="FILE",
    help="The violations that are known.  [default: expect.toml beside --config]",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the verdict line alone.")
@click.option("-v", "--verbose", is_flag=True, help="Print every exchange, and tracebacks of faults of stagecheck.")
@click.pass_obj
def command(settings: Settings, /, url: str | None, report_dir: Path, **options: Any) -> int:
    """Judge a target, requirement by requirement.

    Without URL and --config, the target is the mocked one that stagecheck embeds. A live target needs a config; URL
    takes the place of its [target] url. Every service that is used is put back where it was.

    Writes report.json, junit.xml and exchanges.ndjson into the report directory, and what [report] formats names
    (report.html where it says nothing).
    """
    if options["as_json"] and not options["plan"]:
        raise UsageError("--json goes with --plan; a run writes its result as report.json into --report-dir")
    settings.verbose = options["verbose"]
    _keep_hypothesis_out_of_here()
    wanted = Wanted(url, dry=options["plan"], ledgers=report_dir, **{name: options[name] for name in _WANTED})
    launch = prepare(replace(wanted, otherwise=", or --read-only for what reads alone can show"))
    settings.redact = launch.redactor.text
    launch.tell = lambda line: click.echo(f"stagecheck: {launch.redactor.text(line)}", err=True)
    console = make_console(sys.stdout)
    if options["plan"]:
        print_plan(console, launch, as_json=options["as_json"])
        return 0
    most, seconds = launch.limits.requests, launch.limits.seconds
    progress = Progress(console, quiet=options["quiet"], verbose=options["verbose"], most=most, seconds=seconds)
    say = None if options["quiet"] else partial(console.print, soft_wrap=True)
    asked = asking(launch, yes=options["yes"], say=say, paused=progress.paused)
    launch.plan = replace(launch.plan, before_writing=asked)
    reports = Reports.open(report_dir, launch)
    with _text_alone():
        with reports.exchanges, progress:
            result = launch.run(_observer(launch, reports.exchanges, progress))
        record = record_of(result, launch.redactor)
        if reports.exchanges.failure:
            record["notes"].append(reports.exchanges.failure)
        _printed(console, record, reports.whereabouts(record), quiet=options["quiet"])
    code = exit_code(result, strict=options["strict"])
    _tell_github(record)
    return _written(reports, record, code)


def _printed(console: Console, record: Record, written: str, *, quiet: bool) -> None:
    if quiet:
        console.print(headline(record), soft_wrap=True)
        print_expectations(console, record, failing_only=True)
        print_notes(console, record)
    else:
        console.print()
        print_record(console, record, written)


def _observer(launch: Launch, log: ExchangeLog, progress: Progress) -> Observer:
    def exchange(exchange: Exchange) -> None:
        log(exchange)
        progress.exchange(exchange)

    def violation(violation: Violation) -> None:
        progress.violation(violation, launch.redactor.text(violation.breach.message))

    return Observer(progress.phase, exchange, violation)


@contextmanager
def _text_alone() -> Iterator[None]:
    """Where GitHub Actions reads along, nothing that is printed meanwhile is taken for a command to it."""
    if not in_actions(os.environ):
        yield
        return
    begin, end = stop()
    click.echo(begin)
    try:
        yield
    finally:
        click.echo(end)


def _tell_github(record: Record) -> None:
    """Annotations for the pull request, and the summary of the step; one that cannot be written changes no verdict."""
    if in_actions(os.environ):
        click.echo(annotations_of(record), nl=False)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("ab") as file:
                file.write(markdown_of(record))
        except OSError as error:
            click.echo(f"stagecheck: warning: no step summary was written: {error.strerror or error}", err=True)


def _written(reports: Reports, record: Record, code: int) -> int:
    """Write the reports; one that cannot be written makes a good run inconclusive, and a bad one no better."""
    try:
        reports.write(record)
    except OSError as error:
        what = f"the reports in {reports.directory} are not complete: {error.strerror or error}"
        click.echo(f"stagecheck: error: {what}", err=True)
        return code or INCONCLUSIVE
    return code


def _keep_hypothesis_out_of_here() -> None:
    """Let Hypothesis keep its caches in the user's cache directory, and not in the one stagecheck was called from."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache / "stagecheck" / "hypothesis"))


def _history(directory: Path, launch: Launch) -> History | None:
    """Where the run is to be remembered: beside the reports, unless the config says otherwise. Raises UsageError."""
    if launch.history is False:
        return None
    history = History(launch.history if isinstance(launch.history, Path) else directory / "history")
    history.prepare()
    return history


@dataclass(frozen=True, slots=True)
class Reports:
    """The directory of a run's reports, known to be writable, with the log of exchanges open in it."""

    directory: Path
    exchanges: ExchangeLog
    formats: tuple[str, ...] = ()
    history: History | None = None

    @classmethod
    def open(cls, directory: Path, launch: Launch) -> Reports:
        """Make the directory, and take the reports of an earlier run out of it: a run that fails must not show them.

        Raises UsageError before anything is sent when it cannot be written to.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            write_atomically(directory / ".stagecheck", b"")
            for name in (".stagecheck", _RECORD, *(one.file for one in FORMATS.values())):
                (directory / name).unlink(missing_ok=True)
            history = _history(directory, launch)
            return cls(directory, ExchangeLog(directory / _EXCHANGES, launch.redactor), launch.formats, history)
        except OSError as error:
            raise UsageError(
                f"cannot write reports to {directory}: {error.strerror or error}; give another --report-dir"
            ) from None

    def whereabouts(self, record: Record) -> str:
        """What a reader finds where: the page first."""
        names = [*(FORMATS[name].file for name in self._forms), _RECORD]
        again = "; to send what broke again: reproducers/" if record["violations"] else ""
        return f"in {self.directory}/: {', '.join(names)}{again}"

    @property
    def _forms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.formats, *_ALWAYS)))

    def write(self, record: Record) -> None:
        """Write what is rendered from the record. Raises OSError."""
        write_record(self.directory / _RECORD, record)
        write_reproducers(self.directory, record)
        write_histories(self.directory, record)
        for name in self._forms:
            write_atomically(self.directory / FORMATS[name].file, FORMATS[name].render(record))
        if self.history is not None:
            self.history.add(run_of(record, datetime.now(tz=UTC)))
