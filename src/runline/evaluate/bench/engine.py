"""Bench `engine`: durable wagers a second in the process, and how long one takes under half of that load.

Floor: the very same rows, in the same batches, inserted plainly into a fresh file with the same fsync, measured in turns with
the engine.
"""

import asyncio
import gc
import time
from collections.abc import Mapping
from pathlib import Path

import apsw

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.engine.ports import Sealed, Stretch
from runline.evaluate.bench.load import Bettors, ClosedLoop, OpenLoop, set_up
from runline.evaluate.bench.result import GcPauses, LoopStalls, latencies
from runline.store.file import open_connection
from runline.store.schema_change import migrate
from runline.store.tables import BATCHES, EVENTS, Table, insert, tables_of

IN_FLIGHT = 512
PLAYERS = 10_000
SEED = 7
TURNS = 4


async def bench_engine(
    folder: Path, *, wagers: int, open_s: float, committer: str
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    path = folder / f"engine-{committer}.db"
    store = open_store(StoreSettings(path, committer))  # type: ignore[arg-type]
    batches: list[Sealed] = []
    async with running_engine(store) as (engine, bus):
        tables = tables_of(engine.vocabulary).by_name
        await set_up(bus, PLAYERS)
        bettors = Bettors(bus, PLAYERS, SEED)
        plain_commit = store.commit

        async def recorded(sealed: Sealed) -> frozenset[str]:
            batches.append(sealed)
            return await plain_commit(sealed)

        # The floor's rows are taken from a run of their own, so that keeping them costs the measured run nothing.
        store.commit = recorded  # type: ignore[method-assign]
        warming = wagers // 4
        await ClosedLoop(engine, [bettors.request() for _ in range(warming)], IN_FLIGHT).run()
        store.commit = plain_commit  # type: ignore[method-assign]
        before = (engine.probes.rows, engine.probes.batches)
        seconds = floor_s = stall_ms = pause_ms = 0.0
        for turn in range(TURNS):
            load = ClosedLoop(engine, [bettors.request() for _ in range(wagers // TURNS)], IN_FLIGHT)
            gc.collect()
            gc.freeze()
            with GcPauses() as pauses:
                async with LoopStalls() as stalls:
                    seconds += await load.run()
            if load.accepted != wagers // TURNS:
                raise RuntimeError(f"only {load.accepted} of {wagers // TURNS} wagers were accepted: {load.refused}")
            stall_ms, pause_ms = max(stall_ms, stalls.longest_ms), max(pause_ms, pauses.longest_ms)
            floor_s += plain_inserts(folder / f"floor-{committer}-{turn}.db", batches, tables)
        per_s = wagers / seconds
        figures = {
            "wagers_per_s": per_s,
            "in_flight": IN_FLIGHT,
            "rows_per_wager": (engine.probes.rows - before[0]) / wagers,
            "wagers_per_batch": wagers / (engine.probes.batches - before[1]),
            "gc_pause_ms_max": pause_ms,
            "loop_stall_ms_max": stall_ms,
        }
        half = OpenLoop(engine, bettors, per_s / 2, SEED)
        asyncio.get_running_loop().call_later(open_s, half.stop)
        await half.run()
        figures |= {"open_loop_wagers_per_s": per_s / 2} | latencies("placing", half.durations_ns)
    return figures, {"wagers_per_s": TURNS * warming / floor_s}


def plain_inserts(path: Path, batches: list[Sealed], tables: Mapping[str, Table]) -> float:
    """The seconds that the rows of these batches take, inserted plainly in the same transactions. tables: theirs, by name."""
    connection = open_connection(path, writing=True)
    migrate(connection, path)
    # A wager that changes later is a row that is inserted once here: the first time.
    began = time.perf_counter()
    for sealed in batches:
        connection.execute("BEGIN IMMEDIATE")
        for stretch in sealed.stretches:
            insert_stretch(connection, stretch, tables)
        connection.execute(insert(BATCHES), (sealed.node, sealed.sealed_ns, sealed.durable_before_ns))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def insert_stretch(connection: apsw.Connection, stretch: Stretch, tables: Mapping[str, Table]) -> None:
    connection.executemany(insert(EVENTS), stretch.events)
    for name, rows in stretch.rows.items():
        connection.executemany(insert(tables[name]), rows)
