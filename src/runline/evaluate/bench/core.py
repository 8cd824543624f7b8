"""Bench `core`: decide and evolve a straight wager, nothing else. Floor: a bare sketch of the same in plain Python."""

import gc
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from runline.bootstrap import running_engine
from runline.domain.book import Book
from runline.domain.execution import Seen, fold, judge
from runline.domain.house import House
from runline.engine.requests import Request
from runline.evaluate.bench.load import Bettors, loaded, set_up
from runline.evaluate.bench.result import GcPauses, latencies
from runline.store.memory import MemoryStore

PLAYERS = 10_000
SEED = 7
ROUNDS = 5


class Sketch(msgspec.Struct, gc=False):
    """The least that a placed wager could be."""

    player: str
    market: str
    side: str
    price: str
    amount_minor: int


async def bench_core(folder: Path, *, wagers: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor). The best of ROUNDS is the figure: what disturbs a machine only ever adds."""
    store = MemoryStore(os.urandom)
    async with running_engine(store) as (engine, bus):
        await set_up(bus, PLAYERS)
        bettors = Bettors(bus, PLAYERS, SEED)
        house, books = await loaded(store, engine.vocabulary)
        best_us, floor_us = float("inf"), float("inf")
        durations_ns: list[int] = []
        longest_ms = 0.0
        for _ in range(ROUNDS):
            requests = [bettors.request() for _ in range(wagers // ROUNDS)]
            gc.collect()
            with GcPauses() as pauses:
                took_ns = decide_and_evolve(house, books, requests, engine.clock.now_ns())
            best_us = min(best_us, sum(took_ns) / len(requests) / 1e3)
            longest_ms = max(longest_ms, pauses.longest_ms)
            durations_ns += took_ns
            floor_us = min(floor_us, sketch(requests))
    figures = {"decide_and_evolve_us": best_us, "gc_pause_ms_max": longest_ms} | {
        name.replace("_ms_", "_us_"): value * 1e3 for name, value in latencies("one", durations_ns).items()
    }
    return figures, {"decide_and_evolve_us": floor_us}


def decide_and_evolve(house: House, books: dict[str, Book], requests: list[Request], now_ns: int) -> list[int]:
    """How long each wager takes, in nanoseconds."""
    durations_ns: list[int] = []
    before = time.perf_counter_ns()
    for request in requests:
        book = books[request.stream]
        events = judge(book, request, now_ns, house, 0)
        assert type(events) is not Seen
        fold(book, events[0], book.seq + 1, now_ns)
        after = time.perf_counter_ns()
        durations_ns.append(after - before)
        before = after
    for book in books.values():
        book.changed = {}
    return durations_ns


def sketch(requests: list[Request]) -> float:
    """Microseconds for each wager of the barest thing: look two dictionaries up, compare, build a Struct, add."""
    credit: dict[str, int] = {}
    prices: dict[str, str] = {}
    placed: dict[int, Sketch] = {}
    began = time.perf_counter_ns()
    for number, request in enumerate(requests):
        command: Any = request.command
        left = credit.get(command.player, 10**12)
        if prices.get(command.market, command.price) == command.price and command.amount_minor <= left:
            credit[command.player] = left - command.amount_minor
            placed[number] = Sketch(command.player, command.market, command.side, command.price, command.amount_minor)
    return (time.perf_counter_ns() - began) / len(requests) / 1e3
