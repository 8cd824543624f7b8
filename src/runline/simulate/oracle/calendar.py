"""Calendar: what a date is in universal time, by the zone database that Runline is installed with."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources

SECOND_NS = 10**9


@cache
def zone(name: str) -> zoneinfo.ZoneInfo | None:
    """A zone of the package `tzdata`, None if it has none of this name."""
    listed = (resources.files("tzdata") / "zones").read_text(encoding="utf-8").splitlines()
    if name not in listed:
        return None
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file, key=name)


class Calendar:
    """The dates of the world."""

    def knows(self, name: str) -> bool:
        """Whether there is such a zone."""
        return zone(name) is not None

    def day_ends_ns(self, name: str, at_ns: int) -> int:
        """When the date of a moment ends there; in universal time where there is no such zone any more."""
        here = zone(name) or UTC
        date = datetime.fromtimestamp(at_ns // SECOND_NS, UTC).astimezone(here).date()
        next_day = date + timedelta(days=1)
        midnight = datetime(next_day.year, next_day.month, next_day.day, tzinfo=here)
        return round(midnight.timestamp()) * SECOND_NS
