"""A world whose time is made: a loop on which an hour passes at once, its clock, chance from a seed, a worker that is no process,
and connections without a socket.

Rule: time passes only when nobody has anything to do. Nothing ever waits for the machine; where nothing would ever happen again,
that is an error.
"""

import asyncio
import selectors
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from runline.engine.ports import Outside
from runline.gateway.protocol import Connection
from runline.gateway.server import Server

V = TypeVar("V")


class Passing(selectors.DefaultSelector):
    """Looks whether anything has come, and lets time pass where a loop would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_ns = 0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("nothing will ever happen again")
            if timeout > 0:
                self.passed_ns += max(round(timeout * 1e9), 1)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes at once."""

    def __init__(self) -> None:
        self.passing = Passing()
        super().__init__(self.passing)

    def time(self) -> float:
        return self.passing.passed_ns / 1e9


class VirtualClock:
    """The clock of such a loop. origin_ns: the time at its beginning."""

    def __init__(self, loop: VirtualLoop, origin_ns: int) -> None:
        self.passing = loop.passing
        self.origin_ns = origin_ns

    def now_ns(self) -> int:
        return self.origin_ns + self.passing.passed_ns

    def host_ns(self) -> int:
        return self.now_ns()

    def seconds_until(self, at_ns: int) -> float:
        return (at_ns - self.now_ns()) / 1e9


class WorkerHere:
    """Calls functions in this very process, at once."""

    def __init__(self, processes: int, *, silent_s_max: float | None = None) -> None:
        """As a worker is made; both are of no meaning here."""

    async def call(self, function: Callable[..., V], *args: object) -> V:
        return function(*args)

    def close(self) -> None:
        """There is nothing to end."""


def virtual_outside(clock: VirtualClock, seed: int) -> Outside:
    """What a server has from outside where nothing is left to chance."""
    return Outside(clock, Random(seed).randbytes, WorkerHere)


class Pipe(asyncio.Transport):
    """The server's end of a connection without a socket; what it writes comes to `said`."""

    def __init__(self, said: asyncio.StreamReader) -> None:
        super().__init__({"peername": ("192.0.2.1", 1)})
        self.said = said
        self.protocol: Connection | None = None
        self.closing = False

    def write(self, data: Any) -> None:
        self.said.feed_data(bytes(data))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.said.feed_eof()
            assert self.protocol is not None
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Nothing comes that was not sent for a test."""

    def resume_reading(self) -> None:
        """The same."""


class Caller:
    """A client of a server in the same process. said: what the server has written."""

    def __init__(self, server: Server) -> None:
        self.said = asyncio.StreamReader()
        pipe = Pipe(self.said)
        self.connection = Connection(
            server.entrance, config=server.config, server_state=server.server_state, app_state={}
        )
        pipe.protocol = self.connection
        self.pipe = pipe
        self.connection.connection_made(pipe)

    def send(self, method: str, path: str, *lines: str, token: str = "", body: bytes = b"") -> None:
        """Send a request."""
        who = [f"authorization: Bearer {token}"] if token else []
        size = ["content-type: application/json", f"content-length: {len(body)}"] if body else []
        head = "\r\n".join([f"{method} {path} HTTP/1.1", "host: x", *who, *size, *lines, "", ""])
        self.connection.data_received(head.encode() + body)

    async def answer(self) -> tuple[int, bytes]:
        """(status, body) of the next answer that says its length."""
        top, *lines = (await self.said.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(top.split()[1]), await self.said.readexactly(int(headers.get("content-length", 0)))

    def close(self) -> None:
        """The client goes."""
        self.pipe.close()
