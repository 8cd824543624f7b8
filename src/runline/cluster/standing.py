"""Standing by: each large stream has a copy at another node, where it goes on at once if its owner dies.

Rule: which node that is follows from what all of them see: who is there, whose the stream is, how large it is. So nobody has to
be told. Who sees something else for a moment keeps a copy more, or one less, and a stream of which there is none is read. All
copies at one node have a bound together; beyond it the smallest go without, which this node says.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from runline.cluster.coordinator import copied_at
from runline.cluster.duties import Duties
from runline.cluster.limits import (
    COPIED_LOOK_S,
    COPIED_ROWS_MAX,
    COPIED_ROWS_MIN,
    COPIED_ROWS_SPARE,
    COPIES_BEGUN_MAX,
    NAMED_MAX,
)
from runline.cluster.registry import Assigned, Node, Registry, RegistryError

log = logging.getLogger("runline.cluster")


def nobody_hears(words: str) -> None:
    """Nobody wants to know."""


class Standing:
    """Has this node follow the streams of which it is to have a copy. rows_min: from how many rows in memory on a stream has one;
    it is kept until the stream has half of them. rows_max: what all copies of this node may have together. say: told why streams
    have no copy here, "" if all have that are to have one. rows: of each stream whose copy belongs here, as was heard last."""

    def __init__(
        self,
        registry: Registry,
        duties: Duties,
        rows_min: int = COPIED_ROWS_MIN,
        rows_max: int = COPIED_ROWS_MAX,
        say: Callable[[str], None] = nobody_hears,
    ) -> None:
        self.registry = registry
        self.duties = duties
        self.rows_min = rows_min
        self.rows_max = rows_max
        self.say = say
        self.rows: dict[str, int] = {}

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
        self.rows = {one.stream: rows_of(one, nodes, self.rows.get(one.stream, 0)) for one in mine}
        large = sorted(self.rows, key=lambda stream: (-self.rows[stream], stream))
        kept = [one for one in large if one in self.duties.copies and self.rows[one] >= self.rows_min // 2]
        new = [one for one in large if one not in self.duties.copies and self.rows[one] >= self.rows_min]
        copies = self.fitting(kept, 0, self.rows_max)
        held = sum(self.rows[one] for one in copies)
        begun = self.fitting(new, held, self.rows_max - self.rows_max // COPIED_ROWS_SPARE)
        self.duties.copying([*copies, *begun[:COPIES_BEGUN_MAX]])
        self.tell_without(sorted({*kept, *new} - {*copies, *begun}))

    def fitting(self, streams: list[str], held: int, rows_max: int) -> list[str]:
        """Of some streams those for which there is room beside as many rows that are held already."""
        found = []
        for stream in streams:
            if held + self.rows[stream] <= rows_max:
                held += self.rows[stream]
                found.append(stream)
        return found

    def tell_without(self, without: list[str]) -> None:
        """Say which streams have no copy for want of room."""
        words = ", ".join(without[:NAMED_MAX])
        if len(without) > NAMED_MAX:
            words = f"{words} and {len(without) - NAMED_MAX} more"
        self.say(
            f"Copies at this node have {self.rows_max} rows in memory at most: {words} will be read anew if their owner dies, "
            "which takes longer. Remedy: start another node."
            if without
            else ""
        )


def rows_of(one: Assigned, nodes: Mapping[str, Node], before: int) -> int:
    """How large a stream is, by what its owner has said of it last. Who has just got it has said nothing yet: then it is as large
    as it was before."""
    load = nodes[one.node].loads.get(one.stream) if one.node in nodes else None
    return load.rows if load is not None else before
