"""Nodes: a process, an engine with its gateway over a disk, which may stand still or die at any moment and is started again.

Rule: who dies does nothing any more, not even what it has begun: its disk and its connections are gone before anything of it can
notice. It starts as every process starts, from what was durable. Who stands still notices nothing, and then goes on.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol
from weakref import WeakSet

from runline.bootstrap import Parts, assemble, begin
from runline.bus.local import LocalBus
from runline.bus.owner import LinkListener
from runline.domain.aside import Duty
from runline.domain.messages import HOUSE, Command
from runline.domain.vocabulary import Vocabulary
from runline.engine.engine import Engine
from runline.engine.ports import Outside, StoreError
from runline.engine.requests import UNHEARD, Outcome, Request, Sink, Submission
from runline.engine.timekeeper import Timekeeper
from runline.engine.writer import Writer
from runline.gateway.server import make_server
from runline.simulate.blunders import Blunder
from runline.simulate.clocks import Machine, MachineClock, VirtualClock
from runline.simulate.disk import Disk, DiskStore
from runline.simulate.excuses import Came, Excuses
from runline.simulate.links import GATEWAYS_SECRET, SECRET
from runline.simulate.loop import VirtualLoop
from runline.simulate.pages import Pages
from runline.simulate.processes import Process, QuickWorker, WorkerHere

OWNER_NAME = "platform"
OWNER_PASSWORD = "platform's password"


def virtual_outside(clock: VirtualClock, seed: int) -> Outside:
    """What a server has from outside where nothing is left to chance."""
    return Outside(clock, Random(seed).randbytes, WorkerHere)


class Ears(Protocol):
    """Who listens to what goes through a process. pages: to what is asked. excuses: to what it is refused for."""

    pages: Pages
    excuses: Excuses

    def asked(self, request: Request) -> None:
        """A command is on its way to its stream."""
        ...

    def caused(self, request: Request) -> None:
        """A command of the engine itself is on its way to its stream: a timer was due, or a job or a result goes on."""
        ...

    def hear(self, request: Request, came: Came, outcome: Outcome) -> None:
        """An outcome is given."""
        ...


class HeardSink(Sink):
    """A sink beside which somebody listens. came: how it was as each request came, None for one that is only passed on: of that
    is heard where it is executed."""

    def __init__(self, sink: Sink, requests: Sequence[Request], ears: Ears, came: Sequence[Came | None]) -> None:
        self.sink = sink
        self.requests = requests
        self.ears: Ears | None = ears
        self.came = came

    def answer(self, index: int, outcome: Outcome) -> None:
        came = self.came[index]
        if came is not None and self.ears is not None:
            self.ears.hear(self.requests[index], came, outcome)
        self.sink.answer(index, outcome)

    def forget(self) -> None:
        """Nothing is heard any more. (Requests that wait are walked over by no collector: what a dead process has under way would
        keep all that it has known.)"""
        self.sink, self.ears, self.came = UNHEARD, None, [None] * len(self.came)


def listen(engine: Engine, ears: Ears, sinks: "WeakSet[HeardSink]") -> None:
    """Listen to all that comes to an engine's streams, from outside and from itself. sinks: takes those that are listened at."""
    queues = engine.queues
    submit, own = queues.submit, queues.own

    def heard_submit(requests: Sequence[Request], sink: Sink) -> None:
        now = (engine.view.seq, engine.clock.now_ns(), asyncio.get_running_loop().time())
        came: list[Came | None] = []
        for request in requests:
            writer = engine.writers.get(request.stream)
            if writer is None and request.stream in queues.moved:
                came.append(None)
            else:
                ears.asked(request)
                came.append(Came(*now, writer))
        heard = HeardSink(sink, requests, ears, came)
        sinks.add(heard)
        submit(requests, heard)

    def heard_own(writer: Writer, command: Command, duty: Duty | None = None) -> Submission:
        submission = own(writer, command, duty)
        ears.caused(submission.request)
        return submission

    engine.submit = queues.submit = heard_submit  # type: ignore[method-assign]
    queues.own = heard_own  # type: ignore[method-assign]


class Node(Process):
    """A process with an engine. number: counts those that were started on a disk. name: the engine's in the log. aside: whether
    it owns only what it is told to adopt, and follows the house by a link to whoever owns it. listener: to which other engines
    connect; doors: to which gateways do."""

    def __init__(
        self,
        number: int,
        name: str,
        disk: Disk,
        machine: Machine,
        vocabulary: Vocabulary,
        loop: VirtualLoop,
        *,
        aside: bool = False,
    ) -> None:
        super().__init__(number, "node", MachineClock(machine), machine, vocabulary, loop)
        self.aside = aside
        self.name = name
        self.disk = disk
        self.store = DiskStore(disk)
        self.parts: Parts | None = None
        self.starting: asyncio.Task[None] | None = None
        self.keeping: asyncio.Task[None] | None = None
        self.listener: LinkListener | None = None
        self.doors: LinkListener | None = None
        self.sinks: WeakSet[HeardSink] = WeakSet()

    @property
    def engine(self) -> Any:
        """The engine, once it was made."""
        assert self.parts is not None
        return self.parts.engine

    def start(self, ears: Ears) -> None:
        """Begin to start."""
        self.starting = self.loop.create_task(self.run(ears), context=self.context)

    async def run(self, ears: Ears) -> None:
        """Start, and be up. Raises StoreError."""
        self.disk.open_again()
        self.parts = parts = assemble(
            self.store, self.clock, self.entropy, self.vocabulary, self.name, founds=not self.aside
        )
        listen(parts.engine, ears, self.sinks)
        ears.pages.listen(parts)
        ears.excuses.listen(parts)
        assert isinstance(self.clock, MachineClock)
        timekeeper = Timekeeper(self.clock, parts.engine.conditions)
        timekeeper.begin(max((head.at_ns for head in (await self.store.heads()).values()), default=0))
        self.keeping = self.loop.create_task(timekeeper.run(parts.engine.wake))
        if self.aside:
            await parts.engine.start([])
        else:
            await begin(parts.engine, OWNER_NAME)
        bus = LocalBus(*parts)
        self.listener = LinkListener(bus, self.clock, self.entropy, SECRET)
        self.doors = LinkListener(bus, self.clock, self.entropy, gateways=GATEWAYS_SECRET)
        self.server = make_server(bus, Outside(self.clock, self.entropy, QuickWorker))
        if self.aside:
            self.up = True
            return
        signing = self.server.gateway.signing
        if not await signing.has_password(HOUSE, OWNER_NAME):
            await signing.set_first_password(HOUSE, OWNER_NAME, OWNER_PASSWORD)
        self.up = True

    def for_engines(self) -> tuple[Process, LinkListener] | None:
        """Where other engines connect to."""
        return (self, self.listener) if self.listener is not None else None

    def for_gateways(self) -> tuple[Process, LinkListener] | None:
        """Where gateways do."""
        return (self, self.doors) if self.doors is not None else None

    async def takes_back(self, stream: str) -> None:
        """Own a stream that another has adopted, whether that was noticed or not."""
        engine = self.engine
        writer = engine.writers.get(stream)
        if writer is not None and writer.stopped:
            engine.owned.start_again(stream)
            return
        await engine.release(stream)
        while True:
            try:
                await engine.adopt(stream)
            except (StoreError, Blunder):
                await asyncio.sleep(1.0)
            else:
                return

    async def stop(self) -> None:
        """Stop as a server stops that is told to: what was taken becomes durable."""
        assert self.server is not None
        assert self.parts is not None
        self.up = False
        await self.server.gateway.close()
        await self.parts.engine.stop_following()
        for link in self.links:
            await link.close()
        assert self.doors is not None
        self.doors.close()
        await self.parts.hubs.close()
        self.parts.questions.close()
        await self.parts.engine.stop()

    def die(self, torn: Callable[[int], int]) -> None:
        """The power goes. torn: see `DiskStore`."""
        if not self.dead:
            self.go_on()
            self.store.lose_power(torn)
            self.lose_power()

    async def bury(self) -> None:
        await super().bury()
        for sink in list(self.sinks):
            sink.forget()
        self.parts = self.listener = self.doors = None
