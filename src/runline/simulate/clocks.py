"""Clocks: the time of a loop that is made, and a machine's clocks over it, which may be set, drift and be right again."""

from runline.engine.clock import SystemClock
from runline.engine.host import Host
from runline.simulate.loop import VirtualLoop


class VirtualClock:
    """The clock of such a loop. origin_ns: the time at its beginning."""

    def __init__(self, loop: VirtualLoop, origin_ns: int) -> None:
        self.passing = loop.passing
        self.origin_ns = origin_ns

    def now_ns(self) -> int:
        return self.origin_ns + self.passing.passed_ns

    def host_ns(self) -> int:
        return self.now_ns()

    def seconds_until(self, at_ns: int) -> float:
        return (at_ns - self.now_ns()) / 1e9


class Machine(Host):
    """A machine's clocks. ahead_ns: how far its wall clock is wrong. drift_ppm: how much faster than time its wall clock goes,
    in parts of a million. synchronised: whether something says that it is kept right."""

    def __init__(self, loop: VirtualLoop, origin_ns: int) -> None:
        super().__init__()
        self.passing = loop.passing
        self.origin_ns = origin_ns
        self.ahead_ns = 0
        self.drift_ppm = 0
        self.drifts_since_ns = 0
        self.synchronised = True
        self.wall_ns = self.wall
        self.boot_ns = self.since_boot

    def boot_id(self) -> str:
        return "simulated"

    def is_synchronised(self) -> bool:
        return self.synchronised

    def since_boot(self) -> int:
        return self.passing.passed_ns

    def wall(self) -> int:
        passed_ns = self.passing.passed_ns
        drifted_ns = (passed_ns - self.drifts_since_ns) * self.drift_ppm // 1_000_000
        return self.origin_ns + passed_ns + self.ahead_ns + drifted_ns

    def step(self, by_ns: int) -> None:
        """Somebody sets the wall clock."""
        self.ahead_ns += by_ns
        self.synchronised = False

    def drift(self, ppm: int) -> None:
        """The wall clock goes faster, or slower, from now on."""
        self.ahead_ns = self.wall() - self.origin_ns - self.passing.passed_ns
        self.drifts_since_ns = self.passing.passed_ns
        self.drift_ppm = ppm

    def put_right(self) -> None:
        """The wall clock is right again, and kept so."""
        self.ahead_ns = self.drift_ppm = 0
        self.synchronised = True


class MachineClock(SystemClock):
    """The engine's real clock, over such a machine. busy_ns: how long it takes to look at it; so work takes time."""

    def __init__(self, machine: Machine, busy_ns: int = 0) -> None:
        super().__init__(machine)
        self.machine = machine
        self.busy_ns = busy_ns

    def host_ns(self) -> int:
        passing = self.machine.passing
        passing.passed_ns += self.busy_ns
        return self.machine.origin_ns + passing.passed_ns
