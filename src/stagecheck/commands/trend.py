"""`stagecheck trend`: what changed over the runs that are remembered."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from stagecheck.errors import UsageError
from stagecheck.report.history.rows import run_of
from stagecheck.report.history.store import History
from stagecheck.report.history.trend import Point, Trend, trend_of
from stagecheck.report.history.words import MOST, print_trend
from stagecheck.report.record import read_record, write_atomically
from stagecheck.report.seen import Key
from stagecheck.report.terminal import make_console

_FILE = click.Path(path_type=Path)


@click.command("trend", short_help="Say what changed over the runs that are remembered.")
@click.option(
    "--history", type=_FILE, default=Path("reports/history"), show_default=True, metavar="DIR", help="Where they are."
)
@click.option(
    "--record",
    "records",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Remember this report.json first.",
)
@click.option("--target", metavar="URL", help="Which target.  [default: that of the newest run]")
@click.option("--last", type=click.IntRange(1, MOST), default=20, show_default=True, help="How many runs to show.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page there as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    history: Path, records: tuple[Path, ...], target: str | None, last: int, html: Path | None, *, as_json: bool
) -> None:
    """Say what changed over the runs against a target: verdicts, grades, what is new, fixed or flaky, and what it cost.

    verify remembers every run (see [report] history). A requirement is flaky if it changed while the target's version
    ([target] version), the OpenAPI document and stagecheck did not; without a version, if it changed there and back.
    """
    kept = History(history)
    if records:
        _remember(kept, records)
    targets = kept.targets()
    if not targets:
        raise UsageError(f"no run is remembered in {history}: make one with verify, or give --record report.json")
    url = target.rstrip("/") if target else targets[0]
    if url not in targets:
        raise UsageError(f"no run against {url} is remembered in {history}; there are: {', '.join(targets[:5])}")
    trend = trend_of(url, kept.runs(url), last)
    if html is not None:
        _write(html, trend)
    if as_json:
        click.echo(json.dumps(_data(trend), indent=2))
    else:
        print_trend(make_console(sys.stdout), trend, [other for other in targets if other != url])


def _remember(history: History, records: tuple[Path, ...]) -> None:
    """Add the records, each once; one that does not say when it began is dated by its file."""
    read = [(path, read_record(path)) for path in records]
    history.prepare()
    for path, record in read:
        try:
            history.add(run_of(record, datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)))
        except OSError as error:
            raise UsageError(f"cannot remember {path}: {error.strerror or error}; name another --history") from None


def _write(place: Path, trend: Trend) -> None:
    from stagecheck.report.html.trend import trend_page  # noqa: PLC0415  (a template engine that few calls need)

    try:
        write_atomically(place, trend_page(trend).encode())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot write {place}: {getattr(error, 'strerror', None) or error}; give another --html"
        ) from None


def _data(trend: Trend) -> dict[str, Any]:
    return {
        "headline": trend.headline,
        "target": trend.url,
        "total": trend.total,
        "runs": [_run(point) for point in trend.points],
        "requirements": [
            {"id": line.requirement, "grades": list(line.grades), "changes": line.changes, "flaky": line.flaky}
            for line in trend.lines
        ],
        "flaky": trend.flaky,
    }


def _run(point: Point) -> dict[str, Any]:
    run = point.run
    return {
        "started": run.started,
        "verdict": run.seen.verdict,
        "version": run.version,
        "document": run.fingerprint,
        "tool": run.tool,
        "profile": run.seen.profile,
        "only": list(run.only),
        "seed": run.seed,
        "rung": run.rung,
        "requests": run.requests,
        "duration_s": run.duration_s,
        "p50_ms": run.p50_ms,
        "p99_ms": run.p99_ms,
        "new": [_key(key) for key in point.new],
        "fixed": [_key(key) for key in point.fixed],
    }


def _key(key: Key) -> dict[str, str]:
    return {"requirement": key[0], "cause": key[1]}
