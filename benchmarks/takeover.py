"""Measure how a node takes over the books of another that is killed: how long until all of them accept wagers again, and what
that asks of PostgreSQL; before that, for how long a book that is moved to the other node and back accepts none.

    python benchmarks/takeover.py [BOOKS [PLAYERS [OPEN]]]      (1,000, 20 and 20 unless told otherwise)

PostgreSQL with a standby for which commits wait, and two nodes, all on this machine. Each book has so many players and open
wagers. The first node gets all books, and is killed once the second is there. Whoever sends a wager to each book comes over
links, as another node does.

On a busy machine the seconds say little. Transactions a stream say more, in which there are those of the wagers, and of leases
that are renewed meanwhile.
"""

import asyncio
import sys
import time
from typing import Any

from machines import LOOKS_S, Machines, is_accepted, machines

from runline.bootstrap import open_store, running_engine
from runline.bus.routed import RoutedBus
from runline.cluster.limits import COPIED_ROWS_MIN
from runline.cluster.postgres import PostgresRegistry
from runline.config import Settings, StoreSettings
from runline.domain.board import PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.domain.placing import PlaceWager
from runline.domain.queries.inside import COPY, MEASURES
from runline.domain.state import by_pieces
from runline.engine.bus import Answer, Bus, Question
from runline.engine.requests import Request
from runline.evaluate.bench.gateways import cpu_s, family
from runline.evaluate.bench.load import (
    CREDIT_MINOR,
    HOUR_NS,
    LINES,
    OWNER,
    SELECTIONS,
    fixture_name,
    player_number,
    send_all,
)
from runline.gate import Gate, found, looking_on
from runline.store.postgres_connection import connect

BOOKS, PLAYERS, OPEN = 1_000, 20, 20
FILLED_AT_ONCE = 100
AGAIN_S = 0.05
IDLE_S = 3.0
MOVES, AFTER_MOVE = 2, 50
TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"


def book_name(number: int) -> str:
    return f"book{number:04d}"


def wager(number: int) -> PlaceWager:
    """A wager of a book's player."""
    kind, side, line, price = SELECTIONS[number % 6]
    return PlaceWager(player_number(number), f"{fixture_name(0)}:game:{kind}", side, line, price, 1_000)


async def fill(url: str, books: int, players: int, wagers: int) -> None:
    """A house with a game, and its books."""
    async with running_engine(open_store(StoreSettings(url=url))) as (_, bus):
        game = fixture_name(0)
        made = [
            CreateLeague("MLB", "baseball"),
            CreateFixture(game, "MLB", 901, "A", "B", time.time_ns() + 24 * HOUR_NS),
        ]
        opened = [OpenBook(book_name(number), OWNER) for number in range(books)]
        await send_all(bus, HOUSE, "platform", [*made, PostLines(game, 1, LINES), *opened])
        named = [CreatePlayer(player_number(player), "A1", CREDIT_MINOR) for player in range(players)]
        placed = [wager(place % players) for place in range(wagers)]
        for some in by_pieces(range(books), FILLED_AT_ONCE):
            # What several books decide at the same time is one batch.
            await asyncio.gather(
                *(
                    send_all(bus, book_name(number), OWNER, [CreateAgent("A1", "root"), *named, *placed])
                    for number in some
                )
            )


async def accepts(bus: Bus, book: str, began_s: float) -> float:
    """Send a wager to a book until it accepts it, which is done once; returns how long that has taken."""
    request = Request(book, bus.new_id(), OWNER, wager(0))
    while not is_accepted(await bus.send_one(request)):  # noqa: ASYNC110
        await asyncio.sleep(AGAIN_S)
    return time.perf_counter() - began_s


class Server:
    """What the database counts."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def transactions(self) -> int:
        """So far. (Each of its processes says how many after a moment.)"""
        await asyncio.sleep(IDLE_S)
        return int(await self.connection.fetchval(TRANSACTIONS))


async def main(books: int, players: int, wagers: int) -> None:
    async with machines() as there:
        began_s = time.perf_counter()
        await fill(there.url, books, players, wagers)
        print(f"{'filled_s':24} {time.perf_counter() - began_s:12,.1f}", flush=True)
        server = Server(await connect(there.url, "a bench"))
        await there.start("n1")
        await there.taken([HOUSE, *map(book_name, range(books))])
        await there.start("n2")
        await measure(there, server, books, players + wagers)
        await server.connection.close()


async def asked(gate: Gate, question: Question) -> Answer:
    """What the second node answers."""
    address = next(at for (name, _), at in gate.places.at.items() if name == "n2")
    assert isinstance(gate.bus, RoutedBus)
    return await gate.bus.link(address).ask(question)


async def moves(gate: Gate, registry: PostgresRegistry, book: str, node: str) -> float:
    """Have a book moved to a node, while one wager after the other is sent to it; returns the longest time, in ms, between two of
    them that were accepted."""
    await registry.pin(book, node)
    longest_s, last_s, there = 0.0, time.perf_counter(), 0
    while there < AFTER_MOVE:
        request = Request(book, gate.bus.new_id(), OWNER, wager(0))
        while not is_accepted(await gate.bus.send_one(request)):  # noqa: ASYNC110
            await asyncio.sleep(AGAIN_S / 10)
        now_s = time.perf_counter()
        longest_s, last_s = max(longest_s, now_s - last_s), now_s
        one = gate.places.streams[book]
        there += one.node == node and one.taken == one.number
    return longest_s * 1e3


async def copied(gate: Gate, book: str) -> None:
    """Wait until it has a copy of a large book."""
    while not (await asked(gate, Question(book, COPY))).position:  # noqa: ASYNC110
        await asyncio.sleep(LOOKS_S)


async def measure(there: Machines, server: Server, books: int, rows: int) -> None:
    """Kill the first node, and have all its books accept a wager at the second."""
    second = there.processes["n2"].pid
    async with looking_on(Settings(store=StoreSettings(url=there.url)), "nodes") as gate:
        await found(gate.places, HOUSE)
        # From its answer on ids are made by the nodes' time.
        await asked(gate, Question("", MEASURES))
        await asyncio.gather(*(accepts(gate.bus, book_name(number), 0.0) for number in range(books)))
        if rows >= COPIED_ROWS_MIN:
            for number in range(books):
                await copied(gate, book_name(number))
        registry = PostgresRegistry(there.url, "a bench")
        pauses = [await moves(gate, registry, book_name(0), to) for _ in range(MOVES) for to in ("n2", "n1")]
        await registry.close()
        print(f"{'moves_pause_ms':24} {', '.join(f'{pause:.0f}' for pause in pauses):>12}", flush=True)
        if rows >= COPIED_ROWS_MIN:
            await copied(gate, book_name(0))
        before, computed_s = await server.transactions(), sum(map(cpu_s, family(second)))
        its = sum(one.node == "n1" for one in gate.places.streams.values())
        began_s = time.perf_counter()
        await there.kill("n1")
        took_s = sorted(
            await asyncio.gather(*(accepts(gate.bus, book_name(number), began_s) for number in range(books)))
        )
        computed_s = sum(map(cpu_s, family(second))) - computed_s
        done = await server.transactions() - before
        for name, figure in {
            "streams_of_the_killed": its,
            "first_accepts_s": took_s[0],
            "half_accept_s": took_s[books // 2],
            "all_accept_s": took_s[-1],
            "node_cpu_ms_a_stream": computed_s / its * 1e3,
            "transactions_a_stream": done / its,
        }.items():
            print(f"{name:24} {figure:12,.2f}", flush=True)


if __name__ == "__main__":
    words = [*map(int, sys.argv[1:]), *(BOOKS, PLAYERS, OPEN)[len(sys.argv) - 1 :]]
    asyncio.run(main(*words))
