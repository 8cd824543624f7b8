"""Links that can be cut: what stands between processes that reach each other, in `make cluster` and in tests.

Rule: all that is sent passes as it is. A cut is one of the network: nobody is told of it, and what was sent meanwhile arrives
when it is mended, if anybody waits for it still. It is of one direction, or of both.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

Direction = Literal["there", "back"]
"""there: what those say who have connected. back: what they are told."""

BOTH: Sequence[Direction] = ("there", "back")

TURNED: dict[Direction, Direction] = {"there": "back", "back": "there"}

DATABASE = "the database"
PG_SOCKET = ".s.PGSQL.5432"

PIECE_BYTES = 65_536
CREDENTIALS = struct.Struct("3i")

Whose = Callable[[int], str]
"""The name of a process, by its number."""


Hears = Callable[[str, Direction, bytes], None]
"""Hears of each piece before it passes: of whom, in which direction, and what it is."""


def anybody(process: int) -> str:
    """Where it does not matter who connects."""
    return ""


def each_alone() -> Whose:
    """Where each connection is somebody of its own."""
    numbers = count(1)
    return lambda process: str(next(numbers))


def nobody_hears(who: str, direction: Direction, piece: bytes) -> None:
    """It just passes."""


class Way:
    """A way to somebody. there: the path of the socket to which it leads. whose: who connects. hears: of all that passes.

    ends: of all connections that are there. gates: in which nothing passes as long as one is not set, by who has connected and
    the direction.
    """

    def __init__(self, there: Path, whose: Whose = anybody, hears: Hears = nobody_hears) -> None:
        self.there = there
        self.whose = whose
        self.hears = hears
        self.ends: list[asyncio.StreamWriter] = []
        self.gates: dict[tuple[str, Direction], asyncio.Event] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    # What is done to it

    def cut(self, who: str = "", directions: Sequence[Direction] = BOTH) -> None:
        """From now on nothing passes of what somebody has, or is told, by it."""
        for direction in directions:
            self.gate(who, direction).clear()

    def mend(self, who: str = "") -> None:
        """It is as before."""
        for direction in BOTH:
            self.gate(who, direction).set()

    def cut_all(self) -> None:
        """From now on nothing passes of what anybody has who is there. Somebody who comes later is let through."""
        for who in {who for who, _ in self.gates}:
            self.cut(who)

    def end_all(self) -> None:
        """End all connections that are there; both ends are told."""
        ends, self.ends = self.ends, []
        for one in ends:
            one.transport.abort()

    # What it does

    def gate(self, who: str, direction: Direction) -> asyncio.Event:
        gate = self.gates.get((who, direction))
        if gate is None:
            gate = self.gates[who, direction] = asyncio.Event()
            gate.set()
        return gate

    def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody connects."""
        self.ends.append(writer)
        self.begin(self.lead(reader, writer))

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead them there, once anything passes."""
        who = self.whose(process_of(writer.get_extra_info("socket")))
        try:
            for direction in BOTH:
                await self.gate(who, direction).wait()
            there, back = await asyncio.open_unix_connection(str(self.there))
        except OSError:
            writer.transport.abort()
            return
        self.ends.append(back)
        for source, target, direction in ((reader, back, BOTH[0]), (there, writer, BOTH[1])):
            self.begin(self.carry(source, target, who, direction))

    def begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, who: str, direction: Direction
    ) -> None:
        """Carry what comes to the other end, until that is gone."""
        gate = self.gate(who, direction)
        with suppress(OSError):
            while piece := await source.read(PIECE_BYTES):
                await gate.wait()
                self.hears(who, direction, piece)
                target.write(piece)
                await target.drain()
        # That somebody has gone is told by the way as well.
        await gate.wait()
        target.transport.abort()
        if target in self.ends:
            self.ends.remove(target)

    async def close(self) -> None:
        self.end_all()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Net:
    """What is between nodes, whoever reaches them, and the database. links: the ways to each node; databases: from each node to
    each server of the database.

    folder: where it lies. servers: the folders of the sockets of the database's servers. whose: who connects.
    """

    def __init__(self, folder: Path, servers: Sequence[Path], whose: Whose) -> None:
        self.folder = folder
        self.servers = servers
        self.whose = whose
        self.links: dict[str, Way] = {}
        self.databases: dict[str, list[Way]] = {}
        self.stack = AsyncExitStack()

    def at(self, name: str) -> Path:
        """Where others reach a node."""
        return self.folder / "links" / name

    def behind(self, name: str) -> Path:
        """Where it listens."""
        return self.folder / "links" / f"{name}.own"

    def url(self, name: str, database: str = "runline") -> str:
        """The address of the database, as a node reaches it."""
        hosts = ",".join(str(self.gate_of(name, number)) for number in range(len(self.servers)))
        return f"postgresql://runline@/{database}?host={quote(hosts, safe='')}"

    def gate_of(self, name: str, number: int) -> Path:
        """The folder of the socket by which a node reaches a server."""
        return self.folder / "ways" / f"{name}.{number}"

    async def begin(self, names: Sequence[str]) -> None:
        """Let all pass, to and from these nodes."""
        (self.folder / "links").mkdir(mode=0o700, exist_ok=True)
        for name in names:
            self.links[name] = await self.stack.enter_async_context(a_way(self.behind(name), self.at(name), self.whose))
            self.databases[name] = []
            for number, server in enumerate(self.servers):
                gate = self.gate_of(name, number)
                gate.mkdir(mode=0o700, parents=True)
                way = await self.stack.enter_async_context(a_way(server / PG_SOCKET, gate / PG_SOCKET))
                self.databases[name].append(way)

    async def end(self) -> None:
        await self.stack.aclose()

    def cut(self, one: str, other: str, lost: Sequence[Direction] = BOTH) -> None:
        """From now on what the one says does not arrive at the other (there), nor the other way round (back). other: a node, one
        who reaches nodes, or DATABASE."""
        for way, who, turned in self.between(one, other):
            way.cut(who, [TURNED[direction] for direction in lost] if turned else lost)

    def mend(self, one: str, other: str) -> None:
        """All passes again."""
        for way, who, _ in self.between(one, other):
            way.mend(who)

    def between(self, one: str, other: str) -> list[tuple[Way, str, bool]]:
        """The ways between two, each with who connects by it, and whether that is the other."""
        if other == DATABASE:
            return [(way, "", False) for way in self.databases[one]]
        found = [(self.links[other], one, False)] if other in self.links else []
        return found + ([(self.links[one], other, True)] if one in self.links else [])


def process_of(connection: Any) -> int:
    """The number of the process at the other end of a connection."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(found)[0])


def remove(path: Path) -> None:
    """A file is no more."""
    path.unlink(missing_ok=True)


@asynccontextmanager
async def a_way(there: Path, at: Path, whose: Whose = anybody, hears: Hears = nobody_hears) -> AsyncIterator[Way]:
    """A way to a socket. at: the path at which it begins."""
    way = Way(there, whose, hears)
    server = await asyncio.start_unix_server(way.come, at)
    try:
        yield way
    finally:
        server.close()
        await way.close()
        remove(at)
