"""Races: seeded ones are found and told in few requests, servers without any are clean, and which rule judges what."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from front.samples import exchange_with
from kit.races import Flaky, Slow, race_run
from kit.thinned import EVERYTHING, thinned
from stagecheck.audit.defect import DEFECTS, Defect
from stagecheck.audit.target import embedded_run
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.errors import BudgetSpent, HarnessError, Unreachable
from stagecheck.exchange import HttpRequest, Redactor
from stagecheck.linear import Operation, Outcome, check
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.mock.server import serving
from stagecheck.model.observation import Observation, Reply, SeenEntry, SeenStage
from stagecheck.model.requests import Attach, Form, ReadList, ReadService, ReadStage
from stagecheck.model.state import Placement, Reading, Service, Stage, World
from stagecheck.operations import OperationKey
from stagecheck.outcome import Grade, RunResult, Verdict
from stagecheck.report.race import timeline, write_histories
from stagecheck.report.record import problem_of, record_of
from stagecheck.report.terminal import make_console, print_record
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.suite.races.judging import Judging
from stagecheck.suite.races.quiet import Quiet
from stagecheck.suite.races.races import Races
from stagecheck.suite.races.rounds import Rounds
from stagecheck.suite.races.specification import Asked, EachService, Kind, Placements, Race, Shown
from stagecheck.suite.races.telling import Done
from stagecheck.suite.registry import RACES
from stagecheck.suite.runner import Runner
from stagecheck.target import crowd as crowd_module
from stagecheck.target.client import Client, Limits
from stagecheck.target.crowd import Crowd, Errand, Timed
from suite.rig import DOCUMENT, Offering, rig

pytestmark = pytest.mark.long

SHORT = replace(PROFILES[ProfileName.QUICK], telling_first=False)
RACING = [name for name, defect in DEFECTS.items() if defect.races]
ROUNDS = 200 if EVERYTHING else 25


# ---------------------------------------------------------------------- over HTTP, with real threads


def graded(result: RunResult) -> dict[str, Grade]:
    return {entry.id: entry.grade for entry in result.requirements if entry.id in RACES}


@pytest.mark.parametrize("name", RACING)
def test_a_seeded_race_is_found_by_its_name_and_told_in_few_requests(name: str) -> None:
    defect = DEFECTS[name]
    result = embedded_run(defect.mock, only=RACES, seed=3, enough=defect.names, over_http=True)
    mine = [violation for violation in result.violations if defect.names(violation)]
    assert mine, [violation.breach.message for violation in result.violations]
    for violation in mine:
        assert violation.race is not None
        assert 1 <= len(violation.race.operations) <= 6
        assert len(violation.race.all) >= len(violation.race.operations)
        assert violation.race.explanation == violation.breach.message


@pytest.mark.parametrize("name", thinned(RACING, every=4))
def test_whoever_asks_one_thing_after_another_never_meets_a_race(name: str) -> None:
    result = run_over_http(DEFECTS[name], concurrency=1)
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert set(graded(result).values()) == {Grade.NOT_TESTED}
    (reason,) = {entry.reason for entry in result.requirements if entry.id in RACES}
    assert reason is not None
    assert "concurrency is 1" in reason


def run_over_http(defect: Defect, concurrency: int) -> RunResult:
    world = embedded()
    plan = embedded_plan(world, PROFILES[ProfileName.QUICK])
    with serving(world, kind=defect.mock) as target, httpx.Client() as http:
        limits = Limits(requests=plan.profile.requests, concurrency=concurrency)
        return Runner(Client(target.url, http, limits), DOCUMENT, embedded_credentials(), plan).run()


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_server_without_a_race_is_clean_whatever_the_network_loses(share: float) -> None:
    network = Flaky(share, seed=5)
    result, rounds = race_run(Slow, network, rounds=ROUNDS, seed=5)
    assert [violation.breach.message for violation in result.violations] == []
    assert set(graded(result).values()) == {Grade.PASS}
    assert rounds >= ROUNDS
    assert (network.lost > 0) == (share > 0)
    assert any("were not answered: each may have taken effect" in note for note in result.notes) == (share > 0)


class _PutAlone(Offering):
    in_threads = True

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, ())


class _LosesUpdates(_PutAlone, DEFECTS["whole-document-written-back"].mock):  # type: ignore[misc]
    pass


def test_with_the_put_alone_what_was_lost_is_seen_in_the_answer_for_another_service() -> None:
    right = embedded_run(_PutAlone, only=RACES, over_http=True)
    assert right.violations == ()
    assert graded(right)["RACE-2"] is Grade.PASS
    wrong = embedded_run(_LosesUpdates, only=RACES, over_http=True)
    assert any(v.breach.requirement == "RACE-2" and v.breach.cause == "quiet:lost" for v in wrong.violations)


class _Declines(Mock):
    """Whoever comes while another one is served is told to come again."""

    in_threads = True

    def locked(self, call: Call) -> Answer:
        if not self.lock.acquire(blocking=False):
            return Answer(409, {"status": 409, "message": "busy"})
        try:
            threading.Event().wait(0.003)
            return self.handle(call)
        finally:
            self.lock.release()


def test_not_now_is_no_violation_and_is_told() -> None:
    result = embedded_run(_Declines, only=RACES, over_http=True)
    assert result.violations == ()
    assert any("were declined" in note and "with 409" in note for note in result.notes)


class _Breaks(Mock):
    in_threads = True

    def locked(self, call: Call) -> Answer:
        if not self.lock.acquire(blocking=False):
            return Answer(500, {"status": 500})
        try:
            threading.Event().wait(0.003)
            return self.handle(call)
        finally:
            self.lock.release()


def test_a_crash_under_concurrency_is_err_1_and_what_it_did_is_unknown() -> None:
    result, _ = race_run(_Breaks, Flaky(0, seed=1), rounds=6, only=(*RACES, "ERR-1"))
    crashes = [violation for violation in result.violations if violation.breach.requirement == "ERR-1"]
    assert crashes
    assert {violation.breach.cause.rsplit(":", 1)[0] for violation in crashes} == {"5xx:race"}
    assert len(crashes) == len(result.violations)


def test_what_is_wrong_alone_is_mended_before_races_are_run() -> None:
    result = embedded_run(DEFECTS["false-is-flag-only"].mock, only=(*RACES, "MOVE-1"), profile=SHORT)
    assert set(graded(result).values()) == {Grade.NOT_TESTED}
    reasons = {entry.reason or "" for entry in result.requirements if entry.id in RACES}
    assert all("one request after another is answered wrongly already" in reason for reason in reasons)


def test_everything_is_put_back_after_a_race(tmp_path: Path) -> None:
    world = embedded()
    plan = embedded_plan(world, PROFILES[ProfileName.NIGHTLY], selected=RACES)
    with serving(world, kind=DEFECTS["answer-built-after-the-lock"].mock) as target, httpx.Client() as http:
        client = Client(target.url, http, Limits(requests=plan.profile.requests))
        result = Runner(client, DOCUMENT, embedded_credentials(), plan).run()
        assert dict(target.mock.world.placements) == dict(world.world.placements)
    record = record_of(result, Redactor(()))
    assert problem_of(record) is None
    write_histories(tmp_path, record)
    races = [violation for violation in record["violations"] if violation["race"]]
    kept = sorted((tmp_path / "races").iterdir())
    assert len(kept) == len(races) > 0
    assert races[0]["curl"].endswith(" &\nwait")
    history = json.loads(kept[0].read_text(encoding="utf-8"))
    assert {"began", "reading", "operations", "requirement"} <= history.keys()
    assert all(one["path"].startswith("/") for one in history["operations"])
    write_histories(tmp_path, {**record, "violations": []})
    assert list((tmp_path / "races").iterdir()) == []
    stream = io.StringIO()
    print_record(make_console(stream, {}), record)
    printed = stream.getvalue()
    assert "from the first call to the last answer" in printed
    assert "✗" in printed


def test_a_timeline_fits_its_width_and_shows_what_was_never_answered() -> None:
    operation = {
        "client": 1,
        "words": "move a to B",
        "start_s": 1.0,
        "end_s": None,
        "status": None,
        "shows": "",
        "wrong": False,
    }
    answered = {
        **operation,
        "client": 2,
        "start_s": 1.001,
        "end_s": 1.004,
        "status": 200,
        "shows": "x" * 200,
        "wrong": True,
    }
    lines = list(timeline({"race": {"operations": [answered, operation]}}))
    assert len(lines) == 5
    assert all(len(line) <= 76 for line in lines)
    assert lines[1].startswith("├")
    assert lines[1].rstrip().endswith("client 1: move a to B")
    assert "never answered" in lines[2]
    assert "✗ → 200 xxx" in lines[4]
    assert list(timeline({"race": None})) == []


# ---------------------------------------------------------------------- the crowd


def _get(path: str) -> HttpRequest:
    return HttpRequest("GET", path, (), None, embedded_credentials().own)


def test_a_crowd_sends_at_once_counts_and_tells_in_the_order_of_beginning() -> None:
    meet = threading.Barrier(3, timeout=10)

    def answer(request: httpx.Request) -> httpx.Response:
        meet.wait()
        return httpx.Response(200, json={"path": request.url.path})

    told: list[int] = []
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = Client(
            "http://127.0.0.1", http, Limits(requests=7), listen=[lambda exchange: told.append(exchange.number)]
        )
        with Crowd(client, 3) as crowd:
            scripts = [[Errand(_get(f"/{who}/{nth}")) for nth in range(2)] for who in range(3)]
            timed = crowd.send(scripts)
            with pytest.raises(BudgetSpent):
                crowd.send(scripts)
    assert [one.exchange.number for one in timed] == told == [1, 2, 3, 4, 5, 6]
    assert client.sent == 6
    assert [one.begin_s for one in timed] == sorted(one.begin_s for one in timed)
    for one in timed:
        assert one.exchange.request.path == f"/{one.client - 1}/{one.place}"
        assert one.end_s is not None
        assert one.end_s >= one.begin_s


class _Ports(http.server.BaseHTTPRequestHandler):
    """Answers at once, and notes on which connection each request came."""

    protocol_version = "HTTP/1.1"
    came: ClassVar[list[tuple[str, int]]] = []

    def do_GET(self) -> None:
        self.came.append((self.path, self.client_address[1]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _sent_to(client: httpx.Client, scripts: list[list[Errand]], times: int) -> list[list[Timed]]:
    """What a crowd is answered by a server that notes the connections."""
    _Ports.came.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Ports) as server, client:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sending = Client(f"http://127.0.0.1:{server.server_address[1]}", client, Limits(requests=1000))
        with Crowd(sending, len(scripts)) as crowd:
            sent = [crowd.send(scripts) for _ in range(times)]
        client.close()
        server.shutdown()
    return sent


def test_each_client_of_a_crowd_has_a_connection_of_its_own_however_late_it_begins() -> None:
    scripts = [[Errand(_get(f"/{who}"), who * 0.01)] for who in range(4)]
    first, second = _sent_to(httpx.Client(), scripts, times=2)
    assert len({port for _, port in _Ports.came[4:]}) == 4
    for one in (*first, *second):
        assert one.exchange.status == 200
        assert one.end_s is not None
        assert one.begin_s < one.end_s


def test_clients_do_not_wait_for_connections_that_a_target_never_takes_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected = threading.BoundedSemaphore(1)
    waited: list[bool] = []

    class _OneByOne(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            with connected:
                answer = super().handle_request(request)
                answer.read()
                return answer

    real = crowd_module._Meeting.wait

    def wait(self: crowd_module._Meeting, seconds: float) -> bool:
        all_came = real(self, min(seconds, 0.1) if seconds < 5 else seconds)
        waited.append(all_came)
        return all_came

    monkeypatch.setattr(crowd_module._Meeting, "wait", wait)
    for sent in _sent_to(httpx.Client(transport=_OneByOne()), [[Errand(_get("/a"))]] * 3, times=3):
        assert {one.exchange.status for one in sent} == {200}
    assert waited.count(False) == 1, "once in vain is enough"


def test_a_crowd_says_when_the_target_is_gone_and_raises_a_fault_of_the_harness() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    def fault(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url.path)

    for answer, error in ((refuse, Unreachable), (fault, HarnessError)):
        with httpx.Client(transport=httpx.MockTransport(answer)) as http:
            client = Client("http://127.0.0.1", http, Limits())
            with Crowd(client, 2) as crowd, pytest.raises(error):
                crowd.send([[Errand(_get("/a"))], [Errand(_get("/b"))]])


# ---------------------------------------------------------------------- rules, without any target

ENVIRONMENT, A, B, C, ONE, TWO = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "eabc12")


def world(reading: Reading | None = Reading.MOVE_AND_SKIP) -> World:
    return World(
        organizations={ENVIRONMENT: "own"},
        stages={key: Stage(key, ENVIRONMENT, key[0].upper()) for key in (A, B, C)},
        services={key: Service(key, ENVIRONMENT) for key in (ONE, TWO)},
        placements={ONE: Placement(A, skipped=False), TWO: Placement(A, skipped=False)},
        complete=frozenset({ENVIRONMENT}),
        reading=reading,
    )


def listing(**where: str | tuple[str, ...]) -> Observation:
    """A list that shows each service (`one`, `two`) in a stage or several; `A!` is A with the flag set."""
    ids = {"one": ONE, "two": TWO}
    stages = []
    for letter, key in (("A", A), ("B", B), ("C", C)):
        entries = [
            SeenEntry(ids[name], skipped=place.endswith("!"))
            for name, places in where.items()
            for place in ([places] if isinstance(places, str) else places)
            if place[0] == letter
        ]
        stages.append(SeenStage(key, ENVIRONMENT, letter, entries=tuple(entries)))
    return Observation(tuple(stages), of_list=True)


def done(
    judging: Judging, call: Asked, seen: Observation | None, begin: float, end: float | None, *, status: int = 200
) -> Done:
    """A request of a client (its number is the time it began) and its answer."""
    exchange = replace(exchange_with(), status=status if end is not None else None, number=int(begin) + 1)
    timed = Timed(int(begin) + 1, 0, exchange, begin, end)
    return judging.done(call, timed, Reply(exchange.status, seen))


def move(service: str, stage: str) -> Attach:
    return Attach(stage, service, Form.ABSENT)


LIST = ReadList(ENVIRONMENT)


def test_a_read_that_is_behind_an_answered_move_has_no_order_and_is_told_with_it() -> None:
    judging = Judging(world(), ENVIRONMENT)
    history = [
        done(judging, move(ONE, B), listing(one="B", two="A"), 0, 1),
        done(judging, move(TWO, C), listing(one="B", two="C"), 0.5, 3),
        done(judging, LIST, listing(one="A", two="C"), 1.25, 2),
    ]
    (wrong,) = judging.orders(history)
    assert wrong.mismatch.requirement == "RACE-1"
    assert wrong.mismatch.cause == "order:read"
    assert [one.call for one in wrong.kept] == [move(ONE, B), LIST]
    assert wrong.blamed.call == LIST
    assert "250 ms after client 1's move of service 11111111 to stage B was answered" in wrong.mismatch.message
    assert "no order of these 2 requests explains it" in wrong.mismatch.message
    assert not list(judging.orders(history[:2]))


def test_requests_under_way_together_may_come_in_any_order() -> None:
    judging = Judging(world(), ENVIRONMENT)
    history = [
        done(judging, move(ONE, B), listing(one="B", two="A"), 0, 4),
        done(judging, move(ONE, C), listing(one="C", two="A"), 1, 3),
        done(judging, LIST, listing(one="C", two="A"), 3.5, 5),
    ]
    assert not list(judging.orders(history))
    assert not list(judging.snapshots(history))


def test_an_answer_that_shows_another_ones_move_instead_of_its_own_has_no_order() -> None:
    judging = Judging(world(), ENVIRONMENT)
    history = [
        done(judging, move(ONE, B), listing(one="C", two="A"), 0, 4),
        done(judging, move(ONE, C), listing(one="C", two="A"), 1, 3),
    ]
    (wrong,) = judging.orders(history)
    assert wrong.mismatch.cause == "order:answer"


def test_a_refusal_that_nothing_explains_breaks_race_1_and_not_now_does_not() -> None:
    judging = Judging(world(), ENVIRONMENT)
    for status, causes in ((404, ["order:refusal"]), (409, []), (423, []), (429, [])):
        history = [
            done(judging, move(ONE, B), listing(one="B", two="A"), 0, 4),
            done(judging, move(ONE, C), None, 1, 3, status=status),
        ]
        assert [wrong.mismatch.cause for wrong in judging.orders(history)] == causes


def test_lists_that_never_were_are_no_snapshots() -> None:
    judging = Judging(world(), ENVIRONMENT)
    writes = [
        done(judging, move(ONE, B), None, 0, 9),
        done(judging, move(TWO, C), None, 0.5, 9),
    ]
    torn = [
        done(judging, LIST, listing(one="B", two="A"), 1, 8),
        done(judging, LIST, listing(one="A", two="C"), 1.5, 8),
    ]
    assert not list(judging.orders([*writes, *torn])), "each service by itself has an order"
    (wrong,) = judging.snapshots([*writes, *torn])
    assert (wrong.mismatch.requirement, wrong.mismatch.cause) == ("RACE-3", "snapshot:read")
    assert {one.call for one in wrong.kept} == {LIST}
    twice = done(judging, LIST, listing(one=("A", "B"), two="A"), 1, 8)
    nowhere = done(judging, LIST, listing(two="A"), 1, 8)
    assert [wrong.mismatch.cause for wrong in judging.snapshots([*writes, twice])] == ["list:twice"]
    assert [wrong.mismatch.cause for wrong in judging.snapshots([*writes, nowhere])] == ["list:nowhere"]


def test_a_request_that_was_lost_in_an_earlier_round_may_explain_what_is_seen() -> None:
    history = [(LIST, listing(one="C", two="A")), (LIST, listing(one="A", two="A"))]
    for lost, orders in (((), 1), ((move(ONE, C),), 1), ((move(ONE, C), move(ONE, A)), 0)):
        judging = Judging(world(), ENVIRONMENT, lost)
        seen = [done(judging, call, shown, 2 * at, 2 * at + 1) for at, (call, shown) in enumerate(history)]
        seen.append(done(judging, move(ONE, A), None, 9, 10))
        assert len(list(judging.orders(seen))) == orders, lost
        assert not lost or not list(judging.snapshots(seen)), "of that service nothing is sure"


@pytest.mark.parametrize("reading", Reading)
def test_the_specification_is_the_models_own_step(reading: Reading) -> None:
    specification = Placements(world(reading), (ONE, TWO))
    (start,) = specification.initial()
    skip = Attach(B, ONE, Form.TRUE)
    after = set(specification.step(start, skip, Shown(Kind.DONE)))
    places = {
        Reading.MOVE_AND_SKIP: {Placement(B, skipped=True)},
        Reading.MOVE_UNSKIPS: {Placement(B, skipped=False), Placement(A, skipped=False)},
        Reading.SKIP_IN_PLACE: {Placement(A, skipped=True)},
        Reading.REFUSE: set(),
    }
    assert {state[0][0] for state in after} == places[reading]
    refused = list(specification.step(start, skip, Shown(Kind.REFUSED)))
    assert bool(refused) == (reading is Reading.REFUSE)


def test_each_service_is_a_part_of_its_own() -> None:
    judging = Judging(world(), ENVIRONMENT)
    history: list[Race] = [
        done(judging, move(ONE, B), listing(one="B", two="A"), 0, 1).operation,
        done(judging, ReadService(TWO), Observation((SeenStage(A, ENVIRONMENT),), of_list=False), 2, 3).operation,
        done(judging, ReadStage(B), listing(one="B"), 4, 5).operation,
    ]
    parts = {part.name: part.history for part in EachService(world(), (ONE, TWO)).parts(history)}
    assert [len(parts[service]) for service in (ONE, TWO)] == [2, 2]
    assert check(history, EachService(world(), (ONE, TWO))).outcome is Outcome.YES
    beside: Race = Operation("x", ReadService(TWO), Shown(Kind.DONE, ((TWO, C, None),)), 6, 7)
    verdict = check([*history, beside], EachService(world(), (ONE, TWO)))
    assert (verdict.outcome, verdict.part) == (Outcome.NO, TWO)


# ---------------------------------------------------------------------- the quiet afterwards

QUIET: list[tuple[str, Sequence[tuple[Asked, float, float | None]], dict[str, str | tuple[str, ...]], list[str]]] = [
    ("the last of two", [(move(ONE, B), 0, 1), (move(ONE, C), 2, 3)], {"one": "C", "two": "A"}, []),
    ("the first of two", [(move(ONE, B), 0, 1), (move(ONE, C), 2, 3)], {"one": "B", "two": "A"}, ["quiet:overtaken"]),
    ("either of two at once", [(move(ONE, B), 0, 4), (move(ONE, C), 2, 3)], {"one": "B", "two": "A"}, []),
    ("none of two at once", [(move(ONE, B), 0, 4), (move(ONE, C), 2, 3)], {"one": "A", "two": "A"}, ["quiet:lost"]),
    ("one that was never answered", [(move(ONE, B), 0, None)], {"one": "B", "two": "A"}, []),
    ("one that never arrived", [(move(ONE, B), 0, None)], {"one": "A", "two": "A"}, []),
    ("where nobody sent it", [(move(ONE, B), 0, None)], {"one": "C", "two": "A"}, ["quiet:unasked"]),
    ("a bystander", [(move(ONE, B), 0, 1)], {"one": "B", "two": "B"}, ["quiet:bystander"]),
    ("nowhere", [(move(ONE, B), 0, 1)], {"two": "A"}, ["quiet:nowhere"]),
    ("twice", [(move(ONE, B), 0, 1)], {"one": ("A", "B"), "two": "A"}, ["quiet:twice"]),
    ("a skip", [(Attach(A, ONE, Form.TRUE), 0, 1)], {"one": "A!", "two": "A"}, []),
    ("a skip that was lost", [(Attach(A, ONE, Form.TRUE), 0, 1)], {"one": "A", "two": "A"}, ["quiet:lost"]),
    (
        "a skip after a move at once",
        [(Attach(A, ONE, Form.TRUE), 0, 4), (move(ONE, B), 1, 3)],
        {"one": "B!", "two": "A"},
        ["quiet:overtaken"],
    ),
]


@pytest.mark.parametrize(("asked", "shown", "causes"), [row[1:] for row in QUIET], ids=[row[0] for row in QUIET])
def test_once_all_is_quiet_each_service_is_where_a_last_request_put_it(
    asked: Sequence[tuple[Asked, float, float | None]], shown: dict[str, str | tuple[str, ...]], causes: list[str]
) -> None:
    judging = Judging(world(), ENVIRONMENT)
    answered = [done(judging, call, None, begin, end) for call, begin, end in asked]
    found = list(Quiet(world(), ENVIRONMENT, answered).judged(listing(**shown)))
    assert [mismatch.cause for mismatch, _ in found] == causes
    assert all(mismatch.requirement == "RACE-2" for mismatch, _ in found)


def test_a_stage_that_is_gone_or_new_once_all_is_quiet_breaks_race_2() -> None:
    seen = listing(one="B", two="A")
    quiet = Quiet(world(), ENVIRONMENT, [])
    fewer = Observation(seen.stages[:2], of_list=True)
    more = Observation(
        (*seen.stages, SeenStage("dddddddd-0000-4000-8000-000000000000", ENVIRONMENT, entries=())), of_list=True
    )
    causes = [{mismatch.cause for mismatch, _ in quiet.judged(shown)} for shown in (fewer, more)]
    assert all("quiet:stages" in found for found in causes)


def test_rounds_collide_stay_short_and_repeat_by_their_seed() -> None:
    offers = frozenset({OperationKey.LIST, OperationKey.GET_SERVICE_STAGE, OperationKey.GET_STAGE})

    def rounds(clients: int, services: Sequence[str], seed: int) -> Rounds:
        return Rounds(services, (A, B, C), offers, clients, ENVIRONMENT, seed)

    for clients in (2, 3, 8):
        more = rounds(clients, (ONE, TWO), seed=4)
        made = [more.next(world()) for _ in range(60)]
        assert all(2 <= len(one.scripts) <= clients for one in made)
        assert all(one.requests <= 14 and one.services for one in made)
        assert len({one.name for one in made}) == 8
        writers = [sum(any(ask.body is not None for ask in script) for script in one.scripts) for one in made]
        assert max(writers) == clients, "all of them write at once in some rounds"
    alone = rounds(8, (ONE,), seed=1)
    assert {alone.next(world()).name for _ in range(20)} == {
        "duel",
        "move-against-skip",
        "read-your-writes",
        "relay",
    }
    first, second = rounds(8, (ONE, TWO), 7), rounds(8, (ONE, TWO), 7)
    assert [first.next(world()) for _ in range(9)] == [second.next(world()) for _ in range(9)]


@pytest.mark.parametrize("clients", [2, 4, 8])
def test_what_one_client_asked_for_another_asks_for_again_after_something_else_came(clients: int) -> None:
    offers = frozenset({OperationKey.LIST})
    made = Rounds((ONE, TWO), (A, B, C), offers, clients, ENVIRONMENT, seed=5)
    rounds = [made.next(world()) for _ in range(60)]
    again = 0
    for one in (one for one in rounds if one.name == "duel"):
        first, *others = ([ask.call for ask in script if isinstance(ask.call, Attach)] for script in one.scripts)
        again += any(len(calls) == 2 and calls[1] == first[0] != calls[0] for calls in others)
    assert again
    relays = [one for one in rounds if one.name == "relay"]
    assert relays
    for one in relays:
        runners = one.scripts[: min(6, clients)]
        assert {len({ask.call for script in runners for ask in script if isinstance(ask.call, Attach)})} == {2}
        assert any(isinstance(ask.call, ReadList) for script in runners for ask in script)
        begins = [script[0].pause_s for script in runners]
        assert begins == sorted(set(begins)), "each begins after the one before"


def test_how_a_skip_of_another_stage_is_read_is_found_out_before_many_ask_at_once() -> None:
    for reading in Reading:
        scenario = replace(embedded(), world=replace(embedded().world, reading=reading))
        with serving(scenario) as target, httpx.Client() as http:
            plan = embedded_plan(scenario, PROFILES[ProfileName.QUICK], selected=RACES)
            runner = Runner(Client(target.url, http, Limits(requests=260)), DOCUMENT, embedded_credentials(), plan)
            result = runner.run()
        assert result.reading["SKIP-2"] == reading.value
        assert result.violations == ()


def test_requests_that_run_out_before_the_first_round_end_the_races_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spent(_: Races) -> None:
        raise BudgetSpent("no requests left")

    monkeypatch.setattr(Races, "learn_reading", spent)
    result = rig(Mock(embedded()), selected=RACES, quick=True).run()
    assert result.violations == ()
    assert result.verdict is Verdict.INCONCLUSIVE
