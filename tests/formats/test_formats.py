"""Every format with every grade and every verdict, and whatever a target says: valid, complete, nothing executed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from formats.valid import READERS, ctrf, github, har, junit, markdown, sarif, svg
from page.records import GRADED, HOSTILE, left_skipped, record
from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.formats import FORMATS
from stagecheck.report.markdown import LONGEST
from stagecheck.report.record import Record, problem_of, read_record, write_record

SAMPLES = sorted(
    place for place in (Path(__file__).parents[2] / "reports" / "samples").glob("*.json") if "." not in place.stem
)
HUGE = "N" * 1_000_000
TRICKS = "| a | *b* _c_ ~~d~~ [e](f) ![g](h) <i>i</i> `j` ``` \n\n# k\n- l\n> m\n***"


def full(text: str = "", **changes: Any) -> Record:
    """A record with all that this version writes, `text` wherever a target or a document may have put it."""
    made = record(text, verdict=changes.pop("verdict", "non-conforming"))
    made["target"]["version"] = f"4.2{text}"
    made |= {
        "started": "2026-03-01T10:20:30.400Z",
        "only": [f"MOVE{text}"],
        "strict": False,
        "cut_short": f"why{text}",
        "spec": {
            "document": f"api/open api{text}.yaml",
            "fingerprint": f"sha256:0{text}",
            "places": [{"requirement": "MOVE-4", "pointer": f"/paths/~1a{text}", "line": 31, "column": 7}],
        },
    } | changes
    for violation in made["violations"]:
        for step in violation["steps"]:
            step |= {"content_type": f"application/json{text}", "started": 0.5, "elapsed": 0.25}
    assert problem_of(made) is None
    return made


def rendered(name: str, made: Record) -> bytes:
    return FORMATS[name].render(made)


def test_there_is_a_reader_for_every_format() -> None:
    assert READERS.keys() == FORMATS.keys()
    assert set(GRADED.values()) == set(Grade)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("grade", list(Grade))
def test_every_grade_with_every_verdict_is_valid(name: str, verdict: Verdict, grade: Grade) -> None:
    made = full(verdict=verdict.value)
    for entry in made["requirements"]:
        entry["grade"] = grade.value
    if grade not in (Grade.FAIL, Grade.NON_STRICT, Grade.KNOWN):
        made["violations"] = []
    READERS[name](rendered(name, made))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", [*HOSTILE, "".join(HOSTILE) * 3, "\n::error::x\r\n\n# x\n| a | b |", "%0A::stop::"])
def test_whatever_a_target_says_is_valid_in_every_format(name: str, text: str) -> None:
    READERS[name](rendered(name, full(f" {text}")))


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_of_a_megabyte_is_valid_in_every_format(name: str) -> None:
    made = full()
    made["target"]["url"] += HUGE
    for violation in made["violations"]:
        violation |= {key: f"{violation[key]} {HUGE}" for key in ("message", "expected", "actual", "curl", "cause")}
    content = rendered(name, made)
    READERS[name](content)
    if name in ("markdown", "badge", "github"):
        assert len(content) <= LONGEST


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "missing", ["started", "spec", "strict", "cut_short", "ladder", "profile", "notes", "expectations"]
)
def test_a_record_of_an_earlier_version_is_rendered_too(name: str, missing: str) -> None:
    made = full()
    del made[missing]
    for violation in made["violations"]:
        del violation["cause"]
        for step in violation["steps"]:
            for key in ("content_type", "started", "elapsed"):
                del step[key]
    READERS[name](rendered(name, made))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_valid_in_every_format(name: str, sample: Path) -> None:
    READERS[name](rendered(name, read_record(sample)))


def test_what_is_read_back_from_disk_comes_out_the_same(tmp_path: Path) -> None:
    made = full(f" {''.join(HOSTILE)}")
    write_record(tmp_path / "report.json", made)
    again = read_record(tmp_path / "report.json")
    assert {name: rendered(name, again) for name in FORMATS} == {name: rendered(name, made) for name in FORMATS}


# ---------------------------------------------------------------------- JUnit, CTRF


@pytest.mark.parametrize("strict", [False, True])
def test_junit_and_ctrf_agree_on_what_became_of_each(strict: bool) -> None:
    made = full(strict=strict)
    (suite,) = junit(rendered("junit", made))
    words = {"failure": "failed", "error": "other", "skipped": "skipped"}
    told = {case.name: words[str(case.result[0]._tag)] if case.result else "passed" for case in suite}
    tests = {test["testId"]: test for test in ctrf(rendered("ctrf", made))["results"]["tests"]}
    assert {name: test["status"] for name, test in tests.items()} == told
    assert told == {
        "MOVE-1": "passed", "MOVE-4": "failed", "RACE-1": "failed" if strict else "passed", "SKIP-2": "passed",
        "STATE-5": "skipped", "RACE-2": "skipped", "ERR-8": "other", "AUTH-5": "skipped", "expectations": "failed",
    }  # fmt: skip
    assert {name: tests[name]["rawStatus"] for name in GRADED} == {name: grade.value for name, grade in GRADED.items()}


def test_ctrf_counts_and_dates_its_tests() -> None:
    told = ctrf(rendered("ctrf", full()))["results"]
    counts = Counter(test["status"] for test in told["tests"])
    summary = told["summary"]
    statuses = ("passed", "failed", "skipped", "pending", "other")
    assert {key: summary[key] for key in statuses} == {key: counts[key] for key in statuses}
    assert summary["tests"] == sum(counts.values()) == len(GRADED) + 1
    assert summary["start"] == 1772360430400
    assert summary["stop"] - summary["start"] == 1250
    (broken,) = [test for test in told["tests"] if test["testId"] == "MOVE-4"]
    assert (broken["message"], broken["filePath"], broken["line"]) == ("message", "api/open api.yaml", 31)
    assert "curl -X PUT" in broken["trace"]
    assert told["environment"]["appVersion"] == "4.2"


# ---------------------------------------------------------------------- SARIF


def test_sarif_has_a_rule_for_each_requirement_and_a_result_for_each_violation() -> None:
    made = full()
    made["violations"].append({**left_skipped(), "requirement": "AUTH-5", "known": True})
    (run,) = sarif(rendered("sarif", made))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(GRADED)
    for rule in rules:
        promise = CATALOGUE[rule["id"]]
        assert rule["shortDescription"]["text"] == promise.text
        assert f"source: {promise.source}" in rule["help"]["text"]
    broken, race, known = run["results"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["MOVE-4", "RACE-1", "AUTH-5"]
    place = broken["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "api/open%20api.yaml"
    assert place["region"] == {"startLine": 31, "startColumn": 7}
    assert race["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert ("suppressions" in broken, known["suppressions"][0]["justification"]) == (False, "why")
    assert run["invocations"] == [{"executionSuccessful": True, "startTimeUtc": made["started"]}]
    assert run["properties"]["grades"] == {key: grade.value for key, grade in GRADED.items()}


@pytest.mark.parametrize(
    ("level", "grade", "strict", "severity"),
    [
        ("MUST", "fail", False, "error"),
        ("SHOULD", "fail", False, "error"),
        ("OPEN", "fail", False, "error"),
        ("SHOULD", "non-strict", False, "warning"),
        ("SHOULD", "non-strict", True, "error"),
        ("SHOULD", "known", True, "warning"),
        ("MUST", "known", False, "error"),
    ],
)
def test_a_result_weighs_what_it_cost(level: str, grade: str, strict: bool, severity: str) -> None:
    made = full(strict=strict)
    for entry in made["requirements"]:
        entry |= {"level": level, "grade": grade}
    results = sarif(rendered("sarif", made))["runs"][0]["results"]
    assert {result["level"] for result in results} == {severity}


def test_sarif_tells_two_causes_apart_and_the_same_one_is_the_same() -> None:
    def prints(made: Record) -> list[str]:
        return [
            one["partialFingerprints"]["stagecheck/v1"] for one in sarif(rendered("sarif", made))["runs"][0]["results"]
        ]

    made = full()
    again = full(started="2026-04-01T00:00:00Z", spec=None)
    again["violations"][0]["message"] = "in other words"
    assert prints(made) == prints(again)
    again["violations"][0]["cause"] = "another"
    assert prints(made)[0] != prints(again)[0]


def test_a_document_elsewhere_is_named_whole() -> None:
    made = full()
    made["spec"]["document"] = "/srv/a b.yaml"
    uri = sarif(rendered("sarif", made))["runs"][0]["results"][0]["locations"][0]["physicalLocation"][
        "artifactLocation"
    ]
    assert uri == {"uri": "file:///srv/a%20b.yaml"}


# ---------------------------------------------------------------------- HAR


def test_har_has_every_exchange_of_the_violations_with_its_times() -> None:
    made = full()
    made["violations"][0]["steps"][1] |= {"status": None, "answer": "timed out"}
    made["violations"][0]["steps"][0]["path"] += "?a=1&b=%20x"
    entries = har(rendered("har", made))["log"]["entries"]
    steps = [step for violation in made["violations"] for step in violation["steps"]]
    assert [entry["request"]["method"] for entry in entries] == [step["method"] for step in steps]
    first, second, third = entries
    assert first["startedDateTime"] == "2026-03-01T10:20:30.900000+00:00"
    assert (first["time"], first["timings"]["wait"]) == (250.0, 250.0)
    assert first["request"]["url"] == f"http://127.0.0.1:1/{steps[0]['path']}"
    assert first["request"]["queryString"] == [{"name": "a", "value": "1"}, {"name": "b", "value": " x"}]
    assert first["request"]["postData"]["text"] == steps[0]["body"]
    assert {"name": "Authorization", "value": "Token $STAGECHECK_TOKEN"} in first["request"]["headers"]
    assert json.loads(first["response"]["content"]["text"]) == json.loads(steps[0]["answer"])
    assert (second["response"]["status"], second["response"]["comment"]) == (0, "timed out")
    assert "postData" not in second["request"]
    assert first["comment"] == "violation 1, MOVE-4, step 1 of 2: message"
    assert third["comment"].startswith("violation 2, RACE-1, step 1 of 1")


# ---------------------------------------------------------------------- badge


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_badge_says_rung_and_verdict(verdict: Verdict) -> None:
    tree = svg(rendered("badge", full(verdict=verdict.value)))
    said = f"stagecheck: {verdict.value} · rung 0 of 5"
    assert tree.get("aria-label") == said
    assert [text.text for text in tree.iter("{http://www.w3.org/2000/svg}text")] == said.split(": ")
    boxes = [box for box in tree.iter("{http://www.w3.org/2000/svg}rect") if box.get("fill")]
    assert sum(int(box.get("width", "0")) for box in boxes) == int(tree.get("width", "0"))


def test_no_two_verdicts_look_alike_and_white_words_can_be_read_on_them() -> None:
    def light(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    colours = set()
    for verdict in Verdict:
        (colour,) = re.findall(r'fill="#([0-9a-f]{6})"', rendered("badge", full(verdict=verdict.value)).decode())
        red, green, blue = (light(colour[at : at + 2]) for at in (0, 2, 4))
        assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
        colours.add(colour)
    assert len(colours) == len(Verdict)


# ---------------------------------------------------------------------- Markdown


def shape(tree: ET.Element) -> Counter[str]:
    return Counter(element.tag for element in tree.iter() if isinstance(element.tag, str))


@pytest.mark.parametrize("text", [*HOSTILE, TRICKS])
def test_markdown_makes_nothing_of_what_a_target_says(text: str) -> None:
    made, hostile = markdown(rendered("markdown", full(" plain"))), markdown(rendered("markdown", full(f" {text} ")))
    assert shape(made) == shape(hostile)
    assert not {"a", "img", "script", "svg", "i"} & set(shape(hostile))
    for element in hostile.iter():
        assert not element.attrib or set(element.attrib) <= {"class", "style"}


def test_markdown_begins_with_the_verdict_and_what_is_new() -> None:
    made = full()
    made["violations"].append({**left_skipped(), "requirement": "AUTH-5", "known": True})
    lines = [line for line in rendered("markdown", made).decode().split("\n") if line]
    assert lines[0] == "## stagecheck: Non-conforming"
    assert lines[1].startswith("**2 violations are new, 1 known.** 1 of 8 requirements is violated")
    tree = markdown(rendered("markdown", made))
    rows = [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in tree.iter("tr")]
    assert rows[1] == ["MOVE-4", "MUST", "violated", CATALOGUE["MOVE-4"].text, "wanted", "came"]
    assert [row[0] for row in rows[1:]] == ["MOVE-4", "RACE-1", "AUTH-5"]
    folded = ["".join(one.itertext()) for one in tree.iter("details")]
    assert len(folded) == 3
    assert made["violations"][0]["curl"] in folded[0]
    assert "(known)" in folded[2]


def test_markdown_without_violations_says_so() -> None:
    made = full(verdict="conforming", violations=[], expectations=None)
    for entry in made["requirements"]:
        entry["grade"] = "pass"
    text = rendered("markdown", made).decode()
    assert text.startswith("## stagecheck: Conforming\n\n**No violation is new, 0 known.**")
    assert "<details>" not in text


def test_markdown_leaves_out_what_a_comment_has_no_room_for_and_says_so() -> None:
    made = full()
    made["violations"] = [{**left_skipped(), "message": f"{number} {'m' * 900}"} for number in range(500)]
    text = rendered("markdown", made).decode()
    assert len(text) <= LONGEST
    (left_out,) = re.findall(r"^(\d+) more violations in report\.json\.$", text, re.MULTILINE)
    assert text.count("<details>") + int(left_out) == 500


def test_a_fence_cannot_be_closed_from_inside() -> None:
    made = full()
    made["violations"][0]["curl"] = "curl ````\n```\n<script>x</script>\n`````"
    tree = markdown(rendered("markdown", made))
    assert any(made["violations"][0]["curl"] in "".join(code.itertext()) for code in tree.iter("code"))
    assert "script" not in shape(tree)


# ---------------------------------------------------------------------- GitHub


def test_annotations_name_the_line_of_the_document() -> None:
    kinds = {}
    for kind, properties, message in github(rendered("github", full())):
        kinds[properties["title"]] = (kind, properties.get("file"), properties.get("line"), message)
    kind, file, line, message = kinds["MOVE-4 (MUST) is broken"]
    assert (kind, file, line) == ("error", "api/open api.yaml", "31")
    assert message.split("\n") == [CATALOGUE["MOVE-4"].text, "message", "expected: wanted", "actual: came"]
    assert kinds["RACE-1 (MUST) is broken"][0] == "warning"
    assert kinds["stagecheck"][0] == "error"
    assert set(kinds) == {"MOVE-4 (MUST) is broken", "RACE-1 (MUST) is broken", "stagecheck"}


def test_a_strict_run_makes_errors_of_what_else_are_warnings() -> None:
    kinds = [kind for kind, _, _ in github(rendered("github", full(strict=True)))]
    assert kinds == ["error", "error", "error"]


def test_a_run_without_a_verdict_is_annotated() -> None:
    found = github(rendered("github", full(verdict="inconclusive", expectations=None)))
    assert ("warning", {"title": "stagecheck: inconclusive"}, "no verdict for ERR-8") in found


@pytest.mark.parametrize("text", [*HOSTILE, "\n::error::x", "\r::add-mask::y", "%0A::z", ",line=9::w"])
def test_no_target_can_give_a_command(text: str) -> None:
    plain, hostile = github(rendered("github", full(" a"))), github(rendered("github", full(f" {text}")))
    assert [(kind, set(properties)) for kind, properties, _ in plain] == [
        (kind, set(properties)) for kind, properties, _ in hostile
    ]


# ---------------------------------------------------------------------- the command


@pytest.mark.parametrize("name", FORMATS)
def test_the_command_renders_any_format(name: str, call: Callable[..., Any], tmp_path: Path) -> None:
    made = full()
    write_record(tmp_path / "report.json", made)
    called = call("report", tmp_path / "report.json", "--to", name)
    assert called.code == 0
    assert called.out.encode() == rendered(name, made)
    assert call("report", tmp_path / "report.json", "--to", name, "--out", tmp_path / "out").out == ""
    assert (tmp_path / "out").read_bytes() == rendered(name, made)


def test_the_command_knows_the_lines_of_an_old_record(call: Callable[..., Any], tmp_path: Path) -> None:
    made = full(spec=None)
    write_record(tmp_path / "report.json", made)
    log = sarif(call("report", tmp_path / "report.json", "--to", "sarif").out.encode())
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    line = (Path(__file__).parents[2] / place["artifactLocation"]["uri"]).read_text().splitlines()
    assert line[place["region"]["startLine"] - 1].strip() == "description: |-"


def test_strict_renders_as_a_strict_run_would(call: Callable[..., Any], tmp_path: Path) -> None:
    write_record(tmp_path / "report.json", full())
    (suite,) = junit(call("report", tmp_path / "report.json", "--to", "junit", "--strict").out.encode())
    assert suite.failures == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.json", "--to", "junit"), "cannot read the record none.json"),
        (("report.json", "--to", "pdf"), "'pdf' is not one of"),
        (("report.json",), "Missing option '--to'"),
        (("report.json", "--to", "junit", "--out", "no/such/place"), "give another --out"),
        (("bad.json", "--to", "junit"), "is no record of a run"),
    ],
)
def test_a_mistake_is_one_line(call: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    write_record(tmp_path / "report.json", full())
    (tmp_path / "bad.json").write_text('{"schema": 1}')
    called = call("report", *arguments)
    assert called.code == 2
    assert said in called.error
