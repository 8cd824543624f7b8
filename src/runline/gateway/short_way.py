"""Short way: a wager from its head to the bus, and from its outcome to the client, with one write.

Rule: a wager needs no task and no ASGI messages: it is submitted as its body ends.
"""

import logging

import msgspec

from runline.domain.messages import Rejected
from runline.domain.placing import PlaceWager
from runline.engine.requests import Outcome, Sink
from runline.gateway.answers import internal_error, outcome_json, rejected_json, status_of
from runline.gateway.door import Caller, decoded
from runline.gateway.exchange import STATUS_LINE
from runline.gateway.guest import Guest
from runline.gateway.site import Headers
from runline.gateway.web import JSON, refusal_headers, require_content

logger = logging.getLogger("runline.gateway")

decode_wager = msgspec.json.Decoder(PlaceWager)


class WagerExchange(Sink):
    """A wager on its way, in the place of an exchange; the sink of its request."""

    __slots__ = ("answered", "body", "caller", "connection", "disconnected", "headers", "keep_alive", "more_body")

    def __init__(self, connection: Guest, caller: Caller, headers: Headers, keep_alive: bool) -> None:
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
            self.refuse(internal_error(error))

    def answer(self, index: int, outcome: Outcome) -> None:
        """Take the outcome."""
        status, body = outcome_json(outcome)
        self.respond(status, b"", body)

    def refuse(self, rejected: Rejected) -> None:
        """Answer what is refused before any stream has seen it."""
        if self.more_body:
            self.keep_alive = False
        headers = (header for header in refusal_headers(rejected.code) if header[0] != b"connection")
        self.respond(
            status_of(rejected.code), b"".join(b"%b: %b\r\n" % header for header in headers), rejected_json(rejected)
        )

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
        connection.after(self.keep_alive)
