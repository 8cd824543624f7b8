"""Nodes: a process, an engine with its gateway over a disk, which may stand still or die at any moment and is started again.

Rule: who dies does nothing any more, not even what it has begun: its disk and its connections are gone before anything of it can
notice. It starts as every process starts, from what was durable. Who stands still notices nothing, and then goes on.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from hashlib import blake2b
from random import Random
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from runline.bootstrap import Parts, assemble, begin
from runline.bus.link import LinkBus
from runline.bus.local import LocalBus
from runline.bus.owner import LinkListener
from runline.domain.aside import Duty
from runline.domain.messages import HOUSE, Command
from runline.domain.vocabulary import Vocabulary
from runline.engine.engine import Engine
from runline.engine.ports import Clock, Outside, StoreError
from runline.engine.requests import UNHEARD, Outcome, Request, Sink, Submission
from runline.engine.timekeeper import Timekeeper
from runline.engine.writer import Writer
from runline.gateway.passwords import check_password, hash_password
from runline.gateway.server import Server, make_server
from runline.simulate.blunders import Blunder
from runline.simulate.clocks import Machine, MachineClock, VirtualClock
from runline.simulate.disk import Disk, DiskStore
from runline.simulate.excuses import Came, Excuses
from runline.simulate.links import SECRET, CallerEnd, call
from runline.simulate.loop import OWNER, Owner, VirtualLoop
from runline.simulate.network import End, Pipe, Weather, connected
from runline.simulate.pages import Pages

V = TypeVar("V")

OWNER_NAME = "platform"
OWNER_PASSWORD = "platform's password"
ENDING_HOPS = 100
"""Rounds of the loop in which what a dead process has begun ends."""

QUIET_HOPS = 3
"""Rounds in which nothing of it goes on, after which nothing will."""


class WorkerHere:
    """Calls functions in this very process, at once."""

    def __init__(self, processes: int, *, silent_s_max: float | None = None) -> None:
        """As a worker is made; both are of no meaning here."""

    async def call(self, function: Callable[..., V], *args: object) -> V:
        return function(*args)

    def close(self) -> None:
        """There is nothing to end."""


class QuickWorker(WorkerHere):
    """The same, but a password's digest is made in no time at all: the real one takes 25 ms of everyone's."""

    async def call(self, function: Callable[..., V], *args: Any) -> V:
        await asyncio.sleep(0)
        if function is hash_password:
            return quick_digest(args[0], args[1])  # type: ignore[return-value]
        if function is check_password:
            return (args[0] == quick_digest(args[1], salt_of(args[0]))) is True  # type: ignore[return-value]
        return function(*args)


def quick_digest(password: str, salt: bytes) -> str:
    """A password's digest in the form that digests have."""
    digest = blake2b(password.encode(), digest_size=32, salt=salt[:16]).digest()
    return f"$argon2id$v=19$m=19456,t=2,p=1${salt.hex()}${b64encode(digest).decode().rstrip('=')}"


def salt_of(digest: str) -> bytes:
    """The salt that a digest was made with."""
    try:
        return bytes.fromhex(digest.split("$")[4])
    except (IndexError, ValueError):
        return b""


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


class Node(Owner):
    """A process. number: counts those that were started on a disk. name: the engine's in the log. up: whether it takes
    connections. stood_s: when it stood still last, by the loop. aside: whether it owns only what it is told to adopt, and follows
    the house by a link to whoever owns it. calls: its ends of such links. listener: to which other processes connect."""

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
        super().__init__()
        self.aside = aside
        self.number = number
        self.name = name
        self.disk = disk
        self.machine = machine
        self.vocabulary = vocabulary
        self.loop = loop
        self.entropy = Random(f"node {number}").randbytes
        self.store = DiskStore(disk)
        self.clock: Clock = MachineClock(machine)
        self.parts: Parts | None = None
        self.server: Server | None = None
        self.up = False
        self.stood_s = 0.0
        self.starting: asyncio.Task[None] | None = None
        self.keeping: asyncio.Task[None] | None = None
        self.pipes: dict[Pipe, None] = {}
        self.calls: dict[CallerEnd, None] = {}
        self.links: list[LinkBus] = []
        self.listener: LinkListener | None = None
        self.sinks: WeakSet[HeardSink] = WeakSet()
        self.context: Context = copy_context()
        self.context.run(OWNER.set, self)

    @property
    def engine(self) -> Any:
        """The engine, once it was made."""
        assert self.parts is not None
        return self.parts.engine

    def start(self, ears: Ears) -> None:
        """Begin to start."""
        self.starting = self.loop.create_task(self.run(ears), context=self.context)

    def soon(self, do: Callable[..., object], *args: object) -> None:
        """Something is done in this process, once it runs."""
        self.loop.call_soon(do, *args, context=self.context)

    def pause(self) -> None:
        """It does not run any more."""
        if not self.is_paused and not self.dead:
            self.loop.pause(self)

    def go_on(self) -> None:
        """It runs again."""
        if self.is_paused:
            self.stood_s = self.loop.time()
            self.loop.go_on(self)

    @property
    def is_paused(self) -> bool:
        """Whether it stands still."""
        return self.held is not None

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
        self.server = make_server(bus, Outside(self.clock, self.entropy, QuickWorker))
        if self.aside:
            self.up = True
            return
        signing = self.server.gateway.signing
        if not await signing.has_password(HOUSE, OWNER_NAME):
            await signing.set_first_password(HOUSE, OWNER_NAME, OWNER_PASSWORD)
        self.up = True

    def link(self, leads: Callable[[], "Node | None"], weather: Weather) -> LinkBus:
        """A bus to the streams of another process, which is looked for whenever there is no connection. To be called in this
        process (`context`)."""

        async def connect(make: Callable[[], asyncio.Protocol]) -> None:
            other = leads()
            if other is None or other is self or other.listener is None or not other.up:
                raise OSError("nobody is there")
            end, pipe = call(other.listener, make, weather, self.context, other.context)
            other.pipes[pipe] = None
            self.calls[end] = None

        bus = LinkBus(self.vocabulary, self.clock, self.entropy, SECRET, connect)
        self.links.append(bus)
        return bus

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

    def connect(self, end: End, weather: Weather, address: str) -> Pipe:
        """A client connects."""
        assert self.server is not None
        pipe = connected(self.server, end, weather, address, self.context)
        self.pipes[pipe] = None
        return pipe

    async def stop(self) -> None:
        """Stop as a server stops that is told to: what was taken becomes durable."""
        assert self.server is not None
        assert self.parts is not None
        self.up = False
        await self.server.gateway.close()
        await self.parts.engine.stop_following()
        for link in self.links:
            await link.close()
        await self.parts.hubs.close()
        self.parts.questions.close()
        await self.parts.engine.stop()

    def die(self, torn: Callable[[int], int]) -> None:
        """The power goes. torn: see `DiskStore`."""
        if self.dead:
            return
        self.go_on()
        self.dead, self.up = True, False
        self.store.lose_power(torn)
        for pipe in self.pipes:
            pipe.die()
        for end in self.calls:
            end.close()
        self.loop.forget_timers_of(self)
        self.end_all()

    async def bury(self) -> None:
        """What it had begun ends, unheard."""
        quiet = 0
        for _ in range(ENDING_HOPS):
            await asyncio.sleep(0)
            quiet = 0 if self.tasks else quiet + 1
            if quiet > QUIET_HOPS:
                break
            self.end_all()
        self.loop.forget_timers_of(self)
        if self.server is not None:
            for connection in list(self.server.server_state.connections):
                connection.connection_lost(None)
        for sink in list(self.sinks):
            sink.forget()
        for link in self.links:
            link.under_way.sent.clear()
        self.pipes, self.calls, self.links, self.listener = {}, {}, [], None
        self.parts = self.server = None
