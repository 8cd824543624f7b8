"""Owned: the streams of this process. One is adopted, stopped, started again and released without the others.

Rule: adopting is recovering: the stream is claimed, read and checked, then it goes on. What a stream has decided and could not
store is lost with its memory; everyone who waited for it hears `unavailable`, and only this stream is read again. One that
another has claimed meanwhile is not taken back from them, unless somebody says so.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from runline.domain.book import Book
from runline.domain.messages import HOUSE, Rejected
from runline.engine.commit import ELSEWHERE
from runline.engine.heads import Heads
from runline.engine.house_view import HouseView
from runline.engine.limits import READ_EVENTS, RECOVER_PAUSE_S
from runline.engine.ports import GENESIS, Head, Reading, StoreError, claimed
from runline.engine.process import Beside, Process
from runline.engine.recovery import reading, recover_writer
from runline.engine.standby import Standby
from runline.engine.window import Window
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")

RELEASED = "it was released"


class Keeper(Protocol):
    """A part of the engine that keeps something of each stream."""

    def enter(self, writer: Writer) -> None:
        """A stream begins or goes on here."""
        ...

    def leave(self, writer: Writer) -> None:
        """A stream goes on here no more: what is kept of it is dropped, and whoever waits for it hears so."""
        ...


class Following(Protocol):
    """What keeps a copy of a stream up to date. epoch: the highest at which the stream was seen."""

    epoch: int

    async def end(self) -> None:
        """Do so no more."""
        ...


class Owned:
    """The writers of the streams that this process owns.

    keepers: the parts that keep something of each stream, in the order in which a stream enters them. hand_over: what hands over
    what a stream has refused, to be stored. gone: who is told that a stream does not go on here.
    """

    def __init__(self, process: Process, house: HouseView) -> None:
        self.process = process
        self.conditions = process.conditions
        self.house = house
        self.keepers: Sequence[Keeper] = ()
        self.hand_over: Callable[[Writer], None]
        self.gone: Callable[[str], None]
        self.writers: dict[str, Writer] = {}
        self.heads = Heads(process.store)
        self.starting = Beside(process.wake)
        self.reading = asyncio.Lock()
        self.read_ns: dict[str, int] = {}
        """The host's time at which each stream was read again last, after it was in doubt."""
        self.standbys: dict[str, tuple[Following, Standby]] = {}
        """What is followed so that it can go on here."""
        self.claims: dict[str, int] = {}
        """The epoch at which each stream was claimed here last, as far as that was heard."""

    def lack(self, stream: str) -> Rejected:
        """Why a stream is not to be had here, where there is no writer of it."""
        if stream == HOUSE or stream in self.house.state.books.by_name:
            return Rejected("not_here", "This stream is not owned here.")
        return Rejected("unknown_book", "There is no such book.")

    async def adopt(self, stream: str, seen: int | None = None) -> None:
        """Own a stream from here on, as it is stored. One that is owned already goes on. seen: the epoch at which it must still
        be claimed; whatever it is, without.

        Raises StoreError, and Rejected `unknown_book` for a book that the house view does not know; that one is not claimed.
        """
        async with self.reading:
            if stream in self.writers:
                return
            if stream != HOUSE and not await self.is_known(stream):
                raise Rejected("unknown_book", "There is no such book.")
            self.go_on(await self.recovered(stream, seen))

    async def adopt_all(self, seen: Mapping[str, int]) -> dict[str, Exception]:
        """The same of several streams, none of them large, each claimed at the epoch at which it was seen: they are claimed and
        read together. Returns what is wrong with those that are not owned then.

        Raises StoreError if none could be claimed, or nobody knows which were.
        """
        async with self.reading:
            wrong: dict[str, Exception] = {}
            wanted: dict[str, int | None] = {}
            for stream, epoch in seen.items():
                if stream != HOUSE and not await self.is_known(stream):
                    wrong[stream] = Rejected("unknown_book", "There is no such book.")
                elif stream not in self.writers:
                    wanted[stream] = epoch
            with reading(", ".join(wanted)):
                heads = await self.process.store.claim_all(wanted)
            await self.have_claimed(heads.values())
            store = self.process.store.together(heads)
            left = list(wanted)
            while left:
                try:
                    self.go_on(await self.read(claimed(heads, left[0]), store))
                except Exception as error:
                    wrong[left[0]] = error
                    if isinstance(error, StoreError) and error.kind == "transient":
                        # Whoever comes next would wait as long for a store that is away.
                        return wrong | dict.fromkeys(left, error)
                del left[0]
            return wrong

    async def is_known(self, book: str) -> bool:
        """Whether there is a book, by all that is stored of the house. Raises StoreError."""
        if book not in self.house.state.books.by_name and HOUSE not in self.writers:
            await self.reach_end()
        return book in self.house.state.books.by_name

    async def recovered(self, stream: str, seen: int | None = None) -> Writer:
        """A writer of a stream, as it is stored, which nobody else owns from here on: what has followed it up to here goes on, or
        else it is read whole.

        seen: the epoch at which it was seen, by which it was nobody else's; None takes it from whoever has it. Raises StoreError:
        `elsewhere` if somebody has claimed it since, or while it was read.
        """
        with reading(stream):
            head = await self.process.store.claim(stream, seen)
        await self.have_claimed([head])
        return await self.read(head, self.process.store)

    async def have_claimed(self, heads: Collection[Head]) -> None:
        """Streams were claimed here. Raises StoreError."""
        self.claims.update({head.stream: head.epoch for head in heads})
        if HOUSE not in self.writers and any(head.stream != HOUSE for head in heads):
            # Whoever owned them until now may have seen more of the house, and said so.
            await self.reach_end()

    async def read(self, head: Head, store: Reading) -> Writer:
        """A writer of a stream that was claimed here. Raises StoreError, as for `recovered`."""
        process, stream = self.process, head.stream
        standby = await self.stand_down(stream)
        house = None if stream == HOUSE else self.house.state
        writer = await standby.writer(head, house) if standby is not None else None
        if writer is None:
            now_ns = process.clock.now_ns()
            with process.reading():
                writer = await recover_writer(
                    store, head, house, process.node, now_ns, process.level, process.vocabulary, process.zones
                )
        if stream == HOUSE:
            await self.reach(writer.durable_seq)
        return writer

    async def stand_down(self, stream: str) -> Standby | None:
        """Follow a stream no more. Returns what has come of it."""
        following, standby = self.standbys.pop(stream, (None, None))
        if following is not None:
            await following.end()
        return standby

    async def is_listed(self, book: str) -> bool:
        """Whether there is such a book, by a view of the house that is what was stored. Raises StoreError."""
        await self.reach(0)
        return book in self.house.state.books.by_name

    async def reach(self, position: int) -> None:
        """Bring the house view up to a position of the house.

        Raises StoreError.
        """
        if await self.house.reach(position):
            for writer in self.writers.values():
                if writer.house is not None:
                    writer.house = self.house.state
            self.house.go_on()

    async def reach_end(self) -> None:
        """Bring the house view up to all that is stored of the house. (Where there are many books, their heads are more to read
        than what the view lacks.)

        Raises StoreError.
        """
        await self.reach(self.house.state.seq)
        while rows := await self.process.store.events(HOUSE, self.house.state.seq, READ_EVENTS):
            await self.reach(rows[-1][1])

    def found(self, stream: str) -> None:
        """A new book begins here. Nothing is stored of it, so there is nothing to claim: whoever commits first has it."""
        if stream not in self.writers:
            head = Head(stream, 0, 0, GENESIS, 0)
            self.claims[stream] = head.epoch
            self.go_on(
                Writer(
                    Book(stream, self.process.vocabulary),
                    head,
                    Window(),
                    self.house.state,
                    self.process.node,
                    self.process.zones,
                    self.process.level,
                )
            )

    def go_on(self, writer: Writer) -> None:
        """Let a stream go on, everywhere or nowhere: if a keeper cannot take it, all is as it was before."""
        before = self.writers.get(writer.stream)
        self.writers[writer.stream] = writer
        writer.neighbours = self.process.neighbours
        try:
            for keeper in self.keepers:
                keeper.enter(writer)
        except BaseException:
            self.leave(writer)
            if before is None:
                del self.writers[writer.stream]
            else:
                self.writers[writer.stream] = before
            raise
        self.conditions.clear("stream", writer.stream)
        # What it owes may be due.
        self.process.wake.set()

    async def release(self, stream: str) -> None:
        """Own a stream no more. What it has decided and refused becomes durable first, what waits in its lanes hears
        `unavailable`."""
        async with self.reading:
            writer = self.writers.get(stream)
            if writer is None:
                return
            stopped = bool(writer.stopped)
            if not stopped:
                self.hand_over(writer)
                writer.stopped = RELEASED
            await self.settled(writer)
            if not stopped and writer.stopped != RELEASED:
                log.error("%s was released as it stopped: %s", stream, writer.stopped)
            self.let_go(writer)

    def let_go(self, writer: Writer) -> None:
        """A stream goes on elsewhere, or not at all."""
        writer.stopped = writer.stopped or RELEASED
        self.leave(writer)
        del self.writers[writer.stream]
        self.conditions.clear("stream", writer.stream)
        self.gone(writer.stream)

    async def settled(self, writer: Writer) -> None:
        """Wait until nothing that a stream has decided is on its way to the store."""
        while writer.sealed or writer.filling:
            released: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            (writer.sealed[-1] if writer.sealed else writer.filling).released.append(released)
            self.process.wake.set()
            await released

    def leave(self, writer: Writer) -> None:
        """A stream leaves every keeper. One that cannot let go of it tries once more, for somebody may wait there who would wait
        for ever; it does not hold up the others, nor the other streams."""
        for keeper in self.keepers:
            for _ in range(2):
                try:
                    keeper.leave(writer)
                    break
                except Exception:
                    log.exception("%s cannot let go of %s", type(keeper).__name__, writer.stream)

    def stop(self, writer: Writer, reason: str) -> None:
        """Stop one stream: nothing of it that is not durable is let out; it answers `unavailable` until it is started again."""
        self.process.hear("stream", writer.stream, "failing", reason)
        writer.stopped = reason
        self.leave(writer)

    def doubt(self, writer: Writer, reason: str) -> None:
        """What is in memory of a stream may not be what is stored: drop it, and read it again, as often as it takes."""
        if self.writers.get(writer.stream) is not writer:
            return
        if writer.stopped == RELEASED:
            # Nobody reads it again here; what it has decided since stands on what is dropped.
            self.stop(writer, reason)
        elif not writer.stopped:
            self.stop(writer, reason)
            self.starting.start(self.read_again(writer))

    def doubt_all(self, reason: str) -> None:
        """It is not known whose memory is not what is stored."""
        for writer in list(self.writers.values()):
            self.doubt(writer, reason)

    def start_stopped(self) -> None:
        """Start every stopped stream again."""
        for stream in self.writers:
            self.start_again(stream)

    def start_again(self, stream: str) -> None:
        """Start a stopped stream again, as at every start. If it cannot be, it stays stopped and says why.

        Reading it holds the process up for as long as a start does.
        """
        writer = self.writers.get(stream)
        if writer is not None and writer.stopped:
            self.starting.start(self.start_once(writer))

    async def start_once(self, stopped: Writer) -> None:
        try:
            # By hand it is taken from whoever has it, unless it is assigned to them.
            await self.replace(stopped, self.claims.get(stopped.stream) if self.process.leased else None)
        except Exception as error:
            if isinstance(error, StoreError) and error.kind == "elsewhere":
                # A node takes it anew, if it is assigned to that: its own claim may have been made, and not been heard of.
                stopped.stopped = ELSEWHERE
            self.process.hear("stream", stopped.stream, "failing", f"{type(error).__name__}: {error}")

    async def read_again(self, stopped: Writer) -> None:
        process, stream = self.process, stopped.stream
        # A fault that comes back at once is not to take everything.
        if process.clock.host_ns() - self.read_ns.get(stream, 0) < RECOVER_PAUSE_S * 1e9:
            await asyncio.sleep(RECOVER_PAUSE_S)
        while not process.stopping and self.writers.get(stream) is stopped:
            try:
                await self.replace(stopped, self.claims[stream])
            except Exception as error:
                if isinstance(error, StoreError) and error.kind == "elsewhere":
                    stopped.stopped = ELSEWHERE
                    process.hear("stream", stream, "failing", ELSEWHERE)
                    return
                log.error("recovery of %s failed, trying again: %s", stream, error)
                reason = f"What is stored cannot be recovered, trying again: {error}"
                process.hear("stream", stream, "failing", reason)
                await asyncio.sleep(RECOVER_PAUSE_S)
            else:
                process.probes.recoveries += 1
                self.read_ns[stream] = process.clock.host_ns()

    async def is_elsewhere(self, stream: str) -> bool:
        """Whether somebody else has claimed a stream since it was claimed here, by the head that is stored. Raises StoreError."""
        head = await self.heads.now(stream)
        return head is not None and head.epoch != self.claims.get(stream, head.epoch)

    async def replace(self, stopped: Writer, seen: int | None = None) -> None:
        """Let a stream that is stopped go on from what is stored. seen: as for `recovered`.

        Raises StoreError, and what else goes wrong while it is read.
        """
        # What was handed over before it stopped may still become durable.
        await self.settled(stopped)
        async with self.reading:
            if self.writers.get(stopped.stream) is stopped and self.process.available:
                if stopped.stream != HOUSE and not await self.is_listed(stopped.stream):
                    self.let_go(stopped)
                    return
                writer = await self.recovered(stopped.stream, seen)
                if self.writers.get(stopped.stream) is stopped and self.process.available:
                    writer.go_on_from(stopped)
                    self.go_on(writer)
