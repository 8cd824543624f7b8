"""Standing by: each large stream has a copy at another node, where it goes on at once if its owner dies.

Rule: which node that is follows from what all of them see: who is there, whose the stream is, how large it is. So nobody has to
be told. Who sees something else for a moment keeps a copy more, or one less, and a stream of which there is none is read.
"""

import asyncio
import logging
from collections.abc import Mapping

from runline.cluster.coordinator import copied_at
from runline.cluster.duties import Duties
from runline.cluster.limits import COPIED_LOOK_S, COPIED_ROWS_MIN, COPIES_BEGUN_MAX
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
        mine = [one for one in member.streams.values() if copied_at(one.stream, one.node, takes) == member.me.name]
        rows = {one.stream: rows_of(one, nodes) for one in mine}
        kept = [stream for stream in rows if stream in self.duties.copies and rows[stream] >= self.rows_min // 2]
        new = [stream for stream in rows if stream not in self.duties.copies and rows[stream] >= self.rows_min]
        new.sort(key=lambda stream: (-rows[stream], stream))
        self.duties.copying([*kept, *new[:COPIES_BEGUN_MAX]])


def rows_of(one: Assigned, nodes: Mapping[str, Node]) -> int:
    """How large a stream is, by what its owner has said of it last."""
    load = nodes[one.node].loads.get(one.stream) if one.node in nodes else None
    return load.rows if load is not None else 0
