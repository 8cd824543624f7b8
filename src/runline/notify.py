"""Notify: a service manager that asks for it hears when this process serves, that its loop turns, and when it stops.

The protocol is that of sd_notify(3): the manager names a socket in the environment, and for a watchdog the time within which it
wants to hear.
"""

import asyncio
import os
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

V = TypeVar("V")

BEATS = 3
"""How often it is said that the loop turns, in the time within which it must be."""


def tell(state: str) -> None:
    """Say something to the manager, if there is one. One that does not listen is not waited for."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # An address that begins so is of no file.
    named = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.setblocking(False)
        manager.sendto(state.encode(), named)


def serves(how: str) -> None:
    """This process serves. how: in a sentence, for people."""
    tell(f"READY=1\nSTATUS={how}")


def beat_s() -> float | None:
    """How often the manager wants to hear of this process, if it does at all."""
    within_us, of = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not within_us.isdigit() or (of and of != str(os.getpid())):
        return None
    return int(within_us) / 1e6 / BEATS


async def beat(every_s: float) -> None:
    """Say that the loop turns."""
    while True:
        tell("WATCHDOG=1")
        await asyncio.sleep(every_s)


async def watched(work: Coroutine[None, None, V]) -> V:
    """Work whose loop is watched to its very end."""
    every_s = beat_s()
    beating = asyncio.create_task(beat(every_s)) if every_s else None
    try:
        return await work
    finally:
        if beating is not None:
            beating.cancel()
