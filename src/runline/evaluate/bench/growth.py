"""Bench `growth`: what a wager costs in a small world and in a large one, along four ways of growing.

Each `…_core_x` is the time to decide and evolve a wager in the large world over that in the small one, each `…_end_to_end_x` the
same for durable wagers, always some hundreds in flight. Floor: deciding and evolving with the fewest players.
"""

import gc
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path

import msgspec

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.domain.hierarchy import CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.ports import Store
from runline.engine.requests import Request
from runline.evaluate.bench.core import decide_and_evolve
from runline.evaluate.bench.load import (
    BOOK,
    CREDIT_MINOR,
    OWNER,
    Bettors,
    ClosedLoop,
    loaded,
    player_number,
    send_all,
    set_up,
)
from runline.evaluate.bench.recover import fill
from runline.evaluate.bench.result import Zipf, resident_bytes

SEED = 29
IN_FLIGHT = 512
ROUNDS = 8
PLAYERS = 10_000
PLAYERS_PER_BOOK = 10


class World(msgspec.Struct):
    """A size along one way of growing. levels: of agents. events: of history."""

    players: int = PLAYERS
    books: int = 1
    levels: int = 3
    events: int = 0


class Cost(msgspec.Struct):
    """What a wager costs in a world, in microseconds."""

    core_us: float
    end_to_end_us: float


class BettorsOfBooks(Bettors):
    """Bettors of many books, the books by Zipf."""

    def __init__(self, bus: Bus, books: int, seed: int) -> None:
        super().__init__(bus, PLAYERS_PER_BOOK, seed)
        self.books = Zipf(books, seed)

    def request(self) -> Request:
        request = super().request()
        request.stream = book_name(self.books.choose())
        return request


def book_name(number: int) -> str:
    return f"{BOOK}{number:04d}"


async def open_books(bus: Bus, books: int) -> None:
    """Many small books beside the large one."""
    await send_all(bus, HOUSE, "platform", [OpenBook(book_name(number), OWNER) for number in range(books)])
    players = [CreatePlayer(player_number(number), "root", CREDIT_MINOR) for number in range(PLAYERS_PER_BOOK)]
    for number in range(books):
        await send_all(bus, book_name(number), OWNER, players)


@asynccontextmanager
async def world_of(path: Path, world: World) -> AsyncIterator[tuple[Store, Engine, Bettors]]:
    """A world, and those who wager in it."""
    if world.events:
        await fill(path, world.players, 0, world.events)
    store = open_store(StoreSettings(path, "process"))
    async with running_engine(store) as (engine, bus):
        if not world.events:
            await set_up(bus, world.players, world.levels)
        bettors = Bettors(bus, world.players, SEED)
        if world.books > 1:
            await open_books(bus, world.books)
            bettors = BettorsOfBooks(bus, world.books, SEED)
        # The first games of a long history are over.
        bettors.first_fixture, bettors.fixtures = 19, 1
        yield store, engine, bettors


async def compare(folder: Path, small: World, large: World, wagers: int) -> tuple[Cost, Cost]:
    """What a wager costs in two worlds, measured in turns, for machines change their speed from one second to the next.

    Of each the best of some rounds: what disturbs a machine only ever adds.
    """
    costs = Cost(inf, inf), Cost(inf, inf)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        async with (
            world_of(Path(temporary) / "small.db", small) as first,
            world_of(Path(temporary) / "large.db", large) as second,
        ):
            gc.collect()
            gc.freeze()
            for _ in range(ROUNDS):
                for cost, (_, engine, bettors) in zip(costs, (first, second), strict=True):
                    load = ClosedLoop(engine, [bettors.request() for _ in range(wagers)], IN_FLIGHT)
                    cost.end_to_end_us = min(cost.end_to_end_us, await load.run() / wagers * 1e6)
                    if load.accepted != wagers:
                        raise RuntimeError(f"only {load.accepted} of {wagers} wagers were accepted: {load.refused}")
            states = [await loaded(store, engine.vocabulary) for store, engine, _ in (first, second)]
            gc.collect()
            gc.freeze()
            for _ in range(ROUNDS):
                for cost, (house, books), (_, engine, bettors) in zip(costs, states, (first, second), strict=True):
                    requests = [bettors.request() for _ in range(wagers)]
                    took_ns = decide_and_evolve(house, books, requests, engine.clock.now_ns())
                    cost.core_us = min(cost.core_us, sum(took_ns) / wagers / 1e3)
    gc.unfreeze()
    return costs


async def memory(folder: Path, players: int, wagers: int) -> dict[str, float]:
    """What a player and an open wager take, in bytes of resident memory, with the commands that are remembered."""

    def held() -> int:
        gc.collect()
        return resident_bytes(os.getpid())

    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        async with running_engine(open_store(StoreSettings(Path(temporary) / "memory.db", "process"))) as (engine, bus):
            began = held()
            await set_up(bus, players)
            opened = held()
            bettors = Bettors(bus, players, SEED)
            for _ in range(ROUNDS):
                await ClosedLoop(engine, [bettors.request() for _ in range(wagers // ROUNDS)], IN_FLIGHT).run()
            placed = held()
    return {"player_bytes": (opened - began) / players, "open_wager_bytes": (placed - opened) / wagers}


async def bench_growth(
    folder: Path, *, players: tuple[int, int], books: int, levels: int, events: tuple[int, int], wagers: int
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor). players, events: the least and the most."""
    began = time.perf_counter()
    least, most = players
    worlds = {
        "players": (World(players=least), World(players=most)),
        "books": (World(), World(books=books)),
        "levels": (World(), World(levels=levels)),
        "events": (World(events=events[0], players=least), World(events=events[1], players=least)),
    }
    kept = await memory(folder, most // 5, ROUNDS * wagers)
    figures: dict[str, float] = {}
    found: dict[str, tuple[Cost, Cost]] = {}
    for name, (small, large) in worlds.items():
        found[name] = before, after = await compare(folder, small, large, wagers)
        figures[f"{name}_core_x"] = after.core_us / before.core_us
        figures[f"{name}_end_to_end_x"] = after.end_to_end_us / before.end_to_end_us
    figures = {"core_us": found["players"][1].core_us} | figures
    figures |= kept | {
        "players": float(most),
        "books": float(books),
        "levels": float(levels),
        "events": float(events[1]),
        "took_s": time.perf_counter() - began,
    }
    return figures, {"core_us": found["players"][0].core_us}
