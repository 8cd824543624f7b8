"""Protocol: the requests of a connection, answered one after the other, from its first byte to its end.

Rule: answers leave in the order in which they were asked for. What cannot be read is answered in its turn, and the connection is
closed.
"""

import asyncio
from collections import deque
from typing import Any
from urllib.parse import unquote

import httptools

from runline.domain.messages import Rejected
from runline.gateway.exchange import STATUS_LINE, Exchange
from runline.gateway.guest import Entrance
from runline.gateway.intake import BETWEEN, BODY, HEAD, AnyExchange, Intake, uri_too_long
from runline.gateway.limits import (
    ASKING_NS,
    BODY_BYTES_MAX,
    BODY_SILENCE_S_MAX,
    HEAD_BYTES_MAX,
    LEAVE_S,
    PIPELINE_MAX,
    SHORT_WAYS_MAX,
    URL_BYTES_MAX,
)
from runline.gateway.short_way import WagerExchange
from runline.gateway.site import Headers
from runline.gateway.web import CONNECTION, REQUEST_ID, refusal_of, request_id

STREAM = b"/v1/stream"
WAGERS = b"/v1/wagers"


class Connection(Intake):
    """One connection, as requests and their answers."""

    def __init__(
        self, entrance: Entrance, *, config: Any, server_state: Any, app_state: Any, _loop: Any = None
    ) -> None:
        super().__init__(entrance, server_state, _loop or asyncio.get_running_loop())
        self.app = config.loaded_app
        self.rest = b""
        """What has come and is not parsed yet, because answers come first."""

        self.current: AnyExchange | None = None
        """What is being answered."""
        self.waiting: deque[Exchange] = deque()
        self.due: Exchange | None = None
        """What is to be answered when it is this connection's turn."""
        self.last_words: Rejected | None = None

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
        # These refer to this connection, in a circle, as those of the intake do.
        self.current = self.due = None

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
        return self.current is None or self.stage is not BETWEEN or not self.can_write.is_set()

    def close_after(self) -> None:
        if self.current is not None:
            self.current.keep_alive = False

    def shutdown(self) -> None:
        """The server stops: this connection ends once it is answered. Bodies that are still to come are not waited for."""
        if self.entrance.leaving:
            self.leave()
        elif not self.open or (self.current is not None and self.current.more_body):
            self.cut()
        elif self.current is None or self.latest is None:
            self.transport.close()
        else:
            self.latest.keep_alive = False

    def leave(self) -> None:
        """The server stops, and another one goes on at its door: nobody who asks something here within a moment is to notice."""
        latest = self.latest
        if latest is not None and self.current is not None:
            # What the head of an answer has said already holds.
            latest.keep_alive = latest.keep_alive and type(latest) is Exchange and latest.started
        elif self.open and self.stage is BETWEEN:
            self.wait(LEAVE_S)

    def expired(self) -> None:
        """The client has taken too long, if it is the client who is waited for."""
        if self.over or not self.open:
            self.cut()
        elif self.stage is BETWEEN and self.current is not None:
            # It is the server's turn; the next deadline begins with the answer.
            return
        elif not self.reading:
            # It is not read now: the delay is the server's own.
            self.wait(BODY_SILENCE_S_MAX)
        elif self.stage is HEAD:
            self.fail(Rejected("head_timeout", "The request's head did not arrive in time."))
        elif self.stage is BODY:
            self.fail(Rejected("body_timeout", "The request's body did not arrive in time."))
        elif self.transport.get_write_buffer_size():
            self.cut()
        else:
            self.over = True
            self.transport.close()

    # In turns

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

    def read_on(self, exchange: object) -> None:
        if exchange is self.latest and not self.rest and not self.reading:
            self.resume_reading()

    # What is asked

    def begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Begin a request: a wager at once, any other on the long way, in its turn."""
        if self.url == WAGERS:
            wager = self.short_way(dict(headers))
            if wager is not None:
                self.current = self.latest = wager
                return
        if len(self.url) > URL_BYTES_MAX:
            self.stop(uri_too_long())
        named = request_id(dict(headers), self.own_id)
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
            "extensions": {CONNECTION: self, REQUEST_ID: named},
        }
        # What was a live stream is counted as one: nothing else is asked on it.
        keep_alive = version != "1.0" and parser.should_keep_alive() and parsed.path != STREAM
        keep_alive = keep_alive and not self.entrance.leaving
        expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
        exchange = Exchange(self, scope, named, keep_alive, expects)
        if self.current is None:
            self.latest = exchange
            self.start(exchange)
        elif len(self.waiting) < PIPELINE_MAX:
            self.latest = exchange
            self.waiting.append(exchange)
            self.pause_reading()
        else:
            self.stop(Rejected("busy", "Too many requests wait for the answer to one before them.", most=PIPELINE_MAX))

    def short_way(self, headers: Headers) -> WagerExchange | None:
        """The wager that begins with these headers. None if this request must go the long way, with the same outcome: whatever is
        not plainly a wager (a body without a length, another request still waiting, …)."""
        parser = self.parser
        if self.current is not None or b"expect" in headers or parser.get_method() != b"POST":
            return None
        if self.entrance.leaving:
            return None
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return None
        says = b"connection" in headers or b"proxy-connection" in headers
        if says and (parser.get_http_version() != "1.1" or parser.should_upgrade()):
            # (Without one of these headers nothing is upgraded, and what is not 1.1 ends its connection.)
            return None
        if self.stalled is not None or self.short_ways >= SHORT_WAYS_MAX:
            # Who does not read their answers goes the long way, which waits for them and reads no more of them until they do.
            return None
        caller = self.caller
        if caller is None or self.user is None or not self.is_theirs(headers):
            # Whose this connection is has to be asked first.
            return None
        self.short_ways += 1
        return WagerExchange(self, caller, headers, parser.should_keep_alive())

    def start(self, exchange: Exchange) -> None:
        """Have the application answer."""
        self.current = exchange
        if self.proxied:
            counted = self.entrance.addresses.counted(exchange.scope["client"][0])
            if not self.entrance.connections.hand_over(self, counted):
                exchange.keep_alive = False
                refused = Rejected("busy", "There are too many connections of this address.")
                exchange.respond(*refusal_of(refused, exchange.request_id))
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

    # What goes out

    @property
    def own_id(self) -> bytes:
        """The id of what was asked last, where its sender gave it none."""
        return b"%b%d" % (self.named, self.messages)

    def after(self, keep_alive: bool) -> None:
        self.current = None
        if self.held_bytes:
            self.let_go()
        if self.transport.is_closing():
            return
        if not keep_alive:
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
            if self.stage is BETWEEN:
                self.wait(LEAVE_S if self.entrance.leaving else self.entrance.connections.idle_s)

    def say(self, rejected: Rejected) -> None:
        """Answer what is no request."""
        named = self.own_id
        status, headers, body = refusal_of(rejected, named)
        rest = b"".join(b"%b: %b\r\n" % header for header in headers if header[0] != b"connection")
        head = b"%b%bx-request-id: %b\r\n%b" % (STATUS_LINE[status], self.head, named, rest)
        self.write(b"%bconnection: close\r\n\r\n%b" % (head, body))

    def fail(self, rejected: Rejected) -> None:
        """What comes cannot be read any further: say why, in its turn, and end."""
        self.over = True
        exchange = self.latest
        if exchange is not None and exchange.more_body and self.stage is BODY:
            if exchange.answered:
                self.end()
            else:
                exchange.refuse(rejected)
        elif self.current is not None:
            self.last_words = rejected
        else:
            self.say(rejected)
            self.end()
