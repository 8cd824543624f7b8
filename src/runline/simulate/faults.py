"""Faults: everything that goes wrong in a run, and comes right again.

Rule: each run has its own faults: some kinds of them, now and then, so that each kind is met with and without the others. When a
run ends, everything comes right, and then everything must go on.
"""

import asyncio
from collections.abc import Callable

from runline.engine.ports import StoreError
from runline.simulate.disk import Fate
from runline.simulate.nodes import Node
from runline.simulate.world import World

SECOND_NS = 10**9

HOPS_MAX = 40
PLACES_MAX = 12
PAUSES_S = (0.0, 0.05, 1.0, 20.0)
STOPPING_S_MAX = 60.0
"""How long a process may take to stop where the disk is there."""

AWAY_S = (0.5, 5.0, 60.0)
SLOW_S = (0.0, 0.001, 0.005, 0.05)
STEPS_NS = (SECOND_NS, -SECOND_NS, 90 * SECOND_NS, -90 * SECOND_NS, 3_600 * SECOND_NS, -3_600 * SECOND_NS)
DRIFTS_PPM = (100, -100, 500, -500, 50_000)


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
            "write failed": self.write_fails,
            "write slow": self.writes_are_slow,
            "answer of a write lost": self.write_is_lost,
            "row refused": self.row_is_refused,
            "store away": self.store_is_away,
            "memory dropped": self.memory_is_dropped,
            "stream claimed by another": self.stream_is_claimed,
            "connection cut": self.connection_is_cut,
            "connections half open": self.connection_is_half_open,
            "network slow": self.network_is_slow,
            "network in pieces": self.network_in_pieces,
            "clock stepped": self.clock_steps,
            "clock drifts": self.clock_drifts,
        }
        self.every = every
        self.kinds: list[str] = []

    def choose(self) -> None:
        """Which kinds this run has: plainly, none."""
        self.kinds = [kind for kind in self.every if self.decisions.rarely(2)]
        self.slow_s = self.decisions.one(SLOW_S)
        self.world.disk.weather = self.weather
        self.world.tell(f"this run has: {', '.join(self.kinds) or 'no faults'}")

    def happen(self) -> None:
        """Something goes wrong."""
        if not self.kinds:
            return
        kind = self.decisions.one(self.kinds)
        self.world.coverage.faults[kind] += 1
        self.world.step("fault")
        self.world.tell(f"FAULT {kind}")
        self.world.trouble_s = self.world.loop.time()
        self.every[kind]()

    def weather(self) -> tuple[float, Fate]:
        """How the next write goes."""
        fate = self.coming.pop(0) if self.coming else "written"
        return self.slow_s, fate

    # The process

    def crash(self) -> None:
        """The power goes at a moment to come, wherever everyone is then."""
        hops, place = self.decisions.draw(HOPS_MAX), self.decisions.draw(PLACES_MAX)
        self.world.loop.after_hops(hops, place, self.power_goes)

    def power_goes(self) -> None:
        world = self.world
        node = world.node
        if node is None or not node.up or world.over:
            return
        world.node = None
        pause_s = self.decisions.one(PAUSES_S)
        node.die(self.decisions.draw)
        world.tell(f"the power goes; it comes back after {pause_s} s")
        world.beside(self.comes_back(node, pause_s))

    async def comes_back(self, node: Node, pause_s: float) -> None:
        await node.bury()
        await asyncio.sleep(pause_s)
        await self.world.up()
        self.world.check_in_full(started=True)

    def stop(self) -> None:
        """Somebody stops the process, and starts it again."""
        node = self.world.node
        if node is not None and node.up:
            self.world.beside(self.starts_anew(node))

    async def starts_anew(self, node: Node) -> None:
        stopping = self.world.loop.create_task(node.stop(), context=node.context)
        done, _ = await asyncio.wait((stopping,), timeout=STOPPING_S_MAX)
        error = stopping.exception() if done and not stopping.cancelled() else None
        if error is not None and not isinstance(error, StoreError):
            self.world.wrong(f"the process cannot stop: {type(error).__name__}: {error}", error)
        if self.world.node is not node:
            return
        if not done and self.world.loop.time() > self.world.disk.away_until_s + STOPPING_S_MAX:
            self.world.wrong(f"the process has not stopped after {STOPPING_S_MAX} s")
        self.world.node = None
        node.die(self.decisions.draw)
        self.world.tell("the process has stopped")
        await self.comes_back(node, 0.0)

    # The disk

    def write_fails(self) -> None:
        self.coming += ["failed"] * (1 + self.decisions.draw(4))

    def writes_are_slow(self) -> None:
        self.slow_s = self.decisions.one((0.2, 1.0, 3.0))
        self.later(self.decisions.one(AWAY_S), self.writes_are_quick)

    def writes_are_quick(self) -> None:
        self.slow_s = 0.0

    def write_is_lost(self) -> None:
        self.coming.append(self.decisions.one(("lost after", "lost before")))

    def row_is_refused(self) -> None:
        self.coming.append("row")
        self.later(self.decisions.one(PAUSES_S) + 1.0, self.start_stopped)

    def store_is_away(self) -> None:
        self.world.disk.away_until_s = self.world.loop.time() + self.decisions.one(AWAY_S)

    def memory_is_dropped(self) -> None:
        node = self.world.node
        if node is not None and node.up:
            node.context.run(node.engine.owned.doubt_all, "somebody doubts it")

    def stream_is_claimed(self) -> None:
        """Somebody else claims a stream, and does nothing with it."""
        heads = self.world.disk.kept.known_heads
        stream = self.decisions.one(list(heads))
        self.world.disk.claimed(stream)
        self.later(self.decisions.one(PAUSES_S) + 1.0, self.start_stopped)

    def start_stopped(self) -> None:
        """Whoever looks after the machine has stopped streams start again."""
        node = self.world.node
        if node is not None and node.up:
            node.context.run(node.engine.start_stopped)

    # The network

    def connection_is_cut(self) -> None:
        node = self.world.node
        pipes = [pipe for pipe in node.pipes if not pipe.ended] if node is not None else []
        if pipes:
            self.decisions.one(pipes).cut()

    def connection_is_half_open(self) -> None:
        """One side is not heard any more by the other; whoever waits for an answer hangs up after a while."""
        people = [one for one in self.world.people if one.conversation is not None and one.conversation.open]
        if not people:
            return
        person = self.decisions.one(people)
        pipe = person.conversation.pipe if person.conversation is not None else None
        assert pipe is not None
        if self.decisions.draw(2):
            pipe.mute = True
        else:
            pipe.deaf = True
        self.later(10.0, person.hang_up)

    def network_is_slow(self) -> None:
        self.world.weather.delay_s = self.decisions.one((0.003, 0.05, 0.5))
        self.later(self.decisions.one(AWAY_S), self.network_is_well)

    def network_in_pieces(self) -> None:
        self.world.weather.pieces = self.decisions.one((1_000, 100, 7))
        self.later(self.decisions.one(AWAY_S), self.network_is_well)

    def network_is_well(self) -> None:
        self.world.weather.delay_s = 0.0
        self.world.weather.pieces = 0

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
        """Nothing goes wrong any more."""
        self.kinds, self.coming = [], []
        self.writes_are_quick()
        self.network_is_well()
        self.world.machine.put_right()
        self.world.disk.away_until_s = 0.0
        self.start_stopped()
        self.later(5.0, self.start_stopped)
