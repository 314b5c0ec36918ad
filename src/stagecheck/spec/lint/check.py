"""A document held against the contract: every rule, in one pass over what the contract's operations reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stagecheck.operations import OperationKey
from stagecheck.spec.document import check_version
from stagecheck.spec.lint.answers import check_answer
from stagecheck.spec.lint.bodies import check_body, check_default_of
from stagecheck.spec.lint.examples import check_examples
from stagecheck.spec.lint.findings import Finding, Severity
from stagecheck.spec.lint.operations import check_operation, count_operations, found_operations
from stagecheck.spec.lint.security import check_security
from stagecheck.spec.lint.texts import check_texts
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Steps, pointer
from stagecheck.spec.reading import read
from stagecheck.spec.schema import shorten
from stagecheck.spec.validity import invalid, loose, multiplies, too_large


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out: the findings, in the order of the file, and what was looked at.

    ``operations`` leads from our names to the pointers of those that are there; ``others`` counts the operations of
    the document that the contract does not know.
    """

    path: Path
    version: str
    operations: Mapping[OperationKey, str]
    others: int
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings are that grave."""
        return sum(1 for finding in self.findings if finding.severity is severity)


def check(path: Path) -> Checked:
    """Check the document of that file. Raises ``SpecError`` for what cannot be read, or is no OpenAPI 3 at all."""
    source = read(path)
    check_version(path, source.raw)
    view = View(source)
    _check_document(view)
    # Without an end no schema can be asked anything.
    endless = not any(True for _ in loose(source.raw)) and multiplies(source.raw)
    operations = {} if endless else found_operations(view)
    for key, (operation, part) in operations.items():
        check_operation(view, key, operation, part)
        check_body(view, key, part)
        check_answer(view, key, part)
        check_security(view, key, part)
        check_examples(view, part)
        check_texts(view, key, part)
        _check_state_default(view, part)
    pointers = {key: pointer(part.steps) for key, (_, part) in operations.items()}
    others = count_operations(source.raw) - len(operations)
    return Checked(path, str(source.raw["openapi"]), pointers, others, _sorted(view.found))


def _sorted(found: list[Finding]) -> tuple[Finding, ...]:
    order = list(Severity)
    return tuple(sorted(found, key=lambda one: (one.place, order.index(one.severity), one.rule.id)))


def _check_document(view: View) -> None:
    source = view.source
    for double in source.duplicates:
        view.report("name-repeated", (), f"the name {shorten(double.name, 60)} stands here again", place=double.place)
    broken = False
    for steps, error in loose(source.raw):
        what, _, mend = str(error).partition("; ")
        leaves = "leaves the document" in what
        view.report("reference-leaves" if leaves else "reference-broken", steps, what, mend=mend)
        broken = True
    if broken:
        view.report("document-unvalidated", (), "not validated as OpenAPI: a reference is broken or leaves it")
        return
    if too_large(source.raw):
        view.report("document-unvalidated", (), "too large to be validated in full: its structure was, alone")
    told: set[Steps] = set()
    for flaw in invalid(source.raw):
        if flaw.steps not in told or not flaw.steps:
            told.add(flaw.steps)
            view.report("document-invalid", flaw.steps, f"not valid OpenAPI: {flaw.message}", about=flaw.message)


def _check_state_default(view: View, part: Part) -> None:
    """The default of is_skipped in an answer, which clients read when it is absent."""
    for _, response in view.children(view.child(part, "responses")):
        schema = view.child(view.media(response), "schema")
        for way in (("results", None, "services", None, "is_skipped"), ("services", None, "is_skipped")):
            check_default_of(view, view.described(schema, way))
