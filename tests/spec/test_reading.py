"""Reading documents of strangers: what is refused, in words and in bounds, and where everything stands."""

from __future__ import annotations

import json
import socket
import time
import tracemalloc
from pathlib import Path

import pytest
import yaml

from stagecheck.errors import SpecError
from stagecheck.spec import reading
from stagecheck.spec.positions import Place, fragment, pointer, steps_of
from stagecheck.spec.reading import Duplicate, read

BOUND_SECONDS = 10.0
BOUND_MEMORY = 200 * 2**20


def written(place: Path, content: str | bytes, name: str = "own.yaml") -> Path:
    target = place / name
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return target


def bomb(levels: int, width: int) -> str:
    """A list of lists of … by aliases: width ** levels values in a few lines."""
    lines = ["a0: &a0 [" + ", ".join(["x"] * width) + "]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * width) + "]" for n in range(1, levels)]
    return "\n".join(lines)


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "aliases that explode": (bomb(9, 9), "more than 1,000,000 values"),
    "aliases that explode by merging": (
        "a: &a {" + ", ".join(f"k{n}: &k{n} [1, 2, 3]" for n in range(100)) + "}\n"
        "b: &b [" + ", ".join(["{<<: *a}"] * 900) + "]\nc: [" + ", ".join(["*b"] * 30) + "]",
        "more than 1,000,000 values",
    ),
    "an alias to what it is in": ("a: &a\n  b:\n    c: *a\n", "own.yaml:3:8: the document contains itself by *a"),
    "an alias to the whole": ("&top\na: [*top]\n", "contains itself by *top"),
    "a merge of what it is in": ("a: &a\n  <<: *a\n", "contains itself by *a"),
    "an alias to nothing": ("a: *b\n", "own.yaml:1:4: "),
    "lists in lists": ("[" * 100_000, "nested more than 200 deep"),
    "lists in lists, in blocks": ("- " * 100_000 + "x", "nested more than 200 deep"),
    "JSON in JSON": ('{"a":' * 100_000, "nested more than 200 deep"),
    "a million directives": ("%TAG !a! b\n" * 200_000 + "---\na: 1\n", "too many directives"),
    "a text that never ends": ('{"a": "' + '\\"' * 2_000_000, "neither YAML nor JSON"),
    "a number of a million digits": ('{"a": ' + "1" * 1_000_000 + "}", "no number of an API is as long"),
    "a number of a million digits, in YAML": ("a: " + "1" * 1_000_000, "1:4: a number of thousands of digits"),
    "a Python object": ("a: !!python/object/apply:os.system [id]\n", "own.yaml:1:4: the tag !!python/object"),
    "a private tag": ("a: !secret x\n", "the tag !secret"),
    "a tag on a name's value": ("a: !!binary aGk=\n", "the tag !!binary"),
    "two documents": ("a: 1\n---\nb: 2\n", "own.yaml:2:1: a second document"),
    "a mapping as a name": ("? {a: 1}\n: 2\n", "a mapping or list as a name"),
    "an alias of a list as a name": ("a: &a [1]\n*a : 2\n", "*a as a name is no text"),
    "a merge of a text": ("a:\n  <<: x\n", "own.yaml:2:3: << merges what is no mapping"),
    "infinity": ("a: .inf\n", "own.yaml:1:4: .inf is nothing that JSON can hold"),
    "not a number": ('{"a": NaN}', "own.yaml:1:7: NaN is no JSON"),
    "half a character": ('{"a": 1,\n "b": "\\ud800"}', "own.yaml:2:7: half of a surrogate pair"),
    "control characters": ("a: \x07\n", "neither YAML nor JSON"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "not UTF-8 text but UTF-16; save the document as UTF-8"),
    "UTF-16 without a mark": ("a: 1\n".encode("utf-16-le"), "not UTF-8 text; save"),
    "UTF-32": ("a: 1\n".encode("utf-32-be"), "save the document as UTF-8"),
    "Latin-1": (b"a: 1\nb: caf\xe9\n", "byte 0xe9 in line 2"),
    "broken JSON": ('{"a": 1,\n "b": ]', "own.yaml:2:7: neither YAML nor JSON (expecting value)"),
    "broken YAML": ("a: [1\nb: 2", "own.yaml:2:2: neither YAML nor JSON"),
    "a list": ('["a"]', "a list at the top"),
    "a text": ("hello", "a text at the top"),
    "nothing": ("", "nothing at the top"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused_in_words_and_in_bounds(tmp_path: Path, name: str) -> None:
    content, words = HOSTILE[name]
    place = written(tmp_path, content)
    began = time.monotonic()
    with pytest.raises(SpecError) as refused:
        read(place)
    assert time.monotonic() - began < BOUND_SECONDS
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300 + len(str(place))
    assert "\n" not in str(refused.value)


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    place = written(tmp_path, bomb(12, 12))
    tracemalloc.start()
    with pytest.raises(SpecError, match="values"):
        read(place)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < BOUND_MEMORY / 200


@pytest.mark.parametrize("text", ["[" + "0," * 20_000 + "0]", "a:\n" + "- 0\n" * 20_000])
def test_values_are_counted_in_both_notations(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_VALUES", 10_000)
    with pytest.raises(SpecError, match="more than 10,000 values"):
        read(written(tmp_path, text))


def test_a_file_of_100_megabytes_is_not_even_read(tmp_path: Path) -> None:
    place = tmp_path / "large.yaml"
    with place.open("wb") as file:
        file.truncate(100 * 2**20)
    tracemalloc.start()
    with pytest.raises(SpecError, match="larger than 16 MiB"):
        read(place)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < BOUND_MEMORY


def test_a_file_that_calls_itself_json_has_to_be_json(tmp_path: Path) -> None:
    text = '{"a": 1,\n "b": }'
    assert read(written(tmp_path, text)).raw == {"a": 1, "b": None}
    with pytest.raises(SpecError, match=r"own\.json:2:7: neither YAML nor JSON \(expecting value\)"):
        read(written(tmp_path, text, "own.json"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none.yaml", Path("a\0b")):
        with pytest.raises(SpecError, match="cannot be read"):
            read(place)


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    place = written(tmp_path, "a: {$ref: 'http://127.0.0.1:9/x'}\nb: {$ref: 'file:///etc/passwd'}\n")
    assert read(place).raw["b"] == {"$ref": "file:///etc/passwd"}


# --- values


def test_yaml_is_read_by_the_core_schema_of_1_2(tmp_path: Path) -> None:
    text = """
on: yes
200: 0o17
when: 2024-02-01
time: 12:30:45
octal: 010
hex: 0xff
float: 1.5e3
none: ~
empty:
quoted: '1'
tagged: !!str 1
number: !!int "7"
plain: -x
tall: .5
"""
    assert read(written(tmp_path, text)).raw == {
        "on": "yes",
        "200": 15,
        "when": "2024-02-01",
        "time": "12:30:45",
        "octal": 10,
        "hex": 255,
        "float": 1500.0,
        "none": None,
        "empty": None,
        "quoted": "1",
        "tagged": "1",
        "number": 7,
        "plain": "-x",
        "tall": 0.5,
    }


def test_aliases_and_merges_are_carried_out(tmp_path: Path) -> None:
    text = "base: &base {a: 1, b: 2}\nname: &name k\none: {<<: *base, b: 3}\nmany: {<<: [*base, {c: 4}]}\n*name : 5\n"
    source = read(written(tmp_path, text))
    assert source.raw["one"] == {"a": 1, "b": 3}
    assert source.raw["many"] == {"a": 1, "b": 2, "c": 4}
    assert source.raw["k"] == 5
    # What was merged stands where it was written.
    assert source.positions.place(("one", "a")) == Place(1, 14)
    assert source.positions.place(("one", "b")) == Place(3, 18)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_json_and_yaml_of_one_document_are_equal(tmp_path: Path, bom: str, end: str) -> None:
    value = {"a": [1, 2.5, None, True, {"b": "ü 😀 \u2028"}], "c/d~": {}, "e": "x\ty"}
    as_json = json.dumps(value, indent="\t").replace("\n", end)
    as_yaml = yaml.safe_dump(value, allow_unicode=True).replace("\n", end)
    assert read(written(tmp_path, bom + as_json)).raw == read(written(tmp_path, bom + as_yaml)).raw == value
    flow = '{a: [1, 2.5, ~, true, {b: "ü 😀 \\u2028"}], \'c/d~\': {}, e: "x\\ty"}'
    assert read(written(tmp_path, bom + flow)).raw == value


def test_without_the_c_library_the_same_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &a [1, {b: x}]\nc: *a\n"
    with_c = read(written(tmp_path, text))
    monkeypatch.setattr(reading, "_YAML", yaml.SafeLoader)
    without = read(written(tmp_path, text))
    assert without.raw == with_c.raw
    assert without.positions.place(("a", 1, "b")) == with_c.positions.place(("a", 1, "b")) == Place(1, 12)
    with pytest.raises(SpecError, match=r"own\.yaml:1:4: neither YAML nor JSON"):
        read(written(tmp_path, "a: \x07\n"))


# --- places

YAML = """\
openapi: 3.0.0
paths:
  /a:
    get:
      description: |-
        One line.

        Another line of words.
      tags: [x, y]
"""
JSON = """\
{
  "openapi": "3.0.0",
  "paths": {"/a": {"get": {"description": "One line.", "tags": [
    "x",
    "y"]}}}
}
"""


@pytest.mark.parametrize(
    ("text", "steps", "place"),
    [
        (YAML, ("openapi",), Place(1, 1)),
        (YAML, ("paths", "/a", "get"), Place(4, 5)),
        (YAML, ("paths", "/a", "get", "tags", 1), Place(9, 17)),
        (YAML, ("paths", "/a", "get", "nowhere", "x"), Place(4, 5)),
        (YAML, (), Place(1, 1)),
        (JSON, ("openapi",), Place(2, 3)),
        (JSON, ("paths", "/a", "get"), Place(3, 20)),
        (JSON, ("paths", "/a", "get", "tags", 1), Place(5, 5)),
        (JSON, ("paths", "/a", "get", "tags", 7), Place(3, 56)),
    ],
)
def test_a_part_stands_where_its_name_is(tmp_path: Path, text: str, steps: tuple[str | int, ...], place: Place) -> None:
    assert read(written(tmp_path, text)).positions.place(steps) == place


def test_values_and_words_have_places_as_well(tmp_path: Path) -> None:
    positions = read(written(tmp_path, YAML)).positions
    get = ("paths", "/a", "get")
    assert positions.value((*get, "tags")) == Place(9, 13)
    assert positions.words((*get, "description"), "line of words") == Place(8, 17)
    assert positions.words((*get, "description"), "line. Another") == Place(6, 13)
    assert positions.words((*get, "description"), "not there") == Place(5, 7)


def test_what_stands_twice_is_told(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a: 1\nb: 2\na: 3\n")).duplicates == (Duplicate("a", Place(3, 1)),)
    source = read(written(tmp_path, '{"a": {"b": 1,\n"b": [2]}}'))
    assert source.duplicates == (Duplicate("b", Place(2, 1)),)
    assert source.raw == {"a": {"b": [2]}}


def test_pointers_name_parts() -> None:
    steps = ("paths", "/a~b/{id}", "get", "tags", 0)
    assert pointer(steps) == "/paths/~1a~0b~1{id}/get/tags/0"
    assert steps_of(pointer(steps)) == ("paths", "/a~b/{id}", "get", "tags", "0")
    assert fragment(steps) == "#/paths/~1a~0b~1%7Bid%7D/get/tags/0"
    assert steps_of(fragment(steps)[1:]) == steps_of(pointer(steps))
    assert pointer(()) == ""
