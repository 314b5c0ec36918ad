"""The way home: each service once to its stage and, if it was skipped, once more to be skipped there."""

from __future__ import annotations

from itertools import product

import pytest

from kit.small import ENVIRONMENT, START, as_sets, places, uid, world_of
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import Placement, Reading
from stagecheck.model.step import Accepted, step
from stagecheck.target.journal import ROUTES, Flag, Journal, PutBack

A, B, C = uid("A"), uid("B"), uid("C")
ONE, TWO, THREE = uid("one"), uid("two"), uid("three")
HOMES = {ONE: Placement(A, skipped=False), TWO: Placement(A, skipped=True), THREE: Placement(B, skipped=False)}
ALL = frozenset(HOMES)


def journal() -> Journal:
    made = Journal()
    made.note(HOMES)
    return made


def test_what_is_home_needs_nothing() -> None:
    assert list(journal().way_home(HOMES, ALL)) == []
    assert journal().astray(HOMES, ALL) == {}


def test_moved_first_and_skipped_after() -> None:
    now = {ONE: Placement(B, skipped=True), TWO: Placement(C, skipped=True), THREE: Placement(B, skipped=True)}
    assert list(journal().way_home(now, ALL)) == [
        PutBack(ONE, A, Flag.FALSE),
        PutBack(TWO, A, Flag.FALSE),
        PutBack(TWO, A, Flag.TRUE),
        PutBack(THREE, B, Flag.FALSE),
    ]


def test_a_service_that_is_nowhere_to_be_seen_is_put_back_all_the_same() -> None:
    assert list(journal().way_home({}, frozenset({ONE}))) == [PutBack(ONE, A, Flag.FALSE)]


def test_the_first_placement_is_home() -> None:
    made = journal()
    made.note({ONE: Placement(C, skipped=True), uid("four"): Placement(C, skipped=False)})
    assert made.homes[ONE] == HOMES[ONE]
    assert made.homes[uid("four")] == Placement(C, skipped=False)


def test_what_may_not_be_written_to_is_told_and_not_touched() -> None:
    now = {**HOMES, THREE: Placement(C, skipped=False), ONE: Placement(C, skipped=False)}
    writable = frozenset({ONE, TWO})
    assert list(journal().way_home(now, writable)) == [PutBack(ONE, A, Flag.FALSE)]
    assert journal().astray(now, writable) == {THREE: HOMES[THREE]}
    assert journal().astray({}, writable) == {}, "what is not seen is not said to be elsewhere"


def test_another_way_goes_through_another_stage() -> None:
    now = {**HOMES, TWO: Placement(B, skipped=False)}
    steps = list(journal().way_home(now, ALL, stages=(A, C), route=3))
    assert steps == [PutBack(TWO, C, Flag.FALSE), PutBack(TWO, A, Flag.FALSE), PutBack(TWO, A, Flag.TRUE)]


@pytest.mark.parametrize("route", range(len(ROUTES)))
@pytest.mark.parametrize("reading", Reading)
def test_every_way_home_leads_home_under_every_reading(reading: Reading, route: int) -> None:
    """From every stage and flag: the steps are right whatever flag true to another stage means."""
    made = Journal()
    made.note(
        {key: place for key, place in world_of().placements.items() if world_of().environment_of(key) == ENVIRONMENT}
    )
    for stage, skipped in product((A, B, C), (False, True)):
        world = world_of(reading=reading)
        for service in (ONE, TWO, THREE):
            world = world.placed(service, stage, skipped=skipped)
        for back in list(made.way_home(world.placements, ALL, (A, B, C), route)):
            form = {Flag.TRUE: Form.TRUE, Flag.FALSE: Form.FALSE, Flag.ABSENT: Form.ABSENT}[back.flag]
            (outcome,) = step(world, Attach(back.stage, back.service, form))
            assert isinstance(outcome.answer, Accepted)
            world = outcome.world
        assert places(world) == as_sets(START)
