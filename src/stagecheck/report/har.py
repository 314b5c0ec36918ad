"""`exchanges.har`: the exchanges of a record's violations as an HTTP Archive 1.2, to be opened in a browser's tools.

A record holds the exchanges that show a violation; exchanges.ndjson has all of a run. Credentials are written by their
role, as everywhere.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

import harfile

from stagecheck import __version__
from stagecheck.report.record import Record, moment_of

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = "HTTP/1.1"
_STRAY = re.compile("%(?![0-9A-Fa-f]{2})")


def har_of(record: Record) -> bytes:
    """The record's exchanges as HAR in UTF-8, violation by violation; where it has no times they begin with 1970."""
    begun = moment_of(record.get("started"))
    unknown = "" if begun else "; the record does not say when the run began"
    text = io.StringIO()
    creator = harfile.Creator(name="stagecheck", version=__version__)
    comment = f"The exchanges of {len(record['violations'])} violations{unknown}"
    with harfile.HarFile.open(text, creator=creator, comment=comment) as archive:
        for step, said in _steps(record):
            _add(archive, record["target"]["url"], step, said, begun or _UNKNOWN)
    return text.getvalue().encode() + b"\n"


def _steps(record: Record) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every step with a word on what it belongs to."""
    for number, violation in enumerate(record["violations"], 1):
        for position, step in enumerate(violation["steps"], 1):
            of = f"step {position} of {len(violation['steps'])}"
            yield step, f"violation {number}, {violation['requirement']}, {of}: {violation['message'][:500]}"


def _add(archive: harfile.HarFile, base: str, step: Mapping[str, Any], said: str, begun: datetime) -> None:
    wait_ms = round(_seconds(step, "elapsed") * 1000, 3)
    archive.add_entry(
        startedDateTime=begun + timedelta(seconds=_seconds(step, "started")),
        time=wait_ms,
        request=_request(base, step),
        response=_response(step),
        timings=harfile.Timings(send=0, wait=wait_ms, receive=0),
        comment=_unicode(said),
    )


def _seconds(step: Mapping[str, Any], key: str) -> float:
    """A duration of a step; 0 where an earlier version did not record it."""
    value = step.get(key)
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e8 else 0.0


def _request(base: str, step: Mapping[str, Any]) -> harfile.Request:
    url = _uri(_unicode(base + step["path"]))
    headers = [
        harfile.Record(name=_unicode(name), value=_unicode(str(value))) for name, value in step["headers"].items()
    ]
    body = step["body"]
    types = [header.value for header in headers if header.name.lower() == "content-type"]
    sent = None if body is None else harfile.PostData(mimeType=types[0] if types else "", text=_unicode(body))
    return harfile.Request(
        method=_unicode(step["method"]),
        url=url,
        httpVersion=_VERSION,
        headers=headers,
        queryString=[
            harfile.Record(name=_unicode(name), value=_unicode(value))
            for name, value in parse_qsl(url.partition("?")[2], keep_blank_values=True, errors="backslashreplace")
        ],
        postData=sent,
        bodySize=0 if body is None else len(_unicode(body).encode()),
    )


def _uri(url: str) -> str:
    """The URL with what no URI may hold percent-encoded (RFC 3986 2): a hostile record may hold anything."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    bracket = "[]" if re.fullmatch(r"\[[0-9A-Fa-f:.]+\](:\d+)?", host) else ""
    safe = "!$&'()*+,;=:@~%"
    parts = quote(host, safe=f"{safe}{bracket}"), quote(f"{slash}{path}", safe=f"{safe}/?")
    return _STRAY.sub("%25", f"{quote(scheme, safe='+')}://{''.join(parts)}")


def _response(step: Mapping[str, Any]) -> harfile.Response:
    """The answer; one that never came has the status 0, as browsers write it, and the reason as a comment."""
    status, answer = step["status"], _unicode(step["answer"] or "")
    kind = step.get("content_type")
    mime = _unicode(kind) if isinstance(kind, str) else ""
    if status is None:
        content = harfile.Content(size=0, mimeType="x-unknown")
        return harfile.Response(
            status=0, statusText="", httpVersion=_VERSION, content=content, comment=answer or "no answer came"
        )
    return harfile.Response(
        status=status,
        statusText=HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "",
        httpVersion=_VERSION,
        headers=[harfile.Record(name="content-type", value=mime)] if mime else [],
        content=harfile.Content(size=len(answer.encode()), mimeType=mime, text=answer),
        bodySize=len(answer.encode()),
    )


def _unicode(text: str) -> str:
    """The text as UTF-8 can hold it: half of a surrogate pair is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()
