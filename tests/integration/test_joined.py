"""A node in one process with its test: how it is out and in again, and how it goes."""

import asyncio
from contextlib import asynccontextmanager

from tests.doubles.coming import WAIT_S, comes_true
from tests.integration.world import passes, play

from runline.bootstrap import running_engine
from runline.cluster.memory import Kept, MemoryRegistry
from runline.cluster.registry import Node, lease_of
from runline.config import ClusterSettings, EngineSettings, Settings
from runline.nodes import Joined
from runline.store.sqlite import SqliteStore


@asynccontextmanager
async def node_on(path, registry):
    """A node that has joined."""
    settings = Settings(engine=EngineSettings("n1"), cluster=ClusterSettings(f"unix:{path.parent}/n1"))
    async with running_engine(SqliteStore(path), settings.engine, alone=False) as (engine, bus):
        node = Joined(engine, registry, settings, bus, b"a secret of tests")
        try:
            await node.begin()
            yield node
        finally:
            await node.end()


def failing(node):
    """Why it is not ready, as it says."""
    return [one.reason for one in node.engine.conditions.failing if one.part == "cluster"]


def test_a_node_that_stops_stays_one_that_stops_though_it_loses_its_lease_meanwhile(path):
    async def main():
        kept = Kept()
        registry = MemoryRegistry(kept)
        # Another one, to which it would hand over its streams, and which takes none.
        lease = await registry.take(lease_of("n2"), "n2", None)
        assert lease is not None
        await registry.describe(Node("n2", lease.number, f"unix:{path.parent}/n2", "1.0"))
        async with node_on(path, MemoryRegistry(kept)) as node:
            await comes_true(node.has_house)
            retiring = asyncio.create_task(node.retire())
            await comes_true(lambda: kept.nodes["n1"].draining)
            await registry.take(lease_of("n1"), "", kept.leases[lease_of("n1")])
            await retiring
            await node.tasks[0]
            assert failing(node) == ["This node stops, and hands over its streams."]
            assert kept.leases[lease_of("n1")].holder == ""

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_node_whom_a_fault_takes_out_each_time_that_it_is_in_rests_between(path, monkeypatch):
    monkeypatch.setattr("runline.nodes.TENDED_AGAIN_S_MAX", 3_600.0)

    class Faulty(MemoryRegistry):
        came = 0

        async def describe(self, node):
            Faulty.came += 1
            await super().describe(node)

        async def streams(self):
            raise ValueError("what is registered cannot be read")

    async def main():
        async with node_on(path, Faulty(Kept())) as node:
            await comes_true(lambda: failing(node))
            await passes(1_000)
            assert Faulty.came == 1
            assert failing(node) == ["A fault has taken this node out; it joins again."]

    play(asyncio.wait_for(main(), WAIT_S))
