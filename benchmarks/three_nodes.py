"""Measure what spreads over nodes: how long a suspension of the house takes to reach every book, and what a kill costs them all.

    python benchmarks/three_nodes.py [BOOKS [SUSPENSIONS [KILLS]]]      (1,000, 100 and 6 unless told otherwise)

PostgreSQL with a standby for which commits wait, and three nodes, all on this machine; commands come over links. A
suspension is timed from when it is sent until the last book has refused a wager that was sent after it. A kill is that of
whichever node has the house: until every book has accepted a wager again. The node comes back before the next one.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence

from machines import LOOKS_S, Machines, is_accepted, machines

from runline.config import Settings, StoreSettings
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE, Command
from runline.domain.queries.inside import READY
from runline.domain.suspension import Reopen, Suspend
from runline.engine.bus import Bus, Question
from runline.engine.requests import Outcome, Refused, Request
from runline.evaluate.bench.house import FIXTURE, PLATFORM, PLAYER, Board, book_name, wager
from runline.evaluate.bench.load import CREDIT_MINOR, HOUR_NS, OWNER
from runline.evaluate.bench.result import latencies
from runline.gate import looking_on

NODES = ("n1", "n2", "n3")
AT_ONCE = 1_000
"""Commands of one send."""


class Books:
    """All books, as they are sent to."""

    def __init__(self, bus: Bus, number: int) -> None:
        self.bus = bus
        self.names = [book_name(one) for one in range(number)]
        self.refused: Counter[str] = Counter()
        """The codes of what was refused while it was to be accepted."""

    async def send(self, books: Sequence[str], actor: str, command: Command) -> dict[str, Outcome]:
        """Send each of some books a command; what came of it."""
        found: dict[str, Outcome] = {}
        for start in range(0, len(books), AT_ONCE):
            some = books[start : start + AT_ONCE]
            requests = [Request(book, self.bus.new_id(), actor, command) for book in some]
            found |= zip(some, await self.bus.send(requests), strict=True)
        return found

    async def house(self, *commands: Command) -> None:
        """The house's owner does something."""
        for command in commands:
            outcome = await self.bus.send_one(Request(HOUSE, self.bus.new_id(), PLATFORM, command))
            if not is_accepted(outcome):
                raise RuntimeError(f"{command} was refused: {outcome}")

    async def all_accept(self, actor: str, command: Command) -> None:
        """Send each book a command until it is accepted."""
        left = self.names
        while left:
            found = await self.send(left, actor, command)
            self.refused.update(one.code for one in found.values() if isinstance(one, Refused))
            left = [book for book, one in found.items() if not is_accepted(one)]

    async def all_refuse(self) -> None:
        """Send each book wagers until it refuses one."""
        left = self.names
        while left:
            found = await self.send(left, PLAYER, wager(100))
            left = [book for book, one in found.items() if is_accepted(one)]


async def fill(there: Machines, bus: Bus, number: int) -> Books:
    """A house with a game, and books, each with a player, where the nodes are there that share them."""
    books = Books(bus, number)
    while b'"ready":true' not in (await bus.ask(Question("", READY))).body:  # noqa: ASYNC110 -- it tells nobody
        await asyncio.sleep(LOOKS_S)
    starts_ns = time.time_ns() + 12 * HOUR_NS
    board = Board(bus).next()
    await books.house(
        CreateLeague("MLB", "baseball"), CreateFixture(FIXTURE, "MLB", 901, "Visitors", "Home", starts_ns), board
    )
    await books.house(*(OpenBook(name, OWNER) for name in books.names))
    owners = await there.taken(books.names)
    await books.all_accept(OWNER, CreatePlayer(PLAYER, "root", CREDIT_MINOR))
    books.refused.clear()
    print(f"{number:,} books: {dict(sorted(Counter(owners[name] for name in books.names).items()))}")
    return books


async def suspensions_ns(books: Books, number: int) -> list[int]:
    """How long each of so many suspensions takes until the last book has refused."""
    durations_ns: list[int] = []
    for _ in range(number):
        await books.all_accept(PLAYER, wager(100))
        sent_ns = time.perf_counter_ns()
        await books.house(Suspend("fixture", FIXTURE, "bench"))
        await books.all_refuse()
        durations_ns.append(time.perf_counter_ns() - sent_ns)
        await books.house(Reopen("fixture", FIXTURE, "bench"))
    return durations_ns


async def kills_ns(there: Machines, books: Books, number: int) -> list[int]:
    """How long each of so many kills of whoever has the house takes until every book has accepted a wager."""
    durations_ns: list[int] = []
    for _ in range(number):
        owner = (await there.owners())[HOUSE]
        began_ns = time.perf_counter_ns()
        await there.kill(owner)
        await books.all_accept(PLAYER, wager(100))
        durations_ns.append(time.perf_counter_ns() - began_ns)
        await there.start(owner)
    return durations_ns


def say(what: str, name: str, durations_ns: list[int]) -> None:
    """What was measured, in a line."""
    if durations_ns:
        found = latencies(name, durations_ns) | {f"{name}_ms_max": max(durations_ns) / 1e6}
        print(f"{what}: " + ", ".join(f"{key} {value:,.1f}" for key, value in found.items()), flush=True)


async def measure(books: int = 1_000, suspensions: int = 100, kills: int = 6) -> None:
    async with machines() as there:
        for name in NODES:
            await there.start(name)
        async with looking_on(Settings(store=StoreSettings(url=there.url)), "nodes") as gate:
            filled = await fill(there, gate.bus, books)
            found_ns = await suspensions_ns(filled, suspensions)
            say(f"{suspensions} suspensions, until the last book has refused", "last_refusal", found_ns)
            found_ns = await kills_ns(there, filled, kills)
            say(
                f"{kills} kills of whoever has the house, until the last book has accepted", "last_acceptance", found_ns
            )
            print(f"refused meanwhile: {dict(filled.refused)}")


if __name__ == "__main__":
    asyncio.run(measure(*map(int, sys.argv[1:])))
