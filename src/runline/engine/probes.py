"""Probes: what the engine counts about itself, cheaply, on the way of every command."""

from bisect import bisect_right
from dataclasses import dataclass, field

import msgspec

BUCKETS = 320

EDGES_NS = [-(-(8 + (bucket & 7) << (bucket >> 3)) // 8) << 10 for bucket in range(1, BUCKETS)]
"""Where each bucket but the first begins."""


@dataclass(slots=True)
class Histogram:
    """Durations in buckets about 9 % wide: eight to each doubling, from 1 µs to six days."""

    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    count: int = 0
    max_ns: int = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration."""
        self.buckets[bisect_right(EDGES_NS, duration_ns)] += 1
        self.count += 1
        if duration_ns > self.max_ns:
            self.max_ns = duration_ns

    def begin_anew(self) -> None:
        """Forget what was counted."""
        self.buckets, self.count, self.max_ns = [0] * BUCKETS, 0, 0

    def percentile_ms(self, percent: float) -> float:
        """The upper edge of the bucket in which a percentile lies, in milliseconds; 0 if nothing was counted."""
        if not self.count:
            return 0.0
        rank = self.count * percent / 100
        below = 0
        for index, number in enumerate(self.buckets):
            below += number
            if number and below >= rank:
                exponent, fraction = index >> 3, index & 7
                edge_ns = -(-(fraction + 9 << exponent) // 8) << 10
                return min(edge_ns, self.max_ns) / 1e6
        return 0.0


class Probes(msgspec.Struct):
    """Counters since the start.

    recoveries: streams that were dropped from memory and read again. answer: from queued to answered, durable. commit: from
    sealed to durable. loop: by how much the loop is late, where that is measured for those that are elsewhere.
    """

    accepted: int = 0
    repeated: int = 0
    previewed: int = 0
    refused: dict[str, int] = {}
    events: int = 0
    rows: int = 0
    batches: int = 0
    recoveries: int = 0
    answer: Histogram = msgspec.field(default_factory=Histogram)
    commit: Histogram = msgspec.field(default_factory=Histogram)
    loop: Histogram = msgspec.field(default_factory=Histogram)

    def refuse(self, code: str, number: int = 1) -> None:
        """Count refusals."""
        self.refused[code] = self.refused.get(code, 0) + number


class Measures(msgspec.Struct, frozen=True):
    """How long commands take in a process, since its start: what `Probes` count, as it goes over the bus."""

    commit: Histogram
    answer: Histogram
    loop: Histogram = msgspec.field(default_factory=Histogram)
