"""Bench `settle`: a result with many open wagers, while others go on being placed (open loop).

Floor: the very rows that settling writes, in the same batches, written plainly into the same tables with the same fsync.
"""

import asyncio
import gc
import time
from collections.abc import Mapping
from pathlib import Path

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.domain.fixtures import RescheduleFixture
from runline.domain.grading import Score
from runline.domain.jobs import JobFinished
from runline.domain.messages import HOUSE, Command
from runline.domain.results import ConfirmResult, EnterResult
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.ports import Sealed
from runline.engine.requests import Accepted, Request
from runline.evaluate.bench.load import BOOK, Bettors, ClosedLoop, OpenLoop, fixture_name, set_up
from runline.evaluate.bench.result import GcPauses, latencies
from runline.store.file import open_connection
from runline.store.statements import every_row_goes
from runline.store.tables import BATCHES, EVENTS, Table, insert, tables_of, upsert

PLAYERS = 10_000
SEED = 11
SOON_NS = 200_000_000


async def bench_settle(
    folder: Path, *, wagers: int, rate_per_s: float, committer: str
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    path = folder / f"settle-{committer}.db"
    store = open_store(StoreSettings(path, committer))  # type: ignore[arg-type]
    batches: list[Sealed] = []
    async with running_engine(store) as (engine, bus):
        tables = tables_of(engine.vocabulary).by_name
        await set_up(bus, PLAYERS)
        bettors = Bettors(bus, PLAYERS, SEED, fixtures=1)
        load = ClosedLoop(engine, [bettors.request() for _ in range(wagers)], 512)
        await load.run()
        if load.accepted != wagers:
            raise RuntimeError(f"only {load.accepted} of {wagers} wagers were accepted: {load.refused}")
        bettors.first_fixture, bettors.fixtures = 1, 19
        gc.collect()
        gc.freeze()
        await close_fixture(engine, bus, fixture_name(0))
        copy = folder / f"settle-{committer}-floor.db"
        copy_database(path, copy)
        others = OpenLoop(engine, bettors, rate_per_s, SEED)
        placing = asyncio.create_task(others.run())
        await asyncio.sleep(0.2)
        plain_commit = store.commit

        async def recorded(sealed: Sealed) -> frozenset[str]:
            batches.append(sealed)
            return await plain_commit(sealed)

        store.commit = recorded  # type: ignore[method-assign]
        with GcPauses() as pauses:
            seconds, settled = await settle(engine, bus, fixture_name(0))
        store.commit = plain_commit  # type: ignore[method-assign]
        others.stop()
        await placing
        if settled != wagers:
            raise RuntimeError(f"{settled} of {wagers} wagers were settled")
        rows = sum(
            len(stretch.events) + sum(map(len, stretch.rows.values()))
            for sealed in batches
            for stretch in sealed.stretches
        )
        figures = {
            "settled_s": seconds,
            "wagers": float(wagers),
            "wagers_per_s": wagers / seconds,
            "rows_per_wager": rows / wagers,
            "gc_pause_ms_max": pauses.longest_ms,
            "others_wagers_per_s": rate_per_s,
            "others_refused": float(sum(others.refused.values())),
        } | latencies("placing", others.durations_ns)
    return figures, {"wagers_per_s": wagers / plain_writes(copy, batches, tables)}


def copy_database(path: Path, copy: Path) -> None:
    """A second database with the same rows, whatever is in the WAL."""
    source, target = open_connection(path, writing=False), open_connection(copy, writing=True)
    with target.backup("main", source, "main") as backup:
        backup.step()
    target.close()
    source.close()


async def accepted(bus: Bus, command: Command) -> None:
    outcome = await bus.send_one(Request(HOUSE, bus.new_id(), "platform", command))
    if not isinstance(outcome, Accepted):
        raise RuntimeError(f"refused: {outcome}")


async def close_fixture(engine: Engine, bus: Bus, fixture: str) -> None:
    """Bring a fixture's start near and wait for its cutoff."""
    await accepted(bus, RescheduleFixture(fixture, engine.clock.now_ns() + SOON_NS, "bench"))
    while (await engine.query(HOUSE, lambda house: house.catalog.fixtures[fixture].status))[1] != "closed":  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def settle(engine: Engine, bus: Bus, fixture: str) -> tuple[float, int]:
    """Confirm a result; (seconds until the book's last wager on it is settled and durable, how many were)."""
    position, _ = await engine.query(BOOK, lambda book: None)
    subscription = engine.subscribe(BOOK, position)
    await accepted(bus, EnterResult(fixture, Score(5, 3)))
    settled = 0
    began = time.perf_counter()
    await accepted(bus, ConfirmResult(fixture, 1))
    async for committed in subscription:
        settled += type(committed.event).__name__ == "WagerSettled"
        if isinstance(committed.event, JobFinished):
            break
    subscription.close()
    return time.perf_counter() - began, settled


def plain_writes(path: Path, batches: list[Sealed], tables: Mapping[str, Table]) -> float:
    """The seconds that the rows of these batches take, written plainly in the same transactions. tables: theirs, by name."""
    connection = open_connection(path, writing=True)
    connection.execute(every_row_goes("batches"))
    began = time.perf_counter()
    for sealed in batches:
        connection.execute("BEGIN IMMEDIATE")
        for stretch in sealed.stretches:
            connection.executemany(insert(EVENTS), stretch.events)
            for name, rows in stretch.rows.items():
                connection.executemany(upsert(tables[name]), rows)
        connection.execute(insert(BATCHES), (sealed.node, sealed.sealed_ns, sealed.durable_before_ns))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
