"""Date-times of unequal precision and offset; what is no date-time is never judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagecheck.model.moments import before, differ, moment

_SAME = [
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    ("2024-01-01T00:00:00Z", "2024-01-01t00:00:00z"),
    ("2024-01-01T00:00:00Z", "2024-01-01 00:00:00+00:00"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00-00:00"),
    ("2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00Z"),
    ("2023-12-31T19:30:00-04:30", "2024-01-01T00:00:00Z"),
    # The coarser text may have been cut or rounded.
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000Z"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.999999Z"),
    ("2024-01-01T00:00:01Z", "2024-01-01T00:00:00.600000Z"),
    ("2024-01-01T00:00:00.123Z", "2024-01-01T00:00:00.123456Z"),
    ("2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:00.123456789Z"),
    # A leap second is the moment after the 59th.
    ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.5Z"),
]
_ORDERED = [
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"),
    ("2024-01-01T00:00:00.123Z", "2024-01-01T00:00:00.124Z"),
    ("2024-01-01T00:00:00.000001Z", "2024-01-01T00:00:00.000002Z"),
    ("2024-01-01T00:00:00+01:00", "2024-01-01T00:00:00Z"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:01.000001Z"),
    ("2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z"),
    ("1970-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
]
_NONE = ["", "yesterday", "2024-01-01", "2024-01-01T00:00:00", "2024-13-01T00:00:00Z", "2024-01-01T25:00:00Z",
         "2024-01-01T00:00:00+2500", "2024-02-30T00:00:00Z", "1704067200", "٢٠٢٤-01-01T00:00:00Z"]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), _SAME)
def test_the_same_moment_in_other_words(left: str, right: str) -> None:
    for one, other in ((left, right), (right, left)):
        assert not differ(one, other)
        assert not before(one, other)


@pytest.mark.parametrize(("earlier", "later"), _ORDERED)
def test_one_before_the_other(earlier: str, later: str) -> None:
    assert before(earlier, later)
    assert not before(later, earlier)
    assert differ(earlier, later)
    assert differ(later, earlier)


@pytest.mark.parametrize("text", _NONE)
def test_what_is_no_date_time_is_not_ordered_and_differs_by_its_text_alone(text: str) -> None:
    assert moment(text) is None
    assert not before(text, "2024-01-01T00:00:00Z")
    assert not before("2024-01-01T00:00:00Z", text)
    assert not differ(text, text)
    assert differ(text, text + "!")


_MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001  # made aware by `_spelled`
_OFFSETS = st.integers(-14 * 60, 14 * 60)


def _spelled(when: datetime, offset_minutes: int, digits: int) -> str:
    """A moment, taken as UTC, in the words of another offset, its fraction cut to that many digits."""
    local = when.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset_minutes)))
    fraction = f"{local.microsecond:06d}"[:digits]
    sign, minutes = ("-" if offset_minutes < 0 else "+"), abs(offset_minutes)
    end = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    return local.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if digits else "") + end


@given(_MOMENTS, _OFFSETS, _OFFSETS, st.integers(0, 6), st.integers(0, 6))
def test_offset_and_precision_do_not_make_a_difference(
    when: datetime, one: int, other: int, few: int, many: int
) -> None:
    left, right = _spelled(when, one, few), _spelled(when, other, many)
    assert not differ(left, right)
    assert not before(left, right)
    assert not before(right, left)


@given(_MOMENTS, _MOMENTS, _OFFSETS, _OFFSETS)
def test_at_full_precision_the_order_is_that_of_datetime(left: datetime, right: datetime, one: int, other: int) -> None:
    first, second = _spelled(left, one, 6), _spelled(right, other, 6)
    assert before(first, second) == (left < right)
    assert differ(first, second) == (left != right)


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    assert before(text, "2024-01-01T00:00:00Z") in (True, False)
