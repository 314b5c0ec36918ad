"""What the requests of a run name, and why something could not be wrong: what no answer has shown."""

from __future__ import annotations

from collections.abc import Iterator

from stagecheck.model.state import World
from stagecheck.operations import OPERATIONS, READS, OperationKey
from stagecheck.outcome import Thing
from stagecheck.spec import Document
from stagecheck.spec.lint.answers import FIELDS, unchecked
from stagecheck.suite.discover import Ground
from stagecheck.suite.plan import Plan
from stagecheck.suite.session import Session

_COMPANY = 2


def things(session: Session, ground: Ground, plan: Plan) -> Iterator[Thing]:
    """Everything that the requests of a run name by an id of its own, as the target spells it."""
    world, spelled = session.world, session.spell.id
    ours = [stage.id for stage in world.stages_of(ground.environment)]
    services = [key for key, service in world.services.items() if service.environment == ground.environment]
    yield Thing("environment", spelled(ground.environment))
    for key in dict.fromkeys((*ground.all_stages, *ours)):
        known = world.stages.get(key)
        yield Thing("stage", spelled(key), known.name if known else None)
    for key in dict.fromkeys((*ground.all_services, *services)):
        yield Thing("service", spelled(key))
    for table, things in (("second", plan.second), ("foreign", plan.foreign)):
        named = (("environment", things.environment), ("stage", things.stage), ("service", things.service))
        for kind, identifier in named:
            if identifier is not None:
                yield Thing(f"{table}.{kind}", identifier)


def silences(session: Session, ground: Ground) -> dict[str, str]:
    """Why requirements could not be broken: what no answer shows, what nothing can show, what is not described."""
    return silent(session.world, session.oracle.environment) | unseen(session, ground) | formless(session)


def silent(world: World, environment: str) -> dict[str, str]:
    """What no answer has shown, and so nothing could be wrong with."""
    stages = [stage for stage in world.stages.values() if stage.environment == environment]
    services = [service for service in world.services.values() if service.environment == environment]
    silent = {"STATE-9": "the answers show no updated_at"}
    if len(services) < _COMPANY:
        silent["STATE-2"] = "the environment shows no other service"
    if all(service.type is None for service in services):
        silent["STATE-7"] = "the answers show no service_type"
    if sum(stage.order is not None for stage in stages) < _COMPANY:
        silent["STATE-8"] = "the answers show no deployment_order, or one stage alone"
    return silent


def unseen(session: Session, ground: Ground) -> dict[str, str]:
    """What nothing can show: with the PUT alone and one service, every look at the state would change it."""
    if READS & session.offers or len(ground.all_services) >= _COMPANY:
        return {}
    return {"STATE-6": "nothing shows the state without changing it: no read is offered, and one service is used"}


def undescribed(session: Session) -> list[str]:
    """What the document lacks of what the target offers, and so cannot be checked; one sentence each."""
    document = session.document
    notes = []
    for key, fact in OPERATIONS.items():
        if key not in session.offers:
            continue
        if key not in document.operations:
            inputs = f"no inputs are generated for {key}, and " if key in (OperationKey.ATTACH, *READS) else ""
            notes.append(
                f"{document.path} has no {fact.method} {fact.template}: {inputs}the form of its answers is not "
                "checked (SHAPE-1)"
            )
        elif fact.answer != "none" and not document.describes(key, fact.success):
            notes.append(
                f"{document.path} has no JSON schema for the {fact.success} of {key}: the form of its answers is not "
                "checked (SHAPE-1)"
            )
        elif loose := _loose(document, key):
            notes.append(
                f"{document.path} says nothing of {', '.join(loose)} in the {fact.success} of {key}: its form is not "
                "checked (SHAPE-1)"
            )
    if OperationKey.ATTACH in document.operations and not document.has_body(OperationKey.ATTACH):
        notes.append(f"{document.path} has no JSON body for attach: none is generated, broken or not")
    if not document.names_credentials:
        notes.append(f"{document.path} names no security scheme: AUTH-* are judged by the contract alone")
    return notes


def _loose(document: Document, key: OperationKey) -> list[str]:
    fact = OPERATIONS[key]
    return unchecked(lambda value: not document.response_problems(key, fact.success, value), FIELDS[fact.answer])


def formless(session: Session) -> dict[str, str]:
    """SHAPE-1, where the document describes no answer that the target offers."""
    keys = [key for key in session.offers if session.document.describes(key, OPERATIONS[key].success)]
    return {} if keys else {"SHAPE-1": f"{session.document.path} has no JSON schema for any answer of the target"}
