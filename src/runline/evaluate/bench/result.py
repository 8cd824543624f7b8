"""Result: the figures of one bench, with the machine and the floor they are to be read by."""

import asyncio
import gc
import os
import platform
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from random import Random
from types import TracebackType

import apsw
import msgspec


class Machine(msgspec.Struct, frozen=True):
    """Where it ran."""

    processor: str
    cores: int
    memory_gib: int
    kernel: str
    python: str
    sqlite: str
    fsync: str


class BenchResult(msgspec.Struct):
    """What a bench found.

    figures: name → number, the unit last. floor: what the same machine does at the least work, and what that is.
    ratio: the first figure to the floor.
    """

    name: str
    figures: dict[str, float]
    floor: dict[str, float]
    ratio: float
    machine: Machine
    command: str
    date: str


def this_machine() -> Machine:
    """The machine that this runs on."""
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor,
        os.cpu_count() or 1,
        round(memory / 2**30),
        platform.release(),
        platform.python_version(),
        apsw.sqlite_lib_version(),
        "WAL, synchronous=FULL: every commit synced before it is answered",
    )


def percentile_ms(durations_ns: Sequence[int], percent: float) -> float:
    """A percentile of durations that are sorted, in milliseconds."""
    if not durations_ns:
        return 0.0
    return durations_ns[min(int(len(durations_ns) * percent / 100), len(durations_ns) - 1)] / 1e6


def latencies(name: str, durations_ns: list[int]) -> dict[str, float]:
    """The usual percentiles of durations, named."""
    ordered = sorted(durations_ns)
    return {
        f"{name}_ms_p50": percentile_ms(ordered, 50),
        f"{name}_ms_p99": percentile_ms(ordered, 99),
        f"{name}_ms_p99_9": percentile_ms(ordered, 99.9),
    }


def resident_bytes(process: int) -> int:
    """What a process holds in memory."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class GcPauses:
    """Measures how long the garbage collector stops everything."""

    def __init__(self) -> None:
        self.longest_ns = 0
        self.began_ns = 0

    def watch(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self.began_ns = time.perf_counter_ns()
        else:
            self.longest_ns = max(self.longest_ns, time.perf_counter_ns() - self.began_ns)

    def __enter__(self) -> "GcPauses":
        gc.callbacks.append(self.watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        gc.callbacks.remove(self.watch)

    @property
    def longest_ms(self) -> float:
        return self.longest_ns / 1e6


class LoopStalls:
    """Measures how long the event loop leaves others waiting: a task that wakes up all the time, and how late it is."""

    PAUSE_S = 0.001

    def __init__(self) -> None:
        self.longest_ns = 0
        self.task: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        while True:
            due_ns = time.perf_counter_ns() + int(self.PAUSE_S * 1e9)
            await asyncio.sleep(self.PAUSE_S)
            self.longest_ns = max(self.longest_ns, time.perf_counter_ns() - due_ns)

    async def __aenter__(self) -> "LoopStalls":
        self.task = asyncio.create_task(self.watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])

    @property
    def longest_ms(self) -> float:
        return self.longest_ns / 1e6


class Zipf:
    """Chooses among things as accounts are used: the n-th most active as often as 1/n."""

    def __init__(self, size: int, seed: int) -> None:
        self.random = Random(seed)
        self.order = list(range(size))
        self.random.shuffle(self.order)
        self.sums = list(accumulate(1 / rank for rank in range(1, size + 1)))

    def choose(self) -> int:
        """An index below the size."""
        return self.order[bisect_left(self.sums, self.random.random() * self.sums[-1])]
