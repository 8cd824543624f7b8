"""Standby: a stream that is owned elsewhere, kept in memory as its writer has it, so that it can go on here at once.

Rule: what is followed is folded as at every start and in every proof of the log: rows, the ids of commands, timers and jobs are
what a start would read. Nothing of it is answered or shown. Who takes over compares position, hash and the count of rows with the
head that was claimed; if they are not the same, the stream is read whole, as at every start.
"""

import asyncio
import logging
from collections.abc import Sequence

from runline.domain.book import Book
from runline.domain.execution import fold, needs
from runline.domain.house import House
from runline.domain.invariants import check
from runline.domain.messages import Event
from runline.domain.state import ByKey, Row, State
from runline.engine.envelope import decode_envelope
from runline.engine.ids import id_bytes
from runline.engine.limits import LOAD_PAUSE_S, READ_EVENTS, TAKE_OVER_EVENTS_MAX
from runline.engine.ports import GENESIS, Head, StoreError
from runline.engine.process import Process
from runline.engine.recovery import check_head, load_at_once, load_window, reading
from runline.engine.subscription import Committed
from runline.engine.window import Window
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")


class Standby:
    """A copy of a stream. state: None while it is to be read from the store.

    bare: the rows that hold something which no log has, and which is read from the store by who takes over. proved_ns: the host's
    time at which it had all that was durable, 0 before that is proved.
    """

    wanted = True

    def __init__(self, process: Process, stream: str) -> None:
        self.process = process
        self.stream = stream
        self.state: State | None = None
        self.hash = GENESIS
        self.window = Window()
        self.bare: dict[ByKey, None] = {}
        self.loaded_ns = 0
        self.proved_ns = 0

    @property
    def position(self) -> int:
        return self.state.seq if self.state is not None else 0

    def proved(self, at_ns: int) -> None:
        self.proved_ns = at_ns

    # What is followed

    def take(self, happened: Sequence[Committed]) -> None:
        state = self.begin()
        for one in happened:
            if one.seq > state.seq:
                self.fold(state, one.seq, one.at_ns, id_bytes(one.command), one.digest, one.hash, one.event)
        self.end(state)

    def begin(self) -> State:
        """The state, which is gone if what is done to it now fails."""
        state, self.state = self.state, None
        check(state is not None, f"The copy of {self.stream} is to be read again.")
        assert state is not None
        return state

    def fold(
        self, state: State, seq: int, at_ns: int, command: bytes, digest: bytes, chain: bytes, event: Event
    ) -> None:
        """The next event. Raises StoreError, BrokenInvariant: the copy is to be read again."""
        check(seq == state.seq + 1, f"The copy of {self.stream} is at {state.seq} and was given event {seq}.")
        if needs(state, event):
            # A ticket that was closed is open again, of which the store has only what came of it.
            raise StoreError("transient", f"{type(event).__name__} of {self.stream!r} is about what is out of memory.")
        fold(state, event, seq, at_ns)
        self.hash = chain
        if digest:
            self.window.heard(command, digest, seq, at_ns // 1_000_000)
        if type(event).secret:
            for row in state.changed.values():
                if type(row).proved_by:
                    self.bare[ByKey(type(row), row.key())] = None

    def end(self, state: State) -> None:
        """Everything up to here is folded, and durable: nothing of it is to be written, and what is closed leaves memory."""
        state.changed.clear()
        state.dropped.clear()
        if isinstance(state, Book):
            state.tickets.evict(state.seq)
        self.state = state

    # What is stored

    async def reach(self) -> int:
        """Bring it up to what is stored. Returns the epoch at which the stream is claimed."""
        if self.state is None:
            await self.load()
        head = (await self.process.store.heads([self.stream])).get(self.stream)
        if head is None:
            return 0
        await self.read_on(head.seq)
        return head.epoch

    async def load(self) -> None:
        """Read the stream as it is stored."""
        process = self.process
        waits_s = LOAD_PAUSE_S - (process.clock.host_ns() - self.loaded_ns) / 1e9
        if self.loaded_ns and waits_s > 0:
            await asyncio.sleep(waits_s)
        self.loaded_ns = process.clock.host_ns()
        state: State = process.vocabulary.state_of(self.stream)
        with process.reading():
            head = await load_at_once(process.store, state)
            with reading(self.stream):
                self.window = await load_window(process.store, self.stream, process.clock.now_ns(), head.seq)
        self.hash, self.bare, self.state = head.hash, {}, state

    async def read_on(self, position: int) -> None:
        """Fold what the log has, up to a position. Raises StoreError."""
        process = self.process
        while self.position < position:
            rows = await process.store.events(self.stream, self.position, READ_EVENTS)
            if not rows:
                raise StoreError("unreadable", f"The log of {self.stream!r} ends before position {position}.")
            with reading(self.stream):
                state = self.begin()
                for _, seq, command, digest, body, chain in rows:
                    entry = decode_envelope(body)
                    self.fold(state, seq, entry.at_ns, command, digest, chain, entry.event(process.vocabulary))
                self.end(state)
            await asyncio.sleep(0)

    # Taking over

    async def writer(self, head: Head, house: House | None) -> Writer | None:
        """The stream's writer from here on; None if the copy is not what is stored. head: as it was claimed.

        Raises StoreError.
        """
        process = self.process
        if self.state is None or head.seq - self.position > TAKE_OVER_EVENTS_MAX:
            return None
        with reading(self.stream):
            await check_head(process.store, head)
        try:
            await self.read_on(head.seq)
            await self.read_bare()
        except StoreError as error:
            log.warning("the copy of %s cannot be brought up, it is read whole: %s", self.stream, error)
            return None
        state, self.state = self.state, None
        found = state.seq, self.hash, state.held_rows, state.held_sum
        if found != (head.seq, head.hash, head.held_rows, head.held_sum):
            log.error("the copy of %s is not what is stored at position %s: it is read whole", self.stream, head.seq)
            return None
        state.timers.derive()
        return Writer(state, head, self.window, house, process.node, process.zones, process.level)

    async def read_bare(self) -> None:
        """Read what no log has."""
        state = self.state
        assert state is not None
        wanted = [need for need in self.bare if need.key in state.held[need.row]]
        for need, rows in zip(wanted, await self.process.store.fetch(self.stream, wanted), strict=True):
            for row in rows:
                secrets = {name: getattr(row, name) for name in need.row.proved_by}
                put(state.held[need.row][need.key], secrets)
        self.bare = {}


def put(row: Row, fields: dict[str, object]) -> None:
    """Put values into a row, which is not changed by it: they are what is stored."""
    for name, value in fields.items():
        setattr(row, name, value)
