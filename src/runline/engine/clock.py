"""Clocks: the machine's, and one that runs faster from another day."""

import time


class SystemClock:
    """The machine's clock. Stepping it back never takes time back."""

    def __init__(self) -> None:
        self.offset_ns = time.time_ns() - time.perf_counter_ns()

    def now_ns(self) -> int:
        return time.time_ns()

    def host_ns(self) -> int:
        return time.perf_counter_ns() + self.offset_ns

    def seconds_until(self, at_ns: int) -> float:
        return (at_ns - self.now_ns()) / 1e9


class ScaledClock(SystemClock):
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
