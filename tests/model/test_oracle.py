"""The oracle over conversations: unknown outcomes, resynchronisation, consistency, and what is named for what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest

from kit.small import ENVIRONMENT, START, Layout, moved, seen, uid, world_of
from kit.talk import Talk
from stagecheck.model.observation import Observation
from stagecheck.model.requests import Attach, Form, ReadList
from stagecheck.model.state import Reading, Service, Stage, World
from stagecheck.model.worlds import MOST_WORLDS, distinct

# ---------------------------------------------------------------------- unknown outcomes

ONE_MOVED = moved(START, "one", "B")


def test_a_put_without_an_answer_may_take_effect_at_once_late_or_never() -> None:
    for reads in ([ONE_MOVED, ONE_MOVED], [START, ONE_MOVED, ONE_MOVED], [START, START, START]):
        talk = Talk()
        assert talk.put("one", "B", status=None) == []
        assert [talk.listed(shown) for shown in reads] == [[]] * len(reads)


def test_what_has_taken_effect_late_is_not_taken_back() -> None:
    talk = Talk()
    talk.put("one", "B", status=None)
    assert talk.listed(START) == []
    assert talk.listed(ONE_MOVED) == []
    assert talk.listed(START) == ["STATE-5"]


def test_a_late_effect_shows_in_the_answer_to_another_request() -> None:
    talk = Talk()
    talk.put("one", "B", status=None)
    assert talk.put("two", "C", moved(START, "two", "C")) == []
    both = moved(moved(START, "two", "C"), "one", "B")
    assert talk.put("three", "B", moved(both, "three", "B")) == []


def test_a_late_effect_may_undo_a_later_request_to_the_same_service() -> None:
    """The lost PUT may be carried out after the next one was answered: no target is to blame for the network."""
    talk = Talk()
    talk.put("one", "B", status=None)
    assert talk.put("one", "C", moved(START, "one", "C")) == []
    assert talk.listed(ONE_MOVED) == []


def test_an_unknown_outcome_excuses_nothing_else() -> None:
    talk = Talk()
    talk.put("one", "B", status=None)
    assert talk.listed(moved(START, "one", "C")) == ["STATE-5"]
    talk = Talk()
    talk.put("one", "B", status=None)
    assert talk.put("two", "C", moved(moved(START, "two", "C"), "three", "C")) == ["STATE-2"]


@pytest.mark.parametrize("order", list(permutations([("one", "B"), ("two", "C")])))
def test_two_pending_requests_take_effect_in_any_order(order: tuple[tuple[str, str], ...]) -> None:
    talk = Talk()
    for service, stage in (("one", "B"), ("two", "C")):
        assert talk.put(service, stage, status=None) == []
    state: Layout = START
    assert talk.listed(state) == []
    for service, stage in order:
        state = moved(state, service, stage)
        assert talk.listed(state) == []
    assert set(talk.listed(START)) == {"STATE-5"}


@pytest.mark.parametrize("last", ["A", "B", "C"])
def test_two_pending_requests_to_one_service(last: str) -> None:
    talk = Talk()
    talk.put("one", "B", status=None)
    talk.put("one", "C", status=None)
    assert talk.listed(moved(START, "one", last)) == []


@pytest.mark.parametrize("shown", [START, ONE_MOVED])
def test_a_5xx_is_reported_and_may_have_taken_effect_or_not(shown: Layout) -> None:
    talk = Talk()
    assert talk.put("one", "B", status=500) == ["ERR-1", "MOVE-3"]
    assert talk.listed(shown) == []


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_a_gateway_says_breaks_no_promise_of_the_target_but_one(status: int) -> None:
    assert Talk().put("one", "B", status=status) == ["ERR-1"]
    assert Talk().put("one", "X", status=status) == ["ERR-1"]


def test_a_5xx_to_what_must_be_refused_is_no_refusal() -> None:
    assert Talk().put("one", "X", status=500) == ["ERR-1", "ERR-2"]
    assert Talk().put("malformed", "X", status=500) == ["ERR-1"], "there is no one promise to name"


def test_a_200_that_cannot_be_read_leaves_both_worlds_possible() -> None:
    for shown in (START, ONE_MOVED):
        talk = Talk()
        assert talk.put("one", "B", None) == []
        assert talk.listed(shown) == []


def test_the_number_of_worlds_is_bounded() -> None:
    talk = Talk()
    for position in range(40):
        talk.put(("one", "two", "three")[position % 3], ("A", "B", "C")[position % 2], form=Form.TRUE, status=None)
    assert len(talk.oracle.worlds) <= MOST_WORLDS
    assert distinct(range(100), lambda number: number % 7, lambda all_: (min(all_),)) == (0, 1, 2, 3, 4, 5, 6)
    assert distinct(range(100), lambda number: number, lambda all_: (max(all_),), most=3) == (99,)


def test_where_worlds_are_too_many_less_is_known_and_nothing_is_wrong() -> None:
    """Letting some of them go would make the others look certain."""
    for last in ("A", "B", "C"):
        talk = Talk()
        for _ in range(6):
            for service in ("one", "two", "three"):
                for stage in ("A", "B", "C"):
                    talk.put(service, stage, form=Form.TRUE, status=None)
        assert talk.listed(moved(START, "one", last)) == []


# ---------------------------------------------------------------------- one violation neither hides nor cascades


def test_after_a_violation_the_truth_is_what_was_seen() -> None:
    talk = Talk()
    assert talk.put("one", "B", START) == ["MOVE-3"]
    assert talk.listed(START) == [], "no cascade"
    assert talk.put("two", "C", moved(START, "two", "C")) == [], "no cascade"
    state = moved(moved(START, "two", "C"), "three", "C", skipped=True)
    assert talk.put("three", "C", state) == ["MOVE-4"], "nothing hidden"
    assert talk.listed(state) == []


@pytest.mark.parametrize(
    ("wrong", "requirement"),
    [
        ({"A": ["one", "two"], "B": ["three*", "one"], "C": []}, "STATE-1"),
        ({"A": ["two"], "B": ["three*"], "C": []}, "STATE-1"),
        ({"A": ["two"], "B": ["three", "one"], "C": []}, "STATE-2"),
        ({"A": ["two"], "B": ["three*", "one", "ghost"], "C": []}, "STATE-2"),
        ({"A": ["two"], "B": ["three*", "one"], "C": [], "X": []}, "STATE-3"),
        ({"A": ["two"], "B": ["three*", "one"]}, "SHAPE-3"),
        ({"A": ["two"], "B": ["three*", "ghost"], "C": []}, "STATE-7"),
        ({"A": ["two"], "B": ["three*", "one*"], "C": []}, "MOVE-4"),
        ({"A": ["two"], "B": ["three*"], "C": ["one"]}, "MOVE-3"),
    ],
)
def test_each_wrong_answer_is_found_once_and_the_next_right_one_is_clean(wrong: Layout, requirement: str) -> None:
    talk = Talk()
    assert talk.put("one", "B", wrong) == [requirement]
    right = moved({**dict.fromkeys(START, ()), **wrong}, "one", "B")
    if requirement not in ("SHAPE-3", "STATE-7"):
        assert talk.put("one", "B", right) == []
    assert talk.put("one", "B", START) != []


def test_several_promises_broken_by_one_answer_are_all_named() -> None:
    wrong = {"A": [], "B": ["three", "one*"], "C": ["two"]}
    assert sorted(Talk().put("one", "B", wrong)) == ["MOVE-4", "STATE-2", "STATE-2"]


def test_a_vanished_service_is_reported_once_and_what_follows_is_no_news() -> None:
    gone = {"A": ["two"], "B": ["three*"], "C": []}
    talk = Talk()
    assert talk.put("one", "B", gone) == ["STATE-1"]
    assert talk.put("one", "C", status=404) == []
    assert talk.put("two", "C", moved(gone, "two", "C")) == []


@pytest.mark.parametrize(("status", "broken"), [(403, []), (404, []), (409, []), (400, ["MOVE-3"]), (422, ["MOVE-3"])])
def test_a_refusal_for_the_sake_of_the_request_is_news_of_a_vanished_service_too(
    status: int, broken: list[str]
) -> None:
    talk = Talk()
    talk.put("one", "B", {"A": ["two"], "B": ["three*"], "C": []})
    assert talk.put("one", "C", status=status) == broken


def test_two_copies_do_not_hide_that_the_flag_is_wrong_in_both() -> None:
    skipped, plain = {"A": ["one*"], "B": ["one*"]}, {"A": ["one"], "B": ["one*"]}
    others = {"A": ["two"], "B": ["three*"], "C": []}
    for copies, broken in ((skipped, ["STATE-1", "MOVE-4"]), (plain, ["STATE-1"])):
        shown = {stage: [*copies.get(stage, []), *members] for stage, members in others.items()}
        assert Talk().put("one", "B", shown) == broken


@pytest.mark.parametrize("form", [Form.ABSENT, Form.TRUE])
def test_a_spelling_that_is_refused_has_one_cause_whatever_the_body_says(form: Form) -> None:
    talk = Talk()
    assert talk.put("one", "A", form=form, status=404, spelling="ERR-9") == ["ERR-9"]
    assert talk.last.mismatches[0].cause == "refused:attach"


# ---------------------------------------------------------------------- little to see


def _unseen() -> World:
    """What a config alone tells: the ids, and nothing of where they are."""
    known = world_of()
    stages = {key: Stage(key, ENVIRONMENT) for key in (uid("A"), uid("B"), uid("C"))}
    services = {key: Service(key, ENVIRONMENT) for key in (uid("one"), uid("two"))}
    return World(known.organizations, stages, services)


def test_put_only_the_first_answer_teaches_and_the_next_is_judged_by_it() -> None:
    talk = Talk(world=_unseen())
    assert talk.put("one", "B", ONE_MOVED) == []
    assert "STATE-2" not in talk.last.exercised
    assert talk.put("two", "B", moved(moved(ONE_MOVED, "two", "B"), "three", "C", skipped=True)) == ["STATE-2"]


def test_put_only_the_first_answer_must_show_the_promise_all_the_same() -> None:
    assert Talk(world=_unseen()).put("one", "B", START) == ["MOVE-3"]
    assert Talk(world=_unseen()).put("one", "B", moved(START, "one", "B", skipped=True)) == ["MOVE-4"]
    assert Talk(world=_unseen()).put("one", "B", {"A": ["one"], "B": ["one"], "C": []}) == ["STATE-1"]


def _anonymous(shown: Observation) -> Observation:
    stages = [
        replace(stage, entries=tuple(replace(entry, service=None) for entry in stage.entries or ()))
        for stage in shown.stages
    ]
    return replace(shown, stages=tuple(stages))


def test_entries_that_name_no_service_say_nothing() -> None:
    talk = Talk()
    for state in (ONE_MOVED, START):
        assert talk.judge(Attach(uid("B"), uid("one"), Form.ABSENT), 200, _anonymous(seen(state))) == []
        assert not {"MOVE-3", "STATE-1", "STATE-2"} & set(talk.last.exercised)
    assert talk.judge(ReadList(ENVIRONMENT), 200, _anonymous(seen(START))) == []


def test_stages_that_do_not_speak_of_services_say_nothing_of_them() -> None:
    silent = replace(seen(START), stages=tuple(replace(stage, entries=None) for stage in seen(START).stages))
    talk = Talk()
    assert talk.judge(Attach(uid("B"), uid("one"), Form.ABSENT), 200, silent) == []
    assert "MOVE-3" not in talk.last.exercised
    without = replace(silent, stages=silent.stages[:2])
    assert talk.judge(Attach(uid("B"), uid("one"), Form.ABSENT), 200, without) == ["SHAPE-3"]


# ---------------------------------------------------------------------- SKIP-2

FOLLOWED: dict[Reading, tuple[int, Layout | None]] = {
    Reading.MOVE_AND_SKIP: (200, moved(START, "one", "B", skipped=True)),
    Reading.MOVE_UNSKIPS: (200, ONE_MOVED),
    Reading.SKIP_IN_PLACE: (200, moved(START, "one", "A", skipped=True)),
    Reading.REFUSE: (409, None),
}
SECOND_TIME: dict[Reading, Callable[[Layout], tuple[int, Layout | None]]] = {
    Reading.MOVE_AND_SKIP: lambda state: (200, moved(state, "two", "C", skipped=True)),
    Reading.MOVE_UNSKIPS: lambda state: (200, moved(state, "two", "C")),
    Reading.SKIP_IN_PLACE: lambda state: (200, moved(state, "two", "A", skipped=True)),
    Reading.REFUSE: lambda _: (409, None),
}


@pytest.mark.parametrize("first", Reading)
@pytest.mark.parametrize("then", Reading)
def test_a_target_follows_one_reading_and_always_the_same(first: Reading, then: Reading) -> None:
    talk = Talk()
    status, shown = FOLLOWED[first]
    assert talk.put("one", "B", shown, form=Form.TRUE, status=status) == []
    assert talk.oracle.reading is first
    status, shown = SECOND_TIME[then](shown or START)
    assert talk.put("two", "C", shown, form=Form.TRUE, status=status) == ([] if first is then else ["SKIP-2"])
    assert talk.oracle.reading is first, "what was shown first stays what the next answers are held against"
    if first is not then and status == 200:
        (mismatch,) = talk.last.mismatches
        assert mismatch.cause == f"reading:{then.value}"
        assert f"earlier answers follow {first.value}" in mismatch.message


@pytest.mark.parametrize("pinned", Reading)
@pytest.mark.parametrize("shown_reading", Reading)
def test_a_pinned_reading_is_held_against_from_the_first_answer(pinned: Reading, shown_reading: Reading) -> None:
    talk = Talk(pinned=pinned)
    status, shown = FOLLOWED[shown_reading]
    broken = talk.put("one", "B", shown, form=Form.TRUE, status=status)
    assert broken == ([] if pinned is shown_reading else ["SKIP-2"])
    assert talk.oracle.reading is pinned


def test_none_of_the_four_readings() -> None:
    talk = Talk()
    assert talk.put("one", "B", moved(START, "one", "C"), form=Form.TRUE) == ["SKIP-2"]
    assert "none of the four readings" in talk.last.mismatches[0].message


def test_none_of_the_four_readings_where_earlier_ones_were_refused() -> None:
    talk = Talk()
    assert talk.put("one", "B", form=Form.TRUE, status=409) == []
    assert talk.put("two", "C", START, form=Form.TRUE) == ["SKIP-2"]
    (mismatch,) = talk.last.mismatches
    assert mismatch.cause == "no-reading:not-moved:true:other"
    assert mismatch.witness is not None
    assert mismatch.witness["kind"] == "status", "what was promised is a refusal"


def test_what_else_is_wrong_with_an_answer_does_not_hide_its_reading() -> None:
    talk = Talk()
    assert talk.put("one", "B", moved(START, "one", "B", skipped=True), form=Form.TRUE) == []
    state = moved(START, "one", "B", skipped=True)
    wrong = moved(moved(state, "two", "C"), "three", "C", skipped=True)
    assert sorted(talk.put("two", "C", wrong, form=Form.TRUE)) == ["SKIP-2", "STATE-2"]
    assert "reading:move-unskips" in {mismatch.cause for mismatch in talk.last.mismatches}


def test_flag_true_in_place_tells_no_reading() -> None:
    talk = Talk()
    assert talk.put("one", "A", moved(START, "one", "A", skipped=True), form=Form.TRUE) == []
    assert talk.oracle.reading is None
    assert "SKIP-1" in talk.last.exercised


# ---------------------------------------------------------------------- STATE-4


def test_a_repetition_answered_otherwise_is_named_state_4_only_when_it_is_the_very_same_request() -> None:
    for fingerprint, requirement in (("same", "STATE-4"), ("other", "MOVE-3"), (None, "MOVE-3")):
        talk = Talk()
        assert talk.put("one", "B", ONE_MOVED, fingerprint="same") == []
        assert talk.put("one", "B", START, fingerprint=fingerprint) == [requirement]
        assert ("STATE-4" in talk.last.exercised) == (fingerprint == "same")


def test_a_repetition_of_what_was_wrong_already_is_not_state_4() -> None:
    talk = Talk()
    assert talk.put("one", "B", START, fingerprint="same") == ["MOVE-3"]
    assert talk.put("one", "B", START, fingerprint="same") == ["MOVE-3"]


def test_something_between_two_equal_requests_makes_them_no_repetition() -> None:
    (talk := Talk()).put("one", "B", ONE_MOVED, fingerprint="same")
    talk.put("two", "B", moved(ONE_MOVED, "two", "B"), fingerprint="another")
    assert talk.put("one", "B", START, fingerprint="same")[0] != "STATE-4"


@pytest.mark.parametrize("flagged", [False, True])
def test_under_move_unskips_the_repetition_of_true_may_skip_or_not(*, flagged: bool) -> None:
    """SKIP-1 asks for a skip, STATE-4 for an equal answer: no target can keep both, so either will do."""
    talk = Talk()
    assert talk.put("one", "B", ONE_MOVED, form=Form.TRUE, fingerprint="true") == []
    shown = moved(START, "one", "B", skipped=flagged)
    assert talk.put("one", "B", shown, form=Form.TRUE, fingerprint="true") == []


# ---------------------------------------------------------------------- STATE-5 and STATE-6


@pytest.mark.parametrize(
    ("caller", "said"),
    [("nobody", "without a valid credential"), ("bad-jwt", "with an invalid JWT")],
)
def test_who_had_to_be_refused_is_told(caller: str, said: str) -> None:
    talk = Talk()
    assert len(talk.put("one", "B", ONE_MOVED, caller=caller)) >= 1
    assert f", {said}, was answered 200; it must be refused" in " ".join(m.message for m in talk.last.mismatches)


def test_a_change_by_a_refused_request_is_state_6_where_the_read_agreed_before() -> None:
    talk = Talk()
    assert talk.listed(START) == []
    assert talk.put("one", "B", status=401, caller="nobody") == []
    assert talk.listed(ONE_MOVED) == ["STATE-6"]
    message = talk.last.mismatches[0].message
    assert "was answered 401, and yet changed the state" in message
    assert talk.listed(ONE_MOVED) == [], "believed from then on"


@pytest.mark.parametrize(("stage", "requirement"), [("B", "STATE-6"), ("C", "STATE-5")])
def test_a_read_not_seen_to_agree_blames_the_refusal_for_just_what_was_refused(stage: str, requirement: str) -> None:
    talk = Talk()
    assert talk.put("one", "B", status=401, caller="nobody") == []
    assert talk.listed(moved(START, "one", stage)) == [requirement]


def test_put_only_a_change_by_a_refused_request_shows_in_the_answer_to_the_next() -> None:
    talk = Talk()
    assert talk.put("two", "A", START) == []
    assert talk.put("one", "B", status=404, caller="foreign") == []
    talk.oracle.looking = True
    assert talk.put("two", "A", ONE_MOVED, form=Form.FALSE) == ["STATE-6"]


def test_a_bystander_that_moves_without_a_refusal_before_is_state_2() -> None:
    talk = Talk()
    assert talk.put("two", "A", ONE_MOVED, form=Form.FALSE) == ["STATE-2"]


def test_a_read_that_lies_is_not_believed_when_the_next_answer_contradicts_it() -> None:
    (talk := Talk()).put("one", "B", ONE_MOVED)
    assert talk.listed(START) == ["STATE-5"]
    assert talk.put("two", "C", moved(ONE_MOVED, "two", "C")) == []


def test_each_read_is_held_against_the_last_200_answer() -> None:
    talk = Talk()
    talk.put("one", "B", ONE_MOVED)
    assert talk.listed(ONE_MOVED) == []
    assert talk.stage("B", ["three*", "one"]) == []
    assert talk.stage("A", ["two"]) == []
    assert talk.service("one", "B", ["three*", "one"]) == []
    assert talk.service("one", "A", ["one", "two"]) == ["STATE-5"]
    assert Talk().stage("A", ["one", "two", "three*"]) == ["STATE-5"]
    assert Talk().stage("B", ["three"]) == ["STATE-5"]
    assert Talk().stage("B", ["three*", "three*"]) == ["STATE-1"]
    assert Talk().stage("C", ["ghost"]) == ["STATE-5"]


# ---------------------------------------------------------------------- spelling, choices, counting


def test_an_unusual_spelling_refused_is_named_by_its_own_should() -> None:
    for spelling in ("ERR-9", "AUTH-5"):
        talk = Talk()
        assert talk.put("one", "B", status=404, spelling=spelling) == [spelling]
        assert spelling in talk.last.exercised


def test_a_freedom_that_is_used_is_told() -> None:
    for shown, status, chose in (
        (moved(START, "one", "C"), 200, "read as absent or false"),
        (None, 422, "refused"),
    ):
        talk = Talk()
        assert talk.put("one", "C", shown, form=Form.NULL, status=status) == []
        assert talk.last.choice == ("is_skipped null", chose)


def test_a_malformed_id_accepted_weighs_as_a_must() -> None:
    talk = Talk()
    assert talk.put("malformed", "B", START) == ["ERR-3"]
    assert talk.last.mismatches[0].must is True
    assert Talk().put("malformed", "B", status=301) == ["ERR-3"]


_EXERCISED: dict[str, tuple[Callable[[Talk], list[str]], set[str]]] = {
    "a move": (lambda talk: talk.put("one", "B", ONE_MOVED), {"MOVE-3", "STATE-1", "STATE-2", "STATE-7", "SHAPE-3"}),
    "a move of a skipped one": (
        lambda talk: talk.put("three", "C", moved(START, "three", "C"), form=Form.FALSE),
        {"MOVE-1", "MOVE-4"},
    ),
    "an un-skip in place": (
        lambda talk: talk.put("three", "B", moved(START, "three", "B"), form=Form.OMITTED),
        {"MOVE-2", "MOVE-5"},
    ),
    "a refusal": (lambda talk: talk.put("one", "X", status=404), {"ERR-2", "ERR-1"}),
    "a read": (lambda talk: talk.listed(START), {"STATE-5"}),
    "nothing": (lambda talk: talk.put("one", "B", status=None), set()),
}


@pytest.mark.parametrize(("send", "counted"), _EXERCISED.values(), ids=_EXERCISED)
def test_what_an_answer_could_have_broken_is_counted(send: Callable[[Talk], list[str]], counted: set[str]) -> None:
    talk = Talk()
    assert send(talk) == []
    assert counted <= set(talk.last.exercised)
    assert bool(talk.last.exercised) == bool(counted)
    assert not {"MOVE-4", "MOVE-5", "SKIP-1"} & (set(talk.last.exercised) - counted)
