"""Two texts, compared: what changed, word by word, and whether it may change the meaning.

Nobody can prove that two sentences mean the same. So a change is taken for one of dress alone only where the words are
the same in the same order, but for case, punctuation, markup, articles and spelling; everything else is for a reader.
Knows nothing of documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final

Diffed = tuple[tuple[str, str], ...]
"""Pairs of ``=``, ``-`` or ``+`` and the words."""

LONGEST: Final = 20_000
"""Characters of a text that are compared."""
_WORD: Final = re.compile(r"\w+(?:[-'’]\w+)*|[<>=!≤≥]=?|%")
_PIECE: Final = re.compile(r"\S+\s*")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)|<[^>]{1,80}>")
_EMPTY: Final = frozenset({"a", "an", "the", "also", "too", "please"})
_LETTERS_OF_A_TYPO: Final = 6
_CONTEXT: Final = 4
_LEFT: Final = 0.6


def differ_in_meaning(old: str, new: str) -> bool:
    """Whether a reader has to look at it."""
    ours, theirs = _words(old), _words(new)
    return len(ours) != len(theirs) or not all(map(_same_word, ours, theirs))


def rewritten(old: str, new: str) -> bool:
    """Whether one text was put in the place of another, of which little is left."""
    if not old.strip() or not new.strip():
        return True
    return SequenceMatcher(None, _words(old), _words(new), autojunk=False).ratio() < _LEFT


def _words(text: str) -> list[str]:
    plain = _LINK.sub(lambda found: f" {found[1] or ''} ", text[:LONGEST]).lower().replace("’", "'")
    return [word for word in _WORD.findall(plain.replace("_", " ")) if word not in _EMPTY]


def _same_word(one: str, other: str) -> bool:
    """Whether it is the same word, perhaps with a slip of the pen mended: two letters swapped, or one doubled."""
    if one == other:
        return True
    if min(len(one), len(other)) < _LETTERS_OF_A_TYPO or one[0] != other[0]:
        return False
    if len(one) == len(other):
        places = [place for place, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
        return len(places) == 2 and places[1] == places[0] + 1 and sorted(one) == sorted(other)
    return re.sub(r"(.)\1", r"\1", one) == re.sub(r"(.)\1", r"\1", other)


def word_diff(old: str, new: str) -> Diffed:
    """The words that went and came, with a few around them."""
    ours, theirs = _PIECE.findall(old[:LONGEST]), _PIECE.findall(new[:LONGEST])
    matcher = SequenceMatcher(None, [one.strip() for one in ours], [one.strip() for one in theirs], autojunk=False)
    return tuple(_pieces(matcher, ours, theirs))


def _pieces(matcher: SequenceMatcher[str], ours: list[str], theirs: list[str]) -> Iterator[tuple[str, str]]:
    steps = matcher.get_opcodes()
    for position, (what, first, last, begin, end) in enumerate(steps):
        if what == "equal":
            same = ours[first:last]
            left = _CONTEXT if position else 0
            right = _CONTEXT if position < len(steps) - 1 else 0
            if len(same) > left + right + 1:
                same = [*same[:left], "… ", *(same[-right:] if right else ())]
            yield "=", _joined(same)
            continue
        if first < last:
            yield "-", _joined(ours[first:last])
        if begin < end:
            yield "+", _joined(theirs[begin:end])


def _joined(pieces: list[str]) -> str:
    return " ".join("".join(pieces).split())
