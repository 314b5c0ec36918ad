"""A conversation with the oracle in a few words: what is asked and answered, and which promises that breaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kit.small import ENVIRONMENT, START, Layout, seen, seen_stage, uid, world_of
from stagecheck.model.observation import Observation, Reply
from stagecheck.model.oracle import Judgement, Oracle
from stagecheck.model.requests import OWN, Attach, Form, ReadList, ReadService, ReadStage, Request
from stagecheck.model.state import Reading, World


@dataclass
class Talk:
    """Things by their names. Every method answers the ids of the requirements that were found broken."""

    layout: Layout = field(default_factory=lambda: START)
    pinned: Reading | None = None
    world: World | None = None
    last: Judgement = field(default_factory=Judgement)

    def __post_init__(self) -> None:
        world = self.world if self.world is not None else world_of(self.layout)
        self.oracle = Oracle(world, ENVIRONMENT, pinned=self.pinned)

    def put(
        self,
        service: str,
        stage: str,
        shows: Layout | None = None,
        *,
        form: Form = Form.ABSENT,
        status: int | None = 200,
        caller: str = OWN,
        fingerprint: object = None,
        spelling: str | None = None,
    ) -> list[str]:
        """A PUT. `shows`: the layout that its answer lists; `status` None: no answer came."""
        request = Attach(uid(stage), uid(service), form, caller, spelling=spelling)
        return self.judge(request, status, seen(shows, like=self.layout) if shows is not None else None, fingerprint)

    def listed(self, shows: Layout, *, caller: str = OWN) -> list[str]:
        """The list of the environment."""
        return self.judge(ReadList(ENVIRONMENT, caller), 200, seen(shows, like=self.layout))

    def stage(self, stage: str, members: Iterable[str]) -> list[str]:
        """One stage."""
        return self.judge(ReadStage(uid(stage)), 200, seen_stage(stage, members, like=self.layout))

    def service(self, service: str, stage: str, members: Iterable[str]) -> list[str]:
        """The stage of a service."""
        return self.judge(ReadService(uid(service)), 200, seen_stage(stage, members, like=self.layout))

    def judge(
        self, request: Request, status: int | None, shows: Observation | None, fingerprint: object = None
    ) -> list[str]:
        """Any answer."""
        self.last = self.oracle.judge(request, Reply(status, shows), fingerprint)
        return [mismatch.requirement for mismatch in self.last.mismatches]
