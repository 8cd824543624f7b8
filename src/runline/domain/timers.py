"""Timers: what time will cause.

Rule: a timer is a row, so that it is alive after a restart. When it is due it becomes a command (see `fires`), which compares
the clock itself: a timer that comes late lets nothing in.
"""

from heapq import heappush

from runline.domain.state import Part, Row, State

STALE_DUE_MAX = 64
"""Moved timers that still lie in the heap, beyond as many as there are timers; then it is made anew."""


class Timer(Row, table="timers", key=2):
    """Something that time will cause.

    kind: which command it becomes (see `fires`).
    subject: what it is about.
    due_ns: UTC nanoseconds of the stream's time.
    """

    kind: str
    subject: str
    due_ns: int
    changed_seq: int = 0


class Timers(Part, named="timers", streams=("house", "book"), keeps={Timer: "by_subject"}):
    """The timers of a stream, by kind and subject, and in the order in which they are due."""

    __slots__ = ("aside", "by_subject", "due")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.aside = state.aside
        self.aside.owed["timer"] = lambda kind, subject: (kind, subject) in self.by_subject
        self.by_subject: dict[tuple[str, str], Timer] = {}
        self.due: list[tuple[int, str, str]] = []

    def derive(self) -> None:
        self.due = self.planned()

    def schedule(self, kind: str, subject: str, due_ns: int) -> None:
        """Set or move a timer. It is due then, even if it was set aside."""
        self.aside.take_up(("timer", kind, subject))
        timer = self.by_subject.get((kind, subject))
        if timer is None:
            timer = self.by_subject[kind, subject] = Timer(kind, subject, due_ns)
        timer.due_ns = due_ns
        self.state.touch(timer)
        heappush(self.due, (due_ns, kind, subject))
        if len(self.due) > 2 * len(self.by_subject) + STALE_DUE_MAX:
            self.due = self.planned()

    def unschedule(self, kind: str, subject: str) -> None:
        """Forget a timer, if there is one."""
        self.aside.take_up(("timer", kind, subject))
        timer = self.by_subject.pop((kind, subject), None)
        if timer is not None:
            self.state.drop(timer)

    def due_again(self, kind: str, subject: str) -> None:
        """A timer that was set aside is taken up, if it is still there."""
        timer = self.by_subject.get((kind, subject))
        if timer is not None:
            heappush(self.due, (timer.due_ns, timer.kind, timer.subject))

    def planned(self) -> list[tuple[int, str, str]]:
        """The timers in the order in which they are due, which is a heap, without those that are set aside."""
        due = sorted((timer.due_ns, timer.kind, timer.subject) for timer in self.by_subject.values())
        numbers = self.aside.numbers
        return [one for one in due if ("timer", *one[1:]) not in numbers] if numbers else due
