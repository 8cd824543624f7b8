"""Decisions: everything in a run that could have been otherwise, as one numbered list made from the seed.

Rule: whoever chooses draws from here, and nothing else is left to chance. The list is cut into steps; in each step the draws have
their places, and 0 is the plainest choice everywhere: no fault, no delay, the first of a list. So a list from which steps are
deleted and in which numbers are lowered is a run as well, a shorter and plainer one.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

Steps = list[list[int]]
"""What was drawn in each step, in order."""


class Decisions:
    """What is drawn in a run: from a seed, or from a list of before. taken: what was drawn so far."""

    def __init__(self, seed: int, given: Steps | None = None) -> None:
        self.random = Random(seed)
        self.given = given
        self.taken: Steps = [[]]

    def begin_step(self) -> None:
        """What is drawn from now on belongs to the next step."""
        self.taken.append([])

    @property
    def over(self) -> bool:
        """Whether a given list has no step after this one."""
        return self.given is not None and len(self.taken) >= len(self.given)

    def draw(self, bound: int) -> int:
        """A number from 0 up to, not including, a bound."""
        step = self.taken[-1]
        if self.given is None:
            number = int(self.random.random() * bound)
        else:
            place, index = len(self.taken) - 1, len(step)
            drawn = self.given[place] if place < len(self.given) else ()
            number = drawn[index] % bound if index < len(drawn) else 0
        step.append(number)
        return number

    def one(self, of: Sequence[T]) -> T:
        """One of several; the first is the plainest."""
        return of[self.draw(len(of))]

    def rarely(self, one_in: int) -> bool:
        """Whether something happens that happens once in so many times. Plainly, it does not."""
        return self.draw(one_in) == one_in - 1

    def weighted(self, table: Sequence[tuple[int, T]]) -> T:
        """One of several by their weights; the first is the plainest."""
        number = self.draw(sum(weight for weight, _ in table))
        for weight, value in table:
            number -= weight
            if number < 0:
                return value
        raise AssertionError("the weights are what they sum to")
