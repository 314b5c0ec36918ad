"""The words of two documents, compared: descriptions, summaries, examples, and what a document says of itself."""

from __future__ import annotations

from typing import Any, Final

from stagecheck.operations import OperationKey
from stagecheck.spec.diff import ties
from stagecheck.spec.diff.answers import documented
from stagecheck.spec.diff.changes import Class
from stagecheck.spec.diff.context import Context
from stagecheck.spec.diff.nodes import Inner, alternatives, below, children, pairs, together
from stagecheck.spec.diff.operations import Operation, contents, parameters
from stagecheck.spec.diff.words import differ_in_meaning, rewritten, word_diff
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Steps

_TOLD: Final = ("description", "summary")
_EXAMPLES: Final = ("example", "examples")
_DEEPEST: Final = 40


class Texts:
    """The words of one operation, held against those of the same operation in the other document."""

    def __init__(self, context: Context, old: Operation, new: Operation) -> None:
        self.context = context
        self.old = old
        self.new = new
        self.visited: set[tuple[Steps, Steps]] = set()

    def compare(self) -> None:
        """Everything that is said in the operation."""
        views = self.context.old, self.context.new
        self._part("the operation", self.old.part, self.new.part)
        self._identity()
        ours, theirs = (parameters(view, one) for view, one in zip(views, (self.old, self.new), strict=True))
        for key, part in ours.items():
            if key in theirs:
                where = f"the {key[0]} parameter {part.value.get('name')}"
                self._part(where, part, theirs[key])
                self._schema(where, "schema", part, theirs[key])
        self._described("the body", *(view.child(one.part, "requestBody") for view, one in self._sides()))
        answers = [dict(view.children(view.child(one.part, "responses"))) for view, one in self._sides()]
        before, after = ({name.upper(): one for name, one in each.items()} for each in answers)
        for status, part in before.items():
            self._described(f"the answer {status.lower()}", part, documented(after, status))
        self._credentials()

    def _sides(self) -> tuple[tuple[View, Operation], tuple[View, Operation]]:
        return (self.context.old, self.old), (self.context.new, self.new)

    def _described(self, where: str, old: Part | None, new: Part | None) -> None:
        """A body or an answer, and what is in it."""
        if old is None or new is None or self.context.same(old.value, new.value):
            return
        self._part(where, old, new)
        after = dict(contents(self.context.new, new))
        for name, media in contents(self.context.old, old):
            if name in after:
                self._examples(where, media, after[name])
                self._schema(where, "schema", media, after[name])

    def _schema(self, where: str, name: str, old: Part, new: Part) -> None:
        ours, theirs = below(self.context.old, old, name), below(self.context.new, new, name)
        if ours is not None and theirs is not None:
            self._node(where, ours, theirs, 0)

    def _node(self, where: str, old: Part, new: Part, depth: int) -> None:
        key = (old.steps, new.steps)
        if key in self.visited or depth > _DEEPEST or self.context.same(old.value, new.value):
            return
        self.visited.add(key)
        ours, theirs = together(self.context.old, old), together(self.context.new, new)
        self._said(where, "description", ours, theirs)
        self._examples(where, old, new)
        self._deprecated(where, old, new)
        for step, one, other in pairs(children(self.context.old, ours), children(self.context.new, theirs)):
            inner = f"{where}{step.value}" if isinstance(step, Inner) else f"{where}{'.' if depth else ', '}{step}"
            self._node(inner, one, other, depth + 1)
        several = [
            [one for one in alternatives(view, part) if one.steps not in {each.steps for each in held}]
            for view, part, held in ((self.context.old, old, ours), (self.context.new, new, theirs))
        ]
        if len(several[0]) == len(several[1]):
            for one, other in zip(*several, strict=True):
                self._node(where, one, other, depth + 1)

    def _part(self, where: str, old: Part, new: Part) -> None:
        for name in _TOLD:
            self._said(where, name, [old], [new])
        self._examples(where, old, new)
        self._deprecated(where, old, new)

    def _said(self, where: str, name: str, ours: list[Part], theirs: list[Part]) -> None:
        """One text of the old document, and what stands in its place."""
        before, after = ([one for one in parts if _text(one, name)] for parts in (ours, theirs))
        old, new = (" ".join(dict.fromkeys(_text(one, name) for one in parts)) for parts in (before, after))
        if old.split() == new.split():
            return
        is_meant = differ_in_meaning(old, new)
        parts = tuple(
            Part((*some[0].steps, name), None) if some else held[0] for some, held in ((before, ours), (after, theirs))
        )
        sources = ties.sources(old, new, where) if is_meant and self.old.key is OperationKey.ATTACH else ()
        requirements = self.context.requirements(sources) or (ties.of_operation(self.old.key) if is_meant else ())
        anew = rewritten(old, new)
        what = "is gone" if not new else "is new" if not old else "was rewritten" if anew else "changed"
        message = f"the {name} {what}" + ("" if is_meant else ": the same words in other dress")
        self.context.add(
            "words-changed",
            Class.MEANING if is_meant else Class.EDITORIAL,
            (self.old.label, where),
            message,
            (parts[0], parts[1]),
            words=word_diff(old, new),
            sources=sources,
            requirements=requirements,
            rewritten=anew,
        )

    def _examples(self, where: str, old: Part, new: Part) -> None:
        for name in _EXAMPLES:
            before, after = (part.value.get(name) if isinstance(part.value, dict) else None for part in (old, new))
            if before != after:
                parts = (_at(old, name), _at(new, name))
                self.context.add(
                    "example-changed", Class.EDITORIAL, (self.old.label, where), f"other {name} than before", parts
                )

    def _deprecated(self, where: str, old: Part, new: Part) -> None:
        was, now = (isinstance(one.value, dict) and one.value.get("deprecated") is True for one in (old, new))
        if was is not now:
            message = "deprecated now" if now else "not deprecated any more"
            at = (self.old.label, where)
            self.context.add(
                "operation-deprecated", Class.EDITORIAL, at, message, (_at(old, "deprecated"), _at(new, "deprecated"))
            )

    def _identity(self) -> None:
        before, after = (one.part.value.get("operationId") for one in (self.old, self.new))
        if before != after:
            message = f"operationId {before or 'none'} → {after or 'none'}: generated clients call it otherwise"
            parts = (_at(self.old.part, "operationId"), _at(self.new.part, "operationId"))
            self.context.add("operation-id", Class.EDITORIAL, (self.old.label, "the operation"), message, parts)

    def _credentials(self) -> None:
        """The descriptions of the schemes that the operation accepts, under the same name."""
        ours, theirs = (
            view.child(one.part, "security") or view.child(view.top(), "security") for view, one in self._sides()
        )
        accepted = [_names(one) for one in (ours, theirs)]
        for name in accepted[0]:
            schemes = [view.child(view.top(), "components", "securitySchemes", name) for view, _ in self._sides()]
            if name in accepted[1] and schemes[0] is not None and schemes[1] is not None:
                self._said(f"the credential {name}", "description", [schemes[0]], [schemes[1]])


def _names(security: Part | None) -> list[str]:
    listed = security.value if security is not None and isinstance(security.value, list) else []
    return list(dict.fromkeys(str(name) for one in listed if isinstance(one, dict) for name in one))


def _text(part: Part, name: str) -> str:
    value: Any = part.value.get(name) if isinstance(part.value, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _at(part: Part, name: str) -> Part:
    return Part((*part.steps, name), None) if part.has(name) else part


def compare_information(context: Context) -> None:
    """What the documents say of themselves."""
    old, new = context.old.child(context.old.top(), "info"), context.new.child(context.new.top(), "info")
    before, after = (dict(one.value) if one and isinstance(one.value, dict) else {} for one in (old, new))
    names = [name for name in (*before, *(set(after) - set(before))) if before.get(name) != after.get(name)]
    if names:
        message = f"other {', '.join(sorted(names))} than before"
        context.add("information-changed", Class.EDITORIAL, ("the whole API", "info"), message, (old, new))
