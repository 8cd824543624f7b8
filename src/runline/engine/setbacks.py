"""Setbacks: what a stream owes (a timer, a slice of a job, what comes from the house) and could not do.

Rule: nothing of it is forgotten and nothing spins. It is tried again later and later, and meanwhile it is a condition of its
stream; what was tried DUTY_TRIES_MAX times is to be set aside. What is owed in order waits for the one that failed, so long.
"""

import asyncio
from collections.abc import Callable

from runline.domain.aside import Duty
from runline.engine.conditions import Conditions
from runline.engine.limits import DUTY_RETRY_S_MAX, DUTY_RETRY_S_MIN, DUTY_TRIES_MAX
from runline.engine.writer import Writer

Resting = Duty | None
"""What rests together: a duty by itself, or (None) all that the house causes, which is taken in order."""


def resting_of(duty: Duty) -> Resting:
    """What rests when this has failed."""
    return None if duty[0] == "house" else duty


class Setbacks:
    """What failed and rests. again: called when it is time to try it again. give_up: when it is not to be tried again."""

    def __init__(
        self,
        conditions: Conditions,
        again: Callable[[Writer, Duty], None],
        give_up: Callable[[Writer, Duty, str], None],
    ) -> None:
        self.conditions = conditions
        self.again = again
        self.give_up = give_up
        self.failures: dict[Writer, dict[Duty, int]] = {}
        self.resting: dict[tuple[Writer, Resting], asyncio.TimerHandle] = {}

    def failed(self, writer: Writer, duty: Duty, reason: str, now_ns: int) -> None:
        """It could not be done: it rests."""
        failures = self.failures.setdefault(writer, {})
        before = failures.get(duty, 0)
        failures[duty] = before + 1
        rests = resting_of(duty)
        if (writer, rests) in self.resting:
            return
        pause_s = min(DUTY_RETRY_S_MIN * 2 ** min(before, 32), DUTY_RETRY_S_MAX)
        loop = asyncio.get_running_loop()
        self.resting[writer, rests] = loop.call_later(pause_s, self.over, writer, duty)
        self.conditions.note("work", writer.stream, "degraded", f"{' '.join(duty)} cannot be done: {reason}", now_ns)
        if failures[duty] >= DUTY_TRIES_MAX:
            self.give_up(writer, duty, reason)

    def over(self, writer: Writer, duty: Duty) -> None:
        """It has rested."""
        del self.resting[writer, resting_of(duty)]
        self.again(writer, duty)

    def done(self, writer: Writer, duty: Duty) -> bool:
        """It is done, or nothing is owed any more. Returns whether it had rested until now."""
        failures = self.failures.get(writer)
        if failures is None or failures.pop(duty, None) is None:
            return False
        resting = self.resting.pop((writer, resting_of(duty)), None)
        if resting is not None:
            resting.cancel()
        if not failures:
            del self.failures[writer]
            self.conditions.clear("work", writer.stream)
        return resting is not None

    def rests(self, writer: Writer, duty: Duty) -> bool:
        """Whether it has failed and is not to be tried yet."""
        return (writer, resting_of(duty)) in self.resting

    def forget(self, writer: Writer | None = None) -> None:
        """A stream is stopped, or (None) all are: what is owed follows from what is stored."""
        for one, rests in list(self.resting):
            if writer in (None, one):
                self.resting.pop((one, rests)).cancel()
        for one in [writer] if writer is not None else list(self.failures):
            if self.failures.pop(one, None) is not None:
                self.conditions.clear("work", one.stream)
