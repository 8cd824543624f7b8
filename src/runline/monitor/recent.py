"""Recent: what a histogram that counts since the start has counted in the last seconds."""

from collections import deque

import msgspec

from runline.engine.probes import Histogram

WINDOW_S = 10


Mark = tuple[int, list[int]]
"""How many were counted up to a moment, in all and in each bucket."""


def mark_of(source: Histogram) -> Mark:
    """What was counted up to now."""
    return source.count, source.buckets.copy()


class Recent:
    """The last WINDOW_S seconds of a histogram; `mark` is called once a second."""

    def __init__(self, source: Histogram) -> None:
        self.source = source
        self.marks: deque[Mark] = deque([mark_of(source)], maxlen=WINDOW_S)

    def go_on(self, source: Histogram) -> None:
        """What the source has counted by now. One that has counted less than before has begun anew."""
        if source.count < self.source.count:
            self.marks = deque([mark_of(Histogram())], maxlen=WINDOW_S)
        self.source = source

    def mark(self) -> None:
        """A second is over."""
        last = self.marks[-1]
        self.marks.append(last if last[0] == self.source.count else mark_of(self.source))

    def histogram(self) -> Histogram:
        """What was counted since the oldest mark."""
        found = Histogram()
        count, buckets = self.marks[0]
        if self.source.count != count:
            found.buckets = [now - then for now, then in zip(self.source.buckets, buckets, strict=True)]
            found.count = self.source.count - count
            found.max_ns = self.source.max_ns
        return found


class Counted(msgspec.Struct, array_like=True):
    """What a histogram has counted in a while, to be told to another process: how many in each bucket, the longest since its
    start."""

    buckets: dict[int, int]
    max_ns: int

    def add_to(self, histogram: Histogram) -> None:
        """Count it there."""
        for bucket, number in self.buckets.items():
            histogram.buckets[bucket] += number
            histogram.count += number
        histogram.max_ns = max(histogram.max_ns, self.max_ns)


class Since:
    """What a histogram counts from one asking to the next."""

    def __init__(self, source: Histogram) -> None:
        self.source = source
        self.before = source.buckets.copy()

    def take(self) -> Counted:
        """What was counted since the last time."""
        before, self.before = self.before, self.source.buckets.copy()
        found = {
            bucket: now - then for bucket, (now, then) in enumerate(zip(self.before, before, strict=True)) if now > then
        }
        return Counted(found, self.source.max_ns)
