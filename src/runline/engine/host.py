"""Host: what the machine says of the time. Injected, so that tests can say otherwise."""

import ctypes
import sys
import time
from functools import partial
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

TIMEX_BYTES = 512
"""More than `struct timex` has on any machine."""

TIME_ERROR = 5
"""What `adjtimex` returns while the clock is not synchronised."""

boottime_ns = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic_ns
"""Nanoseconds since the machine was started, sleep included (elsewhere than on Linux without it). Nobody can set it."""


class Host:
    """The machine's clocks.

    wall_ns: UTC, as the machine believes; it can be set. boot_ns: since the machine was started; it cannot.
    """

    def __init__(self) -> None:
        self.wall_ns = time.time_ns
        self.boot_ns = boottime_ns

    def boot_id(self) -> str:
        """Which start of the machine `boot_ns` counts from, "" if that is not known."""
        try:
            return BOOT_ID.read_text().strip()
        except OSError:
            return ""

    def is_synchronised(self) -> bool:
        """Whether something keeps the wall clock right, by what the kernel knows. Whoever sets it by hand ends that."""
        if sys.platform != "linux":
            return False
        answer: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
        return 0 <= answer < TIME_ERROR
