"""Bench `house`: what a move of the house costs when many books follow it, and how long until all of them refuse.

Floor: the same moves with one book, measured in turns.
"""

import time
from pathlib import Path

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.domain.placing import PlaceWager
from runline.domain.prices import Prices
from runline.domain.suspension import Reopen, Suspend
from runline.engine.bus import Bus
from runline.engine.requests import Accepted, Refused, Request
from runline.evaluate.bench.load import CREDIT_MINOR, HOUR_NS, OWNER, send_all
from runline.evaluate.bench.result import latencies

FIXTURE = "F1"
PLAYER = "P1"
PLATFORM = "platform"
MOVES_ALONE = 200
SUSPENSIONS = 5
ROUNDS = 8


def book_name(number: int) -> str:
    return f"book{number:05d}"


class Board:
    """The line of the game, which moves to another price each time."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.revision = 0

    def next(self) -> PostLines:
        """Another price."""
        self.revision += 1
        price = 100 + self.revision % 50
        lines = MarketLine("moneyline", "game", None, Prices(away=f"+{price}", home=f"-{price + 20}"))
        return PostLines(FIXTURE, self.revision, (lines,))

    async def move(self, times: int) -> None:
        """Move the line, all in one send."""
        await send_all(self.bus, HOUSE, PLATFORM, [self.next() for _ in range(times)])

    async def cost_us(self, times: int) -> float:
        """CPU time a move, in microseconds."""
        before_s = time.process_time()
        await self.move(times)
        return (time.process_time() - before_s) / times * 1e6


def wager(price: int) -> PlaceWager:
    return PlaceWager(PLAYER, f"{FIXTURE}:game:moneyline", "away", None, f"+{price}", 5_00, "risk", "accept_any")


async def open_books(bus: Bus, books: int) -> None:
    """A house with one game, and books with a player each."""
    start_ns = time.time_ns() + 12 * HOUR_NS
    await send_all(
        bus,
        HOUSE,
        PLATFORM,
        [
            CreateLeague("MLB", "baseball"),
            CreateFixture(FIXTURE, "MLB", 901, "Visitors", "Home", start_ns),
            *(OpenBook(book_name(number), OWNER) for number in range(books)),
        ],
    )
    for number in range(books):
        await send_all(bus, book_name(number), OWNER, [CreatePlayer(PLAYER, "root", CREDIT_MINOR)])


async def moves_alone_ns(board: Board) -> list[int]:
    """How long single moves take until they are durable."""
    durations_ns: list[int] = []
    for _ in range(MOVES_ALONE):
        sent_ns = time.perf_counter_ns()
        await board.move(1)
        durations_ns.append(time.perf_counter_ns() - sent_ns)
    return durations_ns


async def refusals_ns(bus: Bus, books: int) -> list[int]:
    """How long it takes from suspensions of the game until the last book has refused a wager."""
    durations_ns: list[int] = []
    for _ in range(SUSPENSIONS):
        wagers = [Request(book_name(number), bus.new_id(), PLAYER, wager(100)) for number in range(books)]
        sent_ns = time.perf_counter_ns()
        await send_all(bus, HOUSE, PLATFORM, [Suspend("fixture", FIXTURE, "bench")])
        outcomes = [
            outcome for start in range(0, books, 1_000) for outcome in await bus.send(wagers[start : start + 1_000])
        ]
        durations_ns.append(time.perf_counter_ns() - sent_ns)
        if any(not isinstance(one, Refused) for one in outcomes):
            raise RuntimeError("a wager was accepted after the suspension")
        await send_all(bus, HOUSE, PLATFORM, [Reopen("fixture", FIXTURE, "bench")])
    again = await bus.send_one(Request(book_name(books - 1), bus.new_id(), PLAYER, wager(100)))
    if not isinstance(again, Accepted):
        raise RuntimeError(f"after reopening: {again}")
    return durations_ns


async def bench_house(folder: Path, *, books: int, moves: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor). The costs are the best of ROUNDS: what disturbs a machine only ever adds."""
    async with (
        running_engine(open_store(StoreSettings(folder / "one.db", "process"))) as (_, alone),
        running_engine(open_store(StoreSettings(folder / "many.db", "process"))) as (_, bus),
    ):
        boards = Board(alone), Board(bus)
        for board, opened in zip(boards, (1, books), strict=True):
            await open_books(board.bus, opened)
            await board.move(1)
        costs: tuple[list[float], list[float]] = [], []
        for _ in range(ROUNDS):
            for board, found in zip(boards, costs, strict=True):
                found.append(await board.cost_us(moves // ROUNDS))
        figures = {"move_us": min(costs[1])}
        figures |= latencies("move", await moves_alone_ns(boards[1]))
        figures |= {"last_refusal_ms_max": max(await refusals_ns(bus, books)) / 1e6, "books": float(books)}
    return figures, {"move_us": min(costs[0])}
