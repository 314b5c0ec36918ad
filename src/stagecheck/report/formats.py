"""The formats that a record is rendered in, each with the name of its file.

`[report] formats` names those that `verify` writes, `stagecheck report --to` any of them for an old record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stagecheck.report.badge import badge_of
from stagecheck.report.ctrf import ctrf_of
from stagecheck.report.github import annotations_of
from stagecheck.report.junit import junit_of
from stagecheck.report.markdown import markdown_of
from stagecheck.report.record import Record
from stagecheck.report.sarif import sarif_of


@dataclass(frozen=True, slots=True)
class Format:
    """One format: the file that `verify` writes it to, and what renders a record in it."""

    file: str
    render: Callable[[Record], bytes]


def _html(record: Record) -> bytes:
    from stagecheck.report.html.page import html_of  # noqa: PLC0415  (a template engine that most runs do without)

    return html_of(record).encode()


def _har(record: Record) -> bytes:
    from stagecheck.report.har import har_of  # noqa: PLC0415  (a library that most runs do without)

    return har_of(record)


FORMATS: Mapping[str, Format] = {
    "html": Format("report.html", _html),
    "junit": Format("junit.xml", junit_of),
    "markdown": Format("report.md", markdown_of),
    "ctrf": Format("ctrf.json", ctrf_of),
    "sarif": Format("report.sarif", sarif_of),
    "har": Format("exchanges.har", _har),
    "badge": Format("badge.svg", badge_of),
    "github": Format("annotations.txt", annotations_of),
}
"""Every such format by its name in `[report] formats`."""
