"""Duties: what a node does about streams, as it hears whose they are: takes them, lets go of them, follows those that will come,
and hands over those that are to go.

Rule: each stream is tended for itself, one step after the other, and none waits for another. What is to be done follows from
what was heard last, so a step may be done again, and what cannot be done is tried again after a pause.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from runline.cluster.limits import (
    TENDED_AGAIN_S_MAX,
    TENDED_AGAIN_S_MIN,
    WARM_LOOK_S,
    WARM_ROWS_MIN,
    WARM_S_MAX,
)
from runline.cluster.member import Member
from runline.cluster.registry import Assigned, Registry, RegistryError, Taken
from runline.cluster.taking import Adopter, Taking
from runline.cluster.together import Together, Wanted
from runline.domain.messages import Rejected
from runline.engine.ports import Head, NotTaken, StoreError

log = logging.getLogger("runline.cluster")

Take = Callable[[Head], Awaitable[None]]
"""How another node takes a stream that ends at a head. (Whoever sends something to a stream finds out where it is.)"""


def nobody_hears(stream: str) -> None:
    """Nobody wants to know."""


class Owner(Adopter, Protocol):
    """The engine of this node, as its streams come and go."""

    def owns(self, stream: str) -> bool:
        """Whether a stream is owned here."""
        ...

    async def release(self, stream: str) -> None:
        """Own a stream no more; what it has decided becomes durable first."""
        ...

    async def hand_over(self, stream: str, take: Take) -> None:
        """Let a stream go on elsewhere, so that nobody hears of it. Raises Rejected, TimeoutError, and what `take` raises."""
        ...

    def rows(self, stream: str) -> int:
        """Rows of a stream of this process that are held in memory."""
        ...

    def stand_by(self, stream: str) -> None:
        """Follow a stream, if it is not followed or owned here."""
        ...

    async def stand_down(self, stream: str) -> None:
        """Follow it no more."""
        ...


class Others(Protocol):
    """The other nodes."""

    async def copied(self, node: str, stream: str) -> int:
        """Up to which position a node has a copy of a stream, 0 without one. Raises Rejected if the stream could not go on there
        as it does here."""
        ...


class Duties:
    """Does them. owned: the streams of this node, each with the number of the assignment under which it was taken."""

    member: Member

    def __init__(self, owner: Owner, registry: Registry, others: Others) -> None:
        self.owner = owner
        self.registry = registry
        self.others = others
        self.taking = Taking(owner, registry, self.is_told)
        self.saying: Together[Taken, None] = Together(self.say_all_taken)
        self.took: Callable[[str], None] = nobody_hears
        """Called when a stream was taken."""
        self.told: dict[str, Assigned] = {}
        self.owned: dict[str, int] = {}
        self.epochs: dict[str, int] = {}
        """Of streams that were claimed, and of which that is not said yet."""
        self.copies: frozenset[str] = frozenset()
        """Streams of other nodes of which this one has a copy, in case they die."""
        self.warm_until_s: dict[str, float] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.changed: dict[str, asyncio.Event] = {}
        self.unenrolled: dict[str, None] = {}
        self.enrolling: asyncio.Task[None] | None = None

    def owned_as(self, stream: str) -> Assigned | None:
        """As which a stream is owned here: which start of which node, and under which number. None if it is not."""
        number, me = self.owned.get(stream), self.member.me
        return Assigned(stream, me.name, me.incarnation, number) if number and self.owner.owns(stream) else None

    # What is heard

    def assigned(self, stream: Assigned) -> None:
        self.hear(stream)

    def unassigned(self, stream: Assigned) -> None:
        self.hear(replace(stream, node="", incarnation=0))

    def coming(self, stream: Assigned) -> None:
        self.hear(stream)

    def going(self, stream: Assigned) -> None:
        self.hear(stream)

    def hear(self, stream: Assigned) -> None:
        """So it is with a stream now."""
        self.told[stream.stream] = stream
        self.tend(stream.stream)

    def copying(self, streams: Iterable[str]) -> None:
        """Of these streams of other nodes this one is to have copies."""
        before, self.copies = self.copies, frozenset(streams)
        for stream in sorted(before ^ self.copies):
            self.told.setdefault(stream, Assigned(stream))
            self.tend(stream)

    def look_again(self, stream: str) -> None:
        """A stream that is owned has stopped here, since somebody else has claimed it: it is taken anew, if it still is ours,
        before anything else is done about it."""
        if stream in self.owned:
            self.owned[stream] = 0
            self.tend(stream)

    def opened(self, books: Iterable[str]) -> None:
        """There are these books: they are to be assigned to somebody."""
        self.unenrolled.update(dict.fromkeys(books))
        if self.unenrolled and self.enrolling is None:
            self.enrolling = asyncio.create_task(self.enroll())

    async def enroll(self) -> None:
        while self.unenrolled:
            books = list(self.unenrolled)
            try:
                await self.registry.enroll(books)
            except RegistryError as error:
                log.warning("books cannot be enrolled, which is tried again: %s", error)
                await asyncio.sleep(TENDED_AGAIN_S_MAX)
            else:
                for book in books:
                    del self.unenrolled[book]
        self.enrolling = None

    async def let_go(self) -> None:
        """Let go of all streams, and wait until that is done."""
        self.copies = frozenset()
        for one in list(self.told.values()):
            self.hear(Assigned(one.stream))
        while self.tasks:
            await asyncio.wait(list(self.tasks.values()))

    async def close(self) -> None:
        """Do nothing any more."""
        await self.let_go()
        if self.enrolling is not None:
            self.enrolling.cancel()
            await asyncio.gather(self.enrolling, return_exceptions=True)

    # What is done

    def tend(self, stream: str) -> None:
        """Do what is to be done about a stream, after what is being done."""
        if stream in self.tasks:
            self.changed[stream].set()
            return
        self.changed[stream] = asyncio.Event()
        task = self.tasks[stream] = asyncio.create_task(self.keep(stream))
        task.add_done_callback(lambda _: self.tended(stream))

    def tended(self, stream: str) -> None:
        """Nothing is to be done any more, until something is heard."""
        changed = self.changed.pop(stream)
        del self.tasks[stream]
        if changed.is_set():
            self.tend(stream)

    async def keep(self, stream: str) -> None:
        """Do what is to be done, until it is done."""
        changed, pause_s = self.changed[stream], TENDED_AGAIN_S_MIN
        while True:
            changed.clear()
            try:
                await self.step(self.told[stream])
                if not changed.is_set():
                    return
                pause_s = TENDED_AGAIN_S_MIN
            except (StoreError, RegistryError, Rejected, NotTaken, TimeoutError) as error:
                log.info("%s is tended again: %s", stream, error)
                pause_s = await self.rest(changed, pause_s)
            except Exception:
                log.exception("a fault while %s is tended, which is tried again", stream)
                pause_s = await self.rest(changed, pause_s)

    async def rest(self, changed: asyncio.Event, pause_s: float) -> float:
        """Wait for so long, or until something is heard. Returns how long it is waited the next time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await changed.wait()
                return TENDED_AGAIN_S_MIN
        return min(2 * pause_s, TENDED_AGAIN_S_MAX)

    def is_mine(self, one: Assigned) -> bool:
        """Whether a stream is assigned to this start of this node."""
        return one.is_of(self.member.me.name, self.member.me.incarnation)

    async def step(self, one: Assigned) -> None:
        """What is to be done now about a stream. Raises StoreError, RegistryError, Rejected, NotTaken, TimeoutError."""
        stream, mine = one.stream, self.is_mine(one)
        if self.owner.owns(stream) and not (mine and self.owned.get(stream) == one.number):
            await self.owner.release(stream)
            self.owned.pop(stream, None)
        if mine:
            if not self.owner.owns(stream) and not await self.take(one):
                return
            await self.say_taken(one)
            if one.wanted and one.wanted != one.node:
                await self.hand_over(one)
            else:
                self.warm_until_s.pop(stream, None)
        elif one.wanted == self.member.me.name or stream in self.copies:
            self.owner.stand_by(stream)
        else:
            await self.owner.stand_down(stream)

    def is_told(self, one: Assigned) -> bool:
        """Whether a stream is this node's under a number, by what was heard last."""
        told = self.told[one.stream]
        return self.is_mine(told) and told.number == one.number

    async def take(self, one: Assigned) -> bool:
        """Claim a stream, if it is still assigned so; if it is not, that will be heard."""
        epoch = await self.taking.take(one)
        if epoch is None:
            return False
        self.epochs[one.stream] = epoch
        self.owned[one.stream] = one.number
        self.took(one.stream)
        return True

    async def say_taken(self, one: Assigned) -> None:
        """Say that a stream was taken, so that what is sent to it comes here."""
        epoch = self.epochs.get(one.stream)
        if epoch is not None:
            await self.saying.done(Taken(one, epoch))
            self.epochs.pop(one.stream, None)

    async def say_all_taken(self, wanted: Wanted[Taken, None]) -> None:
        """Say it of all that were taken meanwhile. Raises RegistryError."""
        await self.member.taken(list(wanted))
        for said in wanted.values():
            said.set_result(None)

    async def hand_over(self, one: Assigned) -> None:
        """Have a stream go on at the node by which it is wanted."""
        stream = one.stream
        if not await self.is_ready(one):
            return

        async def take(head: Head) -> None:
            if not await self.member.hand_over(one):
                raise NotTaken(f"{one.wanted} is not there, or does not want it any more")
            self.owned.pop(stream, None)

        await self.owner.hand_over(stream, take)

    async def is_ready(self, one: Assigned) -> bool:
        """Wait until a stream can go on at its next owner: where the house is current there, and, if it is large, there is a copy
        of it. False if something else was heard."""
        loop, changed, stream = asyncio.get_running_loop(), self.changed[one.stream], one.stream
        until_s = self.warm_until_s.setdefault(stream, loop.time() + WARM_S_MAX)
        while loop.time() < until_s:
            with suppress(Rejected):
                if await self.others.copied(one.wanted, stream) or self.owner.rows(stream) < WARM_ROWS_MIN:
                    return True
            with suppress(TimeoutError):
                async with asyncio.timeout(WARM_LOOK_S):
                    await changed.wait()
                    return False
        log.warning("%s cannot take %s over at once, which goes there nevertheless", one.wanted, stream)
        return True
