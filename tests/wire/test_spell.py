"""How requests are spelled: paths, headers, bodies, credentials."""

from __future__ import annotations

import pytest

from kit.small import ENVIRONMENT, uid
from stagecheck.exchange import Credential
from stagecheck.model.requests import Attach, Form, OtherMethod, Read, ReadList, ReadService, ReadStage, Request
from stagecheck.operations import OPERATIONS, OperationKey, path
from stagecheck.wire import bodies
from stagecheck.wire.bodies import Body
from stagecheck.wire.spell import Speller, operation_of, raw

KEY = Credential("the API token", "Token secret", "Token $STAGECHECK_TOKEN")


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [
        (bodies.NO_BODY, None, None),
        (bodies.EMPTY_JSON, "application/json", b""),
        (bodies.EMPTY_OBJECT, "application/json", b"{}"),
        (bodies.OTHER_MEDIA[1], "application/x-www-form-urlencoded", b"is_skipped=true"),
    ],
)
def test_an_attach_request(body: Body, content_type: str | None, content: bytes | None) -> None:
    message = Speller().attach(Attach(uid("A"), uid("one"), body.form), body, KEY)
    assert message.method == "PUT"
    assert message.path == f"/deploymentStage/{uid('A')}/service/{uid('one')}"
    assert dict(message.headers).get("Content-Type") == content_type
    assert dict(message.headers)["Accept"] == "application/json"
    assert message.body == content
    assert message.credential is KEY
    assert "Authorization" not in dict(message.headers), "the credential is added where it is sent, and only there"


_READS: tuple[tuple[Read, str, OperationKey], ...] = (
    (ReadList(ENVIRONMENT), f"/environment/{ENVIRONMENT}/deploymentStage", OperationKey.LIST),
    (ReadStage(uid("A")), f"/deploymentStage/{uid('A')}", OperationKey.GET_STAGE),
    (ReadService(uid("one")), f"/service/{uid('one')}/deploymentStage", OperationKey.GET_SERVICE_STAGE),
)


@pytest.mark.parametrize(("request_", "where", "key"), _READS)
def test_a_read(request_: Read, where: str, key: OperationKey) -> None:
    message = Speller().read(request_, KEY)
    assert (message.method, message.path, message.body) == ("GET", where, None)
    assert operation_of(request_) is key


@pytest.mark.parametrize(
    "request_", [Attach(uid("A"), uid("one"), Form.TRUE), OtherMethod("POST", uid("A"), uid("one"))]
)
def test_everything_else_counts_as_attach(request_: Request) -> None:
    assert operation_of(request_) is OperationKey.ATTACH


@pytest.mark.parametrize(
    ("odd", "quoted"), [("a/b", "a%2Fb"), ("a b", "a%20b"), ("é", "%C3%A9"), ("a?b#c", "a%3Fb%23c"), ("%00", "%2500")]
)
def test_an_id_is_one_path_segment_whatever_it_holds(odd: str, quoted: str) -> None:
    message = Speller().attach(Attach(odd, uid("one"), Form.ABSENT), bodies.NO_BODY, KEY)
    assert message.path.split("/")[2] == quoted


def test_ids_go_as_they_were_written_first() -> None:
    """A target that knows capitals only is asked in capitals; the canonical form is what the oracle sees."""
    speller = Speller()
    speller.learn(uid("A").upper(), None, uid("one"))
    speller.learn(uid("A"))
    message = speller.attach(Attach(uid("A"), uid("one"), Form.ABSENT), bodies.NO_BODY, KEY)
    assert message.path == f"/deploymentStage/{uid('A').upper()}/service/{uid('one')}"
    assert speller.read(ReadStage(uid("A")), KEY).path == f"/deploymentStage/{uid('A').upper()}"
    assert speller.id(uid("two")) == uid("two")


@pytest.mark.parametrize("respell", [(), ("stage",), ("service",), ("stage", "service")])
def test_respelled_ids_come_in_another_letter_case_than_they_were_written(respell: tuple[str, ...]) -> None:
    for upper in (False, True):
        speller = Speller()
        written = {
            name: uid(thing).upper() if upper else uid(thing) for name, thing in (("stage", "A"), ("service", "one"))
        }
        speller.learn(*written.values())
        message = speller.attach(Attach(uid("A"), uid("one"), Form.ABSENT), bodies.NO_BODY, KEY, respell)
        _, _, stage, _, service = message.path.split("/")
        for name, sent in (("stage", stage), ("service", service)):
            assert (sent == written[name]) == (name not in respell)
            assert sent.lower() == written[name].lower()


@pytest.mark.parametrize(("request_", "where", "key"), _READS)
def test_a_respelled_read(request_: Read, where: str, key: OperationKey) -> None:
    path_ = Speller().read(request_, KEY, respell=True).path
    assert path_ != where
    assert path_.lower() == where.lower()
    assert key is operation_of(request_)


def test_any_method_on_any_raw_path() -> None:
    message = raw("PATCH", "/deploymentStage/%00", bodies.TRUE, KEY)
    assert (message.method, message.path, message.body) == ("PATCH", "/deploymentStage/%00", bodies.TRUE.content)
    assert raw("GET", "/x", None, KEY).headers == (("Accept", "application/json"),)


def test_a_missing_id_is_named() -> None:
    with pytest.raises(KeyError, match="serviceId"):
        path(OperationKey.ATTACH, deploymentStageId="x")


def test_the_table_of_operations_is_that_of_the_contract() -> None:
    assert set(OPERATIONS) == set(OperationKey)
    assert len({(fact.method, fact.template) for fact in OPERATIONS.values()}) == len(OPERATIONS)
    assert {fact.success for fact in OPERATIONS.values() if fact.answer == "none"} == {204}
