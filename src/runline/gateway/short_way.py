"""Short way: a wager from its head to the bus, and from its outcome to the client, with one write.

Rule: a wager needs no task and no ASGI messages: it is submitted as its body ends. Whatever is not plainly a wager (a body
without a length, another request still waiting on this connection, …) goes the long way, with the same outcome.
"""

import logging
from typing import TYPE_CHECKING

from runline.domain.messages import Rejected
from runline.engine.requests import Outcome, Sink
from runline.gateway.answers import outcome_json
from runline.gateway.door import Caller, decoded, decoder_of
from runline.gateway.exchange import STATUS_LINE
from runline.gateway.limits import BODY_BYTES_MAX, SHORT_WAYS_MAX
from runline.gateway.site import Headers
from runline.gateway.web import JSON, refusal_of, require_content

if TYPE_CHECKING:
    from runline.gateway.protocol import Connection

logger = logging.getLogger("runline.gateway")

WAGERS = b"/v1/wagers"

decode_wager = decoder_of("PlaceWager")


class WagerExchange(Sink):
    """A wager on its way, in the place of an exchange; the sink of its request."""

    __slots__ = ("answered", "body", "caller", "connection", "disconnected", "headers", "keep_alive", "more_body")

    def __init__(self, connection: "Connection", caller: Caller, headers: Headers, keep_alive: bool) -> None:
        self.connection = connection
        self.caller = caller
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = b""
        self.more_body = True
        self.answered = False
        self.disconnected = False

    def complete(self) -> None:
        """The body has come whole: submit it; the answer is taken here."""
        self.more_body = False
        if self.answered:
            return
        door, headers = self.connection.door, self.headers
        try:
            require_content(headers, JSON)
            command = decoded(decode_wager, self.body)
            key = headers.get(b"idempotency-key", b"").decode("latin-1")
            door.bus.submit((door.request(self.caller, command, key),), self)
        except Rejected as rejected:
            self.refuse(rejected)
        except Exception as error:
            logger.exception("a fault while answering")
            self.refuse(Rejected("internal_error", f"This cannot be answered: {type(error).__name__}."))

    def answer(self, index: int, outcome: Outcome) -> None:
        """Take the outcome."""
        status, body = outcome_json(outcome)
        self.respond(status, b"", body)

    def refuse(self, rejected: Rejected) -> None:
        """Answer what is refused before any stream has seen it."""
        if self.more_body:
            self.keep_alive = False
        status, headers, body = refusal_of(rejected)
        own = (b"connection", b"content-type", b"content-length")
        self.respond(status, b"".join(b"%b: %b\r\n" % header for header in headers if header[0] not in own), body)

    def disconnect(self) -> None:
        """The client has gone."""
        self.disconnected = True

    def respond(self, status: int, rest: bytes, body: bytes) -> None:
        """Write the answer: head and body at once."""
        if self.answered or self.disconnected:
            return
        self.answered = True
        self.body = b""
        connection = self.connection
        if not self.keep_alive:
            rest += b"connection: close\r\n"
        connection.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (STATUS_LINE[status], len(body), connection.head, rest, body)
        )
        connection.after(self)


def begun(connection: "Connection", headers: Headers) -> WagerExchange | None:
    """The wager that begins with these headers; None if this request must go the long way."""
    parser = connection.parser
    if connection.current is not None or b"expect" in headers or parser.get_method() != b"POST":
        return None
    length = headers.get(b"content-length", b"")
    if not length.isdigit() or int(length) > BODY_BYTES_MAX or parser.get_http_version() != "1.1":
        return None
    if parser.should_upgrade() or not connection.can_write.is_set() or connection.short_ways >= SHORT_WAYS_MAX:
        # Who does not read their answers goes the long way, which waits for them and reads no more of them until they do.
        return None
    caller = connection.caller
    if caller is None or connection.user is None or not connection.is_theirs(headers):
        # Whose this connection is has to be asked first.
        return None
    connection.short_ways += 1
    return WagerExchange(connection, caller, headers, parser.should_keep_alive())
