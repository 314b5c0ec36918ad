"""Every kind of witness, kept and broken; whatever a target answers, a check says something and never raises."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from kit.small import START, listing, stage_payload, uid
from stagecheck.standalone import checks, secrets, source_of
from stagecheck.standalone.checks import CHECKS
from stagecheck.standalone.symbols import filled, filled_inside

Json = dict[str, Any]
ONE, TWO, THREE, A, B = (uid(name) for name in ("one", "two", "three", "A", "B"))


def shows(payload: object, status: int | None = 200, *, asked: str = "list", media: str = "application/json") -> Json:
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return {"asked": asked, "path": f"/{asked}", "status": status, "content_type": media, "body": body}


def ordered(first: int | None, second: int | None) -> Json:
    return shows({"results": [{"id": A, "deployment_order": first}, {"id": B, "deployment_order": second}]})


def one(stage: str, members: Sequence[str], *, asked: str = "stage", **changed: object) -> Json:
    return shows(stage_payload(stage, members, 1, changed=changed), asked=asked)


def only(**stage: object) -> Json:
    return shows({"results": [{"id": A, **stage}]})


START_SHOWN = shows(listing(START))
SILENT = shows({"id": A}, asked="service-stage")
CREATED, EARLIER = "2024-01-01T00:00:00Z", "2023-12-31T23:59:59Z"
SAME_MOMENT = "2024-01-01T01:00:00.000+01:00"
THREE_THERE = shows({"id": B, "services": [{"id": THREE, "is_skipped": "true"}]}, asked="service-stage")

Case = tuple[Json, Json, Sequence[Json], str | None]


def placed(service: str, *where: tuple[str, bool]) -> Json:
    return {"kind": "places", "service": service, "places": [list(place) for place in where]}


def keeps(attribute: str, **whose: str) -> Json:
    return {"kind": "same", "attribute": attribute, **whose}


def wants(keyword: str, value: object, *path: str) -> Json:
    return {"kind": "schema", "path": list(path), "keyword": keyword, "value": value}


_TABLE: list[Case] = [
    # ---- status
    ({"kind": "status", "allowed": [200]}, shows({}), (), None),
    ({"kind": "status", "allowed": [404, "4xx"]}, shows({}, 499), (), None),
    ({"kind": "status", "allowed": ["4xx"]}, shows({}, 500), (), "status 500"),
    ({"kind": "status", "allowed": [200]}, shows("", None), (), "status None"),
    # ---- places
    (placed(ONE, (A, False)), START_SHOWN, (), None),
    (placed(ONE.upper(), (A.upper(), False)), START_SHOWN, (), None),
    (placed(THREE, (B, True)), START_SHOWN, (), None),
    (placed(ONE, (B, False)), START_SHOWN, (), f"in {A}, is_skipped false"),
    (placed(ONE, (A, True)), START_SHOWN, (), f"in {A}, is_skipped false"),
    (placed(uid("nobody")), START_SHOWN, (), None),
    (placed(uid("nobody"), (A, False)), START_SHOWN, (), "in no stage"),
    (placed(ONE, (A, False)), shows(listing({"A": ["one", "one"]})), (), " and "),
    (placed(ONE, (A, False)), shows({}, 500), (), "status 500 without stages"),
    (placed(ONE, (A, False)), one("A", ["one"]), (), None),
    (placed(ONE, (B, False)), one("A", []), (), None),
    (placed(ONE, (A, False)), one("A", []), (), "in no stage"),
    (placed(ONE, (A, False)), SILENT, (), None),
    (placed(ONE, (B, False)), SILENT, (), "in no stage"),
    (placed(ONE, (A, False)), one("A", ["two"], asked="service-stage"), (), "a stage without the service"),
    (placed(THREE, (B, True)), THREE_THERE, (), None),
    # ---- stage
    ({"kind": "stage", "stage": A.upper(), "times": 1}, START_SHOWN, (), None),
    ({"kind": "stage", "stage": A, "times": 1}, shows({"results": []}), (), "listed 0 times"),
    ({"kind": "stage", "stage": A, "times": 1}, shows({"results": [{"id": A}, {"id": A}]}), (), "listed 2 times"),
    # ---- same
    (keeps("name", stage=A), START_SHOWN, [START_SHOWN], None),
    (keeps("name", stage=A), START_SHOWN, (), None),
    (keeps("name", stage=A), only(name="other"), [START_SHOWN], "name 'other', which was 'A'"),
    (keeps("created_at", stage=A), only(created_at=SAME_MOMENT), [only(created_at=CREATED)], None),
    (keeps("created_at", stage=A), only(created_at=EARLIER), [only(created_at=CREATED)], "which was"),
    (keeps("description", stage=A), only(description=""), [only(description=None)], None),
    (keeps("description", stage=A), only(description="x"), [only(description=None)], "description 'x'"),
    (keeps("description", stage=A), only(), [only(description="x")], None),
    (keeps("environment", stage=A), only(environment={"id": B}), [only(environment={"id": A})], "environment"),
    (keeps("service_type", service=ONE), START_SHOWN, [START_SHOWN], None),
    (
        keeps("service_type", service=ONE),
        only(services=[{"service_id": ONE, "service_type": "JOB"}]),
        [START_SHOWN],
        "service_type 'JOB', which was 'APPLICATION'",
    ),
    ({**keeps("name", stage=A), "since": "last"}, only(name="B"), [START_SHOWN, only(name="B")], None),
    (
        {**keeps("name", stage=A), "since": "last"},
        START_SHOWN,
        [START_SHOWN, only(name="B")],
        "name 'A', which was 'B'",
    ),
    # ---- same-set
    ({"kind": "same-set", "of": "stages", "fewer": [B.upper(), uid("C")]}, only(), [START_SHOWN], None),
    ({"kind": "same-set", "of": "stages", "more": [B, uid("C")]}, START_SHOWN, [only()], None),
    ({"kind": "same-set", "of": "stages"}, START_SHOWN, [START_SHOWN], None),
    ({"kind": "same-set", "of": "stages"}, only(), [START_SHOWN], "0 more and 2 fewer stages"),
    ({"kind": "same-set", "of": "services"}, shows(listing({"A": ["one"]})), [START_SHOWN], "0 more and 2 fewer"),
    ({"kind": "same-set", "of": "services"}, one("A", ["one"]), [START_SHOWN], None),
    # ---- order
    ({"kind": "order"}, ordered(1, 2), [ordered(3, 7)], None),
    ({"kind": "order"}, ordered(2, 1), [ordered(3, 7)], "orders [2, 1]"),
    ({"kind": "order"}, ordered(2, 2), [ordered(3, 7)], "orders [2, 2]"),
    ({"kind": "order"}, ordered(2, 1), [ordered(7, 3), shows({}, 500)], None),
    ({"kind": "order"}, ordered(2, 1), [ordered(1, 2), ordered(2, 1)], None),
    ({"kind": "order"}, ordered(2, 1), [ordered(4, 4)], None),
    ({"kind": "order"}, ordered(None, 1), [ordered(1, 2)], None),
    ({"kind": "order"}, shows({}, 500), [ordered(1, 2)], None),
    ({"kind": "order", "stage": A, "anchor": B, "after": True}, ordered(2, 1), [ordered(1, 2)], None),
    ({"kind": "order", "stage": A.upper(), "anchor": B, "after": True}, ordered(1, 2), [ordered(1, 2)], "orders"),
    ({"kind": "order", "stage": A, "anchor": B, "after": False}, ordered(1, 2), [], None),
    ({"kind": "order", "stage": A, "anchor": B, "after": False}, ordered(2, 1), [], "orders [2, 1]"),
    ({"kind": "order", "stage": A, "anchor": A, "after": True}, ordered(1, 2), [ordered(1, 2)], None),
    # ---- empty
    ({"kind": "empty", "stage": A}, one("A", []), [], None),
    ({"kind": "empty", "stage": A}, one("A", ["one"]), [], f"service {ONE} in it"),
    ({"kind": "empty", "stage": A.upper()}, shows(listing({"A": ["one*"], "B": []})), [], f"service {ONE} in it"),
    ({"kind": "empty", "stage": B}, shows(listing({"A": ["one"], "B": []})), [], None),
    ({"kind": "empty", "stage": A}, shows({"id": A}, asked="stage"), [], None),
    ({"kind": "empty", "stage": A}, shows({}, 500), [], None),
    # ---- new-id
    ({"kind": "new-id"}, one("A", []), [one("B", []), shows(listing({"B": [], "C": []}))], None),
    ({"kind": "new-id"}, one("A", []), [one("B", []), one("A", [])], "which an earlier answer showed"),
    ({"kind": "new-id"}, one("A", [], id=A.upper()), [shows(listing({"A": []}))], "which an earlier answer showed"),
    ({"kind": "new-id"}, one("A", []), [shows(listing({"A": []}), 404), shows("no JSON")], None),
    ({"kind": "new-id"}, shows({}, 500, asked="stage"), [one("A", [])], None),
    # ---- same-places
    ({"kind": "same-places"}, START_SHOWN, [shows({"results": []}, 500), START_SHOWN], None),
    ({"kind": "same-places"}, shows(listing({"A": ["one*"]})), [START_SHOWN], "other placements or flags"),
    ({"kind": "same-places"}, shows({}, 500), [START_SHOWN], None),
    ({"kind": "same-places"}, START_SHOWN, [{**only(), "path": "/else"}], None),
    # ---- ranking
    ({"kind": "ranking", "stages": [A.upper(), B]}, ordered(1, 7), (), None),
    ({"kind": "ranking", "stages": [B, A]}, ordered(1, 7), (), "orders [7, 1]"),
    ({"kind": "ranking", "stages": [A, B]}, ordered(7, 7), (), "orders [7, 7]"),
    ({"kind": "ranking", "stages": [B, A]}, ordered(1, None), (), None),
    ({"kind": "ranking", "stages": [B, A]}, shows({}, 404), (), None),
    # ---- shows
    ({"kind": "shows", "stage": A, "attribute": "name", "value": "NEW"}, only(name="NEW"), (), None),
    ({"kind": "shows", "stage": A, "attribute": "name", "value": "NEW"}, only(name="OLD"), (), "name 'OLD'"),
    ({"kind": "shows", "stage": A, "attribute": "name", "value": "NEW"}, only(), (), None),
    ({"kind": "shows", "stage": A, "attribute": "description", "value": ""}, only(description=None), (), None),
    ({"kind": "shows", "stage": A, "attribute": "description", "value": "x"}, only(description=None), (), "''"),
    # ---- unique
    ({"kind": "unique"}, START_SHOWN, (), None),
    (
        {"kind": "unique"},
        shows({"results": [{"id": A, "deployment_order": 1}, {"id": B, "deployment_order": 1}]}),
        (),
        "orders [1, 1]",
    ),
    (
        {"kind": "unique"},
        shows(
            {
                "results": [
                    {"id": A, "deployment_order": 1, "environment": {"id": A}},
                    {"id": B, "deployment_order": 1, "environment": {"id": B}},
                ]
            }
        ),
        (),
        None,
    ),
    # ---- dates
    ({"kind": "dates"}, only(created_at=CREATED, updated_at=SAME_MOMENT), (), None),
    ({"kind": "dates"}, only(created_at=CREATED, updated_at=EARLIER), (), f"updated_at {EARLIER}"),
    ({"kind": "dates"}, only(services=[{"created_at": CREATED, "updated_at": EARLIER}]), (), "updated_at"),
    ({"kind": "dates"}, only(created_at=CREATED, updated_at="yesterday"), (), None),
    # ---- content-type
    ({"kind": "content-type"}, shows({}, media="Application/JSON; charset=utf-8"), (), None),
    ({"kind": "content-type"}, shows({}, 404, media="text/html"), (), None),
    ({"kind": "content-type"}, shows({}, media="text/html"), (), "content type text/html"),
    ({"kind": "content-type"}, shows({}, media=""), (), "content type none"),
    # ---- schema
    (wants("required", "id", "results", "*"), START_SHOWN, (), None),
    (wants("required", "id", "results", "*"), shows({"results": [{}]}), (), "{} against required id"),
    (wants("required", "id", "results", "*"), shows({"results": ["x", {"id": 1}]}), (), None),
    (wants("type", ["string"], "results", "*", "id"), START_SHOWN, (), None),
    (wants("type", ["string", "null"], "results", "*", "id"), only(id=None), (), None),
    (wants("type", ["string"], "results", "*", "id"), only(id=7), (), "7 against type"),
    (wants("type", ["integer"], "results", "*", "x"), only(x=True), (), "true against type"),
    (wants("type", ["number"], "results", "*", "x"), only(x=1), (), None),
    (wants("format", "uuid", "results", "*", "id"), START_SHOWN, (), None),
    (wants("format", "uuid", "results", "*", "id"), only(id="x"), (), "against format uuid"),
    (wants("format", "date-time", "results", "*", "x"), only(x=CREATED), (), None),
    (wants("format", "date-time", "results", "*", "x"), only(x="2024-02-30T00:00:00Z"), (), "against format"),
    (wants("format", "date-time", "results", "*", "x"), only(x=5), (), None),
    (wants("required", "id"), shows("no json"), (), "a body that is no JSON"),
    (wants("required", "id"), shows("no json", 404), (), None),
    # ---- hides
    ({"kind": "hides", "text": ONE.upper()}, shows({}, 403), (), None),
    ({"kind": "hides", "text": ONE.upper()}, shows({"leak": ONE}, 403), (), "an answer with"),
    (
        {"kind": "hides", "stage": A, "attribute": "name"},
        shows({"leak": "a secret"}, 404),
        [only(name="A SECRET")],
        "an",
    ),
    ({"kind": "hides", "stage": A, "attribute": "name"}, shows({"leak": "a secret"}, 404), (), None),
]


@pytest.mark.parametrize(("witness", "answer", "before", "said"), _TABLE)
def test_what_keeps_a_promise_and_what_breaks_it(
    witness: Json, answer: Json, before: Sequence[Json], said: str | None
) -> None:
    came = CHECKS[witness["kind"]](witness, answer, before)
    assert came is None if said is None else said in str(came)


def test_the_table_shows_every_kind_kept_and_broken() -> None:
    assert {(witness["kind"], said is None) for witness, *_, said in _TABLE} == {
        (kind, kept) for kind in CHECKS for kept in (True, False)
    }


_WITNESSES = [
    *{json.dumps(witness): witness for witness, *_ in _TABLE}.values(),
    *(keeps(attribute, service=ONE) for attribute in ("id", "is_skipped", "created_at")),
]
_ODD: list[object] = [
    "",
    "no json",
    "[" * 100_000,
    '{"results":' * 50_000,
    "NaN",
    "1" * 5000,
    "\udcff\x00",
    None,
    True,
    7,
    [],
    ["results"],
    {},
    {"id": None},
    {"id": ["x"], "services": 7},
    {"results": None},
    {"results": {"id": A}},
    {"results": [None, 7, "x", [], {}]},
    {"results": [{"id": {}, "services": [None, 7, {}, {"service_id": {}, "id": []}]}]},
    {
        "results": [
            {
                "id": A,
                "name": {},
                "description": 7,
                "environment": [],
                "deployment_order": "first",
                "created_at": 7,
                "updated_at": {},
                "services": [{"service_id": ONE, "is_skipped": [], "service_type": {}, "created_at": [], "id": {}}],
            },
            {"id": A, "environment": {"id": []}, "deployment_order": True, "created_at": "x" * 19 + ".5Z"},
            {"id": A, "environment": {"id": {}}, "deployment_order": 1, "services": {}},
            {"id": A, "created_at": "0001-01-01T00:00:00+23:59", "updated_at": "9999-12-31T23:59:59-23:59"},
            {"id": A, "created_at": "2024-01-01T00:00:00.\u0663Z", "updated_at": "2024-01-01T24:00:00Z"},
        ]
    },
]


@pytest.mark.parametrize("witness", _WITNESSES, ids=json.dumps)
def test_no_answer_makes_a_check_raise(witness: Json) -> None:
    check = CHECKS[witness["kind"]]
    odd = [
        shows(body, status, asked=asked, media="") for body in _ODD for status in (200, None, 500) for asked in _ASKS
    ]
    for answer in odd:
        for before in ((), odd[:3], [answer], [START_SHOWN]):
            said = check(witness, answer, before)
            assert said is None or isinstance(said, str)
        said = check(witness, START_SHOWN, [answer])
        assert said is None or isinstance(said, str)


_ASKS = ("list", "stage", "service-stage")


def test_the_source_of_each_check_runs_by_itself() -> None:
    answer = shows({"results": []})
    parts = []
    for witness in {w["kind"]: w for w, *_ in _TABLE}.values():
        name = CHECKS[witness["kind"]].__name__
        source = source_of(checks, [name])
        assert "stagecheck" not in source.replace("'stagecheck'", "")
        parts.append(f"exec({source!r}, names := {{}})\nprint(names[{name!r}]({witness!r}, {answer!r}, [{answer!r}]))")
    done = subprocess.run([sys.executable, "-I", "-c", "\n".join(parts)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(CHECKS)


_JWT = "eyJhbGciOiAiSFMyNTYifQ.eyJzdWIiOiAieCJ9.c2lnbmF0dXJl"
_MADE = [name for name, made in vars(secrets).items() if callable(made) and made.__module__ == secrets.__name__]


@pytest.mark.parametrize("name", [name for name in _MADE if not name.startswith("_")])
def test_the_source_of_each_recipe_runs_by_itself(name: str) -> None:
    names: dict[str, Any] = {}
    exec(source_of(secrets, [name]), names)
    assert names[name](_JWT) == getattr(secrets, name)(_JWT) != _JWT


def test_what_is_asked_for_alone_is_copied() -> None:
    source = source_of(checks, ["status"])
    assert "json" not in source
    assert source.count("def ") == 1
    assert source_of(checks, ["content_type"]).count("def ") == 1


_SYMBOLS = {"stage:A": "ab-1", "service:12": "CD-2", "second.stage": "ef-3", "environment": "77"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/deploymentStage/{stage:A}/service/{service:12}", "/deploymentStage/ab-1/service/CD-2"),
        ("{stage:A~}{service:12~}{environment~}", "AB-1cd-277"),
        ("{second.stage}", "ef-3"),
        ("{}{ stage:A }{Stage:A}%7Bstage:A%7D", "{}{ stage:A }{Stage:A}%7Bstage:A%7D"),
    ],
)
def test_symbols_are_filled_in(text: str, said: str) -> None:
    assert filled(text, _SYMBOLS) == said
    assert filled_inside({"a": [text, 7, None]}, _SYMBOLS) == {"a": [said, 7, None]}


def test_a_symbol_without_an_id_is_named() -> None:
    with pytest.raises(KeyError, match="stage:B"):
        filled("{stage:B}", _SYMBOLS)
