"""Coordinating, done: rounds in which dead nodes are ended and streams assigned, while the coordinator's lease is held.

Rule: whoever coordinates may die at any point. Each thing that is done is whole in itself, leaves what the next coordinator can
go on from, and is done only for the one that holds the lease: the database compares.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from runline.cluster.coordinator import Move, Place, Recent, decide
from runline.cluster.lease import Guard
from runline.cluster.limits import SMOOTHED_S
from runline.cluster.registry import Assigned, Given, Lease, Load, Node, Registry, Seen, lease_of
from runline.cluster.watch import Watch

log = logging.getLogger("runline.cluster")


class Coordinating:
    """One term. lease: the coordinator's."""

    def __init__(
        self, registry: Registry, lease: Lease, watch: Watch, guard: Guard, boot_ns: Callable[[], int]
    ) -> None:
        self.registry = registry
        self.lease = lease
        self.watch = watch
        self.guard = guard
        self.boot_ns = boot_ns
        self.now_s = boot_ns() / 1e9
        # What the one before has moved last is not known.
        self.recent = Recent(at_s=self.now_s)
        self.beside = Smoothed()
        self.loads = Smoothed()
        self.rows: dict[str, int] = {}

    async def round(self) -> None:
        """Do what is to be done now. Raises RegistryError."""
        now_s = self.boot_ns() / 1e9
        passed_s, self.now_s = now_s - self.now_s, now_s
        seen, there = self.watch.seen, dict(self.watch.there())
        for node in list(there):
            if self.watch.expired(lease_of(node)) and await self.end(node):
                del there[node]
        await self.registry.enroll(())
        nodes, streams = await self.registry.nodes(), await self.registry.streams()
        await self.raise_level(seen, [nodes[one].level for one in there if one in nodes])
        self.measure(nodes, streams, passed_s)
        loads = {one: Load(round(self.loads.of(one)), rows) for one, rows in self.rows.items()}
        moves = decide(self.places(there, nodes), streams, loads, self.recent, now_s)
        await self.give([Given(move.stream, move.to, there[move.to]) for move in moves if move.at_once])
        for move in moves:
            if not move.at_once and self.guard.holds():
                await self.want(move)

    async def end(self, node: str) -> bool:
        """A node that has not renewed its lease has it no more. False if it has renewed it meanwhile."""
        lease = self.watch.lease(lease_of(node))
        assert lease is not None
        if not self.guard.holds() or await self.registry.take(lease.name, "", lease) is None:
            return False
        log.error("the node %s has not renewed its lease: its streams go elsewhere", node)
        return True

    async def raise_level(self, seen: Seen, levels: Sequence[int]) -> None:
        """The cluster's level is the lowest of the nodes that are there. (Who has joined since this was seen wrote of it.)"""
        level = min(levels, default=0)
        if level > seen.level and self.guard.holds() and await self.registry.set_level(level, seen):
            log.warning("all nodes are of level %s, by which they go from now on", level)

    def places(self, there: Mapping[str, int], nodes: Mapping[str, Node]) -> list[Place]:
        """The nodes that are there."""
        suspected = set(self.watch.suspected())
        return [
            Place(name, incarnation, self.beside.of(name), lease_of(name) not in suspected, nodes[name].draining)
            for name, incarnation in there.items()
            # One that has its lease and has not yet said what it is gets nothing.
            if name in nodes and nodes[name].incarnation == incarnation
        ]

    def measure(self, nodes: Mapping[str, Node], streams: Mapping[str, Assigned], passed_s: float) -> None:
        """Take in what nodes say of themselves, and what they have last said of streams that they have no more, also before
        they died, as long as nobody else says it."""
        # Both of one report, so that what has moved since is not taken for something else.
        beside = {one.name: one.cpu_ppm - sum(load.cpu_ppm for load in one.loads.values()) for one in nodes.values()}
        self.beside.take({name: max(ppm, 0) for name, ppm in beside.items()}, passed_s)
        loads = {stream: load for one in nodes.values() for stream, load in one.loads.items()}
        for one in streams.values():
            if one.node in nodes and one.stream in nodes[one.node].loads:
                loads[one.stream] = nodes[one.node].loads[one.stream]
        self.loads.take({stream: load.cpu_ppm for stream, load in loads.items()}, passed_s)
        self.rows = {stream: load.rows for stream, load in loads.items()}

    async def give(self, streams: Sequence[Given]) -> None:
        """Streams without an owner go to nodes, in one transaction: a node that has died has left them all at once. What has
        changed meanwhile is not done, and is decided anew in the next round."""
        if streams and self.guard.holds():
            given = await self.registry.assign(streams, self.lease.number)
            log.warning("streams without an owner that were given to nodes: %s", len(given))

    async def want(self, move: Move) -> None:
        """A stream is to be handed over, in a transaction of its own. As above, if it has changed meanwhile."""
        one = move.stream
        if move.balance:
            self.recent.at_s = self.recent.streams_s[one.stream] = self.now_s
        await self.registry.want(one, move.to, self.lease.number)


class Smoothed:
    """Measured figures, smoothed over `SMOOTHED_S`."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}

    def of(self, name: str) -> float:
        return self.figures.get(name, 0.0)

    def take(self, measured: Mapping[str, int], passed_s: float) -> None:
        """What was measured, so long after the last time. What is measured no more is forgotten."""
        share = min(passed_s / SMOOTHED_S, 1.0)
        before = self.figures
        self.figures = {
            name: before[name] + (figure - before[name]) * share if name in before else float(figure)
            for name, figure in measured.items()
        }
