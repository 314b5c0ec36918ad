"""A trend on a terminal: the runs, and a grid of requirements with one letter a run."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stagecheck.outcome import Grade, Verdict
from stagecheck.report.history.trend import Line, Point, Trend, counted
from stagecheck.report.terminal import GRADE_STYLE, VERDICT_STYLE, shown

LETTERS: Mapping[str | None, str] = {
    Grade.PASS: ".",
    Grade.OPEN: "o",
    Grade.FAIL: "X",
    Grade.NON_STRICT: "x",
    Grade.KNOWN: "k",
    Grade.INCONCLUSIVE: "?",
    Grade.NOT_OFFERED: "-",
    Grade.NOT_TESTED: " ",
    None: " ",
}
"""What stands for each grade in the grid."""
_KEY = ". kept  o open  X violated  x SHOULD broken  k known  ? unclear  - not offered\n  blank: not tested"
MOST = 60
"""Columns of the grid that fit beside the ids and remarks in 80."""
_VERSION = 12


def print_trend(console: Console, trend: Trend, others: list[str]) -> None:
    """How it stands first, then the runs and the requirements; `others`: targets of which there are runs as well."""
    last = trend.points[-1]
    verdict = Verdict(last.run.seen.verdict)
    console.print(Text(shown(trend.headline), VERDICT_STYLE[verdict]))
    days = (trend.points[0].run.started[:10], last.run.started[:10])
    span = " to ".join(dict.fromkeys(days))
    console.print(Text(shown(f"{trend.url}: {counted(trend)}, {span}"), "dim"))
    _heading(console, "Runs")
    console.print(_runs(trend))
    _heading(console, "Requirements, the newest run at the right")
    for line in trend.lines:
        console.print(_line(line))
    console.print()
    console.print(Text(_KEY, "dim"))
    if others:
        _heading(console, "Other targets (give --target)")
        for url in others:
            console.print(Padding(Text(shown(url), overflow="fold"), (0, 0, 0, 2), expand=False))


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, "bold"))


def _runs(trend: Trend) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("started (UTC)", no_wrap=True)
    table.add_column("version", no_wrap=True, max_width=_VERSION)
    table.add_column("verdict", no_wrap=True)
    for name in ("new", "fixed", "requests", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in trend.points:
        table.add_row(*_row(point))
    return table


def _row(point: Point) -> list[str | Text]:
    run, verdict = point.run, Verdict(point.run.seen.verdict)
    return [
        run.started[:16].replace("T", " "),
        shown(run.version or "")[:_VERSION],
        Text(verdict.value, VERDICT_STYLE[verdict].replace("bold ", "")),
        Text(str(len(point.new)) if point.new else "", "red"),
        Text(str(len(point.fixed)) if point.fixed else "", "green"),
        f"{run.requests:,}",
        _milliseconds(run.p50_ms),
        _milliseconds(run.p99_ms),
    ]


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _line(line: Line) -> Text:
    text = Text(f"  {shown(line.requirement)[:9]:<9} ", no_wrap=True, overflow="crop")
    for grade in line.grades[-MOST:]:
        text.append(LETTERS[grade], GRADE_STYLE.get(Grade(grade), "dim") if grade else "dim")
    if line.flaky:
        text.append("  flaky", "bold magenta")
    return text
