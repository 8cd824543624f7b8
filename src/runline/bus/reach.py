"""Reach: how processes reach each other: on one machine by a socket in the file system, between machines by TLS."""

import asyncio
from collections.abc import Callable
from typing import Any

from runline.bus.link import Connect, GatewayEnd
from runline.bus.owner import LinkListener

UNIX = "unix:"


def is_near(address: str) -> bool:
    """Whether an address is of this machine for sure."""
    return not address or address.startswith(UNIX)


def connect_to(address: str, tls: Any = None) -> Connect:
    """What connects to an address."""

    async def connect(make: Callable[[], GatewayEnd]) -> Any:
        return await asyncio.get_running_loop().create_unix_connection(make, address.removeprefix(UNIX))

    return connect


async def listen_at(address: str, listener: LinkListener, tls: Any = None) -> asyncio.AbstractServer:
    """Listen for links at an address."""
    path = address.removeprefix(UNIX)
    return await asyncio.get_running_loop().create_unix_server(listener.protocol, path)
