"""Network: connections without sockets, between clients and the server of a process, as bytes that may come late, in pieces, or
not at all.

Rule: what is written in one direction comes in the order in which it was written, or the connection is cut. Each end finds out
by itself that the other one has gone.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

from runline.gateway.protocol import Connection
from runline.gateway.server import Server

SENT_BYTES_MAX = 64 * 1024
"""What the network takes of one who does not read before the server is told to wait."""

OUTSIDE = Context()
"""The context of what happens to clients: it is no process's."""

APART_S = 1e-6
"""How long after one thing the next one comes that is written behind it: timers of one moment have no order."""


class End(Protocol):
    """A client's end of a connection."""

    def received(self, data: bytes) -> None:
        """Something has come."""
        ...

    def lost(self) -> None:
        """The connection has ended."""
        ...


class Weather:
    """How the network is just now. delay_s: of what is written, 0 for none. pieces: at most how many bytes come at once, 0 for no
    bound."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.pieces = 0


class Pipe(asyncio.Transport):
    """The server's end of a connection, and what lies between it and the client's.

    context: of the process that the server belongs to. deaf: nothing comes to the client any more, who is not told. mute: nothing
    of the client's comes to the server any more. reads: whether the client reads.
    """

    def __init__(self, end: End, weather: Weather, address: str, context: Context | None) -> None:
        super().__init__({"peername": (address, 1)})
        self.end = end
        self.weather = weather
        self.context = context
        self.loop = asyncio.get_running_loop()
        self.protocol: asyncio.Protocol | None = None
        self.closing = False
        self.ended = False
        self.deaf = self.mute = False
        self.reads = True
        self.unread: list[bytes] = []
        self.unread_bytes = 0
        self.waits = False
        self.reading = True
        self.held: list[bytes] = []
        self.down_s = self.up_s = 0.0

    # From the server to the client

    def write(self, data: Any) -> None:
        if self.closing or self.deaf:
            return
        self.unread.append(bytes(data))
        self.unread_bytes += len(data)
        if self.reads:
            if self.weather.delay_s or self.down_s > self.loop.time():
                self.down_s = max(self.loop.time() + self.weather.delay_s, self.down_s + APART_S)
                self.loop.call_at(self.down_s, self.arrive, context=OUTSIDE)
            elif len(self.unread) == 1:
                self.loop.call_soon(self.arrive, context=OUTSIDE)
        if self.unread_bytes > SENT_BYTES_MAX and not self.waits and self.protocol is not None:
            self.waits = True
            self.protocol.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """They are the network's."""

    def arrive(self) -> None:
        """What was written is there, if the client reads."""
        if self.ended or not self.reads or not self.unread:
            return
        data, self.unread = b"".join(self.unread), []
        self.unread_bytes = 0
        if self.waits and not self.closing and self.protocol is not None:
            self.waits = False
            self.to_server(self.protocol.resume_writing)
        if not self.deaf:
            piece = self.weather.pieces or len(data)
            for start in range(0, len(data), piece):
                if not self.ended:
                    self.end.received(data[start : start + piece])

    def read_again(self) -> None:
        """The client reads."""
        self.reads = True
        self.loop.call_soon(self.arrive, context=OUTSIDE)

    # From the client to the server

    def to_server(self, callback: Callable[..., object], *args: Any) -> None:
        """Something happens to the server, in its own process."""
        self.loop.call_soon(callback, *args, context=self.context)

    def send(self, data: bytes) -> None:
        """The client writes."""
        if self.closing or self.mute:
            return
        piece = self.weather.pieces
        if piece and len(data) > piece:
            for start in range(0, len(data), piece):
                self.send_piece(data[start : start + piece])
        else:
            self.send_piece(data)

    def send_piece(self, data: bytes) -> None:
        now_s = self.loop.time()
        if self.weather.delay_s or self.up_s > now_s:
            self.up_s = max(now_s + self.weather.delay_s, self.up_s + APART_S)
            self.loop.call_at(self.up_s, self.deliver, data, context=self.context)
        else:
            self.to_server(self.deliver, data)

    def deliver(self, data: bytes) -> None:
        if self.closing or self.mute or self.protocol is None:
            return
        if self.reading and not self.held:
            self.protocol.data_received(data)
        else:
            self.held.append(data)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        if self.held:
            self.to_server(self.deliver_held)

    def deliver_held(self) -> None:
        while self.held and self.reading and not self.closing and self.protocol is not None:
            self.protocol.data_received(self.held.pop(0))

    # The end

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        """The server ends the connection, once the client has what was written."""
        if not self.closing:
            self.closing = True
            self.lose(None)
            if not self.deaf:
                self.loop.call_at(max(self.loop.time(), self.down_s), self.client_loses, context=OUTSIDE)

    def abort(self) -> None:
        self.unread, self.unread_bytes = [], 0
        self.close()

    def lose(self, error: Exception | None) -> None:
        assert self.protocol is not None
        self.to_server(self.protocol.connection_lost, error)

    def client_loses(self) -> None:
        if self.ended:
            return
        self.reads = True
        self.arrive()
        if not self.ended:
            self.ended = True
            self.end.lost()

    def hang_up(self) -> None:
        """The client ends the connection."""
        self.ended = True
        if not self.closing:
            self.closing = True
            self.lose(None)

    def cut(self) -> None:
        """The network ends the connection: neither side gets what is under way."""
        if not self.ended:
            self.hang_up()
            self.loop.call_soon(self.end.lost, context=OUTSIDE)

    def forsake(self) -> None:
        """The client has gone elsewhere, and the server is not told: what was sent to it comes nevertheless."""
        if not self.ended:
            self.ended = self.deaf = True
            self.loop.call_soon(self.end.lost, context=OUTSIDE)

    def die(self) -> None:
        """The server's process is dead: the client finds that out."""
        if not self.closing:
            self.closing = True
            self.unread, self.unread_bytes = [], 0
            if not self.deaf and not self.ended:
                self.loop.call_soon(self.client_loses, context=OUTSIDE)

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes


def connected(
    server: Server, end: End, weather: Weather | None = None, address: str = "192.0.2.1", context: Context | None = None
) -> Pipe:
    """A client is connected to a server."""
    pipe = Pipe(end, weather or Weather(), address, context)
    connection = Connection(server.entrance, config=server.config, server_state=server.server_state, app_state={})
    pipe.protocol = connection
    if context is None:
        connection.connection_made(pipe)
    else:
        # A process that does not run takes it once it does.
        pipe.to_server(connection.connection_made, pipe)
    return pipe


class Caller:
    """A client of a server in the same process. said: what the server has written."""

    def __init__(self, server: Server) -> None:
        self.said = asyncio.StreamReader()
        self.pipe = connected(server, self)
        assert self.pipe.protocol is not None
        self.connection = self.pipe.protocol

    def received(self, data: bytes) -> None:
        self.said.feed_data(data)

    def lost(self) -> None:
        self.said.feed_eof()

    def send(self, method: str, path: str, *lines: str, token: str = "", body: bytes = b"") -> None:
        """Send a request."""
        self.connection.data_received(request(method, path, *lines, token=token, body=body))

    async def answer(self) -> tuple[int, bytes]:
        """(status, body) of the next answer that says its length."""
        top, *lines = (await self.said.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(top.split()[1]), await self.said.readexactly(int(headers.get("content-length", 0)))

    def close(self) -> None:
        """The client goes."""
        self.pipe.hang_up()
        self.said.feed_eof()


def request(method: str, path: str, *lines: str, token: str = "", body: bytes = b"") -> bytes:
    """A request, as bytes. lines: of its head."""
    who = [f"authorization: Bearer {token}"] if token else []
    size = ["content-type: application/json", f"content-length: {len(body)}"] if body else []
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "host: x", *who, *size, *lines, "", ""])
    return head.encode() + body


class Answer:
    """What has come of a request. status: of HTTP; 0 if the connection ended before the answer was whole."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body


class Conversation:
    """A connection on which one request after the other is asked. hear: told of each answer, and of the end as an answer with
    status 0, if one is waited for."""

    def __init__(self, hear: Callable[[Answer], None]) -> None:
        self.hear = hear
        self.pipe: Pipe | None = None
        self.buffer = b""
        self.least = 0
        self.waiting = False
        self.open = False

    def join(self, pipe: Pipe) -> None:
        """It is connected."""
        self.pipe = pipe
        self.open = True

    def ask(self, data: bytes) -> None:
        """Send a request."""
        assert self.pipe is not None
        self.waiting = True
        self.pipe.send(data)

    def received(self, data: bytes) -> None:
        self.buffer += data
        while self.waiting and len(self.buffer) >= self.least:
            found = whole(self.buffer)
            if isinstance(found, int):
                self.least = found
                return
            answer, self.buffer = found
            self.least = 0
            if answer.status == 100:
                continue
            self.waiting = False
            self.hear(answer)

    def lost(self) -> None:
        self.open = False
        if self.waiting:
            self.waiting = False
            self.hear(Answer(0, b""))

    def close(self) -> None:
        """The client goes, and waits for nothing more."""
        self.waiting = False
        self.open = False
        if self.pipe is not None:
            self.pipe.hang_up()


def whole(buffer: bytes) -> tuple[Answer, bytes] | int:
    """The first answer in what has come, and what comes after it; if it is not whole, how many bytes there must be at least."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return len(buffer) + 1
    head = buffer[: end + 2]
    status = int(head[9:12])
    place = head.find(b"content-length: ")
    if place >= 0:
        length = int(head[place + 16 : head.index(b"\r\n", place)])
        finish = end + 4 + length
        return (Answer(status, buffer[end + 4 : finish]), buffer[finish:]) if len(buffer) >= finish else finish
    if b"transfer-encoding: chunked" not in head:
        return Answer(status, b""), buffer[end + 4 :]
    body, at = b"", end + 4
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return len(buffer) + 1
        size = int(buffer[at:line], 16)
        at = line + 4 + size
        if len(buffer) < at:
            return at
        if size == 0:
            return Answer(status, body), buffer[at:]
        body += buffer[line + 2 : line + 2 + size]
