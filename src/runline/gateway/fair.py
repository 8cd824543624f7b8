"""Fair: a line in front of what only a few can have at once, such as the process that reads history.

Rule: turns go round the groups (a book, an address), and in a group round its members (a user). Who waits for much waits behind
themselves. When the line is full, the longest line of the largest group gives a place up, never somebody below their share.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from runline.domain.messages import Rejected

Place = asyncio.Future[None]
Members = dict[Hashable, deque[Place]]


def busy() -> Rejected:
    """The refusal of whoever asks for more than their share."""
    return Rejected("busy", "Too much is waiting. Try again in a moment.")


class FairQueue:
    """Turns, shared out.

    at_once: turns at the same time. waiting_max: places in the line. member_max: places of one member.
    """

    def __init__(self, at_once: int, waiting_max: int, member_max: int) -> None:
        self.at_once = at_once
        self.waiting_max = waiting_max
        self.member_max = member_max
        self.running = 0
        self.waiting = 0
        self.groups: dict[Hashable, Members] = {}
        """Whoever waits; the first member of the first group is next."""

    @asynccontextmanager
    async def turn(self, group: Hashable, member: Hashable) -> AsyncIterator[None]:
        """A turn, once it comes.

        Raises Rejected `busy`.
        """
        if self.running < self.at_once:
            self.running += 1
        else:
            await self.wait(group, member)
        try:
            yield
        finally:
            self.running -= 1
            self.call_next()

    async def wait(self, group: Hashable, member: Hashable) -> None:
        """Stand in line."""
        place: Place = asyncio.get_running_loop().create_future()
        self.line_up(group, member, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self.step_out(group, member, place)
            else:
                # The turn had come already: it goes on to the next.
                self.running -= 1
                self.call_next()
            raise

    def line_up(self, group: Hashable, member: Hashable, place: Place) -> None:
        """Take a place in the line, a full one's from whoever has the most."""
        own = self.groups.get(group, {}).get(member, ())
        if len(own) >= self.member_max or (self.waiting >= self.waiting_max and not self.make_room(group, member)):
            raise busy()
        self.groups.setdefault(group, {}).setdefault(member, deque()).append(place)
        self.waiting += 1

    def make_room(self, group: Hashable, member: Hashable) -> bool:
        """Send the last of the longest line away; false if that is the newcomer's own."""
        largest = max(self.groups, key=self.size)
        if self.size(largest) <= self.size(group) + 1:
            largest = group
        members = self.groups.get(largest)
        if members is None:
            return False
        longest = max(members, key=lambda one: len(members[one]))
        if largest == group and len(members[longest]) <= len(members.get(member, ())) + 1:
            return False
        place = members[longest][-1]
        self.step_out(largest, longest, place)
        place.set_exception(busy())
        return True

    def size(self, group: Hashable) -> int:
        """How many of a group wait."""
        return sum(map(len, self.groups.get(group, {}).values()))

    def step_out(self, group: Hashable, member: Hashable, place: Place) -> None:
        """Give a place up."""
        members = self.groups[group]
        members[member].remove(place)
        self.waiting -= 1
        if not members[member]:
            del members[member]
        if not members:
            del self.groups[group]

    def call_next(self) -> None:
        """Give the turn that has become free to the next in line; their group and they themselves go to the end."""
        if not self.groups:
            return
        group, members = next(iter(self.groups.items()))
        member, places = next(iter(members.items()))
        place = places.popleft()
        self.waiting -= 1
        del self.groups[group], members[member]
        if places:
            members[member] = places
        if members:
            self.groups[group] = members
        self.running += 1
        place.set_result(None)
