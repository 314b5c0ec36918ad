"""One of the two targets: its own ids and credentials, followed by an oracle of its own, and put back in the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from stagecheck.compare.facts import Facts, Reader
from stagecheck.compare.sequence import Asked, about, named
from stagecheck.exchange import Credential, Exchange
from stagecheck.model.compare import Mismatch
from stagecheck.model.requests import ReadList, is_management
from stagecheck.model.state import Placement, canonical
from stagecheck.operations import OperationKey
from stagecheck.spec import Document
from stagecheck.suite.discover import survey
from stagecheck.suite.findings import Findings
from stagecheck.suite.made import MOST_STAYING
from stagecheck.suite.plan import Plan
from stagecheck.suite.put_back import WayHome
from stagecheck.suite.sent import Judged, Sent, made_by
from stagecheck.suite.session import Session
from stagecheck.suite.shapes import payload_of
from stagecheck.suite.tidy import tidy
from stagecheck.target.client import Client
from stagecheck.target.credentials import Credentials
from stagecheck.wire import bodies

_RECENT = 8


@dataclass(frozen=True, slots=True)
class Answered:
    """One request as it was answered: the exchange, what it says, and what the contract has against it."""

    exchange: Exchange
    facts: Facts
    broken: tuple[Mismatch, ...]


@dataclass(slots=True)
class Side:
    """One target. `name`: what a reader calls it."""

    name: str
    client: Client
    document: Document
    credentials: Credentials
    plan: Plan
    stages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    session: Session = field(init=False)
    reader: Reader = field(init=False)
    ids: dict[str, str] = field(default_factory=dict)
    at_the_start: dict[tuple[str, str], Mismatch] = field(default_factory=dict)
    broken: dict[int, tuple[Mismatch, ...]] = field(default_factory=dict)
    attend: Callable[[Session], None] = lambda _: None
    """Told of the session before anything is sent."""
    astray: bool = False
    """Whether something was not put back that another try may put back."""
    recent: deque[Exchange] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def survey(self) -> None:
        """Find out which stages and services there are. Raises what `discover.survey` raises."""
        self.session = Session(self.client, self.document, self.credentials, Findings(()))
        self.attend(self.session)
        self.stages, self.services, _ = survey(self.session, self.plan)
        self.session.listen.append(self._hear)

    def bind(self, sequence: Asked) -> None:
        """Let the ids of the sequence stand for those of this target, as far as it has them."""
        own: dict[tuple[str, int], str | None] = {("environment", 0): self.session.oracle.environment}
        own |= {("stage", number): key for number, key in enumerate(self.stages)}
        own |= {("service", number): key for number, key in enumerate(self.services)}
        for table, things in (("second", self.plan.second), ("foreign", self.plan.foreign)):
            own |= {(f"{table}.{kind}", 0): getattr(things, kind) for kind in ("environment", "stage", "service")}
        self.ids = {
            key: self.session.spell.id(canonical(found))
            for key, stands_for in sequence.ids.items()
            if (found := own.get(stands_for)) is not None
        }
        called = {key: _called(*stands_for) for key, stands_for in sequence.ids.items()}
        self.reader = Reader({canonical(own_id): called[key] for key, own_id in self.ids.items()})

    def begin(self, placements: Mapping[str, Placement]) -> None:
        """Bring everything to where the sequence begins, and take note of how it looks there."""
        self.client.phase = "set up"
        self.broken.clear()
        self.place(placements)
        for found in self.broken.values():
            self.at_the_start |= {(m.requirement, m.cause): m for m in found}
        if OperationKey.LIST in self.session.offers:
            exchange = self.session.read(ReadList(self.session.oracle.environment))
            self.reader.remember(payload_of(exchange)[0])
        elif self.services:
            service = self.services[0]
            here = self.session.world.placements.get(service, Placement(self.stages[0], skipped=False))
            exchange = self.session.attach(service, here.stage, bodies.FALSE)
            self.reader.remember(payload_of(exchange)[0])

    def clear(self) -> None:
        """Remove the stages that were made here, and take note of what there is then."""
        for made in self.session.created:
            self.reader.ids.pop(made, None)
        for _ in tidy(self.session, self.stages[0]):
            pass
        self.ids = {key: own for key, own in self.ids.items() if canonical(own) in self.reader.ids}
        if OperationKey.LIST in self.session.offers:
            self.reader.remember(payload_of(self.session.read(ReadList(self.session.oracle.environment)))[0])

    def place(self, placements: Mapping[str, Placement]) -> None:
        """Put the services where they should be; `placements`: in ids of the sequence."""
        for service, place in placements.items():
            if service in self.ids and place.stage in self.ids:
                own, stage = canonical(self.ids[service]), canonical(self.ids[place.stage])
                if own in self.services:
                    self.recent.append(self.session.attach(own, stage, bodies.FALSE))
                    if place.skipped:
                        self.recent.append(self.session.attach(own, stage, bodies.TRUE))

    def lacks(self, sent: Sent, known: Mapping[str, tuple[str, int]]) -> str | None:
        """What this target's config does not have that a request needs; None if it has all."""
        recipe = sent.message.credential.recipe
        if not self.plan.manage and sent.request is not None and is_management(sent.request):
            return "leave to manage stages ([target] manage_stages is false)"
        if recipe is not None and getattr(self.credentials, recipe.secret) is None and not self._own(sent):
            return f"[auth] {recipe.secret}"
        missing = [key for key in named(sent, known) if key not in self.ids]
        return f"[{known[missing[0]][0].replace('.', '] ')}" if missing else None

    def _own(self, sent: Sent) -> bool:
        recipe = sent.message.credential.recipe
        return recipe is not None and recipe.how is None and (recipe.scheme, recipe.secret) == ("Token", "token")

    def ask(self, sent: Sent) -> Answered:
        """Send one request of the sequence, and read the answer."""
        session = self.session
        mine = about(sent, self.ids)
        message = replace(mine.message, credential=self._credential(sent))
        if mine.request is None:
            exchange = self.client.send(message)
            self.recent.append(exchange)
            return Answered(exchange, self.reader.facts(exchange), ())
        session.oracle.looking = sent.looking
        self.broken.clear()
        exchange = session.perform(mine.request, message)
        self.recent.append(exchange)
        broken = {(m.requirement, m.cause): m for m in self.broken.get(exchange.number, ())}
        broken |= {(m.requirement, m.cause): m for m, number in session.latest if number == exchange.number}
        made, stands_for = session.made_by(exchange), made_by(sent)
        if made is not None and stands_for is not None:
            self.ids[stands_for] = made
            self.reader.ids[made] = f"new stage {len(session.made.names)}"
        facts = self.reader.facts(exchange)
        if broken:
            facts["broken promises"] = ", ".join(sorted({requirement for requirement, _ in broken}))
        return Answered(exchange, facts, tuple(broken.values()))

    def _hear(self, judged: Judged) -> None:
        """Keep what is wrong with each answer: to look at it twice makes the session forget it."""
        self.broken[judged.exchange.number] = judged.judgement.mismatches

    def _credential(self, sent: Sent) -> Credential:
        credential = sent.message.credential
        recipe = credential.recipe
        if recipe is None:
            return credential
        if self._own(sent):
            # Whoever has no API token uses the target with what they have.
            return self.credentials.own
        return self.credentials.made(credential.name, recipe, credential.shown or credential.name)

    @property
    def keeps_stages(self) -> bool:
        """Whether it seems that stages which are made here stay for good."""
        return self.session.made.staying(self.session.world.stages) >= MOST_STAYING

    def leave(self, *, sure: bool = True) -> list[str]:
        """Put everything back; what could not be. `sure`: whether what is believed of it may be relied on."""
        if not hasattr(self, "session") or not hasattr(self.session, "oracle"):
            return []
        self.client.phase = "restore"
        self.astray = True
        way_home = WayHome(self.session, self.session.journal, sure=sure)
        left = way_home.go()
        self.astray = way_home.astray
        return [f"{self.name}: {note}" for note in left]


def _called(kind: str, number: int) -> str:
    """`stage A`, `service 1`, `second stage`."""
    if kind == "stage":
        return f"stage {chr(ord('A') + number) if number < 26 else number + 1}"
    return f"service {number + 1}" if kind == "service" else kind.replace(".", " ")
