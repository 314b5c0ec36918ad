"""Every golden trace, against everything that knows the contract: the model, the mock, and the suite's judgement.

The traces were derived by hand from the contract: they are what stands outside of the circle of mock and oracle.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from golden.harness import URL, Judged, Step, Trace, in_order, scenario, shown_by, traces, wanted_by
from kit.small import ENVIRONMENT, uid, world_of
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import EMBEDDED_URL, embedded_client
from stagecheck.mock.app import Mock
from stagecheck.model.management import outcomes as permitted
from stagecheck.model.management import ranking
from stagecheck.model.requests import OWN, CreateStage
from stagecheck.model.state import World
from stagecheck.model.step import Accepted, Outcome, Refused, step
from stagecheck.target.client import Client, Limits

CONFORMING, VIOLATING = traces("conforming"), traces("violating")
_FEWEST = 60
"""Traces of each kind at least: a folder that is not found must not look like success."""


def _ids(trace: Trace) -> str:
    return trace.id


def test_traces_are_there_and_name_requirements_of_the_contract() -> None:
    assert len(CONFORMING) > _FEWEST
    assert len(VIOLATING) > _FEWEST
    names = [trace.id for trace in (*CONFORMING, *VIOLATING)]
    assert len(set(names)) == len(names)
    for trace in VIOLATING:
        assert trace.tolerated <= set(CATALOGUE), trace.id
    assert URL.endswith(".invalid")


# ---------------------------------------------------------------------- conforming


def _matches(outcome: Outcome, taken: Step) -> bool:
    """Whether an outcome is what the trace's target did."""
    answer = outcome.answer
    if isinstance(answer, Refused):
        return answer.allows(taken.status)
    if taken.deed == "delete":
        return taken.status == 204
    if taken.status != 200 or taken.shows is None or not _stands(outcome.world, taken):
        return False
    lost = outcome.world.adrift
    wanted = {stage: [one for one in held if one[0] not in lost] for stage, held in wanted_by(taken.shows).items()}
    return _shown(outcome.world, answer) == wanted


def _stands(world: World, taken: Step) -> bool:
    """Whether the stages that the step shows are in the order, and called, as in that world."""
    assert taken.shows is not None
    if taken.is_read and taken.request.caller != OWN:
        return True
    shown = [uid(stage) for stage in taken.raw["standing"] if stage in taken.shows]
    known = [key for key in ranking(world, ENVIRONMENT) if key in shown]
    names = {uid(stage): now["name"] for stage, now in taken.raw["so_far"].items() if "name" in now}
    called = all(world.stages[key].name == name for key, name in names.items() if key in shown)
    return called and known == [key for key in shown if key in known]


def _shown(world: World, answer: Accepted) -> dict[str, list[tuple[str, bool]]]:
    stages = [answer.stage] if answer.stage else [s.id for s in world.stages_of(answer.environment or "")]
    return {
        stage: sorted((key, place.skipped) for key, place in world.placements.items() if place.stage == stage)
        for stage in stages
        if stage is not None
    }


@pytest.mark.parametrize("trace", CONFORMING, ids=_ids)
def test_what_a_conforming_trace_shows_is_an_outcome_of_step(trace: Trace) -> None:
    worlds = [world_of(trace.start, trace.reading)]
    for position, taken in enumerate(trace.steps):
        outcomes = [outcome for world in worlds for outcome in permitted(world, taken.request, step)]
        worlds = [outcome.world for outcome in outcomes if _matches(outcome, taken)]
        assert worlds, f"step {position + 1} of {trace.id!r} is none of {outcomes}"


@pytest.mark.parametrize("trace", CONFORMING, ids=_ids)
def test_the_suite_finds_nothing_in_a_conforming_trace(trace: Trace) -> None:
    assert Judged(trace).play() == [set() for _ in trace.steps]


@pytest.mark.parametrize("trace", CONFORMING, ids=_ids)
def test_the_suite_finds_nothing_in_a_conforming_trace_when_its_reading_is_not_known(trace: Trace) -> None:
    unpinned = Trace(trace.file, {key: value for key, value in trace.raw.items() if key != "reading"})
    assert Judged(unpinned).play() == [set() for _ in trace.steps]


def _mocked(trace: Trace) -> Iterator[bool]:
    """Play a trace to the mock; whether each step was answered as in the trace. Ends where the mock chose otherwise."""
    mock = Mock(scenario(trace))
    news = iter([step.request.new for step in trace.steps if isinstance(step.request, CreateStage)])
    mock.stage_id = lambda: next(news)  # type: ignore[method-assign,assignment,return-value]
    with embedded_client(mock) as http:
        client = Client(EMBEDDED_URL, http, Limits())
        for taken in trace.steps:
            before = mock.world
            exchange = client.send(taken.message)
            same = exchange.status == taken.status
            if same and taken.shows is not None and taken.status == 200:
                same = shown_by(exchange.body, one=taken.shows_one) == wanted_by(taken.shows)
                if not taken.shows_one:
                    # Where a new stage comes is open.
                    stood = [uid(stage) for stage in taken.raw["standing"] if stage in trace.start]
                    same = same and [key for key in in_order(exchange.body) if key in stood] == stood
            refused_both = exchange.status is not None and exchange.status >= 400 and taken.status >= 400
            if not same:
                outcomes = step(before, taken.request)
                open_status = any(
                    isinstance(o.answer, Refused)
                    and o.answer.allows(taken.status)
                    and o.answer.preferred != taken.status
                    for o in outcomes
                )
                assert len(outcomes) > 1 or open_status, f"{trace.id}: the mock answered {exchange.status}"
            yield same
            if not same and not refused_both:
                return


def test_the_mock_answers_as_the_conforming_traces_where_its_choice_is_the_same() -> None:
    played = [list(_mocked(trace)) for trace in CONFORMING]
    whole = sum(len(answered) == len(trace.steps) for answered, trace in zip(played, CONFORMING, strict=True))
    answers = [same for answered in played for same in answered]
    assert whole >= len(CONFORMING) - 6, "the mock leaves the traces too often to be checked by them"
    assert sum(answers) / len(answers) > 0.8


# ---------------------------------------------------------------------- violating


@pytest.mark.parametrize("trace", VIOLATING, ids=_ids)
def test_the_suite_names_what_the_last_step_of_a_violating_trace_breaks(trace: Trace) -> None:
    *before, last = Judged(trace).play()
    assert before == [set() for _ in before], "only the last step breaks something"
    assert last, f"nothing was found; it breaks {trace.tolerated}"
    assert last <= trace.tolerated


def test_a_violation_is_told_by_the_names_of_the_trace() -> None:
    """A sentence a person understands: which service, which stages, what is wrong."""
    trace = next(trace for trace in VIOLATING if trace.raw["name"] == "a move with no body keeps the flag")
    judged = Judged(trace)
    judged.play()
    (violation,) = judged.findings.violations
    breach = violation.breach
    assert (
        breach.message == f"Moving service {uid('one')[:8]} from stage A to stage B with no body left is_skipped true"
    )
    assert (breach.expected, breach.actual) == ("in stage B, is_skipped false", "in stage B, is_skipped true")
    assert [exchange.status for exchange in violation.steps] == [200]
