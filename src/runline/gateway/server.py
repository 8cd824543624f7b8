"""Server: the application on uvicorn, with bounds, in the loop of the engine."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from runline.bus.local import LocalBus
from runline.domain.sessions import SessionLimits
from runline.engine.engine import Engine
from runline.gateway.app import Doors, make_app
from runline.gateway.door import Door
from runline.gateway.gateway import Gateway
from runline.gateway.limits import CONNECTIONS_MAX, KEEP_ALIVE_S
from runline.gateway.protocol import Protocol

BACKLOG = 2_048
SEND_BUFFER_BYTES = 256 * 1024
"""What the system keeps for a client that does not read."""

STOP_S = 5


class AddressInUse(Exception):
    """The server cannot listen there."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises AddressInUse.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Head and body are written one after the other: the second must not wait until the client confirms the first.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise AddressInUse(f"{host} port {port} cannot be used: {error}. Choose another with --port.") from error
    return listening


class Server(uvicorn.Server):
    """Uvicorn, which ends the live streams before it waits for connections to end."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self.gateway = gateway

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the server, and are no error of the program."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.gateway.close()
        await super().shutdown(sockets)


def make_server(
    engine: Engine,
    bus: LocalBus,
    database: Path,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    lasting: Mapping[str, SessionLimits] | None = None,
    more: Callable[[Gateway], Doors] | None = None,
) -> Server:
    """A server over a running engine; `serve(sockets=[…])` runs it until it is told to exit. lasting: how long sessions last, by
    kind. more: doors besides its own.

    Raises OSError or ssl.SSLError if the certificate cannot be used.
    """
    door = Door(engine, bus)
    gateway = Gateway(door, database, secure=certificate is not None, lasting=lasting)
    options: dict[str, Any] = {}
    if certificate is not None:
        options = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key) if key else None}
    config = uvicorn.Config(
        make_app(gateway, more(gateway) if more else None),
        http=partial(Protocol, door),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        **options,
    )
    config.load()
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return Server(config, gateway)
