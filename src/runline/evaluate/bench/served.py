"""Served: a real `runline serve` in a process of its own, and bare clients that cost the measuring side little."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from runline.bootstrap import open_store, running_engine
from runline.client import AsyncClient
from runline.config import StoreSettings
from runline.domain.nodes import ROOT
from runline.domain.permissions import VIEW_ONLY
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.evaluate.bench.load import BOOK, OWNER, Bettors, set_up
from runline.gateway.door import Door
from runline.gateway.passwords import Passwords
from runline.gateway.signing import Signing
from runline.helpers import Callers

PASSWORD = "a bench's password"
READY_S = 60.0

OPEN_CONNECTIONS = 96
"""Connections of an open loop: one user may have no more than 128."""

OPEN_TICK_S = 0.002
"""How often an open loop looks at the time."""


encode = msgspec.json.Encoder().encode


async def give_password(engine: Engine, bus: Bus, stream: str, user: str) -> None:
    """Give a user their first password."""
    passwords = Passwords(Callers, os.urandom)
    try:
        await Signing(Door(bus, engine.clock), passwords, os.urandom).set_first_password(stream, user, PASSWORD)
    finally:
        passwords.close()


async def prepare(path: Path, players: int) -> None:
    """A database with a house, a book, players and an owner who can sign in."""
    async with running_engine(open_store(StoreSettings(path, "inline"))) as (engine, bus):
        await set_up(bus, players)
        await give_password(engine, bus, BOOK, OWNER)


class Served:
    """A running server. cores: those that it (with its helpers) may use; None for all."""

    def __init__(self, command: list[str], cores: set[int] | None) -> None:
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if cores:
            os.sched_setaffinity(self.child.pid, cores)
        self.address = ""

    def wait_until_ready(self) -> None:
        """Read the address that the server says."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if "http://" in line:
                self.address = line.partition("http://")[2].split()[0]
                return
        raise RuntimeError(f"the server has ended with {self.child.wait()}")

    @property
    def host(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.address.partition(":")
        return host, int(port)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self) -> None:
        """End it."""
        self.child.terminate()
        self.child.wait(READY_S)


def serve_command(path: Path, committer: str, port: int = 0) -> list[str]:
    """The command that serves a database."""
    serve = ["serve", "--database", str(path), "--port", str(port), "--committer", committer]
    return [sys.executable, "-m", "runline", *serve]


@asynccontextmanager
async def serving(command: list[str], cores: set[int] | None = None) -> AsyncIterator[Served]:
    """A server that is stopped at the end. The measuring process keeps off its cores where there are enough."""
    server = Served(command, cores)
    everywhere = os.sched_getaffinity(0)
    try:
        await asyncio.to_thread(server.wait_until_ready)
        if cores and everywhere - cores:
            os.sched_setaffinity(0, everywhere - cores)
        yield server
    finally:
        os.sched_setaffinity(0, everywhere)
        if server.child.poll() is None:
            server.stop()


async def sign_in(server: Served, stream: str = BOOK, user: str = OWNER) -> str:
    """A token."""
    async with AsyncClient(f"http://{server.address}") as client:
        return await client.sign_in(stream, user, PASSWORD)


async def viewers(server: Served, token: str, number: int) -> list[str]:
    """The tokens of so many new users who may only look at the whole book. token: the owner's."""
    return await users(server, token, "viewer", VIEW_ONLY, number)


async def users(server: Served, token: str, role: str, permissions: tuple[str, ...], number: int) -> list[str]:
    """The tokens of so many new users of a new role, at the root. token: the owner's."""
    names = [f"{role}{one}" for one in range(1, number + 1)]
    async with AsyncClient(f"http://{server.address}", token) as client:
        await client.send("SetRole", role=role, node=ROOT, permissions=permissions, reason="bench")
        for name in names:
            await client.send("CreateUser", user=name, node=ROOT, role=role)
            await client.post("/v1/set-password", user=name, password=PASSWORD)
    return [await sign_in(server, user=name) for name in names]


def post(server: Served, path: str, token: str, body: bytes, kind: str = "application/json", key: str = "") -> bytes:
    """The bytes of a request."""
    sent_as = f"idempotency-key: {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {server.address}\r\nauthorization: Bearer {token}\r\n{sent_as}"
        f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def wager_requests(server: Served, token: str, bettors: Bettors, number: int) -> list[bytes]:
    """Wagers as requests."""
    made = [bettors.request() for _ in range(number)]
    return [post(server, "/v1/wagers", token, encode(one.command), key=one.id) for one in made]


class Exchange(asyncio.Protocol):
    """A connection on which one request at a time is answered."""

    def __init__(self, answered: Callable[["Exchange", int, bytes], None]) -> None:
        self.answered = answered
        self.received = b""
        self.sent_ns = 0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.sent_ns = time.perf_counter_ns()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self.received + data if self.received else data
        head, end, body = received.partition(b"\r\n\r\n")
        if end:
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                self.received = body[length:]
                self.answered(self, time.perf_counter_ns() - self.sent_ns, head[9:12])
                return
        self.received = received


async def connect(server: Served, answered: Callable[[Exchange, int, bytes], None]) -> Exchange:
    """A connection to a server."""
    _, exchange = await asyncio.get_running_loop().create_connection(lambda: Exchange(answered), *server.host)
    return exchange


class OpenHttpLoop:
    """Wagers that are sent when they are due, whether or not those before are answered.

    What is due while all connections wait for answers goes out as soon as one of them is free; its time counts from when it was
    due.
    """

    def __init__(self, server: Served) -> None:
        self.server = server
        self.idle: list[Exchange] = []
        self.due_ns: dict[Exchange, int] = {}
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.durations_ns: list[int] = []
        self.left = 0
        self.refused = ""

    async def connect(self) -> None:
        """Open the connections, before there is anything to measure."""
        self.idle = [await connect(self.server, self.answered) for _ in range(OPEN_CONNECTIONS)]

    def answered(self, exchange: Exchange, duration_ns: int, status: bytes) -> None:
        """Take an answer, send what waits."""
        if status != b"200":
            self.refused = status.decode()
            return
        self.durations_ns.append(time.perf_counter_ns() - self.due_ns[exchange])
        self.left -= 1
        if self.waiting:
            self.put(exchange, *self.waiting.popleft())
        else:
            self.idle.append(exchange)

    def send(self, due_ns: int, request: bytes) -> None:
        """Send a request that is due.

        Raises RuntimeError if an earlier one was not answered as a placed wager is.
        """
        self.require_placed()
        self.left += 1
        if self.idle:
            self.put(self.idle.pop(), due_ns, request)
        else:
            self.waiting.append((due_ns, request))

    def put(self, exchange: Exchange, due_ns: int, request: bytes) -> None:
        """Send over a connection that is free."""
        self.due_ns[exchange] = due_ns
        exchange.send(request)

    async def finish(self) -> None:
        """Wait until everything is answered.

        Raises RuntimeError for an answer that is not a placed wager's.
        """
        while self.left:
            self.require_placed()
            await asyncio.sleep(OPEN_TICK_S)

    def require_placed(self) -> None:
        """Raises RuntimeError if an answer was not a placed wager's: it would be waited for without end."""
        if self.refused:
            raise RuntimeError(f"a wager was answered {self.refused}")

    def close(self) -> None:
        """Disconnect."""
        for exchange in {*self.due_ns, *self.idle}:
            exchange.transport.close()


class HttpLoop:
    """Requests over a number of connections, each sending the next as soon as it is answered."""

    def __init__(self, requests: list[bytes], expected: bytes = b"200") -> None:
        self.waiting = requests
        self.left = len(requests)
        self.expected = expected
        self.durations_ns: list[int] = []
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, exchange: Exchange, duration_ns: int, status: bytes) -> None:
        """Take an answer, send the next request."""
        self.durations_ns.append(duration_ns)
        self.failed += status != self.expected
        self.left -= 1
        if self.waiting:
            exchange.send(self.waiting.pop())
        elif not self.left and not self.done.done():
            self.done.set_result(None)

    async def run(self, server: Served, connections: int) -> float:
        """Seconds until all are answered."""
        exchanges = [await connect(server, self.answered) for _ in range(connections)]
        began = time.perf_counter()
        for exchange in exchanges:
            if self.waiting:
                exchange.send(self.waiting.pop())
        await self.done
        seconds = time.perf_counter() - began
        for exchange in exchanges:
            exchange.transport.close()
        if self.failed:
            raise RuntimeError(f"{self.failed} requests were not answered with {self.expected.decode()}")
        return seconds
