"""Spans: between which times the ids of forgotten commands were made.

Rule: every forgotten id lies in a span. What lies in none was never forgotten, so that an id of a far later time takes nothing
away from those of the present.
"""

from bisect import bisect_right

from runline.engine.limits import SPAN_GAP_MS, SPANS_MAX


class Spans:
    """Spans of milliseconds, apart from each other by more than SPAN_GAP_MS. Beyond the bound the two earliest become one."""

    __slots__ = ("begins", "ends", "last")

    def __init__(self) -> None:
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.last = -1
        """The end of the last span: what is later lies in none."""

    def __contains__(self, at_ms: int) -> bool:
        if at_ms > self.last:
            return False
        place = bisect_right(self.begins, at_ms) - 1
        return place >= 0 and at_ms <= self.ends[place]

    def add(self, begin_ms: int, end_ms: int) -> None:
        """What was made from then to then is forgotten."""
        begins, ends = self.begins, self.ends
        first = bisect_right(ends, begin_ms - SPAN_GAP_MS - 1)
        after = bisect_right(begins, end_ms + SPAN_GAP_MS)
        if first < after:
            begin_ms, end_ms = min(begin_ms, begins[first]), max(end_ms, ends[after - 1])
        begins[first:after] = [begin_ms]
        ends[first:after] = [end_ms]
        if len(begins) > SPANS_MAX:
            del begins[1], ends[0]
        self.last = ends[-1]
