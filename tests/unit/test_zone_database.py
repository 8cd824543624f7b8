"""Zones: when a date ends, by the pinned zone database."""

import pytest

from runline.domain.zones import DAY_NS, ONLY_UTC
from runline.zones import ZoneDatabase

ZONES = ZoneDatabase()


@pytest.mark.parametrize(
    ("zone", "at_ns", "ends_ns"),
    [
        # 31 October 2026, 23:30 in New York: summer time until the next day.
        ("America/New_York", 1_793_503_800 * 10**9, 1_793_505_600 * 10**9),
        # 1 November 2026, 00:30: the day on which the clocks go back has 25 hours.
        ("America/New_York", 1_793_507_400 * 10**9, 1_793_595_600 * 10**9),
        # 8 March 2026, 00:30: the day on which they go forward has 23.
        ("America/New_York", 1_772_947_800 * 10**9, 1_773_028_800 * 10**9),
        ("UTC", 0, DAY_NS),
        ("UTC", DAY_NS - 1, DAY_NS),
        ("UTC", DAY_NS, 2 * DAY_NS),
    ],
)
def test_a_date_ends_at_midnight_there(zone, at_ns, ends_ns):
    assert ZONES.date_ends_ns(zone, at_ns) == ends_ns
    if zone == "UTC":
        assert ONLY_UTC.date_ends_ns(zone, at_ns) == ends_ns


@pytest.mark.parametrize("zone", ["", "EST5EDT/..", "/etc/passwd", "america/new_york", "America"])
def test_there_is_no_zone_of_another_name(zone):
    assert ZONES.date_ends_ns(zone, 0) is None
    assert ONLY_UTC.date_ends_ns(zone, 0) is None
