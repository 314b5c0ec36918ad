"""Records for pages: small ones of every kind, and what a page holds, as read by a strict parser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import html5lib

from stagecheck.outcome import Grade
from stagecheck.report.record import Record, problem_of

BUILD, DEPLOY, TEST = (f"{letter}0000000-0000-4000-8000-000000000000" for letter in "abc")
ONE, TWO = (f"{digit}1111111-0000-4000-8000-000000000000" for digit in "12")
ENVIRONMENT = "e0000000-0000-4000-8000-000000000000"

Stages = Mapping[str, list[tuple[str, bool]]]


def stage(identifier: str, name: str, order: int, services: list[tuple[str, bool]]) -> dict[str, Any]:
    entries = [
        {"id": service, "service_id": service, "service_type": "DATABASE", "is_skipped": skipped}
        for service, skipped in services
    ]
    return {"id": identifier, "name": name, "deployment_order": order, "services": entries}


def answer(places: Stages, text: str = "") -> str:
    """A list of three stages, with those services in them; `text` behind the name of each."""
    names = {BUILD: "BUILD", DEPLOY: "DEPLOY", TEST: "TEST"}
    listed = [stage(key, names[key] + text, at, places.get(key, [])) for at, key in enumerate(names)]
    return json.dumps({"results": listed}, ensure_ascii=False)


def step(
    method: str, path: str, body: str | None = None, status: int | None = 200, answered: str | None = None
) -> dict[str, Any]:
    headers = {"Authorization": "Token $STAGECHECK_TOKEN"}
    return {"method": method, "path": path, "headers": headers, "body": body, "status": status, "answer": answered}


def attach(stage_id: str, service: str, body: str | None, places: Stages, text: str = "") -> dict[str, Any]:
    return step("PUT", f"/deploymentStage/{stage_id}/service/{service}", body, answered=answer(places, text))


def violation(
    requirement: str, steps: list[dict[str, Any]], witness: Mapping[str, Any] | None = None, text: str = "", **more: Any
) -> dict[str, Any]:
    """A violation with a reproducer that has the witness, ids in place of symbols; `text` in all that is free."""
    told = {
        "bindings": {f"stage:A{text}": {"id": BUILD, "name": f"BUILD{text}"}},
        "placement": {},
        "steps": [
            {
                "method": one["method"],
                "path": one["path"],
                "headers": {},
                "credential": {"name": f"the API token{text}", "scheme": "Token", "secret": "token", "how": None},
                "asks": "list",
                "set_up": number == 0 and len(steps) > 1,
                "status": one["status"],
                **({} if one["body"] is None else {"body": one["body"]}),
            }
            for number, one in enumerate(steps)
        ],
        "given": [],
        "wrong": len(steps) - 1,
        "witness": witness,
    }
    return {
        "requirement": requirement,
        "cause": f"cause{text}",
        "message": f"message{text}",
        "expected": f"wanted{text}",
        "actual": f"came{text}",
        "at_request": 7,
        "reproduced": "always",
        "steps": steps,
        "curl": "\n".join(f"curl -X {one['method']} 'http://127.0.0.1:1{one['path']}'{text}" for one in steps),
        "reproducer": None if witness is None else told,
        "known": False,
        **more,
    }


def left_skipped(text: str = "") -> dict[str, Any]:
    """MOVE-4: a skipped service is moved without a body, and arrives skipped; another stands by."""
    return violation(
        "MOVE-4",
        [
            attach(BUILD, ONE, '{"is_skipped": true}', {BUILD: [(ONE, True), (TWO, False)]}, text),
            attach(DEPLOY, ONE, None, {DEPLOY: [(ONE, True)], BUILD: [(TWO, False)]}, text),
        ],
        {"kind": "places", "service": ONE, "places": [[DEPLOY, False]]},
        text,
    )


def race(text: str = "") -> dict[str, Any]:
    """RACE-1: three clients, one of which is never answered."""
    asked = [
        (f"1{text}", 0.010, 0.017, 200, False),
        (f"2{text}", 0.012, 0.022, 200, False),
        (f"3{text}", 0.013, None, None, False),
        (f"1{text}", 0.023, 0.026, 200, True),
    ]
    operations = [
        {
            "client": client,
            "words": f"PUT service to stage{text}",
            "start_s": start,
            "end_s": end,
            "status": status,
            "shows": f"in stage TEST{text}",
            "wrong": wrong,
        }
        for client, start, end, status, wrong in asked
    ]
    steps = [attach(DEPLOY, ONE, None, {DEPLOY: [(ONE, False)]}, text)]
    told = {"operations": operations, "all": operations, "explanation": f"No order explains it.{text}"}
    return violation("RACE-1", steps, None, text, race=told)


def requirement(identifier: str, grade: str, text: str = "", level: str = "MUST") -> dict[str, Any]:
    return {
        "id": identifier,
        "level": level,
        "grade": grade,
        "exercised": 3,
        "violations": int(grade in ("fail", "non-strict")),
        "reason": None if grade == "pass" else f"why{text}",
    }


GRADED = {
    "MOVE-1": Grade.PASS,
    "MOVE-4": Grade.FAIL,
    "RACE-1": Grade.NON_STRICT,
    "SKIP-2": Grade.OPEN,
    "STATE-5": Grade.NOT_OFFERED,
    "RACE-2": Grade.NOT_TESTED,
    "ERR-8": Grade.INCONCLUSIVE,
    "AUTH-5": Grade.KNOWN,
}


HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>' onload='alert(1)",
    "</title></style></svg></text></textarea></template><svg onload=alert(1)><!-- ]]> --!>",
    "\x00\x01\x1b[31m\x7f\x85\u202e\u2028\ufeff\ufffe\U0001ffff",
    "\ud800 \udfff lone",
    "&lt;b&gt; &amp; &#x3c;script&#x3e; {{ 7 * 7 }} {% raw %} ${x}",
    "\r\n\t ' \" ` javascript:alert(1) url(http://example.invalid/)",
]
"""Texts of targets that would rather be something else."""


def record(text: str = "", *, verdict: str = "non-conforming", violations: list[Any] | None = None) -> Record:
    """A record with every grade, a sequence and a race, and `text` wherever a text of a target may stand."""
    made: Record = {
        "schema": 1,
        "tool": {"name": "stagecheck", "version": f"0.1.0{text}"},
        "target": {"url": f"http://127.0.0.1:1/{text}", "mocked": False, "offers": ["attach", f"list{text}"]},
        "verdict": verdict,
        "reading": {"SKIP-2": "move-and-skip", f"choice{text}": f"made{text}", "unsettled": None},
        "requirements": [requirement(key, grade.value, text) for key, grade in GRADED.items()],
        "violations": [left_skipped(text), race(text)] if violations is None else violations,
        "requests": 3000,
        "duration_s": 1.25,
        "seed": 5,
        "profile": f"nightly{text}",
        "ladder": None,
        "phases": {"tour": 12, f"deep{text}": 2988},
        "latency": {
            f"{name}{text}": {"count": 30, "p50_ms": 0.25, "p90_ms": 12.5, "p99_ms": 1250.0, "max_ms": 1400.0}
            for name in ("all", "attach")
        },
        "coverage": {
            "depth": 1, "stages": 3, "services": 1, "forms": [], "covered": 72, "total": 72, "complete": True,
            "walks": [
                {"depth": 1, "stages": 3, "services": 1, "covered": 72, "total": 72, "requests": 35, "stopped": None},
                {"depth": 2, "stages": 3, "services": 1, "covered": 3, "total": 864, "requests": 3,
                 "stopped": f"why{text}"},
            ],
        },
        "notes": [f"note{text}"],
        "expectations": {
            "file": f"expect.toml{text}", "known": 1, "expired": [],
            "gone": [{"requirement": "MOVE-4", "cause": f"cause{text}"}],
            "unsure": [{"requirement": "ERR-8", "cause": "c", "why": f"why{text}"}],
        },
    }  # fmt: skip
    assert problem_of(made) is None
    return made


# ---------------------------------------------------------------------- reading pages

_PREFIX = "{http://www.w3.org/1999/xhtml}"
_SVG = "{http://www.w3.org/2000/svg}"


def parsed(page: str) -> ET.Element:
    """The page as a tree without namespaces. Raises html5lib's ParseError at the first thing that is not valid."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True)
    tree: ET.Element = parser.parse(page)
    for element in tree.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.removeprefix(_PREFIX).removeprefix(_SVG)
    return tree


def text_of(element: ET.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def having(tree: ET.Element, name: str, tag: str = "*") -> list[ET.Element]:
    """The elements with that class."""
    return [one for one in tree.iter() if (tag in ("*", one.tag)) and name in (one.get("class") or "").split()]


def shapes(tree: ET.Element) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every element as its name and the names of its attributes."""
    for element in tree.iter():
        if isinstance(element.tag, str):
            yield element.tag, tuple(sorted(element.attrib))
