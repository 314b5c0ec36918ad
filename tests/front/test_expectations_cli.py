"""Known violations through the command line: written down, filled in, known, fixed, removed; and from pytest."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from front.samples import Called
from peers.ledger_server import Context, start
from stagecheck import launch
from stagecheck.expectations.edit import with_entries
from stagecheck.expectations.entries import Entry, load
from stagecheck.mock.app import Answer, Mock
from stagecheck.model.step import Refused
from stagecheck.report.record import Record, read_record
from stagecheck.suite.plan import ProfileName

pytest_plugins = ["pytester"]
Call = Callable[..., Called]
Toml = Callable[..., Path]
CARELESS = [f"not-refused:{method}:other" for method in ("POST", "PATCH", "DELETE", "GET")]
BUG, BROKEN = "current-stage-shortcut", "MOVE-5"
REPORT = Path("reports/report.json")
EXPECT = Path("expect.toml")
STAGECHECK = (sys.executable, "-m", "stagecheck")
QUICK = ("--profile", "quick")


class Careless(Mock):
    """Answers 400 to other methods: a broken SHOULD (ERR-7)."""

    def refusal(self, refused: Refused) -> Answer:
        answer = super().refusal(refused)
        return Answer(400, answer.payload) if answer.status == 405 else answer


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Mock]], None]:
    """Put another mock in the place of the embedded one."""
    return lambda mock: monkeypatch.setattr(launch, "Mock", mock)


def record() -> Record:
    return read_record(REPORT)


def expectations() -> Any:
    """What the record says of the file."""
    return record()["expectations"]


def grade(requirement: str) -> str:
    (found,) = (entry["grade"] for entry in record()["requirements"] if entry["id"] == requirement)
    return str(found)


def expect(*entries: Entry) -> None:
    EXPECT.write_text(with_entries("", entries, "expect.toml"))


def entry(requirement: str, cause: str, *, days: int = 9, profile: ProfileName = ProfileName.QUICK) -> Entry:
    return Entry(requirement, cause, "ticket 7", "team", launch.today() + timedelta(days=days), profile=profile)


def causes(requirement: str) -> list[str]:
    return [found["cause"] for found in record()["violations"] if found["requirement"] == requirement]


# ---------------------------------------------------------------------- the whole way


def test_from_a_template_to_known_to_fixed_to_removed(call: Call, config: Toml, ledger: Context) -> None:
    with start(BUG) as broken:
        place = config(broken)
        assert call("verify", "--config", place, *QUICK).code == 1
        found = causes(BROKEN)
        made = call("expect", "--from", REPORT)
        assert (made.code, made.err) == (0, "")
        assert made.out.splitlines()[0] == f"wrote {len(found)} entries to expect.toml"
        assert made.out.splitlines()[-1] == "fill in reason and owner: verify refuses the file until then"

        refused = call("verify", "--config", place, *QUICK)
        assert (refused.code, refused.out) == (2, "")
        assert refused.error.endswith(f"expect.toml: [[{BROKEN}]] no. 1: reason is empty; fill in reason")
        text = EXPECT.read_text().replace('reason = ""', 'reason = "ticket 7"').replace('owner = ""', 'owner = "team"')
        EXPECT.write_text(f"# ours\n\n{text}")

        known = call("verify", "--config", place, *QUICK)
        assert (known.code, known.err) == (0, "")
        assert known.out.splitlines()[-1].startswith("conforming: ")
        assert ", 1 known" in known.out.splitlines()[-1]
        assert f"Expectations of {EXPECT.resolve()}" in known.out, "the file was found, not named: it is told"
        assert grade(BROKEN) == "known"
        assert all(violation["known"] for violation in record()["violations"])
        (skipped,) = (case for case in ET.parse("reports/junit.xml").iter("testcase") if case.get("name") == BROKEN)
        assert "known: ticket 7 (team, until " in ET.tostring(skipped, "unicode")

    assert call("verify", "--config", config(ledger), *QUICK, "-q").code == 1
    fixed = call("verify", "--config", config(ledger), *QUICK, "-q")
    assert fixed.out.splitlines()[0].startswith("conforming: ")
    assert f"[[{BROKEN}]] cause = {json.dumps(found[0])} no longer occurs; remove it" in fixed.out
    assert {
        case.get("name") for case in ET.parse("reports/junit.xml").iter("testcase") if case.find("failure") is not None
    } == {"expectations"}

    pruned = call("expect", "--from", REPORT, "--prune")
    assert (pruned.code, pruned.err) == (0, "")
    assert pruned.out.splitlines() == [
        f"removed {len(found)} entries from {EXPECT.resolve()}",
        *(f"  [[{BROKEN}]] {cause}" for cause in found),
    ]
    assert EXPECT.read_text().startswith("# ours\n")
    assert load(EXPECT).entries == ()
    assert call("verify", "--config", config(ledger), *QUICK).code == 0


def test_a_known_violation_hides_no_other(call: Call, target: Callable[[type[Mock]], None]) -> None:
    """Not even in a short run, which otherwise stops at the first that it finds."""
    target(Careless)
    verify = ("verify", *QUICK, "--only", "ERR-7", "--strict", "--expect", EXPECT)
    EXPECT.touch()
    known: list[str] = []
    while call(*verify).code == 1:
        new = [found["cause"] for found in record()["violations"] if not found["known"]]
        assert new
        assert [found["cause"] for found in record()["violations"] if found["known"]] == known
        assert grade("ERR-7") == "non-strict"
        assert call("expect", "--from", REPORT, "--owner", "team", "--reason", "ticket 7").code == 0
        known = [one.cause for one in load(EXPECT).entries]
    assert len(known) > 1
    assert sorted(causes("ERR-7")) == sorted(known)
    assert (record()["verdict"], grade("ERR-7")) == ("conforming", "known"), "even when strict"


# ---------------------------------------------------------------------- each end of a run


@dataclass(frozen=True)
class End:
    """How a run ends whose target is `mock`, with the violations of a careless one expected for `days`."""

    mock: type[Mock]
    code: int
    days: int = 9
    only: str = "ERR-7"
    seen_by: str = "quick"
    told: str = ""


ENDS = {
    "known": End(Careless, 0, told="known"),
    "known today": End(Careless, 0, days=0, told="known"),
    "expired, so that a short run looks for no more": End(Careless, 1, days=-1, told="expired unsure"),
    "fixed": End(Mock, 1, told="gone"),
    "expired and fixed": End(Mock, 1, days=-1, told="gone expired"),
    "seen by more": End(Mock, 0, seen_by="nightly", told="unsure"),
    "not selected": End(Mock, 0, only="MOVE-1", told="unsure"),
    "expired and not selected": End(Mock, 1, days=-1, only="MOVE-1", told="expired unsure"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_every_end_has_its_code(end: End, call: Call, target: Callable[[type[Mock]], None]) -> None:
    expect(*(entry("ERR-7", cause, days=end.days, profile=ProfileName(end.seen_by)) for cause in CARELESS))
    target(end.mock)
    called = call("verify", *QUICK, "--only", end.only, "--strict", "--expect", EXPECT)
    assert (called.code, called.err) == (end.code, "")
    told = expectations()
    assert told["file"] == "expect.toml"
    assert {what for what in ("known", "gone", "expired", "unsure") if told[what]} == set(end.told.split())
    assert ("nothing can be said of " in called.out) is ("unsure" in end.told)


def test_a_run_with_fewer_requests_than_its_profile_says_of_nothing_that_it_is_gone(call: Call, config: Toml) -> None:
    expect(entry("MOVE-1", "gone"))
    called = call("verify", "--config", config(limits={"requests": 60}), *QUICK)
    assert called.code in (0, 3)
    assert "the 60 requests of [limits] were spent before all was tried" in called.out


def test_an_interrupted_run_says_of_nothing_that_it_is_gone(config: Toml) -> None:
    place = config(limits={"rate": 40})
    expect(entry("MOVE-1", "gone"), entry("MOVE-1", "old", days=-1))
    with subprocess.Popen(
        [*STAGECHECK, "verify", "--config", place], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        log = Path("reports/exchanges.ndjson")
        until = time.monotonic() + 30
        while time.monotonic() < until and (not log.exists() or len(log.read_text().splitlines()) < 30):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, ""), "an entry that has expired fails even this run"
    assert record()["verdict"] == "inconclusive"
    assert expectations()["gone"] == []
    assert "may still occur (the run was interrupted); renew expires, or remove it" in out


def test_a_short_run_that_stops_at_something_new_says_so(call: Call, config: Toml) -> None:
    expect(entry("MOVE-1", "gone"))
    with start(BUG) as broken:
        assert call("verify", "--config", config(broken), *QUICK).code == 1
    (unsure,) = expectations()["unsure"]
    assert unsure["why"] == "a short run that finds something new looks for no more"


# ---------------------------------------------------------------------- which file


def test_without_a_config_no_file_is_picked_up(call: Call) -> None:
    EXPECT.write_text("nonsense")
    assert call("verify", *QUICK, "-q").code == 0
    assert record()["expectations"] is None


def test_the_option_goes_before_the_file_next_to_the_config(call: Call, config: Toml) -> None:
    EXPECT.write_text("nonsense")
    Path("other.toml").write_text("")
    assert call("verify", "--config", config(), *QUICK, "-q").code == 2
    assert call("verify", "--config", config(), *QUICK, "-q", "--expect", "other.toml").code == 0
    assert expectations() == {"file": "other.toml", "known": 0, "gone": [], "expired": [], "unsure": []}


def test_a_file_that_is_not_there_is_2_before_anything_is_sent(call: Call) -> None:
    called = call("verify", *QUICK, "--expect", "nowhere.toml")
    assert called.code == 2
    assert called.error == "cannot read the expectations nowhere.toml: No such file or directory; check its path"
    assert not Path("reports").exists()


# ---------------------------------------------------------------------- expect


@pytest.fixture
def careless(call: Call, target: Callable[[type[Mock]], None]) -> str:
    """A report of a broken SHOULD; its cause."""
    target(Careless)
    assert call("verify", *QUICK, "--only", "ERR-7").code == 0
    return causes("ERR-7")[0]


def test_what_stands_there_stays(careless: str, call: Call) -> None:
    mine = f"# mine\n[[ERR-7]] # why\ncause = {json.dumps(careless)}\n"
    mine += 'reason = "known to me"\nowner = "me"\nexpires = 2030-01-01\n'
    EXPECT.write_text(mine)
    called = call("expect", "--from", REPORT, "--owner", "team", "--days", "7", "--reason", "new")
    assert called.code == 0
    others = len(causes("ERR-7")) - 1
    if others:
        assert called.out.splitlines()[0].endswith(" to expect.toml; 1 stood there already")
    else:
        assert called.out == "nothing to write: all 1 are in expect.toml already\n"
    assert EXPECT.read_text().startswith(mine)
    first, *rest = load(EXPECT).entries
    assert (first.reason, first.expires) == ("known to me", date(2030, 1, 1))
    assert [one.cause for one in rest] == causes("ERR-7")[1:]
    for one in rest:
        assert (one.reason, one.owner, one.expires) == ("new", "team", launch.today() + timedelta(days=7))
        assert one.message
        assert one.profile is ProfileName.QUICK
    assert "are in expect.toml already" in call("expect", "--from", REPORT).out


def test_a_template_may_be_written_again_before_it_is_filled_in(careless: str, call: Call) -> None:
    assert call("expect", "--from", REPORT).code == 0
    text = EXPECT.read_text()
    assert call("expect", "--from", REPORT).code == 0
    assert EXPECT.read_text() == text


@pytest.mark.parametrize("text", ["nonsense", "[[NIX-1]]\n", "\x00"])
def test_what_cannot_be_parsed_is_not_overwritten(text: str, careless: str, call: Call) -> None:
    EXPECT.write_text(text)
    for options in ((), ("--prune", "--output", "expect.toml")):
        called = call("expect", "--from", REPORT, *options)
        assert called.code == 2
        assert EXPECT.read_text() == text
    assert sorted(place.name for place in Path().iterdir() if "expect" in place.name) == ["expect.toml"]


def test_a_run_without_violations_writes_nothing(call: Call) -> None:
    assert call("verify", *QUICK, "--only", "MOVE-1").code == 0
    assert call("expect", "--from", REPORT).out == "nothing to write: the run found no violation\n"
    assert not EXPECT.exists()


def test_only_what_is_gone_is_pruned(call: Call, target: Callable[[type[Mock]], None]) -> None:
    target(Careless)
    more, first, *others = ProfileName.EXHAUSTIVE, *CARELESS
    expect(
        entry("ERR-7", "gone"),
        entry("ERR-7", "gone, and expired", days=-1),
        entry("ERR-7", "unsure", profile=more),
        entry("ERR-7", "unsure, and expired", days=-1, profile=more),
        entry("ERR-7", first, days=-1),
        *(entry("ERR-7", cause) for cause in others),
    )
    assert call("verify", "--only", "ERR-7", "--expect", EXPECT).code == 1
    called = call("expect", "--from", REPORT, "--prune")
    assert called.out.splitlines() == [
        "removed 2 entries from expect.toml",
        "  [[ERR-7]] gone",
        "  [[ERR-7]] gone, and expired",
    ]
    left = [one.cause for one in load(EXPECT).entries]
    assert left == ["unsure", "unsure, and expired", first, *others]
    again = call("expect", "--from", REPORT, "--prune")
    assert again.out == "nothing to remove: the run knows of no entry of expect.toml that is gone\n"


def changed(**keys: object) -> None:
    REPORT.write_text(json.dumps({**record(), **keys}))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing option '--from'"),
        (("--from", "nowhere.json"), "cannot read the record nowhere.json"),
        (("--from", REPORT, "--prune"), "the run was held against no expect.toml; run verify with --expect FILE"),
        (("--from", REPORT, "--days", "0"), "Invalid value for '--days'"),
        (("--from", REPORT, "--output", "nowhere/expect.toml"), "cannot write nowhere/expect.toml: No such file"),
    ],
)
def test_a_wrong_call_is_2(arguments: tuple[str | Path, ...], said: str, careless: str, call: Call) -> None:
    called = call("expect", *arguments)
    assert called.code == 2
    assert said in called.error
    assert not EXPECT.exists()


def test_a_record_without_what_is_needed_is_2(careless: str, call: Call) -> None:
    violations = [{key: value for key, value in one.items() if key != "cause"} for one in record()["violations"]]
    changed(violations=violations)
    called = call("expect", "--from", REPORT)
    assert called.code == 2
    assert "violations[0].cause is missing; write it again with verify" in called.error
    changed(expectations=[])
    assert "expectations is no object" in call("expect", "--from", REPORT, "--prune").error


# ---------------------------------------------------------------------- pytest


@pytest.fixture
def inside(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """pytest in this process, against whatever mock is the embedded one."""

    def ran(*arguments: str | Path) -> pytest.RunResult:
        loaded = ("-p", "no:cacheprovider", "--stagecheck", "--stagecheck-profile", "quick")
        return pytester.runpytest_inprocess(*loaded, "-k", "ERR-7", "-rs", *arguments)

    return ran


Run = Callable[..., pytest.RunResult]


@pytest.mark.parametrize(
    ("mock", "days", "outcome", "said"),
    [
        (Careless, 9, "skipped", "known: ticket 7 (team, until "),
        (Careless, -1, "failed", "and still occurs; mend the target, or renew expires"),
        (Mock, 9, "failed", "no longer occurs; remove it"),
        (Mock, -1, "failed", "and no longer occurs; remove it"),
    ],
)
def test_the_items_say_what_is_known(
    mock: type[Mock],
    days: int,
    outcome: str,
    said: str,
    inside: Run,
    target: Callable[[type[Mock]], None],
) -> None:
    expect(*(entry("ERR-7", cause, days=days) for cause in CARELESS))
    target(mock)
    result = inside("--stagecheck-expect", EXPECT.resolve())
    result.assert_outcomes(**{outcome: 1})
    assert said in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_wrong_file_is_a_usage_error_there(inside: Run) -> None:
    result = inside("--stagecheck-expect", "nowhere.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "stagecheck: cannot read the expectations " in result.stderr.str()


def test_the_file_next_to_the_config_is_used_there_too(inside: Run, config: Toml) -> None:
    place = config()
    place.with_name("expect.toml").write_text("nonsense")
    result = inside("--stagecheck-config", place)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "expect.toml is not TOML" in result.stderr.str()
