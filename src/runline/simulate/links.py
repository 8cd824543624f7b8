"""Links: the connections by which processes of a simulated machine reach each other's streams, over the same network as clients.

Rule: both ends are Runline's own; what lies between them may come late, in pieces, or not at all. Each end finds out by itself
that the other one has gone.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

from runline.bus.owner import LinkListener
from runline.simulate.network import Pipe, Weather

SECRET = b"of this machine"
GATEWAYS_SECRET = b"of its gateways"


class CallerEnd(asyncio.Transport):
    """The end of whoever connects. context: of its process."""

    def __init__(self, make: Callable[[], asyncio.Protocol], context: Context) -> None:
        super().__init__()
        self.context = context
        self.loop = asyncio.get_running_loop()
        self.protocol = make()
        self.pipe: Pipe | None = None
        self.closing = False

    def joined(self, pipe: Pipe) -> None:
        """It is connected."""
        self.pipe = pipe
        self.protocol.connection_made(self)

    # What the network does

    def received(self, data: bytes) -> None:
        self.loop.call_soon(self.take, data, context=self.context)

    def take(self, data: bytes) -> None:
        if not self.closing:
            self.protocol.data_received(data)

    def lost(self) -> None:
        self.loop.call_soon(self.lose, context=self.context)

    def lose(self) -> None:
        if not self.closing:
            self.closing = True
            self.protocol.connection_lost(None)

    # What its process does

    def write(self, data: Any) -> None:
        if self.pipe is not None and not self.closing:
            self.pipe.send(bytes(data))

    def close(self) -> None:
        self.closing = True
        if self.pipe is not None and not self.pipe.ended:
            self.pipe.hang_up()

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """All of it is taken."""


def call(
    listener: LinkListener, make: Callable[[], asyncio.Protocol], weather: Weather, ours: Context, theirs: Context
) -> tuple[CallerEnd, Pipe]:
    """A process connects to one that owns streams. ours, theirs: the contexts of the two."""
    end = CallerEnd(make, ours)
    pipe = Pipe(end, weather, "127.0.0.1", theirs)
    pipe.protocol = theirs.run(listener.protocol)
    pipe.to_server(pipe.protocol.connection_made, pipe)
    end.joined(pipe)
    return end, pipe


class StrangersEnd:
    """The end of somebody who is no process of Runline's, and hears nothing."""

    def received(self, data: bytes) -> None:
        """It is not listened to."""

    def lost(self) -> None:
        """Nor is this."""


def come_as_stranger(listener: LinkListener, said: bytes, weather: Weather, theirs: Context) -> Pipe:
    """Somebody connects to where links begin, and says something."""
    pipe = Pipe(StrangersEnd(), weather, "127.0.0.1", theirs)
    pipe.protocol = theirs.run(listener.protocol)
    pipe.to_server(pipe.protocol.connection_made, pipe)
    pipe.send(said)
    return pipe
