"""Measure what the model of docs/explanation/sizing.md is made from: what a wager, a screen and a link cost on this machine.

python benchmarks/sizing.py URL [WAGERS [SCREENS]]: URL is of an empty database of PostgreSQL on this machine, whose server
writes its log as it does in production (full_page_writes, no wal_compression).

Bytes are the same on every machine; microseconds of CPU are not.
"""

import asyncio
import gc
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from runline.bootstrap import open_store, running_engine
from runline.bus.link import LinkBus
from runline.bus.owner import LinkListener
from runline.config import StoreSettings
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.engine import Engine
from runline.evaluate.bench.gateways import cpu_s, family
from runline.evaluate.bench.http import Maker
from runline.evaluate.bench.load import Bettors, ClosedLoop, set_up
from runline.evaluate.bench.result import resident_bytes
from runline.evaluate.bench.served import (
    HttpLoop,
    Served,
    prepare,
    serve_command,
    serving,
    sign_in,
    viewers,
    wager_requests,
)
from runline.store.postgres_connection import connect

PLAYERS = 10_000
SEED = 7
IN_FLIGHT = 512
WARM = 2_000
EVENTS = 200
"""Wagers whose frames are measured, one after the other."""

Figures = dict[str, float]


class Server:
    """What the database's server says of itself."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def wal_bytes(self) -> int:
        """All that was ever written to its log."""
        return int(await self.connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))

    async def table_bytes(self) -> int:
        """What its tables and their indexes take."""
        return int(
            await self.connection.fetchval("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'")
        )

    async def cpu_s(self) -> float:
        """What those of its processes have computed that are there now."""
        rows = await self.connection.fetch("SELECT pid FROM pg_stat_activity")
        return sum(cpu_s(row["pid"]) for row in rows)


async def stored(url: str, wagers: int) -> Figures:
    """What a durable wager costs the engine, its committer and PostgreSQL, with IN_FLIGHT of them under way."""
    server = Server(await connect(url, "sizing"))
    async with running_engine(open_store(StoreSettings(url=url))) as (engine, bus):
        await set_up(bus, PLAYERS)
        bettors = Bettors(bus, PLAYERS, SEED)
        await place(engine, [bettors.request() for _ in range(WARM)])
        requests = [bettors.request() for _ in range(wagers)]
        gc.collect()
        gc.freeze()
        await server.connection.execute("CHECKPOINT")
        here, children = os.getpid(), family(os.getpid())[1:]
        engine_s, committer_s, server_s = cpu_s(here), sum(map(cpu_s, children)), await server.cpu_s()
        wal, tables, batches, began = (
            await server.wal_bytes(),
            await server.table_bytes(),
            engine.probes.batches,
            time.perf_counter(),
        )
        await place(engine, requests)
        took_s = time.perf_counter() - began
        figures = {
            "wagers_per_s": wagers / took_s,
            "wagers_per_batch": wagers / (engine.probes.batches - batches),
            "wal_bytes": (await server.wal_bytes() - wal) / wagers,
            "table_bytes": (await server.table_bytes() - tables) / wagers,
            "engine_us": (cpu_s(here) - engine_s) / wagers * 1e6,
            "committer_us": (sum(map(cpu_s, children)) - committer_s) / wagers * 1e6,
            "postgresql_us": (await server.cpu_s() - server_s) / wagers * 1e6,
        }
        figures |= await alone(engine, bettors, server)
    await server.connection.close()
    return figures


async def alone(engine: Engine, bettors: Bettors, server: Server) -> Figures:
    """What a wager writes that is a batch of its own."""
    wal = await server.wal_bytes()
    await place(engine, [bettors.request() for _ in range(EVENTS)], 1)
    return {"wal_bytes_alone": (await server.wal_bytes() - wal) / EVENTS}


async def place(engine: Any, requests: list[Any], in_flight: int = IN_FLIGHT) -> None:
    """Place them all. engine: whatever takes requests."""
    load = ClosedLoop(engine, requests, in_flight)
    await load.run()
    if load.refused:
        raise RuntimeError(f"wagers were refused: {load.refused}")


class Counting:
    """A connection between two sockets that counts what goes each way."""

    def __init__(self) -> None:
        self.there = self.back = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        """Pass on what comes."""
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(self.pass_on(reader, far_writer, True), self.pass_on(far_reader, writer, False))

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, there: bool) -> None:
        """One way."""
        while data := await reader.read(1 << 16):
            if there:
                self.there += len(data)
            else:
                self.back += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()


async def linked(folder: Path, wagers: int) -> Figures:
    """What a wager sends over a link, to its owner and back."""
    secret, counting = os.urandom(32), Counting()
    async with running_engine(open_store(StoreSettings(folder / "link.db", "inline"))) as (engine, bus):
        await set_up(bus, PLAYERS)
        listener = LinkListener(bus, engine.clock, os.urandom, secret)
        loop = asyncio.get_running_loop()
        owner = await loop.create_unix_server(listener.protocol, str(folder / "owner"))
        between = await asyncio.start_unix_server(
            lambda reader, writer: counting.take(reader, writer, str(folder / "owner")), str(folder / "between")
        )

        async def connects(make: Any) -> None:
            await loop.create_unix_connection(make, str(folder / "between"))

        link = LinkBus(plain_vocabulary(), engine.clock, os.urandom, secret, connects)
        bettors = Bettors(link, PLAYERS, SEED)
        await place(link, [bettors.request() for _ in range(WARM)])
        there, back = counting.there, counting.back
        await place(link, [bettors.request() for _ in range(wagers)])
        figures = {
            "link_bytes_there": (counting.there - there) / wagers,
            "link_bytes_back": (counting.back - back) / wagers,
        }
        await link.close()
        listener.close()
        owner.close()
        between.close()
    return figures


async def shown(folder: Path, screens: int) -> Figures:
    """What a screen holds in memory, and how long the frame of an event is."""
    path = folder / "shown.db"
    await prepare(path, PLAYERS)
    async with serving(serve_command(path, "process")) as server:
        token = await sign_in(server)
        tokens = await viewers(server, token, screens)
        before = resident_bytes(server.child.pid)
        streams = [await stream_of(server, one) for one in tokens]
        held = resident_bytes(server.child.pid) - before
        read = await drained(streams[0][0])
        bettors = Bettors(Maker(), PLAYERS, SEED)  # type: ignore[arg-type]
        await HttpLoop(wager_requests(server, token, bettors, EVENTS)).run(server, 1)
        read = await drained(streams[0][0])
        for _, writer in streams:
            writer.close()
    return {"screen_bytes": held / screens, "frame_bytes": read / EVENTS}


async def stream_of(server: Served, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A screen that follows wagers."""
    host, port = server.host
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /v1/stream?topics=wagers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def drained(reader: asyncio.StreamReader) -> int:
    """How many bytes come until nothing comes for a second."""
    size = 0
    while True:
        try:
            async with asyncio.timeout(1):
                size += len(await reader.read(1 << 16))
        except TimeoutError:
            return size


async def main(url: str, wagers: int, screens: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        tell(await stored(url, wagers))
        tell(await linked(Path(temporary), wagers // 4))
        tell(await shown(Path(temporary), screens))


def tell(figures: Figures) -> None:
    """Print what was found."""
    for name, value in figures.items():
        print(f"{name:20} {value:12,.1f}", flush=True)


if __name__ == "__main__":
    words = [*sys.argv[1:], *("20000", "500")[len(sys.argv) - 2 :]]
    asyncio.run(main(words[0], int(words[1]), int(words[2])))
