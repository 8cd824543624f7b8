"""Protocol: HTTP/1.1, from bytes to requests, with a bound and a deadline for everything that a client can send.

Rule: nothing is kept without a bound, and no bound needs to know who asks. What cannot be read is answered with a code, in its
turn, and the connection is closed.

A wager needs no task and no ASGI messages: it is submitted as its body ends, and answered with one write. Whatever is not plainly
a wager (a body in parts, another one still waiting on this connection, …) goes the long way, with the same outcome.
"""

import asyncio
import logging
from collections import deque
from enum import IntEnum
from typing import Any
from urllib.parse import unquote

import httptools

from runline.domain.messages import Rejected
from runline.gateway.door import decoded, decoder_of
from runline.gateway.exchange import NO_POLICY, STATUS_LINE, AnyExchange, Exchange, WagerExchange
from runline.gateway.guest import Entrance, Guest
from runline.gateway.limits import (
    ASKING_NS,
    BODY_BYTES_MAX,
    BODY_SILENCE_S_MAX,
    BODY_WAIT_S_MAX,
    BULK_BYTES_MAX,
    HEAD_BYTES_MAX,
    HEAD_WAIT_S_MAX,
    HEADERS_MAX,
    PIPELINE_MAX,
    SHORT_WAYS_MAX,
    URL_BYTES_MAX,
)
from runline.gateway.site import Headers
from runline.gateway.web import CONNECTION, JSON, refusal_of, require_content, too_large

logger = logging.getLogger("runline.gateway")

WAGERS = b"/v1/wagers"
STREAM = b"/v1/stream"

WAITING_BYTES = 64 * 1024
"""What of a body may wait for the application before no more is read."""

EXPECTED = (type(None), httptools.HttpParserError, UnicodeDecodeError)
"""What a client can make of the parser's callbacks."""

decode_wager = decoder_of("PlaceWager")


class Stopped(Exception):
    """What comes is parsed no further."""


class Stage(IntEnum):
    """What of a request is being read."""

    BETWEEN = 0
    HEAD = 1
    BODY = 2


class Connection(Guest):
    """One connection, as requests."""

    def __init__(
        self, entrance: Entrance, *, config: Any, server_state: Any, app_state: Any, _loop: Any = None
    ) -> None:
        super().__init__(entrance, server_state, _loop or asyncio.get_running_loop())
        self.app = config.loaded_app
        self.pace = entrance.pace
        self.host_ns = entrance.host_ns
        self.head = self.site.headers + NO_POLICY
        self.parser: Any = httptools.HttpRequestParser(self)
        self.stage = Stage.BETWEEN
        self.messages = 0
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_bytes = self.wire_bytes = self.body_bytes = 0
        self.fault: Rejected | None = None
        self.rest = b""
        """What has come and is not parsed yet, because answers come first."""

        self.current: AnyExchange | None = None
        """What is being answered."""
        self.latest: AnyExchange | None = None
        """What was asked last; its body may still come."""
        self.waiting: deque[Exchange] = deque()
        self.due: Exchange | None = None
        """What is to be answered when it is this connection's turn."""
        self.short_ways = 0
        self.last_words: Rejected | None = None
        self.half_closed = False
        self.body_until = 0.0

    # The connection

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.open = True
        if self.handshake is not None or self.admitted(transport.get_extra_info("peername")):
            return
        self.over = True
        self.say(Rejected("busy", "There are too many connections. Try again in a moment."))
        self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for exchange in (self.current, *self.waiting):
            if exchange is not None:
                exchange.disconnect()
        self.waiting.clear()
        self.rest = b""
        # These refer to this connection, in a circle: it would stay until the collector comes.
        self.parser = self.current = self.latest = self.due = self.fault = None

    def eof_received(self) -> bool:
        """The client sends no more. Whoever has asked something may still wait for the answer; a stream has none."""
        current = self.current
        if self.over or self.handshake is not None or self.streams:
            return False
        if not self.rest and (current is None or current.more_body):
            return False
        self.half_closed = True
        return True

    @property
    def streams(self) -> bool:
        """Whether the live stream is on this connection."""
        current = self.current
        return type(current) is Exchange and current.scope["path"] == STREAM.decode()

    @property
    def waits(self) -> bool:
        """Whether the server waits for its client: to ask, to send the rest, to read the answer."""
        return self.current is None or self.stage is not Stage.BETWEEN or not self.can_write.is_set()

    def close_after(self) -> None:
        if self.current is not None:
            self.current.keep_alive = False

    def shutdown(self) -> None:
        """The server stops: this connection ends once it is answered. Bodies that are still to come are not waited for."""
        if not self.open or (self.current is not None and self.current.more_body):
            self.cut()
        elif self.current is None or self.latest is None:
            self.transport.close()
        else:
            self.latest.keep_alive = False

    def end(self) -> None:
        """End the connection once what was written is taken."""
        self.finish(sending=self.stage is not Stage.BETWEEN and not self.half_closed)

    def expired(self) -> None:
        """The client has taken too long, if it is the client who is waited for."""
        if self.over or not self.open:
            self.cut()
        elif self.stage is Stage.BETWEEN and self.current is not None:
            # It is the server's turn; the next deadline begins with the answer.
            return
        elif not self.reading:
            # It is not read now: the delay is the server's own.
            self.wait(BODY_SILENCE_S_MAX)
        elif self.stage is Stage.HEAD:
            self.fail(Rejected("head_timeout", "The request's head did not arrive in time."))
        elif self.stage is Stage.BODY:
            self.fail(Rejected("body_timeout", "The request's body did not arrive in time."))
        elif self.transport.get_write_buffer_size():
            self.cut()
        else:
            self.over = True
            self.transport.close()

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self.over:
            self.throw_away(data)
        elif self.rest:
            self.rest += data
            self.pause_reading()
        elif len(data) <= HEAD_BYTES_MAX and not self.pace.over:
            self.take(data)
        else:
            self.take_in_pieces(data)

    def take_in_pieces(self, data: bytes) -> None:
        """Parse much, a piece after the other, as long as nothing before it waits for its answer and it is this one's turn."""
        whole = memoryview(data)
        for start in range(0, len(data), HEAD_BYTES_MAX):
            if self.over:
                return
            if self.waiting or self.pace.over:
                self.rest = bytes(whole[start:])
                if not self.waiting:
                    self.line_up()
                return
            self.take(whole[start : start + HEAD_BYTES_MAX])

    def line_up(self) -> None:
        """Go on when it is this connection's turn."""
        self.pace.line_up(self, self.user or (self.counted,), signed=self.user is not None)

    def go_on(self) -> None:
        """It is this connection's turn: begin what is due, or parse what was left over."""
        due, self.due = self.due, None
        if due is None:
            self.read_rest()
        elif not due.disconnected:
            self.answer(due)

    def take(self, piece: bytes | memoryview) -> None:
        """Parse a piece."""
        began_ns = self.host_ns()
        self.short_ways = 0
        self.parse(piece)
        self.pace.spend(self.host_ns() - began_ns)

    def parse(self, piece: bytes | memoryview) -> None:
        """Have a piece parsed."""
        messages, stage = self.messages, self.stage
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # What follows would be another protocol, and none is spoken here.
            self.over = True
            if self.latest is not None:
                self.latest.keep_alive = False
        except httptools.HttpParserError as error:
            if self.fault is None and not isinstance(error.__context__, EXPECTED):
                logger.error("a fault while reading a request", exc_info=error)
            self.fail(self.fault or Rejected("malformed_request", "This is no request of HTTP/1.1."))
        else:
            if self.stage is Stage.HEAD:
                self.await_head(len(piece), self.messages - messages, stage)
            elif self.stage is Stage.BODY:
                self.await_body(len(piece), new=stage is not Stage.BODY or self.messages != messages)

    def await_head(self, count: int, begun: int, before: Stage) -> None:
        """A head is not complete yet. begun: how many requests began in these bytes."""
        if begun == 0:
            self.head_bytes += count
        else:
            # What of this piece is of earlier requests is not known: such a head may be a piece longer.
            self.head_bytes = count if begun == 1 and before is Stage.BETWEEN else 0
            if self.messages > 1:
                self.wait(HEAD_WAIT_S_MAX)
        if self.head_bytes >= HEAD_BYTES_MAX:
            self.fail(uri_too_long() if len(self.url) > URL_BYTES_MAX else head_too_large())

    def await_body(self, count: int, new: bool) -> None:
        """A body is not complete yet."""
        exchange = self.latest
        now = self.loop.time()
        if new:
            self.wire_bytes = 0
            self.body_until = now + BODY_WAIT_S_MAX
        else:
            self.wire_bytes += count
        if exchange is None or exchange.answered:
            if self.body_bytes > BULK_BYTES_MAX:
                self.end()
        elif isinstance(exchange, WagerExchange):
            self.await_wager(exchange)
        elif self.wire_bytes > 2 * self.body_bytes + HEAD_BYTES_MAX:
            # Chunks of a byte, extensions, trailers: it is long without holding much.
            self.fail(too_large(BULK_BYTES_MAX))
        if not self.over:
            self.wait(min(self.body_until - now, BODY_SILENCE_S_MAX))

    def await_wager(self, exchange: WagerExchange) -> None:
        """A wager whose body comes in parts: they are counted, to whoever is signed in here."""
        try:
            self.hold(len(exchange.body) - self.held_bytes)
        except Rejected as rejected:
            exchange.refuse(rejected)

    def on_message_begin(self) -> None:
        self.messages += 1
        self.stage = Stage.HEAD
        self.url = b""
        self.headers = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self.headers
        headers.append((name.lower(), value))
        if len(headers) > HEADERS_MAX:
            self.stop(head_too_large())

    def on_headers_complete(self) -> None:
        # What a body's trailer says is nobody's: its lines are counted, and thrown away.
        headers, self.headers = self.headers, []
        self.stage = Stage.BODY
        self.body_bytes = 0
        if self.over:
            return
        if self.url != WAGERS or not self.begins_wager(dict(headers)):
            self.begin(headers)

    def on_body(self, body: bytes) -> None:
        exchange = self.latest
        if exchange is None:
            return
        if isinstance(exchange, WagerExchange):
            if not exchange.answered:
                exchange.body += body
            return
        self.body_bytes += len(body)
        if exchange.answered or exchange.refused is not None:
            return
        try:
            self.hold(len(body))
        except Rejected as rejected:
            self.stop(rejected)
        exchange.body += body
        if len(exchange.body) > WAITING_BYTES:
            self.pause_reading()
        exchange.came.set()

    def on_message_complete(self) -> None:
        self.stage = Stage.BETWEEN
        exchange = self.latest
        if exchange is None:
            return
        exchange.more_body = False
        if isinstance(exchange, WagerExchange):
            self.place(exchange)
        elif not exchange.answered:
            exchange.came.set()

    def stop(self, rejected: Rejected) -> None:
        """Parse no further, for this reason. Raises Stopped, through the parser."""
        # A copy: what was raised refers to its frames, and they to this connection.
        self.fault = Rejected(rejected.code, rejected.message, **rejected.details)
        raise Stopped

    # What is asked

    def begins_wager(self, headers: Headers) -> bool:
        """Whether this request can go the short way; it has begun then."""
        parser = self.parser
        if self.current is not None or b"expect" in headers or parser.get_method() != b"POST":
            return False
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX or parser.get_http_version() != "1.1":
            return False
        if parser.should_upgrade() or not self.can_write.is_set() or self.short_ways >= SHORT_WAYS_MAX:
            # Who does not read their answers goes the long way, which waits for them and reads no more of them until they do.
            return False
        caller = self.caller
        if caller is None or self.user is None or not self.is_theirs(headers):
            # Whose this connection is has to be asked first.
            return False
        self.short_ways += 1
        self.current = self.latest = WagerExchange(self, caller, headers, parser.should_keep_alive())
        return True

    def is_theirs(self, headers: Headers) -> bool:
        """Whether a request comes from whom this connection counts as."""
        try:
            return self.site.token_of(headers, "POST") == self.token
        except Rejected:
            return False

    def begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Begin a request on the long way, in its turn."""
        if len(self.url) > URL_BYTES_MAX:
            self.stop(uri_too_long())
        parser, parsed = self.parser, httptools.parse_url(self.url)
        if self.proxied:
            self.client = self.entrance.addresses.client(self.peer, headers)
        version = parser.get_http_version()
        path = parsed.path.decode("ascii")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "server": None,
            "client": (self.client, 0),
            "scheme": "https" if self.site.secure else "http",
            "root_path": "",
            "headers": headers,
            "state": {},
            "method": parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": parsed.path,
            "query_string": parsed.query or b"",
            "extensions": {CONNECTION: self},
        }
        # What was a live stream is counted as one: nothing else is asked on it.
        keep_alive = version != "1.0" and parser.should_keep_alive() and parsed.path != STREAM
        expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
        exchange = Exchange(self, scope, keep_alive, expects)
        if self.current is None:
            self.latest = exchange
            self.start(exchange)
        elif len(self.waiting) < PIPELINE_MAX:
            self.latest = exchange
            self.waiting.append(exchange)
            self.pause_reading()
        else:
            self.stop(Rejected("busy", "Too many requests wait for the answer to one before them.", most=PIPELINE_MAX))

    def start(self, exchange: Exchange) -> None:
        """Have the application answer."""
        self.current = exchange
        if self.proxied:
            counted = self.entrance.addresses.counted(exchange.scope["client"][0])
            if not self.entrance.connections.hand_over(self, counted):
                exchange.keep_alive = False
                exchange.respond(*refusal_of(Rejected("busy", "There are too many connections of this address.")))
                return
        if self.pace.over:
            self.due = exchange
            self.line_up()
        else:
            self.answer(exchange)

    def answer(self, exchange: Exchange) -> None:
        """Let the application have a request."""
        self.pace.spend(ASKING_NS)
        self.keep_task(exchange.run(self.app))

    def place(self, exchange: WagerExchange) -> None:
        """Submit a wager; its exchange takes the answer."""
        door, headers = self.door, exchange.headers
        if exchange.answered:
            return
        try:
            require_content(headers, JSON)
            command = decoded(decode_wager, exchange.body)
            key = headers.get(b"idempotency-key", b"").decode("latin-1")
            door.bus.submit((door.request(exchange.caller, command, key),), exchange)
        except Rejected as rejected:
            exchange.refuse(rejected)
        except Exception as error:
            logger.exception("a fault while answering")
            exchange.refuse(Rejected("internal_error", f"This cannot be answered: {type(error).__name__}."))

    # What goes out

    def after(self, exchange: AnyExchange) -> None:
        """An answer is written: the next one, or the end."""
        self.current = None
        if self.held_bytes:
            self.let_go()
        if self.transport.is_closing():
            return
        if not exchange.keep_alive:
            self.end()
        elif self.waiting:
            self.start(self.waiting.popleft())
            if self.rest and not self.waiting:
                # What comes next may be the rest of the very request that has its turn now.
                self.loop.call_soon(self.read_rest)
        elif self.last_words is not None:
            self.say(self.last_words)
            self.end()
        elif self.rest:
            self.loop.call_soon(self.read_rest)
        elif self.half_closed:
            self.end()
        else:
            if not self.reading:
                self.resume_reading()
            if self.stage is Stage.BETWEEN:
                self.wait(self.entrance.connections.idle_s)

    def say(self, rejected: Rejected) -> None:
        """Answer what is no request."""
        status, headers, body = refusal_of(rejected)
        rest = b"".join(b"%b: %b\r\n" % header for header in headers if header[0] != b"connection")
        self.write(b"%b%b%bconnection: close\r\n\r\n%b" % (STATUS_LINE[status], self.head, rest, body))

    def fail(self, rejected: Rejected) -> None:
        """What comes cannot be read any further: say why, in its turn, and end."""
        self.over = True
        exchange = self.latest
        if exchange is not None and exchange.more_body and self.stage is Stage.BODY:
            if exchange.answered:
                self.end()
            else:
                exchange.refuse(rejected)
        elif self.current is not None:
            self.last_words = rejected
        else:
            self.say(rejected)
            self.end()

    def read_rest(self) -> None:
        """Go on with what has come already."""
        rest, self.rest = self.rest, b""
        if self.open and rest:
            self.data_received(rest)
            if self.rest or self.waiting or self.over:
                return
            if self.half_closed and self.current is None:
                self.end()
            else:
                self.resume_reading()

    def read_on(self, exchange: Exchange) -> None:
        """Read on, if it is this request's body that is waited for."""
        if exchange is self.latest and not self.rest and not self.reading:
            self.resume_reading()


def head_too_large() -> Rejected:
    """The refusal of a head."""
    return Rejected("head_too_large", "The request's head is too large.", most=HEAD_BYTES_MAX)


def uri_too_long() -> Rejected:
    """The refusal of a target."""
    return Rejected("uri_too_long", "The request's target is too long.", most=URL_BYTES_MAX)
