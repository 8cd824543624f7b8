"""Processes: what engines and gateways have in common: a process of a simulated machine runs, stands still, or dies at any
moment, and other processes and clients are connected to it.

Rule: who dies does nothing any more, not even what it has begun: its connections are gone before anything of it can notice. Who
stands still notices nothing, and then goes on.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextvars import Context, copy_context
from hashlib import blake2b
from random import Random
from typing import Any, TypeVar

from runline.bus.link import LinkBus
from runline.bus.owner import LinkListener
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Clock
from runline.gateway.passwords import check_password, hash_password
from runline.gateway.server import Server
from runline.simulate.clocks import Machine
from runline.simulate.links import SECRET, CallerEnd, call
from runline.simulate.loop import OWNER, Owner, VirtualLoop
from runline.simulate.network import End, Pipe, Weather, connected

V = TypeVar("V")

ENDING_HOPS = 100
"""Rounds of the loop in which what a dead process has begun ends."""

QUIET_HOPS = 3
"""Rounds in which nothing of it goes on, after which nothing will."""

Leads = Callable[[], tuple["Process", LinkListener] | None]
"""Where a link leads to just now: a process, and what listens there; None if nobody is there."""


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


class Process(Owner):
    """A process. number: counts those of its kind that were started. up: whether it takes connections. stood_s: when it stood
    still last, by the loop. pipes: connections to it. calls: its ends of links to others; links: its buses over them."""

    secret = SECRET
    """What its links prove that they have."""

    def __init__(
        self, number: int, kind: str, clock: Clock, machine: Machine, vocabulary: Vocabulary, loop: VirtualLoop
    ) -> None:
        super().__init__()
        self.number = number
        self.clock = clock
        self.machine = machine
        self.vocabulary = vocabulary
        self.loop = loop
        self.entropy = Random(f"{kind} {number}").randbytes
        self.server: Server | None = None
        self.up = False
        self.stood_s = 0.0
        self.pipes: dict[Pipe, None] = {}
        self.calls: dict[CallerEnd, None] = {}
        self.links: list[LinkBus] = []
        self.context: Context = copy_context()
        self.context.run(OWNER.set, self)

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

    def link(self, leads: Leads, weather: Weather, told_time: Callable[[int], None] | None = None) -> LinkBus:
        """A bus to the streams of another process, which is looked for whenever there is no connection. To be called in this
        process (`context`)."""

        async def connect(make: Callable[[], asyncio.Protocol]) -> None:
            led = leads()
            if led is None or led[0] is self or not led[0].up:
                raise OSError("nobody is there")
            other, listener = led
            end, pipe = call(listener, make, weather, self.context, other.context)
            other.pipes[pipe] = None
            self.calls[end] = None

        bus = LinkBus(self.vocabulary, self.clock, self.entropy, self.secret, connect, told_time)
        self.links.append(bus)
        return bus

    def connect(self, end: End, weather: Weather, address: str) -> Pipe:
        """A client connects."""
        assert self.server is not None
        pipe = connected(self.server, end, weather, address, self.context)
        self.pipes[pipe] = None
        return pipe

    def lose_power(self) -> None:
        """Nothing is heard of it any more, and it does nothing."""
        self.go_on()
        self.dead, self.up = True, False
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
        for link in self.links:
            link.under_way.sent.clear()
            link.asked.clear()
        self.pipes, self.calls, self.links, self.server = {}, {}, [], None
