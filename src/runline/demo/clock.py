"""Clock: the day's time. It stands still while the house is set up, then runs as fast as the day must pass."""

import time
from datetime import UTC, datetime, timedelta, timezone

from runline.engine.clock import ScaledClock

EASTERN = timezone(timedelta(hours=-4), "EDT")
"""US Eastern daylight time: the whole season of 2016 was played by it."""


class DayClock(ScaledClock):
    """A scaled clock that stays at its origin until `begin`."""

    def __init__(self, origin_ns: int, speed: float) -> None:
        super().__init__(origin_ns, speed)
        self.begun = False

    def begin(self) -> None:
        """Let the time go on."""
        self.started_ns = time.perf_counter_ns()
        self.begun = True

    def now_ns(self) -> int:
        return super().now_ns() if self.begun else self.origin_ns


def eastern(at_ns: int) -> datetime:
    """A time (UTC nanoseconds) in US Eastern."""
    return datetime.fromtimestamp(at_ns // 10**9, UTC).astimezone(EASTERN)


def time_of_day(at_ns: int) -> str:
    """A time as people in the East say it: `Sat 7:05 pm`."""
    at = eastern(at_ns)
    return f"{at:%a} {at.hour % 12 or 12}:{at:%M} {'am' if at.hour < 12 else 'pm'}"
