"""Recent: what a histogram that counts since the start has counted in the last seconds."""

from collections import deque

from runline.engine.probes import Histogram

WINDOW_S = 10


class Recent:
    """The last WINDOW_S seconds of a histogram; `mark` is called once a second."""

    def __init__(self, source: Histogram) -> None:
        self.source = source
        self.marks: deque[list[int]] = deque([source.buckets.copy()], maxlen=WINDOW_S)

    def go_on(self, source: Histogram) -> None:
        """What the source has counted by now. One that has counted less than before has begun anew."""
        if source.count < self.source.count:
            self.marks = deque([[0] * len(source.buckets)], maxlen=WINDOW_S)
        self.source = source

    def mark(self) -> None:
        """A second is over."""
        self.marks.append(self.source.buckets.copy())

    def histogram(self) -> Histogram:
        """What was counted since the oldest mark."""
        found = Histogram()
        found.buckets = [now - then for now, then in zip(self.source.buckets, self.marks[0], strict=True)]
        found.count = sum(found.buckets)
        found.max_ns = self.source.max_ns
        return found
