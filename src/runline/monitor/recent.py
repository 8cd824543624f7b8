"""Recent: what a histogram that counts since the start has counted in the last seconds."""

from collections import deque

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
