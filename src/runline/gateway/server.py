"""Server: the application on uvicorn, with bounds, in the loop of the engine."""

import asyncio
import errno
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uvicorn

from runline.domain.sessions import SessionLimits
from runline.engine.bus import Bus
from runline.engine.ports import Outside
from runline.gateway.addresses import Addresses
from runline.gateway.app import Doors, make_app
from runline.gateway.connections import Connections, connections_of, raise_files
from runline.gateway.door import Door
from runline.gateway.fan import Fan
from runline.gateway.gateway import Gateway
from runline.gateway.guest import Entrance
from runline.gateway.health import Health, always
from runline.gateway.limits import ACCEPTED_AT_ONCE, BACKLOG, SEND_BUFFER_BYTES, STALLED_S_MAX, STOP_S
from runline.gateway.protocol import Connection
from runline.gateway.site import Site
from runline.shell import reason_of


class AddressInUse(Exception):
    """The server cannot listen there."""


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that listens. shared: others of this user may listen on the same address, and the system shares connections out.

    Raises AddressInUse.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    as_wanted(listening)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        busy = isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES)
        remedy = "another port with --port (0: any free one)" if busy else "an address of this machine with --host"
        raise AddressInUse(f"{host} port {port} cannot be used: {reason_of(error)}. Choose {remedy}.") from error
    return listening


def as_wanted(listening: socket.socket) -> None:
    """Have the connections that come in at a socket be as the server wants them."""
    # Head and body are written one after the other: the second must not wait until the client confirms the first.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    # What a client has left unread for so long the system forgets too, when the server has long closed the connection.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALLED_S_MAX * 1_000))


def listen_together(host: str, port: int, number: int) -> list[socket.socket]:
    """So many sockets that listen on one address, which nobody else listens on.

    Raises AddressInUse.
    """
    with listen(host, port) as alone:
        port = alone.getsockname()[1]
    return [listen(host, port, shared=True) for _ in range(number)]


class TlsListener:
    """Accepts connections and begins TLS on them.

    (The loop's own way shows a connection only after its handshake: until then nobody could count or end it.)
    """

    def __init__(self, sockets: Iterable[socket.socket], make: Callable[[], Connection], tls: ssl.SSLContext) -> None:
        self.sockets = list(sockets)
        self.make = make
        self.tls = tls
        self.loop = asyncio.get_running_loop()
        for listening in self.sockets:
            listening.setblocking(False)
            self.loop.add_reader(listening, self.accept, listening)

    def accept(self, listening: socket.socket) -> None:
        """Take in who waits at the door, some at a time."""
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, _ = listening.accept()
                accepted.setblocking(False)
            except OSError:
                return
            self.make().shake_hands(accepted, self.tls)

    def close(self) -> None:
        """Accept no more."""
        for listening in self.sockets:
            self.loop.remove_reader(listening)

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""


class Server(uvicorn.Server):
    """Uvicorn, which ends the live streams before it waits for connections to end. stays: whether its sockets outlive it: whoever
    comes once it stops is let in by the next one."""

    def __init__(
        self,
        config: uvicorn.Config,
        gateway: Gateway,
        entrance: Entrance,
        tls: ssl.SSLContext | None = None,
        *,
        stays: bool = False,
    ) -> None:
        super().__init__(config)
        self.gateway = gateway
        self.entrance = entrance
        self.tls = tls
        self.stays = stays
        self.ended_by: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.tls is None or sockets is None:
            await super().startup(sockets)
        else:
            make = partial(Connection, self.entrance, config=self.config, server_state=self.server_state, app_state={})
            self.servers = [TlsListener(sockets, make, self.tls)]  # type: ignore[list-item]
            self.started = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the server, and are no error of the program."""
        loop = asyncio.get_running_loop()
        for number in self.ended_by:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in self.ended_by:
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.stays:
            await self.gateway.close()
            await super().shutdown(sockets)
            return
        # Before screens are cut that come back at once.
        for server in self.servers:
            server.close()
        self.entrance.leaving = True
        self.gateway.fan.close()
        # Whatever is asked until then is answered, also a password.
        await super().shutdown(sockets)
        await self.gateway.close()


def make_server(
    bus: Bus,
    outside: Outside,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    public_url: str = "",
    addresses: Addresses | None = None,
    lasting: Mapping[str, SessionLimits] | None = None,
    more: Callable[[Gateway], Doors] | None = None,
    reports: Callable[[], bool] = always,
    stays: bool = False,
) -> Server:
    """A server over a bus to running engines; `serve(sockets=[…])` runs it until it is told to exit.

    public_url: where browsers come to, if that is not here.
    addresses: who is believed about a client's address. lasting: how long sessions last, by kind. more: doors besides its own.
    reports: whether it is from here that the house is told what becomes slow. stays: whether its sockets outlive it.

    Raises OSError or ssl.SSLError if the certificate cannot be used.
    """
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
    door, site = Door(bus, outside.clock), Site(public_url, tls is not None)
    fan = Fan(bus, outside.clock)
    health = Health(door, fan, reports=reports)
    gateway = Gateway(door, outside, fan, health, site, lasting)
    connections = Connections(connections_of(raise_files()))
    entrance = Entrance(
        door, site, addresses or Addresses(), connections, outside.clock.host_ns, outside.entropy(4).hex()
    )
    config = uvicorn.Config(
        make_app(gateway, more(gateway) if more else None),
        http=partial(Connection, entrance),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
    )
    config.load()
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return Server(config, gateway, entrance, tls, stays=stays)
