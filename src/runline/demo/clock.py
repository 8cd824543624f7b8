"""Clock: the day's time. It stands still while the house is set up, then runs as fast as the day must pass."""

import time
from datetime import datetime

from runline.engine.clock import ScaledClock
from runline.feeds.zones import EASTERN, local_time


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
    return local_time(at_ns, EASTERN)


def time_of_day(at_ns: int) -> str:
    """A time as people in the East say it: `Sat 7:05 pm`."""
    at = eastern(at_ns)
    return f"{at:%a} {at.hour % 12 or 12}:{at:%M} {'am' if at.hour < 12 else 'pm'}"


def zone_at(at_ns: int) -> str:
    """What people in the East call their time just then: EST or EDT."""
    return eastern(at_ns).tzname() or ""
