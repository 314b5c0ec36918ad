"""What the ledger costs: to note one write so that it survives the loss of power, beside noting it and sending it.

`python -m benchmarks.ledger` prints this alone. The disk is that of the directory for temporary files.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from benchmarks.cost import bare_exchange_s
from stagecheck.target.ledger import Ledger

WRITES = 500
_ENTRY = {
    "write": "1",
    "method": "PUT",
    "path": "/deploymentStage/4c19ec2b-bf3d-5ef2-8cb3-bd31eb4ad476/service/45a8c0d3-3392-5294-9ce8-74929d596573",
    "flag": "false",
    "now": {"45a8c0d3-3392-5294-9ce8-74929d596573": [["f65d8db7-c9e5-51a9-8d92-f1f1f4e329f4", True]]},
}


def times_of(note: Callable[[], None], writes: int = WRITES) -> list[float]:
    """Seconds that each of so many notes took."""
    taken = []
    for _ in range(writes):
        began = time.perf_counter()
        note()
        taken.append(time.perf_counter() - began)
    return taken


def print_ledger(console: Console) -> None:
    """Measure, and print a table."""
    table = Table(title=f"Noting a write ({WRITES} of them), in milliseconds")
    for name in ("", "median", "90th percentile"):
        table.add_column(name, justify="left" if not name else "right")
    with tempfile.TemporaryDirectory() as directory:
        for name, durably in (("on the disk (fdatasync), before it is sent", True), ("handed to the system", False)):
            ledger = Ledger(Path(directory) / f"{durably}.jsonl", {"url": "http://127.0.0.1"})
            taken = times_of(lambda ledger=ledger, durably=durably: ledger.note(_ENTRY, durably=durably))  # type: ignore[misc]
            ledger.close(finished=True)
            table.add_row(name, f"{median(taken) * 1e3:.3f}", f"{quantiles(taken, n=10)[8] * 1e3:.3f}")
    table.add_row("an exchange with the mocked target, for comparison", f"{bare_exchange_s() * 1e3:.3f}", "")
    console.print(table)


if __name__ == "__main__":
    print_ledger(Console())
