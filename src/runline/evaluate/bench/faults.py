"""Bench `faults`: what others notice of screens that never read, of a flood, of a slow disk, and of who owns too much.

The others are wagers at a steady rate (open loop). Floor: the same while nothing is wrong.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from runline.bootstrap import open_store, running_engine
from runline.client import AsyncClient
from runline.config import StoreSettings
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.messages import HOUSE, Command
from runline.domain.official import PERIODS
from runline.domain.permissions import Permission
from runline.domain.prices import Prices
from runline.domain.suspension import Reopen, Suspend
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.ports import Sealed, Store
from runline.engine.requests import Accepted, Request
from runline.evaluate.bench.both import Singles
from runline.evaluate.bench.http import SEED, Maker
from runline.evaluate.bench.load import (
    BOOK,
    HOUR_NS,
    OWNER,
    Bettors,
    OpenLoop,
    fixture_name,
    send_all,
    set_up,
)
from runline.evaluate.bench.result import latencies, resident_bytes
from runline.evaluate.bench.served import (
    HttpLoop,
    Served,
    prepare,
    serve_command,
    serving,
    sign_in,
    users,
    wager_requests,
)
from runline.evaluate.bench.settle import close_fixture, settle

PLAYERS = 1_000
RATE_PER_S = 500
SYNC_S = 0.2
SLOW_READ_S = 0.2
GAMES = 120


class SlowDisk:
    """A store whose disk can be told to take SYNC_S for each sync."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.beside = store.beside
        self.slow = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        """Commit, late."""
        if self.slow:
            await asyncio.sleep(SYNC_S)
        return await self.store.commit(sealed)


class Reader(asyncio.Protocol):
    """A screen that reads a little now and then, or never."""

    def __init__(self, request: bytes, never: bool) -> None:
        self.request = request
        self.never = never
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)
        transport.pause_reading()
        if not self.never:
            asyncio.get_running_loop().call_later(SLOW_READ_S, self.read_a_little)

    def read_a_little(self) -> None:
        """Take what one read gives."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.transport.pause_reading()
        asyncio.get_running_loop().call_later(SLOW_READ_S, self.read_a_little)


async def steady(server: Served, token: str, seconds: float) -> Singles:
    """The others, over HTTP."""
    load = Singles(server, token, RATE_PER_S, RATE_PER_S // 2)
    await load.run(seconds)
    load.open.close()
    return load


async def over_http(folder: Path, readers: int, seconds: float) -> tuple[dict[str, float], list[int]]:
    """(figures of the faults of clients; how long the others' answers take while nothing is wrong)."""
    path = folder / "faults.db"
    await prepare(path, PLAYERS)
    loop = asyncio.get_running_loop()
    async with serving(serve_command(path, "process")) as server:
        token = await sign_in(server)
        await steady(server, token, seconds / 4)
        calm = await steady(server, token, seconds)
        before = resident_bytes(server.child.pid)
        request = (
            f"GET /v1/stream?topics=wagers HTTP/1.1\r\nhost: {server.address}\r\nauthorization: Bearer {token}\r\n\r\n"
        ).encode()
        screens = [
            (await loop.create_connection(lambda n=number: Reader(request, n % 2 == 0), *server.host))[0]  # type: ignore[misc]
            for number in range(readers)
        ]
        beside_readers = await steady(server, token, seconds)
        grown_mib = (resident_bytes(server.child.pid) - before) / 2**20
        for screen in screens:
            screen.close()
        figures = latencies("readers_answer", beside_readers.open.durations_ns)
        figures |= {"readers": float(readers), "readers_memory_mib": grown_mib}
        flooding = Bettors(Maker(), PLAYERS, SEED + 1)  # type: ignore[arg-type]
        (another,) = await users(server, token, "clerk", (Permission.WAGER_PLACE.value,), 1)
        flood = HttpLoop(wager_requests(server, another, flooding, int(seconds * 20_000)))
        task = asyncio.create_task(flood.run(server, 64))
        beside_flood = await steady(server, token, seconds)
        task.cancel()
        await asyncio.wait([task])
        figures |= latencies("flood_answer", beside_flood.open.durations_ns)
        figures["flood_per_s"] = len(flood.durations_ns) / seconds
        async with AsyncClient(f"http://{server.address}", token) as client:
            await client.ask("me")
    return figures, calm.open.durations_ns


async def beside(engine: Engine, bettors: Bettors, work: Callable[[], Awaitable[Any]]) -> OpenLoop:
    """The others in the process, while something is done."""
    load = OpenLoop(engine, bettors, RATE_PER_S, SEED)
    running = asyncio.create_task(load.run())
    await work()
    load.stop()
    await running
    return load


async def in_process(folder: Path, open_wagers: int, slow_s: float) -> dict[str, float]:
    """The figures of the disk and of large things."""
    store = SlowDisk(open_store(StoreSettings(folder / "large.db", "process")))
    async with running_engine(store) as (engine, bus):
        await set_up(bus, PLAYERS)
        bettors = Bettors(bus, PLAYERS, SEED, fixtures=18)
        bettors.first_fixture = 1
        figures = await slow_disk(engine, bus, bettors, store, slow_s)
        board = await beside(engine, bettors, lambda: post_board(bus))
        figures |= latencies("board_answer", board.durations_ns)
        one = Bettors(bus, 1, SEED, fixtures=1)
        for start in range(0, open_wagers, 1_000):
            requests = [one.request() for _ in range(min(1_000, open_wagers - start))]
            for request in requests:
                request.bulk = True
            await bus.send(requests)
        await close_fixture(engine, bus, fixture_name(0))
        settling = await beside(engine, bettors, lambda: settle(engine, bus, fixture_name(0)))
        figures |= latencies("one_player_answer", settling.durations_ns)
        figures["one_player_wagers"] = float(open_wagers)
    return figures


async def slow_disk(engine: Engine, bus: Bus, bettors: Bettors, store: SlowDisk, seconds: float) -> dict[str, float]:
    """A disk whose sync takes SYNC_S for a while: wagers and control commands meanwhile, and wagers afterwards."""
    control_ns: list[int] = []

    async def controlling() -> None:
        store.slow = True
        end_s = time.perf_counter() + seconds
        commands: tuple[Command, ...] = (Suspend("fixture", "F019", "bench"), Reopen("fixture", "F019", "bench"))
        while time.perf_counter() < end_s:
            for command in commands:
                sent_ns = time.perf_counter_ns()
                outcome = await bus.send_one(Request(BOOK, bus.new_id(), OWNER, command))
                control_ns.append(time.perf_counter_ns() - sent_ns)
                if not isinstance(outcome, Accepted):
                    raise RuntimeError(f"a control command was not accepted: {outcome}")
        store.slow = False

    during = await beside(engine, bettors, controlling)
    if during.refused:
        raise RuntimeError(f"wagers were refused while the disk was slow: {during.refused}")
    after = await beside(engine, bettors, lambda: asyncio.sleep(min(seconds, 5.0)))
    figures = latencies("slow_disk_answer", during.durations_ns) | latencies("slow_disk_control", control_ns)
    return figures | latencies("after_slow_disk_answer", after.durations_ns) | {"slow_disk_s": seconds}


async def post_board(bus: Bus) -> None:
    """A board of GAMES × 7 periods × 3 markets × 2 sides, twice."""
    start_ns = time.time_ns() + 12 * HOUR_NS
    await send_all(bus, HOUSE, "platform", [CreateLeague("NFL", "football")])
    games = [CreateFixture(f"N{game}", "NFL", 101 + 2 * game, "Visitors", "Home", start_ns) for game in range(GAMES)]
    await send_all(bus, HOUSE, "platform", games)
    for turn, price in enumerate(("+130", "+135")):
        lines = tuple(
            line
            for period in PERIODS
            for line in (
                MarketLine("moneyline", period, None, Prices(away=price, home="-150")),
                MarketLine("spread", period, -6, Prices(away="+120", home="-140")),
                MarketLine("total", period, 34, Prices(over="-105", under="-115")),
            )
        )
        await send_all(bus, HOUSE, "platform", [PostLines(f"N{game}", 1 + turn, lines) for game in range(GAMES)])


async def bench_faults(
    folder: Path, *, readers: int, open_wagers: int, slow_s: float, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    figures, calm_ns = await over_http(folder, readers, seconds)
    figures |= await in_process(folder, open_wagers, slow_s)
    return figures, {"readers_answer_ms_p99": latencies("readers_answer", calm_ns)["readers_answer_ms_p99"]}
