"""Serve: `runline serve` and `runline config`."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from runline.bootstrap import open_store, outside, run, running_engine
from runline.config import (
    Loaded,
    ServerSettings,
    SessionSettings,
    Settings,
    SettingsError,
    load,
    settings_json,
    settings_toml,
)
from runline.demo.sample import BOOK as SAMPLE
from runline.demo.sample import PASSWORD as SAMPLE_PASSWORD
from runline.demo.sample import add_sample
from runline.domain.messages import HOUSE, Rejected
from runline.domain.queries.inside import Nothing, OpenBooks
from runline.domain.sessions import SessionLimits
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.ports import StoreError
from runline.gateway.addresses import Addresses, is_loopback
from runline.gateway.door import Door
from runline.gateway.passwords import Passwords
from runline.gateway.server import AddressInUse, listen, listen_together, make_server
from runline.gateway.signing import Signing
from runline.gateways import GatewayFailed, Gateways, gateways
from runline.helpers import Callers
from runline.notify import serves, tell, watched
from runline.shell import complain, reason_of
from runline.store.checking import looked_after

SECOND_NS = 10**9


def say(text: str) -> None:
    """Tell whoever started this."""
    print(text, flush=True)


def show_settings(file: Path | None, flags: Mapping[tuple[str, str], Any], *, as_json: bool = False) -> int:
    """`runline config`."""
    try:
        loaded = load(file, os.environ, flags)
    except SettingsError as error:
        return complain(error)
    say(msgspec.json.encode(settings_json(loaded)).decode() if as_json else settings_toml(loaded).rstrip())
    return 0


def serve(
    file: Path | None, flags: Mapping[tuple[str, str], Any], *, sample: bool = False, accept_loss: bool = False
) -> int:
    """`runline serve`: run until told to stop."""
    # Until there are streams to be started again; a start starts them all.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        loaded = load(file, os.environ, flags)
        require_certificate(loaded)
    except SettingsError as error:
        return complain(error)
    try:
        return run(lambda: watched(serve_until_stopped(loaded.settings, sample=sample, accept_loss=accept_loss)))
    except BrokenPipeError:
        raise
    except StoreError as error:
        return complain(f"{loaded.where('store', 'url' if loaded.settings.store.url else 'path')}: {error}")
    except (AddressInUse, GatewayFailed, Rejected, OSError) as error:
        return complain(reason_of(error))


def require_certificate(loaded: Loaded) -> None:
    """Refuse a certificate that cannot be used, with the setting that names it. Raises SettingsError."""
    certificate, key = loaded.settings.server.tls_certificate, loaded.settings.server.tls_key
    if certificate is None:
        if key is not None:
            raise SettingsError(
                f"{loaded.where('server', 'tls_key')} is set without tls_certificate: plain HTTP would be spoken. Set both"
            )
        return
    for name, file in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            if file is not None:
                file.read_bytes()
        except OSError as error:
            raise SettingsError(f"{loaded.where('server', name)} cannot be read: {reason_of(error)}") from None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise SettingsError(
            f"{loaded.where('server', 'tls_certificate')}: {certificate} and its key cannot be used ({error.reason or error}). "
            "Both are PEM files, the key that of the certificate"
        ) from None


def lasting(settings: SessionSettings) -> dict[str, SessionLimits]:
    """How long sessions last, by kind."""
    return {
        "screen": SessionLimits(settings.screen_idle_s * SECOND_NS, settings.screen_s * SECOND_NS),
        "program": SessionLimits(settings.program_idle_s * SECOND_NS, settings.program_s * SECOND_NS),
    }


def warnings(settings: ServerSettings) -> Iterator[str]:
    """What in these settings is likely to be a mistake, and what would mend it."""
    tls, proxied = settings.tls_certificate is not None, settings.public_url.startswith("https://")
    if not tls and not is_loopback(settings.host):
        yield (
            "plain HTTP is spoken beyond this machine: passwords can be read on the way. Set tls_certificate and tls_key, or "
            "let only a proxy that speaks TLS come to this port."
        )
    if settings.proxies and not tls and not proxied:
        yield "a proxy is believed, but public_url is not https: cookies are not kept from plain connections and other hosts."
    if proxied and not tls and not settings.proxies:
        yield "public_url says that a proxy speaks TLS, but proxies is empty: whoever comes through it shares one address."
    if tls and settings.public_url and not proxied:
        yield "public_url is not https, and the server speaks TLS: browsers that come there are taken for another site."


async def serve_until_stopped(settings: Settings, *, sample: bool, accept_loss: bool) -> int:
    """Open the store, recover, listen."""
    server_settings = settings.server
    database = None if settings.store.url else settings.store.path
    for warning in warnings(server_settings):
        complain(f"warning: {warning}")
    host, port, number = server_settings.host, server_settings.port, server_settings.gateways
    with ExitStack() as listeners:
        sockets = listen_together(host, port, number) if number else [listen(host, port)]
        for listening in sockets:
            listeners.enter_context(listening)
        store = open_store(settings.store, accept_loss=accept_loss)
        async with (
            running_engine(store, settings.engine, database=database) as (engine, bus),
            looked_after(engine.hear, database or settings.store.url, replicas=settings.store.replicas == "required"),
        ):
            # Whoever may act on this machine can start stopped streams again, the house's among them.
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, engine.start_stopped)
            serving = serve_beside if number else serve_here
            await serving(engine, bus, sockets, settings, sample=sample)
            tell("STOPPING=1")
    return 0


async def serve_here(
    engine: Engine, bus: Bus, sockets: list[socket.socket], settings: Settings, *, sample: bool
) -> None:
    """Serve in this process until stopped."""
    server_settings = settings.server
    server = make_server(
        bus,
        outside(engine.clock),
        certificate=server_settings.tls_certificate,
        key=server_settings.tls_key,
        lasting=lasting(settings.sessions),
        public_url=server_settings.public_url,
        addresses=Addresses(server_settings.proxies, server_settings.exempt, server_settings.proxy_header),
    )
    await begin(engine, bus, server.gateway.signing, settings, sample=sample)
    # Who reads that may stop it at once.
    with server.capture_signals():
        say_where(sockets, server_settings)
        await server.serve(sockets=sockets)


async def serve_beside(
    engine: Engine, bus: Bus, sockets: list[socket.socket], settings: Settings, *, sample: bool
) -> None:
    """Serve in processes beside this one until stopped."""
    stop = asyncio.Event()
    serving: list[Gateways] = []

    def told() -> None:
        """Ctrl-C or SIGTERM: once to answer what is under way, twice to end at once."""
        if stop.is_set():
            for one in serving:
                one.kill()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told)
    passwords = Passwords(Callers, os.urandom)
    try:
        signing = Signing(Door(bus, engine.clock), passwords, os.urandom, lasting(settings.sessions))
        await begin(engine, bus, signing, settings, sample=sample)
    finally:
        passwords.close()
    told_settings = msgspec.structs.replace(settings.server, owner_password="")
    async with gateways(sockets, engine, bus, told_settings, lasting(settings.sessions), serving.append):
        if not stop.is_set():
            say_where(sockets, settings.server)
        await stop.wait()


async def begin(engine: Engine, bus: Bus, signing: Signing, settings: Settings, *, sample: bool) -> None:
    """Give the house's owner their first password, and a new database a sample to try."""
    owner, password = settings.engine.owner, settings.server.owner_password
    if not await signing.has_password(HOUSE, owner):
        await signing.set_first_password(HOUSE, owner, password or (password := secrets.token_urlsafe(12)))
        if not settings.server.owner_password:
            say(f"The house's owner may sign in (this is shown once): user {owner}, password {password}")
    if sample and not (await signing.door.ask_inside(HOUSE, "books_open", Nothing(), OpenBooks)).count:
        await add_sample(bus, signing, owner, engine.clock.now_ns())
        say(f"A sample to try: book {SAMPLE}, users owner and P1 (a player), password {SAMPLE_PASSWORD}")


def say_where(sockets: list[socket.socket], settings: ServerSettings) -> None:
    """Say where Runline is."""
    scheme = "https" if settings.tls_certificate else "http"
    host, port = sockets[0].getsockname()[:2]
    say(f"Runline is at {scheme}://{host}:{port} (documentation: /v1/schema). Ctrl-C stops it.")
    serves(f"Serving at {scheme}://{host}:{port}")
