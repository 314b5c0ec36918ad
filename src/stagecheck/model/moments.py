"""Comparing RFC 3339 date-times of unequal precision and offset. A text that is none is never judged here.

A target may write the same moment with another offset, or with fewer digits of the second: two texts are compared
at the precision of the coarser one (STATE-9 asks for order and sameness of moments, not of texts).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


@lru_cache(maxsize=4096)
def moment(text: str) -> tuple[datetime, int] | None:
    """The moment and how many digits its fraction of a second has; None if the text is no RFC 3339 date-time."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    day, minute, second, fraction, offset = match.groups()
    leap = second == "60"
    digits = (fraction or "")[:6]
    offset = "+00:00" if offset in "Zz" else offset
    try:
        when = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}.{digits or '0':0<6}{offset}")
    except ValueError:
        return None
    return when + timedelta(seconds=1 if leap else 0), len(digits)


def _compared(left: str, right: str) -> timedelta | None:
    """How far `left` is behind `right`, zero at the coarser precision; None where one is no date-time."""
    one, other = moment(left), moment(right)
    if one is None or other is None:
        return None
    distance = one[0] - other[0]
    if one[1] == other[1]:
        return distance
    # A coarser text may have been cut or rounded: less than one unit of it is no difference.
    unit = timedelta(seconds=10.0 ** -min(one[1], other[1]))
    return timedelta(0) if abs(distance) < unit else distance


def differ(left: str, right: str) -> bool:
    """Whether two date-times are surely different moments; texts that are none are compared as texts."""
    distance = _compared(left, right)
    if distance is not None:
        return distance != timedelta(0)
    # A date-time beside what is none (no offset, say) is a matter of form: nobody knows which moment is meant.
    return left != right and moment(left) is None and moment(right) is None


def before(left: str, right: str) -> bool:
    """Whether `left` is surely earlier than `right`."""
    distance = _compared(left, right)
    return distance is not None and distance < timedelta(0)
