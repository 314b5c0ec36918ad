"""ERR-*: requests a target must not carry out, each followed by a look at the state (STATE-6).

Every refused request is one that would show if it were carried out: it is addressed to a stage that the service is
not in. The first case of each requirement is the likeliest to find something; the rest follows when there is budget.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from stagecheck.exchange import Credential, Exchange, HttpRequest
from stagecheck.model.requests import OWN, Attach, Form, OtherMethod, ReadService, ReadStage
from stagecheck.operations import OperationKey
from stagecheck.suite.sent import NOTHING_ELSE, Also
from stagecheck.suite.session import Session
from stagecheck.suite.tour import Tour
from stagecheck.wire import bodies, spell
from stagecheck.wire.bodies import Body

OTHER_METHODS = ("POST", "DELETE", "PATCH", "GET")
"""Methods that the contract does not know on the attach path (ERR-7). HEAD and OPTIONS belong to HTTP itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """One directed request: the requirement it is about, a name, how it is sent, and whether every profile tries it."""

    requirement: str
    name: str
    send: Callable[[], object]
    first: bool = True


class Refusals:
    """The cases of one session. Ids are chosen when a case is sent, by where the service is then."""

    def __init__(self, session: Session, tour: Tour, randomness: random.Random, *, thorough: bool) -> None:
        self.session = session
        self.tour = tour
        self.random = randomness
        self.thorough = thorough

    @property
    def service(self) -> str:
        """The first service that is known to be somewhere."""
        known = self.session.world.placements
        return next(
            (service for service in self.tour.ground.services if service in known), self.tour.ground.services[0]
        )

    def cases(self) -> Iterator[Case]:
        """Every case, the most telling of each requirement first."""
        yield from self._unknown()
        yield from self._bodies()
        yield from self._malformed_ids()
        yield from self._methods()
        yield from self._robustness()

    # ------------------------------------------------------------------ how a case is sent

    def refused(
        self,
        *,
        stage: str | None = None,
        service: str | None = None,
        body: Body | None = None,
        caller: str = OWN,
        credential: Credential | None = None,
        also: Also = NOTHING_ELSE,
    ) -> Exchange:
        """Send an attach request that must be refused, look whether anything changed, and return its exchange.

        `body`: None for one that is no reason to refuse.
        """
        subject, body = self.service, body or self.session.plain
        self.opposite(subject, body)
        self.session.baseline(subject)
        goal = stage if stage is not None else self.tour.other(subject)
        exchange = self.session.attach(
            service if service is not None else subject, goal, body, caller=caller, credential=credential, also=also
        )
        self.session.look(subject)
        return exchange

    def opposite(self, service: str, body: Body) -> None:
        """Put the flag where the request would change it if it were carried out: true is tried on an un-skipped one.

        A short run has no requests for that; it skips the service once before all cases.
        """
        if not self.thorough or not self.session.remembers:
            return
        here = self.tour.placement(service)
        wanted = body.form not in (Form.TRUE, Form.TEXT_TRUE, Form.WRONG_TYPE)
        if here.skipped != wanted:
            self.session.attach(service, here.stage, bodies.TRUE if wanted else self.session.plain)

    def unknown_id(self) -> str:
        """A well-formed id that nothing has."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    # ------------------------------------------------------------------ ERR-2

    def _unknown(self) -> Iterator[Case]:
        yield Case("ERR-2", "unknown stage", lambda: self.refused(stage=self.unknown_id()))
        yield Case("ERR-2", "unknown service", lambda: self.refused(service=self.unknown_id()))
        yield Case(
            "ERR-2",
            "unknown stage, flag true",
            lambda: self.refused(stage=self.unknown_id(), body=bodies.TRUE),
            first=False,
        )
        yield Case(
            "ERR-2",
            "unknown service, flag true",
            lambda: self.refused(service=self.unknown_id(), body=bodies.TRUE),
            first=False,
        )
        yield Case(
            "ERR-2",
            "unknown stage and service",
            lambda: self.refused(stage=self.unknown_id(), service=self.unknown_id(), body=bodies.FALSE),
            first=False,
        )
        yield Case(
            "ERR-2",
            "stage id as service",
            lambda: self.refused(service=self.tour.placement(self.service).stage),
            first=False,
        )
        for name, bits in (("nil", 0), ("max", 2**128 - 1)):
            odd = str(uuid.UUID(int=bits))
            yield Case("ERR-2", f"the {name} UUID as stage", self._strange(stage=odd), first=False)
            yield Case("ERR-2", f"the {name} UUID as service", self._strange(service=odd), first=False)
        for body in (self.session.plain, bodies.TRUE):
            name = f"unknown service to the stage of a skipped one, {body.name}"
            yield Case("ERR-2", name, self._to_the_skipped(body), first=False)
        yield Case("ERR-2", "service id as stage", lambda: self.refused(stage=self.service), first=False)
        if OperationKey.GET_SERVICE_STAGE in self.session.offers:
            yield Case(
                "ERR-2", "stage of an unknown service", lambda: self.session.read(ReadService(self.unknown_id()))
            )
        if OperationKey.GET_STAGE in self.session.offers:
            yield Case("ERR-2", "read of an unknown stage", lambda: self.session.read(ReadStage(self.unknown_id())))

    def _strange(self, *, stage: str | None = None, service: str | None = None) -> Callable[[], object]:
        return lambda: self.refused(stage=stage, service=service)

    def _to_the_skipped(self, body: Body) -> Callable[[], object]:
        """Whoever forgets that nothing was found may change what stands in the addressed stage."""

        def send() -> None:
            if self.thorough:
                self.opposite(self.service, self.session.plain)
            self.session.baseline(self.service)
            self.session.attach(self.unknown_id(), self.tour.placement(self.service).stage, body)
            self.session.look(self.service)

        return send

    # ------------------------------------------------------------------ ERR-4, ERR-5, ERR-6, ERR-8

    def _bodies(self) -> Iterator[Case]:
        groups = (
            ("ERR-5", bodies.MALFORMED, 2),
            ("ERR-4", bodies.WRONG_TYPE, 2),
            ("ERR-6", bodies.NOT_OBJECT, 2),
            ("ERR-4", bodies.LENIENT, 1),
            ("ERR-8", bodies.OTHER_MEDIA, 1),
        )
        for requirement, group, first in groups:
            for position, body in enumerate(group):
                yield Case(requirement, body.name, self._body(body), first=position < first)

    def _body(self, body: Body) -> Callable[[], object]:
        return lambda: self.refused(body=body)

    # ------------------------------------------------------------------ ERR-3

    def _malformed_ids(self) -> Iterator[Case]:
        yield Case("ERR-3", "service id cut by one character", lambda: self.refused(service=self.service[:-1]))
        yield Case("ERR-3", "stage id with one character more", lambda: self.refused(stage=self._goal() + "0"))
        yield Case("ERR-3", "a word as stage", lambda: self.refused(stage="not-a-uuid"))
        yield Case("ERR-3", "a number as service", lambda: self.refused(service="1"), first=False)
        yield Case(
            "ERR-3", "a word as service, flag true", lambda: self.refused(service="api", body=bodies.TRUE), first=False
        )
        yield Case(
            "ERR-3",
            "service id with a letter that is no digit",
            lambda: self.refused(service=self._wrong()),
            first=False,
        )
        yield Case("ERR-3", "stage id cut in half", lambda: self.refused(stage=self._goal()[:18]), first=False)

    def _goal(self) -> str:
        return self.tour.other(self.service)

    def _wrong(self) -> str:
        return self.service[:-1] + "g"

    # ------------------------------------------------------------------ ERR-7

    def _methods(self) -> Iterator[Case]:
        for position, method in enumerate(OTHER_METHODS):
            yield Case("ERR-7", method, self._method(method), first=position < 2)

    def _method(self, method: str) -> Callable[[], object]:
        def send() -> None:
            self.session.baseline(self.service)
            goal = self._goal()
            body = bodies.TRUE if method in ("POST", "PATCH") else None
            path = self.session.spell.attach(
                Attach(goal, self.service, Form.ABSENT), bodies.NO_BODY, self.session.credentials.own
            ).path
            message = spell.raw(method, path, body, self.session.credentials.own)
            self.session.perform(OtherMethod(method, goal, self.service), message)
            self.session.look(self.service)

        return send

    # ------------------------------------------------------------------ ERR-1

    def _robustness(self) -> Iterator[Case]:
        odd = (
            ("a NUL in the stage id", "%00", None),
            ("a NUL behind the service id", None, f"{self.service}%00"),
            ("a very long stage id", "a" * 4000, None),
            ("a very long service id", None, "f" * 4000),
            ("characters beyond ASCII", "%C3%A9%E2%82%AC", None),
            ("a quote and a comment", None, "'%20OR%201=1--"),
            ("bytes that are no UTF-8", "%FF%FE", None),
            ("a broken percent-encoding", None, "%zz"),
        )
        for position, (name, stage, service) in enumerate(odd):
            yield Case("ERR-1", name, self._odd_path(stage, service), first=position < 3)
        for name, body in _ODD_BODIES:
            yield Case("ERR-1", name, self._odd_body(body), first=False)

    def _odd_path(self, stage: str | None, service: str | None) -> Callable[[], object]:
        """A raw path: percent-encoded as given, which is no UUID whatever a server decodes it to."""

        def send() -> None:
            self.session.baseline(self.service)
            goal = stage if stage is not None else self.session.spell.id(self._goal())
            subject = service if service is not None else self.session.spell.id(self.service)
            message = self._message("PUT", f"/deploymentStage/{goal}/service/{subject}")
            self.session.perform(Attach(goal, subject, Form.ABSENT), message)
            self.session.look(self.service)

        return send

    def _odd_body(self, body: Body) -> Callable[[], object]:
        """A body that the contract does not judge: anything but a 5xx will do, and a 4xx changes nothing."""

        def send() -> None:
            self.session.baseline(self.service)
            self.session.attach(self.service, self._goal(), body)
            self.session.look(self.service)

        return send

    def _message(self, method: str, path: str) -> HttpRequest:
        return spell.raw(method, path, None, self.session.credentials.own)


def _odd(name: str, content: bytes) -> tuple[str, Body]:
    return name, Body(name, Form.UNJUDGED, bodies.JSON, content)


_ODD_BODIES = (
    _odd("a byte order mark before the JSON", b'\xef\xbb\xbf{"is_skipped": true}'),
    _odd("the flag twice", b'{"is_skipped": true, "is_skipped": false}'),
    _odd("bytes that are no UTF-8 in the body", b'{"is_skipped": \xff\xfe}'),
    _odd("deeply nested arrays", b"[" * 2000 + b"]" * 2000),
    _odd("a very long number", b'{"is_skipped": ' + b"9" * 5000 + b"}"),
    _odd("a number that no column holds", b'{"is_skipped": 9223372036854775808}'),
    _odd("a number that no double holds", b'{"is_skipped": 1e400}'),
    _odd("100 kB of an unknown property", b'{"is_skipped": false, "comment": "' + b"x" * 100_000 + b'"}'),
    _odd("white space alone", b"   "),
)


def in_turns(cases: list[Case]) -> tuple[list[Case], list[Case], list[Case]]:
    """The most telling case of each requirement, then the other first ones and the rest, the requirements in turns."""
    of_each: dict[str, list[Case]] = {}
    for case in cases:
        of_each.setdefault(case.requirement, []).append(case)
    rounds = [case for group in zip_longest(*of_each.values()) for case in group if case is not None]
    telling = [group[0] for group in of_each.values()]
    others = [case for case in rounds if of_each[case.requirement][0] is not case]
    return telling, [case for case in others if case.first], [case for case in others if not case.first]
