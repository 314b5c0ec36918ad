"""The trend as a page, in the style of the report: the verdicts, a grid of grades, and what the runs cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stagecheck.contract import CATALOGUE
from stagecheck.report.history.rows import Run
from stagecheck.report.history.trend import Point, Trend, counted
from stagecheck.report.html.grades import GRADES, VERDICTS
from stagecheck.report.html.page import page_of
from stagecheck.report.html.text import in_ms

HEIGHT = 120
STEP = 14
"""Pixels that one run takes in a chart, as it takes in the grid."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure over the runs: bars from left to right (`x`, `y`, `height`, words), and the largest in words."""

    title: str
    width: int
    bars: tuple[tuple[int, int, int, str], ...]
    most: str
    words: str


def trend_page(trend: Trend) -> str:
    """The trend as one HTML page that needs nothing else and runs no script, to be written in UTF-8."""
    last = trend.points[-1].run
    return page_of(
        "trend",
        styles=("page.css", "trend.css"),
        scripts=(),
        trend=trend,
        sign=VERDICTS[last.seen.verdict],
        verdicts=VERDICTS,
        signs=GRADES,
        texts={key: entry.text for key, entry in CATALOGUE.items()},
        counted=counted(trend),
        last=last,
        charts=[
            _chart("Requests", trend.points, lambda run: float(run.requests), lambda value: f"{value:,.0f}"),
            _chart("Median latency", trend.points, lambda run: run.p50_ms, in_ms),
            _chart("99th percentile of latency", trend.points, lambda run: run.p99_ms, in_ms),
        ],
    )


def _chart(
    title: str, points: tuple[Point, ...], of: Callable[[Run], float | None], said: Callable[[float], str]
) -> Chart:
    values = [(point.run, of(point.run)) for point in points]
    known = [value for _, value in values if value is not None]
    most = max(known, default=0.0)
    bars = []
    for place, (run, value) in enumerate(values):
        if value is not None and most > 0:
            height = max(1, round(HEIGHT * value / most))
            bars.append((place * STEP, HEIGHT - height, height, f"{run.started[:16].replace('T', ' ')}: {said(value)}"))
    words = f"from {said(known[0])} to {said(known[-1])}, at most {said(most)}" if known else "nothing is recorded"
    return Chart(title, max(STEP, len(values) * STEP), tuple(bars), said(most), words)
