"""What is answered, compared: statuses, media types, headers, and what they carry."""

from __future__ import annotations

from collections.abc import Mapping

from stagecheck.spec.diff.changes import Class, Side, Witness
from stagecheck.spec.diff.context import BOTH, CLIENTS, SERVERS, Context, Site
from stagecheck.spec.diff.nodes import below
from stagecheck.spec.diff.operations import Operation, contents
from stagecheck.spec.lint.view import Part, View


def _answers(view: View, operation: Operation) -> dict[str, Part]:
    found = view.children(view.child(operation.part, "responses"))
    return {name.upper(): one for name, one in found if isinstance(one.value, dict)}


def documented(answers: Mapping[str, Part], status: str) -> Part | None:
    """What a document says of a status: by itself, by its range, by ``default``."""
    return next((answers[name] for name in (status, f"{status[:1]}XX", "DEFAULT") if name in answers), None)


def compare_answers(context: Context, old: Operation, new: Operation) -> None:
    """The answers of one operation."""
    ours, theirs = _answers(context.old, old), _answers(context.new, new)
    for status, part in ours.items():
        other = documented(theirs, status)
        at = (old.label, f"the answer {status.lower()}")
        if other is not None:
            _answer(context, at, part, other)
            continue
        parts = (part, context.new.child(new.part, "responses"))
        witness = Witness(Side.SERVERS, "answer", f"{status.lower()} to {old.label}", "old")
        message = f"{status.lower()} is not described any more"
        context.add("status-removed", Class.BREAKING, at, message, parts, breaks=SERVERS, witnesses=(witness,))
    for status, part in theirs.items():
        if status not in ours:
            _new_status(context, (old.label, f"the answer {status.lower()}"), status, part, ours, old)


def _new_status(
    context: Context, at: tuple[str, str], status: str, part: Part, ours: Mapping[str, Part], operation: Operation
) -> None:
    known = documented(ours, status)
    if known is not None:
        _answer(context, at, known, part)
        return
    parts = (context.old.child(operation.part, "responses"), part)
    message = f"{status.lower()} is described now"
    if status[:1] in "23":
        # Whoever knows no 4xx or 5xx treats it as one (RFC 9110 15); what a new success means nobody can know.
        witness = Witness(Side.CLIENTS, "answer", f"{status.lower()} to {at[0]}", "new")
        context.add("status-added", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
    else:
        context.add("status-added", Class.ADDITIVE, at, message, parts)


def _answer(context: Context, at: tuple[str, str], old: Part, new: Part) -> None:
    if context.same(old.value, new.value):
        return
    before, after = dict(contents(context.old, old)), dict(contents(context.new, new))
    for name, media in before.items():
        if name in after:
            schemas = below(context.old, media, "schema"), below(context.new, after[name], "schema")
            context.schemas(context.answers, Site(*at, "answer", "servers", "answer-values"), *schemas)
            continue
        witnesses = (
            Witness(Side.CLIENTS, "request", f"{at[0]} with Accept: {name}", "old"),
            Witness(Side.SERVERS, "answer", f"{at[1].split()[-1]} in {name}", "old"),
        )
        message = f"not answered in {name} any more"
        context.add("media-removed", Class.BREAKING, at, message, (media, new), breaks=BOTH, witnesses=witnesses)
    for name, media in after.items():
        if name not in before:
            context.add("media-added", Class.ADDITIVE, at, f"answered in {name}, too", (old, media))
    _headers(context, at, old, new)


def _headers(context: Context, at: tuple[str, str], old: Part, new: Part) -> None:
    ours = {name.lower(): (name, one) for name, one in context.old.children(context.old.child(old, "headers"))}
    theirs = {name.lower(): (name, one) for name, one in context.new.children(context.new.child(new, "headers"))}
    for key, (name, part) in ours.items():
        if key not in theirs:
            carried = f"{at[1].split()[-1]} with {name}: …"
            witness = Witness(Side.CLIENTS, "answer", carried, "old", undescribed=name)
            message = f"the header {name} is not described any more"
            parts = (part, new)
            context.add("header-removed", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
            continue
        other = theirs[key][1]
        was, now = (one.has("required") and one.value["required"] is True for one in (part, other))
        if was is not now:
            side = Side.SERVERS if now else Side.CLIENTS
            witness = Witness(side, "answer", f"{at[1].split()[-1]} without {name}", "old" if now else "new")
            message = f"the header {name} is {'required now' if now else 'not required any more'}"
            parts = (part, other)
            context.add("header-values", Class.BREAKING, at, message, parts, breaks=(side,), witnesses=(witness,))
        site = Site(at[0], f"{at[1]}, header {name}", "value", "servers", "header-values")
        context.schemas(context.headers, site, below(context.old, part, "schema"), below(context.new, other, "schema"))
    for key, (name, part) in theirs.items():
        if key not in ours:
            context.add("header-added", Class.ADDITIVE, at, f"the header {name} is described now", (old, part))
