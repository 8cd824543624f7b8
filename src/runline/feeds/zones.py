"""Zones: what a source's local times are in UTC, by the zone database (of the system, else that of the package tzdata).

Rule: a zone has a name and a history; it is never a number of hours. The core knows UTC only.
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
"""US Eastern time, in which the sources of American sports write."""

SECOND_NS = 10**9


def instant_ns(day: date, at: time, zone: ZoneInfo) -> int:
    """A local time in UTC nanoseconds. Of the two that a clock set back shows, the first.

    Raises ValueError for a time that a clock set ahead has passed over.
    """
    local = datetime.combine(day, at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(f"{day} {at:%H:%M} is no time in {zone.key}: the clock is set ahead there")
    return int(instant.timestamp()) * SECOND_NS


def local_time(at_ns: int, zone: ZoneInfo) -> datetime:
    """A time (UTC nanoseconds) as the clocks of a zone show it, in seconds."""
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).astimezone(zone)
