"""Pace: what clients send is taken in for a little at a time, all connections together, before everything else has its turn.

Rule: what is over waits in line. Turns go round the addresses of strangers, and round the books of the signed in, the branches of
their trees and the users of each; strangers and the signed in have theirs by turns. Who sends much, on however many connections
and as however many users of a branch, waits behind themselves.
"""

from itertools import cycle
from typing import Protocol

from runline.gateway.limits import ROUND_NS
from runline.sharing.fair import Member, Waiters
from runline.sharing.rounds import Rounds


class Paced(Protocol):
    """A connection that waits for its turn."""

    def go_on(self) -> None:
        """Take in what was left over."""


class Pace(Rounds):
    """The turns of all connections of a server. strangers, signed: who waits, by address, and by book, branch and user."""

    def __init__(self) -> None:
        super().__init__(ROUND_NS)
        self.strangers: Waiters[Paced] = Waiters()
        self.signed: Waiters[Paced] = Waiters()

    @property
    def waits(self) -> bool:
        """Whether somebody waits."""
        return bool(self.signed.size or self.strangers.size)

    def line_up(self, paced: Paced, member: Member, *, signed: bool) -> None:
        """Have a connection go on in its turn. member: the user, with their book and branch, or the address."""
        (self.signed if signed else self.strangers).add(member, paced)
        self.plan()

    def serve(self) -> bool:
        for lines in cycle((self.signed, self.strangers)):
            if self.over or not self.waits:
                break
            if lines.size:
                lines.take_next().go_on()
        return self.waits
