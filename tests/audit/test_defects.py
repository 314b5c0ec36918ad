"""Discovery power: every seeded defect is found for what it is, and no conforming variant is found fault with."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from kit.thinned import defects, thinned
from stagecheck.audit.defect import DEFECTS, Defect, seeded
from stagecheck.audit.matrix import AuditResult, Clearance, Kill, audit
from stagecheck.audit.render import render_audit, render_defects
from stagecheck.audit.variants import VARIANTS
from stagecheck.contract import CATALOGUE
from stagecheck.mock.app import Mock
from stagecheck.suite.registry import RACES

pytestmark = pytest.mark.long

FAMILIES = ("MOVE", "SKIP", "STATE", "SHAPE", "ERR", "AUTH")
JOBS = 2
SOME = defects(every=8)
CLEAN = thinned(VARIANTS, every=10)


@pytest.fixture(scope="module")
def result() -> AuditResult:
    return audit([DEFECTS[name] for name in SOME], [VARIANTS[name] for name in CLEAN], jobs=JOBS)


@pytest.fixture(scope="module")
def kills(result: AuditResult) -> dict[str, Kill]:
    return {kill.name: kill for kill in result.kills}


@pytest.fixture(scope="module")
def clearances(result: AuditResult) -> dict[str, Clearance]:
    return {clearance.name: clearance for clearance in result.clearances}


# ---------------------------------------------------------------------- the registers


def test_there_are_enough_of_both() -> None:
    assert len(DEFECTS) >= 80
    assert len(VARIANTS) >= 22


@pytest.mark.parametrize(
    "requirement", [key for key, entry in CATALOGUE.items() if entry.family in FAMILIES and key != "ERR-8"]
)
def test_some_defect_is_aimed_at(requirement: str) -> None:
    assert any(defect.requirement == requirement for defect in DEFECTS.values())


@pytest.mark.parametrize(
    ("name", "requirement", "sentence", "accepts", "complaint"),
    [
        (next(iter(DEFECTS)), "MOVE-1", "Wrong.", (), "two defects are named"),
        ("Not Kebab", "MOVE-1", "Wrong.", (), "kebab-case"),
        ("no-sentence", "MOVE-1", "Wrong", (), "full stop"),
        ("no-requirement", "MOVE-99", "Wrong.", (), "MOVE-99"),
        ("no-other-name", "MOVE-1", "Wrong.", ("NOPE-1",), "NOPE-1"),
    ],
)
def test_a_wrong_entry_fails_at_import(
    name: str, requirement: str, sentence: str, accepts: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        seeded(name, requirement, sentence, accepts=accepts)(Mock)


# ---------------------------------------------------------------------- the audit


@pytest.mark.parametrize("name", SOME)
def test_defect_is_killed_for_what_it_is(kills: dict[str, Kill], name: str) -> None:
    kill = kills[name]
    assert kill.error is None
    assert not kill.survived, f"aimed at {kill.requirement}"
    assert not kill.for_the_wrong_reason, f"aimed at {kill.requirement}, broke {dict(kill.messages)}"


@pytest.mark.parametrize("name", CLEAN)
def test_variant_is_clean(clearances: dict[str, Clearance], name: str) -> None:
    clearance = clearances[name]
    assert clearance.clean, f"{clearance.verdict} {clearance.error} {clearance.violations} {clearance.reasons}"


def test_every_tested_requirement_kills(result: AuditResult) -> None:
    """But those of races, which are not tried here: tests/suite/test_races.py shows what they kill."""
    assert set(result.idle) <= set(RACES)


def test_the_result_is_plain_json_in_the_order_of_the_register(result: AuditResult) -> None:
    plain = json.loads(json.dumps(result.to_json()))
    assert [entry["name"] for entry in plain["defects"]] == SOME
    assert [entry["name"] for entry in plain["variants"]] == CLEAN
    assert set(plain["matrix"]) == set(result.matrix)
    assert plain["passed"] == result.passed


# ---------------------------------------------------------------------- judging the judges


def _kill(**changes: object) -> Kill:
    facts: dict[str, object] = {
        "name": "some-defect", "requirement": "MOVE-1", "accepts": ("MOVE-2",), "violated": {}, "messages": {},
        "requests": 100,
    }  # fmt: skip
    return Kill(**{**facts, **changes})  # type: ignore[arg-type]


def test_a_survivor_a_wrong_reason_and_an_accepted_name() -> None:
    assert _kill().survived
    wrong = _kill(violated={"STATE-1": 4})
    assert wrong.for_the_wrong_reason
    assert (wrong.first, wrong.aimed) == (4, None)
    accepted = _kill(violated={"STATE-1": 4, "MOVE-2": 9})
    assert not accepted.for_the_wrong_reason
    assert (accepted.first, accepted.aimed) == (4, 9)


@pytest.mark.parametrize(
    ("verdict", "reasons", "violations", "clean"),
    [
        ("conforming", (), (), True),
        ("inconclusive", ("MOVE-1: the answers do not say",), (), True),
        ("inconclusive", (), (), False),
        ("inconclusive", ("",), (), False),
        ("conforming", (), (("MOVE-1", "x"),), False),
        ("non-strict", (), (), False),
    ],
)
def test_what_counts_as_clean(
    verdict: str, reasons: tuple[str, ...], violations: tuple[tuple[str, str], ...], clean: bool
) -> None:
    assert Clearance("some-variant", verdict, reasons, violations, 100).clean is clean


def test_what_is_wrong_is_rendered_within_80_columns() -> None:
    dirty = Clearance("some-variant", "non-conforming", (), (("MOVE-1", "It did not move."),), 9)
    kills = (
        _kill(),
        _kill(name="wrong", violated={"STATE-1": 4}),
        _kill(name="broken", error="KeyError: 'x'"),
        _kill(name="right", violated={"MOVE-1": 4}),
    )
    shown = AuditResult("nightly", kills, (dirty,), ("MOVE-1", "MOVE-2"), 1.0)
    out = io.StringIO()
    render_audit(shown, Console(file=out, width=80))
    text = out.getvalue()
    for said in ("survived", "wrong reason", "error", "kills nothing", "not clean", "median"):
        assert said in text
    assert max(map(len, text.splitlines())) <= 80
    assert not shown.passed


def test_the_list_of_defects_is_rendered_within_80_columns() -> None:
    some: list[Defect] = list(DEFECTS.values())[:20]
    out = io.StringIO()
    render_defects(some, Console(file=out, width=80))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "20 defects" in text


# ---------------------------------------------------------------------- a defect is one thing wrong


def test_a_broken_mock_is_an_error_and_not_a_kill() -> None:
    class Broken(Mock):
        def handle(self, call: object) -> object:  # type: ignore[override]
            raise RuntimeError(str(call))

    name = "broken-in-a-test"
    DEFECTS[name] = Defect(name, "It breaks.", "MOVE-1", (), Broken)
    try:
        (kill,) = audit([DEFECTS[name]], [], jobs=1, profile="quick").kills
    finally:
        del DEFECTS[name]
    assert kill.error is not None
    assert kill.survived
