"""One conversation with a target: everything is sent here, judged by the oracle, and put on record.

A session decides nothing about what to send; the explorers do. It knows which reads are offered, how to look at the
state with the least effort, and which exchanges show a violation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from stagecheck.exchange import Credential, Exchange, HttpRequest
from stagecheck.model.compare import Mismatch
from stagecheck.model.exercised import promised_by
from stagecheck.model.observation import Reply
from stagecheck.model.oracle import Judgement, Oracle
from stagecheck.model.past import subject_of
from stagecheck.model.requests import (
    OWN,
    Attach,
    CreateStage,
    DeleteStage,
    Manage,
    OtherMethod,
    Read,
    ReadList,
    ReadService,
    ReadStage,
    Request,
    is_management,
    is_read,
)
from stagecheck.model.state import World, canonical
from stagecheck.operations import OPERATIONS, READS, OperationKey
from stagecheck.spec import Document
from stagecheck.suite.assurance import assured
from stagecheck.suite.findings import Findings
from stagecheck.suite.made import Made
from stagecheck.suite.second_look import agrees, list_is_wrong, reattributed, stage_agrees
from stagecheck.suite.sent import (
    NOTHING_ELSE,
    Also,
    Judged,
    Sent,
    Signature,
    fingerprint,
    in_order,
    needs_earlier,
    some,
)
from stagecheck.suite.shapes import payload_of, shape_problems
from stagecheck.suite.transient import sent
from stagecheck.target.client import Client
from stagecheck.target.credentials import Credentials
from stagecheck.target.journal import Journal
from stagecheck.wire import bodies
from stagecheck.wire.answers import Habits, read_answer
from stagecheck.wire.bodies import Body
from stagecheck.wire.spell import Speller, operation_of


class Session:
    """`oracle` is set by discovery, once it is known which environment is addressed.

    `renew`: puts the target back to how it was before the run, where that can be done; what is tried again is then
    tried on a target without a past, of which `beginning` is known. `plain`: the first body with which the target
    moves a service; what is refused with it is not refused for the sake of the body. `remembers`: False for a target
    that was seen to keep no state.
    """

    oracle: Oracle

    def __init__(self, client: Client, document: Document, credentials: Credentials, findings: Findings) -> None:
        self.client = client
        self.document = document
        self.credentials = credentials
        self.findings = findings
        self.habits = Habits()
        self.spell = Speller(self.habits.spellings)
        self.offers: set[OperationKey] = set()
        self.plain = bodies.NO_BODY
        self.well_formed = True
        self.replaying = False
        self.remembers = True
        self.listen: list[Callable[[Judged], None]] = []
        """Told of every request that was judged and whose violations went on record."""
        self.raw_seen: set[Signature] = set()
        self.raw_ever: set[Signature] = set()
        self.recorded: dict[Signature, Signature] = {}
        self.log: list[Sent] = []
        self.first_seen: dict[Signature, int] = {}
        self.latest: list[tuple[Mismatch, int]] = []
        self.leads: dict[Signature, Sequence[Sent]] = {}
        self.renew: Callable[[], None] | None = None
        self.beginning: World | None = None
        self.sees_services = False
        self.journal = Journal()
        self.addressed: set[str] = set()
        self.made = Made()
        self._last_write: Exchange | None = None
        self._placed_by: dict[str, Exchange] = {}
        self._refusal: Exchange | None = None
        self._last_list: Exchange | None = None
        self._shown_before: Exchange | None = None
        self.good: HttpRequest | None = None

    @property
    def created(self) -> dict[str, str]:
        """The stages that the run has made and not deleted yet: id → name."""
        return self.made.there

    # ------------------------------------------------------------------ sending

    @property
    def world(self) -> World:
        """What is believed of the target now."""
        return self.oracle.world

    def attach(
        self,
        service: str,
        stage: str,
        body: Body = bodies.NO_BODY,
        *,
        caller: str = OWN,
        credential: Credential | None = None,
        respell: Collection[str] = (),
        also: Also = NOTHING_ELSE,
    ) -> Exchange:
        """PUT a service to a stage. `respell` names which ids come in another letter case (ERR-9)."""
        spelling = "ERR-9" if respell else None
        request = Attach(canonical(stage), canonical(service), body.form, caller, body.other_media, spelling)
        message = self.spell.attach(request, body, credential or self.credentials.own, respell)
        return self.perform(request, message, also)

    def read(self, request: Read, *, respell: bool = False) -> Exchange:
        """One of the three reads, the id in another letter case if asked for."""
        message = self.spell.read(request, self.credentials.own, respell=respell)
        return self.perform(replace(request, spelling="ERR-9") if respell else request, message)

    def manage(self, request: Manage, content: bytes | None = None) -> Exchange:
        """Create, edit, delete or move a stage. `content`: another body than the one that is meant."""
        return self.perform(request, self.spell.manage(request, self.credentials.own, content))

    def perform(self, request: Request | None, message: HttpRequest, also: Also = NOTHING_ELSE) -> Exchange:
        """Send a message that means `request`, judge the answer and record what it breaks.

        Without a `request` nothing but `also` is looked for; its `undo` is kept for whoever sends the message again.
        """
        before = self.world
        self.latest.clear()
        if isinstance(request, Attach):
            self.addressed.add(request.service)
        if isinstance(request, CreateStage):
            self.made.begin(request.name)
        exchange = sent(self.client, message, lambda: self.lost(request))
        if not self.replaying:
            self.log.append(Sent(request, message, before, self.oracle.looking, also))
        exchange = assured(self, request, exchange)
        if isinstance(request, CreateStage):
            request = self._named(request, exchange)
            if not self.replaying:
                self.log[-1] = replace(self.log[-1], request=request)
        if request is not None:
            self._judge(request, exchange)
        if also.inspect is not None:
            self._inspected(also.inspect(exchange), exchange)
        return exchange

    def _named(self, request: CreateStage, exchange: Exchange) -> CreateStage:
        """The request with the id of what it created; remembers that there is something to be removed."""
        made = self.made_by(exchange)
        self.made.answered(request.name, exchange.status, made, known=made in self.world.stages)
        return request if made is None else replace(request, new=made)

    def lost(self, request: Request | None) -> None:
        """Take note that nobody knows whether a request took effect, and hold nothing against the target for it."""
        if request is not None:
            self.oracle.judge(request, Reply(None))

    def made_by(self, exchange: Exchange) -> str | None:
        """The id of the stage that was created; None if none was, or no answer says which."""
        request = exchange.request
        if request.method != "POST" or exchange.status is None or not 200 <= exchange.status < 300:
            return None
        shown = read_answer(OperationKey.CREATE, payload_of(exchange)[0], self.habits)
        return shown.stages[0].id if shown is not None and shown.stages else None

    def judge(self, request: Request, exchange: Exchange) -> None:
        """Judge an exchange that was sent already, and record what it breaks."""
        if isinstance(request, CreateStage):
            request = self._named(request, exchange)
        if isinstance(request, Attach):
            self.addressed.add(request.service)
        self.log.append(Sent(request, exchange.request, self.world))
        self._judge(request, assured(self, request, exchange))

    def _judge(self, request: Request, exchange: Exchange) -> None:
        # What a method that the contract does not know answers has no shape to keep.
        strange = isinstance(request, OtherMethod)
        reply, problems = (Reply(exchange.status), []) if strange else self.understand(operation_of(request), exchange)
        self.well_formed = not any(problem.must is not False for problem in problems)
        self._inspected(problems, exchange)
        reply, shown_by = self._completed(request, reply, exchange)
        if reply.status is None:
            self.findings.unanswered.update(promised_by(self.world, request, self.oracle.environment))
        before = self.oracle.worlds
        judgement = self.oracle.judge(request, reply, fingerprint(exchange.request))
        self.findings.choose(judgement.choice)
        self.findings.exercise(judgement.exercised)
        fresh = self._noted(judgement.mismatches, shown_by)
        if judgement.expected is not None and any(self._answer_lies(m) for m in judgement.mismatches):
            self.oracle.consider(judgement.expected)
        if not self.replaying:
            for mismatch in judgement.mismatches:
                if mismatch not in fresh:
                    self.findings.again(*self.recorded.get((mismatch.requirement, mismatch.cause), ("", "")))
            self._record(request, exchange, judgement, fresh)
            for listener in self.listen:
                listener(Judged(request, exchange, reply, judgement, before, self.oracle.worlds))
        self._remember(request, exchange, reply)
        if reply.accepted:
            self.note_homes()

    def note_homes(self) -> None:
        """Remember where everything is that nothing has been asked of yet: that is where it has to be in the end."""
        untouched = {key: place for key, place in self.world.placements.items() if key not in self.addressed}
        self.journal.note(untouched)

    def _noted(self, mismatches: Iterable[Mismatch], shown_by: Exchange) -> list[Mismatch]:
        """What is seen for the first time, after taking note of all of it; `shown_by`: the answer that shows it."""
        named = {(mismatch.requirement, mismatch.cause): mismatch for mismatch in mismatches}
        self.latest += [(mismatch, shown_by.number) for mismatch in named.values()]
        fresh = [mismatch for signature, mismatch in named.items() if signature not in self.raw_ever]
        for signature in named:
            self.first_seen.setdefault(signature, len(self.log) - 1)
        self.raw_seen.update(named)
        self.raw_ever.update(named)
        return fresh

    def _inspected(self, mismatches: Iterable[Mismatch], exchange: Exchange) -> None:
        """Put on record what was found in one answer outside the oracle, under the name that it has."""
        found = list(mismatches)
        for mismatch in self._noted(found, exchange):
            signature = (mismatch.requirement, mismatch.cause)
            self.recorded.setdefault(signature, signature)
        if not self.replaying:
            for mismatch in found:
                self.findings.add(mismatch, (exchange,), exchange.number)

    def _record(self, request: Request, exchange: Exchange, judgement: Judgement, fresh: list[Mismatch]) -> None:
        """Put what is new on record, under the name it deserves after a second look."""
        if request.spelling and any(mismatch.requirement == request.spelling for mismatch in fresh):
            fresh = self._spelled_plainly(request, exchange, fresh)
        named = fresh
        after: tuple[Exchange, ...] = ()
        if isinstance(request, Attach) and any(mismatch.about in ("state", "stages") for mismatch in fresh):
            named, after = self._second_look(request, judgement, fresh)
        elif isinstance(request, ReadList) and judgement.expected is not None:
            named, after = self._seen_alone(judgement.expected, fresh)
        for first, mismatch in zip(fresh, named, strict=True):
            self.recorded[first.requirement, first.cause] = (mismatch.requirement, mismatch.cause)
            self.findings.add(mismatch, self._steps(request, exchange, mismatch, after), exchange.number)

    def _spelled_plainly(self, request: Request, exchange: Exchange, fresh: list[Mismatch]) -> list[Mismatch]:
        """Ask again in the ordinary spelling: what is refused then as well is not the spelling's fault."""
        plain = replace(request, spelling=None)
        if isinstance(plain, Attach):
            message = replace(exchange.request, path=self.spell.path(plain), credential=self.credentials.own)
        elif isinstance(plain, ReadList | ReadStage | ReadService):
            message = self.spell.read(plain, self.credentials.own)
        else:
            return fresh
        status = self.perform(plain, message).status
        if status is not None and status < 300:
            return fresh
        return [mismatch for mismatch in fresh if mismatch.requirement != request.spelling]

    def _answer_lies(self, mismatch: Mismatch) -> bool:
        """Whether a read has shown before that in this case the state is right and only the answer is wrong."""
        return self.recorded.get((mismatch.requirement, mismatch.cause), ("", ""))[1].startswith("answer")

    def _completed(self, request: Request, reply: Reply, exchange: Exchange) -> tuple[Reply, Exchange]:
        """A 200 that is silent about services, with what a read shows of them right after it, and which answer does.

        The schema asks for no `services`, so silence breaks nothing; where a read is offered, it is asked instead.
        """
        if not isinstance(request, Attach) or not reply.accepted or reply.speaks_of(request.service):
            return reply, exchange
        read = self.view(request.service)
        if read is None or isinstance(read, ReadStage):
            return reply, exchange
        look = self.client.send(self.spell.read(read, self.credentials.own))
        seen, _ = self.understand(operation_of(read), look)
        if seen.shows is None:
            return reply, exchange
        if reply.shows is None:
            return (Reply(reply.status, seen.shows), look) if seen.shows.of_list else (reply, exchange)
        entries = {stage.id: stage.entries for stage in seen.shows.stages}
        silent = () if seen.shows.of_list else None
        stages = tuple(replace(stage, entries=entries.get(stage.id, silent)) for stage in reply.shows.stages)
        return Reply(reply.status, replace(reply.shows, stages=stages)), look

    def understand(self, key: OperationKey, exchange: Exchange) -> tuple[Reply, list[Mismatch]]:
        """The answer by meaning, and what its shape breaks (SHAPE-1, SHAPE-2, SHAPE-3)."""
        status = exchange.status
        if status is None or not 200 <= status < 300 or OPERATIONS[key].answer == "none":
            return Reply(status), []
        # A document may leave the answer undescribed: then its form cannot be wrong.
        self.findings.exercise(("SHAPE-1", "SHAPE-2") if self.document.describes(key, 200) else ("SHAPE-2",))
        managed = key not in (OperationKey.ATTACH, *READS)
        # Of managing stages the contract asks for no status but what it says of 200.
        problems = [] if managed and status != 200 else list(shape_problems(self.document, key, exchange))
        payload, instead = payload_of(exchange)
        services = self.oracle.world.services if hasattr(self, "oracle") else ()
        shows = None if instead else read_answer(key, payload, self.habits, services)
        entries = (entry for stage in shows.stages for entry in stage.entries or ()) if shows else ()
        self.sees_services = self.sees_services or any(entry.service is not None for entry in entries)
        return Reply(status, shows), problems

    # ------------------------------------------------------------------ looking

    def look(self, service: str) -> Exchange | None:
        """Look at the state with the widest view that is offered, after something that should not have changed it.

        With the PUT alone, another service is put where it is, with the flag it has: its answer shows the rest.
        None where nothing can show it (one service, and no reads), or nothing is remembered.
        """
        if not self.remembers:
            return None
        read = self.view(service)
        if read is not None:
            return self.read(read)
        for other, placement in self.world.placements.items():
            if other != service and other in self.usable:
                self.oracle.looking = True
                try:
                    return self.attach(other, placement.stage, bodies.TRUE if placement.skipped else bodies.FALSE)
                finally:
                    self.oracle.looking = False
        return None

    usable: tuple[str, ...] = ()
    """The services that may be written to."""

    def view(self, service: str) -> Read | None:
        """The widest read that is offered and shows the service."""
        if OperationKey.LIST in self.offers:
            return ReadList(self.oracle.environment)
        if OperationKey.GET_SERVICE_STAGE in self.offers:
            return ReadService(service)
        placement = self.world.placements.get(service)
        if OperationKey.GET_STAGE in self.offers and placement is not None:
            return ReadStage(placement.stage)
        return None

    def baseline(self, service: str) -> None:
        """Make sure that the view agrees with the world before a refusal is tried, so that it may be blamed later."""
        read = self.view(service) if self.remembers else None
        if read is not None and not self.oracle.agrees(read):
            self.read(read)

    # ------------------------------------------------------------------ a second look at what seems wrong

    def _second_look(
        self, request: Attach, judgement: Judgement, fresh: list[Mismatch]
    ) -> tuple[list[Mismatch], tuple[Exchange, ...]]:
        """Ask a read whether the state is wrong, or the answer alone; the promise that broke depends on it."""
        read = self.view(request.service)
        if read is None or judgement.expected is None or isinstance(read, ReadStage):
            return fresh, ()
        look = self.client.send(self.spell.read(read, self.credentials.own))
        reply, _ = self.understand(operation_of(read), look)
        if reply.shows is None or reply.status != 200:
            return fresh, ()
        as_promised = agrees(judgement.expected, read, reply.shows, self.oracle.environment)
        if as_promised:
            self.oracle.consider(judgement.expected)
        shown = {stage.id for stage in reply.shows.stages} if reply.shows.of_list else set(self.world.stages)
        renamed = [reattributed(mismatch, shown, as_promised=as_promised) for mismatch in fresh]
        return renamed, (look,)

    def _seen_alone(self, expected: World, fresh: list[Mismatch]) -> tuple[list[Mismatch], tuple[Exchange, ...]]:
        """Ask for the stage alone that a list shows otherwise than it was managed, to see which of them is wrong."""
        subject = subject_of(fresh)
        if subject is None or OperationKey.GET_STAGE not in self.offers:
            return fresh, ()
        look = self.client.send(self.spell.read(ReadStage(subject), self.credentials.own))
        reply, _ = self.understand(OperationKey.GET_STAGE, look)
        if not stage_agrees(expected, subject, reply, self.oracle.environment):
            return fresh, (look,)
        return [list_is_wrong(mismatch, subject) for mismatch in fresh], (look,)

    # ------------------------------------------------------------------ which exchanges show it

    def _steps(
        self, request: Request, exchange: Exchange, mismatch: Mismatch, after: tuple[Exchange, ...]
    ) -> tuple[Exchange, ...]:
        """The fewest exchanges that tell the story: what put the service where it was, the request, the look."""
        if mismatch.requirement == "STATE-6" and self._refusal is not None:
            return (*self._setup(request), self._refusal, exchange)
        if is_read(request):
            if mismatch.about == "status":
                return (exchange,)
            shown = self._shown_before if needs_earlier(mismatch) else None
            return in_order((*some(shown), *some(self._last_write), exchange))
        if mismatch.about in ("status", "order") and mismatch.requirement.split("-")[0] in ("ERR", "AUTH"):
            return (exchange,)
        return in_order((*self._setup(request), *some(self._last_write), exchange, *after))

    def _setup(self, request: Request) -> tuple[Exchange, ...]:
        return some(self._placed_by.get(request.service)) if isinstance(request, Attach) else ()

    def _remember(self, request: Request, exchange: Exchange, reply: Reply) -> None:
        own = exchange.request.credential == self.credentials.own
        if reply.status == 200 and own and (is_read(request) or isinstance(request, Attach)):
            # What was answered last can be asked again without changing anything.
            self.good = exchange.request
        if isinstance(request, ReadList) and reply.accepted:
            self._last_list = exchange
        if is_read(request):
            return
        if isinstance(request, DeleteStage):
            self.made.asked_to_delete(request.stage, reply, empty=not self.world.services_in(request.stage))
        if reply.refused:
            self._refusal = exchange
        elif isinstance(request, Attach) and reply.accepted:
            self._last_write = exchange
            self._placed_by[request.service] = exchange
        elif is_management(request) and reply.accepted:
            self._last_write, self._shown_before = exchange, self._last_list
