"""What remembering and comparing many runs costs: `python -m benchmarks.history`."""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stagecheck.report.history.rows import run_of
from stagecheck.report.history.store import History
from stagecheck.report.record import Record, moment_text, read_record

RUNS = 500
_SAMPLES = Path(__file__).resolve().parents[1] / "reports" / "samples"
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_EVERY = 13
"""One run in so many breaks."""


def filled(directory: Path, runs: int = RUNS) -> float:
    """Remember that many runs of two kinds; the seconds that one takes."""
    good, bad = (read_record(_SAMPLES / f"{name}.json") for name in ("conforming", "non-conforming"))
    history = History(directory)
    history.prepare()
    records = [_dated(bad if number % _EVERY == 0 else good, number) for number in range(runs)]
    began = time.perf_counter()
    for record in records:
        history.add(run_of(record, _BEGIN))
    return (time.perf_counter() - began) / runs


def _dated(record: Record, number: int) -> Record:
    dated = copy.copy(record)
    dated["started"] = moment_text(_BEGIN + timedelta(hours=number))
    dated["target"] = {**record["target"], "version": f"4.{number // 20}"}
    return dated


def seconds_of(*arguments: str) -> float:
    """How long a call of the command line takes, from its start to its end; the better of three."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "stagecheck", *arguments], check=True, capture_output=True)  # noqa: S603
        took.append(time.perf_counter() - began)
    return min(took)


def print_history(console: Console) -> None:
    """Print it as a table."""
    with tempfile.TemporaryDirectory() as folder:
        each = filled(Path(folder))
        size = sum(place.stat().st_size for place in Path(folder).iterdir())
        table = Table(title=f"{RUNS} runs remembered: {each * 1000:.1f} ms and {size / RUNS / 1024:.1f} kB each")
        table.add_column("command")
        table.add_column("seconds", justify="right")
        page = str(Path(folder) / "trend.html")
        for words in (("trend",), ("trend", "--last", "60", "--html", page), ("trend", "--json")):
            shown = " ".join(word if word != page else "FILE" for word in words)
            table.add_row(f"stagecheck {shown}", f"{seconds_of(*words, '--history', folder):.2f}")
    console.print(table)


if __name__ == "__main__":
    print_history(Console())
