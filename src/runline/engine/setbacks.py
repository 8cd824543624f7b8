"""Setbacks: what the engine owes (a timer, a slice of a job, a result) and could not do.

Rule: nothing of it is forgotten and nothing spins. It is tried again later and later, and meanwhile it is a condition of its
stream. What is owed in order (results) waits for the one that failed.
"""

import asyncio
from collections.abc import Callable

from runline.engine.conditions import Conditions
from runline.engine.limits import DUTY_RETRY_S_MAX, DUTY_RETRY_S_MIN
from runline.engine.requests import Duty
from runline.engine.writer import Writer

RESULTS: Duty = ("results", "", "")
"""What a book takes from the house, in order."""


def timer_duty(kind: str, subject: str) -> Duty:
    """A timer that is due."""
    return ("timer", kind, subject)


def job_duty(number: int) -> Duty:
    """A job that goes on."""
    return ("job", number, "")


class Setbacks:
    """What failed and rests. again: called when it is time to try it again."""

    def __init__(self, conditions: Conditions, again: Callable[[Writer, Duty], None]) -> None:
        self.conditions = conditions
        self.again = again
        self.failures: dict[Writer, dict[Duty, int]] = {}
        self.resting: dict[tuple[Writer, Duty], asyncio.TimerHandle] = {}
        self.trying: dict[Writer, dict[Duty, None]] = {}
        """What has rested and is about to be tried."""

    def failed(self, writer: Writer, duty: Duty, reason: str, now_ns: int) -> None:
        """It could not be done: it rests."""
        self.tried(writer, duty)
        failures = self.failures.setdefault(writer, {})
        before = failures.get(duty, 0)
        failures[duty] = before + 1
        if (writer, duty) in self.resting:
            return
        pause_s = min(DUTY_RETRY_S_MIN * 2 ** min(before, 32), DUTY_RETRY_S_MAX)
        loop = asyncio.get_running_loop()
        self.resting[writer, duty] = loop.call_later(pause_s, self.over, writer, duty)
        name = " ".join(str(part) for part in duty if part != "")
        self.conditions.note("work", writer.stream, "degraded", f"{name} cannot be done: {reason}", now_ns)

    def over(self, writer: Writer, duty: Duty) -> None:
        del self.resting[writer, duty]
        self.trying.setdefault(writer, {})[duty] = None
        self.again(writer, duty)

    def tried(self, writer: Writer, duty: Duty) -> None:
        trying = self.trying.get(writer)
        if trying is not None and duty in trying:
            del trying[duty]
            if not trying:
                del self.trying[writer]

    def done(self, writer: Writer, duty: Duty) -> None:
        """It is done, or nothing is owed any more."""
        self.tried(writer, duty)
        failures = self.failures.get(writer)
        if failures is None or failures.pop(duty, None) is None or failures:
            return
        del self.failures[writer]
        self.conditions.clear("work", writer.stream)

    def rests(self, writer: Writer, duty: Duty) -> bool:
        """Whether it has failed and is not to be tried yet."""
        return (writer, duty) in self.resting

    def forget(self, writer: Writer | None = None) -> None:
        """A stream is stopped, or (None) memory is dropped: what is owed follows from what is stored."""
        for one, duty in list(self.resting):
            if writer in (None, one):
                self.resting.pop((one, duty)).cancel()
        for one in [writer] if writer is not None else list(self.trying):
            self.trying.pop(one, None)
        for one in [writer] if writer is not None else list(self.failures):
            if self.failures.pop(one, None) is not None:
                self.conditions.clear("work", one.stream)
