"""The bodies an attach request may carry, each with its meaning. One table; the explorers choose from it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from stagecheck.model.requests import Form

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it is sent: its meaning, content type (None: no such header) and bytes (None: none at all)."""

    name: str
    form: Form
    content_type: str | None
    content: bytes | None

    @property
    def other_media(self) -> bool:
        """Whether the content type is not JSON (ERR-8)."""
        return self.content_type is not None and self.content_type.split(";")[0] != JSON


def _json(name: str, form: Form, text: str) -> Body:
    return Body(name, form, JSON, text.encode())


NO_BODY = Body("no body", Form.ABSENT, None, None)
EMPTY_JSON = Body("an empty body under application/json", Form.ABSENT, JSON, b"")
EMPTY_OBJECT = _json("{}", Form.OMITTED, "{}")
FALSE = _json("is_skipped false", Form.FALSE, '{"is_skipped": false}')
TRUE = _json("is_skipped true", Form.TRUE, '{"is_skipped": true}')
OMITTED_EXTRA = _json("an unknown property alone", Form.OMITTED, '{"comment": "stagecheck"}')
FALSE_EXTRA = _json("false and an unknown property", Form.FALSE, '{"is_skipped": false, "comment": "stagecheck"}')
TRUE_EXTRA = _json("true and an unknown property", Form.TRUE, '{"comment": "stagecheck", "is_skipped": true}')
_ANSWERED = (
    '"service_type": "STAGECHECK", "deployment_order": 99, "name": "stagecheck", '
    '"id": "00000000-0000-4000-8000-000000000000"'
)
TRUE_ANSWERED = _json("true and properties of answers", Form.TRUE, f'{{{_ANSWERED}, "is_skipped": true}}')
FALSE_ANSWERED = _json("false and properties of answers", Form.FALSE, f'{{"is_skipped": false, {_ANSWERED}}}')
TRUE_CHARSET = Body("true as UTF-8", Form.TRUE, f"{JSON}; charset=utf-8", b'{"is_skipped": true}')
FALSE_CHARSET = Body("false as UTF-8", Form.FALSE, f"{JSON}; charset=utf-8", b'{"is_skipped": false}')
NULL = _json("is_skipped null", Form.NULL, '{"is_skipped": null}')

MOVES = (NO_BODY, EMPTY_OBJECT, FALSE, EMPTY_JSON, OMITTED_EXTRA, FALSE_EXTRA, FALSE_CHARSET)
"""Every body that moves and un-skips (S5), the forms that real clients use first."""
SKIPS = (TRUE, TRUE_EXTRA, TRUE_CHARSET)
"""Every body that skips (S2, S4)."""

LENIENT = (
    NULL,
    _json('is_skipped "true"', Form.TEXT_TRUE, '{"is_skipped": "true"}'),
    _json('is_skipped "false"', Form.TEXT_FALSE, '{"is_skipped": "false"}'),
    _json("null", Form.NULL_BODY, "null"),
)
"""Bodies a target may read or refuse as it likes (ERR-4, OPEN)."""

WRONG_TYPE = tuple(
    _json(f"is_skipped {text}", Form.WRONG_TYPE, f'{{"is_skipped": {text}}}')
    for text in ("1", '"maybe"', "[]", '{"value": true}', "0", "1.5", "[true]")
)
"""Flags of a type that is not boolean (ERR-4)."""

MALFORMED = tuple(
    Body(text, Form.MALFORMED, JSON, text.encode())
    for text in (
        '{"is_skipped": true',
        '{"is_skipped": ',
        "{is_skipped}",
        '{"is_skipped": tru',
        '{"is_skipped" true}',
        "not json",
        "}{",
    )
)
"""What no JSON parser accepts (ERR-5)."""

NOT_OBJECT = tuple(
    _json(text, Form.NOT_OBJECT, text) for text in ("[]", '[{"is_skipped": true}]', "true", "42", '"is_skipped"')
)
"""JSON, but neither an object nor null (ERR-6)."""

OTHER_MEDIA = (
    Body("true as text/plain", Form.TRUE, "text/plain", b'{"is_skipped": true}'),
    Body("true as a form", Form.TRUE, "application/x-www-form-urlencoded", b"is_skipped=true"),
    Body("false as text/plain", Form.FALSE, "text/plain", b'{"is_skipped": false}'),
    Body("true as XML", Form.TRUE, "application/xml", b"<is_skipped>true</is_skipped>"),
)
"""Bodies under another content type (ERR-8)."""

ALL = (*MOVES, *SKIPS, *LENIENT, *WRONG_TYPE, *MALFORMED, *NOT_OBJECT, *OTHER_MEDIA)


def meaning(content_type: str | None, content: bytes | None) -> tuple[Form, bool]:
    """What a body that was received means, and whether it came under another content type than JSON.

    `content_type`: the header's value, None if there is none; `content`: the bytes, None or empty for no body. A body
    without a content type is read as JSON. Never raises.
    """
    if not content:
        return Form.ABSENT, False
    media = (content_type or JSON).split(";")[0].strip().lower()
    other = not (media == JSON or media.endswith("+json"))
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return Form.MALFORMED, other
    return _meaning_of(value), other


def _meaning_of(value: object) -> Form:
    if value is None:
        return Form.NULL_BODY
    if not isinstance(value, dict):
        return Form.NOT_OBJECT
    if "is_skipped" not in value:
        return Form.OMITTED
    flag = value["is_skipped"]
    if flag is None:
        return Form.NULL
    if isinstance(flag, bool):
        return Form.TRUE if flag else Form.FALSE
    if isinstance(flag, str) and flag.lower() in ("true", "false"):
        return Form.TEXT_TRUE if flag.lower() == "true" else Form.TEXT_FALSE
    return Form.WRONG_TYPE
