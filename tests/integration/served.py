"""A running server: an engine over a real file, HTTP on a free port of this machine, clients that are signed in."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.doubles.coming import comes_true
from tests.doubles.wired import over
from tests.integration.world import SetClock, World

from runline.bootstrap import outside, running_engine
from runline.client import AsyncClient
from runline.domain.messages import HOUSE
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Clock
from runline.gateway.server import Server, listen, make_server
from runline.store.sqlite import SqliteStore

PASSWORD = "a long password"


class Premises:
    """A server, the world behind it, and its clients."""

    def __init__(self, world: World, server: Server, address: str) -> None:
        self.world = world
        self.server = server
        self.address = address
        self.clients: list[AsyncClient] = []

    @property
    def gateway(self) -> Any:
        """What is behind the routes."""
        return self.server.gateway

    def client(self, token: str = "") -> AsyncClient:
        """A client that has this token, or none."""
        client = AsyncClient(self.address, token)
        self.clients.append(client)
        return client

    async def give_password(self, stream: str, user: str) -> None:
        """Give a user their first password."""
        if not await self.gateway.signing.has_password(stream, user):
            await self.gateway.signing.set_first_password(stream, user, PASSWORD)

    async def sign_in(self, stream: str, user: str) -> AsyncClient:
        """A client that is signed in."""
        await self.give_password(stream, user)
        client = self.client()
        await client.sign_in(stream, user, PASSWORD)
        return client

    async def platform(self) -> AsyncClient:
        """The house's owner."""
        return await self.sign_in(HOUSE, "platform")


@asynccontextmanager
async def served(
    path: Path,
    clock: Clock | None = None,
    store: Any = None,
    way: str = "a call",
    vocabulary: Vocabulary | None = None,
    **options: Any,
) -> AsyncIterator[Premises]:
    """A server over a file; it is stopped at the end. way: how it reaches the engine. options: of the server."""
    clock = clock or SetClock()
    store = store or SqliteStore(path)
    async with running_engine(store, clock=clock, vocabulary=vocabulary) as (engine, bus), over(way, bus) as reached:
        server = make_server(reached, outside(clock), **options)
        with listen("127.0.0.1", 0) as listening:
            host, port = listening.getsockname()[:2]
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            scheme = "https" if "certificate" in options else "http"
            place = Premises(World(engine, bus, clock), server, f"{scheme}://{host}:{port}")
            try:
                await comes_true(lambda: server.started or serving.done())
                yield place
            finally:
                for client in place.clients:
                    await client.close()
                server.should_exit = True
                await serving


@asynccontextmanager
async def raw(
    place: Premises, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection. source: the address that it comes from."""
    host, port = place.address.rpartition("//")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except (OSError, ConnectionError):
            pass


def small_buffer(host: str, port: int) -> socket.socket:
    """A connection whose receiving end takes little before it must be read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect((host, port))
    return connection
