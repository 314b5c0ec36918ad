"""What a sentence says of skipping: under which condition, and with which effect.

English, as API descriptions are written: no parser, but a table of the phrases that carry the contract's meanings.
What the table does not know says nothing, so that an unusual sentence is never taken for its opposite. Every step
keeps the length of the text, so that what is found can be pointed at. Knows nothing of documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST: Final = 20_000
"""Characters of a text that are read."""


class Condition(StrEnum):
    """What a sentence is about; the values are the words of a message."""

    TRUE = "is_skipped true"
    FALSE = "is_skipped false or omitted"
    ELSEWHERE = "a move to a different stage"
    SKIPPED = "a skipped service"
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Effect:
    """One phrase of an effect: ``skips`` or un-skips; where it stands, and whether in parentheses."""

    skips: bool
    at: int
    aside: bool
    deployments: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, or the part of one that is about one condition. ``at`` is where it begins in its text."""

    text: str
    plain: str
    at: int
    condition: Condition
    effects: tuple[Effect, ...]
    here: bool
    label: bool | None = None

    @property
    def main(self) -> Effect | None:
        """The first effect that does not stand aside, in parentheses."""
        return next((effect for effect in self.effects if not effect.aside), None)

    def against(self, *, skips: bool) -> Effect | None:
        """The effect that says the opposite of what is expected: the main one, or one in parentheses."""
        wrong = [effect for effect in self.effects if effect.skips is not skips]
        return next((effect for effect in wrong if effect.aside or effect is self.main), None)

    def says(self, *, skips: bool) -> bool:
        """Whether it says what is expected, and not the opposite."""
        return any(effect.skips is skips for effect in self.effects) and self.against(skips=skips) is None


_SKIPS, _UNSKIPS, _OUT, _IN, _GONE, _NOUN = "\ue001", "\ue002", "\ue003", "\ue004", "\ue005", "\ue006"
_MARKS: Final = re.compile(f"[{_SKIPS}{_UNSKIPS}{_OUT}{_IN}]")
_NOT = r"(?:not|never|no\s+longer|without|cannot|\w+n't)"
_FLAG = r"is_skipped\s*(?:flag\s*)?"
_SKIPPING = r"skip(?:s|ped|ping)?\b"
_UNSKIPPING = (
    r"(?:un-?skip(?:s|ped|ping)?\b"
    r"|(?:lift|clear|remov|cancel|undo|end|drop|revok)\w*\s+(?:(?:an?|the|any|its|this)\s+)?"
    r"(?:(?:earlier|previous|existing|former)\s+)?skip(?:ped|ping)?\b)"
)
_LEFT_OUT = (
    r"(?:(?:left|leav\w+)(?:\s+[\w'-]+){0,3}?\s+out\s+(?:of|from)\b|exclud\w+|ke(?:pt|eps?)\s+out\s+of\b"
    r"|ignored\s+by\b)"
)
_TAKES_PART = (
    r"(?:tak\w+\s+part\s+in\b|(?:re-?)?includ(?:ed|es|ing)\b(?:\s+[\w'-]+){0,2}?\s+in\b|part\s+of(?:\s+[\w'-]+){0,4}"
    r"\s+deployments?\b)"
)

# The order counts: what is longer, or negated, first.
_PHRASES: Final = tuple(
    (re.compile(pattern), mark)
    for pattern, mark in (
        (
            rf"\b(?:sets|resets|turns|switches|(?:re)?setting|turning)\s+(?:the\s+)?{_FLAG}(?:back\s+)?\W{{0,3}}(?:to\s+)?true\b",
            _SKIPS,
        ),
        (
            rf"\b(?:sets|resets|turns|switches|(?:re)?setting|turning)\s+(?:the\s+)?{_FLAG}(?:back\s+)?\W{{0,3}}(?:to\s+)?false\b",
            _UNSKIPS,
        ),
        (
            rf"\b{_FLAG}(?:becomes|turns|(?:is|gets|will\s+be)(?:\s+\w+ly)?(?:\s+(?:re)?set)?(?:\s+back)?\s+to)\s+true\b",
            _SKIPS,
        ),
        (
            rf"\b{_FLAG}(?:becomes|turns|(?:is|gets|will\s+be)(?:\s+\w+ly)?(?:\s+(?:re)?set)?(?:\s+back)?\s+to)\s+false\b",
            _UNSKIPS,
        ),
        (rf"\b{_NOT}\s+(?:(?:be|being|get|is|automatically)\s+)*{_UNSKIPPING}", _SKIPS),
        (r"\b(?:stay|remain|kept|keep|left)\w*\s+(?:it\s+)?skipped\b", _SKIPS),
        (r"\bke(?:eps?|pt|eping)\s+(?:its|the|an|any)\s+(?:(?:earlier|previous)\s+)?(?:skip\w*|flag)\b", _SKIPS),
        (rf"\b{_NOT}\s+(?:(?:be|being|get|is|marked\s+as)\s+)*{_SKIPPING}", _UNSKIPS),
        (rf"\b{_NOT}\s+(?:(?:be|being|is)\s+)*{_TAKES_PART}", _OUT),
        (rf"\b{_NOT}\s+(?:(?:be|being|is)\s+)*{_LEFT_OUT}", _IN),
        (r"\b(?:an?|any|the|every|each|no)\s+(?:\w+ly\s+)?skipped\s+(?:service|one)s?\b", _GONE),
        (r"\bskipped\s+services\b", _GONE),
        (r"\b(?:was|were|had\s+been|has\s+been|been|previously|already|currently|once)\s+skipped\b", _GONE),
        (r"\bif\s+(?:it|the\s+service)\s+is\s+skipped\b", _GONE),
        (rf"\b{_UNSKIPPING}", _UNSKIPS),
        (r"\b(?:an?|any|the|its|this|no)\s+(?:\w+\s+)?skip\b|\bskip\s+(?:flag|state|mark)\b", _NOUN),
        (_TAKES_PART, _IN),
        (_LEFT_OUT, _OUT),
        (rf"\b{_SKIPPING}", _SKIPS),
    )
)
_CONDITIONS: Final = (
    (Condition.TRUE, re.compile(r"\btrue\b")),
    (
        Condition.FALSE,
        re.compile(
            r"\bfalse\b|\bomitted\b|\babsent\b|\bmissing\b|\botherwise\b|\bleft\s+out\b|\bno\s+body\b|\bunset\b"
            r"|\bempty\s+(?:body|object)\b|\bwithout\s+(?:the|a|any|its)\s+(?:\w+\s+)?(?:property|body|flag|field|value)\b"
            r"|\bnot\s+(?:given|sent|set|present|provided|specified)\b"
        ),
    ),
    (
        Condition.ELSEWHERE,
        re.compile(r"\b(?:different|another|other|new)\s+(?:deployment\s+)?stage\b|\bstage\s+is\s+different\b"),
    ),
)
_HERE: Final = re.compile(r"\b(?:current|same|own)\s+(?:deployment\s+)?stage\b|\balready\s+in\b|\bin\s+place\b")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|;\s+|\n\s*[*+-]\s+|\n\s*\n")
_PIECE: Final = re.compile(r",\s+|\s+(?=(?:and|while|whereas|but|or)\s)")
_LABEL: Final = re.compile(r"\W*(un-?)?skip(?:ped|ping)?\s*:\s")
_ANY_LABEL: Final = re.compile(r"\W*(?!true\b|false\b)[a-z][\w-]*\s*:\s")
_NOISE: Final = str.maketrans({"`": " ", "*": " ", '"': " ", "‑": "-", "–": "-", "’": "'", "\u00a0": " "})


def segments(text: str, implied: Condition = Condition.OTHER) -> Iterator[Segment]:
    """What a text says, part by part; ``implied`` is what it is about where it does not say so itself."""
    whole = text[:LONGEST]
    plain = whole.translate(_NOISE).lower()
    # A character whose small form is longer would move all that follows.
    plain = plain if len(plain) == len(whole) else whole.translate(_NOISE)
    for start, end in _cut(_SENTENCE, plain, 0, len(plain)):
        label = _LABEL.match(plain, start, end)
        other = _ANY_LABEL.match(plain, start, end)
        begin = other.end() if other else start
        marked = plain[:begin] + _marked(plain[begin:end])
        for first, last, kinds in _parts(marked, begin, end):
            about_skipped = _GONE in marked[first:last]
            for condition in _conditions(kinds, implied, about_skipped=about_skipped):
                skips = None if label is None else label[1] is None
                yield _segment(whole, marked, (first, last), condition, label=skips)


def _cut(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in pattern.finditer(text, start, end):
        if text[start : found.start()].strip():
            yield start, found.start()
        start = found.end()
    if text[start:end].strip():
        yield start, end


def _marked(text: str) -> str:
    """Every known phrase replaced by its mark, with its length kept."""
    for pattern, mark in _PHRASES:
        text = pattern.sub(lambda found, mark=mark: mark + "\0" * (len(found[0]) - 1), text)  # type: ignore[misc]
    return text


def _kinds(text: str, start: int, end: int) -> frozenset[Condition]:
    return frozenset(kind for kind, pattern in _CONDITIONS if pattern.search(text, start, end))


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int, frozenset[Condition]]]:
    """The sentence; or, where it is about true and about something else as well, its parts, each with an effect.

    A condition without an effect of its own shares that of the next: "when true or omitted, it is skipped".
    """
    kinds = _kinds(text, start, end)
    if Condition.TRUE not in kinds or len(kinds) == 1:
        yield start, end, kinds
        return
    begin, held, current = start, frozenset[Condition](), frozenset[Condition]()
    for first, last in _cut(_PIECE, text, start, end):
        kind = _kinds(text, first, last)
        if kind and current and kind != current:
            if _MARKS.search(text, begin, first):
                yield begin, first, held
                begin, held = first, frozenset()
            current = frozenset()
        current |= kind
        held |= kind
    yield begin, end, held


def _conditions(kinds: frozenset[Condition], implied: Condition, *, about_skipped: bool) -> tuple[Condition, ...]:
    """What is told of: each condition by itself.

    True at a different stage is what the contract leaves open (SKIP-2): nothing is expected of it.
    """
    if {Condition.TRUE, Condition.ELSEWHERE} <= kinds:
        return (Condition.OTHER,)
    if {Condition.FALSE, Condition.ELSEWHERE} <= kinds:
        return (Condition.FALSE,)
    if kinds:
        return tuple(sorted(kinds))
    return (Condition.SKIPPED,) if about_skipped else (implied,)


def _segment(whole: str, marked: str, span: tuple[int, int], condition: Condition, *, label: bool | None) -> Segment:
    start, end = span
    effects = tuple(
        Effect(
            skips=marked[at] in (_SKIPS, _OUT),
            at=at - start,
            aside=marked.count("(", start, at) > marked.count(")", start, at),
            deployments=marked[at] in (_OUT, _IN),
        )
        for at in (found.start() for found in _MARKS.finditer(marked, start, end))
    )
    here = _HERE.search(marked, start, end) is not None
    return Segment(whole[start:end], marked[start:end], start, condition, effects, here, label)
