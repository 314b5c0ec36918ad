"""The descriptions of a document against the contract's sentences: said, said the other way round, or not said.

A description that says the opposite is an error, wherever in the operation it stands; a meaning that no description
of the operation has is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stagecheck.operations import OperationKey
from stagecheck.spec.lint.findings import RULES, Severity
from stagecheck.spec.lint.security import is_bearer, is_token
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.lint.words import Condition, Segment, segments

_STAGE: Final = r"(?:specified|addressed|given|target|named|requested|that|this|an?|the)\s+(?:deployment\s+)?stage\b"
_MOVES: Final = re.compile(rf"\b(?:mov\w+|puts?|attach\w*|assign\w*|ends?\s+up|placed?)\b[^.;]{{0,60}}\b{_STAGE}")
_MOVES_NOT: Final = re.compile(
    r"\b(?:not|never)\s+(?:be\s+|being\s+)?mov\w+|\b(?:removes?|detach\w*|deletes?|copies|copy)\s+(?:an?\s+|the\s+)?service\b"
)
_SENT_HERE: Final = re.compile(r"\b(?:addressed|sent|pointed)\s+to\s+(?:its|the)\s+(?:current|same)\b")
_STAYS: Final = re.compile(r"\b(?:stay|keep|kept|remain|leav)\w*\b")
_STAYS_NOT: Final = re.compile(
    r"\b(?:not|never|without)\s+(?:stay|keep|remain)\w*"
    r"|\b(?:mov|tak|remov|leav|put|pull)\w*\b[^,.;]{0,30}\b(?:out\s+of|from|away\s+from)\s+(?:its|the)\s+(?:\w+\s+)?"
    r"(?:deployment\s+)?stage\b"
)
_OPTIONAL: Final = re.compile(
    r"\bwithout\s+(?:any|a|the)\s+(?:request\s+)?body\b|\bno\s+body\b|\bomitted\b|\babsent\b|\bleft\s+out\b|\boptional\b"
    r"|\b(?:not|n't)\s+(?:be\s+)?(?:required|mandatory|needed)\b"
)
_MANDATORY: Final = re.compile(
    r"(?<!not )(?<!not be )(?<!n't be )\b(?:required|mandatory|compulsory)\b"
    r"|\b(?:must|has\s+to|have\s+to)\s+(?:always\s+)?be\s+(?:sent|given|present|provided)\b"
    r"|\b(?:cannot|can\s?not|must\s+not|may\s+not)\s+be\s+(?:left\s+out|omitted|empty|absent)\b"
)
_MEANS_TRUE: Final = re.compile(
    r"\b(?:absent|omitted|left\s+out|missing|default\w*|without\s+(?:it|the\s+property|any\s+body|a\s+body))\b"
    r"[^.;]{0,40}?(?:\b(?:means?|implies|equals|counts\s+as|reads?\s+as|same\s+as|defaults?\s+to|is)\b|[:=])"
    r"(?:(?!\bfalse\b)[^.;]){0,40}?\btrue\b"
)
_LISTS: Final = re.compile(r"\b(?:stages|list|every|all|each)\b")
_ENVIRONMENT: Final = re.compile(r"\benv(?:ironment)?s?\b")
_ONE_ONLY: Final = re.compile(
    r"\b(?:only|just|solely|nothing\s+but)\b[^.;]{0,30}\bstage\b|\bnot\s+(?:all|every)\b[^.;]{0,30}\bstages?\b"
    r"|\bstage\b[^.;]{0,20}\b(?:only|alone)\b"
)
_ANSWER: Final = re.compile(r"\b(?:answer|response|return)\w*\b")
_TTL: Final = re.compile(r"\bttl\b|\btime\s+to\s+live\b|\bexpir\w*|\bshort-?lived\b|\blimited\s+(?:in\s+)?time\b")
_NO_TTL: Final = re.compile(
    r"\b(?:no|not|never|without|nor)\b(?:\s+\w+){0,2}\s+(?:ttl|time\s+to\s+live|expir\w*)|n't\s+(?:\w+\s+){0,2}"
    r"(?:ttl|expir\w*)|\blong-?lived\b"
)
_BEFORE: Final = re.compile(r"\b(?:before|ahead|in\s+front|preced\w+|earlier)\b")
_AFTER: Final = re.compile(r"\b(?:after|behind|follow\w*|later|next\s+to)\b")
_LOST: Final = re.compile(r"\bservices?\b[^.;]{0,40}\b(?:deleted|lost|removed|gone|destroyed)\b")
_NOT_LOST: Final = re.compile(r"\b(?:no|not|never|neither|without|nor)\b|n't\b")


@dataclass(frozen=True, slots=True)
class _Text:
    """A description, and what it is about where it does not say so."""

    part: Part
    implied: Condition = Condition.OTHER

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(segments(self.part.value, self.implied))


def _of(part: Part | None, *names: str, implied: Condition = Condition.OTHER) -> Iterator[_Text]:
    """The texts of a part."""
    for name in names or ("summary", "description"):
        if part is not None and part.has(name) and isinstance(part.value[name], str) and part.value[name].strip():
            yield _Text(Part((*part.steps, name), part.value[name]), implied)


def check_texts(view: View, key: OperationKey, part: Part) -> None:
    """The descriptions of one operation."""
    if key is OperationKey.ATTACH:
        _Attach(view, part).check()
    elif key in (OperationKey.MOVE_BEFORE, OperationKey.MOVE_AFTER):
        _check_order(view, part, before=key is OperationKey.MOVE_BEFORE)
    elif key is OperationKey.DELETE:
        for text in _of(part):
            for segment in text.segments:
                found = _LOST.search(segment.plain)
                if found and not _NOT_LOST.search(segment.plain):
                    _reversed(view, text, segment, found.start(), "words-delete")


def _reversed(view: View, text: _Text, segment: Segment, at: int, rule: str) -> None:
    """A text says the opposite of the contract's sentence, at the word ``at`` of the segment."""
    said = " ".join(segment.text.split())
    said = said if len(said) <= 120 else said[:119] + "…"
    place = view.source.positions.words(text.part.steps, segment.text, at)
    message = f"says the opposite of {RULES[rule].title.rstrip('.')}: “{said}”"
    view.report(rule, text.part, message, mend="turn the sentence round", place=place)


class _Attach:
    """The descriptions of the attach operation: of itself, of its body and of its answer."""

    def __init__(self, view: View, part: Part) -> None:
        self.view = view
        self.part = part
        self.said: set[str] = set()
        body = view.child(part, "requestBody")
        media = view.media(body)
        schema = view.child(media, "schema")
        self.request = [*_of(part), *self._examples(media), *self._schemas(schema)]
        self.body = list(_of(body))
        flag = view.described(schema, ("is_skipped",))
        self.flag = [text for one in view.flat(flag) for text in _of(one, implied=Condition.TRUE)]
        self.answer = next(
            (one for name, one in view.children(view.child(part, "responses")) if name.upper() in ("200", "2XX")), None
        )

    def _examples(self, media: Part | None) -> Iterator[_Text]:
        """What is said of an example is said of the body it shows."""
        for _, example in self.view.children(self.view.child(media, "examples")):
            value = example.value.get("value") if isinstance(example.value, dict) else None
            if isinstance(value, dict):
                flag = value.get("is_skipped", False)
                yield from _of(example, implied=Condition.TRUE if flag is True else Condition.FALSE)

    def _schemas(self, schema: Part | None) -> Iterator[_Text]:
        for one in self.view.flat(schema):
            yield from _of(one, "title", "description")

    def check(self) -> None:
        for text in (*self.request, *self.body, *self.flag):
            for segment in text.segments:
                self._skipping(text, segment)
                self._moving(text, segment)
                self._body(text, segment)
                self._answering(text, segment, asked=False)
        for text in _of(self.answer, "description"):
            for segment in text.segments:
                self._answering(text, segment, asked=True)
        self._check_state()
        self._check_credentials()
        self._tell_unsaid()

    def _against(self, rule: str, text: _Text, segment: Segment, at: int) -> None:
        self.said.add(rule)
        _reversed(self.view, text, segment, at, rule)

    def _skipping(self, text: _Text, segment: Segment) -> None:
        """S2 to S5: which condition skips and which un-skips."""
        rule, skips = {
            Condition.TRUE: ("words-true-skips", True),
            Condition.FALSE: ("words-false-unskips", False),
            Condition.ELSEWHERE: ("words-move-unskips", False),
            Condition.SKIPPED: ("words-skip-means", True),
        }.get(segment.condition, ("", True))
        if any(effect.deployments and effect.skips for effect in segment.effects):
            self.said.add("words-skip-means")
        means_true = _MEANS_TRUE.search(segment.plain)
        if means_true:
            self._against("words-false-unskips", text, segment, means_true.start())
        if not rule:
            return
        wrong = segment.against(skips=skips)
        if rule == "words-skip-means":
            wrong = wrong if wrong and wrong.deployments else None
        if wrong is not None and not means_true:
            self._against(rule, text, segment, wrong.at)
        elif segment.label is not None and segment.label is not skips and rule != "words-skip-means":
            self._against(rule, text, segment, 0)
        elif segment.says(skips=skips):
            self.said.add(rule)

    def _moving(self, text: _Text, segment: Segment) -> None:
        """S1, S5: it moves to the addressed stage. S2: skipped in its stage, it stays there."""
        if _MOVES.search(segment.plain):
            self.said.add("words-move")
        moves_not = _MOVES_NOT.search(segment.plain)
        if moves_not and segment.condition is not Condition.TRUE and not _SENT_HERE.search(segment.plain):
            self._against("words-move", text, segment, moves_not.start())
        if segment.condition is Condition.TRUE:
            stays_not = _STAYS_NOT.search(segment.plain)
            if stays_not:
                self._against("words-skip-stays", text, segment, stays_not.start())
            elif segment.here or _STAYS.search(segment.plain):
                self.said.add("words-skip-stays")

    def _body(self, text: _Text, segment: Segment) -> None:
        """S5: what is left out is left out rightly."""
        mandatory = _MANDATORY.search(segment.plain)
        if mandatory and (text in self.body or "body" in segment.plain or text in self.flag):
            self._against("words-body", text, segment, mandatory.start())
        elif _OPTIONAL.search(segment.plain):
            self.said.add("words-body")

    def _answering(self, text: _Text, segment: Segment, *, asked: bool) -> None:
        """S6: all stages of the environment."""
        if not asked and not _ANSWER.search(segment.plain):
            return
        only = _ONE_ONLY.search(segment.plain)
        if only:
            self._against("words-answer", text, segment, only.start())
        elif _LISTS.search(segment.plain) and _ENVIRONMENT.search(segment.plain):
            self.said.add("words-answer")

    def _check_state(self) -> None:
        """S8: the flag in an answer tells what is skipped."""
        schema = self.view.child(self.view.media(self.answer), "schema")
        flag = self.view.described(schema, ("results", None, "services", None, "is_skipped"))
        for one in self.view.flat(flag):
            for text in _of(one, implied=Condition.TRUE):
                for segment in text.segments:
                    expected = segment.condition is not Condition.FALSE
                    wrong = segment.against(skips=expected)
                    means_true = _MEANS_TRUE.search(segment.plain)
                    at = means_true.start() if means_true else wrong.at if wrong else None
                    if at is not None:
                        self._against("words-flag", text, segment, at)
                    elif segment.says(skips=expected):
                        self.said.add("words-flag")

    def _check_credentials(self) -> None:
        """S7 and P: the one expires, the other does not."""
        security = self.view.child(self.part, "security") or self.view.child(self.view.top(), "security")
        schemes = self.view.child(self.view.top(), "components", "securitySchemes")
        names = {name for _, one in self.view.children(security) if isinstance(one.value, dict) for name in one.value}
        for name in sorted(names):
            scheme = self.view.child(schemes, name)
            if scheme is None or not isinstance(scheme.value, dict):
                continue
            if scheme.value.get("type") == "http" and is_bearer(scheme.value):
                self._lifetime(scheme, "words-jwt", expires=True)
            elif is_token(scheme.value):
                self._lifetime(scheme, "words-token", expires=False)

    def _lifetime(self, scheme: Part, rule: str, *, expires: bool) -> None:
        told = False
        for text in _of(scheme, "description"):
            for segment in text.segments:
                for_ever, ends = _NO_TTL.search(segment.plain), _TTL.search(segment.plain)
                found = for_ever or ends
                told = told or found is not None
                if found and (for_ever is None) is not expires:
                    _reversed(self.view, text, segment, found.start(), rule)
        if not told:
            _unsaid(self.view, rule, scheme)

    def _tell_unsaid(self) -> None:
        for rule in (
            "words-move",
            "words-move-unskips",
            "words-false-unskips",
            "words-true-skips",
            "words-skip-stays",
            "words-skip-means",
            "words-body",
        ):
            if rule not in self.said:
                _unsaid(self.view, rule, self.view.child(self.part, "description") or self.part)
        if "words-answer" not in self.said and self.answer is not None:
            _unsaid(self.view, "words-answer", self.view.child(self.answer, "description") or self.answer)


def _unsaid(view: View, rule: str, part: Part) -> None:
    view.report(rule, part, f"does not say {RULES[rule].title.rstrip('.')}", severity=Severity.WARNING)


def _check_order(view: View, part: Part, *, before: bool) -> None:
    """P: which of the two comes first."""
    right, wrong = (_BEFORE, _AFTER) if before else (_AFTER, _BEFORE)
    said = False
    for text in _of(part):
        for segment in text.segments:
            opposite = wrong.search(segment.plain)
            if right.search(segment.plain):
                said = True
            elif opposite:
                said = True
                _reversed(view, text, segment, opposite.start(), "words-order")
    if not said:
        _unsaid(view, "words-order", part)
