"""Reads the golden traces and plays them: what a step sends, what it answers, and what it means by the contract."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt
import yaml

from kit.small import (
    ENVIRONMENT,
    FOREIGN_ENVIRONMENT,
    SECOND,
    SECOND_ENVIRONMENT,
    Layout,
    bare,
    orders,
    stage_payload,
    uid,
    world_of,
)
from stagecheck import operations, spec
from stagecheck.contract import CATALOGUE
from stagecheck.exchange import Credential, HttpRequest
from stagecheck.mock.auth import issue_jwt
from stagecheck.mock.scenario import Scenario
from stagecheck.model.oracle import Oracle
from stagecheck.model.requests import (
    BAD_JWT,
    FOREIGN,
    NOBODY,
    OWN,
    Attach,
    CreateStage,
    DeleteStage,
    EditStage,
    MoveStage,
    OtherMethod,
    Read,
    ReadList,
    ReadService,
    ReadStage,
    Request,
)
from stagecheck.model.state import Reading
from stagecheck.operations import OperationKey
from stagecheck.suite.auth import Auth
from stagecheck.suite.discover import Ground
from stagecheck.suite.findings import Findings
from stagecheck.suite.plan import Plan, Things
from stagecheck.suite.refusals import Refusals
from stagecheck.suite.sent import NOTHING_ELSE, Also
from stagecheck.suite.session import Session
from stagecheck.suite.tour import Tour
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials
from stagecheck.wire.bodies import meaning
from stagecheck.wire.spell import read_path

HERE = Path(__file__).parent
URL = "http://golden.invalid"
_JSON = "application/json"
_DOCUMENT = spec.load()
_FAR_AHEAD, _LONG_AGO = 4102444800, 1500000000

OWN_JWT = issue_jwt(OWN, expires_at=_FAR_AHEAD)
FOREIGN_JWT = issue_jwt(FOREIGN, expires_at=_FAR_AHEAD)
EXPIRED_JWT = issue_jwt(OWN, expires_at=_LONG_AGO)
TAMPERED_JWT = jwt.encode({"org": OWN, "exp": _FAR_AHEAD}, "another secret of more than 256 bits, so that it is fit")

_CREDENTIALS: Mapping[str, tuple[str | None, str]] = {
    "own": (f"Bearer {OWN_JWT}", OWN),
    "none": (None, NOBODY),
    "garbage": ("Bearer garbage", NOBODY),
    "foreign": (f"Bearer {FOREIGN_JWT}", FOREIGN),
    "expired-jwt": (f"Bearer {EXPIRED_JWT}", BAD_JWT),
    "tampered-jwt": (f"Bearer {TAMPERED_JWT}", BAD_JWT),
}
"""Each credential of a trace: the header, and whose it is by the contract."""


@dataclass(frozen=True)
class Step:
    """One request and its answer, as the trace has them."""

    raw: Mapping[str, Any]

    @property
    def status(self) -> int:
        return int(self.raw["status"])

    @property
    def shows(self) -> Layout | None:
        return self.raw.get("shows")

    @property
    def is_read(self) -> bool:
        return "read" in self.raw

    @property
    def deed(self) -> str | None:
        """What is done to a stage itself: create, edit, delete, move; None for the other requests."""
        return next((verb for verb in ("create", "edit", "delete", "move") if verb in self.raw), None)

    @property
    def request(self) -> Request:
        """What the step asks for, by the contract."""
        _, caller, spelling = self._credential()
        if self.is_read:
            return self._read(caller)
        if self.deed is not None:
            return self._managing(caller)
        put = self.raw["put"]
        stage, service = uid(put["stage"]), uid(put["service"])
        if "method" in self.raw:
            return OtherMethod(self.raw["method"], stage, service, caller)
        form, other_media = meaning(self._content_type, self._body)
        if self.raw.get("upper"):
            spelling = "ERR-9"
        return Attach(stage, service, form, caller, other_media, spelling)

    @property
    def message(self) -> HttpRequest:
        """What the step sends."""
        header, _, _ = self._credential()
        credential = Credential("of the trace", header, header)
        request = self.request
        if self.is_read:
            assert isinstance(request, ReadList | ReadStage | ReadService)
            return HttpRequest("GET", read_path(request), (), None, credential)
        if self.deed is not None:
            return self._management(credential)
        assert isinstance(request, Attach | OtherMethod)
        stage, service = request.stage, request.service
        if self.raw.get("upper"):
            stage, service = stage.upper(), service.upper()
        path = operations.path(OperationKey.ATTACH, deploymentStageId=stage, serviceId=service)
        headers = () if self._content_type is None else (("Content-Type", self._content_type),)
        return HttpRequest(self.raw.get("method", "PUT"), path, headers, self._body, credential)

    def answer(self, start: Layout) -> httpx.Response:
        """What the trace's target answers."""
        if self.shows is None:
            return httpx.Response(self.status, json={"status": self.status} if self.status != 204 else None)
        stages = list(self._stages(start, self.shows))
        return httpx.Response(self.status, json=stages[0] if self.shows_one else {"results": stages})

    @property
    def shows_one(self) -> bool:
        """Whether a 200 shows one stage, and not the list."""
        return self.deed in ("create", "edit") or (self.is_read and self.raw["read"] != "list")

    def _managing(self, caller: str) -> Request:
        told = self._told
        stage, description = uid(told.get("stage", told.get("id", told.get("name")))), told.get("description")
        if self.deed == "create":
            return CreateStage(ENVIRONMENT, told["name"], description, None, caller, new=stage)
        if self.deed == "edit":
            return EditStage(stage, told["name"], description, None, caller)
        if self.deed == "move":
            return MoveStage(stage, uid(told.get("after") or told["before"]), "after" in told, caller)
        return DeleteStage(stage, caller)

    def _management(self, credential: Credential) -> HttpRequest:
        """The request as the contract's table of operations spells it."""
        told = self._told
        here = f"/deploymentStage/{uid(told['stage'])}" if "stage" in told else ""
        if self.deed == "delete":
            return HttpRequest("DELETE", here, (), None, credential)
        if self.deed == "move":
            verb, anchor = ("moveAfter", told["after"]) if "after" in told else ("moveBefore", told["before"])
            return HttpRequest("PUT", f"{here}/{verb}/{uid(anchor)}", (), None, credential)
        method, path = ("PUT", here) if here else ("POST", f"/environment/{ENVIRONMENT}/deploymentStage")
        body = json.dumps({key: told[key] for key in ("name", "description") if key in told}).encode()
        return HttpRequest(method, path, (("Content-Type", _JSON),), body, credential)

    @property
    def _told(self) -> Mapping[str, Any]:
        told = self.raw[str(self.deed)]
        return {"stage": told} if isinstance(told, str) else told

    def _stages(self, start: Layout, shows: Layout) -> Iterator[dict[str, Any]]:
        now, here = self.raw.get("so_far", {}), self.raw.get("shows_attributes", {})
        changed = {stage: {**now.get(stage, {}), **here.get(stage, {})} for stage in {*now, *here}}
        types = self.raw.get("shows_types", {})
        places = {stage: place for place, stage in enumerate(self.raw.get("standing") or orders(start), start=1)}
        for stage, members in shows.items():
            home = SECOND_ENVIRONMENT if stage in SECOND else ENVIRONMENT
            order = 1 if stage in SECOND else places.get(stage, len(places) + 1)
            yield stage_payload(stage, members, order, environment=home, changed=changed.get(stage), types=types)

    def _read(self, caller: str) -> Read:
        what = self.raw["read"]
        if what == "list":
            return ReadList(ENVIRONMENT, caller)
        if "stage" in what:
            return ReadStage(uid(what["stage"]), caller)
        return ReadService(uid(what["service"]), caller)

    @property
    def _content_type(self) -> str | None:
        given: str | None = self.raw.get("content_type")
        return _JSON if given is None and "body" in self.raw else given

    @property
    def _body(self) -> bytes | None:
        if "body" in self.raw:
            return str(self.raw["body"]).encode()
        return b"" if "content_type" in self.raw else None

    def _credential(self) -> tuple[str | None, str, str | None]:
        """The header, whose it is, and the requirement that asks to understand its spelling."""
        header, caller = _CREDENTIALS[self.raw.get("as", "own")]
        scheme = self.raw.get("scheme")
        if scheme is None or header is None:
            return header, caller, None
        header = f"{scheme} {header.partition(' ')[2]}"
        return (header, caller, "AUTH-5") if scheme.lower() == "bearer" else (header, NOBODY, None)


@dataclass(frozen=True)
class Trace:
    """One golden trace."""

    file: str
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        return f"{self.file}: {self.raw['name']}"

    @property
    def start(self) -> Layout:
        start: Layout = self.raw["start"]
        return start

    @property
    def steps(self) -> list[Step]:
        """The steps, each with the order of the stages and with what had become of them by then."""
        standing: list[str] = list(self.start)
        so_far: dict[str, dict[str, Any]] = {}
        steps = []
        for raw in self.raw["steps"]:
            standing = raw.get("order", standing)
            for stage, attributes in raw.get("becomes", {}).items():
                so_far = {**so_far, stage: {**so_far.get(stage, {}), **attributes}}
            steps.append(Step({**raw, "standing": standing, "so_far": so_far}))
        return steps

    @property
    def reading(self) -> Reading | None:
        named = self.raw.get("reading")
        return None if named is None else Reading(named)

    @property
    def tolerated(self) -> set[str]:
        """The requirements that the last step of a violating trace may be said to break."""
        return {self.raw["violates"], *self.raw.get("also", ())}


def traces(folder: str) -> list[Trace]:
    """Every trace of a folder, in the order of its files."""
    return [
        Trace(path.stem, raw)
        for path in sorted((HERE / folder).glob("*.yaml"))
        for raw in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def scenario(trace: Trace) -> Scenario:
    """The world of a trace, for the mock."""
    reading = trace.reading or Reading.MOVE_AND_SKIP
    return Scenario(world_of(trace.start, reading), ENVIRONMENT, SECOND_ENVIRONMENT, FOREIGN_ENVIRONMENT)


class Judged:
    """Plays a trace to the suite: its answers come over httpx, its session's findings are the outcome.

    As the suite does, a read is sent before a refusal that a later read is to be compared with (`baseline`).
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.state: Layout = trace.start
        self.next: httpx.Response | None = None
        self.last: Step | None = None
        self.findings = Findings(CATALOGUE)
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        client = Client(URL, http, Limits())
        self.session = Session(client, _DOCUMENT, Credentials(jwt=OWN_JWT, foreign_token=FOREIGN_JWT), self.findings)
        self.session.oracle = Oracle(world_of(trace.start), ENVIRONMENT, pinned=trace.reading)
        self.session.offers = {OperationKey.ATTACH}
        stages = tuple(uid(stage) for stage in trace.start)
        services = tuple(uid(bare(member)) for members in trace.start.values() for member in members)
        ground = Ground(ENVIRONMENT, stages, services, stages, services)
        tour = Tour(self.session, ground)
        plan = Plan(ENVIRONMENT, foreign=Things(FOREIGN_ENVIRONMENT))
        refusals = Refusals(self.session, tour, random.Random(0), thorough=False)
        self.auth = Auth(refusals, plan)

    def play(self) -> list[set[str]]:
        """The requirements that each step was found to break."""
        found: list[set[str]] = []
        steps = self.trace.steps
        for position, step in enumerate(steps):
            if not step.is_read and 400 <= step.status < 500:
                self._baseline(steps[position + 1 :])
            before = self._broken()
            self._one(step)
            found.append(self._broken() - before)
        return found

    def _one(self, step: Step) -> None:
        self.last = step
        self.next = step.answer(self.trace.start)
        stranger = step.request.caller == FOREIGN
        self.session.perform(step.request, step.message, Also(self.auth._leaks) if stranger else NOTHING_ELSE)
        if step.deed == "delete" and step.status == 204:
            self.state = {stage: members for stage, members in self.state.items() if stage != step.raw["delete"]}
        elif step.shows is not None and not step.is_read and step.status == 200:
            self.state = {**self.state, **step.shows} if step.shows_one else step.shows

    def _baseline(self, later: list[Step]) -> None:
        for step in later:
            if step.is_read and step.request.caller == OWN and (shown := self._shown(step.request)) is not None:
                agreeing = Step({**step.raw, "shows": shown, "status": 200})
                self.next = agreeing.answer(self.trace.start)
                self.session.perform(agreeing.request, agreeing.message)

    def _shown(self, request: Request) -> Layout | None:
        """What a read shows of the state that the trace has come to; None if it is of another environment."""
        if isinstance(request, ReadList):
            return self.state
        for stage, members in self.state.items():
            here = {uid(bare(member)) for member in members}
            if (isinstance(request, ReadStage) and request.stage == uid(stage)) or (
                isinstance(request, ReadService) and request.service in here
            ):
                return {stage: members}
        return None

    def _broken(self) -> set[str]:
        return {violation.breach.requirement for violation in self.findings.violations}

    def _asked_again(self) -> httpx.Response | None:
        """What a plain repetition of the last request gets: the suite asks whether its odd spelling was at fault."""
        step = self.last
        if step is None or not isinstance(step.request, Attach) or step.request.spelling is None:
            return None
        service = next(m for ms in self.state.values() for m in ms if uid(bare(m)) == step.request.service)
        moved = {
            stage: [m for m in members if m != service] + ([bare(service)] if uid(stage) == step.request.stage else [])
            for stage, members in self.state.items()
        }
        return Step({**step.raw, "status": 200, "shows": moved}).answer(self.trace.start)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.next is None:
            self.next = self._asked_again()
        assert self.next is not None, f"the suite sent {request.method} {request.url} that the trace does not have"
        answer, self.next = self.next, None
        return answer


def shown_by(payload: bytes, *, one: bool) -> dict[str, list[tuple[str, bool]]]:
    """Stage id → its services with their flags, from a 200 answer, without the order within stages."""
    decoded = json.loads(payload)
    stages = [decoded] if one else decoded["results"]
    return {
        stage["id"].lower(): sorted((entry["service_id"].lower(), entry["is_skipped"]) for entry in stage["services"])
        for stage in stages
    }


def in_order(payload: bytes) -> list[str]:
    """The stages of a list by their deployment_order."""
    listed = sorted(json.loads(payload)["results"], key=lambda stage: stage["deployment_order"])
    return [stage["id"].lower() for stage in listed]


def wanted_by(shows: Layout) -> dict[str, list[tuple[str, bool]]]:
    """The same of what a trace shows."""
    return {
        uid(stage): sorted((uid(bare(member)), member.endswith("*")) for member in members)
        for stage, members in shows.items()
    }
