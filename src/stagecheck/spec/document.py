"""An OpenAPI document as the suite sees it: which operations it has, and what an answer must look like.

The packaged fragment and a document of the user are read the same way. Operations are recognised by method
and path, never by ``operationId``, since only the former is visible to a client. Nothing here sends
anything: a document whose references lead out of it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from stagecheck.errors import SpecError
from stagecheck.operations import OPERATIONS, OperationFact, OperationKey
from stagecheck.spec.fragment import fragment_path, overlay_path
from stagecheck.spec.overlay import apply, load_overlay
from stagecheck.spec.positions import Positions
from stagecheck.spec.reading import read
from stagecheck.spec.schema import (
    Compiler,
    Flaw,
    PointerError,
    flaws,
    follow,
    is_json,
    problems,
    shorten,
)
from stagecheck.spec.validity import invalid, loose

if TYPE_CHECKING:
    from collections.abc import Mapping

    import jsonschema_rs

ABSENT: Final = object()
"""Stands for no body at all, where None would mean JSON's null."""

_CIRCLE: Final = "the document contains itself; remove the alias or $ref that closes the circle"
_VERSION: Final = re.compile(r"3\.[0-2](\.\d+)?(-.+)?")
_PARAMETER: Final = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One of our nine operations, as the document writes it.

    ``template`` is the document's own; ``prefix`` is what it has in front of ours (``""`` or such as
    ``/api``); ``names`` leads from our parameter names to the document's. ``definition`` is the raw
    Operation Object.
    """

    key: OperationKey
    method: str
    template: str
    prefix: str
    names: Mapping[str, str]
    definition: Mapping[str, Any]


class Document:
    """A loaded document. Made by ``load``; immutable; compared by identity.

    ``strict`` is the same with the strict overlay applied, where that was asked for: what it refuses and this one does
    not, no target has promised. ``positions``: where its parts stand in the file, None where there is none.

    Raises ``ValueError`` when a schema cannot be compiled, ``PointerError`` when a reference leads nowhere.
    """

    def __init__(
        self,
        path: Path,
        raw: Mapping[str, Any],
        strict: Document | None = None,
        positions: Positions | None = None,
    ) -> None:
        self.path = path
        self.positions = positions
        self.raw = raw
        self.strict = strict
        self.operations: Mapping[OperationKey, Operation] = MappingProxyType(
            {key: found for key, fact in OPERATIONS.items() if (found := find(raw, fact)) is not None}
        )
        self._answers: dict[OperationKey, dict[str, jsonschema_rs.Validator | None]] = {}
        self._bodies: dict[OperationKey, jsonschema_rs.Validator | None] = {}
        self._compile()

    def __repr__(self) -> str:
        return f"Document({str(self.path)!r}, {len(self.operations)} operations)"

    @property
    def missing(self) -> frozenset[OperationKey]:
        """The operations that the document does not have."""
        return frozenset(OPERATIONS) - self.operations.keys()

    @property
    def names_credentials(self) -> bool:
        """Whether it has a security scheme at all."""
        components = self.raw.get("components")
        return isinstance(components, dict) and bool(components.get("securitySchemes"))

    def documents_status(self, key: OperationKey, status: int) -> bool:
        """Whether the document describes this status: by itself, by its range (``4XX``) or by ``default``."""
        return self._documented(key, status) is not None

    def describes(self, key: OperationKey, status: int) -> bool:
        """Whether the document has a JSON schema for this answer: without one there is nothing to hold it against."""
        return self._validator(key, status) is not None

    def has_body(self, key: OperationKey) -> bool:
        """Whether the document has a JSON schema for the body of a request."""
        return self._bodies.get(key) is not None

    def response_problems(self, key: OperationKey, status: int, payload: Any) -> list[str]:
        """What in ``payload`` (a value of ``json.loads``) breaks the documented schema (SHAPE-1).

        Empty when it fits, and also where there is nothing to fit: an operation or a status that the document
        does not have, or an answer without a JSON schema. At most ``MOST_PROBLEMS`` sentences, and one more
        that counts the rest.
        """
        validator = self._validator(key, status)
        return [] if validator is None else problems(validator, payload)

    def response_flaws(self, key: OperationKey, status: int, payload: Any) -> list[Flaw]:
        """The same, each with where it is and what it breaks."""
        validator = self._validator(key, status)
        return [] if validator is None else flaws(validator, payload)

    def _validator(self, key: OperationKey, status: int) -> jsonschema_rs.Validator | None:
        documented = self._documented(key, status)
        return None if documented is None else self._answers[key][documented]

    def body_accepted(self, key: OperationKey, body: Any = ABSENT) -> bool:
        """Whether the document allows this JSON value (or, by default, no body at all) as the request's body.

        An operation without a documented body accepts only none; one that is not in the document accepts
        nothing.
        """
        operation = self.operations.get(key)
        if operation is None:
            return False
        described = self._local(operation.definition.get("requestBody"))
        if body is ABSENT:
            return described is None or described.get("required") is not True
        validator = self._bodies[key]
        return described is not None and (validator is None or not problems(validator, body))

    def _documented(self, key: OperationKey, status: int) -> str | None:
        """The name under which the document describes the status: itself, its range, ``default``, or None."""
        answers = self._answers.get(key, {})
        wanted = (str(status), f"{status // 100}XX", "DEFAULT")
        return next((name for name in wanted if name in answers), None)

    def _compile(self) -> None:
        answers = Compiler(self.raw, absent="writeOnly")
        bodies = Compiler(self.raw, absent="readOnly")
        for key, operation in self.operations.items():
            responses = operation.definition.get("responses") or {}
            self._answers[key] = {
                str(status).upper(): self._compiled(answers, response) for status, response in responses.items()
            }
            self._bodies[key] = self._compiled(bodies, operation.definition.get("requestBody"))

    def _compiled(self, compiler: Compiler, described: Any) -> jsonschema_rs.Validator | None:
        """The validator of a Response or Request Body Object; None without JSON content and its schema."""
        content = (self._local(described) or {}).get("content") or {}
        for name, media in content.items():
            if is_json(str(name)):
                schema = (self._local(media) or {}).get("schema")
                return None if schema is None else compiler.compile(schema)
        return None

    def _local(self, value: Any) -> Any:
        return follow(self.raw, value)


def find(raw: Mapping[str, Any], fact: OperationFact) -> Operation | None:
    """The document's operation that ``fact`` describes: at its path, or else behind the shortest prefix."""
    wanted = fact.template.split("/")[1:]
    candidates: list[tuple[int, Operation]] = []
    paths = raw.get("paths")
    for template, item in (paths if isinstance(paths, dict) else {}).items():
        segments = str(template).split("/")[1:]
        head, tail = segments[: -len(wanted)], segments[-len(wanted) :]
        names = _match(wanted, tail)
        # A parameter in front would be an id that we do not have.
        if names is None or any("{" in segment for segment in head):
            continue
        whole = follow(raw, item)
        definition = whole.get(fact.method.lower()) if isinstance(whole, dict) else None
        if isinstance(definition, dict):
            prefix = "".join(f"/{segment}" for segment in head)
            found = Operation(fact.key, fact.method, str(template), prefix, names, definition)
            candidates.append((len(head), found))
    return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def _match(ours: list[str], theirs: list[str]) -> Mapping[str, str] | None:
    """From our parameter names to theirs, if the segments have the same shape."""
    if len(ours) != len(theirs):
        return None
    names: dict[str, str] = {}
    for mine, other in zip(ours, theirs, strict=True):
        my_name, other_name = _PARAMETER.fullmatch(mine), _PARAMETER.fullmatch(other)
        if my_name and other_name:
            names[my_name[1]] = other_name[1]
        elif mine != other:
            return None
    return MappingProxyType(names)


def load(path: Path | None = None, *, strict: bool = False) -> Document:
    """Read an OpenAPI 3.x document, YAML or JSON; without a path, the packaged fragment. ``strict`` as in ``Document``.

    Raises ``SpecError``, one line that names the mend: the file cannot be read, is neither YAML nor JSON, is
    not OpenAPI 3.x, refers outside itself, is not valid, or has none of the operations (S1, P).
    """
    place = fragment_path() if path is None else Path(path)
    source = read(place)
    raw = source.raw
    check_version(place, raw)
    try:
        for _, broken in loose(raw):
            raise broken
        if path is not None:
            # The fragment is known to be valid, by test, and validating costs a third of a second.
            _check_valid(place, raw)
        document = Document(place, raw, _strict(place, raw) if strict else None, source.positions)
    except (PointerError, ValueError) as error:
        raise SpecError(f"{place}: {shorten(str(error))}") from None
    except RecursionError:
        raise SpecError(f"{place}: {_CIRCLE}") from None
    if not document.operations:
        fact = OPERATIONS[OperationKey.ATTACH]
        raise SpecError(f"{place}: no operation {fact.method} {fact.template}; add it, or leave the document out")
    return document


def _strict(place: Path, raw: Mapping[str, Any]) -> Document:
    return Document(place, apply(load_overlay(overlay_path()), raw).raw)


def check_version(place: Path, raw: Mapping[str, Any]) -> None:
    """Whether it is OpenAPI 3.x at all. Raises ``SpecError``."""
    if "swagger" in raw:
        raise SpecError(f"{place}: this is Swagger {raw['swagger']}; convert it to OpenAPI 3")
    version = raw.get("openapi")
    if version is None:
        raise SpecError(f"{place}: not an OpenAPI document (no `openapi` at the top); name one of version 3.x")
    if not _VERSION.fullmatch(str(version)):
        raise SpecError(f"{place}: OpenAPI {version} is not understood; use 3.0, 3.1 or 3.2")


def _check_valid(place: Path, raw: dict[str, Any]) -> None:
    for flaw in invalid(raw):
        where = f" at {' > '.join(str(step) for step in flaw.steps)}" if flaw.steps else ""
        raise SpecError(f"{place}: not a valid OpenAPI document{where}: {flaw.message}; correct it there")
