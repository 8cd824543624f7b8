"""Protocol: uvicorn's HTTP/1.1, with a short way for wagers and for the frames of the live stream.

A wager needs no task and no ASGI messages: it is submitted as its body ends, and answered with one write. Whatever is not plainly
a wager (a body in parts, another one still waiting on this connection, …) goes the long way, with the same outcome.
"""

import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from runline.domain.messages import Rejected
from runline.engine.requests import Outcome, Sink
from runline.gateway.answers import outcome_json, rejected_json, status_of
from runline.gateway.door import Door, decoded, decoder_of
from runline.gateway.limits import BODY_BYTES_MAX, BODY_WAIT_S_MAX
from runline.gateway.web import JSON, Headers, refusal_headers, require_content, token_of

logger = logging.getLogger("runline.gateway")

WAGERS = b"/v1/wagers"
STREAM = b"/v1/stream"
CONNECTION = "runline.connection"
"""Under this name the scope of a live stream has its connection."""

decode_wager = decoder_of("PlaceWager")


class Unset:
    """An event that nobody waits for."""

    def set(self) -> None:
        """Nobody waits."""


UNSET = Unset()


class WagerCycle(Sink):
    """A wager on its way, in the place of uvicorn's cycle (whose attributes it has); the sink of its request."""

    __slots__ = ("body", "disconnected", "headers", "keep_alive", "late", "message_event", "more_body", "protocol",
                 "response_complete")  # fmt: skip

    def __init__(self, protocol: "Protocol", headers: Headers, keep_alive: bool) -> None:
        self.protocol = protocol
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = b""
        self.more_body = True
        self.late: Any = None
        self.message_event = UNSET
        self.response_complete = False
        self.disconnected = False

    def answer(self, index: int, outcome: Outcome) -> None:
        """Take the outcome."""
        self.respond(*outcome_json(outcome))

    def refuse(self, rejected: Rejected) -> None:
        """Answer what is refused before any stream has seen it."""
        headers = [header for header in refusal_headers(rejected.code) if header[0] != b"connection"]
        rest = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.respond(status_of(rejected.code), rejected_json(rejected), rest)

    def respond(self, status: int, body: bytes, rest: bytes = b"") -> None:
        """Write the answer: head and body at once."""
        if self.response_complete:
            return
        self.response_complete = True
        protocol = self.protocol
        if self.disconnected or protocol.transport.is_closing():
            return
        if not self.keep_alive:
            rest += b"connection: close\r\n"
        protocol.transport.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
            % (STATUS_LINE[status], len(body), rest, body)
        )
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, door: Door, **options: Any) -> None:
        super().__init__(**options)
        self.door = door

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle: Any = self.cycle
        if type(cycle) is WagerCycle and cycle.more_body and cycle.late is None:
            cycle.late = self.loop.call_later(BODY_WAIT_S_MAX, self.too_late, cycle)

    def on_headers_complete(self) -> None:
        if self.url == WAGERS and self.begins_wager():
            return
        super().on_headers_complete()
        if self.url.startswith(STREAM):
            self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]

    def begins_wager(self) -> bool:
        """Whether this request can go the short way; it has begun then."""
        before: Any = self.cycle
        if (before and not before.response_complete) or self.expect_100_continue or self.parser.get_method() != b"POST":
            return False
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX or self.parser.get_http_version() != "1.1":
            return False
        if self.flow.write_paused:
            # They do not read their answers: the long way waits for them, and reads no more of them until they do.
            return False
        if self.parser.should_upgrade() or len(self.connections) >= (self.limit_concurrency or 0):
            return False
        self.cycle = WagerCycle(self, headers, self.parser.should_keep_alive())  # type: ignore[assignment]
        return True

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        if type(cycle) is not WagerCycle:
            super().on_message_complete()
        elif cycle.more_body:
            cycle.more_body = False
            if cycle.late is not None:
                cycle.late.cancel()
            self.place(cycle)

    def place(self, cycle: WagerCycle) -> None:
        """Submit a wager; its cycle takes the answer."""
        door, headers = self.door, cycle.headers
        try:
            asker = door.asker(token_of(headers, "POST"))
            require_content(headers, JSON)
            command = decoded(decode_wager, cycle.body)
            key = headers.get(b"idempotency-key", b"").decode("latin-1")
            door.engine.submit((door.asked(asker, command, key),), cycle)
        except Rejected as rejected:
            cycle.refuse(rejected)
        except Exception as error:
            logger.exception("a fault while answering")
            cycle.refuse(Rejected("internal_error", f"This cannot be answered: {type(error).__name__}."))

    def too_late(self, cycle: WagerCycle) -> None:
        """A wager whose body has not come."""
        if cycle.more_body:
            cycle.more_body = cycle.keep_alive = False
            cycle.refuse(Rejected("body_timeout", "The request's body did not arrive in time."))

    def write_now(self, chunk: bytes) -> bool:
        """Write a piece of a chunked body, if that can be done without waiting."""
        if self.flow.write_paused:
            return False
        if not self.transport.is_closing():
            self.transport.write(chunk)
        return True
