"""Bench `house`: what a move of the house costs when many books follow it, and how long until all of them refuse.

Floor: the same moves with one book.
"""

import time
from pathlib import Path

from runline.bootstrap import open_store, running_engine
from runline.bus.local import LocalBus
from runline.config import StoreSettings
from runline.domain.board import MarketLine, PostLines
from runline.domain.catalog import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.domain.suspension import Reopen, Suspend
from runline.domain.wagers import PlaceWager
from runline.engine.requests import Accepted, Refused, Request
from runline.evaluate.bench.load import CREDIT_MINOR, HOUR_NS, OWNER, send_all
from runline.evaluate.bench.result import latencies

FIXTURE = "F1"
PLAYER = "P1"
PLATFORM = "platform"
MOVES_ALONE = 200
SUSPENSIONS = 5


def book_name(number: int) -> str:
    return f"book{number:05d}"


def line(revision: int) -> PostLines:
    """The board of the game, each time another price."""
    price = 100 + revision % 50
    return PostLines(FIXTURE, revision, (MarketLine("moneyline", "game", None, (f"+{price}", f"-{price + 20}")),))


def wager(price: int) -> PlaceWager:
    return PlaceWager(PLAYER, f"{FIXTURE}:game:moneyline", "away", None, f"+{price}", 5_00, "risk", "accept_any")


async def open_books(bus: LocalBus, books: int) -> None:
    """A house with one game, and books with a player each."""
    start_ns = time.time_ns() + 12 * HOUR_NS
    await send_all(
        bus,
        HOUSE,
        PLATFORM,
        [
            CreateLeague("MLB", "baseball"),
            CreateFixture(FIXTURE, "MLB", 901, "Visitors", "Home", start_ns),
            line(1),
            *(OpenBook(book_name(number), OWNER) for number in range(books)),
        ],
    )
    for number in range(books):
        await send_all(bus, book_name(number), OWNER, [CreatePlayer(PLAYER, "root", CREDIT_MINOR)])


async def measure(path: Path, books: int, moves: int) -> dict[str, float]:
    """Moves in one send, moves one by one, and suspensions; each suspension until the last book has refused a wager."""
    async with running_engine(open_store(StoreSettings(path, "process"))) as (_, bus):
        await open_books(bus, books)
        began, before_s = time.perf_counter(), time.process_time()
        await send_all(bus, HOUSE, PLATFORM, [line(2 + number) for number in range(moves)])
        moved_s, moved_cpu_s = time.perf_counter() - began, time.process_time() - before_s
        durations_ns: list[int] = []
        for number in range(MOVES_ALONE):
            sent_ns = time.perf_counter_ns()
            await send_all(bus, HOUSE, PLATFORM, [line(2 + moves + number)])
            durations_ns.append(time.perf_counter_ns() - sent_ns)
        refused_ns: list[int] = []
        for _ in range(SUSPENSIONS):
            wagers = [Request(book_name(number), bus.new_id(), PLAYER, wager(100)) for number in range(books)]
            sent_ns = time.perf_counter_ns()
            await send_all(bus, HOUSE, PLATFORM, [Suspend("fixture", FIXTURE, "bench")])
            outcomes = [
                outcome for start in range(0, books, 1_000) for outcome in await bus.send(wagers[start : start + 1_000])
            ]
            refused_ns.append(time.perf_counter_ns() - sent_ns)
            if any(not isinstance(one, Refused) for one in outcomes):
                raise RuntimeError("a wager was accepted after the suspension")
            await send_all(bus, HOUSE, PLATFORM, [Reopen("fixture", FIXTURE, "bench")])
        again = await bus.send_one(Request(book_name(books - 1), bus.new_id(), PLAYER, wager(100)))
        if not isinstance(again, Accepted):
            raise RuntimeError(f"after reopening: {again}")
    found = {"moves_per_s": moves / moved_s, "move_us": moved_cpu_s / moves * 1e6}
    return found | latencies("move", durations_ns) | {"last_refusal_ms_max": max(refused_ns) / 1e6}


async def bench_house(folder: Path, *, books: int, moves: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    alone = await measure(folder / "one.db", 1, moves)
    found = await measure(folder / "many.db", books, moves)
    return {**found, "books": float(books)}, {"move_us": alone["move_us"]}
