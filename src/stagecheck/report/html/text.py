"""Texts of a target as a page may hold them: every character that HTML forbids or that a reader cannot see, escaped.

Markup is the template engine's business (it escapes all it prints); this is what comes before it.
"""

from __future__ import annotations

import re

LONGEST = 4000
"""Characters of one text that a page ever holds, unless something smaller is asked for."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    "\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060\u2066-\u2069\ufeff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]"
)
"""Controls, surrogates and noncharacters (HTML: parse errors), and what turns or hides the text around it."""


def shown(text: str, most: int = LONGEST) -> str:
    """The text with such characters written as escapes, cut where it is longer than `most`, and said to be cut."""
    more = len(text) - most
    kept = text if more <= 0 else text[:most]
    clean = _UNSEEN.sub(lambda match: match.group(0).encode("unicode_escape").decode("ascii"), kept)
    return clean if more <= 0 else f"{clean}… ({more:,} more characters in report.json)"


def short(text: str, most: int) -> str:
    """One line of at most `most` characters, for where there is no room: the rest is an ellipsis."""
    line = " ".join(shown(text[: most * 4], most * 4).split()) or "–"
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 violation`, `2 violations`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def in_ms(milliseconds: float) -> str:
    """A duration with as many digits as tell something: `0.42 ms`, `12 ms`, `1.3 s`."""
    if milliseconds == 0:
        return "0 ms"
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    digits = 0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2
    return f"{milliseconds:.{digits}f} ms"
