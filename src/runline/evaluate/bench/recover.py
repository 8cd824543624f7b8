"""Bench `recover`: from opening the file until the first wager is accepted, in a process of its own.

Floor: reading the same rows plainly from the same file.
"""

import asyncio
import gc
import resource
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from runline.bootstrap import open_store, run, running_engine
from runline.config import StoreSettings
from runline.domain.book import Book
from runline.domain.messages import HOUSE
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.limits import WINDOW_COMMANDS_MAX
from runline.engine.requests import Accepted
from runline.evaluate.bench.load import BOOK, FIXTURES, Bettors, ClosedLoop, fixture_name, set_up
from runline.evaluate.bench.settle import close_fixture, settle
from runline.store.file import open_connection
from runline.store.sqlite_hints import SQLITE
from runline.store.tables import select

SEED = 13
CHILD = "from runline.evaluate.bench.recover import main; main()"


class Ready(msgspec.Struct):
    """What the child process measured."""

    ready_s: float
    floor_s: float
    memory_mib: float


async def bench_recover(
    folder: Path, *, players: int, open_wagers: int, events: int
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    path = folder / "recover.db"
    await fill(path, players, open_wagers, events)
    began = time.perf_counter()
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(path), stdout=subprocess.PIPE)
    output, _ = await child.communicate()
    process_s = time.perf_counter() - began
    if child.returncode != 0:
        raise RuntimeError(f"the process that recovers ended with {child.returncode}")
    ready = msgspec.json.decode(output, type=Ready)
    figures = {
        "ready_s": ready.ready_s,
        "process_s": process_s,
        "players": float(players),
        "open_wagers": float(open_wagers),
        "events": float(events),
        "memory_mib": ready.memory_mib,
    }
    return figures, {"ready_s": ready.floor_s}


async def fill(path: Path, players: int, open_wagers: int, events: int) -> None:
    """A database with a history: players, wagers of which most are settled, and as many events as asked for."""
    async with running_engine(open_store(StoreSettings(path))) as (engine, bus):
        await set_up(bus, players)
        bettors = Bettors(bus, players, SEED, fixtures=1)
        (position, _), (house, _) = await engine.query(BOOK, lambda _: None), await engine.query(HOUSE, lambda _: None)
        closed = max((events - position - house - open_wagers) // 2, 0)
        # Every game but the last two has its share of the history.
        each = max(100_000, -(-closed // (FIXTURES - 2)))
        done = 0
        fixture = 0
        while done < closed:
            bettors.first_fixture = fixture
            number = min(each, closed - done)
            await ClosedLoop(engine, [bettors.request() for _ in range(number)], 512).run()
            await close_fixture(engine, bus, fixture_name(fixture))
            await settle(engine, bus, fixture_name(fixture))
            done += number
            fixture += 1
        if open_wagers:
            bettors.first_fixture, bettors.fixtures = fixture, 20 - fixture
            await ClosedLoop(engine, [bettors.request() for _ in range(open_wagers)], 512).run()


async def time_ready(path: Path) -> Ready:
    """Start on the file and place a wager."""
    gc.collect()
    began = time.perf_counter()
    async with running_engine(open_store(StoreSettings(path))) as (_, bus):
        bettors = Bettors(bus, 100, SEED, fixtures=1)
        bettors.first_fixture = 19
        outcome = await bus.send_one(bettors.request())
        ready_s = time.perf_counter() - began
        if not isinstance(outcome, Accepted):
            raise RuntimeError(f"the first wager was refused: {outcome}")
        memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Ready(ready_s, read_plainly(path), memory_mib)


def read_plainly(path: Path) -> float:
    """The seconds that it takes to fetch the rows that recovery reads."""
    connection = open_connection(path, writing=False)
    began = time.perf_counter()
    for row_type in Book(BOOK, plain_vocabulary()).held:
        held = row_type.held_while
        where = f"AND {held[0]} = '{held[1]}'" if held else ""
        connection.execute(select(row_type, where, SQLITE), (BOOK,)).fetchall()
    connection.execute(
        "SELECT command, digest, seq FROM events WHERE stream = ? ORDER BY seq DESC LIMIT ?",
        (BOOK, WINDOW_COMMANDS_MAX),
    ).fetchall()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def main() -> None:
    """The child: measure, and write what was found to the standard output."""
    sys.stdout.buffer.write(msgspec.json.encode(run(lambda: time_ready(Path(sys.argv[1])))))
