"""Walks: whatever is asked of a conforming mock breaks nothing, and one wrong thing in one answer always breaks one.

Mock and oracle share `step`; what is shown here is that the oracle neither loses the thread over a long walk nor
overlooks a difference. That both are right is shown by the golden traces.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from kit.small import ENVIRONMENT, FOREIGN_ENVIRONMENT, SECOND_ENVIRONMENT, uid, world_of
from kit.thinned import EVERYTHING
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import TOKEN, Scenario
from stagecheck.model.observation import Reply
from stagecheck.model.oracle import Judgement, Oracle
from stagecheck.model.requests import Attach, ReadList, ReadService, ReadStage, Request
from stagecheck.model.state import Placement, Reading, World
from stagecheck.model.step import Accepted, Refused, step
from stagecheck.wire import bodies
from stagecheck.wire.answers import Habits, read_answer
from stagecheck.wire.bodies import Body
from stagecheck.wire.spell import operation_of, read_path

pytestmark = pytest.mark.long

LAYOUT = {"A": ("one", "two*"), "B": ("three",), "C": (), "D": ("four*",)}
STAGES, SERVICES = ("A", "B", "C", "D"), ("one", "two", "three", "four")
_STRANGE = ("X", "malformed", "second-stage", "foreign-stage")
_BOUND = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Walker:
    """Sends requests to a mock and has every answer judged by an oracle."""

    def __init__(self, reading: Reading, *, known: bool) -> None:
        world = world_of(LAYOUT, reading)
        self.mock = Mock(Scenario(world, ENVIRONMENT, SECOND_ENVIRONMENT, FOREIGN_ENVIRONMENT))
        start = World(world.organizations, world.stages, world.services)
        self.oracle = Oracle(world_of(LAYOUT) if known else start, ENVIRONMENT)
        self.habits = Habits()
        self.refused = False

    def attach(self, service: str, stage: str, body: Body, *, upper: bool = False) -> list[str]:
        """A PUT; the requirements that its answer breaks."""
        request = Attach(uid(stage), uid(service), body.form, other_media=body.other_media)
        answer = self.answer(request, body, upper=upper)
        self.refused = answer.status >= 400
        return broken(self.judge(request, answer, (stage, service, body, upper)))

    def read(self, request: ReadList | ReadStage | ReadService) -> list[str]:
        """A read; the requirements that its answer breaks."""
        return broken(self.judge(request, self.answer(request)))

    def answer(self, request: Request, body: Body = bodies.NO_BODY, *, upper: bool = False) -> Answer:
        """What the mock answers."""
        headers = {"authorization": f"Token {TOKEN}"}
        if body.content_type is not None:
            headers["content-type"] = body.content_type
        if isinstance(request, Attach):
            ids = [request.stage, request.service]
            stage, service = [text.upper() for text in ids] if upper else ids
            segments: tuple[str, ...] = ("deploymentStage", stage, "service", service)
            return self.mock.handle(Call("PUT", segments, headers, body.content or b""))
        assert isinstance(request, ReadList | ReadStage | ReadService)
        return self.mock.handle(Call("GET", tuple(read_path(request).strip("/").split("/")), headers, b""))

    def judge(self, request: Request, answer: Answer, fingerprint: object = None) -> Judgement:
        """What the oracle says of an answer."""
        payload = json.loads(answer.content()) if answer.status == 200 else None
        shows = read_answer(operation_of(request), payload, self.habits)
        return self.oracle.judge(request, Reply(answer.status, shows), fingerprint)


def broken(judgement: Judgement) -> list[str]:
    return [mismatch.requirement for mismatch in judgement.mismatches]


_PUTS = st.tuples(
    st.sampled_from((*SERVICES, *SERVICES, "ghost", "malformed", "second-service", "foreign-service")),
    st.sampled_from((*STAGES, *STAGES, *_STRANGE)),
    st.sampled_from((*bodies.MOVES, *bodies.SKIPS, *bodies.SKIPS, *bodies.ALL)),
    st.booleans(),
)
_READS = st.one_of(
    st.just(ReadList(ENVIRONMENT)),
    st.sampled_from((*STAGES, "X")).map(lambda name: ReadStage(uid(name))),
    st.sampled_from((*SERVICES, "ghost")).map(lambda name: ReadService(uid(name))),
)
_ACTIONS = st.lists(st.one_of(_PUTS, _PUTS, _READS), min_size=1, max_size=40)


@_BOUND
@example(Reading.SKIP_IN_PLACE, False, [("one", "B", bodies.TRUE, False)], False)
@example(
    Reading.REFUSE,
    False,
    [("second-service", "second-stage", bodies.NO_BODY, False), ReadStage(uid("A")), ReadList(ENVIRONMENT)],
    False,
)
@given(st.sampled_from(Reading), st.booleans(), _ACTIONS, st.booleans())
def test_a_walk_through_a_conforming_mock_breaks_nothing(
    reading: Reading, known: bool, actions: list[Any], repeat: bool
) -> None:
    walker = Walker(reading, known=known)
    for action in actions:
        for _ in range(2 if repeat else 1):
            if isinstance(action, tuple):
                service, stage, body, upper = action
                assert walker.attach(service, stage, body, upper=upper) == []
            else:
                assert walker.read(action) == []
        assert reading in {world.reading for world in walker.oracle.worlds} or walker.oracle.reading is None
        if known:
            assert any(dict(w.placements) == dict(walker.mock.world.placements) for w in walker.oracle.worlds)


@_BOUND
@given(st.sampled_from(Reading), st.lists(st.tuples(_PUTS, st.sampled_from(("lost", "late", "done"))), max_size=14))
def test_answers_that_never_came_break_nothing(reading: Reading, actions: list[Any]) -> None:
    """A lost request was not carried out, a late one is when the next one has been answered; nobody knows which."""
    walker = Walker(reading, known=True)
    for (service, stage, body, _), fate in actions:
        request = Attach(uid(stage), uid(service), body.form, other_media=body.other_media)
        pending = sum(len(world.pending) for world in walker.oracle.worlds)
        if fate == "done" or pending > 2:
            assert walker.attach(service, stage, body) == []
        else:
            if fate == "late":
                walker.answer(request, body)
            walker.oracle.judge(request, Reply(None))
    assert walker.read(ReadList(ENVIRONMENT)) == []


# ---------------------------------------------------------------------- one wrong thing

_JUDGED = (*bodies.MOVES, *bodies.SKIPS)
_MUTATIONS = ("move", "flag", "drop", "twice", "twice here", "stranger")
_FEW_PUTS = st.lists(
    st.tuples(st.sampled_from(SERVICES), st.sampled_from(STAGES), st.sampled_from(_JUDGED)),
    max_size=12,
)


def _mutated(payload: dict[str, Any], how: str, which: int, where: int) -> None:
    """Change one service of a listing, in place."""
    stages = payload["results"]
    holders = [(stage, entry) for stage in stages for entry in stage["services"]]
    stage, entry = holders[which % len(holders)]
    others = [other for other in stages if other is not stage]
    if how == "flag":
        entry["is_skipped"] = not entry["is_skipped"]
    if how in ("move", "drop"):
        stage["services"].remove(entry)
    if how in ("move", "twice"):
        others[where % len(others)]["services"].append(copy.deepcopy(entry))
    if how == "twice here":
        stage["services"].append(copy.deepcopy(entry))
    if how == "stranger":
        stage["services"].append({**copy.deepcopy(entry), "service_id": uid("ghost")})


def _placements(payload: dict[str, Any]) -> Counter[tuple[str, Placement]]:
    return Counter(
        (entry["service_id"], Placement(stage["id"], entry["is_skipped"]))
        for stage in payload["results"]
        for entry in stage["services"]
    )


def _permitted(worlds: tuple[World, ...], request: Request, payload: dict[str, Any], *, repeated: bool) -> bool:
    """Whether some permitted outcome would have been answered like that.

    `repeated`: a true that moved and un-skipped comes again; then leaving everything as it is is right as well.
    """
    shown = _placements(payload)
    if repeated and _placements_of(worlds[0]) == shown:
        return True
    for world in worlds:
        for outcome in step(world, request):
            if isinstance(outcome.answer, Accepted) and _placements_of(outcome.world) == shown:
                return True
    return False


def _placements_of(world: World) -> Counter[tuple[str, Placement]]:
    return Counter(pair for pair in world.placements.items() if world.environment_of(pair[0]) == ENVIRONMENT)


@settings(_BOUND, max_examples=6000 if EVERYTHING else 1000)
@example(
    Reading.REFUSE,
    [("one", "C", bodies.NO_BODY), ("three", "A", bodies.TRUE)],
    None,
    "move",
    2,
    2,
)
@given(
    st.sampled_from(Reading),
    _FEW_PUTS,
    st.one_of(
        st.none(), st.tuples(*(st.sampled_from(names) for names in (SERVICES, STAGES)), st.sampled_from(_JUDGED))
    ),
    st.sampled_from(_MUTATIONS),
    st.integers(0, 7),
    st.integers(0, 7),
)
def test_one_wrong_thing_in_one_answer_breaks_a_promise(
    reading: Reading,
    puts: list[tuple[str, str, Body]],
    last: tuple[str, str, Body] | None,
    how: str,
    which: int,
    where: int,
) -> None:
    walker = Walker(reading, known=True)
    for service, stage, body in puts:
        assert walker.attach(service, stage, body) == []
    body = bodies.NO_BODY if last is None else last[2]
    request: Request = (
        ReadList(ENVIRONMENT)
        if last is None
        else Attach(uid(last[1]), uid(last[0]), body.form, other_media=body.other_media)
    )
    answer = walker.answer(request, body)
    assume(answer.status == 200)
    _mutated(answer.payload, how, which, where)
    repeated = isinstance(request, Attach) and walker.oracle._moved_by_true.get(request.service) == request.stage
    assume(not _permitted(walker.oracle.worlds, request, answer.payload, repeated=repeated))
    found = broken(walker.judge(request, answer))
    assert found
    if last is None:
        # A read that differs right after a refusal may be the refusal's doing; after anything else it cannot.
        assert set(found) <= {"STATE-1", "STATE-5", *(("STATE-6",) if walker.refused else ())}
    # The oracle believes what it saw: the very same state, read again, is no news.
    if not {"STATE-1", "STATE-5"} & set(found):
        again = Answer(200, answer.payload)
        assert broken(walker.judge(ReadList(ENVIRONMENT), again)) == []


@_BOUND
@given(st.sampled_from(Reading), _FEW_PUTS, st.sampled_from(bodies.LENIENT), st.sampled_from(STAGES), st.booleans())
def test_what_an_open_body_does_is_free_for_the_addressed_service_alone(
    reading: Reading, puts: list[tuple[str, str, Body]], body: Body, stage: str, skipped: bool
) -> None:
    """ERR-4: null and the texts are OPEN; STATE-2 is not."""
    for subject, goal in (("one", "B"), ("two", "C")):
        walker = Walker(reading, known=True)
        for each in puts:
            walker.attach(*each)
        home = walker.mock.world.placements[uid(subject)]
        walker.mock.world = walker.mock.world.placed(uid(subject), uid(stage), skipped=skipped)
        answer = Answer(200, walker.mock.listing(ENVIRONMENT))
        found = broken(walker.judge(Attach(uid(goal), uid("one"), body.form), answer))
        changed = home != Placement(uid(stage), skipped)
        assert found == (["STATE-2"] if subject != "one" and changed else [])


@_BOUND
@given(
    st.sampled_from(Reading),
    _FEW_PUTS,
    st.sampled_from(SERVICES),
    st.sampled_from(STAGES),
    st.sampled_from(bodies.MOVES),
)
def test_a_plain_move_that_is_refused_breaks_a_promise(
    reading: Reading, puts: list[tuple[str, str, Body]], service: str, stage: str, body: Body
) -> None:
    walker = Walker(reading, known=True)
    for each in puts:
        walker.attach(*each)
    request = Attach(uid(stage), uid(service), body.form)
    assert not any(isinstance(outcome.answer, Refused) for outcome in step(walker.oracle.world, request))
    assert broken(walker.judge(request, Answer(409, {"status": 409}))) != []
