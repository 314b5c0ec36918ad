"""What is sent to both targets: the requests of a whole run against the mocked target, in symbols of its own ids.

The run chooses its requests as it always does, so everything that could tell a defect comes up. Ids of the mocked
target stand for the ids of whatever is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stagecheck import spec
from stagecheck.embedded import EMBEDDED_URL, embedded_credentials, embedded_plan, private_client
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import Scenario, scenario
from stagecheck.model.requests import (
    Attach,
    CreateStage,
    DeleteStage,
    EditStage,
    MoveStage,
    OtherMethod,
    ReadList,
    ReadService,
    ReadStage,
    Request,
)
from stagecheck.model.state import Reading
from stagecheck.standalone.secrets import respelled
from stagecheck.suite.plan import Profile
from stagecheck.suite.runner import Runner
from stagecheck.suite.sent import Sent
from stagecheck.target.client import Client, Limits

_RECOGNISED = 18
"""Characters by which a damaged id is known."""
_TYPES = ("APPLICATION", "CONTAINER", "DATABASE", "JOB", "HELM", "TERRAFORM")


@dataclass(frozen=True, slots=True)
class Asked:
    """The requests in their order, and the ids that they name.

    `ids`: what each id of the mocked target stands for: (`stage`, 0), (`service`, 3), (`second.stage`, 0) and the like.
    """

    sent: tuple[Sent, ...]
    ids: Mapping[str, tuple[str, int]]


def sequence(stages: int, services: int, profile: Profile, seed: int, reading: Reading) -> Asked:
    """The requests of a run over so many stages and services (at least one of each)."""
    world = _scenario(stages, services, reading)
    plan = embedded_plan(world, profile, seed=seed)
    limits = Limits(requests=profile.requests, seconds=float("inf"))
    with private_client(Mock(world)) as http:
        runner = Runner(Client(EMBEDDED_URL, http, limits), spec.load(), embedded_credentials(), plan, mocked=True)
        runner.run()
    ids: dict[str, tuple[str, int]] = {world.environment: ("environment", 0)}
    ids |= {key: ("stage", number) for number, key in enumerate(plan.stages)}
    ids |= {key: ("service", number) for number, key in enumerate(plan.services)}
    for table, things in (("second", plan.second), ("foreign", plan.foreign)):
        for kind in ("environment", "stage", "service"):
            ids[getattr(things, kind)] = (f"{table}.{kind}", 0)
    return Asked(tuple(runner.log), ids)


def _scenario(stages: int, services: int, reading: Reading) -> Scenario:
    names = [f"STAGE {number + 1}" for number in range(stages)]
    members = [(f"service-{number + 1}", _TYPES[number % len(_TYPES)], False) for number in range(services)]
    main = {name: tuple(members[number::stages]) for number, name in enumerate(names)}
    other = {"SECOND FIRST": (("second-api", "APPLICATION", False),), "SECOND LAST": ()}
    foreign = {"FOREIGN FIRST": (("foreign-api", "APPLICATION", False),), "FOREIGN LAST": ()}
    return scenario({"main": main, "second": other, "foreign": foreign}, reading)


def about(sent: Sent, ids: Mapping[str, str]) -> Sent:
    """The same request about other things, by meaning and as it is spelled; `ids`: canonical ids on both sides."""
    segments = [_segment(segment, ids) for segment in sent.message.path.split("/")]
    message = replace(sent.message, path="/".join(segments))
    request = None if sent.request is None else _meant(sent.request, ids)
    return replace(sent, request=request, message=message)


def _segment(segment: str, ids: Mapping[str, str]) -> str:
    other = ids.get(segment.lower())
    if other is None:
        return _damaged(segment, ids)
    return other if segment == segment.lower() else respelled(other)


def _damaged(segment: str, ids: Mapping[str, str]) -> str:
    """An id that was cut, or has another end, is made of the other id in the same way."""
    for known, other in ids.items():
        if len(segment) >= _RECOGNISED and segment[:_RECOGNISED] == known[:_RECOGNISED]:
            pairs = enumerate(zip(segment, known, strict=False))
            same = next((at for at, (one, two) in pairs if one != two), min(len(segment), len(known)))
            return other[:same] + segment[same:]
    return segment


def _meant(request: Request, ids: Mapping[str, str]) -> Request:
    def of(identifier: str) -> str:
        return ids.get(identifier, identifier).lower()

    if isinstance(request, Attach | OtherMethod):
        return replace(request, stage=of(request.stage), service=of(request.service))
    if isinstance(request, ReadStage | EditStage | DeleteStage):
        return replace(request, stage=of(request.stage))
    if isinstance(request, MoveStage):
        return replace(request, stage=of(request.stage), anchor=of(request.anchor))
    if isinstance(request, ReadService):
        return replace(request, service=of(request.service))
    if isinstance(request, CreateStage):
        return replace(request, environment=of(request.environment), new=None)
    assert isinstance(request, ReadList)
    return replace(request, environment=of(request.environment))


def named(sent: Sent, ids: Mapping[str, object]) -> Sequence[str]:
    """The ids of the mocked target that a request names."""
    return [segment.lower() for segment in sent.message.path.split("/") if segment.lower() in ids]
