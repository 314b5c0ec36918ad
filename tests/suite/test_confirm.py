"""What was found is seen again, and shortened, before it is held against a target; what only looks wrong is not."""

from __future__ import annotations

import pytest

from stagecheck import witness
from stagecheck.audit import DEFECTS
from stagecheck.audit.target import embedded_run
from stagecheck.launch import exit_code
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import World
from stagecheck.outcome import Breach, Grade, Level, Replays, RunResult, Verdict, Violation
from stagecheck.suite.grading import grade_of
from stagecheck.suite.plan import ProfileName
from stagecheck.target import client
from stagecheck.target.client import Limits
from suite.rig import Rig, by_id, named, rig

pytestmark = pytest.mark.long

PLENTY = Limits(requests=1200)


class Keeps(Mock):
    """A skipped service that is moved stays skipped (MOVE-4), whenever `wrong` says so."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.moves = 0

    def commit(self, request: Attach, world: World) -> None:
        was, now = self.world.placements[request.service], world.placements[request.service]
        if was.skipped and was.stage != now.stage and not now.skipped:
            self.moves += 1
            if self.wrong():
                world = world.placed(request.service, now.stage, skipped=True)
        super().commit(request, world)

    def wrong(self) -> bool:
        return True


class EverySecond(Keeps):
    def wrong(self) -> bool:
        return self.moves % 2 == 0


class Once(Keeps):
    def wrong(self) -> bool:
        return self.moves == 3


class Twice(Keeps):
    def wrong(self) -> bool:
        return self.moves in (3, 4)


def found(mock: Mock, limits: Limits | None = PLENTY) -> tuple[Rig, RunResult]:
    made = rig(mock)
    made.limits = limits
    result = made.run()
    assert made.moved() == {}
    return made, result


# ---------------------------------------------------------------------- how often it is seen again


def test_a_steady_defect_is_always_seen_again() -> None:
    _, result = found(Keeps(embedded()))
    assert named(result) == {"MOVE-4"}
    assert {str(violation.replays) for violation in result.violations} == {"always"}
    for violation in result.violations:
        told = [step.request.body or b"" for step in violation.steps[: violation.wrong + 1]]
        assert len(told) <= 3, "it is placed, skipped, and then moved"
        assert b"true" in b"".join(told[:-1])
        assert b"true" not in told[-1]
        assert violation.witness is not None
        assert witness.against(violation.witness, violation.steps[: violation.wrong + 1]) is not None


def test_what_happens_every_second_time_is_sometimes_or_always_in_a_longer_story() -> None:
    _, result = found(EverySecond(embedded()))
    assert named(result) == {"MOVE-4"}
    for violation in result.violations:
        replays = violation.replays
        assert replays is not None
        assert replays.again > 0
        assert str(replays).startswith("sometimes (") or len(violation.steps) > 2
    assert exit_code(result, strict=False) == 1


def test_what_happened_once_is_no_ground_for_a_verdict() -> None:
    _, result = found(Once(embedded()))
    (violation,) = result.violations
    assert (str(violation.replays), violation.seen, violation.doubtful) == ("once", 1, True)
    graded = by_id(result)["MOVE-4"]
    assert graded.grade is Grade.INCONCLUSIVE
    assert graded.reason is not None
    assert graded.reason.startswith(f"seen once, at request {violation.at_request}, and not when it was tried ")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert exit_code(result, strict=False) == 3


def test_what_the_run_itself_saw_twice_is_not_doubted() -> None:
    _, result = found(Twice(embedded()))
    (violation,) = result.violations
    assert (str(violation.replays), violation.doubtful) == ("once", False)
    assert violation.seen == 2
    assert by_id(result)["MOVE-4"].grade is Grade.FAIL


def test_without_requests_left_nothing_is_said_of_replays() -> None:
    _, result = found(Once(embedded()), limits=None)
    (violation,) = result.violations
    assert (violation.replays, violation.doubtful) == (None, False)
    assert result.verdict is Verdict.NON_CONFORMING


_CERTAIN = [
    (witness.status(200), "MOVE-1", 1, Replays(0, 5), True),
    (witness.places("x", []), "MOVE-1", 1, Replays(0, 5), True),
    (None, "MOVE-1", 1, Replays(0, 5), True),
    (witness.status(200), "MOVE-1", 2, Replays(0, 5), False),
    (witness.status(200), "MOVE-1", 1, Replays(1, 5), False),
    (witness.status(200), "MOVE-1", 1, None, False),
    (witness.stage_keeps("x", "name"), "STATE-3", 1, Replays(0, 5), False),
    (witness.same_set("stages"), "STATE-3", 1, Replays(0, 5), False),
    (witness.stage("x", 1), "STATE-3", 1, Replays(0, 5), False),
    (witness.SAME_PLACES, "STATE-6", 1, Replays(0, 5), False),
    (witness.places("x", []), "RACE-1", 1, Replays(0, 5), False),
]


@pytest.mark.parametrize(("shows", "requirement", "seen", "replays", "doubtful"), _CERTAIN)
def test_what_is_doubtful(
    shows: witness.Witness | None, requirement: str, seen: int, replays: Replays | None, doubtful: bool
) -> None:
    breach = Breach(requirement, "cause", "It broke", "this", "that", Level.MUST)
    violation = Violation(breach, 9, (), seen, witness=shows, replays=replays)
    assert violation.doubtful is doubtful
    assert grade_of([violation])[0] is (Grade.INCONCLUSIVE if doubtful else Grade.FAIL)
    certain = Violation(breach, 9, (), 2)
    assert grade_of([violation, certain])[0] is Grade.FAIL


@pytest.mark.parametrize(
    ("replays", "said"), [(Replays(0, 4), "once"), (Replays(4, 4), "always"), (Replays(1, 4), "sometimes (1 of 4)")]
)
def test_how_often_in_words(replays: Replays, said: str) -> None:
    assert str(replays) == said


# ---------------------------------------------------------------------- the shortest story


class AfterASkipElsewhere(Mock):
    """Once another service was skipped, the next move of a service leaves it skipped: A, then B."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.skipped_last = ""

    def commit(self, request: Attach, world: World) -> None:
        was, now = self.world.placements[request.service], world.placements[request.service]
        if was.stage != now.stage and self.skipped_last not in ("", request.service) and request.form.moves:
            world = world.placed(request.service, now.stage, skipped=True)
        if request.form is Form.TRUE:
            self.skipped_last = request.service
        elif was.stage != now.stage:
            self.skipped_last = ""
        super().commit(request, world)


def test_only_what_is_needed_is_left() -> None:
    _, result = found(AfterASkipElsewhere(embedded()), Limits(requests=3000))
    always = [violation for violation in result.violations if str(violation.replays) == "always"]
    assert always
    shortest = min(always, key=lambda violation: violation.wrong)
    told = shortest.steps[: shortest.wrong + 1]
    services = {step.request.path.rsplit("/", 1)[-1] for step in told}
    assert len(services) == 2, "somebody else is skipped, and then somebody is moved"
    assert len(told) - shortest.set_up <= 2
    assert len(told) <= 6


@pytest.mark.parametrize("name", ["reading-depends-on-direction", "reading-depends-on-the-flag"])
def test_the_story_of_two_readings_holds_both(name: str) -> None:
    _, result = found(DEFECTS[name].mock(embedded()), Limits(requests=3000))
    both = [violation for violation in result.violations if violation.breach.requirement == "SKIP-2"]
    assert any(str(violation.replays) == "always" for violation in both)
    for violation in both:
        told = violation.steps[violation.set_up : violation.wrong + 1]
        if str(violation.replays) == "always":
            assert sum(b"true" in (step.request.body or b"") for step in told) >= 2


# ---------------------------------------------------------------------- what only looks wrong


class After(Mock):
    """Answers with one status from a request on."""

    status, first = 0, 60

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.answered = 0

    def handle(self, call: Call) -> Answer:
        self.answered += 1
        return super().handle(call) if self.answered < self.first else Answer(self.status, {"message": "no"})


class Ends(After):
    status = 401


class Gateway(After):
    status = 503


@pytest.mark.parametrize("first", [20, 59, 60, 61, 75, 90, 100, 110, 120])
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(("make", "said"), [(Ends, "it has ended, or was revoked"), (Gateway, "is a gateway down?")])
def test_what_ends_in_mid_run_is_not_held_against_the_target(
    make: type[After], said: str, quick: bool, first: int
) -> None:
    mock = make(embedded())
    mock.first = first
    made = rig(mock, quick=quick)
    result = made.run()
    assert result.violations == ()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert exit_code(result, strict=False) == 3
    assert any(said in note for note in result.notes)
    assert all(service in " ".join(result.notes) for service in made.moved())


class Sessions(Mock):
    """Lets in whoever comes with the cookie of a session."""

    def handle(self, call: Call) -> Answer:
        token = next(iter(self.scenario.tokens))
        if "session=1" in call.headers.get("cookie", ""):
            call = Call(call.method, call.segments, {**call.headers, "authorization": f"Token {token}"}, call.body)
        answer = super().handle(call)
        if answer.status == 200:
            answer.headers["set-cookie"] = "session=1; Path=/"
        return answer


class Long(Mock):
    """Every seventh answer is longer than anybody reads, and no JSON."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.answered = 0

    def handle(self, call: Call) -> Answer:
        answer = super().handle(call)
        self.answered += 1
        return Answer(answer.status, raw=b"x" * 100_001) if self.answered % 7 == 0 else answer


@pytest.mark.parametrize("quick", [True, False])
def test_session_cookies_are_not_used(quick: bool) -> None:
    made = rig(Sessions(embedded()), quick=quick)
    result = made.run()
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert made.moved() == {}


def test_an_answer_that_is_too_long_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client._MAX_ANSWER == 32 * 1024 * 1024
    monkeypatch.setattr(client, "_MAX_ANSWER", 100_000)
    made, result = found(Long(embedded()), None)
    assert result.violations == ()
    # Requests that are on their way at once are answered in another order than they are counted in.
    alone = [exchange for exchange in made.exchanges if exchange.phase != "races"]
    (failure,) = {exchange.failure for exchange in alone if exchange.number % 7 == 0}
    assert "which is not judged" in str(failure)


class FirstMoveOnly(Keeps):
    def wrong(self) -> bool:
        return self.moves == 1


def test_what_shows_on_a_fresh_target_alone_is_seen_again_where_there_is_one() -> None:
    _, worn = found(FirstMoveOnly(embedded()))
    assert {str(violation.replays) for violation in worn.violations} == {"once"}
    fresh = embedded_run(FirstMoveOnly, profile=ProfileName.QUICK)
    assert {str(violation.replays) for violation in fresh.violations} == {"always"}
