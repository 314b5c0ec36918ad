"""Schemathesis: inputs generated from the document, valid and invalid, sent through our client and judged twice.

Its checks judge the form of each answer (SHAPE-1, SHAPE-2); the oracle judges the meaning: a generated request is
classified by what it says, and held against the same contract as every other one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.strategies import SearchStrategy

from stagecheck.errors import StagecheckError
from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.model.compare import Mismatch
from stagecheck.model.requests import Attach, Form, ReadList, ReadService, ReadStage, Request
from stagecheck.model.state import canonical
from stagecheck.operations import OperationKey
from stagecheck.spec.cases import Generated, judge, strategy
from stagecheck.suite.discover import Ground
from stagecheck.suite.sent import Also
from stagecheck.suite.session import Session
from stagecheck.wire.bodies import meaning

_READS = (OperationKey.LIST, OperationKey.GET_STAGE, OperationKey.GET_SERVICE_STAGE)
_PATHS = {
    OperationKey.ATTACH: re.compile(r"/deploymentStage/([^/]+)/service/([^/]+)"),
    OperationKey.LIST: re.compile(r"/environment/([^/]+)/deploymentStage"),
    OperationKey.GET_STAGE: re.compile(r"/deploymentStage/([^/]+)"),
    OperationKey.GET_SERVICE_STAGE: re.compile(r"/service/([^/]+)/deploymentStage"),
}


class Properties:
    """The property tests of one session."""

    def __init__(self, session: Session, ground: Ground) -> None:
        self.session = session
        self.ground = ground
        self.ended: StagecheckError | None = None

    def operations(self) -> list[OperationKey]:
        """What both the document has and the target offers."""
        documented = self.session.document.operations
        return [key for key in (OperationKey.ATTACH, *_READS) if key in documented and key in self.session.offers]

    def run(self, *, cases: int, requests: int, seed_: int) -> None:
        """Positive and negative cases of every operation, within `requests`."""
        self.session.client.phase = "properties"
        last = self.session.client.sent + requests
        plan = [(key, mode) for mode in ("positive", "negative") for key in self.operations()]
        for position, (key, mode) in enumerate(plan):
            generated = strategy(
                self.session.document, key, "positive" if mode == "positive" else "negative", self._ids
            )
            share = cases if key is OperationKey.ATTACH else max(1, cases // 3)
            _drive(generated, self._one(last), share, seed_ + position)
            if self.ended is not None:
                raise self.ended

    def _ids(self) -> dict[str, str | Sequence[str]]:
        return {
            "environmentId": self.session.spell.id(self.session.oracle.environment),
            "deploymentStageId": [self.session.spell.id(stage) for stage in self.ground.stages],
            "serviceId": [self.session.spell.id(service) for service in self.ground.services],
        }

    def _one(self, last: int) -> Callable[[Generated], None]:
        def send(case: Generated) -> None:
            client = self.session.client
            if self.ended is not None or client.sent >= last or client.left < 4:
                return
            try:
                self.case(case)
            except StagecheckError as error:
                # No finding: Hypothesis must not look for the shortest way to it.
                self.ended = error

        return send

    def case(self, case: Generated) -> None:
        """Send one generated request, and judge its answer by form and by meaning."""
        session = self.session
        message = HttpRequest(case.method, case.path, _headers(case), case.body, session.credentials.own)
        request = classify(case)
        service = self.ground.services[0]
        if case.mode == "negative":
            session.baseline(service)
        session.perform(request, message, Also(lambda exchange: self._by_schemathesis(case, exchange)))
        if case.mode == "negative" and case.key is OperationKey.ATTACH:
            session.look(service)

    def _by_schemathesis(self, case: Generated, exchange: Exchange) -> Iterator[Mismatch]:
        """What Schemathesis finds in an answer in which our own reading of the schema has found nothing."""
        if exchange.status is None or exchange.status >= 300 or not self.session.well_formed:
            return
        if not self.session.document.describes(case.key, exchange.status):
            return
        for problem in judge(self.session.document, case, exchange):
            cause = f"schemathesis:{case.key}:{problem.split(':')[0]}"
            yield Mismatch("SHAPE-1", cause, problem, "an answer of the document", problem, "shape")


def classify(case: Generated) -> Request:
    """What a generated request means; its fault, where the generator knows one, decides how it is judged."""
    match = _PATHS[case.key].fullmatch(case.path)
    ids = [canonical(unquote(part)) for part in match.groups()] if match else ["?", "?"]
    if case.key is OperationKey.LIST:
        return ReadList(ids[0])
    if case.key is OperationKey.GET_STAGE:
        return ReadStage(ids[0])
    if case.key is OperationKey.GET_SERVICE_STAGE:
        return ReadService(ids[0])
    headers = {name.lower(): value for name, value in case.headers.items()}
    form, other_media = meaning(headers.get("content-type"), case.body)
    if case.fault in ("garbage", "body", "parameter"):
        form = Form.UNJUDGED
    return Attach(ids[0], ids[1], form, other_media=other_media)


def _headers(case: Generated) -> tuple[tuple[str, str], ...]:
    return (("Accept", "application/json"), *case.headers.items())


def _drive(generated: SearchStrategy[Generated], send: Callable[[Generated], None], cases: int, seed_: int) -> None:
    """Let Hypothesis generate that many cases; `send` records what it finds and never fails."""
    bound = settings(
        max_examples=cases,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )

    @given(generated)
    def test(case: Generated) -> None:
        send(case)

    seed(seed_)(bound(test))()
