"""Times: beside each integer of nanoseconds stands the same time as text, and nothing else is changed."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doubles.plain import VOCABULARY

from runline.domain.times import LENGTHS, NEVER, day_text, days_of, sibling, time_of, time_text, with_times
from runline.gateway.fields import structs_of

SECONDS = st.integers(0, 2**33)
NAMES = st.sampled_from(["start_ns", "at_ns", "idle_ns", "whole_ns", "idle_until_ns", "note", "ns", "_ns", "x"])
VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2**62)
    | st.text()
    | st.sampled_from(['"at_ns":7', 'x_ns":1,', '\\"b_ns']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(SECONDS, st.integers(0, 10**9 - 1))
def test_a_time_is_told_as_the_calendar_has_it_and_read_again(second, rest):
    told = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    assert time_text(second * 10**9 + rest) == f"{told:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    assert time_of(time_text(second * 10**9 + rest)) == second * 10**9 + rest


@given(SECONDS, st.integers(-14 * 60, 14 * 60))
def test_a_time_of_another_zone_is_the_same_time(second, minutes):
    zone = timezone(timedelta(minutes=minutes))
    told = (datetime(1970, 1, 2, tzinfo=UTC) + timedelta(seconds=second)).astimezone(zone)
    assert time_of(told.isoformat()) == (second + 86_400) * 10**9


def test_every_month_begins_and_ends_as_the_calendar_has_it():
    """Through more than an era of four hundred years, each of which ends with a leap day."""
    since = date(1970, 1, 1)
    for year in range(1970, 2410):
        for month in range(1, 13):
            first = date(year, month, 1)
            for day in (first, first - timedelta(days=1)) if first > since else (first,):
                number = (day - since).days
                assert day_text(number) == day.isoformat()
                assert days_of(day.year, day.month, day.day) == number


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.1Z", 100_000_000),
        ("1970-01-01t00:01:01z", 61 * 10**9),
        ("1970-01-01 23:59:59Z", 86_399 * 10**9),
        ("1970-01-02T00:00:00+23:59", 60 * 10**9),
        ("1970-01-01T00:00:00-00:01", 60 * 10**9),
        ("1970-01-01T05:00:00+0500", 0),
        ("0", 0),
        ("9" * 19, 10**19 - 1),
    ],
)
def test_a_time_is_read_to_the_nanosecond_in_every_zone(text, at_ns):
    assert time_of(text) == at_ns


def test_a_field_of_a_time_has_a_sibling_and_a_length_of_time_has_none():
    assert [sibling(name) for name in ("start_ns", "at_ns", "idle_until_ns", "a_ns_ns")] == [
        "start_at", "at", "idle_until_at", "a_ns_at",
    ]  # fmt: skip
    assert [sibling(name) for name in ("idle_ns", "whole_ns", "_ns", "ns", "start_ns_max", "note", "")] == [""] * 7


def test_what_is_less_than_a_time_of_a_sportsbook_is_none():
    told = with_times(b'{"a_ns":%d,"b_ns":%d}' % (NEVER - 1, NEVER))
    assert told == b'{"a_ns":%d,"a_at":null,"b_ns":%d,"b_at":"%b"}' % (NEVER - 1, NEVER, time_text(NEVER).encode())


def test_what_has_no_times_is_returned_as_it_is():
    body = b'{"seq":1,"_ns":2,"idle_ns":3}'
    assert with_times(body) == body
    plain = b'{"seq":1}'
    assert with_times(plain) is plain


def test_a_time_may_also_be_given_in_nanoseconds():
    assert time_of("1789318800000000001") == 1_789_318_800_000_000_001


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
     "2026-01-01", "1969-12-31T23:59:59Z", "-5", "9" * 20, "2026-01-01T00:00:00+25:00", "²",
     "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
     "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60", "1970-01-01T00:00:00+00:01", "2026-00-01T00:00:00Z",
     "2026-01-00T00:00:00Z", "2025-02-29T00:00:00Z", "2026-01-01T00:00:00.1234567890Z"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"time|day|zone|1970"):
        time_of(text)


def expected(value: Any) -> Any:
    """The same with its siblings, made in the plainest way."""
    if isinstance(value, list):
        return [expected(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, one in value.items():
        found[name] = expected(one)
        beside = sibling(name)
        if beside and (one is None or (type(one) is int and one >= 0)):
            found[beside] = time_text(one) if one is not None and one >= NEVER else None
    return found


@given(VALUES)
def test_texts_stand_beside_times_wherever_they_are_and_nowhere_else(value):
    told = with_times(msgspec.json.encode(value))
    assert json.loads(told) == expected(value)


def test_the_text_comes_right_after_its_time():
    told = with_times(b'{"seq":1,"at_ns":1789318800000000001,"closed_ns":null,"idle_ns":1800000000000}')
    assert told == (
        b'{"seq":1,"at_ns":1789318800000000001,"at":"2026-09-13T17:00:00.000000001Z",'
        b'"closed_ns":null,"closed_at":null,"idle_ns":1800000000000}'
    )


def test_no_field_that_is_declared_has_the_name_of_another_ones_text():
    queries = [kind for query in VOCABULARY.queries.values() for kind in (query.asked, query.row)]
    for kind in structs_of(*queries, *VOCABULARY.events.values(), *VOCABULARY.commands.values()):
        names = {field.encode_name for field in msgspec.structs.fields(kind)}
        assert not names & {sibling(name) for name in names}, kind
    assert all(not sibling(f"{name}_ns") for name in LENGTHS)
