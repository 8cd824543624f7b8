"""Standing by: each large stream has a copy at another node, where it goes on at once if its owner dies.

Rule: which node that is follows from what all of them see: who is there, whose the stream is, how large it is. So nobody has to
be told. Who sees something else for a moment keeps a copy more, or one less, and a stream of which there is none is read.
"""

import asyncio
import logging
from collections.abc import Mapping

from runline.cluster.coordinator import copied_at
from runline.cluster.duties import Duties
from runline.cluster.limits import COPIED_LOOK_S, COPIED_ROWS_MIN
from runline.cluster.registry import Assigned, Node, Registry, RegistryError

log = logging.getLogger("runline.cluster")


class Standing:
    """Has this node follow the streams of which it is to have a copy. rows_min: from how many rows in memory on a stream has one;
    it is kept until the stream has half of them."""

    def __init__(self, registry: Registry, duties: Duties, rows_min: int = COPIED_ROWS_MIN) -> None:
        self.registry = registry
        self.duties = duties
        self.rows_min = rows_min

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(COPIED_LOOK_S)
            try:
                nodes = await self.registry.nodes()
            except RegistryError as error:
                log.debug("how large streams are cannot be read, and is looked for again: %s", error)
            else:
                self.look(nodes)

    def look(self, nodes: Mapping[str, Node]) -> None:
        """Follow what is to be followed, by what nodes say of themselves."""
        member = self.duties.member
        if not member.guard.holds():
            return
        there = member.watch.there()
        takes = [name for name, node in nodes.items() if there.get(name) == node.incarnation and not node.draining]
        self.duties.copying(
            one.stream
            for one in member.streams.values()
            if self.is_large(one, nodes) and copied_at(one.stream, one.node, takes) == member.me.name
        )

    def is_large(self, one: Assigned, nodes: Mapping[str, Node]) -> bool:
        """Whether a stream is to have a copy, by what its owner has said of it last."""
        load = nodes[one.node].loads.get(one.stream) if one.node in nodes else None
        least = self.rows_min // 2 if one.stream in self.duties.copies else self.rows_min
        return load is not None and load.rows >= least
