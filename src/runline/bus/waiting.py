"""Waiting: what waits at a gateway while its link takes no more, and what is under way on it.

Rule: control goes first, and so do questions, which are small; none of them, and no wager, waits for all that another user has
sent: turns go round the streams, the branches of their trees and the users of each. What one user sends of one rank keeps its
order. Of the places for what is under way each user has a share.
"""

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Literal

import msgspec

from runline.bus.limits import REQUEST_BYTES_MIN, REQUESTS_BYTES_MAX, REQUESTS_COUNTED_BYTES, SHARERS_MAX
from runline.domain.messages import GATEWAY, Lane
from runline.engine.bus import Who
from runline.engine.requests import Request, Sink
from runline.sharing.fair import Waiters
from runline.sharing.sharers import Sharer
from runline.sharing.shares import Shares

Rank = Lane | Literal["questions"]

UNKNOWN = "?"
"""The branch, which there is in no tree, in which those count of whom it is not known who they are."""

TURNS: tuple[Rank, ...] = (*("control", "questions", "wagers") * 8, "bulk")
"""Whose turn it is, one after the other: nothing is kept waiting for ever by what goes before it."""


def rank_of(request: Request) -> Rank:
    """Where a request waits."""
    return "bulk" if request.bulk else request.command.lane


def counted_as(sharers: Mapping[str, Sharer], stream: str, session: str, actor: str) -> Sharer:
    """As whom it counts what is sent in a session, or by a program. Runline itself is nobody. sharers: whose sessions are, as far
    as that is known."""
    if not session:
        return ("", "", "") if actor in ("", GATEWAY) else (stream, "", actor)
    known = sharers.get(session)
    return known if known is not None and known[0] == stream else (stream, UNKNOWN, session)


def note_who(sharers: dict[str, Sharer], who: Who) -> None:
    """Note whose a session is."""
    if len(sharers) >= SHARERS_MAX and who.session not in sharers:
        del sharers[next(iter(sharers))]
    sharers[who.session] = who.stream, who.branch, who.user


class Lines:
    """What waits until it can be said, encoded. size: how much."""

    def __init__(self) -> None:
        self.waiting: dict[Rank, Waiters[bytes]] = {rank: Waiters() for rank in TURNS}
        self.turns = cycle(TURNS)
        self.size = 0

    def add(self, rank: Rank, sharer: Sharer, said: bytes) -> None:
        """Have something wait, at the end of what its sender has waiting."""
        self.waiting[rank].add(sharer, said)
        self.size += 1

    def take(self) -> bytes:
        """What is said next."""
        while True:
            line = self.waiting[next(self.turns)]
            if line.size:
                self.size -= 1
                return line.take_next()

    def withdraw(self, rank: Rank, sharer: Sharer, said: bytes) -> bool:
        """Take something out that nobody waits for any more. Returns whether it was there: it may have been said."""
        own: Waiters[bytes] | None = self.waiting[rank]
        for name in sharer:
            own = own.within.get(name) if own is not None else None
        if own is None or said not in own.places:
            return False
        self.waiting[rank].remove(sharer, said)
        self.size -= 1
        return True

    def clear(self) -> None:
        """Nothing waits any more."""
        self.waiting = {rank: Waiters() for rank in TURNS}
        self.size = 0


class Sent(msgspec.Struct, gc=False):
    """A request under way. said: how it is said. stream, session, actor: whose it is. until_s: when it is not sent again any
    more, by the loop's time; 0 while no link was lost under it. sharer: as whom it is counted."""

    said: bytes
    sink: Sink
    index: int
    rank: Rank
    stream: str
    session: str
    actor: str
    until_s: float = 0.0
    sharer: Sharer | None = None

    @property
    def size(self) -> int:
        """What it takes of the places."""
        return max(len(self.said), REQUEST_BYTES_MIN)


class UnderWay:
    """The requests under way on a link, by their numbers. sharer_of: whose a session is, as it is counted.

    Whose they are is counted only from when so much is under way that somebody could have more than their share, until nothing
    is: what goes straight through pays nothing for it.
    """

    def __init__(self, sharer_of: Callable[[str, str, str], Sharer]) -> None:
        self.sharer_of = sharer_of
        self.sent: dict[int, Sent] = {}
        self.size = 0
        self.shares = Shares(REQUESTS_BYTES_MAX)
        self.counted = False

    def admit(self, number: int, sent: Sent) -> bool:
        """Take a request in, if there is room for one more of its sender's. Returns whether there is."""
        size = sent.size
        if not self.counted and self.size + size > REQUESTS_COUNTED_BYTES:
            self.counted = True
            for one in self.sent.values():
                self.count(one)
        if self.counted and not self.count(sent):
            return False
        self.sent[number] = sent
        self.size += size
        return True

    def count(self, sent: Sent) -> bool:
        """Count a request as its sender's; false if they have too much."""
        sent.sharer = self.sharer_of(sent.stream, sent.session, sent.actor)
        return self.shares.take(sent.sharer, sent.size)

    def take(self, number: int) -> Sent | None:
        """Take a request out; None if it is answered already."""
        sent = self.sent.pop(number, None)
        if sent is None:
            return None
        self.size -= sent.size
        if self.counted:
            assert sent.sharer is not None
            self.shares.give_back(sent.sharer, sent.size)
            self.counted = bool(self.sent)
        return sent
