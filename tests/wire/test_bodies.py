"""Every body means what the table says, and no bytes make `meaning` raise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagecheck.model.requests import Form
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body, meaning

_READ_AS_JSON = [body for body in bodies.ALL if not body.other_media]


def _name(body: Body) -> str:
    return body.name


@pytest.mark.parametrize("body", _READ_AS_JSON, ids=_name)
def test_a_body_means_what_the_table_declares(body: Body) -> None:
    assert meaning(body.content_type, body.content) == (body.form, False)


@pytest.mark.parametrize("body", bodies.OTHER_MEDIA, ids=_name)
def test_a_body_under_another_content_type_is_known_as_such(body: Body) -> None:
    form, other = meaning(body.content_type, body.content)
    assert other
    assert body.other_media
    assert form in (body.form, Form.MALFORMED), "what is no JSON cannot be read as it"


def test_names_tell_the_bodies_apart_and_every_group_is_in_all() -> None:
    assert len({body.name for body in bodies.ALL}) == len(bodies.ALL)
    groups = (bodies.MOVES, bodies.SKIPS, bodies.LENIENT, bodies.WRONG_TYPE, bodies.MALFORMED, bodies.NOT_OBJECT)
    assert sum(map(len, (*groups, bodies.OTHER_MEDIA))) == len(bodies.ALL)
    assert {body.form for body in bodies.MOVES} == {Form.ABSENT, Form.OMITTED, Form.FALSE}
    assert all(body.form.moves for body in bodies.MOVES)
    assert {body.form for body in bodies.ALL} == set(Form) - {Form.UNJUDGED}


@pytest.mark.parametrize("body", bodies.MALFORMED, ids=_name)
def test_what_is_called_malformed_no_json_parser_accepts(body: Body) -> None:
    assert body.content is not None
    with pytest.raises(ValueError, match=r"line 1 column"):
        json.loads(body.content)


@pytest.mark.parametrize("body", bodies.NOT_OBJECT, ids=_name)
def test_what_is_called_no_object_is_json_all_the_same(body: Body) -> None:
    assert body.content is not None
    assert not isinstance(json.loads(body.content), dict)


@pytest.mark.parametrize(
    ("content_type", "content", "form", "other"),
    [
        (None, None, Form.ABSENT, False),
        (None, b"", Form.ABSENT, False),
        ("text/plain", b"", Form.ABSENT, False),
        (None, b"{}", Form.OMITTED, False),
        ("Application/JSON; charset=utf-8", b'{"is_skipped": true}', Form.TRUE, False),
        ("application/merge-patch+json", b'{"is_skipped": true}', Form.TRUE, False),
        ("application/json", b'{"isSkipped": true}', Form.OMITTED, False),
        ("application/json", b'{"is_skipped": "TRUE"}', Form.TEXT_TRUE, False),
        ("application/json", b'{"is_skipped": -1e400}', Form.WRONG_TYPE, False),
        ("application/json", b" \n", Form.MALFORMED, False),
        ("application/json", b"[" * 100_000, Form.MALFORMED, False),
        ("text/plain", b"{}", Form.OMITTED, True),
    ],
)
def test_meaning(content_type: str | None, content: bytes | None, form: Form, *, other: bool) -> None:
    assert meaning(content_type, content) == (form, other)


_NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("is_skipped"), inner, max_size=4),
    max_leaves=12,
)


@given(st.none() | st.text(), st.none() | st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_hostile_bytes_never_raise(content_type: str | None, content: bytes | None) -> None:
    form, _ = meaning(content_type, content)
    assert form is not Form.UNJUDGED


@given(_NESTED)
def test_any_json_has_a_meaning(value: object) -> None:
    form, other = meaning("application/json", json.dumps(value).encode())
    assert not other
    assert form is not Form.MALFORMED
    if isinstance(value, dict) and isinstance(value.get("is_skipped"), bool):
        assert form is (Form.TRUE if value["is_skipped"] else Form.FALSE)
    if not isinstance(value, dict) and value is not None:
        assert form is Form.NOT_OBJECT
