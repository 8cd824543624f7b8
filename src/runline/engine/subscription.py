"""Subscription: the log side of the live stream, for subscribers in the process.

Rule: position first, then data. A subscriber gets every durable event after its position, in order, once; one that cannot
keep up is told that it lags, and never makes anything wait.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

from runline.domain.messages import HOUSE, Event
from runline.domain.vocabulary import Vocabulary
from runline.engine.envelope import decode_envelope
from runline.engine.limits import READ_EVENTS, SUBSCRIPTION_BYTES_MAX, SUBSCRIPTION_EVENTS_MAX
from runline.engine.ports import EventRow, Happened, Reading
from runline.engine.writer import Filling


class Committed(msgspec.Struct, gc=False):
    """A durable event.

    size: of its entry in the log, in bytes. epoch: of the owner who tells it. digest, hash: as in the log: what its command's id
    stands for, and the chain up to here.
    """

    stream: str
    seq: int
    at_ns: int
    actor: str
    command: str
    event: Event
    size: int = 0
    epoch: int = 0
    digest: bytes = b""
    hash: bytes = b""


Entry = tuple[Happened, EventRow]
"""A durable event, and its entry in the log."""


def entry_of(row: EventRow, vocabulary: Vocabulary) -> Entry:
    """An event as it was logged."""
    logged = decode_envelope(row[4])
    return (logged.seq, logged.at_ns, logged.actor, logged.command, logged.event(vocabulary)), row


def told(entries: list[Entry], epoch: int) -> list[Committed]:
    """Events as they are told by an owner of an epoch."""
    return [Committed(row[0], *happened, len(row[4]), epoch, row[3], row[5]) for happened, row in entries]


class Lagged(Exception):
    """The subscriber was too slow, or the stream goes on elsewhere; it must begin again, by a new image or from its position."""


class Subscription:
    """One subscriber's view of one stream's log. Iterate over it; `close` it when done.

    epoch: of the owner here, 0 where the stream is owned elsewhere.
    """

    def __init__(
        self,
        store: Reading,
        vocabulary: Vocabulary,
        stream: str,
        after: int,
        durable_seq: int,
        leave: Callable[[], None],
        epoch: int = 0,
    ) -> None:
        self.epoch = epoch
        self.store = store
        self.vocabulary = vocabulary
        self.stream = stream
        self.position = after
        self.caught_up_to = durable_seq
        self.backlog: deque[Entry] = deque()
        self.backlog_bytes = 0
        self.lagged = ""
        """Why nothing more is told, "" while it is."""
        self.wake = asyncio.Event()
        self.leave = leave

    def publish(self, entries: list[Entry], size: int) -> None:
        """Take durable events (the engine calls this). size: of all of them."""
        if self.lagged:
            return
        last = self.backlog[-1][0][0] if self.backlog else max(self.position, self.caught_up_to)
        if entries[0][0][0] > last + 1:
            # What is missing between could not be told as it became durable. It is in the log, and so are these.
            self.catch_up(entries[-1][0][0])
            return
        self.backlog_bytes = size + (self.backlog_bytes if self.backlog else 0)
        many = len(self.backlog) + len(entries) > SUBSCRIPTION_EVENTS_MAX
        if many or self.backlog_bytes > SUBSCRIPTION_BYTES_MAX:
            self.end(f"More than {SUBSCRIPTION_EVENTS_MAX} events behind")
        else:
            self.backlog.extend(entries)
            self.wake.set()

    def catch_up(self, durable_seq: int, epoch: int | None = None) -> None:
        """After a recovery: what was stored meanwhile and never published is in the log (the engine calls this)."""
        if epoch is not None:
            self.epoch = epoch
        self.caught_up_to = durable_seq
        self.wake.set()

    def end(self, why: str) -> None:
        """Nothing more is told here (the engine calls this)."""
        self.lagged = why
        self.backlog.clear()
        self.leave()
        self.wake.set()

    def close(self) -> None:
        """Stop receiving."""
        self.leave()

    async def batch(self) -> list[Committed]:
        """The next events, at least one; waits for it.

        Raises Lagged, StoreError.
        """
        return told(await self.entries(), self.epoch)

    async def entries(self) -> list[Entry]:
        """The same, for whoever looks at little of what happens: nothing is made of it."""
        while True:
            entries: list[Entry] = []
            if self.position < self.caught_up_to:
                limit = min(READ_EVENTS, self.caught_up_to - self.position)
                rows = await self.store.events(self.stream, self.position, limit)
                entries = [entry_of(row, self.vocabulary) for row in rows]
                # Reading does not wait for anything; the others have their turn nevertheless.
                await asyncio.sleep(0)
            elif self.backlog:
                entries = self.published()
            elif self.lagged:
                raise Lagged(f"{self.lagged} at position {self.position}.")
            else:
                self.wake.clear()
                await self.wake.wait()
            if entries:
                self.position = entries[-1][0][0]
                return entries

    def take(self) -> list[Entry] | None:
        """What is published and was not taken yet, without waiting; None while the log is still being read."""
        if self.position < self.caught_up_to or self.lagged:
            return None
        entries = self.published()
        if entries:
            self.position = entries[-1][0][0]
        return entries

    def published(self) -> list[Entry]:
        """What is published and not in the log up to here."""
        entries = list(self.backlog)
        self.backlog.clear()
        if entries and entries[0][0][0] <= self.position:
            entries = [entry for entry in entries if entry[0][0] > self.position]
        return entries

    async def __aiter__(self) -> AsyncIterator[Committed]:
        while True:
            for committed in await self.batch():
                yield committed


class Subscriptions:
    """Who follows which stream in this process. of: by stream."""

    def __init__(self, store: Reading, vocabulary: Vocabulary) -> None:
        self.store = store
        self.vocabulary = vocabulary
        self.of: dict[str, list[Subscription]] = {}

    def begin(self, stream: str, after: int, durable_seq: int, epoch: int = 0) -> Subscription:
        """Follow a stream after a position that is durable. epoch: see `Subscription`."""
        listening = self.of.setdefault(stream, [])

        def leave() -> None:
            if subscription in listening:
                listening.remove(subscription)

        subscription = Subscription(self.store, self.vocabulary, stream, after, durable_seq, leave, epoch)
        listening.append(subscription)
        return subscription

    def publish(self, stream: str, filling: Filling) -> None:
        """Tell what has become durable of a stream."""
        listening = self.of.get(stream)
        if listening and filling.happened:
            entries = list(zip(filling.happened, filling.logged, strict=True))
            for subscription in list(listening):
                subscription.publish(entries, filling.logged_bytes)

    def catch_up(self, stream: str, durable_seq: int, epoch: int) -> None:
        """After a recovery, by an owner of an epoch: what was stored meanwhile and never published is in the log."""
        for subscription in self.of.get(stream, ()):
            subscription.catch_up(durable_seq, epoch)

    def end_all(self, why: str) -> None:
        """Positions that anybody has reached mean nothing any more."""
        for listening in self.of.values():
            for subscription in list(listening):
                subscription.end(why)

    def gone(self, stream: str) -> None:
        """A stream does not go on here: who follows it goes where it does. (The house is followed by its view, here too.)"""
        if stream != HOUSE:
            for subscription in list(self.of.get(stream, ())):
                subscription.end("It goes on elsewhere")
