"""Pace: what clients send is taken in for a little at a time, all connections together, before everything else has its turn.

Rule: what is over waits in lines, one for each address or user; turns go round the lines, those of the signed in and those of
strangers by turns. Who sends much, on however many connections, waits behind themselves.
"""

from collections import deque
from collections.abc import Hashable
from itertools import cycle
from typing import Protocol

from runline.gateway.limits import ROUND_NS
from runline.gateway.rounds import Rounds


class Paced(Protocol):
    """A connection that waits for its turn."""

    def go_on(self) -> None:
        """Take in what was left over."""


Lines = dict[Hashable, deque[Paced]]


class Pace(Rounds):
    """The turns of all connections of a server. strangers, signed: who waits, by address and by user; the first is next."""

    def __init__(self) -> None:
        super().__init__(ROUND_NS)
        self.strangers: Lines = {}
        self.signed: Lines = {}

    def line_up(self, paced: Paced, owner: Hashable, *, signed: bool) -> None:
        """Have a connection go on in its turn. owner: the user, or the address."""
        (self.signed if signed else self.strangers).setdefault(owner, deque()).append(paced)
        self.plan()

    def serve(self) -> bool:
        for lines in cycle((self.signed, self.strangers)):
            if self.over or not (self.signed or self.strangers):
                break
            if lines:
                self.turn(lines)
        return bool(self.signed or self.strangers)

    def turn(self, lines: Lines) -> None:
        """The next one's turn; the line goes to the end."""
        owner, line = next(iter(lines.items()))
        paced = line.popleft()
        del lines[owner]
        if line:
            lines[owner] = line
        paced.go_on()
