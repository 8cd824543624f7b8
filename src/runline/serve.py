"""Serve: `runline serve` and `runline config`."""

import asyncio
import logging
import os
import signal
import ssl
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from runline.bootstrap import open_store, run, running_engine
from runline.cluster.member import NotJoined
from runline.cluster.registry import RegistryError
from runline.config import (
    Loaded,
    ServerSettings,
    Settings,
    SettingsError,
    load,
    settings_json,
    settings_toml,
)
from runline.domain.messages import Rejected
from runline.engine.ports import StoreError
from runline.gateway.addresses import is_loopback
from runline.gateway.server import AddressInUse
from runline.gateways import GatewayFailed
from runline.handed import listening
from runline.nodes import joined, require_alone
from runline.notify import tell, watched
from runline.serving import say, serve_beside, serve_gateway, serve_here, serve_node
from runline.shell import complain, reason_of
from runline.store.checking import looked_after


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
    except (AddressInUse, GatewayFailed, NotJoined, RegistryError, Rejected, OSError) as error:
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
    alone = not settings.cluster.address
    with listening(server_settings) as found:
        if server_settings.role == "gateway":
            await serve_gateway(found, settings)
            tell("STOPPING=1")
            return 0
        if alone and settings.store.url:
            await require_alone(settings.store.url)
        store = open_store(settings.store, accept_loss=accept_loss, shared=not alone)
        async with (
            running_engine(store, settings.engine, database=database, alone=alone) as (engine, bus),
            looked_after(engine.hear, database or settings.store.url, replicas=settings.store.replicas == "required"),
        ):
            # Whoever may act on this machine can start stopped streams again, the house's among them.
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, engine.start_stopped)
            if alone:
                serving = serve_beside if server_settings.gateways else serve_here
                await serving(engine, bus, found, settings, sample=sample)
            else:
                async with joined(engine, bus, settings) as node:
                    await serve_node(node, engine, found, settings, sample=sample)
            tell("STOPPING=1")
    return 0
