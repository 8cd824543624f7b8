"""Sight: the cluster as it is shown to people, and as whoever decides about it knows it.

Rule: it is what the registry says. It is read for all who ask meanwhile, and shown for no longer than `SEEN_S`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from runline.cluster.limits import SEEN_S
from runline.cluster.registry import Assigned, Load, Node, Registry, RegistryError, Seen
from runline.cluster.status import alive_in, status_of
from runline.domain.cluster import ClusterRow, ClusterStreamRow
from runline.domain.messages import Rejected

Rows = Mapping[str, Sequence[Any]]
"""The rows of each query about the cluster, by its name, in the order of their keys."""

NOTHING = Load(0, 0)


class Sight:
    """It. registry: what is read."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.reading: asyncio.Future[Rows] | None = None
        self.until_s = 0.0

    async def rows(self) -> Rows:
        """As it is now, or was a moment ago. Raises Rejected `unavailable`."""
        now_s = asyncio.get_running_loop().time()
        if self.reading is None or (self.reading.done() and now_s >= self.until_s):
            self.until_s = now_s + SEEN_S
            self.reading = asyncio.ensure_future(self.read())
        return await asyncio.shield(self.reading)

    async def read(self) -> Rows:
        """As it is now. Raises Rejected `unavailable`."""
        registry = self.registry
        try:
            return rows_of(await registry.look(), await registry.nodes(), await registry.streams())
        except RegistryError as error:
            raise Rejected("unavailable", f"The registry of the nodes does not answer: {error}") from None

    async def taking(self) -> Mapping[str, bool]:
        """The nodes that are there, each with whether it takes streams. Raises RegistryError."""
        alive, nodes = alive_in(await self.registry.look()), await self.registry.nodes()
        return {name: not node.draining for name, node in nodes.items() if alive.get(name) == node.incarnation}


def rows_of(seen: Seen, nodes: Mapping[str, Node], streams: Mapping[str, Assigned]) -> Rows:
    """The rows, of what is registered."""
    status = status_of(seen, nodes, streams)
    loads = {stream: load for node in nodes.values() for stream, load in node.loads.items()}
    for one in streams.values():
        # A node that has a stream no more may have said what it cost.
        if one.node in nodes and one.stream in nodes[one.node].loads:
            loads[one.stream] = nodes[one.node].loads[one.stream]
    of_nodes = [
        ClusterRow(
            one.name,
            one.state,
            one.age_ms,
            one.name == status.coordinator,
            one.draining,
            one.address,
            one.version,
            one.cpu_ppm,
            one.streams,
            list(one.conditions),
        )
        for one in status.nodes
    ]
    of_streams = [
        ClusterStreamRow(one.stream, one.node, one.taken, one.epoch, one.to, one.pinned, load.cpu_ppm, load.rows)
        for one in status.streams
        for load in (loads.get(one.stream, NOTHING),)
    ]
    return {"cluster": of_nodes, "cluster_streams": of_streams}
