"""Clustered: nodes that share a database, in some runs: each has a lease, one of them assigns streams, and people come to any of
them, which leads to whoever owns their stream.

Rule: who is there, who owns what, and what is done about it is Runline's own. Here are the registry, which may be away, and the
machines, which count their time from other starts.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from runline.bootstrap import assemble
from runline.bus.link import LinkBus
from runline.bus.local import LocalBus
from runline.bus.owner import LinkListener
from runline.bus.routed import RoutedBus
from runline.cluster.duties import Duties
from runline.cluster.limits import DRAINED_S_MAX, MEASURED_S
from runline.cluster.member import LeaseLost, Member, NotJoined
from runline.cluster.memory import Kept, MemoryRegistry
from runline.cluster.places import Places
from runline.cluster.registry import Lease, Load, Node, RegistryError
from runline.cluster.sight import Sight
from runline.cluster.standing import Standing
from runline.cluster.status import conditions_said
from runline.cluster.wishes import Wishes
from runline.domain.messages import HOUSE
from runline.domain.queries.inside import COPY
from runline.engine.bus import Question
from runline.engine.commit import ELSEWHERE
from runline.engine.ports import Outside, StoreError
from runline.engine.process import never
from runline.engine.timekeeper import Timekeeper
from runline.gateway import health
from runline.gateway.server import make_server
from runline.owning import EngineOfNode
from runline.simulate.clocks import MachineClock
from runline.simulate.links import GATEWAYS_SECRET, SECRET
from runline.simulate.nodes import OWNER_NAME, Ears, listen
from runline.simulate.nodes import Node as Engined
from runline.simulate.processes import Process, QuickWorker

if TYPE_CHECKING:
    from runline.simulate.world import World

HOUR_NS = 3_600 * 10**9

COPIED_ROWS_MIN = 50
"""Streams are small here: from so many rows in memory on they have a copy at another node."""

AGAIN_S = 1.0
"""The pause before a node that could not start, or join, tries so again."""


class Registry(MemoryRegistry):
    """One node's view of the registry, which may be away for a while, or slow."""

    def __init__(self, cluster: "Cluster") -> None:
        super().__init__(cluster.kept)
        self.cluster = cluster

    async def reach(self) -> None:
        """Reach it. Raises RegistryError."""
        await asyncio.sleep(self.cluster.slow_s)
        world = self.cluster.world
        if world.loop.time() < self.cluster.away_until_s:
            world.excuses.registry_failed_s = world.loop.time()
            raise RegistryError("it is away")

    async def look(self) -> Any:
        await self.reach()
        return await super().look()

    async def renew(self, held: Sequence[Lease]) -> Any:
        await self.reach()
        found = await super().renew(held)
        # What is done may be told late, or never.
        await self.reach()
        return found

    async def take(self, name: str, holder: str, seen: Lease | None) -> Any:
        await self.reach()
        return await super().take(name, holder, seen)

    async def streams(self) -> Any:
        await self.reach()
        return await super().streams()

    async def nodes(self) -> Any:
        await self.reach()
        return await super().nodes()

    async def assign(self, *args: Any) -> Any:
        await self.reach()
        given = await super().assign(*args)
        await self.reach()
        return given

    async def taken(self, *args: Any) -> None:
        await self.reach()
        await super().taken(*args)

    async def measured(self, *args: Any) -> None:
        await self.reach()
        await super().measured(*args)

    async def move(self, *args: Any) -> bool:
        await self.reach()
        return await super().move(*args)

    async def pin(self, *args: Any) -> bool:
        await self.reach()
        return await super().pin(*args)

    async def drain(self, *args: Any, **named: Any) -> bool:
        await self.reach()
        return await super().drain(*args, **named)

    async def hand_over(self, *args: Any) -> bool:
        await self.reach()
        done = await super().hand_over(*args)
        await self.reach()
        return done


class Clustered(Engined):
    """A node of a cluster. registry: as it sees it. member: its part now; routed: the bus to all streams."""

    registry: Registry
    routed: RoutedBus
    places: Places
    member: Member
    duties: Duties
    owner: EngineOfNode
    wishes: Wishes

    def __init__(self, cluster: "Cluster", number: int, name: str) -> None:
        world = cluster.world
        super().__init__(number, name, world.disk, world.machine, world.vocabulary, world.loop, aside=True)
        self.cluster = cluster
        self.level = cluster.level_of_next(name)
        self.leaving = False
        self.living: list[asyncio.Task[None]] = []

    def boot_ns(self) -> int:
        """The machine's time since its start."""
        return self.machine.since_boot() + self.number * HOUR_NS

    async def run(self, ears: Ears) -> None:
        """Start, join, and be up. Raises StoreError, RegistryError, NotJoined."""
        self.disk.open_again()
        self.parts = parts = assemble(self.store, self.clock, self.entropy, self.vocabulary, self.name, founds=False)
        engine = parts.engine
        engine.process.leased, engine.process.holds = True, never
        listen(engine, ears, self.sinks)
        ears.pages.listen(parts)
        ears.excuses.listen(parts)
        assert isinstance(self.clock, MachineClock)
        timekeeper = Timekeeper(self.clock, engine.conditions)
        timekeeper.begin(max((head.at_ns for head in (await self.store.heads()).values()), default=0))
        self.keeping = self.loop.create_task(timekeeper.run(engine.wake))
        await engine.start([])
        local = LocalBus(*parts)
        self.registry = Registry(self.cluster)
        self.places = Places(
            self.registry,
            self.name,
            lambda stream: stream in engine.writers,
            lambda book: book in engine.view.books.by_name,
        )
        self.routed = RoutedBus(self.vocabulary, self.clock, self.entropy, local, self.places, self.link_to)
        owner = EngineOfNode(engine, OWNER_NAME, self.routed)
        self.duties = Duties(owner, self.registry, self)
        owner.opened = self.duties.opened
        self.wishes = Wishes(owner, self.registry, lambda: self.duties.owned_as(HOUSE))
        self.duties.took = lambda stream: self.wishes.look()
        sight = Sight(self.registry)
        owner.wanted, owner.taking, engine.process.cluster = self.wishes.look, sight.taking, sight.rows
        self.owner = owner
        self.listener = LinkListener(local, self.clock, self.entropy, SECRET)
        self.doors = LinkListener(self.routed, self.clock, self.entropy, gateways=GATEWAYS_SECRET)
        self.server = make_server(self.routed, Outside(self.clock, self.entropy, QuickWorker), reports=health.never)
        self.anew()
        await self.join()
        engine.follow_house(self.routed)
        standing = Standing(self.registry, self.duties, COPIED_ROWS_MIN)
        self.living = [self.loop.create_task(one) for one in (self.live(), self.look_after(), standing.run())]
        self.up = True

    def link_to(self, address: str) -> LinkBus:
        """A link to another node."""
        return self.link(lambda: self.cluster.where(address), self.cluster.world.weather)

    async def copied(self, node: str, stream: str) -> int:
        """Up to which position another node has a copy of a stream. Raises Rejected."""
        return (await self.routed.link(node).ask(Question(stream, COPY))).position

    def anew(self) -> None:
        """Another start of this node."""
        me = Node(self.name, 0, self.name, "1.0", level=self.level)
        self.member = Member(self.registry, me, self.duties, self.boot_ns)
        self.member.goes_by = self.engine.process.level.reach
        self.duties.member = self.member
        self.places.follow(self.member)

    async def join(self) -> None:
        """Be in. Raises NotJoined, RegistryError."""
        await self.member.join()
        self.engine.process.holds = self.member.guard.holds
        await self.registry.enroll([HOUSE])

    async def live(self) -> None:
        """Be in, and in again, until this leaves."""
        while True:
            try:
                with suppress(LeaseLost):
                    await self.member.run()
            finally:
                self.engine.process.holds = never
                await self.duties.let_go()
            if self.leaving:
                return
            self.anew()
            while True:
                try:
                    await self.join()
                    break
                except RegistryError:
                    await asyncio.sleep(AGAIN_S)
                except NotJoined as error:
                    self.cluster.world.tell(f"node {self.number}, {self.name}, ends: {error}")
                    self.cluster.is_left_behind(self)
                    return

    async def look_after(self) -> None:
        """Have streams taken anew that have stopped since somebody else has claimed them, say how large they are, and know which
        nodes there are."""
        while True:
            await asyncio.sleep(MEASURED_S)
            loads = {stream: Load(0, writer.state.held_rows) for stream, writer in self.engine.writers.items()}
            with suppress(RegistryError):
                await self.member.measured(0, loads, conditions_said(self.engine.conditions.standing.values()))
            for stream, writer in list(self.engine.writers.items()):
                if writer.stopped == ELSEWHERE:
                    self.duties.look_again(stream)
            with suppress(RegistryError):
                await self.owner.look_around()

    def start_stopped(self) -> None:
        """Whoever looks after the machine starts streams again that have stopped here, and are nobody else's."""
        for stream, writer in self.engine.writers.items():
            if writer.stopped and writer.stopped != ELSEWHERE:
                self.engine.owned.start_again(stream)

    async def stop(self) -> None:
        """Leave, and stop: streams go to others first, if there are any that take them."""
        assert self.server is not None
        assert self.parts is not None
        self.up = False
        with suppress(RegistryError, TimeoutError):
            async with asyncio.timeout(DRAINED_S_MAX):
                await self.member.drain()
        await self.server.gateway.close()
        await self.parts.engine.stop_following()
        self.leaving = True
        await self.duties.let_go()
        self.member.leave()
        for task in self.living[1:]:
            task.cancel()
        await asyncio.gather(*self.living, return_exceptions=True)
        await self.wishes.close()
        await self.duties.close()
        await self.places.close()
        await self.routed.close()
        await self.parts.hubs.close()
        self.parts.questions.close()
        await self.parts.engine.stop()

    async def bury(self) -> None:
        await super().bury()
        if hasattr(self, "routed"):
            await self.registry.close()
            # As of what waits in a process that has died (`HeardSink`).
            for way in self.routed.ways.values():
                way.under_way.clear()
                way.waiting.clear()
                way.of_sender.clear()


class Cluster:
    """The nodes of a run. kept: what the registry has. away_until_s: until when, by the loop, it does not answer. slow_s: how
    long it takes. nodes: by name, those that were started last."""

    def __init__(self, world: "World", nodes: int) -> None:
        self.world = world
        self.context = copy_context()
        self.kept = Kept()
        self.registry = MemoryRegistry(self.kept)
        self.away_until_s = 0.0
        self.slow_s = 0.0
        self.names = [f"n{number}" for number in range(1, nodes + 1)]
        self.nodes: dict[str, Clustered] = {}
        self.started: Counter[str] = Counter()

    def level_of_next(self, name: str) -> int:
        """Of which level a node is that starts: whoever starts again is of the next version, until all are."""
        self.started[name] += 1
        return 1 if self.started[name] == 1 else 2

    async def begin(self) -> None:
        """Start them all, and wait until the house has an owner, who has a password."""
        for name in self.names:
            await self.boot(name)

    async def boot(self, name: str) -> None:
        """Start a node, as often as it takes."""
        world = self.world
        while not world.over:
            world.started += 1
            node = self.nodes[name] = Clustered(self, world.started, name)
            world.nodes.append(node)
            node.start(world)
            assert node.starting is not None
            await asyncio.wait((node.starting,))
            if node.up:
                world.tell(f"node {node.number}, {name}, is up")
                return
            error = None if node.starting.cancelled() else node.starting.exception()
            world.tell(f"node {node.number}, {name}, cannot start: {error or 'the power has gone'}")
            if error is not None and not isinstance(error, StoreError | RegistryError | NotJoined):
                raise error
            await world.end(node)
            await asyncio.sleep(AGAIN_S)

    def is_left_behind(self, node: Clustered) -> None:
        """A node ends, since the others go by a level that it cannot read. Whoever looks after the machine is no part of it."""
        self.world.loop.call_soon(lambda: self.world.beside(self.replace(node)), context=self.context)

    async def replace(self, node: Clustered) -> None:
        """Its next version is started."""
        if node.dead or node.leaving:
            # Whoever has ended it starts it again.
            return
        node.up = False
        await self.world.end(node)
        if self.nodes[node.name] is node:
            await self.boot(node.name)

    def where(self, name: str) -> tuple[Process, LinkListener] | None:
        """Where a node listens."""
        node = self.nodes.get(name)
        return node.for_engines() if node is not None else None

    def at(self, address: str) -> Clustered | None:
        """To whom somebody comes from an address: to the next that is up."""
        first = int(address.rpartition(".")[2])
        for off in range(len(self.names)):
            node = self.nodes.get(self.names[(first + off) % len(self.names)])
            if node is not None and node.up:
                return node
        return None

    def owner(self, stream: str) -> Clustered | None:
        """Whose a stream is, by its head."""
        for node in self.nodes.values():
            if node.up and node.parts is not None:
                writer = node.engine.writers.get(stream)
                if writer is not None and self.world.disk.is_owned_at(stream, writer.head.epoch):
                    return node
        return None

    def is_well(self) -> bool:
        """Whether all nodes are in, and go by the level of the lowest, and each stream has an owner that takes commands."""
        if not all((node := self.nodes.get(name)) and node.up and node.engine.ready for name in self.names):
            return False
        if self.kept.level != min(self.nodes[name].level for name in self.names):
            return False
        owners = [(stream, self.owner(stream)) for stream in self.world.disk.kept.known_heads]
        return all(node is not None and not node.engine.writers[stream].stopped for stream, node in owners)
