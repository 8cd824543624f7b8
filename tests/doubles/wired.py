"""Wired: the ways in which a gateway reaches an engine, for tests that are to hold over each of them.

Over bytes everything goes as between two machines; what works over it needs nothing of the other side. Over a link it goes
through a socket as well.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from tests.doubles.coded import decode_outcome, decode_request, encode_outcome, encode_request
from tests.doubles.coming import comes_true

from runline.bus.link import LinkBus
from runline.bus.local import LocalBus
from runline.bus.owner import LinkListener
from runline.domain.messages import Rejected
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Answer, Bus, Question, Who
from runline.engine.codec import decode_committed, decode_rejected, encode_committed, encode_rejected
from runline.engine.requests import Outcome, Request, Sink, refused
from runline.engine.subscription import Committed
from runline.engine.watching import Link, News, Seating, Watcher

T = TypeVar("T", bound=msgspec.Struct)

decode_news: Callable[[bytes], list[News]] = msgspec.msgpack.Decoder(list[News]).decode
decode_seating: Callable[[bytes], Seating] = msgspec.msgpack.Decoder(Seating).decode


def through(value: T) -> T:
    """A plain value, as it comes out at the other end."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=type(value))


def told(rejected: Rejected) -> Rejected:
    """A refusal, as it comes out at the other end."""
    return decode_rejected(encode_rejected(rejected))


class FarSink(Sink):
    """A sink at the other end. indexes: of the requests that were sent on."""

    def __init__(self, sink: Sink, vocabulary: Vocabulary, indexes: list[int]) -> None:
        self.sink = sink
        self.vocabulary = vocabulary
        self.indexes = indexes

    def answer(self, index: int, outcome: Outcome) -> None:
        self.sink.answer(self.indexes[index], decode_outcome(self.vocabulary, encode_outcome(outcome)))


class FarWatcher:
    """A watcher at the other end."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    async def hear(self, news: Sequence[News]) -> None:
        await self.watcher.hear(decode_news(msgspec.msgpack.encode(list(news))))


class FarLink:
    """A link of which this is the other end."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def tell(self, seating: Seating) -> None:
        self.link.tell(decode_seating(msgspec.msgpack.encode(seating)))

    def close(self) -> None:
        self.link.close()


class WiredBus(LocalBus):
    """The engine of this process, as if it were far away."""

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        passed: list[Request] = []
        indexes: list[int] = []
        for index, request in enumerate(requests):
            try:
                passed.append(decode_request(self.vocabulary, encode_request(request)))
                indexes.append(index)
            except Rejected as rejected:
                sink.answer(index, refused(0, rejected))
        if passed:
            super().submit(passed, FarSink(sink, self.vocabulary, indexes))

    async def ask(self, question: Question) -> Answer:
        try:
            return through(await super().ask(through(question)))
        except Rejected as rejected:
            raise told(rejected) from None

    async def follow(self, stream: str, after: int) -> AsyncIterator[list[Committed]]:
        try:
            async for happened in super().follow(stream, after):
                yield decode_committed(self.vocabulary, encode_committed(happened))
        except Rejected as rejected:
            raise told(rejected) from None

    def watch(self, stream: str, watcher: Watcher) -> Link:
        try:
            return FarLink(super().watch(stream, FarWatcher(watcher)))
        except Rejected as rejected:
            raise told(rejected) from None

    async def who(self, stream: str, session: str) -> Who:
        try:
            return through(await super().who(stream, session))
        except Rejected as rejected:
            raise told(rejected) from None


class Linked:
    """A link within one process: a real socket, of which this process has both ends."""

    def __init__(self, bus: LocalBus, folder: Path) -> None:
        self.path = folder / "link"
        self.listener = LinkListener(bus, bus.engine.clock, os.urandom, SECRET)
        self.server: asyncio.Server | None = None
        self.bus = LinkBus(bus.vocabulary, bus.engine.clock, os.urandom, SECRET, self.connect)

    async def connect(self, make: Callable[[], asyncio.Protocol]) -> None:
        await asyncio.get_running_loop().create_unix_connection(make, str(self.path))

    async def open(self) -> None:
        """Let the link come to stand."""
        self.server = await asyncio.get_running_loop().create_unix_server(self.listener.protocol, str(self.path))

    async def shut(self) -> None:
        """Lose the link; none comes to stand until it is opened again."""
        assert self.server is not None
        self.server.close()
        self.listener.close()
        await self.server.wait_closed()
        self.path.unlink(missing_ok=True)
        await comes_true(lambda: self.bus.end is None)


SECRET = b"a secret of tests"


@asynccontextmanager
async def linked(bus: Bus) -> AsyncIterator[Linked]:
    """A link to the engine of a local bus."""
    assert isinstance(bus, LocalBus)
    with tempfile.TemporaryDirectory(prefix="runline-") as folder:
        link = Linked(bus, Path(folder))
        await link.open()
        try:
            yield link
        finally:
            await link.bus.close()
            await link.shut()


@asynccontextmanager
async def over(way: str, bus: Bus) -> AsyncIterator[Bus]:
    """A bus of a way of `BUSES` to the engine of a local one."""
    assert isinstance(bus, LocalBus)
    if way == "a link":
        async with linked(bus) as link:
            yield link.bus
    else:
        yield {"a call": LocalBus, "bytes": WiredBus}[way](bus.engine, bus.questions, bus.watching)


BUSES = ("a call", "bytes", "a link")
"""How a gateway reaches its engine, for tests that are to hold over every bus."""
