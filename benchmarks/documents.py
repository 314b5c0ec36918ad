"""What checking and comparing documents costs, from the fragment to a vendor's: `python -m benchmarks.documents`."""

from __future__ import annotations

import copy
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table

from stagecheck.operations import OperationKey
from stagecheck.spec import fragment_path, load, read
from stagecheck.spec.diff import diff
from stagecheck.spec.lint import check
from stagecheck.spec.writing import as_json, as_yaml

_ANSWERS = 1000
_THINGS = (0, 100, 400)
"""Things that are added to the fragment, each with three operations and a schema of its own; 400 make a megabyte."""


def grown(things: int) -> dict[str, Any]:
    """The fragment with that many other things around it."""
    raw = copy.deepcopy(read(fragment_path()).raw)
    stage = raw["paths"]["/deploymentStage/{deploymentStageId}"]
    for number in range(things):
        item = copy.deepcopy(stage)
        for method in ("get", "put", "delete"):
            item[method]["operationId"] = f"{method}Thing{number}"
        item["get"]["responses"]["200"] = {"$ref": f"#/components/responses/Thing{number}"}
        raw["paths"][f"/thing{number}/{{deploymentStageId}}"] = item
        raw["components"]["schemas"][f"Thing{number}"] = copy.deepcopy(raw["components"]["schemas"]["Stage"])
        schema = {"$ref": f"#/components/schemas/Thing{number}"}
        answer = {"description": "The thing", "content": {"application/json": {"schema": schema}}}
        raw["components"]["responses"][f"Thing{number}"] = answer
    return raw


def seconds(what: Callable[[], Any]) -> float:
    """How long a call takes, in seconds; the better of two."""
    took = []
    for _ in range(2):
        began = time.perf_counter()
        what()
        took.append(time.perf_counter() - began)
    return min(took)


def changed(raw: dict[str, Any]) -> dict[str, Any]:
    """The same with a flag of another type everywhere, and every second thing without its required properties."""
    new = copy.deepcopy(raw)
    schemas = new["components"]["schemas"]
    schemas["Service"]["properties"]["is_skipped"]["type"] = "string"
    for name in [name for name in schemas if name.startswith("Thing")][::2]:
        schemas[name]["required"] = ["id"]
    return new


def print_changes(console: Console) -> None:
    """Print a table: size, changes found, seconds to compare a document with itself and with a changed one."""
    table = Table(title="Comparing two documents (spec diff), without the start of Python")
    for heading in ("kB", "changes", "the same s", "changed s"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for things in _THINGS:
            old, new = Path(folder) / f"{things}-old.json", Path(folder) / f"{things}-new.json"
            raw = grown(things)
            old.write_text(as_json(raw), encoding="utf-8")
            new.write_text(as_json(changed(raw)), encoding="utf-8")
            found = len(diff(old, new).changes)
            same, other = seconds(partial(diff, old, old)), seconds(partial(diff, old, new))
            table.add_row(f"{old.stat().st_size / 1000:,.0f}", str(found), f"{same:.2f}", f"{other:.2f}")
    console.print(table)


def print_documents(console: Console) -> None:
    """Print a table: size, seconds to read and to check, and the memory of checking."""
    table = Table(title="Checking a document (spec check), without the start of Python")
    for heading in ("kB", "notation", "read s", "check s", "MB at most"):
        table.add_column(heading, justify="left" if heading == "notation" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for things in _THINGS:
            for notation, write in (("yaml", as_yaml), ("json", as_json)):
                place = Path(folder) / f"{things}.{notation}"
                place.write_text(write(grown(things)), encoding="utf-8")
                reading, checking = seconds(partial(read, place)), seconds(partial(check, place))
                tracemalloc.start()
                check(place)
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                size = place.stat().st_size / 1000
                table.add_row(f"{size:,.0f}", notation, f"{reading:.2f}", f"{checking:.2f}", f"{peak / 1e6:.0f}")
    console.print(table)


def print_answers(console: Console) -> None:
    """Print what it costs to hold one answer, a list of three stages of two services, against the document."""
    document = load()
    entry = {"id": str(UUID(int=1)), "created_at": "2026-01-01T00:00:00Z", "service_id": str(UUID(int=2))}
    stage = {"id": str(UUID(int=3)), "created_at": "2026-01-01T00:00:00Z", "environment": {"id": str(UUID(int=4))}}
    answer = {"results": [{**stage, "services": [entry, entry]}] * 3}

    def judged() -> None:
        for _ in range(_ANSWERS):
            document.response_problems(OperationKey.ATTACH, 200, answer)

    console.print(f"Judging an answer by the document: {seconds(judged) / _ANSWERS * 1e6:.1f} µs")


if __name__ == "__main__":
    print_answers(Console())
    print_documents(Console())
    print_changes(Console())
