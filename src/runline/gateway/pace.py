"""Pace: what clients send is taken in for a little at a time, all connections together, before everything else has its turn.

Rule: what is over waits in lines, one for each address or user; turns go round the lines, those of the signed in and those of
strangers by turns. Who sends much, on however many connections, waits behind themselves.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from itertools import cycle
from typing import Protocol

from runline.gateway.limits import ROUND_NS


class Paced(Protocol):
    """A connection that waits for its turn."""

    def go_on(self) -> None:
        """Take in what was left over."""


Lines = dict[Hashable, deque[Paced]]


class Pace:
    """The turns of all connections of a server.

    spent_ns: what clients have cost in this round. strangers, signed: who waits, by address and by user; the first is next.
    """

    def __init__(self) -> None:
        self.spent_ns = 0
        self.strangers: Lines = {}
        self.signed: Lines = {}
        self.planned = False

    @property
    def over(self) -> bool:
        """Whether nothing more is taken in in this round."""
        return self.spent_ns >= ROUND_NS

    def spend(self, spent_ns: int) -> None:
        """Say what something has cost, or will."""
        self.spent_ns += spent_ns
        if self.spent_ns >= ROUND_NS:
            self.plan()

    def line_up(self, paced: Paced, owner: Hashable, *, signed: bool) -> None:
        """Have a connection go on in its turn. owner: the user, or the address."""
        (self.signed if signed else self.strangers).setdefault(owner, deque()).append(paced)
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
        for lines in cycle((self.signed, self.strangers)):
            if self.over or not (self.signed or self.strangers):
                break
            if lines:
                self.turn(lines)
        if self.signed or self.strangers:
            self.plan()

    def turn(self, lines: Lines) -> None:
        """The next one's turn; the line goes to the end."""
        owner, line = next(iter(lines.items()))
        paced = line.popleft()
        del lines[owner]
        if line:
            lines[owner] = line
        paced.go_on()
