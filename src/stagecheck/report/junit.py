"""`junit.xml`: one test case per requirement, rendered from a record.

Failures, errors and skipped cases are kept apart as `cases` says. The form is that of the schema that Jenkins' xUnit
plugin and pytest hold JUnit files against (junit-10.xsd).
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from stagecheck.report.cases import Case, Outcome, cases_of
from stagecheck.report.ladder import ladder_of, standing
from stagecheck.report.record import Record, moment_of, moment_text, version_of

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything that no XML 1.0 document may hold, not even escaped (XML 1.0, production 2)."""


def junit_of(record: Record) -> bytes:
    """The record as JUnit XML, in UTF-8."""
    cases = cases_of(record)
    counts = {
        "tests": str(len(cases)),
        "failures": str(_having(cases, Outcome.FAILED)),
        "errors": str(_having(cases, Outcome.ERROR)),
        "time": f"{record['duration_s']:.3f}",
    }
    suites = ET.Element("testsuites", {"name": "stagecheck", **counts})
    more = {"skipped": str(_having(cases, Outcome.SKIPPED))}
    started = moment_text(moment_of(record.get("started")))
    more |= {"timestamp": started} if started else {}
    suite = ET.SubElement(suites, "testsuite", {"name": "stagecheck", **counts, **more})
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(record):
        ET.SubElement(properties, "property", {"name": clean(name), "value": clean(str(value))})
    suite.extend(_element(case) for case in cases)
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def clean(text: str) -> str:
    """The text, with what XML cannot hold written as an escape."""
    return _NOT_XML.sub(lambda match: match.group(0).encode("unicode_escape").decode("ascii"), text)


def _properties(record: Record) -> list[tuple[str, Any]]:
    readings = [(f"reading {what}", how) for what, how in record["reading"].items() if how is not None]
    version = version_of(record)
    return [
        ("url", record["target"]["url"]),
        *([("version", version)] if version else []),
        ("verdict", record["verdict"]),
        ("requests", record["requests"]),
        ("seed", record["seed"]),
        ("fidelity", standing(record.get("ladder") or ladder_of(record["requirements"]))),
        *readings,
    ]


def _having(cases: list[Case], outcome: Outcome) -> int:
    return sum(case.outcome is outcome for case in cases)


def _element(case: Case) -> ET.Element:
    family = clean(f"stagecheck.{case.family}")
    element = ET.Element("testcase", {"classname": family, "name": clean(case.name), "time": "0"})
    message, text = clean(case.message), clean(case.text)
    if case.outcome is Outcome.FAILED:
        ET.SubElement(element, "failure", {"message": message, "type": case.kind}).text = text
    elif case.outcome is Outcome.ERROR:
        ET.SubElement(element, "error", {"message": message, "type": case.kind}).text = text
    elif case.outcome is Outcome.SKIPPED:
        ET.SubElement(element, "skipped", {"message": message})
    elif text:
        ET.SubElement(element, "system-out").text = text
    return element
