"""Benches `stream` and `reconnect`: many screens that follow one book, from a process of its own.

Delivery is measured from the time in a wager's own event (when it was decided) until the frame that holds it has arrived here,
on the same machine's clock. Floor of `stream`: the answer of the wager itself, over HTTP, at the same time. Floor of
`reconnect`: the start of the server alone.
"""

import asyncio
import os
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

from runline.client import AsyncClient
from runline.evaluate.bench.http import SEED, Maker
from runline.evaluate.bench.load import Bettors
from runline.evaluate.bench.result import latencies
from runline.evaluate.bench.served import (
    OpenHttpLoop,
    Served,
    encode,
    post,
    prepare,
    serve_command,
    serving,
    sign_in,
    viewers,
)
from runline.gateway.server import listen

PLAYERS = 1_000
SAMPLED = 20
"""Screens whose frames are looked into; the others are only counted, so that measuring leaves time to be measured."""

CUTS = 20
"""Sessions of one screen that are ended, one after the other."""

LIVE_S_MAX = 120.0
"""How long many screens may take until all are live."""

VIEWERS = 4
"""Users who share the larger wall: one alone may not have so many screens."""

ARRIVAL_S_MAX = 10.0
"""How long the last frames may take."""

REST_S = 0.2
"""How long is waited for a frame more than there should be."""

LINES_PER_S = 50
"""Calls a second, in each of which some wagers are placed."""


class ScreenWall(asyncio.Protocol):
    """One screen: a connection that follows the wagers."""

    def __init__(self, wall: "Wall", sampled: bool) -> None:
        self.wall = wall
        self.sampled = sampled
        self.live = False
        self.ended_ns = 0
        self.rest = b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(next(self.wall.requests))

    def data_received(self, data: bytes) -> None:
        self.wall.received += len(data)
        if not self.live and (b"event: image" in data or b"event: delta" in data):
            self.live = True
            self.wall.live += 1
        if b"event: reset" in data:
            self.ended_ns = time.time_ns()
        if self.sampled:
            self.look(data)

    def look(self, data: bytes) -> None:
        """Measure how old each wager is as it arrives."""
        now_ns = time.time_ns()
        whole = self.rest + data
        frames = whole.split(b"\n\n")
        self.rest = frames.pop()
        for frame in frames:
            if b"event: delta" in frame:
                for part in frame.split(b'"at_ns":')[2:]:
                    self.wall.delays_ns.append(now_ns - int(part.partition(b",")[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        self.wall.lost += self.live
        self.live = False


class Wall:
    """Many screens. tokens: of those who look, in turns. node: what of the book they look at, "" for all of it."""

    def __init__(self, server: Served, *tokens: str, node: str = "") -> None:
        self.server = server
        self.tokens = tokens
        self.requests = cycle(
            (
                f"GET /v1/stream?topics=wagers&node={node} HTTP/1.1\r\nhost: {server.address}\r\n"
                f"authorization: Bearer {token}\r\n\r\n"
            ).encode()
            for token in tokens
        )
        self.screens: list[ScreenWall] = []
        self.delays_ns: list[int] = []
        self.received = 0
        self.live = 0
        self.lost = 0

    @property
    def sampled(self) -> int:
        """How many screens are looked into."""
        return min(SAMPLED, len(self.screens))

    async def open(self, screens: int) -> None:
        """Connect, and wait until every screen is live."""
        loop = asyncio.get_running_loop()
        for number in range(screens):
            _, screen = await loop.create_connection(lambda n=number: ScreenWall(self, n < SAMPLED), *self.server.host)  # type: ignore[misc]
            self.screens.append(screen)
        await self.all_live(screens)

    async def all_live(self, screens: int) -> None:
        """Wait until so many screens have had a frame.

        Raises TimeoutError.
        """
        async with asyncio.timeout(LIVE_S_MAX):
            while sum(screen.live for screen in self.screens) < screens:  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def has_seen(self, events: int) -> None:
        """Wait until the screens that are looked into have had so many events each, or for ARRIVAL_S_MAX."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ARRIVAL_S_MAX):
                while len(self.delays_ns) < events * self.sampled:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)

    def close(self) -> None:
        """Disconnect."""
        for screen in self.screens:
            screen.transport.close()


class Steady:
    """Wagers at a steady rate, some in each call, whether answered or not (open loop)."""

    def __init__(self, server: Served, token: str, bettors: Bettors, rate_per_s: int) -> None:
        self.server = server
        self.token = token
        self.bettors = bettors
        self.lines = max(rate_per_s // LINES_PER_S, 1)
        self.open = OpenHttpLoop(server)
        self.sent = 0

    async def run(self, seconds: float) -> None:
        """Send for so long, and wait for the last answer."""
        await self.open.connect()
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (passed := loop.time() - began) < seconds:
            due = int(passed * LINES_PER_S) + 1
            while self.sent < due:
                self.sent += 1
                made = [self.bettors.request() for _ in range(self.lines)]
                lines = [encode({"type": "PlaceWager", "id": one.id, "command": one.command}) for one in made]
                request = post(self.server, "/v1/commands", self.token, b"\n".join(lines), "application/x-ndjson")
                self.open.send(time.perf_counter_ns(), request)
            await asyncio.sleep(max(self.sent / LINES_PER_S - (loop.time() - began), 0))
        await self.open.finish()
        self.open.close()


async def watched(server: Served, token: str, wall: Wall, rate_per_s: int, seconds: float) -> tuple[Steady, float]:
    """Wagers at a rate while a wall of screens follows them: the wagers, and the server's CPU time in seconds.

    Raises RuntimeError if a screen that is looked into has missed one.
    """
    bettors = Bettors(Maker(), PLAYERS, SEED)  # type: ignore[arg-type]
    warming = Steady(server, token, bettors, rate_per_s)
    await warming.run(seconds / 4)
    # What comes late of it is not to be counted with what is measured.
    await wall.has_seen(warming.sent * warming.lines)
    await asyncio.sleep(REST_S)
    wall.delays_ns.clear()
    before_s = cpu_s(server.child.pid)
    load = Steady(server, token, bettors, rate_per_s)
    await load.run(seconds)
    await wall.has_seen(load.sent * load.lines)
    await asyncio.sleep(REST_S)
    used_s = cpu_s(server.child.pid) - before_s
    expected = load.sent * load.lines * wall.sampled
    if len(wall.delays_ns) != expected or wall.lost:
        raise RuntimeError(f"{len(wall.delays_ns)} of {expected} events arrived, {wall.lost} screens were cut")
    return load, used_s


def cpu_s(process: int) -> float:
    """The CPU time that a process has used, without its children's."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def bench_stream(
    folder: Path, *, screens: int, rate_per_s: int, many: int, many_per_s: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor). many, many_per_s: a larger wall of screens, and the wagers a second that it follows."""
    path = folder / "stream.db"
    await prepare(path, PLAYERS)
    async with serving(serve_command(path, "process")) as server:
        token = await sign_in(server)
        wall = Wall(server, await sign_in(server))
        await wall.open(screens)
        load, used_s = await watched(server, token, wall, rate_per_s, seconds)
        sent = load.sent * load.lines
        figures = latencies("delivery", wall.delays_ns)
        figures |= {"screens": screens, "events_per_s": sent / seconds} | latencies("answer", load.open.durations_ns)
        figures["delivered_per_cpu_s"] = sent * screens / used_s
        figures["cut_ms_max"] = await cut(wall, token)
        wall.close()
        cuts = [await cut_one(server, token) for _ in range(CUTS)]
        figures["one_cut_ms_p50"] = sorted(cuts)[CUTS // 2]
        figures["one_cut_ms_max"] = max(cuts)
        wall = Wall(server, *await viewers(server, token, VIEWERS))
        await wall.open(many)
        await watched(server, token, wall, many_per_s, seconds)
        figures |= {"many_screens": float(many)} | latencies("many_delivery", wall.delays_ns)
        wall.close()
    return figures, {"delivery_ms_p99": latencies("answer", load.open.durations_ns)["answer_ms_p99"]}


async def cut_one(server: Served, token: str) -> float:
    """The same for one screen alone."""
    wall = Wall(server, await sign_in(server))
    await wall.open(1)
    try:
        return await cut(wall, token)
    finally:
        wall.close()


async def cut(wall: Wall, token: str) -> float:
    """Milliseconds from the answer to the end of a session until the last of its streams has been told."""
    async with AsyncClient(f"http://{wall.server.address}", token) as client:
        rows = (await client.ask("sessions")).items
        streaming = max(rows, key=lambda row: row["started_ns"])
        await client.send("EndSession", session=streaming["session"], reason="end of the bench")
        answered_ns = time.time_ns()
        async with asyncio.timeout(10):
            while not all(screen.ended_ns for screen in wall.screens):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        return max((max(screen.ended_ns for screen in wall.screens) - answered_ns) / 1e6, 0.0)


async def bench_reconnect(folder: Path, *, screens: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor): kill -9 of the server, a new one on the same port, until every screen is live again."""
    path = folder / "reconnect.db"
    await prepare(path, PLAYERS)
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
    command = serve_command(path, "process", port)
    bettors = Bettors(Maker(), PLAYERS, SEED)  # type: ignore[arg-type]
    async with serving(command) as server:
        token = await sign_in(server)
        wall = Wall(server, await sign_in(server))
        await wall.open(screens)
        await Steady(server, token, bettors, 500).run(1.0)
        server.kill()
        began = time.perf_counter()
        again = Served(command, None)
        try:
            await asyncio.to_thread(again.wait_until_ready)
            ready_s = time.perf_counter() - began
            back = Wall(again, *wall.tokens)
            load = Steady(again, token, bettors, 500)
            loading = asyncio.create_task(load.run(2.0))
            await back.open(screens)
            live_s = time.perf_counter() - began
            await loading
            back.close()
        finally:
            again.stop()
    figures = {"live_s": live_s, "screens": float(screens)} | latencies("placing", load.open.durations_ns)
    return figures, {"live_s": ready_s}
