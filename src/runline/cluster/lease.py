"""The guard: whether this node may still say what it knows.

Rule: whoever is asked for an answer, a frame or a proof asks the guard before it leaves. A lease is held for `HELD_S_MAX` since
before the renewal was sent, by a clock that goes on while the process stands still or the machine sleeps. So a process that
comes back serves nothing before it has renewed. Commits need no guard: the head of a stream takes none of an older epoch.
"""

from collections.abc import Callable

from runline.cluster.limits import HELD_S_MAX

HELD_NS = round(HELD_S_MAX * 1e9)


class Guard:
    """Knows until when the lease is held. boot_ns: the machine's time since its start, sleep included."""

    __slots__ = ("boot_ns", "ended", "until_ns")

    def __init__(self, boot_ns: Callable[[], int]) -> None:
        self.boot_ns = boot_ns
        self.until_ns = 0
        self.ended = False

    def holds(self) -> bool:
        """Whether the lease is held now."""
        return self.boot_ns() < self.until_ns

    def renewed(self, sent_ns: int) -> None:
        """The lease was renewed; sent_ns: a time before that was asked for."""
        if not self.ended:
            self.until_ns = max(self.until_ns, sent_ns + HELD_NS)

    def end(self) -> None:
        """The lease is lost, or given up: it is never held again. A new one has a new guard."""
        self.ended = True
        self.until_ns = 0
