"""Zones: where games are played, by the zone database that Runline is installed with.

Rule: the data are those of the package `tzdata`, which is pinned, and never the machine's own: the same commands make the same
events on every machine.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SECOND_NS = 10**9


@cache
def zone_names() -> frozenset[str]:
    """The names of all zones."""
    return frozenset((resources.files("tzdata") / "zones").read_text(encoding="utf-8").split())


@cache
def zone_of(name: str) -> ZoneInfo:
    """A zone that there is."""
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with file.open("rb") as content:
        return ZoneInfo.from_file(content, key=name)


class ZoneDatabase:
    """The zones of the zone database."""

    def date_ends_ns(self, zone: str, at_ns: int) -> int | None:
        """When the date of a moment ends in a zone, in UTC nanoseconds; None if there is no such zone."""
        if zone not in zone_names():
            return None
        here = (EPOCH + SECOND * (at_ns // SECOND_NS)).astimezone(zone_of(zone))
        ends = datetime(here.year, here.month, here.day, tzinfo=here.tzinfo) + timedelta(days=1)
        return (ends.astimezone(UTC) - EPOCH) // SECOND * SECOND_NS
