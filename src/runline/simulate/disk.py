"""Disk: what a simulated machine keeps, and the stores through which processes write to it.

Rule: a batch is written to the disk's journal as bytes, and is durable once all of them are there; what stands in the journal
torn is dropped when the disk is opened again. What was handed to the disk it writes by itself, whether the process runs meanwhile
or not. A process that has lost its power reaches the disk no more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from runline.domain.state import Need, Row
from runline.domain.vocabulary import Vocabulary
from runline.engine.ids import Entropy
from runline.engine.limits import COMMIT_RETRY_PAUSE_S
from runline.engine.ports import (
    EventRow,
    Head,
    History,
    Reading,
    Report,
    Sealed,
    StoreError,
    Stretch,
    TakeRows,
    claimed,
)
from runline.simulate.network import OUTSIDE
from runline.store.memory import MemoryStore

SUM_BYTES = 16

encode_batch = msgspec.msgpack.Encoder().encode
decode_batch = msgspec.msgpack.Decoder(Sealed).decode

Fate = Literal["written", "failed", "lost before", "lost after", "late", "row"]
"""What becomes of a batch. written: it is durable, and that is said. failed: nothing is written, which may pass. lost: nobody
says what became of it, before or after it was durable. late: nor here, and it becomes durable a little later, if it can still be.
row: it can never be stored."""

LATE_S = COMMIT_RETRY_PAUSE_S / 2
"""How much later: after it was asked whether it is, and before it is tried again."""

Weather = Callable[[], tuple[float, Fate]]
"""How long the next write takes, in seconds, and what becomes of it."""


def fair() -> tuple[float, Fate]:
    """A disk that works."""
    return 0.0, "written"


class Disk:
    """What is durable. weather: of writes. away_until_s: until when, by the loop, nothing is reached. heard: who is told of each
    batch as it becomes durable. failed_s: when it has failed somebody last, by the loop."""

    def __init__(self, entropy: Entropy) -> None:
        self.kept = MemoryStore(entropy)
        self.journal = b""
        self.weather: Weather = fair
        self.claims: list[Fate] = []
        """What becomes of the next claims."""
        self.away_until_s = 0.0
        self.failed_s = -1.0
        self.heard: list[Callable[[list[Stretch]], None]] = []
        self.batches = 0
        self.stolen: dict[str, int] = {}
        """The epoch at which each stream was claimed last by somebody who does nothing with it."""

    def begin(self, sealed: Sealed) -> bytes:
        """A batch as it will stand in the journal."""
        try:
            body = encode_batch(sealed)
        except OverflowError as error:
            raise StoreError("row", "An integer is too large.") from error
        return blake2b(body, digest_size=SUM_BYTES).digest() + body

    def write(self, entry: bytes) -> "frozenset[str]":
        """Make a batch durable. Returns the streams that another owns."""
        sealed = decode_batch(entry[SUM_BYTES:])
        for stretch in sealed.stretches:
            for rows in (stretch.rows, stretch.dropped):
                for name, values in rows.items():
                    rows[name] = [tuple(value) for value in values]
            stretch.events = [tuple(event) for event in stretch.events]  # type: ignore[misc]
        heads = dict(self.kept.known_heads)
        fenced = applied(self.kept, sealed)
        self.batches += 1
        written = [one for one in sealed.stretches if one.before.stream not in fenced]
        for stretch in written:
            # A stream that nobody has claimed is whoever's comes first.
            assert heads.get(stretch.before.stream, stretch.before).seq == stretch.before.seq
        for hear in self.heard:
            hear(written)
        return fenced

    def write_late(self, entry: bytes) -> None:
        """The same, where nobody waits for it any more."""
        with suppress(StoreError):
            self.write(entry)

    def claimed(self, stream: str) -> None:
        """Somebody else has claimed a stream."""
        head = self.kept.known_heads[stream]
        self.kept.known_heads[stream] = msgspec.structs.replace(head, epoch=head.epoch + 1)
        self.stolen[stream] = head.epoch + 1

    def is_owned_at(self, stream: str, epoch: int) -> bool:
        """Whether who has claimed a stream at an epoch owns it still."""
        head = self.kept.known_heads.get(stream)
        return head is None or head.epoch == epoch

    def is_others(self, stream: str, epoch: int) -> bool:
        """Whether a stream was claimed at an epoch, and by somebody else since who goes on with it."""
        head = self.kept.known_heads.get(stream)
        return head is not None and head.epoch > max(epoch, self.stolen.get(stream, 0))

    def open_again(self) -> bool:
        """After the power has gone: what stands whole in the journal is durable, the rest never was. Returns whether something
        was torn."""
        entry, self.journal = self.journal, b""
        if not entry:
            return False
        whole = blake2b(entry[SUM_BYTES:], digest_size=SUM_BYTES).digest() == entry[:SUM_BYTES]
        if whole:
            self.write(entry)
        return not whole


def applied(store: MemoryStore, sealed: Sealed) -> frozenset[str]:
    """Apply a batch to a store in memory, which never waits."""
    work = store.commit(sealed)
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("a store in memory waits for nothing")


class DiskStore:
    """A process's way to a disk. powered: whether there is one still. flying: what is being written."""

    beside = True

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.log_id = disk.kept.log_id
        self.powered = True
        self.flying = b""

    def serve(self, vocabulary: Vocabulary, report: Report) -> None:
        self.disk.kept.serve(vocabulary, report)

    def lose_power(self, torn: Callable[[int], int]) -> None:
        """From here on nothing is reached. torn: told how many bytes of what is being written stand there, below a bound."""
        if self.powered:
            self.powered = False
            if self.flying:
                self.disk.journal = self.flying[: torn(len(self.flying) + 1)]

    @property
    def is_reached(self) -> bool:
        """Whether the disk can be reached now."""
        return self.powered and asyncio.get_running_loop().time() >= self.disk.away_until_s

    def fault(self, kind: Literal["transient", "row", "lost", "unreadable"], text: str) -> StoreError:
        """What somebody is told whom the disk fails."""
        self.disk.failed_s = asyncio.get_running_loop().time()
        return StoreError(kind, text)

    def reach(self) -> MemoryStore:
        """The disk, if it can be reached now. Raises StoreError."""
        if not self.powered:
            raise self.fault("unreadable", "The power has gone.")
        if not self.is_reached:
            raise self.fault("transient", "The disk is away.")
        return self.disk.kept

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        self.reach()
        slow_s, fate = self.disk.weather()
        self.flying = self.disk.begin(sealed)
        loop = asyncio.get_running_loop()
        landed: asyncio.Future[frozenset[str]] = loop.create_future()
        loop.call_later(slow_s, self.land, fate, landed, context=OUTSIDE)
        fenced = await landed
        # What is durable is durable, whether that is heard or not. Who does not hear it cannot tell.
        await asyncio.sleep(0)
        if fate == "lost after" or not self.is_reached:
            raise self.fault("lost", "Nobody knows.")
        return fenced

    def land(self, fate: Fate, landed: "asyncio.Future[frozenset[str]]") -> None:
        """What is being written is, or is not."""
        if not self.powered:
            return
        entry, self.flying = self.flying, b""
        try:
            fenced = self.written(entry, fate)
        except StoreError as error:
            if not landed.done():
                landed.set_exception(error)
        else:
            if not landed.done():
                landed.set_result(fenced)

    def written(self, entry: bytes, fate: Fate) -> frozenset[str]:
        """A batch is written, if it is. Returns the streams that another owns. Raises StoreError."""
        self.reach()
        if fate == "failed":
            raise self.fault("transient", "The disk is full.")
        if fate == "row":
            raise self.fault("row", "A row cannot be stored.")
        if fate == "late":
            asyncio.get_running_loop().call_later(LATE_S, self.disk.write_late, entry, context=OUTSIDE)
        if fate in ("lost before", "late"):
            raise self.fault("lost", "Nobody knows.")
        fenced = self.disk.write(entry)
        if fenced:
            self.disk.failed_s = asyncio.get_running_loop().time()
        return fenced

    async def read(self, reading: Awaitable[Any]) -> Any:
        """What is read, after the moment that it takes."""
        try:
            await asyncio.sleep(0)
            self.reach()
        except BaseException:
            reading.close()  # type: ignore[attr-defined]
            raise
        return await reading

    async def claim(self, stream: str, seen: int | None = None) -> Head:
        return claimed(await self.claim_all({stream: seen}), stream)

    async def claim_all(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        self.reach()
        await asyncio.sleep(0)
        fate = self.disk.claims.pop(0) if seen and self.disk.claims else "written"
        if fate == "lost before":
            raise self.fault("lost", "Nobody knows.")
        heads = await self.reach().claim_all(seen)
        if fate == "lost after":
            raise self.fault("lost", "Nobody knows.")
        return heads

    def together(self, heads: Mapping[str, Head]) -> Reading:
        return self

    def hear_of(self, stream: str, seq: int, chain: bytes) -> None:
        """What is durable here stays."""

    async def heads(self, streams: Collection[str] | None = None) -> dict[str, Head]:
        return await self.read(self.disk.kept.heads(streams))  # type: ignore[no-any-return]

    async def held_at_once(self, stream: str, row_types: Sequence[type[Row]], take: TakeRows) -> Head:
        return await self.read(self.disk.kept.held_at_once(stream, row_types, take))  # type: ignore[no-any-return]

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        return await self.read(self.disk.kept.held_rows(stream, row_type))  # type: ignore[no-any-return]

    async def fetch(self, stream: str, needs: Sequence[Need]) -> list[list[Any]]:
        return await self.read(self.disk.kept.fetch(stream, needs))  # type: ignore[no-any-return]

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        return await self.read(self.disk.kept.events(stream, after, limit))  # type: ignore[no-any-return]

    async def commands(self, stream: str, limit: int) -> Sequence[tuple[bytes, bytes, int]]:
        return await self.read(self.disk.kept.commands(stream, limit))  # type: ignore[no-any-return]

    async def made_commands(
        self, stream: str, before: int, limit: int, spans: int
    ) -> tuple[Sequence[tuple[bytes, bytes]], int]:
        return await self.read(self.disk.kept.made_commands(stream, before, limit, spans))  # type: ignore[no-any-return]

    def history(self) -> History:
        return self.disk.kept.history()

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        await self.reach().close(node, sealed_ns, durable_before_ns)
