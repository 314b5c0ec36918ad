"""`junit.xml`: one test case per requirement, rendered from a record.

How grades become outcomes: a broken MUST is a <failure>, a broken SHOULD one only when strict, what stayed open for
want of an answer or of budget is an <error>, what was not tried or is known is <skipped>. Nothing that was not seen
passes. Entries of expect.toml that have to go are one more case, which fails.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade
from stagecheck.report.expectations import PRUNE, complaints, prunable
from stagecheck.report.ladder import ladder_of, standing
from stagecheck.report.record import Record

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything that no XML 1.0 document may hold, not even escaped (XML 1.0, production 2)."""


def junit_of(record: Record, *, strict: bool = False) -> bytes:
    """The record as JUnit XML, in UTF-8."""
    cases = [_case(entry, record, strict=strict) for entry in record["requirements"]]
    cases += _expectations_case(record)
    counts = {
        "tests": str(len(cases)),
        "failures": str(_having(cases, "failure")),
        "errors": str(_having(cases, "error")),
        "skipped": str(_having(cases, "skipped")),
        "time": f"{record['duration_s']:.3f}",
    }
    suites = ET.Element("testsuites", {"name": "stagecheck", **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": "stagecheck", **counts})
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(record):
        ET.SubElement(properties, "property", {"name": clean(name), "value": clean(str(value))})
    suite.extend(cases)
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def clean(text: str) -> str:
    """The text, with what XML cannot hold written as an escape."""
    return _NOT_XML.sub(lambda match: match.group(0).encode("unicode_escape").decode("ascii"), text)


def _properties(record: Record) -> list[tuple[str, Any]]:
    readings = [(f"reading {what}", how) for what, how in record["reading"].items() if how is not None]
    return [
        ("url", record["target"]["url"]),
        ("verdict", record["verdict"]),
        ("requests", record["requests"]),
        ("seed", record["seed"]),
        ("fidelity", standing(record.get("ladder") or ladder_of(record["requirements"]))),
        *readings,
    ]


def _having(cases: list[ET.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


def _case(entry: dict[str, Any], record: Record, *, strict: bool) -> ET.Element:
    identifier = entry["id"]
    family = f"stagecheck.{identifier.split('-')[0]}"
    case = ET.Element("testcase", {"classname": clean(family), "name": clean(identifier), "time": "0"})
    known = CATALOGUE.get(identifier)
    sentence = known.text if known else identifier
    reason = clean(entry["reason"] or "")
    grade = Grade(entry["grade"])
    broken = grade is Grade.FAIL or (strict and grade is Grade.NON_STRICT)
    if broken or grade is Grade.NON_STRICT:
        found = [v for v in record["violations"] if v["requirement"] == identifier]
        found.sort(key=lambda violation: bool(violation.get("known")))
        text = clean(_violations_text(sentence, found))
        if broken:
            message = clean(found[0]["message"]) if found else sentence
            ET.SubElement(case, "failure", {"message": message, "type": entry["level"]}).text = text
        else:
            ET.SubElement(case, "system-out").text = clean(f"not strictly conforming\n{text}")
    elif grade is Grade.INCONCLUSIVE:
        ET.SubElement(case, "error", {"message": reason or "inconclusive", "type": "inconclusive"}).text = reason
    elif grade in (Grade.NOT_TESTED, Grade.NOT_OFFERED, Grade.KNOWN):
        ET.SubElement(case, "skipped", {"message": f"{grade.value}: {reason}" if reason else grade.value})
    elif grade is Grade.OPEN:
        ET.SubElement(case, "system-out").text = clean(f"{sentence}\nfound: {reason or 'nothing'}")
    return case


def _expectations_case(record: Record) -> list[ET.Element]:
    lines = [line for _, line in complaints(record)]
    if not lines:
        return []
    case = ET.Element("testcase", {"classname": "stagecheck.expectations", "name": "expectations", "time": "0"})
    text = "\n".join([*lines, *([PRUNE] if prunable(record) else [])])
    ET.SubElement(case, "failure", {"message": clean(lines[0]), "type": "expectations"}).text = clean(text)
    return [case]


def _violations_text(sentence: str, found: list[dict[str, Any]]) -> str:
    parts = [sentence]
    parts += [
        f"{v['message']}{' (known)' if v.get('known') else ''}\n"
        f"  expected: {v['expected']}\n  actual:   {v['actual']}\n"
        f"  first seen at request {v['at_request']}\n{v['curl']}"
        for v in found
    ]
    return "\n\n".join(parts)
