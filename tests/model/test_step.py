"""`step`, case by case: every form of the body, to the current and to another stage, under every reading.

The table is written from CONTRACT.md by hand: a letter for each thing that may happen.
"""

from __future__ import annotations

import copy
from itertools import product

import pytest

from kit.small import ENVIRONMENT, FOREIGN_ENVIRONMENT, MALFORMED, SECOND_ENVIRONMENT, uid, world_of
from stagecheck.model.requests import (
    BAD_JWT,
    FOREIGN,
    NOBODY,
    OWN,
    Attach,
    Form,
    OtherMethod,
    ReadList,
    ReadService,
    ReadStage,
    Request,
)
from stagecheck.model.state import Placement, Reading, World
from stagecheck.model.step import Accepted, Outcome, Refused, step

HERE, THERE, SERVICE = "A", "B", "one"

MOVED, SKIPPED, KEPT, REFUSED = "moved", "moved and skipped", "skipped where it was", "refused"
"""What may happen: it is in the addressed stage un-skipped, or skipped; it stays, skipped; a 4xx."""

BY_READING = {
    Reading.MOVE_AND_SKIP: {SKIPPED},
    Reading.MOVE_UNSKIPS: {MOVED},
    Reading.SKIP_IN_PLACE: {KEPT},
    Reading.REFUSE: {REFUSED},
    None: {SKIPPED, MOVED, KEPT, REFUSED},
}
"""SKIP-2: flag true to another stage."""

PLAIN = (Form.ABSENT, Form.OMITTED, Form.FALSE)
LENIENT = (Form.NULL, Form.TEXT_FALSE, Form.TEXT_TRUE, Form.NULL_BODY, Form.UNJUDGED)
BAD = {Form.WRONG_TYPE: "ERR-4", Form.MALFORMED: "ERR-5", Form.NOT_OBJECT: "ERR-6"}


def expected(form: Form, *, other: bool, skipped: bool, reading: Reading | None) -> set[str]:
    """What CONTRACT.md allows."""
    if form in PLAIN:
        return {MOVED}
    if form in BAD:
        return {REFUSED}
    if_true = BY_READING[reading] if other else {SKIPPED}
    if form is Form.TRUE:
        return if_true
    return {MOVED, REFUSED} | if_true | ({SKIPPED} if skipped else set())


def happened(before: World, outcome: Outcome, request: Attach) -> str:
    """An outcome by its letter; nothing but the addressed service may have changed."""
    others = {key: place for key, place in before.placements.items() if key != request.service}
    assert {key: place for key, place in outcome.world.placements.items() if key != request.service} == others
    assert outcome.world.stages == before.stages
    assert outcome.world.services == before.services
    if isinstance(outcome.answer, Refused):
        assert outcome.world.placements == before.placements
        return REFUSED
    assert outcome.answer == Accepted(environment=ENVIRONMENT)
    place, home = outcome.world.placements[request.service], before.placements[request.service]
    if place.stage == request.stage:
        return SKIPPED if place.skipped else MOVED
    assert place == Placement(home.stage, skipped=True)
    return KEPT


@pytest.mark.parametrize(
    ("form", "other", "skipped", "reading"), list(product(Form, (False, True), (False, True), (*Reading, None)))
)
def test_every_form_to_every_place(form: Form, *, other: bool, skipped: bool, reading: Reading | None) -> None:
    before = world_of({"A": ["one*" if skipped else "one", "two*"], "B": ["three"], "C": []}, reading)
    request = Attach(uid(THERE if other else HERE), uid(SERVICE), form)
    outcomes = step(before, request)
    wanted = expected(form, other=other, skipped=skipped, reading=reading)
    assert {happened(before, outcome, request) for outcome in outcomes} == wanted
    for outcome in outcomes:
        if reading is not None:
            assert outcome.world.reading is reading
        assert (outcome.choice is not None) == (form in LENIENT and form is not Form.UNJUDGED)


@pytest.mark.parametrize(("form", "requirement"), BAD.items())
def test_a_bad_body_is_refused_for_its_own_requirement(form: Form, requirement: str) -> None:
    (outcome,) = step(world_of(), Attach(uid("B"), uid("one"), form))
    assert isinstance(outcome.answer, Refused)
    assert outcome.answer.requirement == requirement
    assert outcome.answer.allows(400)
    assert outcome.answer.allows(422)
    assert not outcome.answer.allows(200)
    assert not outcome.answer.allows(500)


@pytest.mark.parametrize("form", Form)
def test_another_content_type_leaves_the_choice_between_refusing_reading_and_passing_over(form: Form) -> None:
    before = world_of({"A": ["one*"], "B": [], "C": []}, Reading.MOVE_AND_SKIP)
    request = Attach(uid("B"), uid("one"), form, other_media=True)
    outcomes = step(before, request)
    read = set() if form in BAD else expected(form, other=True, skipped=True, reading=Reading.MOVE_AND_SKIP)
    assert {happened(before, outcome, request) for outcome in outcomes} == {REFUSED, MOVED} | read
    assert all(outcome.choice is not None for outcome in outcomes)
    first = outcomes[0].answer
    assert isinstance(first, Refused)
    assert first.preferred == 415


def test_each_reading_is_settled_by_the_first_answer() -> None:
    """SKIP-2: a world whose reading is open yields one outcome for each reading, and that reading from then on."""
    outcomes = step(world_of(), Attach(uid("B"), uid("one"), Form.TRUE))
    assert {outcome.world.reading for outcome in outcomes} == set(Reading)
    for outcome in outcomes:
        again = step(outcome.world, Attach(uid("C"), uid("one"), Form.TRUE))
        assert [following.world.reading for following in again] == [outcome.world.reading]


def test_flag_true_to_a_service_that_nobody_has_seen_may_be_in_place_or_not() -> None:
    """In the addressed stage skipped, or moved there and not, or refused; skipped in place it may be in any stage."""
    before = world_of()
    hidden = World(before.organizations, before.stages, before.services, {}, frozenset(), None)
    outcomes = step(hidden, Attach(uid("B"), uid("one"), Form.TRUE))
    placed = {outcome.world.placements.get(uid("one")) for outcome in outcomes}
    in_place = {Placement(uid(stage), skipped=True) for stage in ("A", "B", "C")}
    assert placed == {*in_place, Placement(uid("B"), skipped=False), None}


@pytest.mark.parametrize(
    ("reading", "places"),
    [
        (Reading.MOVE_AND_SKIP, {Placement(uid("B"), skipped=True)}),
        (Reading.MOVE_UNSKIPS, {Placement(uid("B"), skipped=True), Placement(uid("B"), skipped=False)}),
        (Reading.SKIP_IN_PLACE, {Placement(uid(stage), skipped=True) for stage in ("A", "B", "C")}),
        (Reading.REFUSE, {Placement(uid("B"), skipped=True), None}),
    ],
)
def test_a_reading_that_is_known_holds_for_what_nobody_has_seen(
    reading: Reading, places: set[Placement | None]
) -> None:
    before = world_of()
    hidden = World(before.organizations, before.stages, before.services, {}, frozenset(), reading)
    outcomes = step(hidden, Attach(uid("B"), uid("one"), Form.TRUE))
    assert {outcome.world.placements.get(uid("one")) for outcome in outcomes} == places
    assert {outcome.world.reading for outcome in outcomes} == {reading}


# ---------------------------------------------------------------------- refusals

_OWN_STAGE, _OWN_SERVICE = uid("B"), uid("one")
_ATTACH: tuple[tuple[str, Request, dict[str, set[int]]], ...] = (
    ("no credential", Attach(_OWN_STAGE, _OWN_SERVICE, Form.FALSE, NOBODY), {"AUTH-1": {401, 403}}),
    ("a broken JWT", Attach(_OWN_STAGE, _OWN_SERVICE, Form.TRUE, BAD_JWT), {"AUTH-2": {401, 403}}),
    ("another organization", Attach(_OWN_STAGE, _OWN_SERVICE, Form.ABSENT, FOREIGN), {"AUTH-3": {403, 404}}),
    (
        "a foreign stage",
        Attach(uid("foreign-stage"), _OWN_SERVICE, Form.ABSENT),
        {"AUTH-3": {403, 404}, "AUTH-4": {400}},
    ),
    ("a foreign service", Attach(_OWN_STAGE, uid("foreign-service"), Form.ABSENT), {"AUTH-3": {403}, "AUTH-4": {409}}),
    ("an unknown stage", Attach(uid("X"), _OWN_SERVICE, Form.ABSENT), {"ERR-2": {404, 403}}),
    ("an unknown service", Attach(_OWN_STAGE, uid("ghost"), Form.TRUE), {"ERR-2": {404, 403}}),
    ("both unknown", Attach(uid("X"), uid("ghost"), Form.FALSE), {"ERR-2": {404, 403}}),
    ("a stage as service", Attach(_OWN_STAGE, _OWN_STAGE, Form.FALSE), {"ERR-2": {404}}),
    ("a service as stage", Attach(_OWN_SERVICE, _OWN_SERVICE, Form.FALSE), {"ERR-2": {404}}),
    ("a malformed stage", Attach(MALFORMED, _OWN_SERVICE, Form.FALSE), {"ERR-3": {400, 404, 422}}),
    ("a malformed service", Attach(_OWN_STAGE, MALFORMED, Form.FALSE), {"ERR-3": {400, 404, 422}}),
    ("to the second environment", Attach(uid("second-stage"), _OWN_SERVICE, Form.FALSE), {"AUTH-4": {400, 404, 409}}),
    ("from the second", Attach(_OWN_STAGE, uid("second-service"), Form.TRUE), {"AUTH-4": {400, 404, 409}}),
    ("POST", OtherMethod("POST", _OWN_STAGE, _OWN_SERVICE), {"ERR-7": {405, 404, 401}}),
    (
        "POST without a credential",
        OtherMethod("POST", _OWN_STAGE, _OWN_SERVICE, NOBODY),
        {"AUTH-1": {401}, "ERR-7": {405}},
    ),
    ("a list without a credential", ReadList(ENVIRONMENT, NOBODY), {"AUTH-1": {401, 403}}),
    ("a stage by another organization", ReadStage(_OWN_STAGE, FOREIGN), {"AUTH-3": {403, 404}}),
    ("a service with a broken JWT", ReadService(_OWN_SERVICE, BAD_JWT), {"AUTH-2": {401}}),
    ("an unknown environment", ReadList(uid("X")), {"ERR-2": {404, 403}}),
    ("a foreign environment", ReadList(FOREIGN_ENVIRONMENT), {"AUTH-3": {403, 404}}),
    ("an unknown stage read", ReadStage(uid("X")), {"ERR-2": {404}}),
    ("a malformed service read", ReadService(MALFORMED), {"ERR-3": {400}}),
    # Several reasons at once: a target may check in any order, and any of them will do.
    (
        "no credential, unknown stage, malformed service, malformed body",
        Attach(uid("X"), MALFORMED, Form.MALFORMED, NOBODY),
        {"AUTH-1": {401}, "ERR-2": {404}, "ERR-3": {400}, "ERR-5": {422}},
    ),
    (
        "another organization, malformed body",
        Attach(_OWN_STAGE, _OWN_SERVICE, Form.MALFORMED, FOREIGN),
        {"AUTH-3": {404}, "ERR-5": {400}},
    ),
    (
        "across environments, wrong type",
        Attach(uid("second-stage"), _OWN_SERVICE, Form.WRONG_TYPE),
        {"AUTH-4": {404}, "ERR-4": {422}},
    ),
)


@pytest.mark.parametrize(("name", "request_", "tolerated"), _ATTACH, ids=[name for name, _, _ in _ATTACH])
def test_refusals_and_their_combinations(name: str, request_: Request, tolerated: dict[str, set[int]]) -> None:
    before = world_of()
    outcomes = step(before, request_)
    refusals = [outcome.answer for outcome in outcomes]
    assert all(outcome.world is before for outcome in outcomes), "STATE-6: nothing changes"
    assert {refusal.requirement for refusal in refusals if isinstance(refusal, Refused)} == set(tolerated)
    for refusal in refusals:
        assert isinstance(refusal, Refused)
        assert refusal.requirement is not None
        assert all(refusal.allows(status) for status in tolerated[refusal.requirement])
        assert refusal.allows(refusal.preferred)
        assert not any(refusal.allows(status) for status in (200, 204, 301, 500))


@pytest.mark.parametrize(
    ("request_", "shown"),
    [
        (ReadList(ENVIRONMENT), Accepted(environment=ENVIRONMENT)),
        (ReadList(SECOND_ENVIRONMENT), Accepted(environment=SECOND_ENVIRONMENT)),
        (ReadList(FOREIGN_ENVIRONMENT, FOREIGN), Accepted(environment=FOREIGN_ENVIRONMENT)),
        (ReadStage(uid("C")), Accepted(stage=uid("C"))),
        (ReadService(uid("three")), Accepted(stage=uid("B"))),
    ],
)
def test_reads_show_the_world_and_leave_it(request_: Request, shown: Accepted) -> None:
    before = world_of()
    assert step(before, request_) == (Outcome(before, shown),)


_EVERY: list[Request] = [
    *(
        Attach(uid(stage), uid(service), form, caller, other_media)
        for stage in ("A", "B", "X", "malformed", "second-stage", "foreign-stage")
        for service in ("one", "three", "ghost", "malformed", "second-service", "foreign-service")
        for form in Form
        for caller in (OWN, FOREIGN, NOBODY, BAD_JWT)
        for other_media in (False, True)
    ),
    *(OtherMethod(method, uid("A"), uid("one"), caller) for method in ("POST", "GET") for caller in (OWN, NOBODY)),
]


@pytest.mark.parametrize("reading", [*Reading, None])
def test_step_is_pure_total_and_never_empty(reading: Reading | None) -> None:
    """The mappings of the world are read-only here: a change in place would raise; and the same question again…"""
    before = world_of(reading=reading)
    kept = copy.deepcopy(
        {key: dict(getattr(before, key)) for key in ("organizations", "stages", "services", "placements")}
    )
    for request in _EVERY:
        outcomes = step(before, request)
        assert outcomes
        assert outcomes == step(before, request), "… gets the same answer"
        for outcome in outcomes:
            services = list(outcome.world.placements)
            assert sorted(services) == sorted(before.placements), "STATE-1, STATE-2: nothing appears or vanishes"
    assert {key: dict(getattr(before, key)) for key in kept} == kept


def test_what_is_shown_first_is_the_plainest() -> None:
    """The mock takes the first outcome: a move for a null flag, a refusal for another content type."""
    before = world_of(reading=Reading.REFUSE)
    first = step(before, Attach(uid("B"), uid("one"), Form.NULL))[0]
    assert first.world.placements[uid("one")] == Placement(uid("B"), skipped=False)
