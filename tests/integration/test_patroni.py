"""Patroni fails the database over: its leader is killed under load, as a server and as a whole machine, and wagers go on."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.doubles.coming import comes_true
from tests.integration.patroni import is_there, patroni
from tests.integration.test_failover import KEPT, WORKERS, under_load
from tests.integration.world import play

from runline.evaluate.verify import verify

KILLS = int(os.environ.get("TEST_PATRONI", "0"))

LONG_S = 120
"""Patroni may take as long as its leader's key lasts, and as others have to do."""


@pytest.mark.skipif(not (KILLS and is_there()), reason="Patroni is killed in `make test-long` (TEST_PATRONI=N)")
def test_a_failover_by_patroni_takes_nothing_with_it_that_was_acknowledged():
    accepted: list[bytes] = []

    async def killed(servers, hands, kill):
        """Kill the leader; how long it took until the next wager, in seconds."""
        loop = asyncio.get_running_loop()
        known = len(accepted)
        await comes_true(lambda: len(accepted) > known + 100)
        leader = await loop.run_in_executor(hands, servers.leader)
        began_ns = time.monotonic_ns()
        await loop.run_in_executor(hands, kill, leader)
        # What was under way may have been durable before.
        known = len(accepted) + WORKERS
        await comes_true(lambda: len(accepted) > known, LONG_S)
        took_s = (time.monotonic_ns() - began_ns) / 1e9
        if servers.processes[leader].poll() is not None:
            await loop.run_in_executor(hands, servers.start_node, leader)
        await loop.run_in_executor(hands, servers.settle)
        now = await loop.run_in_executor(hands, servers.leader)
        print(f"{kill.__name__}: {leader} was killed, {now} leads; the first wager after {took_s:.2f} s", flush=True)

    async def main():
        async with under_load(servers.url, accepted, wait_s=LONG_S) as world:
            for _ in range(KILLS):
                await killed(servers, hands, servers.kill_server)
                await killed(servers, hands, servers.kill_node)
            known = len(accepted)
            await comes_true(lambda: len(accepted) > known + 100, LONG_S)
            assert not world.engine.conditions.failing
            assert not [one for one in world.engine.conditions.standing.values() if one.subject == "log"]

    with ThreadPoolExecutor(1) as hands, patroni(hands) as servers:
        play(main())
        kept = servers.ask(servers.database, KEPT, accepted)
        assert kept == [(len(accepted), len(accepted))]
        assert verify(servers.url).differences == []
    print(f"{2 * KILLS} kills, {len(accepted)} wagers acknowledged, 0 lost")
