"""The formats that a record is rendered in when the config asks for them, each with the name of its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stagecheck.report.record import Record


@dataclass(frozen=True, slots=True)
class Format:
    """One format: the file that `verify` writes it to, and what renders a record in it."""

    file: str
    render: Callable[[Record], bytes]


def _html(record: Record) -> bytes:
    from stagecheck.report.html import html_of  # noqa: PLC0415  (a template engine that most runs do without)

    return html_of(record).encode()


FORMATS: Mapping[str, Format] = {"html": Format("report.html", _html)}
"""Every such format by its name in `[report] formats`."""
