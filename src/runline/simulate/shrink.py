"""Shrink: the shortest run that still fails, found by deleting steps from a run's decisions and lowering what is drawn in them.

Rule: what is kept is what still fails by the same thing; a shorter list that fails by something else is another failure.
"""

import re
import time
from collections.abc import Callable

from runline.simulate.decisions import Steps

Fails = Callable[[Steps], str]
"""What does not hold in the run of such decisions, "" if all does."""

NUMBERS = re.compile(r"\d+|'[^']*'|\"[^\"]*\"|\{.*\}|\[.*\]|\(.*\)")


def kind_of(wrong: str) -> str:
    """What of a failure is alike in a shorter run: its words, without numbers, names and values."""
    return NUMBERS.sub("", wrong)[:60]


class Shrinking:
    """A search for a shorter run. tries: how many runs it has taken."""

    def __init__(self, fails: Fails, decisions: Steps, wrong: str, seconds: float) -> None:
        self.fails = fails
        self.kind = kind_of(wrong)
        self.best = decisions
        self.until = time.monotonic() + seconds
        self.tries = 0

    @property
    def over(self) -> bool:
        """Whether it has taken long enough."""
        return time.monotonic() >= self.until

    def takes(self, decisions: Steps) -> bool:
        """Whether such decisions fail alike; they are kept then."""
        if self.over:
            return False
        self.tries += 1
        if kind_of(self.fails(decisions)) != self.kind:
            return False
        self.best = decisions
        return True

    def run(self) -> Steps:
        """The shortest that was found."""
        self.cut_the_end()
        while not self.over:
            before = self.best
            self.delete_steps()
            self.lower()
            if self.best == before:
                break
        return self.best

    def cut_the_end(self) -> None:
        """The end first: what came after the failure, and what came before it in halves."""
        low, high = 1, len(self.best)
        while low < high and not self.over:
            middle = (low + high) // 2
            if self.takes(self.best[:middle]):
                high = middle
            else:
                low = middle + 1

    def delete_steps(self) -> None:
        """Delete steps: many at once, then fewer, the last first. (The first belongs to how it begins.)"""
        size = max(len(self.best) // 2, 1)
        while size and not self.over:
            at = len(self.best) - size
            while at >= 1 and not self.over:
                if not self.takes(self.best[:at] + self.best[at + size :]):
                    at -= size
                else:
                    at = min(at, len(self.best) - size)
            size //= 2

    def lower(self) -> None:
        """Make each step plainer: nothing drawn, less drawn, lower numbers."""
        for place in range(len(self.best) - 1, -1, -1):
            step = self.best[place]
            if self.over:
                return
            if any(step) and self.takes([*self.best[:place], [], *self.best[place + 1 :]]):
                continue
            for index in range(len(step)):
                for number in dict.fromkeys((0, self.best[place][index] // 2)):
                    now = self.best[place]
                    if index < len(now) and now[index] > number and not self.over:
                        lowered = [*now[:index], number, *now[index + 1 :]]
                        if self.takes([*self.best[:place], lowered, *self.best[place + 1 :]]):
                            break


def shrink(fails: Fails, decisions: Steps, wrong: str, seconds: float) -> tuple[Steps, int]:
    """(the shortest list that still fails by the same thing, how many runs it took)."""
    shrinking = Shrinking(fails, decisions, wrong, seconds)
    return shrinking.run(), shrinking.tries
