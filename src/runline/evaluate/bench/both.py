"""Bench `both`: wagers over HTTP and screens at once, each wager in a request of its own (open loop).

The screens look at one agent, below whom some of the wagers are placed; the others are placed elsewhere in the book. Floor: the
answers of the same load while nobody looks.
"""

import asyncio
import gc
import time
from pathlib import Path

from runline.evaluate.bench.http import SEED, Maker
from runline.evaluate.bench.load import Bettors
from runline.evaluate.bench.result import latencies
from runline.evaluate.bench.served import (
    OPEN_TICK_S,
    OpenHttpLoop,
    Served,
    encode,
    post,
    prepare,
    serve_command,
    serving,
    sign_in,
)
from runline.evaluate.bench.stream import Wall

PLAYERS = 1_000
NODE = "A0"


class Singles:
    """Wagers at a steady rate, each in a request of its own, whether or not the ones before are answered.

    A late answer counts from when its wager was due. watched_per_s: how many of them are placed below NODE.
    """

    def __init__(self, server: Served, token: str, rate_per_s: int, watched_per_s: int) -> None:
        self.server = server
        self.token = token
        self.bettors = Bettors(Maker(), PLAYERS, SEED)  # type: ignore[arg-type]
        self.rate_per_s = rate_per_s
        self.watched_every = rate_per_s // watched_per_s
        self.open = OpenHttpLoop(server)
        self.watched = 0
        self.took_s = 0.0

    def requests(self, number: int) -> list[bytes]:
        """Requests, made beforehand so that making them is not measured."""
        found: list[bytes] = []
        while len(found) < number:
            one = self.bettors.request()
            watched = int(one.command.player[1:]) % 10 == 0  # type: ignore[attr-defined]
            if watched is (len(found) % self.watched_every == 0):
                found.append(post(self.server, "/v1/wagers", self.token, encode(one.command), key=one.id))
                self.watched += watched
        return found

    async def run(self, seconds: float) -> None:
        """Send for so long, and wait for the last answer."""
        requests = self.requests(int(self.rate_per_s * seconds))
        await self.open.connect()
        # A collection on this side would be measured as if it were the server's.
        gc.freeze()
        began = time.perf_counter()
        between_ns = 1_000_000_000 // self.rate_per_s
        next_ns = time.perf_counter_ns()
        for request in requests:
            while next_ns > time.perf_counter_ns():  # noqa: ASYNC110 -- time is what it waits for
                await asyncio.sleep(OPEN_TICK_S)
            self.open.send(next_ns, request)
            next_ns += between_ns
        await self.open.finish()
        self.took_s = time.perf_counter() - began


async def bench_both(
    folder: Path, *, screens: int, rate_per_s: int, watched_per_s: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    path = folder / "both.db"
    await prepare(path, PLAYERS)
    async with serving(serve_command(path, "process")) as server:
        token = await sign_in(server)
        alone = Singles(server, token, rate_per_s, watched_per_s)
        await alone.run(seconds / 2)
        alone.open.close()
        wall = Wall(server, await sign_in(server), node=NODE)
        await wall.open(screens)
        warm = Singles(server, token, rate_per_s, watched_per_s)
        await warm.run(seconds / 4)
        warm.open.close()
        await asyncio.sleep(0.2)
        wall.delays_ns.clear()
        load = Singles(server, token, rate_per_s, watched_per_s)
        await load.run(seconds)
        await asyncio.sleep(0.2)
        expected = load.watched * wall.sampled
        if len(wall.delays_ns) != expected or wall.lost:
            raise RuntimeError(f"{len(wall.delays_ns)} of {expected} events arrived, {wall.lost} screens were cut")
        figures = {
            "wagers_per_s": len(load.open.durations_ns) / load.took_s,
            "screens": float(screens),
            "events_per_s": load.watched / load.took_s,
        }
        figures |= latencies("answer", load.open.durations_ns) | latencies("delivery", wall.delays_ns)
        load.open.close()
        wall.close()
    return figures, {"answer_ms_p99": latencies("answer", alone.open.durations_ns)["answer_ms_p99"]}
