"""Ring: the last durable events of a stream, for the next flush and for screens that come back.

Rule: it begins where it is opened and reads nothing before somebody asks for it. One ring of the house serves all books. All
rings together have a bound in bytes, of which each has its part.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from runline.domain.messages import Rejected
from runline.engine.limits import SUBSCRIPTION_BYTES_MAX, SUBSCRIPTION_EVENTS_MAX
from runline.engine.ports import Happened, StoreError
from runline.engine.subscription import Entry, Lagged, Subscription, entry_of
from runline.engine.watching import Source
from runline.live.limits import (
    EVENT_BYTES,
    RECALLED_BYTES,
    RETRY_S,
    RING_BYTES_MAX,
    RING_BYTES_MIN,
    RING_EVENTS,
    RING_READ_EVENTS,
    RINGS_BYTES_MAX,
)

logger = logging.getLogger("runline.live")


class Listener(ABC):
    """Whoever uses a ring."""

    @abstractmethod
    def noted(self, stream: str) -> int:
        """The position up to which a stream's events are not needed any more."""

    @abstractmethod
    def moved(self, stream: str, happened: list[Happened]) -> None:
        """There are new durable events."""

    @abstractmethod
    def lost(self, reason: str) -> None:
        """The ring begins anew: what was between is not known here."""


class Rings:
    """All rings of the process, by stream. A ring is closed with its last listener."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.rings: dict[str, Ring] = {}
        self.ending: set[asyncio.Task[None]] = set()

    def open(self, stream: str, listener: Listener) -> "Ring":
        """The ring of a stream, for a listener."""
        ring = self.rings.get(stream)
        if ring is None:
            ring = self.rings[stream] = Ring(self.source, stream, self.bytes_max)
        ring.listeners[listener] = None
        return ring

    def leave(self, ring: "Ring", listener: Listener) -> None:
        """A listener has gone."""
        ring.listeners.pop(listener, None)
        if not ring.listeners and self.rings.get(ring.stream) is ring:
            del self.rings[ring.stream]
            ring.task.cancel()
            self.ending.add(ring.task)
            ring.task.add_done_callback(self.ending.discard)

    def bytes_max(self) -> int:
        """What one ring may take now."""
        return min(max(RINGS_BYTES_MAX // max(len(self.rings), 1), RING_BYTES_MIN), RING_BYTES_MAX)


class Ring:
    """The last events of one stream, from after a position on."""

    def __init__(self, source: Source, stream: str, bytes_max: Callable[[], int]) -> None:
        self.source = source
        self.stream = stream
        self.bytes_max = bytes_max
        self.listeners: dict[Listener, None] = {}
        self.events: deque[Happened] = deque()
        self.sizes: deque[int] = deque()
        self.bytes = 0
        self.after = -1
        """All events behind this position are here; -1 before it has begun."""
        self.too_far = -1
        """From this position on, or one before it, there was no room for what would have been read."""
        self.subscription: Subscription | None = None
        self.reaching = asyncio.Lock()
        self.begun = asyncio.Event()
        self.task = asyncio.create_task(self.follow())

    async def follow(self) -> None:
        """Take in what is durable, as long as this runs."""
        while True:
            try:
                await self.follow_on()
            except Rejected as rejected:
                logger.debug("the live stream of %s does not begin: %s", self.stream, rejected)
            except (Lagged, StoreError) as error:
                logger.warning("the live stream of %s begins anew: %s", self.stream, error)
                self.lose("lagged")
            except Exception:
                logger.exception("a fault in the live stream of %s, which begins anew", self.stream)
                self.lose("unavailable")
            await asyncio.sleep(RETRY_S)

    async def follow_on(self) -> None:
        """Begin at what is durable now, and take in what comes.

        Raises Rejected if the stream cannot be followed now; Lagged, StoreError.
        """
        position = self.source.durable_seq(self.stream)
        subscription = self.source.subscribe(self.stream, position)
        self.events.clear()
        self.sizes.clear()
        self.bytes, self.after, self.too_far = 0, position, -1
        self.subscription = subscription
        self.begun.set()
        try:
            self.tell([])
            while True:
                self.take(await subscription.entries())
        finally:
            self.subscription = None
            self.begun.clear()
            subscription.close()

    def lose(self, reason: str) -> None:
        """Tell everyone who listens that this begins anew, whatever one of them makes of it."""
        for listener in list(self.listeners):
            try:
                listener.lost(reason)
            except Exception:
                logger.exception("who listens to %s cannot begin anew", self.stream)

    def current(self) -> bool:
        """Take in what is durable and was not taken yet; false while that is still being read from the log."""
        batch = self.subscription.take() if self.subscription is not None else None
        if batch is None:
            return False
        if batch:
            self.take(batch)
        return True

    def take(self, batch: list[Entry]) -> None:
        """Keep events, and let go of the oldest beyond the bounds."""
        happened = [one for one, _ in batch]
        self.events.extend(happened)
        sizes = [len(row[4]) + EVENT_BYTES for _, row in batch]
        self.sizes.extend(sizes)
        self.bytes += sum(sizes)
        most = self.bytes_max()
        if len(self.events) > RING_EVENTS or self.bytes > most:
            self.let_go(most)
        self.tell(happened)

    def let_go(self, most: int) -> None:
        """Let go of the oldest events beyond the bounds. What a listener has not noted yet stays, unless it is far behind."""
        noted = min((listener.noted(self.stream) for listener in self.listeners), default=self.events[-1][0])
        while len(self.events) > RING_EVENTS or self.bytes > most:
            far = len(self.events) > SUBSCRIPTION_EVENTS_MAX or self.bytes > SUBSCRIPTION_BYTES_MAX
            if self.events[0][0] > noted and not far:
                return
            self.after = self.events.popleft()[0]
            self.bytes -= self.sizes.popleft()

    def tell(self, happened: list[Happened]) -> None:
        """Tell everyone who listens."""
        for listener in list(self.listeners):
            listener.moved(self.stream, happened)

    def since(self, after: int) -> Iterator[Happened]:
        """The events behind a position that are here; to be read before anything is waited for."""
        # One event has the position after the one before. Mostly few of many are asked for, and those are at the end.
        number = max(self.events[-1][0] - after, 0) if self.events else 0
        return reversed(list(islice(reversed(self.events), number)))

    async def recall(self, events: int) -> None:
        """Have the last events at hand, so many of them as there is room for.

        Raises StoreError.
        """
        await self.begun.wait()
        room = min(events, self.bytes_max() // RECALLED_BYTES)
        await self.reach_back(max(self.after + len(self.events) - room, 0))

    async def reach_back(self, position: int) -> bool:
        """Read from the log what is missing behind a position; false if that is more than a ring may hold.

        Raises StoreError.
        """
        await self.begun.wait()
        async with self.reaching:
            read: list[Happened] = []
            sizes: list[int] = []
            while position + len(read) < self.after:
                if position <= self.too_far:
                    return False
                missing = self.after - position - len(read)
                if missing + len(read) + len(self.events) > RING_EVENTS:
                    return False
                rows = await self.source.store.events(self.stream, position + len(read), min(missing, RING_READ_EVENTS))
                for row in rows:
                    happened, _ = entry_of(row, self.source.vocabulary)
                    read.append(happened)
                    sizes.append(len(row[4]) + EVENT_BYTES)
                # Reading does not wait for anything; the others have their turn nevertheless.
                await asyncio.sleep(0)
                if self.bytes + sum(sizes) > self.bytes_max():
                    self.too_far = max(self.too_far, position)
                    return False
                if not rows:
                    return False
            missing = self.after - position
            if missing > 0:
                self.events.extendleft(reversed(read[:missing]))
                self.sizes.extendleft(reversed(sizes[:missing]))
                self.bytes += sum(sizes[:missing])
                self.after = position
        return True
