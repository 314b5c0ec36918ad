"""Reading a document, YAML or JSON, whoever wrote it: plain values, and where each of them stands.

What comes out is what JSON can hold. Nothing is fetched, nothing is executed, and time and memory are bounded: a file
that is too large, nested too deeply, or that grows by its aliases is refused, and so is one that contains itself.
Refusals are ``SpecError``: one line with the place and the mend.

YAML is read by the core schema of YAML 1.2, as OpenAPI recommends and the tools of the field do: ``yes``, ``on`` and
a date stay the texts they are. Names of members are their text, so a status written ``200:`` is ``"200"``.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

import yaml

from stagecheck.errors import SpecError
from stagecheck.spec.positions import Place, Positions, Spot

LARGEST: Final = 16 * 2**20
"""Bytes of a file; the largest published API descriptions have about 12 million."""
MOST_VALUES: Final = 1_000_000
"""Values in a document, those that aliases repeat counted each time."""
DEEPEST: Final = 200
"""Mappings and lists in one another."""
_MOST_DIRECTIVES: Final = 20
_PIECE: Final = 2**16

_YAML: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STANDARD: Final = "tag:yaml.org,2002:"
# Possessive: a text of megabytes leaves nothing to come back to.
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]+|"', re.DOTALL)
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_BOMS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A name that a mapping has twice; the later one counts."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A document that was read: its values (of JSON's types), and where they stand."""

    path: Path
    raw: dict[str, Any]
    positions: Positions
    duplicates: tuple[Duplicate, ...] = ()


def read(path: Path) -> Source:
    """Read a YAML or JSON document. Raises ``SpecError``: it cannot be read, or is none, or is hostile."""
    text = _text(path)
    reader: _Json | _Yaml = _Json(path, text) if text.lstrip()[:1] in ("{", "[") else _Yaml(path, text)
    try:
        value, top = reader.read()
    except json.JSONDecodeError as error:
        # YAML's flow style begins in the same way.
        value, top, reader = _flow(path, text, error)
    if not isinstance(value, dict):
        raise SpecError(f"{path}: not an OpenAPI document: {_KINDS[type(value)]} at the top; name another file")
    doubles = tuple(Duplicate(name, reader.positions(top).at(at)) for name, at in reader.duplicates)
    return Source(path, value, reader.positions(top), doubles)


_KINDS: Final = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "nothing",
}


def _flow(path: Path, text: str, error: json.JSONDecodeError) -> tuple[Any, Spot, _Yaml]:
    """YAML in flow style. What is neither is most likely JSON, so that it is the error of JSON that is told."""
    reader = _Yaml(path, text)
    if path.suffix.lower() != ".json":
        with suppress(SpecError):
            return (*reader.read(), reader)
    what = f"neither YAML nor JSON ({error.msg[:1].lower()}{error.msg[1:]})"
    raise reader.refusal(min(error.pos, len(text)), what, "correct the syntax there") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = _at_most(file, LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(f"{path}: cannot be read ({reason}); name an OpenAPI document that exists") from None
    if len(data) > LARGEST:
        raise SpecError(
            f"{path}: larger than {LARGEST // 2**20} MiB, which no API description is; "
            "name the OpenAPI document, or split it off"
        )
    encoding = next((name for mark, name in _BOMS.items() if data.startswith(mark)), None)
    if encoding or b"\0" in data[:4]:
        raise SpecError(f"{path}: not UTF-8 text{f' but {encoding}' if encoding else ''}; save the document as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(
            f"{path}: not UTF-8 text (byte 0x{data[error.start]:02x} in line {line}); save the document as UTF-8"
        ) from None


def _at_most(file: BinaryIO, limit: int) -> bytes:
    """The beginning of a file; in pieces, since asking for much takes as much memory, whatever comes."""
    pieces: list[bytes] = []
    while limit > 0 and (piece := file.read(min(limit, _PIECE))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


@dataclass(slots=True)
class _Reader:
    """What both notations share: the bounds, and refusing with a place."""

    path: Path
    text: str
    values: int = 0
    duplicates: list[tuple[str, int]] = field(default_factory=list)

    def positions(self, top: Spot) -> Positions:
        return Positions(self.text, top)

    def count(self, values: int, at: int) -> None:
        self.values += values
        if self.values > MOST_VALUES:
            self.refuse(at, f"more than {MOST_VALUES:,} values, repeated ones counted", "name an API description")

    def deep(self, depth: int, at: int) -> None:
        if depth > DEEPEST:
            self.refuse(at, f"nested more than {DEEPEST} deep", "name an API description")

    def refusal(self, at: int, what: str, mend: str) -> SpecError:
        return SpecError(f"{self.path}:{self.positions(Spot(0)).at(at)}: {what}; {mend}")

    def refuse(self, at: int, what: str, mend: str) -> NoReturn:
        raise self.refusal(at, what, mend)


# ---------------------------------------------------------------------- JSON


class _Json(_Reader):
    """JSON: the values by the standard library, the places by a walk over the tokens."""

    __slots__ = ()

    def read(self) -> tuple[Any, Spot]:
        """The value and its spot. Raises ``JSONDecodeError`` as well: it may be YAML."""
        top = self._walk()
        try:
            value = json.loads(self.text, parse_constant=self._constant)
        except json.JSONDecodeError:
            raise
        except ValueError as error:
            raise SpecError(f"{self.path}: {str(error).split(';')[0]}; no number of an API is as long") from None
        if _SURROGATE.search(self.text):
            self._check_surrogates()
        return value, top

    def _constant(self, name: str) -> NoReturn:
        self.refuse(self.text.index(name), f"{name} is no JSON", "write a number or null")

    def _check_surrogates(self) -> None:
        for found in _TOKEN.finditer(self.text):
            token = found[0]
            if "\\u" not in token:
                continue
            try:
                json.loads(token).encode()
            except UnicodeEncodeError:
                self.refuse(found.start(), "half of a surrogate pair, which no text can hold", "write the character")

    def _walk(self) -> Spot:
        """The spots; a text that is no JSON gives some, which nobody will see."""
        top = Spot(0)
        stack: list[Spot] = []
        key: tuple[str, int] | None = None
        token, at = "", 0
        for found in _TOKEN.finditer(self.text):
            previous, before = token, at
            token, at = found[0], found.start()
            if token == '"':
                # A text that never ends: no JSON, and looking for its end again and again would take forever.
                break
            if token == ":":
                key = (_name(previous), before)
            elif token in "}]":
                stack, key = stack[:-1], None
            elif token != "," and not (stack and isinstance(stack[-1].parts, dict) and key is None):
                self.count(1, at)
                spot = Spot(at, {} if token == "{" else [] if token == "[" else None)
                if stack:
                    self._join(stack[-1], key, spot)
                else:
                    top = spot
                key = None
                if spot.parts is not None:
                    stack.append(spot)
                    self.deep(len(stack), at)
        return top

    def _join(self, inside: Spot, key: tuple[str, int] | None, spot: Spot) -> None:
        if isinstance(inside.parts, list):
            inside.parts.append(spot)
        elif isinstance(inside.parts, dict) and key is not None:
            if key[0] in inside.parts:
                self.duplicates.append(key)
            inside.parts[key[0]] = (key[1], spot)


def _name(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token


# ---------------------------------------------------------------------- YAML

_MERGE: Final = "<<"


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read."""

    value: Any
    spot: Spot
    anchor: str | None
    before: int
    name: str | None = None
    named_at: int = 0
    merges: list[tuple[Any, Spot]] = field(default_factory=list)


class _Yaml(_Reader):
    """YAML by its events, so that nothing is built before it is counted."""

    __slots__ = ("anchors", "done", "stack")

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(path, text)
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, Spot, int] | None] = {}
        self.done: list[tuple[Any, Spot]] = []

    def read(self) -> tuple[Any, Spot]:
        if len(re.findall(r"(?m)^%", self.text)) > _MOST_DIRECTIVES:
            self.refuse(0, "too many directives", "leave out the lines that begin with %")
        try:
            for event in yaml.parse(self.text, Loader=_YAML):
                self._event(event)
        except yaml.YAMLError as error:
            mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            at = int(mark.index if mark else getattr(error, "position", 0))
            what = " ".join(str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).split())
            self.refuse(at, f"neither YAML nor JSON ({what})", "correct the syntax there")
        return self.done[0] if self.done else (None, Spot(0))

    def _event(self, event: yaml.Event) -> None:
        assert event.start_mark is not None
        at = event.start_mark.index
        if isinstance(event, yaml.ScalarEvent):
            if self._awaits_name():
                self._name(event.value, at, plain=event.implicit[0])
                self._remember(event.anchor, event.value, Spot(at), 1)
            else:
                self.count(1, at)
                value, spot = self._scalar(event, at), Spot(at)
                self._remember(event.anchor, value, spot, 1)
                self._add(value, spot)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), at)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event, at)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()
        elif isinstance(event, yaml.DocumentStartEvent) and self.done:
            self.refuse(at, "a second document in one file", "keep one")

    def _awaits_name(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].name is None

    def _name(self, text: str, at: int, *, plain: bool) -> None:
        frame = self.stack[-1]
        if text in frame.value and not (plain and text == _MERGE):
            self.duplicates.append((text, at))
        frame.name, frame.named_at = text, at

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, at: int) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if self._awaits_name():
            self.refuse(at, "a mapping or list as a name", "write a text before the colon")
        if event.tag not in (None, "!", f"{_STANDARD}{'map' if is_mapping else 'seq'}"):
            self._tag(event.tag, at)
        self.count(1, at)
        self.deep(len(self.stack) + 1, at)
        if event.anchor is not None:
            # Open until it is closed: an alias to it in between makes the document contain itself.
            self.anchors[event.anchor] = None
        value: Any = {} if is_mapping else []
        spot = Spot(at, {} if is_mapping else [])
        self.stack.append(_Frame(value, spot, event.anchor, self.values))

    def _close(self) -> None:
        frame = self.stack.pop()
        for value, spot in frame.merges:
            assert isinstance(spot.parts, dict)
            assert isinstance(frame.spot.parts, dict)
            for name in value:
                if name not in frame.value:
                    frame.value[name] = value[name]
                    frame.spot.parts[name] = spot.parts[name]
        self._remember(frame.anchor, frame.value, frame.spot, self.values - frame.before + 1)
        self._add(frame.value, frame.spot)

    def _remember(self, anchor: str | None, value: Any, spot: Spot, weight: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, spot, weight)

    def _alias(self, anchor: str, at: int) -> None:
        if anchor not in self.anchors:
            self.refuse(at, f"*{anchor} repeats nothing", f"write &{anchor} before what it repeats")
        found = self.anchors[anchor]
        if found is None:
            self.refuse(at, f"the document contains itself by *{anchor}", "remove the alias")
        value, spot, weight = found
        if self._awaits_name():
            if not isinstance(value, str):
                self.refuse(at, f"*{anchor} as a name is no text", "write a text before the colon")
            self._name(value, at, plain=False)
        else:
            self.count(weight, at)
            self._add(value, spot)

    def _add(self, value: Any, spot: Spot) -> None:
        if not self.stack:
            self.done.append((value, spot))
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            assert isinstance(frame.spot.parts, list)
            frame.value.append(value)
            frame.spot.parts.append(spot)
        elif frame.name == _MERGE:
            self._merge(frame, value, spot)
            frame.name = None
        else:
            assert isinstance(frame.spot.parts, dict)
            assert frame.name is not None
            frame.value[frame.name] = value
            frame.spot.parts[frame.name] = (frame.named_at, spot)
            frame.name = None

    def _merge(self, frame: _Frame, value: Any, spot: Spot) -> None:
        merged = list(zip(value, spot.parts or [], strict=True)) if isinstance(value, list) else [(value, spot)]
        if not all(isinstance(one, dict) for one, _ in merged):
            self.refuse(frame.named_at, "<< merges what is no mapping", "merge a mapping, or write its members out")
        frame.merges += [(one, where) for one, where in merged if isinstance(where, Spot)]

    def _scalar(self, event: yaml.ScalarEvent, at: int) -> Any:
        text: str = event.value
        if event.tag in (None, "!"):
            return self._plain(text, at) if event.implicit[0] else text
        if event.tag == f"{_STANDARD}str":
            return text
        if event.tag in (f"{_STANDARD}null", f"{_STANDARD}bool", f"{_STANDARD}int", f"{_STANDARD}float"):
            return self._plain(text, at)
        return self._tag(event.tag, at)

    def _plain(self, text: str, at: int) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "-+.0123456789":
            return text
        try:
            if _INTEGER.fullmatch(text):
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            if _FLOAT.fullmatch(text):
                return float(text)
        except ValueError:
            self.refuse(at, "a number of thousands of digits", "no number of an API is as long")
        if _NO_NUMBER.fullmatch(text):
            self.refuse(at, f"{text} is nothing that JSON can hold", "write a number or null")
        return text

    def _tag(self, tag: str, at: int) -> NoReturn:
        shown = tag.replace(_STANDARD, "!!")
        self.refuse(at, f"the tag {shown} makes what JSON cannot hold", "remove the tag")
