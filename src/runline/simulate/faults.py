"""Faults: everything that goes wrong in a run, and comes right again.

Rule: each run has its own faults: some kinds of them, now and then, so that each kind is met with and without the others. When a
run ends, everything comes right, and then everything must go on.
"""

import asyncio
from collections.abc import Callable

from runline.domain.messages import HOUSE
from runline.engine.ports import StoreError
from runline.simulate.blunders import Failing, blunder, mend, owed
from runline.simulate.cluster_faults import ALSO, ClusterFaults
from runline.simulate.disk import Fate
from runline.simulate.far_faults import AWAY_S, FarFaults
from runline.simulate.moving import adopts, follow_house, hands_over, stands_by, takes_back
from runline.simulate.nodes import Node
from runline.simulate.world import World

SECOND_NS = 10**9
HOUR_NS = 3_600 * SECOND_NS

HOPS_MAX = 40
PLACES_MAX = 12
PAUSES_S = (0.0, 0.05, 1.0, 20.0)
STILL_S = (0.05, 1.0, 5.0, 30.0)
BESIDE_S = (0.0, 0.5, 5.0, 30.0)
"""How long a process goes on that another one has taken over from."""

FOLLOWED_S = (0.0, 0.5, 5.0)
"""How long a process has followed a book before it takes it."""

ADOPTED_S = (0.5, 5.0, 30.0, 60.0)
STOPPING_S_MAX = 60.0
"""How long a process may take to stop where the disk is there."""

LONG_H = (1, 13, 50, 24 * 32)
FAILS_S = (20.0, 150.0, 300.0)
SLOW_S = (0.0, 0.001, 0.005, 0.05)
STEPS_NS = (SECOND_NS, -SECOND_NS, 90 * SECOND_NS, -90 * SECOND_NS, 3_600 * SECOND_NS, -3_600 * SECOND_NS)
DRIFTS_PPM = (100, -100, 500, -500, 50_000)


def nothing() -> None:
    """Nothing goes wrong."""


class Faults:
    """What goes wrong in a world. kinds: those of this run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.decisions = world.decisions
        self.coming: list[Fate] = []
        self.slow_s = 0.0
        every: dict[str, Callable[[], None]] = {
            "crash": self.crash,
            "stopped and started": self.stop,
            "process paused": self.process_is_paused,
            "taken over": self.process_is_taken_over,
            "stream adopted by another": self.stream_is_adopted,
            "write failed": self.write_fails,
            "write slow": self.writes_are_slow,
            "answer of a write lost": self.write_is_lost,
            "answer of a claim lost": self.claim_is_lost,
            "row refused": self.row_is_refused,
            "store away": self.store_is_away,
            "memory dropped": self.memory_is_dropped,
            "stream claimed by another": self.stream_is_claimed,
            "machine off for long": self.is_off_for_long,
            "fault of the program": self.program_fails,
            "work fails again and again": self.work_fails,
            "clock stepped": self.clock_steps,
            "clock drifts": self.clock_drifts,
        }
        self.far = FarFaults(self)
        self.of_cluster = ClusterFaults(self)
        self.every = {**every, **self.far.network, **self.far.links, **self.far.gateways, **self.of_cluster.every}
        world.coverage.kinds.update(dict.fromkeys(self.every))
        self.failing = Failing(world.vocabulary)
        self.kinds: list[str] = []
        self.over = False

    def choose(self) -> None:
        """Which kinds this run has: plainly, none."""
        self.kinds = [kind for kind in self.every if self.decisions.rarely(2) and self.can_come(kind)]
        self.slow_s = self.decisions.one(SLOW_S)
        self.world.disk.weather = self.weather
        self.world.tell(f"this run has: {', '.join(self.kinds) or 'no faults'}")

    def can_come(self, kind: str) -> bool:
        """Whether there is anything in this run that goes wrong so."""
        if self.world.cluster is not None:
            return kind in ALSO or kind in self.of_cluster.every
        return kind not in self.of_cluster.every and (bool(self.world.gateways.kept) or kind not in self.far.gateways)

    def happen(self) -> None:
        """Something goes wrong."""
        if not self.kinds:
            return
        kind = self.decisions.one(self.kinds)
        self.world.coverage.fault(kind, self.world.loop.time())
        self.world.step("fault")
        self.world.tell(f"FAULT {kind}")
        self.every[kind]()

    def weather(self) -> tuple[float, Fate]:
        """How the next write goes."""
        fate = self.coming.pop(0) if self.coming else "written"
        if fate == "row":
            # The stream stops now, however long ago that was decided.
            self.later(self.decisions.one(PAUSES_S) + 1.0, self.start_stopped)
        return self.slow_s, fate

    # The processes

    def crash(self) -> None:
        """The power goes at a moment to come, wherever everyone is then."""
        hops, place = self.decisions.draw(HOPS_MAX), self.decisions.draw(PLACES_MAX)
        self.world.loop.after_hops(hops, place, self.power_goes)

    def power_goes(self) -> None:
        world = self.world
        if not world.nodes or world.over:
            return
        node = self.decisions.one(world.nodes)
        pause_s = self.decisions.one(PAUSES_S)
        was_starting = node.starting is not None and not node.starting.done()
        node.die(self.decisions.draw)
        world.tell(f"the power goes for process {node.number}; it comes back after {pause_s} s")
        if not was_starting:
            world.beside(self.comes_back(node, pause_s))

    async def comes_back(self, node: Node, pause_s: float) -> None:
        """A process has died; another is started, if it was the only one."""
        world = self.world
        await world.end(node)
        await asyncio.sleep(pause_s)
        if world.node is None and not world.starting:
            await world.up(node.name)
            world.check_in_full(started=True)

    def process_is_paused(self) -> None:
        """A process does not run for a while, from a moment to come, and notices nothing of it."""
        self.world.loop.after_hops(self.decisions.draw(HOPS_MAX), 0, self.stands_still)

    def stands_still(self) -> None:
        world = self.world
        nodes = [node for node in world.nodes if not node.is_paused]
        if nodes and not self.over:
            self.stand_still(self.decisions.one(nodes))

    def stand_still(self, node: Node) -> None:
        still_s = self.decisions.one(STILL_S)
        self.world.tell(f"process {node.number} stands still for {still_s} s")
        node.pause()
        self.later(still_s, node.go_on)

    def stop(self) -> None:
        """Somebody stops the process, and starts it again."""
        node = self.world.node
        if node is not None and node.up:
            self.world.beside(self.starts_anew(node))

    async def starts_anew(self, node: Node) -> None:
        if await self.stops(node):
            await self.comes_back(node, 0.0)

    async def stops(self, node: Node) -> bool:
        """A process is told to stop. Returns whether nothing else has ended it."""
        world, began_s = self.world, self.world.loop.time()
        stopping = world.loop.create_task(node.stop(), context=node.context)
        done, _ = await asyncio.wait((stopping,), timeout=STOPPING_S_MAX)
        error = stopping.exception() if done and not stopping.cancelled() else None
        if error is not None and not isinstance(error, StoreError) and not world.may_be_planted(error):
            world.wrong(f"the process cannot stop: {type(error).__name__}: {error}", error)
        if node.dead:
            return False
        ran = not node.is_paused and node.stood_s < began_s
        if not done and ran and world.loop.time() > world.disk.away_until_s + STOPPING_S_MAX:
            world.wrong(f"the process has not stopped after {STOPPING_S_MAX} s")
        node.die(self.decisions.draw)
        world.tell(f"process {node.number} has stopped")
        return True

    def process_is_taken_over(self) -> None:
        """Somebody starts another process, which takes all streams, while the first one runs or stands still."""
        world = self.world
        node = world.node
        if node is None or not node.up or world.starting:
            return
        if self.decisions.draw(2):
            self.stand_still(node)
        world.beside(self.takes_over(node))

    async def takes_over(self, old: Node) -> None:
        world = self.world
        await world.up("n2" if old.name == "n1" else "n1")
        world.check_in_full(started=True)
        if old.dead:
            return
        self.leave(old)
        if not self.over:
            await asyncio.sleep(self.decisions.one(BESIDE_S))
        if self.over or self.decisions.draw(2) or await self.stops(old):
            await world.end(old)

    def leave(self, node: Node) -> None:
        """Who is connected to a process finds out, goes elsewhere without a word, or stays."""
        for pipe in list(node.pipes):
            if not pipe.ended:
                self.decisions.one((pipe.cut, pipe.forsake, nothing))()

    def stream_is_adopted(self) -> None:
        """Another process adopts a book, whose owner is not told, and goes on with it for a while."""
        world = self.world
        node = world.node
        if node is None or not node.up or world.starting or world.nodes != [node]:
            return
        books = [stream for stream in node.engine.writers if stream != HOUSE]
        if books:
            world.beside(self.adopts(node, self.decisions.one(books)))

    async def adopts(self, owner: Node, book: str) -> None:
        world = self.world
        other, _ = await world.boot("n3", aside=True)
        if not other.up:
            return
        follow_house(world, other)
        how = self.decisions.one(("adopts", "has followed, and adopts", "is handed"))
        if how != "adopts":
            await asyncio.sleep(self.decisions.one(FOLLOWED_S))
            await stands_by(world, other, owner, book, self.decisions.one(FOLLOWED_S))
        if await (hands_over(world, owner, other, book) if how == "is handed" else adopts(world, other, book)):
            world.tell(f"process {other.number} {how} {book}")
            if not self.over:
                world.serving[book] = other
                self.leave(owner)
                await asyncio.sleep(self.decisions.one(ADOPTED_S))
        node = world.node
        if how == "is handed" and node is not None and self.decisions.draw(2):
            await stands_by(world, node, other, book, self.decisions.one(FOLLOWED_S))
            if await hands_over(world, other, node, book):
                world.tell(f"process {node.number} is handed {book} back")
                world.serving.pop(book, None)
        if self.over or self.decisions.draw(2) or await self.stops(other):
            await world.end(other)
        node = world.node
        if node is not None and node.up:
            await takes_back(world, node, book)

    def is_off_for_long(self) -> None:
        """The power goes for all, and comes back after hours or weeks."""
        world = self.world
        node = world.node
        alone = node is not None and node.up and world.nodes == [node] and not world.starting
        if node is not None and alone and self.decisions.draw(4) == 0:
            node.die(self.decisions.draw)
            self.far.power_goes()
            world.beside(self.comes_back_late(node))

    async def comes_back_late(self, node: Node) -> None:
        hours = self.decisions.one(LONG_H)
        await self.world.end(node)
        self.world.loop.passing.passed_ns += hours * HOUR_NS
        self.world.tell(f"the power comes back after {hours} hours")
        await self.comes_back(node, 0.0)

    def program_fails(self) -> None:
        """Something in the program fails, once."""
        node = self.world.node
        if node is not None and node.up:
            self.world.tell(f"{blunder(node.engine, self.decisions, self.world.blundered)} is to fail")
            self.later(self.decisions.one(PAUSES_S) + 1.0, self.start_stopped)

    def work_fails(self) -> None:
        """Work of some kind that a stream owes cannot be done, for a while."""
        kind = self.decisions.one(owed(self.world.vocabulary))
        self.world.tell(f"{kind.__name__} cannot be decided")
        self.failing.begin(kind)
        self.later(self.decisions.one(FAILS_S), lambda: self.failing.end(kind))

    # The disk

    def write_fails(self) -> None:
        self.coming += ["failed"] * (1 + self.decisions.draw(4))

    def writes_are_slow(self) -> None:
        self.slow_s = self.decisions.one((0.2, 1.0, 3.0))
        self.later(self.decisions.one(AWAY_S), self.writes_are_quick)

    def writes_are_quick(self) -> None:
        self.slow_s = 0.0

    def write_is_lost(self) -> None:
        self.coming.append(self.decisions.one(("lost after", "lost before", "late")))

    def claim_is_lost(self) -> None:
        self.world.disk.claims.append(self.decisions.one(("lost after", "lost before")))

    def row_is_refused(self) -> None:
        self.coming.append("row")

    def store_is_away(self) -> None:
        self.world.disk.away_until_s = self.world.loop.time() + self.decisions.one(AWAY_S)

    def memory_is_dropped(self) -> None:
        nodes = [node for node in self.world.nodes if node.up]
        if nodes:
            node = self.decisions.one(nodes)
            node.soon(node.engine.owned.doubt_all, "somebody doubts it")

    def stream_is_claimed(self) -> None:
        """Somebody else claims a stream, and does nothing with it."""
        heads = self.world.disk.kept.known_heads
        stream = self.decisions.one(list(heads))
        self.world.disk.claimed(stream)
        self.later(self.decisions.one(PAUSES_S) + 1.0, self.start_stopped)

    def claims_are_noticed(self) -> None:
        """A process learns that a stream was claimed by another when it commits next, which may be long after."""
        for node in self.world.nodes:
            if (node is not self.world.node and self.world.cluster is None) or not node.up:
                continue
            for stream, writer in node.engine.writers.items():
                if not self.world.disk.is_owned_at(stream, writer.head.epoch):
                    node.soon(node.engine.owned.doubt, writer, "somebody has claimed it")

    def start_stopped(self) -> None:
        """Whoever looks after the machine has stopped streams start again."""
        if self.world.cluster is not None:
            self.of_cluster.start_stopped()
            return
        node = self.world.node
        if node is not None and node.up:
            node.soon(node.engine.start_stopped)

    # The clocks

    def clock_steps(self) -> None:
        self.world.machine.step(self.decisions.one(STEPS_NS))
        self.later(self.decisions.one(AWAY_S), self.world.machine.put_right)

    def clock_drifts(self) -> None:
        self.world.machine.drift(self.decisions.one(DRIFTS_PPM))
        self.later(self.decisions.one(AWAY_S), self.world.machine.put_right)

    # The end

    def later(self, after_s: float, do: Callable[[], object]) -> None:
        """Something comes right after a while."""
        self.world.loop.call_later(after_s, do)

    def end(self) -> None:
        """Nothing goes wrong any more: one process is left, which runs."""
        self.over = True
        self.kinds, self.coming, self.world.disk.claims = [], [], []
        self.failing.end()
        for node in list(self.world.nodes):
            node.go_on()
            if node.parts is not None:
                mend(node.engine)
            if self.world.cluster is None and self.world.node is not None and node.up and node is not self.world.node:
                self.world.beside(self.world.end(node))
        for gateway in self.world.gateways.kept.values():
            gateway.go_on()
        if self.world.cluster is not None:
            self.of_cluster.end()
        self.writes_are_quick()
        self.far.network_is_well()
        self.world.machine.put_right()
        self.world.disk.away_until_s = 0.0
        self.claims_are_noticed()
        self.start_stopped()
        self.later(5.0, self.start_stopped)
