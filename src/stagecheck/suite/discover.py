"""The first requests: what the target offers, which things may be used, and where everything is now.

Works when only the PUT is offered: then the first move is made blindly, and its answer shows the rest. What the
config got wrong is told from what the target gets wrong by asking the target: a stage that its list leaves out but
that a PUT accepts is the target's fault, one that the PUT does not know is the config's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product

from stagecheck import witness
from stagecheck.errors import ConfigError, CredentialRefused, LeftAlone, TargetError
from stagecheck.exchange import Exchange
from stagecheck.model.absorb import learn
from stagecheck.model.compare import Mismatch
from stagecheck.model.observation import Observation
from stagecheck.model.oracle import Oracle
from stagecheck.model.requests import FOREIGN, OWN, Attach, ReadList, ReadService, ReadStage
from stagecheck.model.state import Placement, Service, Stage, World, canonical
from stagecheck.operations import OperationKey
from stagecheck.suite.plan import Plan, Touched
from stagecheck.suite.session import Session
from stagecheck.suite.transient import sent
from stagecheck.wire import bodies

UNKNOWN_ENVIRONMENT = "environment-under-test"
NOT_THERE = (404, 405, 501)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the run stands on: ids in canonical form, as many as the profile goes over, and all that may be used.

    `blind`: no answer shows where any service is.
    """

    environment: str
    stages: tuple[str, ...]
    services: tuple[str, ...]
    all_stages: tuple[str, ...]
    all_services: tuple[str, ...]
    notes: tuple[str, ...] = ()
    blind: bool = False


def discover(session: Session, plan: Plan) -> Ground:
    """Find out what can be done. Sets `session.oracle` and `session.offers`.

    Raises ConfigError when the config does not fit the target, CredentialRefused when the credential is not let in,
    TargetError when the PUT is not answered as such.
    """
    stages, services, listing = survey(session, plan)
    _first_move(session, stages, services, listing)
    _probe_late_list(session, plan)
    if session.world.complete:
        _check_listed(session, stages, services)
    _probe_stage_read(session, stages)
    blind = not session.sees_services and OperationKey.GET_SERVICE_STAGE not in session.offers
    notes: tuple[str, ...] = ()
    if not session.sees_services:
        # What is moved can hardly be put back, so one service has to do.
        seen = "refusals" if blind else "refusals, and in which stage a service is,"
        notes = (f"no answer shows the services of a stage, so nothing but {seen} could be judged, with one service",)
        services = services[:1]
    return Ground(
        session.oracle.environment,
        _spread(stages, plan.profile.stages),
        _spread(_varied(session, services), plan.profile.services),
        stages,
        services,
        notes,
        blind,
    )


def look_around(session: Session, plan: Plan) -> Ground:
    """The same by reads alone: whether the PUT is offered is not found out. Raises what `survey` raises."""
    stages, services, _ = survey(session, plan)
    session.offers.discard(OperationKey.ATTACH)
    _probe_late_list(session, plan)
    _probe_stage_read(session, stages)
    environment = session.oracle.environment
    return Ground(environment, stages, services, stages, services, blind=not session.sees_services)


def without(ground: Ground, services: Collection[str]) -> Ground:
    """The ground without some of its services. Raises LeftAlone where none is left."""
    left = tuple(service for service in ground.all_services if service not in services)
    if not left:
        raise LeftAlone("somebody else moves every service that may be used, so nothing more can be said")
    used = tuple(service for service in ground.services if service in left)
    return replace(ground, services=used or left[: len(ground.services)], all_services=left)


def survey(session: Session, plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...], Exchange | None]:
    """What reads alone show: the stages and services that may be used, where they are, and the list if it is offered.

    Sets `session.oracle`. Raises ConfigError, CredentialRefused.
    """
    session.client.phase = "discover"
    session.spell.learn(plan.environment, *plan.stages, *plan.services)
    for things in (plan.second, plan.foreign):
        session.spell.learn(things.environment, things.stage, things.service)
    listing, listed = _list(session, plan)
    stages = _chosen(plan.stages, [stage.id for stage in listed.stages] if listed else [], "stages", plan, listing)
    known = [e.service for s in listed.stages for e in s.entries or () if e.service] if listed else []
    services = _chosen(plan.services, known, "services", plan, listing)
    environment = canonical(plan.environment) if plan.environment else UNKNOWN_ENVIRONMENT
    world = _world(plan, environment, stages, services)
    if listed is not None:
        world = learn(world, listed, environment)
    session.oracle = Oracle(world, environment, pinned=plan.reading)
    session.usable = services
    if listing is not None and listed is not None:
        session.offers.add(OperationKey.LIST)
        session.judge(ReadList(environment), listing)
    session.offers.add(OperationKey.ATTACH)
    _probe_service_read(session, stages, services)
    session.note_homes()
    session.beginning = session.world
    if not session.client.read_only:
        session.client.phase = "ask"
        plan.before_writing(Touched(plan.environment or _named(session), stages, services))
        session.client.phase = "discover"
    return stages, services, listing


def _named(session: Session) -> str | None:
    """The environment that the reads have named, if any has."""
    return session.oracle.environment if session.oracle.environment != UNKNOWN_ENVIRONMENT else None


def _list(session: Session, plan: Plan) -> tuple[Exchange | None, Observation | None]:
    """The list of the environment, if the config names one and the target offers it."""
    if plan.environment is None:
        return None, None
    exchange = session.client.send(session.spell.read(ReadList(canonical(plan.environment)), session.credentials.own))
    if exchange.status != 200:
        note_crash(session, exchange, "listing the stages of the environment")
        return exchange, None
    reply, problems = session.understand(OperationKey.LIST, exchange)
    for mismatch in problems if reply.shows is None else ():
        session.findings.add(mismatch, (exchange,), exchange.number)
    return exchange, reply.shows


def _chosen(
    configured: Sequence[str], listed: Sequence[str], what: str, plan: Plan, listing: Exchange | None
) -> tuple[str, ...]:
    """The ids from the config, else those of the list; ConfigError when there are none."""
    ids = tuple(dict.fromkeys(canonical(identifier) for identifier in (configured or listed)))
    if ids:
        return ids
    status = listing.status if listing else None
    if listing is not None and status is None:
        raise TargetError(f"the list of environment {plan.environment} was not answered: {listing.failure}")
    if listing is not None and status is not None and 300 <= status < 400:
        where = listing.headers.get("location", "nowhere")
        raise ConfigError(f"the target redirects to {where} ({status}); give [target] url as it is after that")
    if status in (401, 403):
        raise CredentialRefused(
            f"the target refused the credential with {status} when asked for environment {plan.environment}; "
            "check [auth] token or jwt"
        )
    if listing is not None and status == 200:
        kind = listing.content_type or "no content type"
        odd = "" if kind == "application/json" else f" (it answers {kind}: is the URL right?)"
        raise ConfigError(f"environment {plan.environment} shows no {what} to test with{odd}; give [target] {what}")
    raise ConfigError(
        f"the list of environment {plan.environment} was answered {status or 'not at all'}; "
        "check [target] environment, or give [target] stages and services"
    )


def _world(plan: Plan, environment: str, stages: Sequence[str], services: Sequence[str]) -> World:
    """What the config alone tells: which things belong to which environment and organization."""
    organizations = {environment: OWN}
    known_stages = {key: Stage(key, environment) for key in stages}
    known_services = {key: Service(key, environment) for key in services}
    for things, fallback, organization in (
        (plan.second, "second-environment", OWN),
        (plan.foreign, "foreign-environment", FOREIGN),
    ):
        home = canonical(things.environment) if things.environment else fallback
        organizations[home] = organization
        if things.stage:
            known_stages[canonical(things.stage)] = Stage(canonical(things.stage), home)
        if things.service:
            known_services[canonical(things.service)] = Service(canonical(things.service), home)
    return World(organizations, known_stages, known_services)


def _probe_service_read(session: Session, stages: Sequence[str], services: Sequence[str]) -> None:
    """Whether a service can be asked for its stage; without a list this shows where each one was before the run."""
    request = ReadService(services[0])
    exchange = session.client.send(session.spell.read(request, session.credentials.own))
    if exchange.status != 200:
        note_crash(session, exchange, f"reading the stage of service {services[0]}")
        if OperationKey.LIST not in session.offers:
            _learn_stages(session, stages)
        return
    session.offers.add(OperationKey.GET_SERVICE_STAGE)
    if OperationKey.LIST in session.offers and services[0] in session.world.placements:
        session.judge(request, exchange)
        return
    _learn_home(session, services[0], exchange)
    for service in services[1:]:
        _learn_home(
            session, service, session.client.send(session.spell.read(ReadService(service), session.credentials.own))
        )


def _learn_stages(session: Session, stages: Sequence[str]) -> None:
    """Without a list and without the service's read, each stage is asked what it holds, as long as it answers."""
    for stage in stages:
        exchange = session.client.send(session.spell.read(ReadStage(stage), session.credentials.own))
        if exchange.status != 200:
            return
        session.offers.add(OperationKey.GET_STAGE)
        reply, _ = session.understand(OperationKey.GET_STAGE, exchange)
        if reply.shows is not None:
            environment = session.oracle.environment
            shown = reply.shows.stages[0].environment if reply.shows.stages else None
            if environment == UNKNOWN_ENVIRONMENT and shown is not None:
                _rename_environment(session, shown)
            session.oracle.worlds = (learn(session.world, reply.shows, session.oracle.environment),)


def _learn_home(session: Session, service: str, exchange: Exchange) -> None:
    reply, _ = session.understand(OperationKey.GET_SERVICE_STAGE, exchange)
    if reply.shows is None or not reply.shows.stages:
        return
    shown = reply.shows.stages[0]
    if session.oracle.environment == UNKNOWN_ENVIRONMENT and shown.environment is not None:
        _rename_environment(session, shown.environment)
    flags = [entry.skipped for entry in shown.entries or () if entry.service == service]
    world = session.world
    if flags:
        # A stage that does not show the service's flag does not say what to put it back to.
        world = world.placed(service, shown.id, skipped=any(flags))
    session.oracle.worlds = (learn(world, reply.shows, session.oracle.environment),)


def _first_move(session: Session, stages: Sequence[str], services: Sequence[str], listing: Exchange | None) -> None:
    """The first PUT, as the console sends it: it proves the credential, the ids and that the PUT is offered.

    A target that refuses every plain move is judged for it; only one that does not answer at all, or for which a
    gateway answers, cannot be.
    """
    service = services[0]
    current = session.world.placements.get(service)
    tried: list[tuple[Attach, Exchange]] = []
    for goal, body in product(_goals(session, stages, current), (bodies.NO_BODY, bodies.FALSE, bodies.EMPTY_OBJECT)):
        request = Attach(goal, service, body.form)
        exchange = sent(session.client, session.spell.attach(request, body, session.credentials.own))
        if exchange.status == 200 and session.oracle.environment == UNKNOWN_ENVIRONMENT:
            _name_environment(session, exchange, goal)
        _explain_refusal(exchange, goal, service, listing)
        tried.append((request, exchange))
        if exchange.status is not None and 200 <= exchange.status < 300:
            session.plain = body
            break
    last = tried[-1][1]
    refused = last.status is not None and 400 <= last.status < 500
    together = current is not None and any(session.world.stages[r.stage].created_at for r, _ in tried)
    if refused and not together:
        # Nothing but the config says that they belong together.
        raise ConfigError(
            f"the target refused every plain move of service {service} ({last.status}): check that it and the stages "
            "are in one environment ([target] stages, services)"
        )
    for request, exchange in tried:
        session.judge(request, exchange)
    if last.status in (None, 502, 503, 504):
        raise TargetError(
            f"every plain move of service {service} ended with {last.status or last.failure}; nothing can be said of "
            "the target"
        )


def note_crash(session: Session, exchange: Exchange, doing: str) -> None:
    """ERR-1 for a read that is not offered, it seems, but is answered 5xx (501 says just that it is not offered)."""
    if exchange.status is None or exchange.status < 500 or exchange.status == 501:
        return
    mismatch = Mismatch(
        "ERR-1",
        f"5xx:{doing.split(' ', maxsplit=1)[0]}:{exchange.request.path.strip('/').split('/')[0]}",
        f"{doing} was answered {exchange.status}",
        "no 5xx, whatever the input",
        f"status {exchange.status}",
        "status",
        witness=witness.status("2xx", "3xx", "4xx"),
    )
    session.findings.exercise(("ERR-1",))
    session.findings.add(mismatch, (exchange,), exchange.number)


def _name_environment(session: Session, exchange: Exchange, goal: str) -> None:
    """Without an environment in the config, the addressed stage says which one it is."""
    try:
        results = json.loads(exchange.body)["results"]
        named = next(s["environment"]["id"] for s in results if canonical(s["id"]) == goal)
    except (ValueError, KeyError, TypeError, StopIteration, AttributeError):
        return
    if isinstance(named, str):
        _rename_environment(session, canonical(named))


def _rename_environment(session: Session, new: str) -> None:
    old = session.oracle.environment
    world = session.world
    stages = {k: Stage(k, new) if s.environment == old else s for k, s in world.stages.items()}
    services = {k: Service(k, new, s.type) if s.environment == old else s for k, s in world.services.items()}
    organizations = {new if key == old else key: value for key, value in world.organizations.items()}
    pinned = session.oracle.pinned
    session.oracle = Oracle(World(organizations, stages, services, world.placements), new, pinned=pinned)


def _goals(session: Session, stages: Sequence[str], current: Placement | None) -> list[str]:
    """Up to two stages to try the first move with: listed ones first, not the one the service is in."""
    others = [stage for stage in stages if current is None or stage != current.stage] or list(stages)
    listed = [stage for stage in others if session.world.stages[stage].created_at is not None]
    return (listed or others)[:2]


def _explain_refusal(exchange: Exchange, stage: str, service: str, listing: Exchange | None) -> None:
    """Turn a refusal of the very first PUT into the mend, where it is the config that is wrong."""
    if exchange.status == 401 or (exchange.status == 403 and (listing is None or listing.status != 200)):
        raise CredentialRefused(f"the target refused the credential with {exchange.status}; check [auth] token or jwt")
    if exchange.status == 403:
        raise CredentialRefused("the target lets this credential read, but not move services (403); give one that may")
    if exchange.status in NOT_THERE:
        raise ConfigError(
            f"the target answered {exchange.status} to PUT of service {service} to stage {stage}: "
            "check that both are in the environment ([target] stages, services) and that the URL has the right prefix"
        )


def _check_listed(session: Session, stages: Sequence[str], services: Sequence[str]) -> None:
    """Every configured thing that no answer has shown is tried once: what is refused is the config's mistake."""
    shown = {key for key, stage in session.world.stages.items() if stage.created_at is not None}
    known = {*session.world.placements, *(session.beginning.placements if session.beginning else ())}
    for stage in stages:
        if stage in shown:
            continue
        exchange = _tried(session, services[0], stage)
        if exchange.status in (400, 403, 404, 409, 422):
            raise ConfigError(
                f"stage {stage} is not in the environment of the other ones (the target answered "
                f"{exchange.status}); remove it from [target] stages"
            )
    for service in services:
        if service in known:
            continue
        exchange = _tried(session, service, stages[0])
        if exchange.status in (400, 403, 404, 409, 422):
            raise ConfigError(
                f"service {service} is not in the environment of the stages (the target answered {exchange.status}); "
                "remove it from [target] services"
            )


def _tried(session: Session, service: str, stage: str) -> Exchange:
    """A plain move that is judged only if it is accepted: a refusal would be the config's fault."""
    request = Attach(stage, service, bodies.NO_BODY.form)
    exchange = sent(session.client, session.spell.attach(request, bodies.NO_BODY, session.credentials.own))
    if exchange.status is not None and 200 <= exchange.status < 300:
        session.judge(request, exchange)
    return exchange


def _probe_late_list(session: Session, plan: Plan) -> None:
    """Without an environment in the config the list can be tried only now that an answer has named it."""
    environment = session.oracle.environment
    if plan.environment is not None or environment == UNKNOWN_ENVIRONMENT:
        return
    request = ReadList(environment)
    exchange = session.client.send(session.spell.read(request, session.credentials.own))
    if exchange.status == 200:
        session.offers.add(OperationKey.LIST)
        session.judge(request, exchange)
    else:
        note_crash(session, exchange, "listing the stages of the environment")


def _probe_stage_read(session: Session, stages: Sequence[str]) -> None:
    """Whether a stage can be read; one that is not found is asked for once more under another id."""
    if OperationKey.GET_STAGE in session.offers:
        return
    for stage in stages[:2]:
        request = ReadStage(stage)
        exchange = session.client.send(session.spell.read(request, session.credentials.own))
        if exchange.status == 200:
            session.offers.add(OperationKey.GET_STAGE)
            session.judge(request, exchange)
            return
        note_crash(session, exchange, f"reading stage {stage}")


def _varied(session: Session, services: tuple[str, ...]) -> tuple[str, ...]:
    """The services, one of each type first: some defects know one type only."""
    known = session.world.services
    first: dict[str | None, str] = {}
    for service in services:
        first.setdefault(known[service].type if service in known else None, service)
    return tuple(dict.fromkeys((*first.values(), *services)))


def _spread(ids: tuple[str, ...], most: int) -> tuple[str, ...]:
    """At most `most` of them, the first and the last always among them: some defects know only one end."""
    if len(ids) <= most:
        return ids
    return (*ids[: most - 1], ids[-1])
