"""What a wrong status breaks: a refusal that was promised and did not come, or one that came unasked."""

from __future__ import annotations

from stagecheck import witness
from stagecheck.model import words
from stagecheck.model.compare import Mismatch, promise
from stagecheck.model.observation import Reply
from stagecheck.model.requests import PROMISES, Attach, OtherMethod, Request, is_management
from stagecheck.model.state import World
from stagecheck.model.step import Refused, step
from stagecheck.witness import Witness


def kind_of(request: Request) -> str:
    """What sort of request it is, to tell the causes of violations apart."""
    if isinstance(request, Attach):
        return f"attach:{request.form.name.lower()}:{request.caller}"
    if isinstance(request, OtherMethod):
        return request.method
    return f"{type(request).__name__}:{request.caller}"


def not_refused(before: World, request: Request, answer: Refused, reply: Reply) -> Mismatch:
    """A refusal was promised, and something else came."""
    want = words.statuses_words(answer.statuses)
    doing = f"{words.request_words(before, request)}{words.caller_words(request)}"
    requirement = answer.requirement
    if requirement is None:
        requirement = _promised(before, request)
    return Mismatch(
        requirement,
        f"not-refused:{kind_of(request)}:{'2xx' if reply.accepted else 'other'}",
        f"{doing} was answered {reply.status}; it must be refused",
        f"status {want}",
        words.reply_words(reply),
        "status",
        witness=_permitted(before, request),
        must=True if answer.requirement == "ERR-3" and reply.accepted else None,
    )


def not_accepted(before: World, request: Request, reply: Reply) -> Mismatch:
    """A request that the contract promises to carry out was not answered 200."""
    doing = words.request_words(before, request)
    if request.spelling and reply.status is not None and 300 <= reply.status < 500:
        requirement = request.spelling
    else:
        requirement = _promised(before, request)
    spelled = requirement == request.spelling
    duty = "should" if spelled else "must"
    # What is wrong with a spelling is wrong whatever the body says.
    kind = "attach" if spelled and isinstance(request, Attach) else kind_of(request)
    return Mismatch(
        requirement,
        f"refused:{kind}",
        f"{doing} was answered {reply.status}; it {duty} be carried out",
        "status 200",
        words.reply_words(reply),
        "status",
        witness=_permitted(before, request),
    )


def stands_under(before: World, request: Request) -> str:
    """The requirement that a request is about: the one that asks for its refusal, else what it is promised."""
    refusals = [o.answer.requirement for o in step(before, request) if isinstance(o.answer, Refused)]
    asked = [requirement for requirement in refusals if requirement is not None]
    return asked[0] if asked else _promised(before, request)


def _promised(before: World, request: Request) -> str:
    """What a request stands under that should be carried out."""
    if isinstance(request, Attach):
        return promise(before, request, flag=False)
    return PROMISES[type(request)] if is_management(request) else "STATE-5"


def service_lost(world: World, risky: OtherMethod) -> Mismatch:
    """STATE-1: a method that should not be there has done more than anybody may."""
    return Mismatch(
        "STATE-1",
        f"nowhere:{risky.method.lower()}",
        f"after {words.request_words(world, risky)}, {words.service_label(world, risky.service)} is in no stage",
        "in exactly one stage",
        "in no stage",
        witness=witness.same_set("services"),
    )


def _permitted(before: World, request: Request) -> Witness:
    """Every status with which the request may be answered in that world."""
    answers = [outcome.answer for outcome in step(before, request)]
    done: int | str = "2xx" if is_management(request) else 200
    allowed = [status for a in answers for status in ((a.statuses or ("4xx",)) if isinstance(a, Refused) else (done,))]
    return witness.status(*dict.fromkeys(allowed))
