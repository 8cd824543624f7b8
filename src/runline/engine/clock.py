"""Clocks: the machine's, kept steady, and one that runs faster from another day.

Rule: time passes as the machine counts it since its start, which nobody can set. The wall clock is followed as long as it is
near, slowly, so that time never goes back; a step of it is not followed.
"""

import time

from runline.domain.bounds import STEP_NS_MAX
from runline.engine.host import Host

LOOK_NS = 100_000_000
"""How long after a comparison with the wall clock the next reading makes another."""

SLEW_PPM_MAX = 100_000
"""How much faster or slower time may pass until it agrees with the wall clock, in parts of a million."""

SILENT_NS = 5_000_000_000
"""How long the time of a process counts among those that are followed after it was heard last."""


class HostTime:
    """The host's time for measuring: it never goes back."""

    def __init__(self) -> None:
        self.offset_ns = time.time_ns() - time.perf_counter_ns()

    def host_ns(self) -> int:
        return time.perf_counter_ns() + self.offset_ns


class SystemClock(HostTime):
    """The machine's clock, without its steps.

    apart_ns: how far the wall clock was ahead of it when they were compared last.
    """

    def __init__(self, host: Host | None = None) -> None:
        super().__init__()
        self.host = host or Host()
        self.boot_ns = self.host.boot_ns
        self.slew_ppm = 0
        self.apart_ns = 0
        self.looked_ns = self.boot_ns()
        self.base_ns = self.host.wall_ns()

    def now_ns(self) -> int:
        passed_ns = self.boot_ns() - self.looked_ns
        if passed_ns >= LOOK_NS:
            return self.look()
        slew_ppm = self.slew_ppm
        return self.base_ns + passed_ns + (passed_ns * slew_ppm // 1_000_000 if slew_ppm else 0)

    def seconds_until(self, at_ns: int) -> float:
        return (at_ns - self.now_ns()) / 1e9

    @property
    def stepped(self) -> bool:
        """Whether the wall clock is further away than is followed."""
        return abs(self.apart_ns) > STEP_NS_MAX

    def look(self) -> int:
        """Compare with the wall clock; returns the time."""
        boot_ns = self.boot_ns()
        passed_ns = boot_ns - self.looked_ns
        self.base_ns += passed_ns + min(passed_ns, LOOK_NS) * self.slew_ppm // 1_000_000
        self.looked_ns = boot_ns
        self.apart_ns = self.host.wall_ns() - self.base_ns
        # As fast as would make them agree within a second.
        wanted_ppm = 0 if self.stepped else self.apart_ns // 1_000
        self.slew_ppm = max(-SLEW_PPM_MAX, min(wanted_ppm, SLEW_PPM_MAX))
        return self.base_ns

    def set(self, now_ns: int) -> None:
        """It is another time: somebody knows better than the machine's count."""
        self.looked_ns = self.boot_ns()
        self.base_ns = now_ns
        self.slew_ppm = 0
        self.look()


class FollowedClock(HostTime):
    """The clock of other processes, as they say from time to time; between, time passes as this machine counts it. Of several it
    is the one in the middle, the slower of two: none that is ahead of all others takes this one with it. It never goes back:
    where the others do, this one waits for them."""

    def __init__(self, host: Host | None = None) -> None:
        super().__init__()
        self.boot_ns = (host or Host()).boot_ns
        self.ahead_ns = 0
        self.last_ns = 0
        self.heard: dict[str, tuple[int, int]] = {}
        """How far each of them is ahead of this machine's count, and when it said so."""

    def hear(self, now_ns: int, whose: str = "") -> None:
        """It is this time there."""
        boot_ns = self.boot_ns()
        self.heard[whose] = now_ns - boot_ns, boot_ns
        if any(boot_ns - at_ns > SILENT_NS for _, at_ns in self.heard.values()):
            self.heard = {name: (ahead, at) for name, (ahead, at) in self.heard.items() if boot_ns - at <= SILENT_NS}
        found = sorted(ahead for ahead, _ in self.heard.values())
        self.ahead_ns = found[(len(found) - 1) // 2]

    def now_ns(self) -> int:
        self.last_ns = max(self.last_ns, self.boot_ns() + self.ahead_ns)
        return self.last_ns

    def seconds_until(self, at_ns: int) -> float:
        return (at_ns - self.now_ns()) / 1e9


class ScaledClock(HostTime):
    """A clock that starts at another time and runs `speed` times as fast: for replaying a day."""

    def __init__(self, origin_ns: int, speed: float) -> None:
        super().__init__()
        self.origin_ns = origin_ns
        self.speed = speed
        self.started_ns = time.perf_counter_ns()

    def now_ns(self) -> int:
        return self.origin_ns + int((time.perf_counter_ns() - self.started_ns) * self.speed)

    def seconds_until(self, at_ns: int) -> float:
        return (at_ns - self.now_ns()) / 1e9 / self.speed
