"""Two defects in one target: one run finds both, and says why where it does not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from rich.console import Console

from kit.thinned import EVERYTHING, thinned
from stagecheck.audit import pairs
from stagecheck.audit.combine import combined
from stagecheck.audit.defect import DEFECTS, Defect
from stagecheck.audit.pairs import ENOUGH, Masked, Pair, PairsResult, audit_pairs, pair_judged, told_apart
from stagecheck.audit.render import render_pairs
from stagecheck.commands import audit as audit_command
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import Placement

pytestmark = pytest.mark.long

PAIRS = 40 if EVERYTHING else 12
MOVE, SKIP, STATE = ("MOVE-1", "a"), ("SKIP-1", "b"), ("STATE-1", "c")
Register = Callable[..., Defect]


@pytest.fixture(scope="module")
def result() -> PairsResult:
    return audit_pairs(PAIRS, seed=0, jobs=2)


def test_one_run_finds_both_of_a_pair(result: PairsResult) -> None:
    assert len(result.pairs) == PAIRS
    said = [f"{m.name} beside {m.by}: {m.why}" for pair in result.pairs for m in pair.masked]
    assert result.share >= ENOUGH, said
    assert result.passed


def test_every_pair_that_was_drawn_is_accounted_for(result: PairsResult) -> None:
    accounted = {frozenset((pair.first, pair.second)) for pair in result.pairs}
    accounted |= {frozenset((first, second)) for first, second, _ in result.drawn_again}
    drawn = islice(pairs._draws(0), PAIRS + len(result.drawn_again))
    assert accounted == {frozenset(pair) for pair in drawn}
    plain = json.loads(json.dumps(result.to_json()))
    assert (plain["share"], len(plain["pairs"])) == (result.share, PAIRS)


# ---------------------------------------------------------------------- when both are found


@pytest.mark.parametrize(
    ("found", "first", "second", "told"),
    [
        ([MOVE, SKIP], {MOVE}, {SKIP}, (True, True)),
        ([MOVE], {MOVE}, {SKIP}, (True, False)),
        ([SKIP], {MOVE}, {SKIP}, (False, True)),
        ([], {MOVE}, {SKIP}, (False, False)),
        # The same requirement for another cause is another violation.
        ([("MOVE-1", "other"), SKIP], {MOVE}, {SKIP}, (False, True)),
        # A violation that either shows is no sign of both, unless there is another one that is rightly named.
        ([MOVE], {MOVE}, {MOVE}, (True, False)),
        ([MOVE, ("MOVE-1", "other")], {MOVE}, {MOVE}, (True, True)),
        ([MOVE, STATE], {MOVE}, {MOVE}, (True, False)),
        ([MOVE, SKIP], {MOVE, SKIP}, {MOVE}, (True, True)),
        # What is named wrongly is no sign of anything.
        ([STATE, SKIP], {STATE}, {SKIP}, (False, True)),
    ],
)
def test_which_of_two_a_run_shows(
    found: list[pairs.Signature],
    first: set[pairs.Signature],
    second: set[pairs.Signature],
    told: tuple[bool, bool],
) -> None:
    assert told_apart(found, frozenset(first), frozenset(second), frozenset({"MOVE-1", "SKIP-1"})) == told


# ---------------------------------------------------------------------- one mock with both


@pytest.fixture
def register() -> Iterator[Register]:
    names: list[str] = []

    def registered(name: str, mock: type[Mock], requirement: str = "MOVE-1") -> Defect:
        DEFECTS[name] = Defect(name, "Wrong.", requirement, (), mock)
        names.append(name)
        return DEFECTS[name]

    yield registered
    for name in names:
        del DEFECTS[name]


class Teapot(Mock):
    def handle(self, call: Call) -> Answer:
        return Answer(418)


class Remembers(Mock):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.past = 7


@pytest.mark.parametrize(
    ("first", "second", "orders"),
    [
        ("description-cleared", "list-cached-for-good", 2),
        ("false-is-flag-only", "skip-in-place-ignored", 2),
        ("post-is-put", "patch-is-put", 0),
        ("skip-without-a-where", "neighbour-taken-along", 0),
    ],
)
def test_in_how_many_orders_two_go_together(first: str, second: str, orders: int) -> None:
    assert len(combined(DEFECTS[first], DEFECTS[second])) == orders


def test_a_mock_that_asks_nobody_stands_behind_or_nowhere(register: Register) -> None:
    alone = register("teapot-in-a-test", Teapot)
    assert combined(alone, DEFECTS["array-crashes"])[0].__mro__[1] is DEFECTS["array-crashes"].mock
    assert combined(alone, register("second-teapot-in-a-test", type("Other", (Mock,), dict(vars(Teapot))))) == []


def test_two_that_keep_something_under_one_name_do_not_go_together(register: Register) -> None:
    assert combined(register("remembers-in-a-test", Remembers), DEFECTS["false-is-flag-only"]) == []


def test_a_mock_and_its_own_base_have_one_order_alone(register: Register) -> None:
    special = register("special-in-a-test", type("Special", (Teapot,), {"answer": Mock.answer}))
    assert len(combined(register("base-in-a-test", Teapot), special)) == 1


def test_both_have_a_say_in_where_a_service_goes() -> None:
    mock = combined(DEFECTS["false-is-flag-only"], DEFECTS["skip-in-place-ignored"])[0](embedded())
    scenario = mock.scenario
    service, (here, there, *_) = scenario.services(scenario.environment)[0], scenario.stages(scenario.environment)
    placed = mock.placed  # type: ignore[attr-defined]  # a hook of Misplaces, which both mocks are
    was = Placement(here, skipped=False)
    assert placed(Attach(there, service, Form.FALSE), was, Placement(there, skipped=False)) == was
    assert placed(Attach(here, service, Form.TRUE), was, Placement(here, skipped=True)) == was


# ---------------------------------------------------------------------- why one is not seen


@pytest.mark.parametrize(
    ("first", "second", "why"),
    thinned(
        [
            ("capitals-make-a-second-thing", "service-ids-compared-by-case", "is answered 400, alone 200"),
            ("flag-by-truth-value", "numbers-are-flags", "shows ERR-4 not-refused:attach:wrong_type:own:2xx as well"),
        ],
        every=2,
    ),
)
def test_what_masks_a_defect_is_said(first: str, second: str, why: str) -> None:
    pair = pair_judged((first, second, "nightly"))
    assert pair.error is None
    (masked,) = pair.masked
    assert {masked.name, masked.by} == {first, second}
    assert why in masked.why


def test_mocks_that_fail_together_are_drawn_again(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails(Mock):
        def handle(self, call: Call) -> Answer:
            raise KeyError(call.method)

    register("fails-in-a-test", Fails)
    draws = [
        ("post-is-put", "patch-is-put"),
        ("fails-in-a-test", "array-crashes"),
        ("description-cleared", "array-crashes"),
    ]
    monkeypatch.setattr(pairs, "_draws", lambda _: iter(draws))
    shown: list[str] = []
    found = audit_pairs(1, jobs=1, progress=shown.append)
    assert [(pair.first, pair.masked) for pair in found.pairs] == [("description-cleared", ())]
    assert [(first, why) for first, _, why in found.drawn_again] == [
        ("post-is-put", "a hook of the one never asks the other"),
        ("fails-in-a-test", "together they end in KeyError: 'GET'"),
    ]
    assert len(shown) == 2


def test_nothing_tried_is_nothing_found() -> None:
    assert not PairsResult(0, "nightly", (), (), 0.0).passed


def test_pairs_are_rendered_within_80_columns() -> None:
    masked = Masked("some-defect-with-a-long-name", "another-defect-with-a-long-name", "it is answered 400 before it")
    found = (Pair("a", "b", 9, (MOVE,)), Pair(masked.name, masked.by, 9, (), (masked,)))
    out = io.StringIO()
    render_pairs(
        PairsResult(3, "nightly", found, (("c", "d", "they do not go together"),), 1.0), Console(file=out, width=80)
    )
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    for said in ("drawn again", "masked", "1 of 2 pairs (50.0%)", "seed 3"):
        assert said in text


@pytest.mark.parametrize("share", [0, 1])
def test_the_command_ends_with_1_if_too_many_are_masked(
    share: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    masked = () if share else (Masked("a", "b", "so"),)

    def few(count: int, seed: int, jobs: int, profile: str, *, progress: Callable[[str], None]) -> PairsResult:
        progress("a + b")
        return PairsResult(seed, profile, (Pair("a", "b", count, (), masked),), (), 1.0)

    monkeypatch.setattr(audit_command, "audit_pairs", few)
    arguments = ["--pairs", "7", "--seed", "3", "--jobs", "1"]
    assert audit_command.command.main([*arguments, "--json"], standalone_mode=False) == 1 - share
    told = json.loads(capsys.readouterr().out)
    assert (told["seed"], told["pairs"][0]["requests"], told["share"]) == (3, 7, share)
    assert audit_command.command.main(arguments, standalone_mode=False) == 1 - share
    assert f"both found in {share} of 1 pairs" in capsys.readouterr().out
