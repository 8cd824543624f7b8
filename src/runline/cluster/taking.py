"""Taking: streams that were assigned to this node are claimed and read, those together that come together.

Rule: heads are read, and *then* whose the streams are; each is claimed at the epoch of that head. So whoever is late, and
believes what was so, finds another epoch and robs nobody. The house goes first, without which no book takes wagers, then the
hottest.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from runline.cluster.limits import TAKEN_ROWS_MAX, TAKEN_STREAMS_MAX
from runline.cluster.registry import Assigned, Registry
from runline.cluster.together import Together, Wanted
from runline.domain.messages import HOUSE
from runline.engine.ports import Head


class Adopter(Protocol):
    """The engine of this node, as it gets streams."""

    async def heads(self, streams: Collection[str]) -> Mapping[str, Head]:
        """The heads of streams, as they are stored. Raises StoreError."""
        ...

    async def adopt(self, seen: Mapping[str, int]) -> Mapping[str, int | Exception]:
        """Own streams from here on, each claimed at this epoch; what is owned goes on. Returns at which epoch each is claimed
        now, or why it is not: StoreError (`elsewhere` if it has another epoch by now), Rejected.

        Raises the same if it is so with all of them.
        """
        ...


class Taking:
    """Takes them. is_still: whether a stream is still assigned so, by what was heard."""

    def __init__(self, owner: Adopter, registry: Registry, is_still: Callable[[Assigned], bool]) -> None:
        self.owner = owner
        self.registry = registry
        self.is_still = is_still
        self.together: Together[Assigned, int | None] = Together(self.take_some)

    async def take(self, one: Assigned) -> int | None:
        """Own a stream; returns at which epoch it is claimed, None if it is not assigned so any more, which will be heard.

        Raises StoreError, RegistryError, Rejected.
        """
        return await self.together.done(one)

    async def take_some(self, wanted: Wanted[Assigned, int | None]) -> None:
        """Take of what is wanted what can be taken together, and more of it while nothing else is wanted. Raises StoreError,
        RegistryError."""
        heads = await self.owner.heads([one.stream for one in wanted])
        streams = await self.registry.streams()
        loads = await self.loads() if len(wanted) > TAKEN_STREAMS_MAX else {}
        mine = []
        for one, coming in wanted.items():
            now = streams.get(one.stream)
            if now is not None and now.is_of(one.node, one.incarnation) and now.number == one.number:
                mine.append(one)
            else:
                coming.set_result(None)
        mine.sort(key=lambda one: (one.stream != HOUSE, -loads.get(one.stream, 0)))
        for some in in_parts(mine, heads):
            await self.take_part([one for one in some if self.is_told(one, wanted)], heads, wanted)
            if self.together.waiting:
                # It may be hotter than what is left.
                return

    async def loads(self) -> Mapping[str, int]:
        """What each stream has cost, as their owners have said last. Raises RegistryError."""
        nodes = (await self.registry.nodes()).values()
        return {stream: load.cpu_ppm for node in nodes for stream, load in node.loads.items()}

    def is_told(self, one: Assigned, wanted: Wanted[Assigned, int | None]) -> bool:
        """Whether a stream is assigned so, as far as was heard since it was looked."""
        if not self.is_still(one):
            wanted[one].set_result(None)
            return False
        return True

    async def take_part(
        self, some: Sequence[Assigned], heads: Mapping[str, Head], wanted: Wanted[Assigned, int | None]
    ) -> None:
        """Take some streams together."""
        if not some:
            return
        seen = {one.stream: heads[one.stream].epoch if one.stream in heads else 0 for one in some}
        try:
            found = await self.owner.adopt(seen)
        except Exception as error:
            found = dict.fromkeys(seen, error)
        for one in some:
            came = found[one.stream]
            if isinstance(came, Exception):
                wanted[one].set_exception(came)
            else:
                wanted[one].set_result(came)


def in_parts(streams: Iterable[Assigned], heads: Mapping[str, Head]) -> Iterator[list[Assigned]]:
    """Streams, as many at a time as are read together: the house alone, a large book alone."""
    part: list[Assigned] = []
    rows = 0
    for one in streams:
        more = heads[one.stream].held_rows if one.stream in heads else 0
        if part and (len(part) == TAKEN_STREAMS_MAX or rows + more > TAKEN_ROWS_MAX or part[0].stream == HOUSE):
            yield part
            part, rows = [], 0
        part.append(one)
        rows += more
    if part:
        yield part
