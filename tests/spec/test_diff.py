"""Two documents compared: every labelled pair, and every witness held against a validator that is not ours."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from spec.diff_pairs import BASE, Pair, edit, pairs
from spec.separate import accepts, place_of
from stagecheck.errors import SpecError
from stagecheck.spec import fragment_path, read
from stagecheck.spec.diff import KINDS, Change, Class, Diffed, Side, diff
from stagecheck.spec.positions import pointer, steps_of

PAIRS = pairs()
Written = Callable[[dict[str, Any], dict[str, Any]], Diffed]


@pytest.fixture
def compared(tmp_path: Path) -> Written:
    def written(old: dict[str, Any], new: dict[str, Any]) -> Diffed:
        files = tmp_path / "old.yaml", tmp_path / "new.yaml"
        for file, raw in zip(files, (old, new), strict=True):
            file.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
        return diff(*files)

    return written


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Diffed]:
    """Every pair of the corpus, compared."""
    folder = tmp_path_factory.mktemp("corpus")
    found: dict[str, Diffed] = {}
    for number, pair in enumerate(PAIRS):
        files = folder / f"{number}-old.yaml", folder / f"{number}-new.yaml"
        for file, raw in zip(files, (pair.old, pair.new), strict=True):
            file.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
        found[pair.name] = diff(*files)
    return found


def label(change: Change) -> str:
    if change.what is not Class.BREAKING:
        return change.what.value
    return f"breaking {'both' if len(change.breaks) == 2 else change.breaks[0]}"


def edited(**how: Any) -> dict[str, Any]:
    raw: dict[str, Any] = copy.deepcopy(BASE)
    edit(raw, how)
    return raw


def test_the_corpus_is_large_enough_and_names_nothing_twice() -> None:
    assert len(PAIRS) >= 100
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)
    assert {one for pair in PAIRS for one in pair.labels} == {
        "breaking clients", "breaking servers", "breaking both", "additive", "meaning", "editorial", "unknown",
    }  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_pair_is_what_it_was_labelled(results: dict[str, Diffed], pair: Pair) -> None:
    diffed = results[pair.name]
    assert sorted(map(label, diffed.changes)) == pair.labels
    for change in diffed.changes:
        _check_witnesses(pair, change)
        _check_places(diffed, change)
    # The same document has not changed.
    assert diff(diffed.new, diffed.new).changes == ()


def _check_witnesses(pair: Pair, change: Change) -> None:
    """Each side that breaks has a witness, and another validator says the same of it."""
    assert [witness.side for witness in change.witnesses] == list(change.breaks)
    for witness in change.witnesses:
        if witness.what not in ("body", "answer", "value") or not _is_value(witness.value, witness.what):
            assert isinstance(witness.value, str)
            continue
        if change.kind.id == "body-removed":
            place = place_of(pair.old, change.operation, change.where)
            assert accepts(pair.old, place, witness.value, sent=True)
            continue
        sent = witness.what != "answer"
        opinions = [
            accepts(raw, place_of(raw, change.operation, change.where), witness.value, sent=sent)
            for raw in (pair.old, pair.new)
        ]
        if witness.undescribed is not None:
            assert opinions[0]
            assert _holds(witness.value, witness.undescribed)
        elif witness.valid == "both":
            assert opinions == [True, True]
        else:
            assert opinions == [witness.valid == "old", witness.valid == "new"]


def _is_value(value: Any, what: str) -> bool:
    """Answers by their status or header are told as text."""
    return not (what == "answer" and isinstance(value, str) and value[:1].isdigit())


def _holds(value: Any, way: str) -> bool:
    for name in way.replace("[]", ".[]").removeprefix(".").split("."):
        if name == "[]":
            value = value[0]
        elif name not in value:
            return False
        else:
            value = value[name]
    return True


def _check_places(diffed: Diffed, change: Change) -> None:
    """Each place is where its pointer leads to."""
    for path, spot in ((diffed.old, change.old), (diffed.new, change.new)):
        if spot is not None:
            assert read(path).positions.place(steps_of(spot.pointer)) == spot.place
            assert pointer(steps_of(spot.pointer)) == spot.pointer
    assert change.old is not None or change.new is not None


def test_every_kind_of_change_is_in_the_corpus(results: dict[str, Diffed]) -> None:
    found = {change.kind.id for diffed in results.values() for change in diffed.changes}
    assert found == set(KINDS) - {"header-values"}


def test_a_header_that_is_needed_and_may_be_absent_breaks_its_readers(compared: Written) -> None:
    header = "/paths/~1things/get/responses/200/headers/X-Total/required"
    (change,) = compared(edited(set={header: True}), BASE).changes
    assert (change.kind.id, change.breaks) == ("header-values", (Side.CLIENTS,))
    (change,) = compared(BASE, edited(set={header: True})).changes
    assert (change.kind.id, change.breaks) == ("header-values", (Side.SERVERS,))
    schema = {"/paths/~1things/get/responses/200/headers/X-Total/schema/type": "boolean"}
    (change,) = compared(BASE, edited(set=schema)).changes
    assert (change.kind.id, change.breaks) == ("header-values", (Side.CLIENTS, Side.SERVERS))


def test_the_same_edit_in_many_operations_is_one_change(compared: Written) -> None:
    new = edited(set={"/components/schemas/Thing/properties/kind/enum": ["small"]})
    (change,) = compared(BASE, new).changes
    assert (change.operation, change.also) == ("GET /things", ("PUT /things/{thingId}",))
    assert change.where == "the answer 200, results[].kind"
    assert change.message == "no longer large"
    assert change.old is not None
    assert change.old.pointer == "/components/schemas/Thing/properties/kind"


def test_what_is_unsure_for_one_side_is_said_beside_what_is_sure_for_the_other(compared: Written) -> None:
    code = "/components/schemas/ThingRequest/properties/code/pattern"
    (change,) = compared(BASE, edited(set={code: "^[0-4]+$"})).changes
    assert (change.breaks, change.unsure) == ((Side.CLIENTS,), (Side.SERVERS,))


OWNER = "/components/schemas/ThingRequest/properties/owner"


@pytest.mark.parametrize(
    "how",
    [
        {"set": {f"{OWNER}/type": "integer"}},
        {"remove": [OWNER]},
        {"set": {"/components/schemas/ThingRequest/required": ["name", "owner"]}},
    ],
)
def test_read_only_properties_do_not_count_in_requests(compared: Written, how: dict[str, Any]) -> None:
    old = edited(set={f"{OWNER}/readOnly": True})
    new = copy.deepcopy(old)
    edit(new, how)
    assert compared(old, new).changes == ()
    assert compared(new, old).changes == ()
    assert compared(BASE, edited(**how)).changes != ()


def test_a_property_that_becomes_read_only_is_gone_from_requests(compared: Written) -> None:
    (change,) = compared(BASE, edited(set={f"{OWNER}/readOnly": True})).changes
    assert (change.kind.id, change.breaks) == ("property-removed", (Side.CLIENTS,))


def test_what_stands_beside_a_reference_counts_from_31_on(compared: Written) -> None:
    def with_(version: str, **beside: Any) -> dict[str, Any]:
        part = {"$ref": "#/components/schemas/Part", **beside}
        return edited(set={"/openapi": version, "/components/schemas/Thing/properties/parts/items": part})

    assert compared(with_("3.0.3"), with_("3.0.3", required=["weight"])).changes == ()
    (change,) = compared(with_("3.1.0"), with_("3.1.0", required=["weight"])).changes
    assert (change.breaks, change.message) == ((Side.SERVERS,), "weight is required now")


def test_a_property_of_an_alternative_that_is_gone_is_found(compared: Written) -> None:
    place = "/components/schemas/ThingRequest/properties/place/oneOf/0/properties"
    (change,) = compared(edited(set={f"{place}/floor": {"type": "integer"}}), BASE).changes
    assert (change.kind.id, change.breaks) == ("property-removed", (Side.CLIENTS,))


# ---------------------------------------------------------------------- our own document

FRAGMENT = fragment_path().read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "sources"),
    [
        ("lifts an earlier skip", "skips the service", ("S3",)),
        ("            un-skips it.", "            leaves it.", ("S5",)),
        ("stays there\n          and is left out", "moves there\n          and is left out", ("S2", "S4")),
        ("; it expires.", "; it lasts.", ("S7",)),
        ("shows every stage of the environment", "shows the addressed stage of the environment", ("S6",)),
        ("Every stage of the environment, as it is now", "The addressed stage, as it is now", ("S6",)),
        ("Kind of the service, such as", "Colour of the service, such as", ("S8",)),
        ("The credential is missing or not valid", "The credential is missing or expired", ()),
    ],
)
def test_words_are_tied_to_what_they_are_the_source_of(
    tmp_path: Path, old: str, new: str, sources: tuple[str, ...]
) -> None:
    assert FRAGMENT.count(old) == 1
    file = tmp_path / "new.yaml"
    file.write_text(FRAGMENT.replace(old, new), encoding="utf-8")
    (change,) = diff(fragment_path(), file, lambda named: tuple(f"of {one}" for one in named)).changes
    assert (change.what, change.sources) == (Class.MEANING, sources)
    assert change.requirements == tuple(f"of {one}" for one in sources)
    shown = {how: text for how, text in change.words if how != "="}
    assert shown["-"]
    assert shown["+"]


def test_words_of_the_other_operations_are_tied_to_their_requirements(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(FRAGMENT.replace("No service is lost with it.", "Its services are lost."), encoding="utf-8")
    (change,) = diff(fragment_path(), file).changes
    assert (change.what, change.requirements) == (Class.MEANING, ("STAGE-3",))


def test_operations_that_the_contract_does_not_know_can_be_left_out(tmp_path: Path) -> None:
    raw = json.loads(json.dumps(read(fragment_path()).raw))
    raw["paths"]["/other"] = {"get": {"responses": {"200": {"description": "Another."}}}}
    file = tmp_path / "new.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    assert [change.kind.id for change in diff(fragment_path(), file).changes] == ["operation-added"]
    assert diff(fragment_path(), file, contract_alone=True).changes == ()


# ---------------------------------------------------------------------- documents that are none

HEAD = "openapi: 3.0.0\ninfo: {title: a, version: '1'}\npaths: {}\ncomponents:\n  schemas:\n"
BOMB = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
BOMB += [f"{name}: &{name} [{', '.join(10 * [f'*{one}'])}]" for one, name in zip("abcdefg", "bcdefgh", strict=True)]
CIRCLE = "    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: '#/components/schemas/A'}\n"
ABROAD = "    A: {$ref: 'https://example.com/a.yaml'}\n"
HOSTILE = {
    "a bomb": ("\n".join(BOMB), "more than 1,000,000 values"),
    "a circle of references": (HEAD + CIRCLE, "leads back to itself"),
    "a schema that is in itself": (HEAD + "    A: {allOf: [{$ref: '#/components/schemas/A'}]}\n", "for ever"),
    "a reference that leaves": (HEAD + ABROAD, "leaves the document"),
    "no text": ("\x00\x01", "save the document as UTF-8"),
    "no OpenAPI": ("a: 1\n", "no `openapi` at the top"),
    "Swagger": ("swagger: '2.0'\n", "convert it to OpenAPI 3"),
}
ODD: tuple[Any, ...] = (
    {"type": "nothing"},
    {"type": 7},
    {"properties": []},
    {"properties": {"a": 3}},
    {"required": "name"},
    {"required": [[]]},
    {"enum": 3},
    {"items": 3},
    {"allOf": {}},
    {"allOf": [3]},
    {"oneOf": "x"},
    {"pattern": "("},
    {"minimum": "x"},
    {"additionalProperties": 3},
    {"nullable": "x"},
    {"format": []},
    {"default": {}},
    {"description": 3},
    [],
    3,
    None,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_in_words_on_either_side(tmp_path: Path, name: str) -> None:
    text, words = HOSTILE[name]
    file = tmp_path / "hostile.yaml"
    file.write_text(text, encoding="utf-8")
    for given in ((file, fragment_path()), (fragment_path(), file)):
        with pytest.raises(SpecError, match=words):
            diff(*given)


def test_what_is_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    with file.open("wb") as large:
        large.truncate(100 * 2**20)
    with pytest.raises(SpecError, match="larger than 16 MiB"):
        diff(fragment_path(), file)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_what_is_no_schema_ends_in_no_traceback_and_in_no_claim(compared: Written, odd: Any) -> None:
    new = edited(set={"/components/schemas/ThingRequest": odd})
    for diffed in (compared(BASE, new), compared(new, BASE)):
        for change in diffed.changes:
            for witness in change.witnesses:
                assert witness.valid in ("old", "new", "both")
