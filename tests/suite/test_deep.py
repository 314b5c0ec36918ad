"""The deep tour against targets: defects that need a memory are found to the depth it walks, and it says how far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import httpx
import pytest

from kit.thinned import EVERYTHING
from stagecheck.audit.defects.wrong import Misplaces
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import EMBEDDED_URL, embedded_credentials, embedded_plan
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded, scenario
from stagecheck.model.requests import Attach, Form, ReadList, Request
from stagecheck.model.state import Placement, Reading
from stagecheck.model.step import Outcome, Refused
from stagecheck.operations import OperationKey
from stagecheck.outcome import Coverage, Verdict, WalkCoverage
from stagecheck.suite.deep import tour
from stagecheck.suite.deep.account import Account
from stagecheck.suite.deep.space import Space
from stagecheck.suite.deep.tour import DeepTour
from stagecheck.suite.discover import Ground, discover
from stagecheck.suite.findings import Findings
from stagecheck.suite.plan import PROFILES, Extent, ProfileName
from stagecheck.suite.sent import Judged
from stagecheck.suite.session import Session
from stagecheck.target.client import Client, Limits
from stagecheck.wire import bodies
from suite.rig import DOCUMENT, QUICK, Offering, rig

pytestmark = pytest.mark.long

PLENTY = 10**6


def small(stages: int, services: int, reading: Reading = Reading.MOVE_AND_SKIP) -> Scenario:
    """So many stages and services, all of them in the first stage."""
    members = tuple((f"service {n}", "APPLICATION", False) for n in range(services))
    layout = {f"STAGE {n}": members if n == 0 else () for n in range(stages)}
    return scenario({"main": layout, "second": {"SECOND": ()}, "foreign": {"FOREIGN": ()}}, reading)


@dataclass
class Straight(Client):
    """A client that asks a mock without any HTTP in between: walks are long."""

    mock: Mock | None = None

    def send(self, request: HttpRequest) -> Exchange:
        assert self.mock is not None
        self.spend()
        headers = {name.lower(): value for name, value in request.headers}
        headers["authorization"] = request.credential.header or ""
        segments = tuple(request.path.strip("/").split("/"))
        answer = self.mock.handle(Call(request.method, segments, headers, request.body or b""))
        sent = Exchange(
            self.sent, self.phase, request, answer.status, answer.all_headers(), answer.content(), 0.0, 0.0, None
        )
        for listener in self.listen:
            listener(sent)
        return sent


@dataclass
class Walked:
    """One deep tour of a mock, and nothing else."""

    mock: Mock
    extents: tuple[Extent, ...]
    requests: int = PLENTY
    judged: list[Judged] = field(default_factory=list)

    def __post_init__(self) -> None:
        limits = Limits(requests=PLENTY, seconds=float("inf"))
        self.client = Straight(EMBEDDED_URL, httpx.Client(), limits, mock=self.mock)
        profile = replace(QUICK, walks=self.extents)
        plan = embedded_plan(self.mock.scenario, profile)
        self.session = Session(self.client, DOCUMENT, embedded_credentials(), Findings(CATALOGUE))
        self.ground: Ground = discover(self.session, plan)
        self.session.listen.append(self.judged.append)
        self.deep = DeepTour(self.session, self.ground, profile)
        self.beyond: Account | None = None

    def go(self) -> Walked:
        self.deep.go(self.requests, self.requests)
        return self

    @property
    def covered(self) -> Coverage:
        return self.deep.covered()

    @property
    def violations(self) -> list[str]:
        return [violation.breach.requirement for violation in self.session.findings.violations]


def walked(mock: Mock, *extents: Extent, requests: int = PLENTY) -> Walked:
    return Walked(mock, extents, requests).go()


# ---------------------------------------------------------------------- defects with a memory


@dataclass(frozen=True)
class Memory:
    """A sequence upon which something goes wrong: where all services were before it, and what was sent then."""

    before: tuple[tuple[str, Placement], ...]
    requests: tuple[Attach, ...]


class Remembers(Misplaces):
    """The last request of a sequence turns the flag over, if all of the sequence came right before it."""

    def __init__(self, scenario: Scenario, memories: Iterable[Memory]) -> None:
        super().__init__(scenario)
        self.memories = tuple(memories)
        self.trail: list[tuple[dict[str, Placement], Attach]] = []

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        self.trail.append((dict(self.world.placements), request))
        for memory in self.memories:
            recent = self.trail[-len(memory.requests) :]
            before = all(recent[0][0][service] == placement for service, placement in memory.before)
            if before and tuple(asked for _, asked in recent) == memory.requests:
                return replace(right, skipped=not right.skipped)
        return right


def missed(made: Scenario, extent: Extent) -> tuple[Memory, ...]:
    """Three sequences of the full depth which the walk that is one step shorter does not happen to send."""
    shorter = Walked(Mock(made), (replace(extent, depth=extent.depth - 1),))
    space = Space(extent.depth, shorter.ground.stages[: extent.stages], shorter.ground.services[: extent.services])
    account = Account(shorter.session, [space])
    shorter.go()
    tried = account.coverages[0].tried
    open_ = [window for window in range(space.first[-2], space.first[-1]) if not tried[window]]
    assert len(open_) > space.total(extent.depth) // 3
    return tuple(memory_of(space, open_[len(open_) * share // 7]) for share in (1, 3, 6))


def memory_of(space: Space, window: int) -> Memory:
    requests: list[Attach] = []
    while window >= space.states:
        window, transition = divmod(window - space.states, space.transitions)
        service, stage, body = space.request(transition)
        requests.insert(0, Attach(stage, service, body.form))
    placements: list[tuple[str, Placement]] = []
    for service in reversed(space.services):
        window, place = divmod(window, 2 * len(space.stages))
        placements.append((service, Placement(space.stages[place // 2], skipped=bool(place % 2))))
    return Memory(tuple(placements), tuple(requests))


def found(done: Walked) -> int:
    """How many answers were seen to be wrong."""
    return sum(bool(judged.judgement.mismatches) for judged in done.judged)


@pytest.mark.parametrize("extent", [Extent(2, 3, 1), Extent(3, 2, 1), Extent(2, 2, 2)], ids=str)
def test_a_defect_of_the_last_k_requests_is_found_by_the_walk_of_depth_k(extent: Extent) -> None:
    made = small(extent.stages, extent.services)
    shorter = replace(extent, depth=extent.depth - 1)
    for memory in missed(made, extent):
        done = walked(Remembers(made, [memory]), extent)
        assert done.violations
        assert done.covered.main.complete
        too_short = walked(Remembers(made, [memory]), shorter)
        assert too_short.violations == []
        assert too_short.covered.main.complete
        assert too_short.covered.main.depth == extent.depth - 1


@pytest.mark.skipif(not EVERYTHING, reason="half a minute: with EVERYTHING=1")
def test_three_defects_of_the_last_four_requests_do_not_hide_one_another() -> None:
    extent = Extent(4, stages=2, services=1)
    made = small(2, 1)
    memories = missed(made, extent)
    done = walked(Remembers(made, memories), extent)
    assert found(done) >= len(set(memories)) == 3
    assert done.covered.main.complete
    strayed = done.deep.walks[0].coverage.strayed
    space = done.deep.walks[0].coverage.space
    assert {memory_of(space, window) for window in strayed if window >= space.first[4]} >= set(memories)
    too_short = walked(Remembers(made, memories), replace(extent, depth=3))
    assert too_short.violations == []
    assert too_short.covered.main.complete


# ---------------------------------------------------------------------- all readings, and what is seen alone


@pytest.mark.parametrize("reading", Reading)
@pytest.mark.parametrize("offers", [tuple(OperationKey), ()], ids=["all", "put alone"])
def test_every_reading_is_walked_completely(reading: Reading, offers: tuple[OperationKey, ...]) -> None:
    done = walked(Offering(small(3, 2, reading), offers), Extent(2, 2, 1), Extent(1, 2, 2))
    assert done.violations == []
    assert [entry.stopped for entry in done.covered.walks] == [None, None, None]
    assert all(entry.complete for entry in done.covered.walks)
    assert done.covered.main.depth == 2
    sent = [judged for judged in done.judged if judged.exchange.number > done.judged[0].exchange.number]
    assert all(isinstance(judged.request, Attach) for judged in sent)


@pytest.mark.parametrize(
    ("stages", "services", "walks"),
    [
        (1, 1, [(1, 1, 1), (2, 1, 1)]),
        (2, 1, [(1, 2, 1), (2, 2, 1)]),
        (2, 2, [(1, 2, 1), (2, 2, 1), (1, 2, 2)]),
    ],
)
def test_with_fewer_things_it_walks_what_there_is(
    stages: int, services: int, walks: list[tuple[int, int, int]]
) -> None:
    done = walked(Mock(small(stages, services)), Extent(2, 3, 1), Extent(1, 3, 2))
    assert [(entry.depth, entry.stages, entry.services) for entry in done.covered.walks] == walks
    assert all(entry.complete for entry in done.covered.walks)


def test_a_service_that_stands_beyond_the_stages_is_brought_in() -> None:
    made = small(3, 1)
    done = Walked(Mock(made), (Extent(1, 2, 1),))
    done.session.attach(done.ground.services[0], done.ground.stages[2])
    assert done.go().covered.main.complete


# ---------------------------------------------------------------------- how far it came


@pytest.mark.parametrize("requests", [0, 1, 40, 90, 500])
def test_a_budget_is_kept_and_what_it_bought_is_told(requests: int) -> None:
    done = walked(Mock(small(3, 1)), Extent(2, 3, 1), requests=requests)
    single, double = done.covered.walks
    assert single.requests + double.requests == requests
    assert single.complete == (requests >= 90)
    assert single.stopped == (None if single.complete else tour.NO_REQUESTS)
    assert double.stopped == tour.NO_REQUESTS
    in_a_row = [_said(judged) for judged in done.judged[len(done.judged) - requests :]]
    pairs = {(*one, *other[1:]) for one, other in pairwise(in_a_row)}
    assert double.covered == len(pairs)


def _said(judged: Judged) -> tuple[Placement, str, Form]:
    assert isinstance(judged.request, Attach)
    return judged.before[0].placements[judged.request.service], judged.request.stage, judged.request.form


class Refuses(Mock):
    """Refuses every PUT after the first one."""

    count = 0

    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        self.count += isinstance(request, Attach)
        refused = isinstance(request, Attach) and self.count > 1
        return Outcome(self.world, Refused((), None, 409)) if refused else right


class Fails(Mock):
    """Answers every PUT after the first one with 500."""

    count = 0

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        self.count += call.method == "PUT"
        return super().answer(call, request, outcome) if self.count < 2 else Answer(500)


class Chance(Misplaces):
    """Puts every service anywhere."""

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        stages = self.sisters(right.stage)
        turn = len(self.past) * 7 % 11
        return Placement(stages[turn % len(stages)], skipped=turn % 2 == 0)


@pytest.mark.parametrize("kind", [Refuses, Fails, Chance])
def test_where_nothing_makes_sense_it_gives_up(kind: Callable[[Scenario], Mock]) -> None:
    done = walked(kind(small(3, 1)), Extent(3, 3, 1))
    assert done.violations
    assert not done.covered.main.complete
    assert {entry.stopped for entry in done.covered.walks if not entry.complete} <= {
        tour.NOTHING_NEW,
        tour.OUT_OF_REACH,
    }
    assert done.client.sent < 1500


class Speechless(Mock):
    """Does not say which services a stage holds when it answers a PUT."""

    def accepted(self, request: Request, answer: object) -> Answer:
        made = super().accepted(request, answer)  # type: ignore[arg-type]  # passed on
        if isinstance(request, Attach):
            for stage in made.payload["results"]:
                del stage["services"]
        return made


def test_where_every_answer_needs_a_read_no_sequence_is_claimed() -> None:
    done = walked(Speechless(small(3, 1)), Extent(2, 3, 1))
    single, double = done.covered.walks
    assert done.violations == []
    assert single.complete
    assert (double.covered, double.stopped) == (0, tour.NOTHING_NEW)


def test_only_what_is_sent_like_a_transition_counts() -> None:
    done = Walked(Mock(small(2, 2)), (Extent(2, 2, 1),))
    service, other = done.ground.services
    here, there = done.ground.stages

    def pairs() -> int:
        return done.covered.main.covered

    def put(subject: str = service, body: bodies.Body = bodies.NO_BODY, respell: tuple[str, ...] = ()) -> object:
        return done.session.attach(subject, there, body, respell=respell)

    own = done.session.credentials.own
    read = done.session.spell.read(ReadList(done.session.oracle.environment), own)
    in_between: tuple[Callable[[], object], ...] = (
        lambda: put(body=bodies.EMPTY_JSON),
        lambda: put(body=bodies.FALSE_EXTRA),
        lambda: put(other),
        lambda: put(respell=("stage",)),
        lambda: done.session.attach(service, "no-uuid"),
        lambda: done.session.look(service),
        lambda: done.client.send(read),
    )
    for between in (None, *in_between):
        done.session.attach(service, here, bodies.TRUE)
        if between is not None:
            between()
        put(body=bodies.FALSE)
        assert pairs() == 1
        done.session.look(service)


# ---------------------------------------------------------------------- in a whole run


def test_a_nightly_run_tries_every_pair_and_says_so() -> None:
    result = rig(quick=False).run()
    assert result.verdict is Verdict.CONFORMING
    assert result.coverage is not None
    assert result.coverage.forms == ("no body", "{}", "is_skipped false", "is_skipped true")
    main = result.coverage.main
    assert (main.depth, main.stages, main.services, main.covered, main.total) == (2, 3, 1, 864, 864)
    assert [(w.depth, w.services) for w in result.coverage.walks] == [(1, 1), (2, 1), (1, 2)]
    assert result.phases["deep"] > main.requests > 1000
    assert result.phases["machine"] > 200


def test_so_it_does_under_the_reading_that_takes_the_most_requests() -> None:
    made = rig(Mock(embedded(Reading.MOVE_UNSKIPS)), quick=False)
    result = made.run()
    assert result.coverage is not None
    assert result.coverage.main.complete
    assert result.requests <= PROFILES[ProfileName.NIGHTLY].requests
    assert made.moved() == {}


def test_a_quick_run_walks_nowhere_and_tells_what_it_happened_to_send() -> None:
    result = rig().run()
    assert result.coverage is not None
    (only,) = result.coverage.walks
    assert only == WalkCoverage(1, 3, 1, only.covered, 72, 0, tour.NOT_WALKED)
    assert 10 < only.covered < 72
    assert "deep" not in result.phases


@pytest.mark.parametrize("prefix", ["ERR-5", "AUTH-1", "SHAPE-1", "ERR-1"])
def test_where_no_such_promise_is_selected_nothing_is_said(prefix: str) -> None:
    assert rig(selected=[prefix]).run().coverage is None


def test_a_run_that_is_cut_short_says_that_it_did_not_come_to_it() -> None:
    made = rig(quick=False)
    made.limits = Limits(requests=60)
    result = made.run()
    assert result.coverage is not None
    assert {walk.stopped for walk in result.coverage.walks} == {tour.NOT_BEGUN}
