from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from page.records import GRADED, HOSTILE, having, left_skipped, parsed, race, record, shapes, text_of
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.html.page import html_of
from stagecheck.report.ladder import ladder_of
from stagecheck.report.record import read_record

SAMPLES = sorted(
    place for place in (Path(__file__).parents[2] / "reports" / "samples").glob("*.json") if "." not in place.stem
)


def test_every_grade_has_a_word_a_shape_and_a_filter() -> None:
    assert set(GRADED.values()) == set(Grade)
    tree = parsed(html_of(record()))
    words = set()
    for identifier, grade in GRADED.items():
        (entry,) = [one for one in tree.iter("li") if one.get("id") == identifier]
        assert f"g-{grade.value}" in (entry.get("class") or "")
        (shown,) = having(entry, "grade")
        words.add(text_of(shown))
        assert [use.get("href") for use in shown.iter("use")] == [f"#s-{grade.value}"]
        assert [one.tag for one in tree.iter() if one.get("id") == f"s-{grade.value}"] == ["symbol"]
        assert [one.get("type") for one in tree.iter() if one.get("id") == f"show-{grade.value}"] == ["checkbox"]
        assert f"body:has(#show-{grade.value}:not(:checked)) .g-{grade.value}" in html_of(record())
    assert len(words) == len(Grade)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.CONFORMING, "Conforming"),
        (Verdict.NON_STRICT, "Conforming, not strictly"),
        (Verdict.NON_CONFORMING, "Non-conforming"),
        (Verdict.INCONCLUSIVE, "Inconclusive"),
    ],
)
def test_every_verdict_is_the_first_thing_said(verdict: Verdict, said: str) -> None:
    made = record(verdict=verdict.value)
    if verdict is not Verdict.NON_CONFORMING:
        made["violations"] = []
    tree = parsed(html_of(made))
    assert [text_of(one) for one in tree.iter("h1")] == [said]
    (title,) = [text_of(one) for one in tree.iter("title") if one.get("id") is None and "stagecheck" in text_of(one)]
    assert title.startswith(f"{said}: http://127.0.0.1:1/")


def test_what_a_reader_needs_is_on_the_page() -> None:
    page = text_of(parsed(html_of(record())))
    for part in (
        "1 of 8 requirements is violated, 1 is not strictly kept, 1 is broken as expected and 1 is inconclusive.",
        "A move to a different stage with the flag false or omitted un-skips.",
        "Source: S3 S5",
        "exercised 3 times",
        "SKIP-2: a skip sent to another stage move-and-skip",
        "unsettled not settled",
        "below rung 1 of 5",
        "Every single transition of one service over three stages was tried (72 of 72)",
        "72 of 72",
        "2,988",
        "0.25 ms 12 ms 1.2 s 1.4 s",
        "Expected wanted Actual came",
        "at request 7",
        "seen again every time it was tried",
        f"curl -X PUT 'http://127.0.0.1:1{left_skipped()['steps'][0]['path']}'",
        "reproducers/01-move-4.sh",
        "[[MOVE-4]]",
        "nothing can be said of 1 entry: why",
        "note",
    ):
        assert part.lower() in page.lower(), part


def test_that_a_target_remembers_nothing_is_said_at_once() -> None:
    told = record()
    told["ladder"] = ladder_of(told["requirements"], "every answer was the same")
    assert "The target remembers nothing: 1 of 8 requirements is violated" in html_of(told)


@pytest.mark.parametrize("text", [*HOSTILE, "".join(HOSTILE) * 3])
def test_whatever_a_target_says_is_text(text: str) -> None:
    plain, hostile = parsed(html_of(record(" plain"))), parsed(html_of(record(f" {text}")))
    # Lines may be wrapped and labels cut in other places; nothing else may be there.
    assert set(shapes(hostile)) - set(shapes(plain)) <= {("tspan", ()), ("title", ()), ("text", ("class",))}
    assert len(list(hostile.iter("script"))) == len(list(hostile.iter("style"))) == 1
    for element in hostile.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name in ("style", "src", "srcset")]
        assert (element.get("href") or "#").startswith("#")
        assert (element.get("fill") or "none") in ("none", "currentColor", "#fff", "url(#hatch)")


def test_what_is_escaped_can_still_be_read() -> None:
    page = text_of(parsed(html_of(record(" <b>\x1b\u202e&amp;"))))
    assert "message <b>\\x1b\\u202e&amp;" in page


def test_the_page_allows_itself_its_own_style_and_script_alone() -> None:
    tree = parsed(html_of(record()))
    (policy,) = [one.get("content") or "" for one in tree.iter("meta") if one.get("http-equiv")]
    for kind in ("style", "script"):
        (inline,) = tree.iter(kind)
        digest = base64.b64encode(hashlib.sha256((inline.text or "").encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    tree = parsed(html_of(record()))
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    for element in tree.iter():
        for name in ("href", "for", "aria-labelledby", "aria-describedby", "data-find", "data-open", "data-close"):
            for target in (element.get(name) or "").split():
                assert target.removeprefix("#") in ids, (element.tag, name, target)


@pytest.mark.parametrize("missing", ["ladder", "latency", "phases", "coverage", "notes", "expectations", "profile"])
def test_a_record_of_an_earlier_version_is_a_page_too(missing: str) -> None:
    made = record()
    del made[missing]
    for one in made["violations"]:
        for key in ("cause", "reproduced", "reproducer", "known", "race"):
            one.pop(key, None)
    assert text_of(next(iter(parsed(html_of(made)).iter("h1")))) == "Non-conforming"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("latency", {"all": {"count": "many"}}),
        ("latency", ["x"]),
        ("phases", {"tour": -1, "deep": "x"}),
    ],
)
def test_figures_of_a_strange_form_are_left_out(place: str, value: object) -> None:
    assert "figure" in html_of({**record(), place: value})


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"bindings": [], "steps": {}, "wrong": 99, "witness": [], "placement": 3},
        {"bindings": {"stage:A": None}, "steps": [None], "wrong": True, "witness": {"kind": "places", "service": 3}},
        {"witness": {"kind": "places", "service": "x", "places": [1, [2], [BaseException.__name__, 3]]}},
    ],
)
def test_a_reproducer_of_a_strange_form_is_no_obstacle(told: object) -> None:
    made = record()
    made["violations"][0]["reproducer"] = told
    assert having(parsed(html_of(made)), "sequence", "svg")


def test_what_is_known_or_broken_by_a_should_looks_so() -> None:
    known = {**left_skipped(), "known": True}
    tree = parsed(html_of(record(violations=[known, race(), left_skipped()])))
    shown = having(tree, "violation")
    assert [one.get("id") for one in shown] == ["violation-3", "violation-2", "violation-1"], "what weighs most first"
    assert [(one.get("class") or "").split("is-")[1] for one in shown] == ["fail", "non-strict", "known"]
    assert [text_of(one) for one in having(shown[2], "mark")] == ["known"]


def test_a_big_record_stays_small() -> None:
    name = " x" * 500_000
    many = [left_skipped() for _ in range(500)]
    for number, one in enumerate(many):
        one["steps"][1]["answer"] = json.dumps({"results": [json.loads(one["steps"][1]["answer"])], "pad": "x" * 8000})
        one["message"] = f"message {number}"
    made = record(violations=[left_skipped(name), race(name), *many])
    made["notes"] = [name]
    page = html_of(made)
    assert len(page.encode()) < 5_000_000
    assert page.count('<details class="violation') == 502
    assert "more characters in report.json" in page
    assert "too long for a page" in page


def test_a_thousand_violations_are_shown_and_the_rest_counted() -> None:
    one = {**left_skipped(), "steps": [], "reproducer": None}
    page = html_of(record(violations=[one] * 1003))
    assert page.count('<details class="violation') == 1000
    assert "3 more violations in report.json" in page


def test_nothing_is_half_a_command() -> None:
    long = {**left_skipped(), "curl": "curl " + "x" * 30_000}
    page = html_of(record(violations=[long]))
    assert "xxxxxxxxxx" not in page
    assert "The curl commands are too long for a page" in page


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_records_and_their_pages_valid(sample: Path) -> None:
    made = read_record(sample)
    page = sample.with_suffix(".html").read_text(encoding="utf-8")
    titles = [text_of(one) for tree in (parsed(page), parsed(html_of(made))) for one in tree.iter("h1")]
    assert titles[0] == titles[1]


def test_there_are_samples_of_each_kind() -> None:
    assert {sample.stem for sample in SAMPLES} >= {"conforming", "non-conforming", "race", "static-mock"}


def test_the_assets_hold_nothing_from_elsewhere() -> None:
    page = html_of(record(violations=[]))
    assert not re.findall(r"(?:url|src|import|href)\s*[=(]\s*[\"']?https?:", page)
    assert "innerHTML" not in page
