"""Positions: who waits for a stream to reach one. They are woken when theirs is reached, and not before."""

import asyncio
from heapq import heapify, heappop, heappush

from runline.domain.messages import Rejected
from runline.engine.limits import AWAITING_MAX, AWAITING_PER_USER_MAX

STALE_MAX = 64
"""Positions for which nobody waits any more, beyond as many as somebody waits for; then they are forgotten."""


class Positions:
    """The positions of one stream for which somebody waits."""

    def __init__(self) -> None:
        self.waiting: dict[int, dict[asyncio.Future[None], None]] = {}
        self.order: list[int] = []

    def enter(self, position: int) -> asyncio.Future[None]:
        """A future that is done when the position is reached."""
        found: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if position not in self.waiting:
            self.waiting[position] = {}
            heappush(self.order, position)
        self.waiting[position][found] = None
        return found

    def leave(self, position: int, found: "asyncio.Future[None]") -> None:
        """Wait no more."""
        here = self.waiting.get(position)
        if here is None:
            return
        here.pop(found, None)
        if not here:
            del self.waiting[position]
            if len(self.order) > 2 * len(self.waiting) + STALE_MAX:
                self.order = list(self.waiting)
                heapify(self.order)

    def reached(self, position: int) -> None:
        """Wake whoever waits for this position or one before it."""
        while self.order and self.order[0] <= position:
            for found in self.waiting.pop(heappop(self.order), ()):
                if not found.done():
                    found.set_result(None)

    def wake_all(self) -> None:
        """Wake everyone: the stream goes on elsewhere, or not at all."""
        if self.order:
            self.reached(max(self.order))


class Awaiting:
    """The queries that wait, in all streams together, each in a place.

    A stream may have as many as are free for all others, and a branch as many as its stream may still have: so there is
    always as much left for whoever has none.
    """

    def __init__(self) -> None:
        self.count = 0
        self.of: dict[tuple[str, ...], int] = {}
        """How many each stream has, each (stream, branch), and each (stream, branch, user)."""

    def take(self, stream: str, branch: str, user: str) -> None:
        """Take a place. branch: the branch of the tree in which the user stands, "" for the root. Runline's own queries (user "")
        have no bound.

        Raises Rejected `busy`.
        """
        free = AWAITING_MAX - self.count
        of_stream = self.of.get((stream,), 0)
        if user and (
            of_stream >= free
            or (branch and self.of.get((stream, branch), 0) >= free - of_stream)
            or self.of.get((stream, branch, user), 0) >= AWAITING_PER_USER_MAX
        ):
            raise Rejected("busy", "Too many queries wait for a position. Try again in a moment.")
        self.count += 1
        for owner in owners(stream, branch, user):
            self.of[owner] = self.of.get(owner, 0) + 1

    def give_back(self, stream: str, branch: str, user: str) -> None:
        """Give a place back."""
        self.count -= 1
        for owner in owners(stream, branch, user):
            self.of[owner] -= 1
            if not self.of[owner]:
                del self.of[owner]


def owners(stream: str, branch: str, user: str) -> tuple[tuple[str, ...], ...]:
    """As whose a place counts."""
    return (stream,), (stream, branch), (stream, branch, user)
