"""Conditions: what is wrong in this process now, part by part, in words.

Rule: a part is well unless it says otherwise. Whoever finds a fault notes it here and clears it when it is over; readiness and
health are read from here and from nowhere else.
"""

import logging
from typing import Literal

import msgspec

log = logging.getLogger("runline.engine")

Component = Literal["stream", "work", "aside", "store", "committer", "clock", "cluster"]
"""stream: one stream's writer. work: what timers, jobs and results cause in one stream. aside: what was given up of it. store:
the database. committer: the process that writes it. clock: the host's time. cluster: whether this process is one of the nodes,
and has room for what it should hold of others."""

STREAM_COMPONENTS: tuple[Component, ...] = ("stream", "work", "aside")
"""The parts whose subject is a stream."""

Level = Literal["degraded", "failing"]
"""degraded: it goes on, but somebody should look. failing: commands are refused, so the process is not ready."""


class Condition(msgspec.Struct, frozen=True):
    """A fault that stands now.

    subject: which one of its part (a stream's id), or "". since_ns: the host's time since when it stands.
    """

    part: Component
    subject: str
    level: Level
    reason: str
    since_ns: int


class Conditions:
    """What stands now, oldest first."""

    def __init__(self) -> None:
        self.standing: dict[tuple[Component, str], Condition] = {}

    def note(self, part: Component, subject: str, level: Level, reason: str, now_ns: int) -> None:
        """A fault stands, or stands for another reason now."""
        known = self.standing.get((part, subject))
        if known is not None and (known.level, known.reason) == (level, reason):
            return
        since_ns = known.since_ns if known else now_ns
        self.standing[part, subject] = Condition(part, subject, level, reason, since_ns)
        log.error("%s %s is %s: %s", part, subject, level, reason)

    def clear(self, part: Component, subject: str = "") -> None:
        """A fault is over, if it stood."""
        if self.standing.pop((part, subject), None) is not None:
            log.warning("%s %s is well again", part, subject)

    @property
    def failing(self) -> list[Condition]:
        """The faults for which commands are refused."""
        return [one for one in self.standing.values() if one.level == "failing"]
