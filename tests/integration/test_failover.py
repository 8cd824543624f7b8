"""The database fails over: the primary is killed under load, its standby is promoted, and everybody goes on there."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from tests.doubles.coming import comes_true
from tests.doubles.plain import VOCABULARY
from tests.integration.pair import DATABASE, a_pair
from tests.integration.test_postgresql import keep_at_it
from tests.integration.world import play, running

from runline.engine.ports import nobody_hears
from runline.evaluate.verify import verify
from runline.store.postgres import PostgresStore

FAILOVERS = int(os.environ.get("TEST_FAILOVERS", "1"))

KEPT = "SELECT count(*), count(DISTINCT command) FROM events WHERE command = ANY($1)"


@asynccontextmanager
async def under_load(url, accepted, workers=8):
    """An engine on a database, with a book in which wagers are placed without end. accepted: the commands that were."""
    store = PostgresStore(url)
    store.serve(VOCABULARY, nobody_hears)
    async with running(store) as world:
        await world.open_house()
        await world.open_book("b1", credit_minor=10**12)
        stopped = asyncio.Event()
        load = [asyncio.create_task(keep_at_it(world, accepted, stopped)) for _ in range(workers)]
        try:
            yield world
        finally:
            stopped.set()
            await asyncio.gather(*load)


async def fail_over_under_load(pair, hands, accepted):
    """Kill the primary while wagers are placed, and go on on the other one. Returns how long it took, in seconds: until the
    standby was promoted, and until the next wager was accepted."""
    loop = asyncio.get_running_loop()
    known = len(accepted)
    await comes_true(lambda: len(accepted) > known + 100)
    began_ns = time.monotonic_ns()
    await loop.run_in_executor(hands, pair.fail_over)
    promoted_ns, known = time.monotonic_ns(), len(accepted)
    await comes_true(lambda: len(accepted) > known)
    again_ns = time.monotonic_ns()
    return (promoted_ns - began_ns) / 1e9, (again_ns - began_ns) / 1e9


def test_a_failover_to_a_synchronous_standby_takes_nothing_with_it_that_was_acknowledged():
    """Once, or as often as TEST_FAILOVERS says."""
    accepted: list[bytes] = []
    took: list[tuple[float, float]] = []

    async def main():
        loop = asyncio.get_running_loop()
        async with under_load(pair.url, accepted) as world:
            for _ in range(FAILOVERS):
                took.append(await fail_over_under_load(pair, hands, accepted))
                await loop.run_in_executor(hands, partial(pair.follow, waited_for=True))
            known = len(accepted)
            await comes_true(lambda: len(accepted) > known + 100)
            assert not world.engine.conditions.standing

    with ThreadPoolExecutor(1) as hands, a_pair(hands) as pair:
        hands.submit(pair.follow, waited_for=True).result()
        play(main())
        assert pair.primary.ask(DATABASE, KEPT, accepted) == [(len(accepted), len(accepted))]
        assert verify(pair.url).differences == []
    print(f"{FAILOVERS} failovers, {len(accepted)} wagers acknowledged, 0 lost")
    for place, what in enumerate(("promoted", "the first wager")):
        times = sorted(one[place] for one in took)
        print(f"{what}: p50 {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s")
