"""A way to a server of PostgreSQL that can be cut, or stand still with all that is on it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

PIECE_BYTES = 65_536

Hears = Callable[[asyncio.StreamReader, bool, bytes], None]
"""Hears of each piece before it passes: on which connection, whether it goes to the server, and what it is."""


def nobody_hears(_: asyncio.StreamReader, _to_server: bool, _piece: bytes) -> None:
    """It just passes."""


class Way:
    """It. ends: of all that is there; open: whether anything passes there."""

    def __init__(self, socket: Path, hears: Hears) -> None:
        self.socket = socket
        self.hears = hears
        self.port = 0
        self.ends: list[asyncio.StreamWriter] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.open: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody connects."""
        passes = asyncio.Event()
        passes.set()
        try:
            there, back = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            writer.transport.abort()
            return
        for one in (writer, back):
            self.ends.append(one)
            self.open[one] = passes
        for source, target in ((reader, back), (there, writer)):
            heard = partial(self.hears, reader, source is reader)
            task = asyncio.create_task(self.carry(source, target, passes, heard))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def carry(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        passes: asyncio.Event,
        heard: Callable[[bytes], None],
    ) -> None:
        """Carry what comes to the other end, until that is gone."""
        with suppress(OSError):
            while piece := await source.read(PIECE_BYTES):
                await passes.wait()
                heard(piece)
                target.write(piece)
                await target.drain()
        target.transport.abort()

    def cut(self) -> None:
        """Cut all that is there."""
        for one in self.ends:
            one.transport.abort()
            self.open[one].set()
        self.ends.clear()
        self.open.clear()

    def stand_still(self) -> None:
        """From now on nothing passes on what is there, and nobody is told."""
        for passes in self.open.values():
            passes.clear()

    def url(self, database: str) -> str:
        """The address of a database, over this way."""
        return f"postgresql://runline@/{database}?host=127.0.0.1&port={self.port}&sslmode=disable"


@asynccontextmanager
async def a_way(socket: Path, hears: Hears = nobody_hears) -> AsyncIterator[Way]:
    """A way to the socket of a server."""
    way = Way(socket, hears)
    server: Any = await asyncio.start_server(way.come, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    try:
        yield way
    finally:
        server.close()
        way.cut()
        for task in list(way.tasks):
            task.cancel()
        await asyncio.gather(*way.tasks, return_exceptions=True)
