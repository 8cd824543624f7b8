"""Cluster faults: what goes wrong in a cluster, whose nodes die, stand still, leave and come back, and whose streams are moved.

Rule: as of all faults: everything comes right again. Nobody is told where a stream is: who is asked finds out.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from runline.simulate.clustered import Cluster, Clustered

if TYPE_CHECKING:
    from runline.simulate.faults import Faults

HOPS_MAX = 40
AWAY_S = (0.5, 2.0, 5.0, 30.0)
PAUSES_S = (0.0, 1.0, 5.0, 20.0)
STILL_S = (0.05, 1.0, 2.5, 5.0, 30.0)
SLOW_S = (0.01, 0.2, 0.7)

ALSO = (
    "write failed", "write slow", "answer of a write lost", "answer of a claim lost", "store away", "memory dropped",
    "stream claimed by another", "work fails again and again", "connection cut", "connections half open", "network slow",
    "network in pieces", "link cut", "link half open", "clock stepped", "clock drifts",
)  # fmt: skip
"""What else goes wrong in a cluster, of all that goes wrong where there is one process."""


class ClusterFaults:
    """What goes wrong there. every: the kinds of faults."""

    def __init__(self, faults: "Faults") -> None:
        self.faults = faults
        self.world = faults.world
        self.decisions = faults.decisions
        self.every: dict[str, Callable[[], None]] = {
            "node killed": self.node_is_killed,
            "node paused": self.node_is_paused,
            "node leaves": self.node_leaves,
            "stream moved": self.stream_is_moved,
            "registry away": self.registry_is_away,
            "registry slow": self.registry_is_slow,
        }

    @property
    def cluster(self) -> Cluster:
        """The cluster."""
        assert self.world.cluster is not None
        return self.world.cluster

    def one(self) -> Clustered | None:
        """A node that is up."""
        nodes = [node for node in self.cluster.nodes.values() if node.up]
        return self.decisions.one(nodes) if nodes else None

    def node_is_killed(self) -> None:
        """One dies at a moment to come, wherever it is then."""
        self.world.loop.after_hops(self.decisions.draw(HOPS_MAX), 0, self.kill)

    def kill(self) -> None:
        node = self.one()
        if node is not None and not self.faults.over:
            self.world.tell(f"node {node.number}, {node.name}, dies")
            node.die(self.decisions.draw)
            self.world.beside(self.comes_back(node))

    async def comes_back(self, node: Clustered) -> None:
        await self.world.end(node)
        await asyncio.sleep(self.decisions.one(PAUSES_S))
        if self.cluster.nodes[node.name] is node:
            await self.cluster.boot(node.name)

    def node_is_paused(self) -> None:
        """One stands still for a while, perhaps for longer than its lease is held, and comes back."""
        self.world.loop.after_hops(self.decisions.draw(HOPS_MAX), 0, self.stands_still)

    def stands_still(self) -> None:
        node = self.one()
        if node is None or node.is_paused or self.faults.over:
            return
        still_s = self.decisions.one(STILL_S)
        self.world.tell(f"node {node.number}, {node.name}, stands still for {still_s} s")
        node.pause()
        self.faults.later(still_s, node.go_on)

    def node_leaves(self) -> None:
        """One is told to stop: it hands over its streams first. It is started again."""
        node = self.one()
        if node is not None and not node.leaving:
            self.world.tell(f"node {node.number}, {node.name}, is told to stop")
            self.world.beside(self.leaves(node))

    async def leaves(self, node: Clustered) -> None:
        if await self.faults.stops(node):
            await self.comes_back(node)

    def stream_is_moved(self) -> None:
        """Somebody wants streams, of the house or of books, at another node than where they are, or anywhere."""
        for one in list(self.cluster.kept.streams.values()):
            if self.decisions.draw(2):
                to = self.decisions.one((*(name for name in self.cluster.names if name != one.node), ""))
                self.world.tell(f"{one.stream} is wanted at {to or 'any node'}")
                self.world.beside(self.pins(one.stream, to))

    async def pins(self, stream: str, to: str) -> None:
        await self.cluster.registry.pin(stream, to)

    def registry_is_away(self) -> None:
        self.cluster.away_until_s = self.world.loop.time() + self.decisions.one(AWAY_S)

    def registry_is_slow(self) -> None:
        self.cluster.slow_s = self.decisions.one(SLOW_S)
        self.faults.later(self.decisions.one(AWAY_S), self.registry_is_quick)

    def registry_is_quick(self) -> None:
        self.cluster.slow_s = 0.0

    def end(self) -> None:
        """Nothing goes wrong any more."""
        self.cluster.away_until_s = self.cluster.slow_s = 0.0
        for node in self.cluster.nodes.values():
            node.go_on()

    def start_stopped(self) -> None:
        """Streams are started again that have stopped where they are owned."""
        for node in self.cluster.nodes.values():
            if node.up:
                node.soon(node.start_stopped)
