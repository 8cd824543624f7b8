"""Serving: what goes on between the start of a server and its end: HTTP in this process or in processes beside it, alone or as
one of a cluster.

Rule: who is told to stop answers first what is under way; who is told so twice ends at once. A node hands its streams over before
it stops serving, so that nobody who comes through it hears of that.
"""

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from runline.bootstrap import outside
from runline.cluster.limits import TENDED_AGAIN_S_MAX
from runline.cluster.places import Places
from runline.config import ServerSettings, SessionSettings, Settings
from runline.demo.sample import BOOK as SAMPLE
from runline.demo.sample import PASSWORD as SAMPLE_PASSWORD
from runline.demo.sample import add_sample
from runline.domain.messages import HOUSE, Rejected
from runline.domain.queries.inside import Nothing, OpenBooks
from runline.domain.sessions import SessionLimits
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.ports import Clock
from runline.gate import found, looking_on
from runline.gateway.addresses import Addresses
from runline.gateway.door import Door
from runline.gateway.health import always, never
from runline.gateway.passwords import Passwords
from runline.gateway.server import Server, make_server
from runline.gateway.signing import Signing
from runline.gateways import Gateways, gateways, heard
from runline.handed import Listening
from runline.helpers import Callers
from runline.nodes import Joined
from runline.notify import serves

log = logging.getLogger("runline.cluster")

SECOND_NS = 10**9


def say(text: str) -> None:
    """Tell whoever started this."""
    print(text, flush=True)


def lasting(settings: SessionSettings) -> dict[str, SessionLimits]:
    """How long sessions last, by kind."""
    return {
        "screen": SessionLimits(settings.screen_idle_s * SECOND_NS, settings.screen_s * SECOND_NS),
        "program": SessionLimits(settings.program_idle_s * SECOND_NS, settings.program_s * SECOND_NS),
    }


class Told:
    """What a process is told by signals: once to answer what is under way and stop, twice to end at once. at_once: how."""

    def __init__(self) -> None:
        self.once = asyncio.Event()
        self.twice = asyncio.Event()
        self.at_once: Callable[[], None] = lambda: None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.hear)

    def hear(self) -> None:
        if self.once.is_set():
            self.twice.set()
            self.at_once()
        self.once.set()


def server_of(
    bus: Bus, clock: Clock, settings: Settings, listening: Listening, *, reports: Callable[[], bool] = always
) -> Server:
    """A server in this process, over a bus. reports: see `make_server`."""
    server = settings.server
    return make_server(
        bus,
        outside(clock),
        certificate=server.tls_certificate,
        key=server.tls_key,
        lasting=lasting(settings.sessions),
        public_url=server.public_url,
        addresses=Addresses(server.proxies, server.exempt, server.proxy_header),
        reports=reports,
        stays=listening.stays,
    )


@asynccontextmanager
async def signing_in(bus: Bus, clock: Clock, settings: Settings) -> AsyncIterator[Signing]:
    """What gives passwords, where no server has it."""
    passwords = Passwords(Callers, os.urandom)
    try:
        yield Signing(Door(bus, clock), passwords, os.urandom, lasting(settings.sessions))
    finally:
        passwords.close()


# Alone


async def serve_here(engine: Engine, bus: Bus, listening: Listening, settings: Settings, *, sample: bool) -> None:
    """Serve in this process until stopped."""
    server = server_of(bus, engine.clock, settings, listening)
    await begin(engine.clock, bus, server.gateway.signing, settings, sample=sample)
    # Who reads that may stop it at once.
    with server.capture_signals():
        say_where(listening, settings.server)
        await server.serve(sockets=list(listening.sockets))


async def serve_beside(engine: Engine, bus: Bus, listening: Listening, settings: Settings, *, sample: bool) -> None:
    """Serve in processes beside this one until stopped."""
    told = Told()
    async with signing_in(bus, engine.clock, settings) as signing:
        await begin(engine.clock, bus, signing, settings, sample=sample)
    async with beside(engine, bus, listening, settings, told):
        if not told.once.is_set():
            say_where(listening, settings.server)
        await told.once.wait()


@asynccontextmanager
async def beside(
    engine: Engine,
    bus: Bus,
    listening: Listening,
    settings: Settings,
    told: Told,
    reports: Callable[[], bool] = always,
) -> AsyncIterator[None]:
    """Gateways beside this process, which serve."""

    def begun(found: Gateways) -> None:
        told.at_once = found.kill

    told_settings = msgspec.structs.replace(settings.server, owner_password="")
    lasts, stays = lasting(settings.sessions), listening.stays
    async with gateways(listening.sockets, engine, bus, told_settings, lasts, begun, reports=reports, stays=stays):
        yield


# As one of a cluster


async def serve_node(node: Joined, engine: Engine, listening: Listening, settings: Settings, *, sample: bool) -> None:
    """Join, and serve as a node, whichever part of it, until stopped. Raises NotJoined, RegistryError."""
    told = Told()
    if settings.server.role == "engine":
        await node.begin()
        say(f"The node {node.name} is at {node.address}. Ctrl-C stops it.")
        serves(f"The node {node.name}, at {node.address}")
        async with signing_in(node.bus, engine.clock, settings) as signing, welcoming(node, signing, settings, sample):
            await stopped(node, told)
    elif settings.server.gateways:
        await node.begin()
        async with (
            signing_in(node.bus, engine.clock, settings) as signing,
            welcoming(node, signing, settings, sample),
            beside(engine, node.bus, listening, settings, told, node.has_house),
            saying_where(node.places, listening, settings.server),
        ):
            await stopped(node, told)
    else:
        # Making it takes longer than a lease would wait on a busy machine.
        server = server_of(node.bus, engine.clock, settings, listening, reports=node.has_house)
        await node.begin()
        async with (
            welcoming(node, server.gateway.signing, settings, sample),
            running(server, listening, told),
            saying_where(node.places, listening, settings.server),
        ):
            await stopped(node, told)


async def serve_gateway(listening: Listening, settings: Settings) -> None:
    """Serve as a gateway of a cluster until stopped."""
    told = Told()
    async with looking_on(settings) as gate, beside_it(told.once.wait()) as once:
        server = server_of(gate.bus, gate.clock, settings, listening, reports=never)
        async with beside_it(heard(server.gateway.door)) as hears:
            # Until a node has answered it is not known what time it is.
            await asyncio.wait({hears, once}, return_when=asyncio.FIRST_COMPLETED)
        async with running(server, listening, told), saying_where(gate.places, listening, settings.server):
            await once


@asynccontextmanager
async def running(server: Server, listening: Listening, told: Told) -> AsyncIterator[None]:
    """A server that serves in this process, and at the end answers what is under way."""
    server.ended_by = ()

    def end_at_once() -> None:
        server.force_exit = True

    told.at_once = end_at_once
    serving = asyncio.create_task(server.serve(sockets=list(listening.sockets)))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def stopped(node: Joined, told: Told) -> None:
    """Wait until this process is told to stop, and has handed over its streams. Raises NotJoined if it can be a node no more."""
    async with beside_it(told.once.wait()) as once:
        await asyncio.wait({once, node.over}, return_when=asyncio.FIRST_COMPLETED)
    if node.over.done():
        node.over.result()
    async with beside_it(node.retire()) as retiring, beside_it(told.twice.wait()) as twice:
        await asyncio.wait({retiring, twice}, return_when=asyncio.FIRST_COMPLETED)


@asynccontextmanager
async def welcoming(node: Joined, signing: Signing, settings: Settings, sample: bool) -> AsyncIterator[None]:
    """Whenever the house has come here, see to it that its owner can sign in."""

    async def welcome() -> None:
        while True:
            await node.house_here.wait()
            node.house_here.clear()
            # Where it has gone on to, it is seen to as well.
            while node.has_house():
                try:
                    await begin(node.engine.clock, node.bus, signing, settings, sample=sample)
                    break
                except Rejected as rejected:
                    log.warning("the house's owner is not seen to yet, which is tried again: %s", rejected)
                    await asyncio.sleep(TENDED_AGAIN_S_MAX)

    async with beside_it(welcome()):
        yield


@asynccontextmanager
async def saying_where(places: Places, listening: Listening, settings: ServerSettings) -> AsyncIterator[None]:
    """Say where Runline is once somebody has the house."""

    async def say_when_found() -> None:
        await found(places, HOUSE)
        say_where(listening, settings)

    async with beside_it(say_when_found()):
        yield


@asynccontextmanager
async def beside_it(work: Coroutine[Any, Any, object]) -> AsyncIterator["asyncio.Future[object]"]:
    """Something goes on meanwhile."""
    task: asyncio.Future[object] = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def begin(clock: Clock, bus: Bus, signing: Signing, settings: Settings, *, sample: bool) -> None:
    """Give the house's owner their first password, and a new database a sample to try."""
    owner, password = settings.engine.owner, settings.server.owner_password
    if not await signing.has_password(HOUSE, owner):
        await signing.set_first_password(HOUSE, owner, password or (password := secrets.token_urlsafe(12)))
        if not settings.server.owner_password:
            say(f"The house's owner may sign in (this is shown once): user {owner}, password {password}")
    if sample and not (await signing.door.ask_inside(HOUSE, "books_open", Nothing(), OpenBooks)).count:
        await add_sample(bus, signing, owner, clock.now_ns())
        say(f"A sample to try: book {SAMPLE}, users owner and P1 (a player), password {SAMPLE_PASSWORD}")


def say_where(listening: Listening, settings: ServerSettings) -> None:
    """Say where Runline is."""
    scheme = "https" if settings.tls_certificate else "http"
    host, port = listening.sockets[0].getsockname()[:2]
    say(f"Runline is at {scheme}://{host}:{port} (documentation: /v1/schema). Ctrl-C stops it.")
    serves(f"Serving at {scheme}://{host}:{port}")
