"""A member: one node's part in the cluster. It holds its lease, watches those of all others, and hears which streams are its
own.

Rule: whoever has lost the lease is out, and all its streams with it; it comes back as another incarnation, by joining again.
Any member coordinates as soon as nobody else does.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from runline.cluster.coordinating import Coordinating
from runline.cluster.lease import Guard
from runline.cluster.limits import (
    ADDRESS_CHARS_MAX,
    AGAIN_S,
    LOOK_S,
    NODE_NAME_CHARS_MAX,
    NODES_MAX,
    RENEW_S,
    ROUND_S,
    STREAMS_REST,
    STREAMS_TOLD,
    TOGETHER_S,
)
from runline.cluster.registry import (
    COORDINATOR,
    Assigned,
    Lease,
    Load,
    Node,
    Registry,
    RegistryError,
    Seen,
    Taken,
    lease_of,
)
from runline.cluster.watch import Watch, as_renewed
from runline.domain.state import by_pieces

log = logging.getLogger("runline.cluster")

NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{NODE_NAME_CHARS_MAX - 1}}}")

RENEW_NS, ROUND_NS = round(RENEW_S * 1e9), round(ROUND_S * 1e9)


def nobody_hears() -> None:
    """Nobody wants to know."""


def nobody_goes_by(level: int) -> None:
    """Nothing is said or stored here."""


class NotJoined(Exception):
    """This node cannot be one of the cluster. The message is for people."""


class LeaseLost(Exception):
    """The node's lease is somebody else's, or was ended."""


class Streams(Protocol):
    """What a node does about streams. It is told on the loop, and goes on by itself."""

    def assigned(self, stream: Assigned) -> None:
        """It is this node's: claim its head, then say so (`Member.taken`)."""
        ...

    def unassigned(self, stream: Assigned) -> None:
        """It is this node's no more, as it is now: let go of it at once. Its head is somebody else's, or will be."""
        ...

    def coming(self, stream: Assigned) -> None:
        """It will be handed over to this node: follow it. Or, if `wanted` is another, it will not after all."""
        ...

    def going(self, stream: Assigned) -> None:
        """It is to be handed over to `wanted`: seal what is under way, then say so (`Member.hand_over`). Or, if that is "", it
        stays after all."""
        ...


class Member:
    """A node. me: what it is; its incarnation is found out by `join`. boot_ns: the machine's time since its start.

    guard: whether it may say what it knows. watch: who is there. streams: whose each stream is, as it was heard last. changed:
    called when who is there or whose a stream is may have changed. goes_by: told the cluster's level at each look.
    """

    def __init__(self, registry: Registry, me: Node, duties: Streams, boot_ns: Callable[[], int]) -> None:
        self.registry = registry
        self.me = me
        self.duties = duties
        self.boot_ns = boot_ns
        self.guard = Guard(boot_ns)
        self.watch = Watch(boot_ns)
        self.streams: Mapping[str, Assigned] = {}
        self.lease: Lease | None = None
        self.term: Lease | None = None
        self.stamp = -1
        self.renew_ns = 0
        self.woken = asyncio.Event()
        self.streams_changed = asyncio.Event()
        self.looked = asyncio.Event()
        self.leaving = asyncio.Event()
        self.failing = ""
        self.suspected: frozenset[str] = frozenset()
        self.changed: Callable[[], None] = nobody_hears
        self.goes_by: Callable[[int], None] = nobody_goes_by

    # Coming

    async def join(self) -> None:
        """Become a node of the cluster. A lease that somebody has had under this name is watched first.

        Raises NotJoined, and RegistryError.
        """
        name, mine = self.me.name, lease_of(self.me.name)
        if not NAME.fullmatch(name) or len(self.me.address) > ADDRESS_CHARS_MAX:
            raise NotJoined(
                f"{name!r} is no name of a node: it has letters, digits, dots, hyphens and underscores, at most "
                f"{NODE_NAME_CHARS_MAX}."
            )
        first: Lease | None = None
        began: Seen | None = None
        while True:
            sent_ns = self.boot_ns()
            seen = await self.registry.look()
            self.watch.saw(seen, sent_ns)
            lease = self.watch.lease(mine)
            if lease is not None and lease.holder:
                first = first or lease
                if as_renewed(first) != as_renewed(lease):
                    await self.refuse(name)
                if not self.watch.expired(mine):
                    await asyncio.sleep(LOOK_S)
                    continue
            if len(self.watch.there()) - (first is not None) >= NODES_MAX:
                raise NotJoined(f"There are {NODES_MAX} nodes, and no more can be.")
            began = began or seen
            level = self.level_with(began)
            if level is None:
                await asyncio.sleep(LOOK_S)
                continue
            sent_ns = self.boot_ns()
            self.lease = await self.registry.take(mine, name, lease)
            if self.lease is None:
                continue
            self.me = replace(self.me, incarnation=self.lease.number)
            await self.registry.describe(self.me)
            if await self.registry.set_level(level, seen):
                break
            # The level is another one since it was looked, or somebody has joined where nobody was.
            await self.registry.take(mine, "", self.lease)
        self.guard.renewed(sent_ns)
        self.renew_ns = sent_ns + RENEW_NS
        self.goes_by(level)

    def level_with(self, began: Seen) -> int | None:
        """The cluster's level with this node in it; None while it is not known whether any other node lives. began: what was seen
        first.

        Raises NotJoined for a level that is no neighbour of it.
        """
        seen, mine = self.watch.seen, self.me.level
        if seen.level <= mine <= seen.level + 1:
            return seen.level
        if mine < seen.level:
            raise NotJoined(
                f"The nodes go by level {seen.level}, and this version of Runline ({self.me.version}) is of level {mine}: it "
                "could not read what they have written. Remedy: start the version that they have."
            )
        others = [lease_of(name) for name in self.watch.there() if name != self.me.name]
        if any(as_renewed(began.leases.get(one)) != as_renewed(self.watch.lease(one)) for one in others):
            raise NotJoined(
                f"The nodes go by level {seen.level}, and this version of Runline ({self.me.version}) is of level {mine}: only "
                f"neighbours run side by side. Remedy: replace all nodes by the version of level {seen.level + 1} first, or stop "
                "them."
            )
        return mine if all(map(self.watch.expired, others)) else None

    async def refuse(self, name: str) -> None:
        """Another node of this name lives."""
        other = (await self.registry.nodes()).get(name)
        where = f" at {other.address}" if other is not None and other.address else ""
        raise NotJoined(
            f"There is a node {name}{where}: it has renewed its lease while it was looked at. Remedy: give this one a name of "
            "its own (node of [engine]), or stop that one first."
        )

    # Being there

    async def run(self) -> None:
        """Be there until `leave` is called. Raises LeaseLost. Afterwards nothing is held."""
        assert self.lease is not None
        self.registry.listen(self.woken.set)
        renewing = asyncio.create_task(self.keep_lease())
        tasks = [renewing, asyncio.create_task(self.hear_of_streams()), asyncio.create_task(self.coordinate())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.guard.end()
            for task in tasks:
                task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            for one in list(self.streams.values()):
                if one.is_of(self.me.name, self.me.incarnation):
                    self.duties.unassigned(one)
            self.streams = {}
            self.looked.set()
            self.changed()
            await self.give_up(found[0])
        for ended in found:
            if isinstance(ended, Exception):
                raise ended

    async def give_up(self, ended: BaseException | None) -> None:
        """Give back what is held, so that nobody has to wait for it."""
        for lease in (self.term, self.lease):
            if lease is not None and not isinstance(ended, LeaseLost):
                with suppress(RegistryError):
                    await self.registry.take(lease.name, "", self.watch.lease(lease.name) or lease)
        self.term = None

    def leave(self) -> None:
        """Be there no more. What is its own is let go of at once: `drain` first."""
        self.leaving.set()
        self.woken.set()

    async def drain(self) -> None:
        """Give away all streams, as long as somebody takes them. Raises RegistryError."""
        await self.registry.drain(self.me.name, draining=True)
        while any(one.is_of(self.me.name, self.me.incarnation) for one in self.streams.values()):
            self.looked.clear()
            await self.looked.wait()

    # The lease

    async def keep_lease(self) -> None:
        """Renew it, and look at all others'. Raises LeaseLost."""
        while not self.leaving.is_set():
            try:
                await self.look()
                pause_s = LOOK_S if self.suspected else max(self.renew_ns - self.boot_ns(), 0) / 1e9
                self.failing = ""
            except RegistryError as error:
                if not self.failing:
                    log.error("the registry does not answer: %s", error)
                self.failing, pause_s = str(error), AGAIN_S
            # So many changes that are told together are looked at once.
            await asyncio.sleep(min(pause_s, TOGETHER_S))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(pause_s - TOGETHER_S, 0)):
                    await self.woken.wait()

    async def look(self) -> None:
        """One look, which renews what is held when that is due."""
        assert self.lease is not None
        self.woken.clear()
        sent_ns, term = self.boot_ns(), self.term
        due = sent_ns >= self.renew_ns
        seen = await (
            self.registry.renew([self.lease, term] if term else [self.lease]) if due else self.registry.look()
        )
        if seen.incarnation(self.me.name) != self.lease.number:
            self.guard.end()
            raise LeaseLost(f"the lease of the node {self.me.name} is not its own any more")
        if seen.level > self.me.level:
            # It stood still while others that are newer began alone.
            self.guard.end()
            raise LeaseLost(f"the nodes go by level {seen.level}, which this version cannot read")
        if due:
            self.guard.renewed(sent_ns)
            self.renew_ns = sent_ns + RENEW_NS
        found = seen.leases.get(COORDINATOR)
        if term is not None and term is self.term and (found is None or found.number != term.number):
            log.error("another node coordinates")
            self.term = None
        there = self.watch.there()
        self.watch.saw(seen, sent_ns)
        self.goes_by(seen.level)
        self.looked.set()
        self.note_suspected()
        if there != self.watch.there():
            self.changed()
        if seen.stamp != self.stamp:
            self.stamp = seen.stamp
            self.streams_changed.set()

    def note_suspected(self) -> None:
        """Say who is suspected, once."""
        suspected = frozenset(self.watch.suspected())
        for name in sorted(suspected - self.suspected):
            log.warning("the lease of the %s is not renewed", name)
        self.suspected = suspected

    # Streams

    async def hear_of_streams(self) -> None:
        """Tell this node what of its streams has changed."""
        while True:
            await self.streams_changed.wait()
            self.streams_changed.clear()
            began_ns = self.boot_ns()
            try:
                after = await self.registry.streams()
            except RegistryError:
                # It is said already, or will be. Nobody else wakes us for this change.
                self.streams_changed.set()
                await asyncio.sleep(AGAIN_S)
                continue
            before, self.streams = self.streams, after
            changed = [one for one in after.values() if before.get(one.stream) is not one]
            for some in by_pieces(changed, STREAMS_TOLD):
                for one in some:
                    self.tell(before.get(one.stream) or Assigned(one.stream), one)
                if len(some) == STREAMS_TOLD:
                    # Where a node has died, much is begun by that.
                    await asyncio.sleep(0)
            self.looked.set()
            self.changed()
            # Where there are thousands, looking at them is no small part of a node's time.
            await asyncio.sleep(min(STREAMS_REST * (self.boot_ns() - began_ns) / 1e9, ROUND_S))

    def tell(self, before: Assigned, now: Assigned) -> None:
        """What has changed of one stream."""
        name, number = self.me.name, self.me.incarnation
        was, is_now = before.is_of(name, number), now.is_of(name, number)
        anew = before.number != now.number
        if was and anew:
            self.duties.unassigned(now)
        if is_now and anew:
            self.duties.assigned(now)
        if is_now and now.wanted != ("" if anew else before.wanted):
            self.duties.going(now)
        if not is_now and (before.wanted == name) != (now.wanted == name):
            self.duties.coming(now)

    async def taken(self, taken: Sequence[Taken]) -> None:
        """This node has claimed streams. Raises RegistryError."""
        await self.registry.taken(taken)

    async def hand_over(self, stream: Assigned) -> bool:
        """This node has let go of a stream, which is the wanted one's from now on; False if that is not there, or wanted no
        more: then it is still this node's. Raises RegistryError."""
        incarnation = self.watch.there().get(stream.wanted, 0)
        return bool(incarnation) and await self.registry.hand_over(stream, incarnation)

    async def measured(self, cpu_ppm: int, loads: Mapping[str, Load], conditions: Sequence[str] = ()) -> None:
        """What this node and its streams cost, and what is not well here. Raises RegistryError."""
        await self.registry.measured(self.me.name, self.me.incarnation, cpu_ppm, loads, conditions)

    # Coordinating

    async def coordinate(self) -> None:
        """Coordinate while nobody else does."""
        coordinating: Coordinating | None = None
        while True:
            as_it_stands, due_ns = self.standing(), self.boot_ns() + ROUND_NS
            try:
                if self.term is None and self.guard.holds() and self.watch.expired(COORDINATOR):
                    self.term = await self.registry.take(COORDINATOR, self.me.name, self.watch.lease(COORDINATOR))
                if self.term is not None:
                    if coordinating is None or coordinating.lease is not self.term:
                        coordinating = Coordinating(self.registry, self.term, self.watch, self.guard, self.boot_ns)
                    await coordinating.round()
            except RegistryError as error:
                log.error("coordinating failed, and is tried again: %s", error)
                await asyncio.sleep(AGAIN_S)
            except Exception:
                # What is wrong in deciding takes no node out of the cluster.
                log.exception("coordinating failed, and is tried again")
                await asyncio.sleep(ROUND_S)
            while self.standing() == as_it_stands and self.boot_ns() < due_ns:
                self.looked.clear()
                await self.looked.wait()

    def standing(self) -> tuple[object, ...]:
        """What a coordinator acts upon at once."""
        there = self.watch.there()
        expired = [name for name in there if self.watch.expired(lease_of(name))]
        return self.watch.seen.stamp, there, expired, self.watch.expired(COORDINATOR)
