"""The long parts of an exploration: all sequences, random walks, what failed before, and generated inputs.

What they are made of takes long to import, so it is loaded when it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stagecheck.suite.deep.tour import DeepTour
from stagecheck.suite.discover import Ground
from stagecheck.suite.plan import Plan
from stagecheck.suite.registry import wants
from stagecheck.suite.session import Session
from stagecheck.suite.stages import Stages
from stagecheck.target.client import Client

_DEEP_SHARE = 0.92
_MACHINES_SHARE = 0.7
_FEW = 4


@dataclass(slots=True)
class Wandering:
    """`begin` is told which phase begins. `fell_short`: whether requests were missing for something."""

    client: Client
    plan: Plan
    begin: Callable[[str], None]
    fell_short: bool = False

    def deep(self, deep: DeepTour) -> None:
        """All sequences of transitions; the machine and the generated inputs keep a share of what is left.

        The first walk is worth more than what the machine may stumble upon. The further ones are not: they take only
        what the machine cannot use.
        """
        if not wants("deep", self.plan.selected):
            return
        self.begin("deep")
        left, profile = self.client.left, self.plan.profile
        deep.go(int(left * _DEEP_SHARE), left - profile.examples * profile.steps)

    def machine(self, session: Session, ground: Ground) -> None:
        """Random walks."""
        profile = self.plan.profile
        if not wants("machine", self.plan.selected):
            return
        if self.client.left < profile.steps:
            self.fell_short = True
            return
        from stagecheck.suite import machine  # noqa: PLC0415  (takes long to import)

        self.begin("machine")
        share = min(self.client.left, int(self.client.left * _MACHINES_SHARE) or self.client.left)
        journey = machine.Journey(profile.examples, profile.steps, share, self.plan.seed, self.plan.kept)
        self.fell_short |= not machine.walk(session, ground, journey)

    def again(self, session: Session, ground: Ground, stages: Stages) -> None:
        """What failed in an earlier run comes first, if the config says where that is kept."""
        profile, kept = self.plan.profile, self.plan.kept
        if kept is None or not kept.is_dir() or not wants("machine", self.plan.selected):
            return
        from stagecheck.suite import machine  # noqa: PLC0415  (takes long to import)

        self.begin("again")
        if wants("stages", self.plan.selected) and any(kept.iterdir()):
            # A kept walk may need stages of its own.
            stages.offered()
        journey = machine.Journey(profile.examples, profile.steps, self.client.left // 4, self.plan.seed, kept)
        machine.again(session, ground, journey)

    def properties(self, session: Session, ground: Ground) -> None:
        """Inputs that Schemathesis generates."""
        if not wants("properties", self.plan.selected):
            return
        if self.client.left < _FEW:
            self.fell_short = True
            return
        from stagecheck.suite.properties import Properties  # noqa: PLC0415  (takes long to import)

        self.begin("properties")
        Properties(session, ground).run(cases=self.plan.profile.cases, requests=self.client.left, seed_=self.plan.seed)
        self.fell_short |= self.client.left < _FEW
