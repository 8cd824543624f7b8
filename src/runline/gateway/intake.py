"""Intake: what comes in on a connection, from bytes to requests, with a bound and a deadline for all that a client can send.

Rule: nothing is kept without a bound, and no bound needs to know who asks. What cannot be read is refused with a code.
"""

import asyncio
import logging
from abc import abstractmethod
from enum import IntEnum
from typing import Any

import httptools

from runline.domain.messages import Rejected
from runline.gateway.exchange import Exchange
from runline.gateway.guest import Entrance, Guest
from runline.gateway.limits import (
    BODY_SILENCE_S_MAX,
    BODY_WAIT_S_MAX,
    BULK_BYTES_MAX,
    HEAD_BYTES_MAX,
    HEAD_WAIT_S_MAX,
    HEADERS_MAX,
    URL_BYTES_MAX,
    WAITING_BYTES,
)
from runline.gateway.short_way import WagerExchange
from runline.gateway.web import too_large

logger = logging.getLogger("runline.gateway")

EXPECTED = (type(None), httptools.HttpParserError, UnicodeDecodeError)
"""What a client can make of the parser's callbacks."""

AnyExchange = Exchange | WagerExchange


class Stopped(Exception):
    """What comes is parsed no further."""


class Stage(IntEnum):
    """What of a request is being read."""

    BETWEEN = 0
    HEAD = 1
    BODY = 2


BETWEEN, HEAD, BODY = Stage
"""They are looked at some times for each request, and to find one in its class takes as long as a call."""


class Intake(Guest):
    """One connection, as what comes in on it.

    latest: what was asked last; its body may still come. short_ways: wagers that these bytes have begun. half_closed: the
    client sends no more.
    """

    def __init__(self, entrance: Entrance, server_state: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(entrance, server_state, loop)
        self.pace = entrance.pace
        self.host_ns = entrance.host_ns
        self.parser: Any = httptools.HttpRequestParser(self)
        self.stage = BETWEEN
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_bytes = self.wire_bytes = self.body_bytes = 0
        self.body_until = 0.0
        self.fault: Rejected | None = None
        self.latest: AnyExchange | None = None
        self.short_ways = 0
        self.half_closed = False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # These refer to this connection, in a circle: it would stay until the collector comes.
        self.parser = self.latest = self.fault = None

    def end(self) -> None:
        """End the connection once what was written is taken."""
        self.finish(sending=self.stage is not BETWEEN and not self.half_closed)

    @abstractmethod
    def begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        """A head has come whole: begin what it asks for, as `latest`."""

    @abstractmethod
    def fail(self, rejected: Rejected) -> None:
        """What comes cannot be read any further."""

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
            if self.stage is HEAD:
                self.await_head(len(piece), self.messages - messages, stage)
            elif self.stage is BODY:
                self.await_body(len(piece), new=stage is not BODY or self.messages != messages)

    def await_head(self, count: int, begun: int, before: Stage) -> None:
        """A head is not complete yet. begun: how many requests began in these bytes."""
        if begun == 0:
            self.head_bytes += count
        else:
            # What of this piece is of earlier requests is not known: such a head may be a piece longer.
            self.head_bytes = count if begun == 1 and before is BETWEEN else 0
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
        self.stage = HEAD
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
        self.stage = BODY
        self.body_bytes = 0
        if not self.over:
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
        self.stage = BETWEEN
        if self.latest is not None:
            self.latest.complete()

    def stop(self, rejected: Rejected) -> None:
        """Parse no further, for this reason. Raises Stopped, through the parser."""
        # A copy: what was raised refers to its frames, and they to this connection.
        self.fault = Rejected(rejected.code, rejected.message, **rejected.details)
        raise Stopped


def head_too_large() -> Rejected:
    """The refusal of a head."""
    return Rejected("head_too_large", "The request's head is too large.", most=HEAD_BYTES_MAX)


def uri_too_long() -> Rejected:
    """The refusal of a target."""
    return Rejected("uri_too_long", "The request's target is too long.", most=URL_BYTES_MAX)
