"""Gateways: processes beside the engine's that speak HTTP and TLS, hash passwords and write to the live streams.

Rule: a gateway holds no truth. One that ends, or hangs, is replaced; what its clients sent and were not answered they may send
again. The sockets on which gateways listen are their parent's: whoever connects while one is replaced waits, and is not refused.
All of them end with their parent, however that ends.
"""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import msgspec

from runline.bootstrap import building, run
from runline.bus.link import LinkBus
from runline.bus.owner import LinkListener
from runline.bus.pairs import Desk, call
from runline.config import ServerSettings, path_hook, plain
from runline.domain.messages import Rejected
from runline.domain.sessions import SessionLimits
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.bus import Bus
from runline.engine.clock import FollowedClock
from runline.engine.engine import Engine
from runline.engine.ports import Outside
from runline.engine.probes import Histogram
from runline.gateway.addresses import Addresses
from runline.gateway.door import Door
from runline.gateway.health import always, never, report_of
from runline.gateway.limits import STOP_S
from runline.gateway.server import make_server
from runline.helpers import END_S, LOOKS, Callers, Helper, HelperEnded, begin, framed, receive
from runline.monitor.health import HealthMonitor
from runline.monitor.recent import Counted, Since

log = logging.getLogger("runline.gateways")

SECRET_BYTES = 32

GATEWAY_STARTS_S_MAX = 60.0
"""How long a gateway may take to start."""

SIGN_S = 1.0
"""How often a gateway says that it is there."""

GATEWAY_SILENT_S_MAX = 15.0
"""How long a gateway may say nothing before it is taken for hung, and is replaced."""

GATEWAY_REPLACED_S_MIN = 0.1
GATEWAY_REPLACED_S_MAX = 30.0
"""The pause before a gateway that has ended is replaced: doubled each time, unless it has lived as long as the longest pause."""

SIGN_BYTES_MAX = 64 * 1024
"""What a gateway may say of itself at a time."""

HIDDEN = ("RUNLINE_", "PG")
"""How variables of the environment begin that no gateway needs: they may hold passwords."""

READY, STOP = b"ready", b"stop"


class Sign(msgspec.Struct, array_like=True):
    """A gateway is there; what it has measured since it said so last."""

    delivery: Counted
    loop: Counted


encode_sign = msgspec.msgpack.Encoder().encode
decode_sign = msgspec.msgpack.Decoder(Sign).decode


class Orders(msgspec.Struct, frozen=True):
    """What a gateway is told as it starts. secret: to be proved to the owner of the streams. stays: whether its socket outlives
    all of them."""

    secret: bytes
    server: ServerSettings
    lasting: dict[str, SessionLimits]
    stays: bool = False


encode_orders = msgspec.msgpack.Encoder(enc_hook=plain).encode
decode_orders = msgspec.msgpack.Decoder(Orders, dec_hook=path_hook).decode


class GatewayFailed(Exception):
    """A gateway cannot be started. The message is for people."""


class Kept:
    """One gateway, and those that replace it. listening: its socket. desk: where it hands in its links. hear: takes what it says
    of itself."""

    def __init__(
        self, listening: socket.socket, desk: socket.socket, orders: bytes, hear: Callable[[Sign], None]
    ) -> None:
        self.listening = listening
        self.desk = desk
        self.orders = orders
        self.hear = hear
        self.helper: Helper | None = None
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> Helper:
        """Start it, and wait until it serves. Raises GatewayFailed."""
        given = [self.listening.fileno(), self.desk.fileno()]
        helper = self.helper = await Helper.start(
            "runline.gateways", *map(str, given), keep=given, hides=HIDDEN, bytes_max=SIGN_BYTES_MAX
        )
        try:
            async with asyncio.timeout(GATEWAY_STARTS_S_MAX):
                await helper.send(self.orders)
        except (HelperEnded, TimeoutError):
            helper.kill()
            raise GatewayFailed("a gateway does not start; what it says stands above") from None
        except BaseException:
            helper.kill()
            raise
        return helper

    async def keep(self, helper: Helper) -> None:
        """Replace it whenever it ends or hangs."""
        loop = asyncio.get_running_loop()
        pause_s = GATEWAY_REPLACED_S_MIN
        while True:
            since_s = loop.time()
            why = await self.ended(helper)
            log.error("the gateway %s %s, and is replaced", helper.child.pid, why)
            helper.stop()
            await helper.end()
            if loop.time() - since_s > GATEWAY_REPLACED_S_MAX:
                pause_s = GATEWAY_REPLACED_S_MIN
            while True:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, GATEWAY_REPLACED_S_MAX)
                try:
                    helper = await self.start()
                    break
                except (GatewayFailed, OSError) as error:
                    log.error("%s", error)

    async def ended(self, helper: Helper) -> str:
        """Wait until it has ended or hangs. Returns which of them."""
        while helper.lives:
            sign = helper.expect()
            try:
                for _ in range(LOOKS):
                    if (await asyncio.wait({sign}, timeout=GATEWAY_SILENT_S_MAX / LOOKS))[0]:
                        break
                else:
                    return "hangs"
                self.hear(decode_sign(sign.result()))
            except HelperEnded:
                break
            except Exception:
                log.exception("what the gateway %s says of itself cannot be taken", helper.child.pid)
                return "says what cannot be taken"
            finally:
                sign.cancel()
        return "has ended"

    async def end(self) -> None:
        """Let it answer what is under way, and see it end."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        helper = self.helper
        if helper is None:
            return
        if helper.pipe.transport is not None:
            helper.pipe.transport.write(framed(STOP))
        try:
            await asyncio.to_thread(helper.child.wait, STOP_S + END_S)
        except subprocess.TimeoutExpired:
            log.error("the gateway %s does not end and is killed", helper.child.pid)
            helper.stop()
        await helper.end()

    def kill(self) -> None:
        """End it at once."""
        if self.helper is not None:
            self.helper.stop()


class Gateways:
    """All gateways of a server. They share an address, each with a socket of its own, or fewer that were handed over: the system
    shares connections out."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        desk: socket.socket,
        orders: Orders,
        listener: LinkListener,
        monitor: HealthMonitor,
    ) -> None:
        self.listener = listener
        self.monitor = monitor
        encoded = encode_orders(orders)
        self.kept = [Kept(listening, desk, encoded, self.hear) for listening in sockets]

    def hear(self, sign: Sign) -> None:
        """Measure with the gateways."""
        sign.delivery.add_to(self.monitor.delivery)
        sign.loop.add_to(self.monitor.loop)

    async def start(self) -> None:
        """Start them all, and wait until they serve. Raises GatewayFailed."""
        helpers = await asyncio.gather(*(one.start() for one in self.kept), return_exceptions=True)
        for one, helper in zip(self.kept, helpers, strict=True):
            if isinstance(helper, BaseException):
                raise helper
            one.task = asyncio.create_task(one.keep(helper))

    async def end(self) -> None:
        """End them all."""
        await asyncio.gather(*(one.end() for one in self.kept))

    def kill(self) -> None:
        """End them at once, with whatever they do."""
        for one in self.kept:
            one.kill()


@asynccontextmanager
async def gateways(
    sockets: Sequence[socket.socket],
    engine: Engine,
    bus: Bus,
    server: ServerSettings,
    lasting: dict[str, SessionLimits],
    begun: Callable[[Gateways], None] = lambda found: None,
    *,
    reports: Callable[[], bool] = always,
    stays: bool = False,
) -> AsyncIterator[Gateways]:
    """Gateways to an engine of this process, which serve on these sockets. They end with this. begun: told of them before they
    serve. reports, stays: see `make_server`. Raises GatewayFailed."""
    door = Door(bus, engine.clock)
    monitor = HealthMonitor(door.measures, Histogram(), report_of(door, reports), engine.probes.loop)
    monitoring = asyncio.create_task(monitor.run())
    secret = os.urandom(SECRET_BYTES)
    listener = LinkListener(bus, engine.clock, os.urandom, gateways=secret)
    desk = Desk(listener.protocol)
    found = Gateways(sockets, desk.theirs, Orders(secret, server, lasting, stays), listener, monitor)
    begun(found)
    try:
        await found.start()
        yield found
    finally:
        await found.end()
        desk.close()
        listener.close()
        monitoring.cancel()
        await asyncio.gather(monitoring, return_exceptions=True)


# The gateway's side


async def serve(pipe: socket.socket, listening: socket.socket, desk: socket.socket, orders: Orders) -> None:
    """Serve until told to stop."""
    loop, clock, settings = asyncio.get_running_loop(), FollowedClock(), orders.server
    with building():
        bus = LinkBus(plain_vocabulary(), clock, os.urandom, orders.secret, partial(call, desk), clock.hear)
        server = make_server(
            bus,
            Outside(clock, os.urandom, Callers),
            certificate=settings.tls_certificate,
            key=settings.tls_key,
            lasting=orders.lasting,
            public_url=settings.public_url,
            addresses=Addresses(settings.proxies, settings.exempt, settings.proxy_header),
            reports=never,
            stays=orders.stays,
        )
        await heard(server.gateway.door)
    server.ended_by = ()
    delivery, late = Since(server.gateway.fan.delivery), Since(server.gateway.health.monitor.loop)
    pipe.setblocking(False)

    def told() -> None:
        """The parent says that this is to stop, or is gone."""
        with suppress(OSError):
            pipe.recv(len(framed(STOP)))
        loop.remove_reader(pipe)
        server.should_exit = True

    def sign() -> None:
        """Say that this is there."""
        with suppress(OSError):
            pipe.send(framed(encode_sign(Sign(delivery.take(), late.take()))))
        loop.call_later(SIGN_S, sign)

    loop.add_reader(pipe, told)
    pipe.send(framed(READY))
    loop.call_later(SIGN_S, sign)
    await server.serve(sockets=[listening])
    await bus.close()


async def heard(door: Door) -> None:
    """Wait until an owner of streams has answered; by then it has said what time it is. (On a busy machine that may take
    long; how long all of it may take is for the parent to say.)"""
    while True:
        try:
            await door.measures()
            return
        except Rejected:
            await asyncio.sleep(SIGN_S)


def main(number: str, parent: str, listening: str, desk: str) -> None:
    """A gateway as a program."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    with (
        begin(number, parent) as pipe,
        socket.socket(fileno=int(listening)) as shared,
        socket.socket(fileno=int(desk)) as links,
    ):
        orders = receive(pipe)
        if orders is not None:
            with suppress(BrokenPipeError, ConnectionResetError):
                run(lambda: serve(pipe, shared, links, decode_orders(orders)))


if __name__ == "__main__":
    main(*sys.argv[1:])
