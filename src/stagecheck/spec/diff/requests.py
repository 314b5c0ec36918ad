"""What is asked, compared: parameters, bodies, credentials, and where the API is served."""

from __future__ import annotations

from typing import Any

from stagecheck.spec.diff.changes import Class, Side, Witness
from stagecheck.spec.diff.context import BOTH, CLIENTS, SERVERS, Context, Site
from stagecheck.spec.diff.nodes import below
from stagecheck.spec.diff.operations import Operation, contents, parameters
from stagecheck.spec.lint.view import Part, View

_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


def compare_parameters(context: Context, old: Operation, new: Operation) -> None:
    """The parameters of one operation."""
    ours, theirs = parameters(context.old, old), parameters(context.new, new)
    for key, part in ours.items():
        if key in theirs:
            _parameter(context, old, part, theirs[key])
        else:
            _removed(context, old, part, new)
    for key, part in theirs.items():
        if key not in ours:
            _added(context, old, part)


def _called(part: Part) -> str:
    return f"the {part.value.get('in')} parameter {part.value.get('name')}"


def _schema(view: View, part: Part) -> Part | None:
    content = next((media for _, media in contents(view, part)), None)
    return below(view, content if content is not None else part, "schema")


def _line(operation: Operation, part: Part | None, value: Any) -> str:
    """A request that carries a parameter, or that carries none."""
    if part is None:
        return operation.label
    name, where = str(part.value.get("name")), part.value.get("in")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if where == "query":
        return f"{operation.label}?{name}={text}"
    if where == "path":
        return operation.label.replace(f"{{{name}}}", text)
    return f"{operation.label} with {f'Cookie: {name}=' if where == 'cookie' else f'{name}: '}{text}"


def _request(side: Side, line: str, valid: str) -> Witness:
    return Witness(side, "request", line, valid)


def _parameter(context: Context, operation: Operation, old: Part, new: Part) -> None:
    at = (operation.label, _called(old))
    parts = (old, new)
    names = str(old.value.get("name")), str(new.value.get("name"))
    if names[0] != names[1] and old.value.get("in") == "path":
        message = f"called {names[1]} now; nobody sees that on the wire"
        context.add("parameter-renamed", Class.EDITORIAL, at, message, parts)
    was, now = old.value.get("required") is True, new.value.get("required") is True
    if was is not now:
        side = Side.CLIENTS if now else Side.SERVERS
        witness = _request(side, _line(operation, None, None), "old" if now else "new")
        message = f"{names[0]} is {'required now' if now else 'optional now'}"
        context.add("parameter-required", Class.BREAKING, at, message, parts, breaks=(side,), witnesses=(witness,))
    forms = _form(old), _form(new)
    if forms[0] != forms[1]:
        message = f"{names[0]} is written as {forms[1]}, not as {forms[0]} any more"
        lines = [f"{_line(operation, one, '…')} as {form}" for one, form in zip(parts, forms, strict=True)]
        witnesses = (_request(Side.CLIENTS, lines[0], "old"), _request(Side.SERVERS, lines[1], "new"))
        context.add("parameter-values", Class.BREAKING, at, message, parts, breaks=BOTH, witnesses=witnesses)
    site = Site(*at, "value", "clients", "parameter-values")
    context.schemas(context.parameters, site, _schema(context.old, old), _schema(context.new, new))


def _form(part: Part) -> str:
    """How values are written, where they are no plain text."""
    if "content" in part.value:
        return "JSON"
    style = part.value.get("style") or _STYLES.get(str(part.value.get("in")), "simple")
    explode = part.value.get("explode")
    return f"{style}{', exploded' if (style == 'form' if explode is None else explode) else ''}"


def _removed(context: Context, operation: Operation, part: Part, new: Operation) -> None:
    value = context.sample(context.parameters, _schema(context.old, part), of_new=False)
    witness = _request(Side.CLIENTS, _line(operation, part, value), "old")
    message = f"{part.value.get('name')} is not there any more: what is sent in it is ignored or refused"
    parts = (part, new.part)
    at = (operation.label, _called(part))
    context.add("parameter-removed", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))


def _added(context: Context, operation: Operation, part: Part) -> None:
    at = (operation.label, _called(part))
    parts = (operation.part, part)
    if part.value.get("required") is True:
        witness = _request(Side.CLIENTS, _line(operation, None, None), "old")
        message = f"{part.value.get('name')} is new, and required"
        context.add("parameter-added", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
    else:
        context.add("parameter-added", Class.ADDITIVE, at, f"{part.value.get('name')} is new, and optional", parts)


# ---------------------------------------------------------------------- bodies


def compare_body(context: Context, old: Operation, new: Operation) -> None:
    """The body of one operation's request."""
    ours, theirs = context.old.child(old.part, "requestBody"), context.new.child(new.part, "requestBody")
    at = (old.label, "the body")
    if ours is None or theirs is None:
        _one_body(context, at, ours, theirs, (old, new))
        return
    was, now = ours.value.get("required") is True, theirs.value.get("required") is True
    if was is not now:
        side = Side.CLIENTS if now else Side.SERVERS
        witness = _request(side, f"{old.label} without a body", "old" if now else "new")
        message = f"the body is {'required now' if now else 'optional now'}"
        parts = (ours, theirs)
        context.add("body-required", Class.BREAKING, at, message, parts, breaks=(side,), witnesses=(witness,))
    before, after = dict(contents(context.old, ours)), dict(contents(context.new, theirs))
    for name, media in before.items():
        if name in after:
            schemas = below(context.old, media, "schema"), below(context.new, after[name], "schema")
            context.schemas(context.bodies, Site(*at, "body", "clients", "body-values"), *schemas)
        else:
            _media(context, at, (media, theirs), Side.CLIENTS, name)
    for name, media in after.items():
        if name not in before:
            _media(context, at, (ours, media), Side.SERVERS, name)


def _media(context: Context, at: tuple[str, str], parts: tuple[Part, Part], side: Side, name: str) -> None:
    """A media type of a body that came or went: clients send what went, servers are sent what came."""
    gone = side is Side.CLIENTS
    witness = _request(side, f"{at[0]} with a body in {name}", "old" if gone else "new")
    message = f"the body may {'not be' if gone else 'be'} {name}{' any more' if gone else ' now'}"
    kind = "media-removed" if gone else "media-added"
    context.add(kind, Class.BREAKING, at, message, parts, breaks=(side,), witnesses=(witness,))


def _one_body(
    context: Context,
    at: tuple[str, str],
    ours: Part | None,
    theirs: Part | None,
    operations: tuple[Operation, Operation],
) -> None:
    old, new = operations
    if ours is not None:
        sent = next((below(context.old, media, "schema") for _, media in contents(context.old, ours)), None)
        witness = Witness(Side.CLIENTS, "body", context.sample(context.bodies, sent, of_new=False), "old")
        message = "there is no body any more: what is sent in it is ignored or refused"
        parts = (ours, new.part)
        context.add("body-removed", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
    elif theirs is not None and theirs.value.get("required") is True:
        witness = _request(Side.CLIENTS, f"{old.label} without a body", "old")
        message = "a body is required now"
        parts = (old.part, theirs)
        context.add("body-added", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
    elif theirs is not None:
        context.add("body-added", Class.ADDITIVE, at, "there may be a body now", (old.part, theirs))


# ---------------------------------------------------------------------- security and servers

Needs = frozenset[tuple[str, frozenset[str]]]


def _security(view: View, operation: Operation) -> tuple[Part, dict[Needs, str]]:
    """The alternatives that an operation accepts, each with its name in words."""
    own = view.child(operation.part, "security")
    part = own or view.child(view.top(), "security") or operation.part
    found: dict[Needs, str] = {}
    listed = part.value if isinstance(part.value, list) else []
    for alternative in listed:
        if isinstance(alternative, dict):
            needs = frozenset((_scheme(view, name), frozenset(map(str, of or ()))) for name, of in alternative.items())
            scoped = [f"{name} with {', '.join(map(str, of))}" if of else str(name) for name, of in alternative.items()]
            found.setdefault(needs, " and ".join(scoped) or "no credential")
    return part, found or {frozenset(): "no credential"}


def _scheme(view: View, name: str) -> str:
    """What a scheme asks for, whatever it is called."""
    part = view.child(view.top(), "components", "securitySchemes", name)
    said = part.value if part is not None and isinstance(part.value, dict) else {}
    kind = said.get("type")
    if kind == "http":
        return f"http {str(said.get('scheme')).lower()}"
    if kind == "apiKey":
        where, called = said.get("in"), str(said.get("name"))
        return f"apiKey {where} {called.lower() if where == 'header' else called}"
    return f"{kind} {said.get('openIdConnectUrl', '')}" if kind else f"? {name}"


def _suffices(given: Needs, needed: Needs) -> bool:
    return all(any(scheme == one and scopes <= of for one, of in given) for scheme, scopes in needed)


def compare_security(context: Context, old: Operation, new: Operation) -> None:
    """Which credentials an operation accepts."""
    (before, ours), (after, theirs) = _security(context.old, old), _security(context.new, new)
    at = (old.label, "security")
    parts = (before, after)
    refused = [name for given, name in ours.items() if not any(_suffices(given, needs) for needs in theirs)]
    if refused:
        message = f"refused now: {'; '.join(refused)}; accepted are: {'; '.join(theirs.values())}"
        witness = _request(Side.CLIENTS, f"a request with {refused[0]}", "old")
        context.add("security-changed", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
    fresh = [name for given, name in theirs.items() if not any(_suffices(given, needs) for needs in ours)]
    if fresh:
        message = f"accepted now: {'; '.join(fresh)}"
        witness = _request(Side.SERVERS, f"a request with {fresh[0]}", "new")
        context.add("security-changed", Class.BREAKING, at, message, parts, breaks=SERVERS, witnesses=(witness,))


def compare_servers(context: Context) -> None:
    """Where the API is served."""
    views = context.old, context.new
    ours, theirs = ({str(one.value.get("url")).rstrip("/"): one for one in _servers(view)} for view in views)
    if not ours or not theirs:
        return
    at = ("the whole API", "servers")
    for url, part in ours.items():
        if url not in theirs:
            witness = _request(Side.CLIENTS, f"any to {url or '/'}", "old")
            message = f"not served at {url or '/'} any more"
            parts = (part, context.new.child(context.new.top(), "servers"))
            context.add("server-removed", Class.BREAKING, at, message, parts, breaks=CLIENTS, witnesses=(witness,))
    for url, part in theirs.items():
        if url not in ours:
            listed = context.old.child(context.old.top(), "servers")
            context.add("server-added", Class.ADDITIVE, at, f"served at {url or '/'}, too", (listed, part))


def _servers(view: View) -> list[Part]:
    found = (one for _, one in view.children(view.child(view.top(), "servers")))
    return [one for one in found if isinstance(one.value, dict)]
