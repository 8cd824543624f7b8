"""Rounds: work of one kind is done for a while; then everything else on the loop has its turn, then it goes on.

Rule: whoever does such work says what it has cost. Who comes when a round is over waits for the next one.
"""

import asyncio
from abc import ABC, abstractmethod


class Rounds(ABC):
    """One kind of work. round_ns: what a round may cost. spent_ns: what this one has cost."""

    def __init__(self, round_ns: int) -> None:
        self.round_ns = round_ns
        self.spent_ns = 0
        self.planned = False

    @property
    def over(self) -> bool:
        """Whether nothing more is begun in this round."""
        return self.spent_ns >= self.round_ns

    def spend(self, spent_ns: int) -> None:
        """Say what something has cost, or will."""
        self.spent_ns += spent_ns
        if self.spent_ns >= self.round_ns:
            self.plan()

    def plan(self) -> None:
        """Begin the next round as soon as the loop has been round."""
        if not self.planned:
            self.planned = True
            asyncio.get_running_loop().call_soon(self.anew)

    def anew(self) -> None:
        """The others have had their turns."""
        self.planned = False
        self.spent_ns = 0
        if self.serve():
            self.plan()

    @abstractmethod
    def serve(self) -> bool:
        """Let those go on who wait, as far as the round goes; returns whether somebody still waits."""
