"""Wire: a connection as bytes: deadlines, writing to who reads slowly, and its end.

Rule: nothing is waited for without a deadline. Who does not read is cut, and what the system keeps for them is freed with it.
"""

import asyncio
import logging
import socket
import struct
from abc import ABC, abstractmethod
from typing import Any

from runline.gateway.limits import LINGER_S_MAX, STALLED_S_MAX, UNREAD_BYTES_MAX

logger = logging.getLogger("runline.gateway")

SOON_S = 0.002
"""Timers are exact to a millisecond."""

AT_ONCE = struct.pack("ii", 1, 0)
"""A socket that lingers for no time: what the client has not read is thrown away with it."""


class Wire(asyncio.Protocol, ABC):
    """One connection, as bytes.

    over: whether what comes is thrown away. reading: whether anything is read.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.transport: Any = None
        self.over = False
        self.unread = 0
        self.reading = True
        self.can_write = asyncio.Event()
        self.can_write.set()
        self.until = self.armed = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.stalled: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True
        for timer in (self.timer, self.stalled):
            if timer is not None:
                timer.cancel()
        self.can_write.set()

    # Time

    def wait(self, seconds: float) -> None:
        """Go on in time: after so long `expired` is called, unless this is said again."""
        self.until = self.loop.time() + seconds
        if self.timer is None or self.until < self.armed:
            if self.timer is not None:
                self.timer.cancel()
            self.armed = self.until
            self.timer = self.loop.call_later(seconds, self.tick)

    def tick(self) -> None:
        """Look whether it is time. (The timer of a connection goes on while deadlines move before it.)"""
        self.timer = None
        left = self.until - self.loop.time()
        if left > SOON_S:
            self.wait(left)
        else:
            self.expired()

    @abstractmethod
    def expired(self) -> None:
        """What was said to be waited for has not come."""

    # Reading

    def pause_reading(self) -> None:
        """Read no more for now."""
        if self.reading:
            self.reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if not self.reading:
            self.reading = True
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def throw_away(self, data: bytes) -> None:
        """Take what is of no use any more, up to a bound."""
        self.unread += len(data)
        if self.unread > UNREAD_BYTES_MAX:
            self.cut()

    # Writing

    def write(self, data: bytes) -> None:
        """Write, unless nobody is there any more."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def write_now(self, chunk: bytes) -> bool:
        """Write a piece of a chunked body, if that can be done without waiting."""
        if self.stalled is not None:
            return False
        if not self.transport.is_closing():
            self.transport.write(chunk)
        return True

    async def writable(self) -> None:
        """Wait until the client has read enough."""
        if not self.can_write.is_set():
            await self.can_write.wait()

    def pause_writing(self) -> None:
        """They do not read: they have a while to begin."""
        self.can_write.clear()
        self.stalled = self.loop.call_later(STALLED_S_MAX, self.cut_stalled)

    def cut_stalled(self) -> None:
        """They have not read for too long."""
        logger.info("a client that does not read is cut")
        self.cut()

    def resume_writing(self) -> None:
        """They read again."""
        self.can_write.set()
        if self.stalled is not None:
            self.stalled.cancel()
            self.stalled = None

    # The end

    def cut(self) -> None:
        """End the connection at once, and have the system forget what the client has not read."""
        self.over = True
        try:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        except (OSError, AttributeError):
            pass  # It has ended already.
        self.transport.abort()

    def finish(self, sending: bool) -> None:
        """End the connection once what was written is taken. sending: a client that still sends gets a moment to read."""
        self.over = True
        if self.transport.is_closing():
            return
        if sending and self.transport.can_write_eof():
            self.transport.write_eof()
            self.resume_reading()
            self.wait(LINGER_S_MAX)
        else:
            self.transport.close()
            self.wait(STALLED_S_MAX)
