"""`badge.svg`: the rung and the verdict of a record in the form of the badges that READMEs carry.

Nothing of a target is in it: numbers and words of our own only.
"""

from __future__ import annotations

from stagecheck.outcome import Verdict
from stagecheck.report.ladder import ladder_of
from stagecheck.report.record import Record

_COLOURS = {
    Verdict.CONFORMING: "#1a7f37",
    Verdict.NON_STRICT: "#8a6100",
    Verdict.NON_CONFORMING: "#c62828",
    Verdict.INCONCLUSIVE: "#6b4fa0",
}
"""Each with a contrast of at least 4.5 to the white words on it (WCAG 2.2, 1.4.3)."""
_LEFT = "stagecheck"
_NARROW, _WIDE = "fijlt-·,. ", "mw"


def badge_of(record: Record) -> bytes:
    """The badge as an SVG in UTF-8."""
    ladder = record.get("ladder") or ladder_of(record["requirements"])
    verdict = Verdict(record["verdict"])
    right = f"{verdict.value} · rung {ladder['rung']} of {ladder['of']}"
    left_width, right_width = _width(_LEFT) + 12, _width(right) + 12
    whole = left_width + right_width
    said = f"{_LEFT}: {right}"
    svg = f"""<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{said}">
<title>{said}</title>
<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left_width}" height="20" fill="#444"/>
<rect x="{left_width}" width="{right_width}" height="20" fill="{_COLOURS[verdict]}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">
<text x="6" y="14" textLength="{left_width - 12}">{_LEFT}</text>
<text x="{left_width + 6}" y="14" textLength="{right_width - 12}">{right}</text>
</g>
</svg>
"""
    return svg.encode()


def _width(text: str) -> int:
    """About how wide Verdana at 11 px sets the text, in px; `textLength` makes every other font fit."""
    return round(sum(4.2 if letter in _NARROW else 10.2 if letter in _WIDE else 6.9 for letter in text))
