"""Nodes: an engine that is one of several over one database of PostgreSQL, and owns the streams that it is given.

Rule: whoever is out is in again as another start of the node, without hands. Only who may never be in again ends.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import msgspec

from runline import __version__
from runline.bus.link import LinkBus
from runline.bus.owner import LinkListener
from runline.bus.reach import Tls, connect, listen
from runline.bus.routed import RoutedBus
from runline.cluster.duties import Duties
from runline.cluster.limits import (
    DRAINED_LOOK_S,
    DRAINED_S_MAX,
    LEAVES_S_MAX,
    MEASURED_S,
    TENDED_AGAIN_S_MAX,
)
from runline.cluster.member import LeaseLost, Member, NotJoined
from runline.cluster.places import Places
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import Load, Node, Registry, RegistryError
from runline.cluster.sight import Sight
from runline.cluster.standing import Standing
from runline.cluster.status import alive_in, conditions_said
from runline.cluster.wishes import Wishes
from runline.config import Settings
from runline.domain.messages import HOUSE
from runline.domain.queries.inside import COPY
from runline.engine.bus import Bus, Question
from runline.engine.commit import ELSEWHERE
from runline.engine.engine import Engine
from runline.engine.host import boottime_ns
from runline.engine.ports import Clock, StoreError
from runline.engine.process import never
from runline.engine.requests import unavailable
from runline.owning import EngineOfNode

log = logging.getLogger("runline.cluster")

SECRET_BYTES = 32

encode = msgspec.json.Encoder().encode

WHOLE_OF_DECIDING = 5
"""How much more than its deciding a stream costs at most, with what is encoded, stored, answered and shown of it."""


class Links:
    """The other nodes, as they are reached. bus: that leads to whoever owns a stream."""

    def __init__(self, here: Bus, clock: Clock, places: Places, secret: bytes, tls: Tls | None) -> None:
        self.places = places

        def link_to(address: str) -> LinkBus:
            return LinkBus(here.vocabulary, clock, os.urandom, secret, connect(address, tls))

        self.bus = RoutedBus(here.vocabulary, clock, os.urandom, here, places, link_to)

    async def copied(self, node: str, stream: str) -> int:
        """Up to which position a node has a copy of a stream. Raises Rejected."""
        address = self.places.at.get((node, self.places.there.get(node, 0)))
        if address is None:
            raise unavailable()
        return (await self.bus.link(address).ask(Question(stream, COPY))).position


class Joined:
    """A node. bus: that leads to whoever owns a stream. house_here: whether the house has come here since that was cleared. over:
    done when the node can be in no more, with the reason."""

    def __init__(self, engine: Engine, registry: Registry, settings: Settings, local: Bus, secret: bytes) -> None:
        self.engine = engine
        self.registry = registry
        self.name = settings.engine.node
        self.address = settings.cluster.address
        self.places = Places(
            registry, self.name, lambda stream: stream in engine.writers, lambda book: book in engine.view.books.by_name
        )
        self.links = Links(local, engine.clock, self.places, secret, settings.cluster.tls)
        self.bus = self.links.bus
        self.owner = EngineOfNode(engine, settings.engine.owner, self.bus)
        self.duties = Duties(self.owner, registry, self.links)
        self.owner.opened = self.duties.opened
        self.wishes = Wishes(self.owner, registry, lambda: self.duties.owned_as(HOUSE))
        self.owner.wanted = self.wishes.look
        self.duties.took = lambda stream: self.wishes.look()
        sight = Sight(registry)
        self.owner.taking, engine.process.cluster = sight.taking, sight.rows
        self.house_here = asyncio.Event()
        self.owner.house_came = self.house_here.set
        self.joined = asyncio.Event()
        self.leaving = False
        self.retiring = False
        self.over: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.member = self.anew()
        self.tasks: list[asyncio.Task[None]] = []

    def anew(self) -> Member:
        """Another start of this node."""
        me = Node(self.name, 0, self.address, __version__, level=self.engine.vocabulary.level)
        member = Member(self.registry, me, self.duties, boottime_ns)
        member.goes_by = self.engine.process.level.reach
        self.duties.member = member
        self.places.follow(member)
        return member

    def has_house(self) -> bool:
        """Whether the house is owned here."""
        return self.owner.owns(HOUSE)

    async def begin(self) -> None:
        """Join. Raises NotJoined, RegistryError."""
        await self.join()
        self.engine.follow_house(self.bus)

        def say_without_copies(words: str) -> None:
            self.engine.hear("cluster", "copies", "degraded" if words else None, words)

        standing = Standing(self.registry, self.duties, say=say_without_copies)
        self.tasks = [asyncio.create_task(one) for one in (self.live(), self.measure(), standing.run())]

    async def join(self) -> None:
        """Be in. Raises NotJoined, RegistryError."""
        await self.member.join()
        self.engine.process.holds = self.member.guard.holds
        # A new database has no house yet. (Nothing is waited for that the lease would have to wait for.)
        self.duties.opened([HOUSE])
        self.joined.set()

    async def live(self) -> None:
        """Be in, and in again, until this leaves."""
        try:
            while True:
                faulty = await self.be_in()
                if self.leaving or self.retiring:
                    # Whoever is about to go and has lost its streams is done.
                    return
                if faulty:
                    # It may be faulty again, each time that it is in.
                    await asyncio.sleep(TENDED_AGAIN_S_MAX)
                self.member = self.anew()
                await self.come_back()
                self.say("")
        except NotJoined as error:
            log.error("%s", error)
            self.over.set_exception(error)
        except Exception as error:
            log.exception("a fault in being a node")
            self.over.set_exception(error)

    async def be_in(self) -> bool:
        """Be one of the nodes until the lease is lost, or is given up, or a fault ends it (true)."""
        faulty = False
        try:
            await self.member.run()
        except LeaseLost as error:
            self.say(f"{error}; it joins again.")
        except Exception:
            log.exception("a fault in being a node, which joins again")
            self.say("A fault has taken this node out; it joins again.")
            faulty = True
        finally:
            self.engine.process.holds = never
            self.joined.clear()
            await self.duties.let_go()
        return faulty

    def say(self, failing: str) -> None:
        """Why this is no node now, "" if it is. Of one that stops it is known, and stays so."""
        if not self.retiring:
            self.engine.hear("cluster", "", "failing" if failing else None, failing)

    async def come_back(self) -> None:
        """Join again, as often as it takes. Raises NotJoined."""
        while True:
            try:
                await self.join()
                return
            except RegistryError as error:
                log.error("this node cannot join again, which is tried again: %s", error)
                await asyncio.sleep(TENDED_AGAIN_S_MAX)

    async def retire(self) -> None:
        """Take no more streams, and hand over all that there are to nodes that take them, as far as that comes to an end."""
        self.say("This node stops, and hands over its streams.")
        self.retiring = True
        draining = asyncio.create_task(self.member.drain())
        try:
            with suppress(RegistryError, TimeoutError):
                async with asyncio.timeout(DRAINED_S_MAX):
                    while not draining.done() and await self.is_followed():
                        await asyncio.wait({draining}, timeout=DRAINED_LOOK_S)
        finally:
            draining.cancel()
            await asyncio.gather(draining, return_exceptions=True)

    async def is_followed(self) -> bool:
        """Whether another node takes streams. Raises RegistryError."""
        nodes, there = await self.registry.nodes(), self.member.watch.there()
        others = [nodes[one] for one in there if one != self.name and one in nodes]
        return any(not one.draining and there[one.name] == one.incarnation for one in others)

    async def end(self) -> None:
        """Be a node no more: what is left is released before others may have it."""
        self.leaving = True
        for task in self.tasks[1:]:
            task.cancel()
        await self.engine.stop_following()
        await self.duties.let_go()
        self.member.leave()
        if self.tasks:
            # Where the registry does not answer, the lease ends by itself.
            await asyncio.wait(self.tasks[:1], timeout=LEAVES_S_MAX)
            self.tasks[0].cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.wishes.close()
        await self.duties.close()
        await self.places.close()
        await self.links.bus.close()

    # What it costs

    async def measure(self) -> None:
        """Say each second what this process and its streams cost, and look at streams that have stopped."""
        before: dict[str, int] = {}
        cpu_ns, since_ns = time.process_time_ns(), boottime_ns()
        while True:
            await asyncio.sleep(MEASURED_S)
            await self.joined.wait()
            cpu_before_ns, since_before_ns = cpu_ns, since_ns
            cpu_ns, since_ns = time.process_time_ns(), boottime_ns()
            busy = {stream: writer.busy_ns for stream, writer in self.engine.writers.items()}
            spent = {stream: max(ns - before.get(stream, 0), 0) for stream, ns in busy.items()}
            before = busy
            for stream, writer in list(self.engine.writers.items()):
                if writer.stopped == ELSEWHERE:
                    self.duties.look_again(stream)
            cpu_ppm = (cpu_ns - cpu_before_ns) * 10**6 // (since_ns - since_before_ns)
            try:
                loads = self.loads(spent, cpu_ns - cpu_before_ns, since_ns - since_before_ns)
                await self.member.measured(cpu_ppm, loads, conditions_said(self.engine.conditions.standing.values()))
                await self.owner.look_around()
            except RegistryError:
                # It is said already, or will be.
                continue
            except Exception:
                # Streams that have stopped are looked at nevertheless.
                log.exception("what this node costs cannot be said")

    def loads(self, spent_ns: Mapping[str, int], cpu_ns: int, passed_ns: int) -> dict[str, Load]:
        """What each stream costs, by how long its turns have taken: what comes after deciding is shared out likewise."""
        decided_ns = sum(spent_ns.values())
        times = min(WHOLE_OF_DECIDING, cpu_ns / decided_ns) if decided_ns else 0
        return {
            stream: Load(round(ns * times * 1e6 / passed_ns), self.owner.rows(stream))
            for stream, ns in spent_ns.items()
            if self.owner.owns(stream)
        }


async def require_alone(url: str) -> None:
    """No node shares this database: who owns every stream would take all from them. Raises NotJoined."""
    registry = PostgresRegistry(url, "alone")
    try:
        # A database that cannot be read, or is new, is the store's matter.
        with suppress(RegistryError, StoreError):
            if there := sorted(alive_in(await registry.look())):
                raise NotJoined(
                    f"This database is shared by nodes that are there: {', '.join(there)}. Remedy: let this process join them "
                    "(address of [cluster]), or stop them first."
                )
    finally:
        await registry.close()


@asynccontextmanager
async def joined(engine: Engine, local: Bus, settings: Settings) -> AsyncIterator[Joined]:
    """An engine of this process as a node, which begins when it is told to, and leaves at the end. local: the bus to that engine.

    Raises RegistryError, StoreError, OSError.
    """
    cluster = settings.cluster
    engine.process.leased, engine.process.holds = True, never
    registry = PostgresRegistry(settings.store.url, settings.engine.node)
    try:
        secret = await registry.secret(os.urandom(SECRET_BYTES))
        lesser = await registry.secret(os.urandom(SECRET_BYTES), "gateways")
        listener = LinkListener(local, engine.clock, os.urandom, secret, lesser)
        async with listen(cluster.listen or cluster.address, listener.protocol, cluster.tls):
            node = Joined(engine, registry, settings, local, secret)
            try:
                yield node
            finally:
                await node.end()
                listener.close()
    finally:
        await registry.close()
