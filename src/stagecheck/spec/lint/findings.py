"""What can be wrong with a document: the rules as a table, and one finding as a value.

Ids are permanent. Each rule names the requirements whose source it guards; a finding may be milder than its rule
where the document does not contradict the contract but only leaves it unsaid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from stagecheck.spec.positions import Place


class Severity(StrEnum):
    """How grave a finding is; the values are SARIF's levels."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked at. ``mend`` says what to do, where a finding has nothing more exact to say."""

    id: str
    severity: Severity
    title: str
    mend: str
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with where it is: a JSON Pointer, and a place in the file."""

    rule: Rule
    severity: Severity
    message: str
    pointer: str
    place: Place
    mend: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE


def _rule(name: str, severity: Severity, title: str, mend: str, requirements: str = "") -> Rule:
    return Rule(name, severity, title, mend, tuple(requirements.split()))


_TABLE = (
    # --- the document
    _rule("document-invalid", _E, "The document is valid OpenAPI.", "correct it there"),
    _rule("document-unvalidated", _N, "The document could be validated.", "mend its references first"),
    _rule("name-repeated", _E, "No mapping has a name twice.", "remove one of the two; the later one counts"),
    _rule("reference-broken", _E, "Every $ref leads to something.", "correct or remove the $ref"),
    _rule("reference-leaves", _E, "No $ref leaves the document.", "bundle everything into one file"),
    _rule("schema-unusable", _E, "Every schema of the operations can be used.", "correct the schema"),
    # --- the operation
    _rule("operation-missing", _E, "The operation is there.", "add it", "MOVE-1"),
    _rule("method-wrong", _E, "The operation has the contract's method.", "name the method as the contract does"),
    _rule("operation-id", _W, "The operation has the published operationId.", "take the published operationId"),
    _rule("parameter-undeclared", _E, "Every parameter of the path is declared.", "declare it", "ERR-3"),
    _rule("parameter-type", _E, "Ids in the path are strings.", "write type: string", "ERR-3"),
    _rule("parameter-format", _E, "Ids in the path are UUIDs.", "write format: uuid", "ERR-3"),
    _rule("parameter-narrowed", _E, "Ids in the path may be any UUID.", "remove what narrows it", "ERR-9"),
    _rule(
        "parameter-added", _E, "No other parameter is required.", "make it optional: clients do not send it", "MOVE-1"
    ),
    # --- the request's body
    _rule("body-missing", _E, "The operation has a JSON body.", "describe it below requestBody, content", "SKIP-1"),
    _rule("body-required", _E, "The body is optional as a whole.", "remove required: true", "MOVE-3"),
    _rule("body-narrowed", _E, "Every body of the contract is allowed.", "remove what refuses it", "MOVE-1 SKIP-1"),
    _rule("body-closed", _E, "Unknown properties are allowed in the body.", "leave the object open", "MOVE-1"),
    _rule("body-loose", _W, "What is no body of the contract is refused.", "state the type", "ERR-4 ERR-6"),
    _rule("flag-missing", _E, "The body has is_skipped.", "describe is_skipped, a boolean", "SKIP-1"),
    _rule("flag-required", _E, "is_skipped may be left out.", "take it out of required", "MOVE-2"),
    _rule("flag-type", _E, "is_skipped is a boolean.", "write type: boolean", "ERR-4 SKIP-1"),
    _rule("flag-nullable", _W, "is_skipped is not null.", "allow true and false alone", "ERR-4"),
    _rule("flag-default", _E, "An absent is_skipped means false.", "write default: false, or none", "MOVE-2 MOVE-4"),
    # --- the answers
    _rule("status-missing", _E, "The contract's statuses are described.", "describe it", "SHAPE-1"),
    _rule("status-undue", _E, "Success has one status.", "remove it: success has the contract's status", "SHAPE-1"),
    _rule(
        "answer-missing", _E, "The answer has a JSON schema.", "describe it below content, application/json", "SHAPE-2"
    ),
    _rule("answer-closed", _E, "Answers may have further properties.", "leave the object open", "SHAPE-1"),
    _rule("answer-narrowed", _E, "Every answer of the contract is allowed.", "remove what refuses it", "SHAPE-1"),
    _rule("property-missing", _E, "The answer's properties are described.", "describe it", "SHAPE-1"),
    _rule("property-optional", _E, "What is always given is required.", "add it to required", "SHAPE-1"),
    _rule("property-required", _W, "What may be absent is not required.", "take it out of required", "SHAPE-1"),
    _rule("property-type", _E, "The answer's properties have the contract's types.", "correct the type", "SHAPE-1"),
    _rule("property-format", _E, "Ids are UUIDs, times are date-times.", "state the format", "SHAPE-1"),
    _rule("property-nullable", _W, "What is given is not null.", "do not allow null", "SHAPE-1"),
    # --- security
    _rule("security-bearer", _E, "A bearer token is accepted.", "add the scheme to security", "AUTH-1 AUTH-2"),
    _rule("security-token", _W, "An API token in Authorization is accepted.", "add the scheme to security", "AUTH-1"),
    _rule("security-optional", _E, "A credential is needed.", "remove the empty alternative", "AUTH-1"),
    # --- examples
    _rule("example-invalid", _E, "Every example fits its own schema.", "correct the example, or the schema", "SHAPE-1"),
    # --- the words
    _rule("words-move", _E, "S1: the service moves to the addressed stage.", "say so", "MOVE-1 MOVE-2 MOVE-3"),
    _rule("words-move-unskips", _E, "S3: a move to a different stage un-skips.", "say so", "MOVE-4"),
    _rule("words-false-unskips", _E, "S5: is_skipped false or omitted un-skips.", "say so", "MOVE-4 MOVE-5"),
    _rule("words-true-skips", _E, "S2, S4: is_skipped true skips.", "say so", "SKIP-1"),
    _rule("words-skip-stays", _E, "S2: a service skipped in its stage stays there.", "say so", "SKIP-1"),
    _rule("words-skip-means", _E, "S4: skipped is left out of bulk deployments.", "say so", "SKIP-1"),
    _rule("words-body", _E, "S5: the body may be left out.", "say so", "MOVE-3"),
    _rule("words-answer", _E, "S6: the answer lists the stages of the environment.", "say so", "SHAPE-3"),
    _rule("words-flag", _E, "S8: is_skipped in an answer says what is skipped.", "say so", "SKIP-1 STATE-5"),
    _rule("words-jwt", _E, "S7: a JWT expires.", "say so", "AUTH-2"),
    _rule("words-token", _E, "P: an API token does not expire.", "say so", "AUTH-1"),
    _rule("words-order", _E, "P: moveBefore orders before, moveAfter after.", "say so", "STAGE-4"),
    _rule("words-delete", _E, "P: no service is lost with its stage.", "say so", "STAGE-3"),
)


class Named(Protocol):
    """Anything of a table that has an id."""

    @property
    def id(self) -> str:
        """Permanent."""
        ...


N = TypeVar("N", bound=Named)


def indexed(table: Iterable[N]) -> dict[str, N]:
    """The entries of a table by their ids. Raises ``ValueError`` for an id that stands twice."""
    entries: dict[str, N] = {}
    for entry in table:
        if entry.id in entries:
            raise ValueError(f"{entry.id} stands twice in the table")
        entries[entry.id] = entry
    return entries


RULES: Final = indexed(_TABLE)
"""All rules by id."""
