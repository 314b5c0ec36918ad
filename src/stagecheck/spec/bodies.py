"""Request bodies: those that clients of the attach operation send, and what is wrong with a broken one.

Knows the contract's body and what JSON is; knows nothing of Schemathesis, paths or HTTP.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from hypothesis import strategies as st

from stagecheck.operations import OperationKey
from stagecheck.spec.document import ABSENT

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from stagecheck.spec.document import Document

Fault = Literal["none", "syntax", "garbage", "not-an-object", "flag-type", "flag-open", "body", "parameter", "path"]
"""What is wrong with a request, for the requirement that judges the answer:

- ``none``: nothing, by the document;
- ``syntax``: no JSON parser accepts the body (ERR-5); ``garbage``: bytes that a lenient one might (ERR-1
  only);
- ``not-an-object``: a JSON array or scalar (ERR-6);
- ``flag-type``: ``is_skipped`` of a wrong type (ERR-4); ``flag-open``: null, or the texts "true" and "false";
- ``body``: another breach of the body's schema; ``parameter``: of a query, header or cookie parameter;
- ``path``: an id that is no UUID (ERR-3).
"""

FLAG: Final = "is_skipped"
_LETTERS: Final = st.characters(codec="utf-8", exclude_characters="\x00")
_NAMES: Final = st.text(_LETTERS, max_size=12).filter(lambda name: name.replace("_", "").lower() != "isskipped")
_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(_LETTERS, max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=5,
)
_FLAGS: Final = st.sampled_from([{}, {FLAG: False}, {FLAG: True}])
_UNKNOWN: Final = st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=3)
_EXTRA: Final = st.builds(lambda unknown, flag: {**unknown, **flag}, _UNKNOWN, _FLAGS)

# Left to itself, generation sends the flag in 8 of 100 cases: every form that clients use has its share here.
ATTACH_BODIES: Final[tuple[tuple[str, SearchStrategy[Any] | None], ...]] = (
    ("no body", st.just(ABSENT)),
    ("no body, with a JSON content type", st.just(ABSENT)),
    ("an empty object", st.just({})),
    ("the flag false", st.just({FLAG: False})),
    ("the flag true", st.just({FLAG: True})),
    ("unknown properties", _EXTRA),
    ("generated from the document", None),
)


BEGINNINGS: Final = (b"{", b"", b'{"is_skipped": ', b'{"is_skipped": true', b'{"name": "x",')


def malformed(raw: bytes, beginning: bytes) -> tuple[bytes, Fault]:
    """Random bytes as a body that surely is no JSON, or, without a ``beginning``, no JSON to a strict parser.

    Counterexamples to taking any random bytes for malformed: ``5`` and ``NaN``; a blank, which many servers
    take for no body; a bare word, which lenient parsers read as a string. An object that never ends is none
    of these.
    """
    blank = not raw.strip(b" \t\r\n\0")
    if not beginning and not blank and not _is_json(raw):
        return raw, "garbage"
    return (beginning or b"{") + raw.replace(b"}", b""), "syntax"


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


def fault(document: Document, key: OperationKey, body: Any) -> Fault:
    """What is wrong with a JSON value, or with no body at all, as the body of ``key``."""
    if document.body_accepted(key, body):
        return "none"
    if body is ABSENT:
        return "body"
    if not isinstance(body, dict):
        return "not-an-object"
    if key is not OperationKey.ATTACH or FLAG not in body or isinstance(body[FLAG], bool):
        return "body"
    flag = body[FLAG]
    is_open = flag is None or (isinstance(flag, str) and flag.strip().lower() in ("true", "false"))
    return "flag-open" if is_open else "flag-type"
