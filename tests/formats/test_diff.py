"""What changed between two runs: by cause, and nothing is fixed because nobody looked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from front.samples import Called
from page.records import HOSTILE, record, requirement, violation
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.changes import Changes, changes_between
from stagecheck.report.record import Record, write_record
from stagecheck.report.seen import PROFILES, cause_of
from stagecheck.suite.plan import ProfileName

Call = Callable[..., Called]


def run(broken: Mapping[str, list[str]] | None = None, grades: Mapping[str, str] | None = None, **more: Any) -> Record:
    """A record of four requirements; `broken` by requirement: the causes. Others are kept unless `grades` says so."""
    broken = broken or {}
    given = {**dict.fromkeys(("MOVE-1", "MOVE-4", "STATE-2", "ERR-6"), "pass"), **dict.fromkeys(broken, "fail")}
    given |= grades or {}
    made = record(verdict=more.pop("verdict", "non-conforming" if broken else "conforming"))
    made["requirements"] = [requirement(key, grade) for key, grade in given.items()]
    for entry in made["requirements"]:
        if entry["grade"] in ("not-tested", "not-offered", "inconclusive"):
            entry["exercised"] = 0
    made["violations"] = [
        violation(key, [], None, cause=cause, message=f"{key} by {cause}")
        for key, causes in broken.items()
        for cause in causes
    ]
    return {**made, "expectations": None, "profile": "nightly", **more}


def told(changes: Changes) -> dict[str, list[Any]]:
    return {
        "new": [(change.requirement, change.cause) for change in changes.new],
        "fixed": [(change.requirement, change.cause) for change in changes.fixed],
        "still": [(change.requirement, change.cause) for change in changes.still],
        "untested": [entry.requirement for entry in changes.untested],
    }


A, B = ("MOVE-4", "a"), ("MOVE-4", "b")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (run(), run(), {}),
        (run(), run({"MOVE-4": ["a"]}), {"new": [A]}),
        (run({"MOVE-4": ["a"]}), run(), {"fixed": [A]}),
        (run({"MOVE-4": ["a"]}), run({"MOVE-4": ["a"]}), {"still": [A]}),
        # One cause for another: the requirement is broken as before, and yet something is new.
        (run({"MOVE-4": ["a"]}), run({"MOVE-4": ["b"]}), {"new": [B], "fixed": [A]}),
        (run({"MOVE-4": ["a", "b"]}), run({"MOVE-4": ["b"]}), {"fixed": [A], "still": [B]}),
        # Nobody looked.
        (run({"MOVE-4": ["a"]}), run(grades={"MOVE-4": "not-tested"}), {"untested": ["MOVE-4"]}),
        (run({"MOVE-4": ["a"]}), run(grades={"MOVE-4": "not-offered"}), {"untested": ["MOVE-4"]}),
        (run({"MOVE-4": ["a"]}), run(grades={"MOVE-4": "inconclusive"}), {"untested": ["MOVE-4"]}),
        (run({"MOVE-4": ["a"]}), run(cut_short="the run was interrupted"), {"untested": ["MOVE-4"]}),
        (run({"MOVE-4": ["a"]}), run(verdict="inconclusive"), {"untested": ["MOVE-4"]}),
        (run({"MOVE-4": ["a"]}, profile="nightly"), run(profile="quick"), {"untested": ["MOVE-4"]}),
        (run({"MOVE-4": ["a"]}, profile="quick"), run(profile="nightly"), {"fixed": [A]}),
        (run(), run(grades={"MOVE-4": "not-tested"}), {"untested": ["MOVE-4"]}),
        (run(grades={"MOVE-4": "not-tested"}), run(), {}),
        (run(grades={"MOVE-4": "not-tested"}), run({"MOVE-4": ["a"]}), {"new": [A]}),
    ],
)  # fmt: skip
def test_every_way_to_change(old: Record, new: Record, expected: dict[str, list[Any]]) -> None:
    nothing: dict[str, list[Any]] = {"new": [], "fixed": [], "still": [], "untested": []}
    assert told(changes_between(old, new)) == nothing | expected


@pytest.mark.parametrize("before", list(Grade))
@pytest.mark.parametrize("after", list(Grade))
def test_every_grade_to_every_grade(before: Grade, after: Grade) -> None:
    broken = (Grade.FAIL, Grade.NON_STRICT, Grade.KNOWN)

    def made(grade: Grade) -> Record:
        known = grade is Grade.KNOWN
        one = run({"MOVE-4": ["a"]} if grade in broken else {}, {"MOVE-4": grade.value}, verdict="conforming")
        for entry in one["violations"]:
            entry["known"] = known
        return one

    changes = changes_between(made(before), made(after))
    judged = (*broken, Grade.PASS, Grade.OPEN)
    assert bool(changes.new) == (after in broken and before not in broken)
    assert bool(changes.alarming) == (bool(changes.new) and after is not Grade.KNOWN)
    assert bool(changes.fixed) == (before in broken and after in (Grade.PASS, Grade.OPEN))
    assert bool(changes.still) == (before in broken and after in broken)
    assert bool(changes.untested) == (before in judged and after not in judged)
    assert [(entry.before, entry.after) for entry in changes.grades] == ([(before, after)] if before != after else [])


def test_a_requirement_that_the_newer_record_does_not_have_is_no_longer_tested() -> None:
    new = run()
    new["requirements"] = [entry for entry in new["requirements"] if entry["id"] != "MOVE-4"]
    (gone,) = changes_between(run({"MOVE-4": ["a"]}), new).untested
    assert (gone.requirement, gone.before, gone.why) == ("MOVE-4", "fail", "the run does not know the requirement")
    assert [change.cause for change in gone.violations] == ["a"]


def test_records_without_causes_are_compared_by_requirement() -> None:
    old = run({"MOVE-4": ["a", "b"], "ERR-6": ["c"]})
    for entry in old["violations"]:
        del entry["cause"]
    changes = changes_between(old, run({"MOVE-4": ["d"], "STATE-2": ["e"]}))
    keys = told(changes)
    assert (keys["new"], keys["fixed"], keys["still"]) == ([("STATE-2", "")], [("ERR-6", "")], [("MOVE-4", "")])
    assert "one of the records names no causes: violations are compared by their requirement alone" in changes.notes


def test_a_grade_that_is_broken_without_a_violation_is_not_overlooked() -> None:
    changes = changes_between(run(), run(grades={"MOVE-4": "fail"}))
    assert [(change.requirement, change.message) for change in changes.new] == [("MOVE-4", "graded fail")]


def test_what_the_older_run_might_have_missed_is_said() -> None:
    old = run(profile="quick", grades={"ERR-6": "not-tested"})
    why = {
        change.requirement: change.untried
        for change in changes_between(old, run({"ERR-6": ["a"], "MOVE-4": ["b"]})).new
    }
    assert why == {"ERR-6": "why", "MOVE-4": "a run of profile quick sees less than one of profile nightly"}
    assert [change.untried for change in changes_between(run(), run({"MOVE-4": ["b"]})).new] == [None]


def test_what_makes_two_runs_hard_to_compare_is_noted() -> None:
    old, new = (
        run(only=[], spec={"fingerprint": "1"}),
        run(profile="quick", only=["MOVE"], seed=6, spec={"fingerprint": "2"}),
    )
    old["target"], new["target"] = {"url": "a", "version": "1"}, {"url": "b", "version": "2"}
    assert list(changes_between(old, new).notes) == [
        "the target is another one: a, then b",
        "the profile is another one: nightly, then quick",
        "the selection is another one: everything, then MOVE",
        "the seed is another one: 5, then 6",
        "the version of the target is another one: 1, then 2",
        "the OpenAPI document says something else than before",
    ]
    assert not changes_between(run(), run()).notes


def test_the_first_line_is_what_a_release_hangs_on() -> None:
    many = {key: ["a"] for key in ("MOVE-1", "MOVE-4", "STATE-2", "ERR-6", "AUTH-1", "AUTH-2", "AUTH-3")}
    for old, new, line in (
        (run(), run(), "nothing new; 0 fixed, 0 still there"),
        (run(), run({"MOVE-4": ["a"]}), "1 new violation: MOVE-4; 0 fixed, 0 still there"),
        (run({"MOVE-4": ["a"], "ERR-6": ["a"]}), run({"MOVE-4": ["a", "b"]}),
         "1 new violation: MOVE-4; 1 fixed, 1 still there"),
        (run(), run(many),
         "7 new violations: MOVE-1, MOVE-4, STATE-2, ERR-6, AUTH-1 and 2 more; 0 fixed, 0 still there"),
        (run(), run(grades={"MOVE-4": "not-tested"}),
         "nothing new; 0 fixed, 0 still there, 1 requirement no longer tested"),
        (run({"MOVE-4": ["a"]}), run(grades={"MOVE-4": "not-tested", "MOVE-1": "not-tested"}),
         "nothing new; 0 fixed, 0 still there, 2 requirements no longer tested (1 of them broken before)"),
    ):  # fmt: skip
        assert changes_between(old, new).headline == line


def test_the_profiles_are_those_of_a_run_from_the_smallest() -> None:
    assert list(PROFILES) == [name.value for name in ProfileName]


def test_a_long_cause_is_kept_short_and_still_its_own() -> None:
    one, other = ({"cause": "x" * 10_000 + end, "message": ""} for end in "ab")
    assert len(cause_of(one)) < 250
    assert cause_of(one) != cause_of(other)
    assert cause_of({"cause": "\ud800", "message": ""}).encode()


# ---------------------------------------------------------------------- the command


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Record, Record], tuple[Path, Path]]:
    def write(old: Record, new: Record) -> tuple[Path, Path]:
        places = tmp_path / "old.json", tmp_path / "new.json"
        for place, made in zip(places, (old, new), strict=True):
            write_record(place, made)
        return places

    return write


def test_something_new_is_1_and_nothing_new_is_0(call: Call, written: Any) -> None:
    old, new = written(run({"ERR-6": ["a"]}), run({"MOVE-4": ["a"]}))
    called = call("diff", old, new)
    assert called.code == 1
    lines = called.out.splitlines()
    assert lines[0] == "1 new violation: MOVE-4; 1 fixed, 0 still there"
    assert lines[1] == "verdict: non-conforming, as before"
    assert lines[lines.index("New") + 1].strip() == "MOVE-4: MOVE-4 by a"
    assert lines[lines.index("Fixed") + 1].strip() == "ERR-6: ERR-6 by a"
    assert call("diff", new, new).code == 0


def test_a_known_violation_that_is_new_fails_nothing(call: Call, written: Any) -> None:
    made = run({"MOVE-4": ["a"]}, {"MOVE-4": "known"}, verdict="conforming")
    made["violations"][0]["known"] = True
    called = call("diff", *written(run(), made))
    assert (called.code, called.out.splitlines()[0]) == (0, "nothing new; 1 new but known, 0 fixed, 0 still there")
    assert "MOVE-4 (known): MOVE-4 by a" in called.out


def test_what_was_broken_and_is_no_longer_tested_is_said_first(call: Call, written: Any) -> None:
    new = run(grades=dict.fromkeys(("MOVE-1", "MOVE-4", "STATE-2"), "not-tested"))
    lines = call("diff", *written(run({"MOVE-4": ["a"]}), new)).out.splitlines()
    assert lines[lines.index("No longer tested") + 1].strip() == "MOVE-4 (was fail, 1 violation), MOVE-1, STATE-2: why"


def test_grades_that_nothing_else_tells_of_are_told(call: Call, written: Any) -> None:
    old, new = run(grades={"MOVE-4": "not-tested"}), run({"MOVE-1": ["a"]}, {"ERR-8": "open"})
    lines = call("diff", *written(old, new)).out.splitlines()
    assert [line.strip() for line in lines[lines.index("Other grades") + 1 :]] == [
        "MOVE-4: not-tested, now pass",
        "ERR-8: not there, now open",
    ]


def test_json_has_all_of_it(call: Call, written: Any) -> None:
    old = run({"ERR-6": ["a"], "STATE-2": ["c"]})
    called = call("diff", "--json", *written(old, run({"MOVE-4": ["a"]}, {"STATE-2": "not-tested"})))
    made = json.loads(called.out)
    assert called.code == 1
    assert set(made) == {
        "headline", "earlier", "recent", "new", "fixed", "still", "no_longer_tested", "grades", "notes",
    }  # fmt: skip
    assert made["new"] == [
        {"requirement": "MOVE-4", "cause": "a", "message": "MOVE-4 by a", "known": False, "untried": None}
    ]
    assert [(entry["requirement"], entry["why"]) for entry in made["no_longer_tested"]] == [("STATE-2", "why")]
    assert {"requirement": "ERR-6", "before": "fail", "after": "pass"} in made["grades"]
    assert (made["earlier"]["verdict"], made["recent"]["file"]) == ("non-conforming", str(called_file(made)))


def called_file(made: Mapping[str, Any]) -> Path:
    return Path(made["earlier"]["file"]).with_name("new.json")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_whatever_a_target_says_it_fits_a_terminal_and_does_not_steer_it(
    call: Call, written: Any, verdict: Verdict
) -> None:
    made = record(f" {''.join(HOSTILE)} {'w' * 300}", verdict=verdict.value)
    old = record(verdict=verdict.value)
    called = call("diff", *written(old, made))
    assert max(map(len, called.out.splitlines())) <= 80
    assert all(character == "\n" or character.isprintable() for character in called.out)


@pytest.mark.parametrize("arguments", [("none.json", "new.json"), ("old.json", "bad.json")])
def test_a_mistake_is_one_line(call: Call, written: Any, tmp_path: Path, arguments: tuple[str, str]) -> None:
    written(run(), run())
    (tmp_path / "bad.json").write_text("{")
    called = call("diff", *arguments)
    assert called.code == 2
    assert "record" in called.error
