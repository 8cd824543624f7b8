"""Fair: a line in front of what only a few can have at once, such as the process that reads history.

Rule: turns go round the groups (a book, an address), in a group round those within it (a branch of a tree), and so on down to the
members (a user). Who waits for much waits behind themselves. When the line is full, the longest line of the largest group gives a
place up, never somebody below their share.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from runline.domain.messages import Rejected

Turn = asyncio.Future[None]

W = TypeVar("W")

Member = tuple[Hashable, ...]
"""Somebody, from the outermost group that they belong to down to themselves. All of a line are of one length."""


def busy() -> Rejected:
    """The refusal of whoever asks for more than their share."""
    return Rejected("busy", "Too much is waiting. Try again in a moment.")


class Waiters(Generic[W]):
    """Those who wait within a group, or the places of one member (or whatever waits there). The first is next."""

    __slots__ = ("places", "size", "within")

    def __init__(self) -> None:
        self.size = 0
        self.within: dict[Hashable, Waiters[W]] = {}
        self.places: deque[W] = deque()

    def size_of(self, name: Hashable) -> int:
        """How many of somebody within wait."""
        below = self.within.get(name)
        return below.size if below is not None else 0

    def add(self, path: Member, place: W) -> None:
        """Put a place at the end of a member's."""
        self.size += 1
        if path:
            self.within.setdefault(path[0], Waiters()).add(path[1:], place)
        else:
            self.places.append(place)

    def remove(self, path: Member, place: W) -> None:
        """Take a place away, wherever it is."""
        self.size -= 1
        if not path:
            self.places.remove(place)
            return
        below = self.within[path[0]]
        below.remove(path[1:], place)
        if not below.size:
            del self.within[path[0]]

    def take_next(self) -> W:
        """Take the place that is next; whoever had it goes to the end at every level."""
        self.size -= 1
        if not self.within:
            return self.places.popleft()
        name = next(iter(self.within))
        below = self.within.pop(name)
        place = below.take_next()
        if below.size:
            self.within[name] = below
        return place


class FairQueue:
    """Turns, shared out.

    at_once: turns at the same time. waiting_max: places in the line. member_max: places of one member. apart: a second line, as
    long, for those who are known: the two have turns one after the other, so that no crowd of strangers keeps the known out.
    """

    def __init__(self, at_once: int, waiting_max: int, member_max: int) -> None:
        self.at_once = at_once
        self.waiting_max = waiting_max
        self.member_max = member_max
        self.running = 0
        self.line: Waiters[Turn] = Waiters()
        self.apart: Waiters[Turn] = Waiters()
        self.last = self.line

    @asynccontextmanager
    async def turn(self, path: Member, *, apart: bool = False) -> AsyncIterator[None]:
        """A turn, once it comes. apart: in the line of the known.

        Raises Rejected `busy`.
        """
        if self.running < self.at_once:
            self.running += 1
        else:
            await self.wait(self.apart if apart else self.line, path)
        try:
            yield
        finally:
            self.running -= 1
            self.call_next()

    async def wait(self, line: Waiters[Turn], path: Member) -> None:
        """Stand in line."""
        place: Turn = asyncio.get_running_loop().create_future()
        self.line_up(line, path, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                line.remove(path, place)
            else:
                # The turn had come already: it goes on to the next.
                self.running -= 1
                self.call_next()
            raise

    def line_up(self, line: Waiters[Turn], path: Member, place: Turn) -> None:
        """Take a place in the line, a full one's from whoever has the most."""
        own: Waiters[Turn] | None = line
        for name in path:
            own = own.within.get(name) if own is not None else None
        if (own.size if own is not None else 0) >= self.member_max:
            raise busy()
        if line.size >= self.waiting_max and not self.make_room(line, path):
            raise busy()
        line.add(path, place)

    def make_room(self, line: Waiters[Turn], path: Member) -> bool:
        """Send the last of the longest line of the largest group away (of equals, of the one whose turn comes last); false if
        that is the newcomer's own."""
        group, names, own = line, [], True
        for name in path:
            largest = max(reversed(group.within), key=group.size_of)
            if own and group.within[largest].size <= group.size_of(name) + 1:
                largest = name
                if name not in group.within:
                    return False
            own = own and largest == name
            names.append(largest)
            group = group.within[largest]
        if own:
            return False
        place = group.places[-1]
        line.remove(tuple(names), place)
        place.set_exception(busy())
        return True

    def call_next(self) -> None:
        """Give the turn that has become free to the next in line, of the two lines in turns."""
        line = self.apart if self.last is self.line else self.line
        if not line.size:
            line = self.last
        if line.size:
            self.last = line
            self.running += 1
            line.take_next().set_result(None)
