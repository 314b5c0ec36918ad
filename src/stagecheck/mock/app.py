"""The mocked target: every answer is `step`'s, rendered.

It is written as small methods so that a subclass can get exactly one of them wrong (`audit`).
Knows HTTP only as `Call` and `Answer`; `as_httpx` mounts it on respx. Whatever serves a mock asks it by `locked`, where
requests wait for each other; nothing else is safe for threads.
"""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import unquote

import httpx
import orjson

from stagecheck.mock.auth import caller
from stagecheck.mock.scenario import CREATED_AT, Scenario
from stagecheck.model.requests import (
    Attach,
    CreateStage,
    DeleteStage,
    EditStage,
    Manage,
    MoveStage,
    OtherMethod,
    ReadList,
    ReadService,
    ReadStage,
    Request,
)
from stagecheck.model.state import World, canonical
from stagecheck.model.step import Accepted, Outcome, Refused, step
from stagecheck.wire.bodies import meaning
from stagecheck.wire.stages import named

_NAMESPACE = uuid.UUID("0d9a7a52-53f8-4f0e-8f38-6b0f5a3c1e77")
_ENTRY = "0d9a7a52-53f8-5f0e-8f38-"
"""How the ids of entries begin; the rest is a number, so that no two have the same."""
_REASONS = {400: "malformed", 401: "unauthenticated", 403: "forbidden", 404: "not found", 405: "method not allowed"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as received: decoded path segments, lower-case header names."""

    method: str
    segments: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Answer:
    """A response to be sent; `payload` is rendered as JSON, None for no body. `raw`: the bytes instead of a payload."""

    status: int
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def content(self) -> bytes:
        """The body as it is sent."""
        if self.raw is not None:
            return self.raw
        if self.payload is None:
            return b""
        try:
            return orjson.dumps(self.payload)
        except TypeError:
            # Lone surrogates and numbers beyond 64 bits, which a client may well have sent.
            return json.dumps(self.payload).encode()

    def all_headers(self, content: bytes | None = None) -> dict[str, str]:
        """The headers as they are sent: a body is JSON unless its own headers say otherwise. `content`: if known."""
        sent = self.content() if content is None else content
        return {"content-type": "application/json", **self.headers} if sent else dict(self.headers)


@dataclass(slots=True)
class Attachment:
    """The entry of a service in a stage, as the mock keeps it beside the world: ids and dates are not the model's."""

    id: str
    created_at: str
    updated_at: str


class Mock:
    """A target that keeps the contract. One instance is one target with its own state.

    `in_threads`: a server gives every request a thread of its own, so that requests can meet halfway (a mock that gets
    races wrong); otherwise it answers them in turn, which is faster.
    """

    in_threads: ClassVar[bool] = False

    def __init__(self, scenario: Scenario) -> None:
        self.lock = threading.RLock()
        self.scenario = scenario
        self.world: World = scenario.world
        self.tick = 0
        self.made = 0
        self.entry_numbers = itertools.count(1)
        self.edited: dict[str, str] = {}
        self.attachments = {service: self.attachment(service) for service in self.world.placements}

    # ------------------------------------------------------------------ the way of a request

    def locked(self, call: Call) -> Answer:
        """Answer one request as if no other were there (RACE-1): the one place where requests of threads wait."""
        with self.lock:
            return self.handle(call)

    def handle(self, call: Call) -> Answer:
        """Answer one request."""
        request = self.understand(call)
        if request is None:
            return self.refusal(Refused((404,), None, 404))
        return self.answer(call, request, self.decide(request))

    def understand(self, call: Call) -> Request | None:
        """What the call asks for; None where there is no such path."""
        who = self.authenticate(call)
        match [self.identifier(segment) if position % 2 else segment for position, segment in enumerate(call.segments)]:
            case ["deploymentStage", stage, "service", service]:
                if call.method != "PUT":
                    return OtherMethod(call.method, stage, service, who)
                form, other_media = self.read_body(call)
                return Attach(stage, service, form, who, other_media)
            case ["environment", environment, "deploymentStage"] if call.method == "GET":
                return ReadList(environment, who)
            case ["deploymentStage", stage] if call.method == "GET":
                return ReadStage(stage, who)
            case ["service", service, "deploymentStage"] if call.method == "GET":
                return ReadService(service, who)
            case segments:
                return self.understand_management(call, segments, who)

    def understand_management(self, call: Call, segments: list[str], who: str) -> Manage | None:
        """The same of requests that create, edit, delete or move a stage."""
        match [call.method, *segments]:
            case ["POST", "environment", environment, "deploymentStage"]:
                body = named(call.body)
                return CreateStage(environment, body.name, body.description, body.flaw, who, new=self.stage_id())
            case ["PUT", "deploymentStage", stage]:
                body = named(call.body)
                return EditStage(stage, body.name, body.description, body.flaw, who)
            case ["DELETE", "deploymentStage", stage]:
                return DeleteStage(stage, who)
            case ["PUT", "deploymentStage", stage, "moveBefore" | "moveAfter" as where, anchor]:
                return MoveStage(stage, anchor, where == "moveAfter", who)
        return None

    def identifier(self, segment: str) -> str:
        """The id that a path segment names: matched without regard to case (ERR-9)."""
        return canonical(segment)

    def authenticate(self, call: Call) -> str:
        """Whose credential it is."""
        return caller(call.headers.get("authorization"), self.scenario.tokens)

    def read_body(self, call: Call) -> tuple[Any, bool]:
        """What the body means, and whether it came under another content type than JSON."""
        return meaning(call.headers.get("content-type"), call.body)

    def decide(self, request: Request) -> Outcome:
        """Which of the permitted outcomes happens: the plainest."""
        return step(self.world, request)[0]

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        """Carry the outcome out and render it."""
        if isinstance(outcome.answer, Refused):
            return self.refusal(outcome.answer)
        if isinstance(request, Attach):
            before = self.world
            self.commit(request, outcome.world)
            self.touch(request, before)
        elif isinstance(request, CreateStage | EditStage | DeleteStage | MoveStage):
            self.arrange(request, outcome.world)
        return self.accepted(request, outcome.answer)

    def commit(self, request: Attach, world: World) -> None:
        """Make the next world the present one."""
        self.world = world

    def arrange(self, request: Manage, world: World) -> None:
        """Make the next world the present one, after a stage was created, edited, deleted or moved."""
        self.tick += 1
        if isinstance(request, CreateStage) and request.new is not None:
            stage = replace(world.stages[request.new], created_at=self.now())
            world = replace(world, stages={**world.stages, stage.id: stage})
        elif isinstance(request, EditStage):
            self.edited[request.stage] = self.now()
        self.world = world

    def touch(self, request: Attach, before: World) -> None:
        """Keep the entry's id and dates: a move makes a new entry, a change in place updates it."""
        self.tick += 1
        was, now = before.placements.get(request.service), self.world.placements[request.service]
        if was is None or was.stage != now.stage:
            self.attachments[request.service] = self.attachment(request.service)
        elif was != now:
            self.attachments[request.service].updated_at = self.now()

    # ------------------------------------------------------------------ rendering

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        """200 with all stages of an environment, or with one stage; 204 where there is nothing to show."""
        if answer.environment is not None:
            return Answer(200, self.listing(answer.environment))
        return Answer(204) if answer.stage is None else Answer(200, self.stage(answer.stage))

    def listing(self, environment: str) -> dict[str, Any]:
        """All stages of an environment (S6)."""
        return {"results": [self.stage(stage.id) for stage in self.world.stages_of(environment)]}

    def stage(self, stage_id: str) -> dict[str, Any]:
        """One stage with its services (S8)."""
        stage = self.world.stages[stage_id]
        return {
            "id": stage.id,
            "created_at": stage.created_at,
            "updated_at": self.edited.get(stage_id, stage.created_at),
            "environment": {"id": stage.environment},
            "name": stage.name,
            "description": stage.description,
            "deployment_order": stage.order,
            "services": [self.entry(service) for service in self.members(stage_id)],
        }

    def members(self, stage_id: str) -> tuple[str, ...]:
        """The services that a stage shows, in its order."""
        return self.world.services_in(stage_id)

    def entry(self, service_id: str) -> dict[str, Any]:
        """The entry of a service in its stage (S8)."""
        kept = self.attachments[service_id]
        return {
            "id": kept.id,
            "created_at": kept.created_at,
            "updated_at": kept.updated_at,
            "service_id": service_id,
            "service_type": self.world.services[service_id].type,
            "is_skipped": self.world.placements[service_id].skipped,
        }

    def refusal(self, refused: Refused) -> Answer:
        """A 4xx with a word of explanation; the schema of errors is not published."""
        status = refused.preferred
        return Answer(status, {"status": status, "message": _REASONS.get(status, "refused")})

    # ------------------------------------------------------------------ ids and dates

    def attachment(self, service: str) -> Attachment:
        """A new entry."""
        now = self.now()
        return Attachment(f"{_ENTRY}{next(self.entry_numbers):012x}", now, now)

    def stage_id(self) -> str:
        """The id of the next stage that is created: no two have the same, whatever is deleted."""
        self.made += 1
        return str(uuid.uuid5(_NAMESPACE, f"stage:{self.made}"))

    def now(self) -> str:
        """The present moment: the start of the scenario and a second for every write, so that runs repeat."""
        minutes, seconds = divmod(self.tick, 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        return f"2024-01-{1 + days % 28:02d}T{hours:02d}:{minutes:02d}:{seconds:02d}Z" if self.tick else CREATED_AT


def call_of(method: str, raw_path: bytes, headers: Mapping[str, str], body: bytes) -> Call:
    """A request as it stands on the wire. `raw_path`: percent-encoded, without the query; `headers`: in lower case."""
    path = raw_path.decode("ascii", "replace").strip("/")
    segments = path.split("/")
    return Call(method, tuple(map(unquote, segments) if "%" in path else segments), headers, body)


def as_httpx(mock: Mock, request: httpx.Request) -> httpx.Response:
    """Answer an httpx request: the side effect that mounts a mock on respx."""
    return response_of(mock.locked(call_from(request)))


def call_from(request: httpx.Request, base: bytes = b"") -> Call:
    """An httpx request as a mock receives it. `base`: the beginning of its path that stands for the server."""
    raw_path = request.url.raw_path.split(b"?", 1)[0].removeprefix(base)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return call_of(request.method, raw_path, headers, request.content)


def response_of(answer: Answer) -> httpx.Response:
    """An answer as httpx hands it to the client."""
    content = answer.content()
    return httpx.Response(answer.status, headers=answer.all_headers(content), content=content)
