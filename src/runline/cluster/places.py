"""Places: where each stream is, as whoever sends something to it has to know.

Rule: a stream is where its owner has taken it; while it is on its way it is nowhere, and whoever has something for it waits. What
is told here may be old: who is asked for a stream that is not theirs says so, and it is looked at again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from runline.cluster.limits import AGAIN_S, NAMES_ASKED_MAX, RENEW_S, TOGETHER_S, UNKNOWN_S
from runline.cluster.member import Member
from runline.cluster.registry import Assigned, Registry, RegistryError, Seen
from runline.cluster.watch import there_in
from runline.domain.messages import HOUSE

log = logging.getLogger("runline.cluster")

Start = tuple[str, int]
"""A node, and which start of it."""


def nothing(stream: str) -> bool:
    """Nothing is here, and nothing known but from the registry."""
    return False


class Places:
    """Where streams are. name: of this node, "" for none. owns: whether a stream is owned here. knows: whether there is such a
    stream, by what is known here beside the registry."""

    def __init__(
        self,
        registry: Registry,
        name: str = "",
        owns: Callable[[str], bool] = nothing,
        knows: Callable[[str], bool] = nothing,
    ) -> None:
        self.registry = registry
        self.name = name
        self.owns = owns
        self.knows = knows
        self.streams: Mapping[str, Assigned] = {}
        self.there: Mapping[str, int] = {}
        self.at: dict[Start, str] = {}
        self.looked = False
        """Whether anything was ever seen."""
        self.listeners: list[Callable[[], None]] = []
        self.asked: dict[str, float] = {}
        """Names of which nothing was ever heard, with the loop's time until which they may be those of new books."""
        self.finding: asyncio.Task[None] | None = None

    # What is asked

    def where(self, stream: str) -> str | None:
        """The address of whoever owns a stream; "" if that is this process, None if nobody has it just now."""
        if self.owns(stream):
            return ""
        one = self.streams.get(stream)
        if one is None or one.taken != one.number or one.node == self.name:
            return None
        if self.there.get(one.node) != one.incarnation:
            return None
        return self.at.get((one.node, one.incarnation))

    def known(self, stream: str) -> bool:
        """Whether there is such a stream, or may be: one that was opened a moment ago is not known everywhere yet."""
        if stream == HOUSE or stream in self.streams or self.knows(stream):
            return True
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        until_s = self.asked.get(stream)
        if until_s is None:
            if len(self.asked) >= NAMES_ASKED_MAX:
                return False
            until_s = self.asked[stream] = now_s + UNKNOWN_S
            loop.call_later(UNKNOWN_S, self.tell)
            loop.call_later(2 * UNKNOWN_S, self.asked.pop, stream, None)
        return now_s < until_s or not self.looked

    def anybody(self) -> str | None:
        """The address of some node that is there, "" for this one."""
        if self.name:
            return ""
        return min(self.addresses(), default=None)

    def addresses(self) -> frozenset[str]:
        """Of all nodes that are there."""
        return frozenset(at for (name, start), at in self.at.items() if self.there.get(name) == start)

    def listen(self, changed: Callable[[], None]) -> None:
        """Call this whenever something of it may have changed."""
        self.listeners.append(changed)

    # What is heard

    def saw(self, there: Mapping[str, int], streams: Mapping[str, Assigned]) -> None:
        """Who is there, and whose each stream is."""
        self.looked = self.looked or bool(streams)
        self.there, self.streams = dict(there), streams
        unknown = [one for one in self.there.items() if one not in self.at]
        if unknown and (self.finding is None or self.finding.done()):
            self.finding = asyncio.create_task(self.find())
        self.tell()

    async def find(self) -> None:
        """Find out where nodes are that are there."""
        while any(one not in self.at for one in self.there.items()):
            try:
                nodes = await self.registry.nodes()
            except RegistryError as error:
                log.debug("where nodes are cannot be read, and is looked for again: %s", error)
            else:
                self.at = {(one.name, one.incarnation): one.address for one in nodes.values()}
                self.tell()
            # One that has its lease says soon where it is.
            await asyncio.sleep(AGAIN_S)

    def tell(self) -> None:
        """Something may have changed."""
        for changed in list(self.listeners):
            changed()

    def follow(self, member: Member) -> None:
        """See what a member sees, from now on."""
        # Who is out for a moment still knows whose each stream was.
        member.changed = lambda: self.saw(member.watch.there(), member.streams or self.streams)

    async def close(self) -> None:
        """Look for nobody any more."""
        self.listeners = []
        if self.finding is not None:
            self.finding.cancel()
            await asyncio.gather(self.finding, return_exceptions=True)


def behind(level: int, mine: int) -> str:
    """Why a gateway is of no use any more."""
    return (
        f"The nodes go by level {level}, and this gateway is of level {mine}: it cannot read all that they say. Remedy: start "
        "the version that they have."
    )


class Onlooker:
    """Sees whose each stream is, without being one of the nodes. What it saw last holds while the registry does not answer.
    level: of this version; to one whose level the nodes have left behind nobody is there any more."""

    def __init__(self, registry: Registry, places: Places, level: int) -> None:
        self.registry = registry
        self.places = places
        self.level = level
        self.woken = asyncio.Event()
        self.seen = Seen({}, -1)
        self.failing = False

    async def run(self) -> None:
        """Look on."""
        self.registry.listen(self.woken.set)
        while True:
            self.woken.clear()
            try:
                await self.look()
                self.failing = False
            except RegistryError as error:
                if not self.failing:
                    log.error("the registry does not answer: %s", error)
                self.failing = True
            except Exception:
                # Else whoever looks on would go by what is old for ever, and nobody would know.
                log.exception("a fault in looking at the nodes, which is done again")
                await asyncio.sleep(RENEW_S)
            await asyncio.sleep(TOGETHER_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_S):
                    await self.woken.wait()

    async def look(self) -> None:
        """One look. Raises RegistryError."""
        seen = await self.registry.look()
        there, streams = there_in(seen), self.places.streams
        if seen.level > self.level:
            if seen.level > self.seen.level:
                log.error("%s", behind(seen.level, self.level))
            there = {}
        if seen.stamp != self.seen.stamp:
            streams = await self.registry.streams()
        elif there == self.places.there:
            return
        self.seen = seen
        self.places.saw(there, streams)
