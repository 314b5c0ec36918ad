"""AUTH-*: worthless, broken and foreign credentials, and moves across environments, on every operation offered.

Each refusal must change nothing (STATE-6) and, where another organization asks, show nothing of this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from stagecheck import witness
from stagecheck.exchange import Credential, Exchange
from stagecheck.model.compare import Mismatch, places_of
from stagecheck.model.requests import (
    BAD_JWT,
    FOREIGN,
    NOBODY,
    UNPROVEN,
    Attach,
    Read,
    ReadList,
    ReadService,
    ReadStage,
)
from stagecheck.model.state import Placement, canonical, is_uuid
from stagecheck.operations import OperationKey
from stagecheck.suite.plan import Plan, Things
from stagecheck.suite.refusals import Case, Refusals
from stagecheck.suite.sent import Also
from stagecheck.suite.transient import sent
from stagecheck.target.credentials import NONE
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body
from stagecheck.witness import Witness

_Places = dict[str, Placement]
_SHORTEST_NAME = 4
_IN_READS = ("tampered_payload", "tampered_signature", "alg_none", "no_signature")
"""Which broken JWTs are tried in reads as well: whoever looks at them there at all looks at all of them."""
_CROSSING = (bodies.NO_BODY, bodies.TRUE, bodies.FALSE, bodies.EMPTY_OBJECT)
"""Every way to move or skip, for requests across the borders of an environment."""


class Auth:
    """The credential cases of one session. `lacking` says why a requirement cannot be tested."""

    def __init__(self, refusals: Refusals, plan: Plan) -> None:
        self.refusals = refusals
        self.session = refusals.session
        self.tour = refusals.tour
        self.plan = plan
        self.lacking = self._lacking()
        self._foreign_alive: bool | None = None
        self._bearer_alive: bool | None = None
        self._second_at_first: _Places | None = None

    @property
    def service(self) -> str:
        """The service that the refused requests are about."""
        return self.refusals.service

    def _lacking(self) -> dict[str, str]:
        credentials, missing = self.session.credentials, {}
        if credentials.own.header is None:
            missing["AUTH-1"] = "no [auth] token or jwt in the config: the target is used without credentials"
            missing["AUTH-5"] = missing["AUTH-1"]
        if not list(credentials.broken_jwts()):
            missing["AUTH-2"] = "no [auth] jwt (a signed one of three parts) or expired_jwt in the config"
        if credentials.foreign_token is None:
            missing["AUTH-3"] = "no [auth] foreign_token in the config"
        if not (self.plan.second.stage or self.plan.second.service):
            missing["AUTH-4"] = "no [second] stage or service in the config"
        return missing

    def cases(self) -> Iterator[Case]:
        """Every case whose credential or things the config gives, the most telling first."""
        for part in (self._worthless, self._broken_jwts, self._foreign, self._across, self._respelled):
            for case in part():
                if case.requirement not in self.lacking:
                    yield case

    def reading(self) -> Iterator[Case]:
        """The cases that only read; without reads there are none."""
        reads, credentials = self._reads(), self.session.credentials
        for read in reads:
            for credential in credentials.worthless() if credentials.own.header is not None else ():
                yield Case("AUTH-1", credential.name, self._read(read, credential, NOBODY))
            for credential in credentials.broken_jwts() if self._jwt_alive() else ():
                yield Case("AUTH-2", credential.name, self._read(read, credential, BAD_JWT))
            for credential in credentials.respelled():
                spelled = replace(read, spelling="AUTH-5")
                message = self.session.spell.read(read, credential)
                yield Case("AUTH-5", credential.name, partial(self.session.perform, spelled, message))
            if credentials.foreign_token is not None:
                yield Case("AUTH-3", str(read), self._foreign_read(read, credentials.foreign))
        if reads and credentials.foreign_token is not None:
            yield from self._foreign_reads(self.plan.foreign)

    # ------------------------------------------------------------------ AUTH-1, AUTH-2

    def _worthless(self) -> Iterator[Case]:
        for position, credential in enumerate(self.session.credentials.worthless()):
            body = bodies.TRUE if position % 3 == 2 else None
            yield Case(
                "AUTH-1", credential.name, self._attach(credential, NOBODY, body), first=position in (0, 1, 4, 5)
            )
        yield Case("AUTH-1", "no credential, flag true", self._attach(NONE, NOBODY, bodies.TRUE), first=False)
        for credential in self.session.credentials.worthless():
            for read in self._reads():
                name = f"{type(read).__name__} with {credential.name}"
                yield Case("AUTH-1", name, self._read(read, credential, NOBODY), first=credential.header is None)

    def _broken_jwts(self) -> Iterator[Case]:
        broken = list(self.session.credentials.broken_jwts())
        for position, credential in enumerate(broken):
            first = position < 3 or "expired" in credential.name
            yield Case("AUTH-2", credential.name, self._broken(credential), first=first)
        for credential in broken:
            if not (credential.recipe and credential.recipe.how in _IN_READS) and "expired" not in credential.name:
                continue
            for read in self._reads():
                name = f"{type(read).__name__} with {credential.name}"
                yield Case("AUTH-2", name, self._read(read, credential, BAD_JWT), first=False)

    def _broken(self, credential: Credential) -> Callable[[], object]:
        def send() -> None:
            if self._jwt_alive():
                self.refusals.refused(caller=BAD_JWT, credential=credential)

        return send

    def _jwt_alive(self) -> bool:
        """The JWT as it is must be let in, else its broken forms are refused for another reason."""
        jwt = self.session.credentials.jwt
        if self._bearer_alive is None and jwt:
            reads = self._reads()
            bearer = self.session.credentials.bearer
            here = self.tour.placement(self.service)
            body = bodies.TRUE if here.skipped else bodies.FALSE
            message = (
                self.session.spell.read(reads[0], bearer)
                if reads
                else self.session.spell.attach(Attach(here.stage, self.service, body.form), body, bearer)
            )
            status = sent(self.session.client, message).status
            self._bearer_alive = status not in (401, 403)
            if not self._bearer_alive:
                self.lacking["AUTH-2"] = f"[auth] jwt itself was answered {status}: is it still valid?"
        return self._bearer_alive is not False

    def _attach(self, credential: Credential, caller: str, body: Body | None) -> Callable[[], object]:
        return lambda: self.refusals.refused(body=body, caller=caller, credential=credential)

    def _read(self, read: Read, credential: Credential, caller: str) -> Callable[[], object]:
        def send() -> None:
            meant = type(read)(_id_of(read), caller)
            self.session.perform(meant, self.session.spell.read(read, credential))

        return send

    def _reads(self) -> list[Read]:
        """One read of each kind offered, of things of this organization."""
        reads: list[Read] = []
        offers = self.session.offers
        if OperationKey.LIST in offers:
            reads.append(ReadList(self.session.oracle.environment))
        if OperationKey.GET_STAGE in offers:
            reads.append(ReadStage(self.tour.placement(self.service).stage))
        if OperationKey.GET_SERVICE_STAGE in offers:
            reads.append(ReadService(self.service))
        return reads

    # ------------------------------------------------------------------ AUTH-3

    def _foreign(self) -> Iterator[Case]:
        foreign = self.session.credentials.foreign
        yield Case("AUTH-3", "a foreign credential moves", self._foreign_attach(self.session.plain))
        for read in self._reads():
            name = f"a foreign credential: {type(read).__name__}"
            yield Case("AUTH-3", name, self._foreign_read(read, foreign))
        yield Case(
            "AUTH-3", "a foreign credential skips", self._foreign_attach(bodies.TRUE, in_place=True), first=False
        )
        yield from self._foreign_things(self.plan.foreign)

    def _foreign_attach(self, body: Body, *, in_place: bool = False) -> Callable[[], object]:
        def send() -> None:
            if not self.alive():
                return
            self.refusals.opposite(self.service, body)
            self.session.baseline(self.service)
            here = self.tour.placement(self.service).stage
            goal = here if in_place else self.tour.other(self.service)
            foreign = self.session.credentials.foreign
            self.session.attach(
                self.service, goal, body, caller=self.foreign_caller(), credential=foreign, also=Also(self._leaks)
            )
            self.session.look(self.service)

        return send

    def _foreign_read(self, read: Read, credential: Credential) -> Callable[[], object]:
        def send() -> None:
            if not self.alive():
                return
            meant = type(read)(_id_of(read), self.foreign_caller())
            self.session.perform(meant, self.session.spell.read(read, credential), Also(self._leaks))

        return send

    def _foreign_things(self, foreign: Things) -> Iterator[Case]:
        """Our credential on the other organization's things: the same promise, the other way round."""
        for body in _CROSSING:
            if foreign.stage:
                name = f"our service to a foreign stage, {body.name}"
                yield Case("AUTH-3", name, self._refused(foreign.stage, body), first=False)
            if foreign.service:
                name = f"a foreign service to our stage, {body.name}"
                yield Case("AUTH-3", name, self._abduction(foreign.service, foreign, body), first=False)
        yield from self._foreign_reads(foreign)

    def _foreign_reads(self, foreign: Things) -> Iterator[Case]:
        if foreign.stage and OperationKey.GET_STAGE in self.session.offers:
            stage = ReadStage(canonical(foreign.stage))
            yield Case("AUTH-3", "reading a foreign stage", lambda: self.session.read(stage), first=False)
        if foreign.service and OperationKey.GET_SERVICE_STAGE in self.session.offers:
            service = ReadService(canonical(foreign.service))
            yield Case("AUTH-3", "reading a foreign service", lambda: self.session.read(service), first=False)
        if foreign.environment and OperationKey.LIST in self.session.offers:
            environment = canonical(foreign.environment)
            yield Case(
                "AUTH-3", "listing a foreign environment", lambda: self.session.read(ReadList(environment)), first=False
            )

    def _refused(self, stage: str, body: Body) -> Callable[[], object]:
        return lambda: self.refusals.refused(stage=stage, body=body)

    def _abduction(self, service: str, home: Things, body: Body) -> Callable[[], object]:
        return lambda: self._abduct(service, home, body)

    def _abduct(self, service: str, home: Things, body: Body, before: _Places | None = None) -> None:
        """Try to move another environment's service to ours; a target that lets us is made to take it back."""
        placed = before.get(canonical(service)) if before else None
        stage = placed.stage if placed else home.stage
        credential = self.session.credentials.foreign if home is self.plan.foreign else self.session.credentials.own

        def take_back(exchange: Exchange) -> None:
            if exchange.status != 200 or stage is None:
                return
            for form in (bodies.FALSE, bodies.TRUE) if placed and placed.skipped else (bodies.FALSE,):
                request = Attach(stage, service, form.form)
                sent(self.session.client, self.session.spell.attach(request, form, credential))

        take_back(self.refusals.refused(service=service, body=body, also=Also(undo=take_back)))
        self.session.baseline(self.service)

    def alive(self) -> bool:
        """Whether the foreign credential is let in where it belongs: a dead one would be refused for another reason."""
        environment = self.plan.foreign.environment
        if self._foreign_alive is None and environment and OperationKey.LIST in self.session.offers:
            message = self.session.spell.read(ReadList(environment), self.session.credentials.foreign)
            status = sent(self.session.client, message).status
            self._foreign_alive = status not in (401, 403)
            if not self._foreign_alive:
                self.lacking["AUTH-3"] = (
                    f"[auth] foreign_token was answered {status} for its own [foreign] environment: is it still valid?"
                )
        return self._foreign_alive is not False

    def foreign_caller(self) -> str:
        """Whose request it is: proved to be the other organization's, or only said to be."""
        return FOREIGN if self._foreign_alive else UNPROVEN

    def _leaks(self, exchange: Exchange) -> Iterator[Mismatch]:
        """AUTH-3: a refusal shows nothing of this organization but what the asker named."""
        if exchange.status is None or not 400 <= exchange.status < 500:
            return
        leaked = _leak(exchange, self._own_texts())
        if leaked is not None and ("text" in leaked[1] or not self._says_it_anyway(exchange, leaked[0])):
            text, shows = leaked
            yield Mismatch(
                "AUTH-3",
                "leak",
                f"the refusal of another organization's request ({exchange.status}) shows {text!r} of this one",
                "a refusal that shows nothing of this organization",
                f"an answer with {text!r}",
                "leak",
                witness=shows,
            )

    def _says_it_anyway(self, exchange: Exchange, name: str) -> bool:
        """Whether the same words stand in a refusal about nothing of ours, or about another thing: the target's own."""
        spell, world = self.session.spell, self.session.world
        named = [key for key in (*world.stages, *world.services) if spell.id(key) in exchange.request.path]
        unknown = other = exchange.request.path
        for key in (*named, self.session.oracle.environment):
            unknown = unknown.replace(spell.id(key), self.refusals.unknown_id())
        for key in named:
            peers = world.stages if key in world.stages else world.services
            home = self.session.oracle.environment
            peer = next((one for one in peers if one != key and world.environment_of(one) == home), key)
            other = other.replace(spell.id(key), spell.id(peer))
        controls = [sent(self.session.client, replace(exchange.request, path=path)) for path in {unknown, other}]
        return any(_stands_in(name, control) for control in controls)

    def _own_texts(self) -> list[tuple[str, Witness]]:
        """What a stranger must not be shown, each with the witness of its absence."""
        world, environment = self.session.world, self.session.oracle.environment
        texts: list[tuple[str | None, Witness]] = [(environment, witness.hides(environment))]
        for stage in world.stages.values():
            if stage.environment == environment:
                texts.append((stage.id, witness.hides(stage.id)))
                texts.append((stage.name, witness.hides_attribute(stage.id, "name")))
                texts.append((stage.description, witness.hides_attribute(stage.id, "description")))
        texts += [(s.id, witness.hides(s.id)) for s in world.services.values() if s.environment == environment]
        return [(text, shows) for text, shows in texts if text and len(text) >= _SHORTEST_NAME]

    # ------------------------------------------------------------------ AUTH-4, AUTH-5

    def _across(self) -> Iterator[Case]:
        second = self.plan.second
        for body in _CROSSING:
            first = body is bodies.NO_BODY
            if second.stage:
                name = f"our service to another environment, {body.name}"
                yield Case("AUTH-4", name, self._out(second.stage, body), first=first)
            if second.service:
                name = f"another environment's service to ours, {body.name}"
                yield Case("AUTH-4", name, self._into(second.service, body), first=first)

    def _out(self, stage: str, body: Body) -> Callable[[], object]:
        return lambda: self._crossing(stage=stage, body=body)

    def _into(self, service: str, body: Body) -> Callable[[], object]:
        return lambda: self._crossing(service=service, body=body)

    def watch_the_second(self) -> None:
        """STATE-2 across environments: whatever is done in one, the other one does not notice."""
        now = self._second_places(self._second_at_first, "STATE-2")
        self._second_at_first = self._second_at_first or now

    def _crossing(self, *, stage: str | None = None, service: str | None = None, body: Body = bodies.NO_BODY) -> None:
        """A move across environments, with a look at both of them."""
        self.refusals.opposite(self.service, body)
        before = self._second_places(None)
        if service is not None:
            self._abduct(service, self.plan.second, body, before)
        else:
            self.refusals.refused(stage=stage, body=body)
        if before is not None:
            self._second_places(before)

    def _second_places(self, before: _Places | None, requirement: str = "AUTH-4") -> _Places | None:
        """Where the second environment's list shows its services, if it can be listed; `before`: where they must be."""
        environment = self.plan.second.environment
        if environment is None or OperationKey.LIST not in self.session.offers:
            return None
        message = self.session.spell.read(ReadList(environment), self.session.credentials.own)

        def changed(exchange: Exchange) -> Iterator[Mismatch]:
            now = self._places(exchange)
            if before is not None and now is not None and now != before:
                crossing = requirement == "AUTH-4"
                yield Mismatch(
                    requirement,
                    "other-environment-changed",
                    "a move across environments changed the other environment"
                    if crossing
                    else "moves and skips in one environment changed the other one",
                    "the other environment as before",
                    "other placements or flags in it",
                    "state",
                    witness=witness.SAME_PLACES,
                )

        return self._places(self.session.perform(None, message, Also(changed)))

    def _places(self, exchange: Exchange) -> _Places | None:
        reply, _ = self.session.understand(OperationKey.LIST, exchange)
        if reply.shows is None:
            return None
        places, _ = places_of(reply.shows)
        return {service: where[0] for service, where in places.items()}

    def _respelled(self) -> Iterator[Case]:
        for position, credential in enumerate(self.session.credentials.respelled()):
            yield Case("AUTH-5", credential.name, self._respelled_move(credential), first=position == 0)

    def _respelled_move(self, credential: Credential) -> Callable[[], object]:
        def send() -> None:
            if credential.recipe and credential.recipe.secret == "jwt" and not self._jwt_alive():
                return
            goal, body = self.tour.other(self.service), self.session.plain
            request = Attach(canonical(goal), self.service, body.form, spelling="AUTH-5")
            self.session.perform(request, self.session.spell.attach(request, body, credential))

        return send


def _id_of(read: Read) -> str:
    if isinstance(read, ReadList):
        return read.environment
    return read.stage if isinstance(read, ReadStage) else read.service


def _leak(exchange: Exchange, texts: list[tuple[str, Witness]]) -> tuple[str, Witness] | None:
    """The first text of ours that stands in an answer and was not in the request."""
    asked = exchange.request.path.lower()
    found = ((text, shows) for text, shows in texts if text.lower() not in asked and _stands_in(text, exchange))
    return next(found, None)


def _stands_in(text: str, exchange: Exchange) -> bool:
    """Whether a text stands in an answer, not as a part of a longer word; ids in any letter case."""
    shown = exchange.body.decode("utf-8", "replace")
    flags = re.IGNORECASE if is_uuid(text) else re.NOFLAG
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", shown, flags) is not None
