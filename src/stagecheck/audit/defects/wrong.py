"""What many defects are made of: a place to put a wrong placement, a wrong status, or a memory of earlier requests.

Nothing here is wrong by itself: a class that overrides none of the hooks is a conforming target.
"""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from stagecheck.mock.app import Call, Mock
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import OWN, Attach, Form, Request
from stagecheck.model.state import Placement, World
from stagecheck.model.step import Outcome, Refused, step


class Misplaces(Mock):
    """Every attach request that is carried out passes `placed`, which says where the service goes and its flag.

    `past`: the attach requests that were carried out before, the oldest first.
    """

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.past: list[Attach] = []

    def decide(self, request: Request) -> Outcome:
        """The plainest outcome, with the placement that `placed` says."""
        right = super().decide(request)
        if not isinstance(request, Attach) or isinstance(right.answer, Refused):
            return right
        chosen = self.placed(request, self.world.placements[request.service], right.world.placements[request.service])
        return replace(right, world=self.world.placed(request.service, chosen.stage, skipped=chosen.skipped))

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        """Where the service goes: `was` before, `right` by the contract."""
        return right

    def commit(self, request: Attach, world: World) -> None:
        """Remember what was carried out."""
        super().commit(request, world)
        self.past.append(request)

    def addressed(self, service: str) -> list[str]:
        """The stages that a service was sent to so far, the oldest first."""
        return [request.stage for request in self.past if request.service == service]

    def order(self, stage: str) -> int:
        """The deployment order of a stage."""
        return self.world.stages[stage].order or 0

    def sisters(self, stage: str) -> list[str]:
        """The ids of all stages of the environment of a stage, in deployment order."""
        return [found.id for found in self.world.stages_of(self.world.environment_of(stage) or "")]


class Denies(Misplaces):
    """Some attach requests that must be carried out are answered with the status that `denied` says."""

    def decide(self, request: Request) -> Outcome:
        """The plainest outcome, or the refusal."""
        right = super().decide(request)
        if not isinstance(request, Attach) or isinstance(right.answer, Refused):
            return right
        status = self.denied(request, self.world.placements[request.service])
        return right if status is None else Outcome(self.world, Refused((), None, status))

    def denied(self, request: Attach, was: Placement) -> int | None:
        """The status of the refusal; None to carry the request out."""
        return None


class Waves(Misplaces):
    """Some requests are taken for others, which are carried out instead: `waved` says for which."""

    def understand(self, call: Call) -> Request | None:
        """What the call is taken for."""
        request = super().understand(call)
        return request if request is None else self.waved(request)

    def waved(self, request: Request) -> Request:
        """What the request is taken for."""
        return request


def in_place(request: Attach, was: Placement) -> bool:
    """Whether the service is addressed to the stage that it is in."""
    return request.stage == was.stage


def obeyed(world: World, request: Attach) -> World:
    """The world as if the request came from its owner and were carried out; the same where that cannot be."""
    form = request.form if request.form in (Form.TRUE, Form.FALSE, Form.OMITTED, Form.ABSENT) else Form.ABSENT
    asked = replace(request, caller=OWN, form=form, other_media=False)
    return step(world, asked)[0].world


def decoded(body: bytes) -> Any:
    """The value of a JSON body; an Ellipsis for what is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return ...


def properties(body: bytes) -> frozenset[str]:
    """The names of the properties of a JSON body; none for what is no object."""
    value = decoded(body)
    return frozenset(value) if isinstance(value, dict) else frozenset()
