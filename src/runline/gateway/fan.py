"""Fan: from the owner of a stream, over one link, to all the screens here that follow it.

Rule: a stream is followed from its first screen here to the last one. What is heard is for a group of screens, and written
to each of them as it is.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count

import msgspec

from runline.domain.messages import Rejected
from runline.engine.ports import Clock
from runline.engine.probes import Histogram
from runline.engine.watching import (
    Began,
    Cut,
    Enter,
    Frame,
    Leave,
    Link,
    Moved,
    News,
    Reach,
    Resume,
    TurnedAway,
    Watching,
)
from runline.gateway.limits import DELIVERIES, DELIVERIES_ASKED_MAX, DELIVERY_WAIT_S, JOINS_AT_ONCE
from runline.gateway.screens import Screen, push_to


class Delivery(msgspec.Struct, frozen=True):
    """When a position was on the screens that follow its stream.

    after, position: where the frame that had it begins and ends. screens: how many it went to (0 to whoever does not look at
    the whole book). delivered_ms: from durable until it was written to the last of them.
    """

    after: int
    position: int
    screens: int
    delivered_ms: float


class ScreenGroup:
    """Screens that are told the same. position: where the last frame ends that all of them have been written."""

    def __init__(self, log: str, topics: tuple[str, ...]) -> None:
        self.log = log
        self.topics = topics
        self.screens: dict[Screen, None] = {}
        self.position: Reach = (0, 0)


class Followed:
    """A stream that somebody here follows: its screens, by seat and in groups by number.

    position: up to where every screen has what it is to see, unless something is `due` to its group.
    """

    def __init__(self, stream: str, watching: Watching, delivery: Histogram, clock: Clock) -> None:
        self.stream = stream
        self.clock = clock
        self.delivery = delivery
        self.screens: dict[int, Screen] = {}
        self.groups: dict[int, ScreenGroup] = {}
        self.position: Reach = (0, 0)
        self.due: frozenset[int] = frozenset()
        self.written = 0
        """Screens that were written to since the position has moved."""
        self.durable_ns = 0
        """Since when the oldest of what was written to them is durable, by this process's clock; 0 for nothing."""
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES)
        self.delivered = asyncio.Event()
        self.link: Link = watching.watch(stream, self)

    def leave(self, screen: Screen) -> None:
        """A screen is told nothing any more."""
        if self.screens.pop(screen.seat, None) is None or screen.group is None:
            return
        group = self.groups[screen.group]
        del group.screens[screen]
        if not group.screens:
            del self.groups[screen.group]

    async def hear(self, news: Sequence[News]) -> None:
        """Write what is heard; returns when it is written."""
        for one in news:
            if isinstance(one, Frame):
                await self.write(one)
            elif isinstance(one, Began):
                await self.begin(one)
            elif isinstance(one, Moved):
                self.move(one)
            elif isinstance(one, Cut):
                for screen in self.take(one.seats):
                    screen.reset(one.reason)
            else:
                self.turn_away(one)

    async def write(self, frame: Frame) -> None:
        """A frame for all screens of a group."""
        group = self.groups.get(frame.group)
        if group is not None:
            self.note(frame)
            await self.push(frame.frame, list(group.screens))
            group.position = frame.house, frame.position

    async def begin(self, began: Began) -> None:
        """Let screens into a group, with their first frame."""
        screens = [screen for seat in began.seats if (screen := self.screens.get(seat)) is not None]
        if not screens:
            return
        group = self.groups.get(began.group)
        if group is None:
            group = self.groups[began.group] = ScreenGroup(began.log, screens[0].topics)
            group.position = began.house, began.position
        self.note(began)
        for screen in screens:
            screen.group, screen.begun = began.group, (began.house, began.position)
            group.screens[screen] = None
        await self.push(began.frame, screens)

    async def push(self, frame: bytes, screens: list[Screen]) -> None:
        """Write a frame to screens, and count them."""
        await push_to(screens, frame)
        self.written += len(screens)

    def note(self, frame: Frame | Began) -> None:
        """Note since when what a frame tells of is durable."""
        if frame.waited_ns:
            since_ns = self.clock.host_ns() - frame.waited_ns
            self.durable_ns = min(self.durable_ns or since_ns, since_ns)

    def move(self, moved: Moved) -> None:
        """All is written up to a position."""
        before, self.position = self.position, (moved.house, moved.position)
        self.due = frozenset(moved.due)
        if self.durable_ns and self.written:
            took_ns = self.clock.host_ns() - self.durable_ns
            self.delivery.add(took_ns)
            self.deliveries.append(Delivery(before[1], moved.position, self.written, took_ns / 1e6))
            self.delivered.set()
            self.delivered.clear()
        self.durable_ns = self.written = 0

    def take(self, seats: Iterable[int]) -> list[Screen]:
        """The screens of some seats; they have left."""
        screens = [screen for seat in seats if (screen := self.screens.get(seat)) is not None]
        for screen in screens:
            self.leave(screen)
        return screens

    def turn_away(self, turned: TurnedAway) -> None:
        """Screens are not let in."""
        for screen in self.take(turned.seats):
            screen.refuse(Rejected(turned.code, turned.message, **turned.details))


class Fan:
    """All screens of this process, by the stream that they follow. delivery: how long frames take from durable to written."""

    def __init__(self, watching: Watching, clock: Clock) -> None:
        self.watching = watching
        self.clock = clock
        self.followed: dict[str, Followed] = {}
        self.seats = count(1)
        self.entering = asyncio.Semaphore(JOINS_AT_ONCE)
        self.delivery = Histogram()
        self.closed = False
        self.waiting: dict[tuple[str, str], int] = {}
        """How many deliveries each user waits for."""

    @property
    def count(self) -> int:
        """Screens."""
        return sum(len(followed.screens) for followed in self.followed.values())

    async def join(
        self, stream: str, session: str, topics: tuple[str, ...], resume: Resume | None, node: str = ""
    ) -> Screen:
        """Let a screen follow a stream, or what concerns one node of it; it gets its first frame as soon as that is durable, or
        hears why it may not.

        Raises Rejected `unknown_book`, `unavailable`.
        """
        async with self.entering:
            # When a thousand come back at once, everyone else has their turns between them.
            await asyncio.sleep(0)
        screen = Screen(stream, next(self.seats), topics)
        if self.closed:
            screen.reset("stopping")
            return screen
        followed = self.followed.get(stream)
        if followed is None:
            followed = self.followed[stream] = Followed(stream, self.watching, self.delivery, self.clock)
        followed.screens[screen.seat] = screen
        followed.link.tell(Enter(screen.seat, session, topics, node, resume))
        return screen

    def leave(self, screen: Screen) -> None:
        """A screen has gone. With the last one its stream is followed no more."""
        screen.close()
        followed = self.followed.get(screen.stream)
        if followed is None:
            return
        if screen.seat in followed.screens:
            followed.leave(screen)
            followed.link.tell(Leave(screen.seat))
        if not followed.screens:
            self.end(followed)

    def end(self, followed: Followed) -> None:
        """Follow a stream no more."""
        del self.followed[followed.stream]
        followed.link.close()
        followed.delivered.set()

    async def delivery_of(self, stream: str, position: int, user: str) -> Delivery:
        """When a position of a stream was on its screens; waits for it for a moment. user: who asks.

        Raises Rejected `unknown_delivery` if it was too long ago, or nobody follows the stream; `busy`.
        """
        who = stream, user
        waiting = self.waiting.get(who, 0)
        if waiting >= DELIVERIES_ASKED_MAX:
            raise Rejected("busy", "You wait for as many deliveries as one may.", most=waiting)
        self.waiting[who] = waiting + 1
        try:
            return await self.find_delivery(stream, position)
        finally:
            self.waiting[who] -= 1
            if not self.waiting[who]:
                del self.waiting[who]

    async def find_delivery(self, stream: str, position: int) -> Delivery:
        """See `delivery_of`."""
        followed = self.followed.get(stream)
        try:
            async with asyncio.timeout(DELIVERY_WAIT_S):
                while followed is not None and followed.screens:
                    if followed.deliveries and followed.deliveries[-1].position >= position:
                        found = next(one for one in followed.deliveries if one.position >= position)
                        if found.after < position:
                            return found
                        break
                    await followed.delivered.wait()
        except TimeoutError:
            pass
        raise Rejected("unknown_delivery", "It is not known when this was on screens.", position=position)

    def close(self) -> None:
        """End all screens: this process stops. Who comes still is told so, and comes back elsewhere."""
        self.closed = True
        for followed in list(self.followed.values()):
            for screen in followed.screens.values():
                screen.reset("stopping")
            self.end(followed)
