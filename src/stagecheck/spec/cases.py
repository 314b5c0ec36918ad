"""The bridge to Schemathesis: requests generated from the document, answers judged by its checks.

Schemathesis generates and judges; it never sends. Its own transport would bypass our client, its credentials,
limits and record, so each case is serialised here to the exact bytes and handed on. Credentials are none of
its business either: the security schemes are taken out of the document before it sees them (AUTH-* has its
own checks).

This is the only module that imports Schemathesis, which takes a third of a second.
"""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import quote, unquote

import httpx
import schemathesis
from hypothesis import assume
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.errors import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stagecheck.errors import HarnessError
from stagecheck.exchange import Exchange
from stagecheck.operations import OperationKey
from stagecheck.spec.bodies import ATTACH_BODIES, BEGINNINGS, Fault, malformed
from stagecheck.spec.bodies import fault as fault_of
from stagecheck.spec.document import ABSENT, Document
from stagecheck.spec.schema import shorten

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

Ids: TypeAlias = Mapping[str, str | Sequence[str]]
Mode = Literal["positive", "negative"]
JSON_TYPE: Final = "application/json"
_BASE: Final = "http://target.invalid"
_ANY_ID: Final = "00000000-0000-4000-8000-000000000000"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# What Schemathesis or httpx add on their own, and what the sending client decides: no part of a case.
_NOT_OURS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "host",
        "user-agent",
        "x-schemathesis-testcaseid",
    }
)


@dataclass(frozen=True, slots=True)
class Generated:
    """One request, to be sent exactly as it is.

    ``path`` is raw and percent-encoded, and begins as ours do, without a prefix that the document has
    (``Operation.prefix``). ``headers`` has neither credential nor length. ``body`` None means no body at all.
    ``note`` says in words what was generated or broken; ``fault`` sorts it by the requirement that judges it.
    """

    key: OperationKey
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    mode: Mode
    note: str
    fault: Fault = "none"


def strategy(
    document: Document, key: OperationKey, mode: Mode, ids: Ids | Callable[[], Ids]
) -> SearchStrategy[Generated]:
    """Requests for one operation: valid ones to real things, or broken ones.

    ``ids`` gives the real things by our parameter names (``deploymentStageId``, …): one id, or several to
    choose from; a callable is asked anew for every case. Where two stages are named they differ, if there
    are two. The same Hypothesis seed gives the same cases. Negative cases of an operation with a body break
    it in half of the cases and an id in the other half.

    Raises ``ValueError`` when the document lacks the operation or ``ids`` lacks a parameter.
    """
    bridge = _bridge(document)
    operation = bridge.operation(key)
    fetch: Callable[[], Ids] = ids if callable(ids) else lambda: ids
    if not callable(ids):
        _check_ids(document, key, ids)
    if mode == "positive":
        return _positive(bridge, key, operation, fetch)
    paths = _broken_path(bridge, key, operation, fetch)
    return st.one_of(_broken_body(bridge, key, fetch), paths) if operation.body else paths


def judge(document: Document, case: Generated | OperationKey, answer: httpx.Response | Exchange) -> list[str]:
    """What Schemathesis finds wrong with the answer, one sentence each; none: nothing (SHAPE-1, SHAPE-2).

    Its checks of response schema, content type and documented status are run, on answers below 400 only:
    every refusal is legal in form here, documented (404) or not (400, 405, 415, 422), and 5xx is ERR-1's.
    Its checks of acceptance and rejection are left out, since whether a case was rightly refused depends on
    the state, and so are those that send requests themselves. Formats are ``Document.response_problems``'s.

    Raises ``HarnessError`` when Schemathesis itself fails, so that a hole here never looks like a finding.
    """
    key = case if isinstance(case, OperationKey) else case.key
    response = _plain(answer)
    if response.status_code >= httpx.codes.BAD_REQUEST:
        return []
    bare = _bridge(document).operation(key).Case(path_parameters=_any_ids(document, key))
    checks = [status_code_conformance, content_type_conformance, response_schema_conformance]
    try:
        bare.validate_response(response, checks=checks)
    except FailureGroup as group:
        return sorted(_sentence(failure) for failure in group.exceptions)
    except Exception as error:
        reason = shorten(f"{type(error).__name__}: {error}")
        raise HarnessError(f"Schemathesis could not judge an answer to {key} ({reason}); report it") from error
    return []


def _sentence(failure: Any) -> str:
    # The message of a schema failure goes on with the schema and the whole value, no news to our reader.
    text = getattr(failure, "validation_message", None) or failure.message.split("\n\n")[0]
    steps = getattr(failure, "instance_path", None)
    where = f" at {'/'.join(str(step) for step in steps)}" if steps else ""
    return shorten(f"{failure.title}{where}: {text}")


def _plain(answer: httpx.Response | Exchange) -> httpx.Response:
    """The answer as Schemathesis needs it: with some request and duration, and not encoded any more."""
    if isinstance(answer, Exchange):
        status, content, headers = answer.status, answer.body, list(answer.headers.items())
    else:
        status, content, headers = answer.status_code, answer.content, answer.headers.multi_items()
    if status is None:
        raise HarnessError("no answer came, so there is nothing to judge; ask only about answers")
    # Nothing else is looked at, and a value that is no ASCII would not get through.
    kept = [
        (name.encode(), value.encode("utf-8", "replace")) for name, value in headers if name.lower() == "content-type"
    ]
    # A parser may ignore a byte order mark (RFC 8259, 8.1); this one would call the answer no JSON.
    content = content.removeprefix(codecs.BOM_UTF8)
    plain = httpx.Response(status, headers=kept, content=content, request=httpx.Request("GET", _BASE))
    plain.elapsed = dt.timedelta(0)
    return plain


class _Bridge:
    """One document inside Schemathesis, and what was built from it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        raw = _without_security(dict(document.raw))
        # A config of our own: by default it is looked for in the working directory and all those above it.
        config = SchemathesisConfig.from_dict(
            {
                "cache": {"enabled": False},
                "generation": {
                    # Unknown parameters are no fault, and NUL is one of storage more than of contract.
                    "allow-extra-parameters": False,
                    "allow-x00": False,
                    "with-security-parameters": False,
                },
                "checks": {"response_schema_conformance": {"validate-formats": False}},
            }
        )
        self._schema = schemathesis.openapi.from_dict(raw, config=config)
        self._generators: dict[tuple[Any, ...], SearchStrategy[Any]] = {}
        # Only builds requests; nothing is ever sent with it.
        self._client = httpx.Client(transport=httpx.MockTransport(_never), trust_env=False)

    def operation(self, key: OperationKey) -> Any:
        """Schemathesis' operation. Raises ``ValueError`` when the document lacks it."""
        known = self.document.operations.get(key)
        if known is None:
            raise ValueError(f"{self.document.path} does not have the operation {key}; see Document.missing")
        return self._schema[known.template][known.method.lower()]

    def generator(
        self, key: OperationKey, mode: GenerationMode, *left_alone: Literal["path", "body"]
    ) -> SearchStrategy[Any]:
        """Schemathesis' own cases, built once; what is ``left_alone`` gets a valid value of no account."""
        wanted = (key, mode, left_alone)
        if wanted not in self._generators:
            operation = self.operation(key)
            given: dict[str, Any] = {}
            if "path" in left_alone:
                given["path_parameters"] = _any_ids(self.document, key)
            if "body" in left_alone and operation.body:
                given |= {"body": {}, "media_type": JSON_TYPE}
            self._generators[wanted] = operation.as_strategy(mode, **given)
        return self._generators[wanted]

    def serialise(self, key: OperationKey, case: Any, ids: Mapping[str, str], **words: Any) -> Generated:
        """The exact request of ``case``, addressed to ``ids`` (our names, values already percent-encoded).

        The case is built afresh, because Schemathesis judges one anew whose parts were changed.
        """
        known = self.document.operations[key]
        bare = case.operation.Case(
            path_parameters={known.names[name]: value for name, value in ids.items()},
            headers=case.headers,
            cookies=case.cookies,
            query=case.query,
            body=case.body,
            media_type=case.media_type,
        )
        parts = bare.as_transport_kwargs(base_url=_BASE)
        if isinstance(parts.get("data"), bytes):
            parts["content"] = parts.pop("data")
        # Header values may be any Latin-1, for which httpx wants bytes.
        parts["headers"] = {name: str(value).encode("latin-1") for name, value in parts["headers"].items()}
        parts["params"] = parts["params"] or None
        request = self._client.build_request(**parts)
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_OURS}
        raw = request.url.raw_path.decode("ascii").removeprefix(known.prefix)
        body = None if bare.body is NOT_SET else request.content
        return Generated(key=key, method=request.method, path=raw, headers=headers, body=body, **words)


def _without_security(value: Any) -> Any:
    """A copy without security requirements and schemes; with them, Authorization would be generated too."""
    if isinstance(value, dict):
        return {
            name: _without_security(item)
            for name, item in value.items()
            if name != "securitySchemes" and not (name == "security" and isinstance(item, list))
        }
    return [_without_security(item) for item in value] if isinstance(value, list) else value


def _never(request: httpx.Request) -> httpx.Response:
    raise HarnessError(f"the bridge to Schemathesis tried to send {request.method} {request.url}; report it")


@lru_cache(maxsize=16)
def _bridge(document: Document) -> _Bridge:
    return _Bridge(document)


def _any_ids(document: Document, key: OperationKey) -> dict[str, str]:
    """A value of no account for each path parameter, by the document's names."""
    return dict.fromkeys(document.operations[key].names.values(), _ANY_ID)


def _check_ids(document: Document, key: OperationKey, ids: Ids) -> None:
    for name in document.operations[key].names:
        if not ids.get(name):
            raise ValueError(f"{key} needs a real {name}; give one in ids")


def _draw_ids(draw: DrawFn, bridge: _Bridge, key: OperationKey, fetch: Callable[[], Ids]) -> dict[str, str]:
    """Real ids by our names, in the order of the path, ready to stand in it."""
    ids = fetch()
    _check_ids(bridge.document, key, ids)
    chosen: dict[str, str] = {}
    for name in bridge.document.operations[key].names:
        given = ids[name]
        options = [given] if isinstance(given, str) else list(given)
        # Nothing is known of a stage moved before or after itself: no valid case, where there is a choice.
        other = [option for option in options if option not in chosen.values()]
        chosen[name] = draw(st.sampled_from(other or options))
    return {name: quote(value, safe="") for name, value in chosen.items()}


# --- valid requests


def _valid_case(draw: DrawFn, bridge: _Bridge, key: OperationKey, operation: Any) -> tuple[Any, str]:
    """A case whose body and other parameters are valid, and words for it; its ids are of no account."""
    note, bodies = ATTACH_BODIES[-1]
    if key is OperationKey.ATTACH:
        note, bodies = draw(st.sampled_from(ATTACH_BODIES))
        # Hypothesis tries no choice twice, so each of the short forms would come up once in a run. They are
        # worth repeating, from another state each time: this draw makes each repetition a new choice.
        draw(st.integers(0, 2**16))
    if bodies is None:
        case = draw(bridge.generator(key, GenerationMode.POSITIVE, "path"))
        assume(bridge.document.body_accepted(key, ABSENT if case.body is NOT_SET else case.body))
        return case, note
    body = draw(bodies)
    # A document of the user may ask for a body, or close the object.
    assume(bridge.document.body_accepted(key, body))
    if operation.query or operation.headers or operation.cookies:
        case = draw(bridge.generator(key, GenerationMode.POSITIVE, "path", "body"))
    else:
        case = operation.Case()
    case.body, case.media_type = (NOT_SET, None) if body is ABSENT else (body, JSON_TYPE)
    if note == ATTACH_BODIES[1][0]:
        case.headers["Content-Type"] = JSON_TYPE
    return case, note


@st.composite
def _positive(draw: DrawFn, bridge: _Bridge, key: OperationKey, operation: Any, fetch: Callable[[], Ids]) -> Generated:
    ids = _draw_ids(draw, bridge, key, fetch)
    case, note = _valid_case(draw, bridge, key, operation)
    return bridge.serialise(key, case, ids, mode="positive", note=note)


# --- broken requests


@st.composite
def _broken_body(draw: DrawFn, bridge: _Bridge, key: OperationKey, fetch: Callable[[], Ids]) -> Generated:
    """Real ids, and a body (or, where the document has them, another parameter) that is not valid."""
    ids = _draw_ids(draw, bridge, key, fetch)
    case = draw(bridge.generator(key, GenerationMode.NEGATIVE, "path").filter(_is_negative))
    note = shorten((case.meta.phase.data.description or "broken").replace("\n", "; "))
    fault: Fault
    if isinstance(case.body, bytes):
        case.body, fault = malformed(case.body, draw(st.sampled_from(BEGINNINGS)))
    else:
        fault = fault_of(bridge.document, key, ABSENT if case.body is NOT_SET else case.body)
    if fault == "none":
        parts = case.meta.components.items()
        assume(any(part.mode.is_negative for place, part in parts if place.value not in ("body", "path")))
        fault = "parameter"
    return bridge.serialise(key, case, ids, mode="negative", note=note, fault=fault)


@st.composite
def _broken_path(
    draw: DrawFn, bridge: _Bridge, key: OperationKey, operation: Any, fetch: Callable[[], Ids]
) -> Generated:
    """A valid body, and at least one id that is no UUID; the other, if there is one, is real where it can be.

    Beside an unknown id a malformed one would prove nothing: the unknown one alone is reason to refuse.
    """
    ids = _draw_ids(draw, bridge, key, fetch)
    case, note = _valid_case(draw, bridge, key, operation)
    if draw(st.booleans()):
        generated = draw(bridge.generator(key, GenerationMode.NEGATIVE, "body")).path_parameters
        names = bridge.document.operations[key].names.items()
        broken = {ours: generated[theirs] for ours, theirs in names if _is_malformed(generated[theirs])}
        assume(broken)
    else:
        # Nearly right; and all there is when the document does not call the ids UUIDs.
        name = draw(st.sampled_from(sorted(ids)))
        at = draw(st.integers(0, len(ids[name]) - 1).filter(lambda at: ids[name][at] != "-"))
        broken = {name: f"{ids[name][:at]}g{ids[name][at + 1 :]}"}
    shown = " and ".join(f"{name} {unquote(value)!r}" for name, value in broken.items())
    words = f"not a UUID: {shown}; {note}"
    return bridge.serialise(key, case, {**ids, **broken}, mode="negative", note=shorten(words), fault="path")


def _is_negative(case: Any) -> bool:
    """Schemathesis may "break" an optional body by leaving it out, and itself calls the case valid."""
    return bool(case.meta.generation.mode.is_negative)


def _is_malformed(encoded: str) -> bool:
    """Whether it is no UUID, and sure to arrive as one segment of the path.

    Counterexample to the latter: ``..`` in the place of a service, which a proxy may resolve, so that the
    request becomes one that edits the stage.
    """
    value = unquote(encoded)
    return bool(value.strip(".")) and not set(value) & set("/\\") and not _UUID.fullmatch(value)
