"""Short way: a wager from its head to the bus, and from its outcome to the client, with one write.

Rule: a wager needs no task and no ASGI messages: it is submitted as its body ends.
"""

import msgspec

from runline.domain.messages import Rejected
from runline.domain.placing import PlaceWager
from runline.engine.requests import Outcome, Refused, Sink
from runline.gateway.answers import internal_error, outcome_json, rejected_json, status_of
from runline.gateway.door import Caller, decoded
from runline.gateway.exchange import STATUS_LINE
from runline.gateway.guest import Guest
from runline.gateway.site import Headers
from runline.gateway.web import JSON, log_fault, refusal_headers, request_id, require_content

HEAD = b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b%b\r\n%b"
NAMED_HEAD = b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b%d\r\n%b\r\n%b"
"""An answer; with an id of ours in one step, for that is nearly every one."""

decode_wager = msgspec.json.Decoder(PlaceWager)


class WagerExchange(Sink):
    """A wager on its way, in the place of an exchange; the sink of its request."""

    __slots__ = (
        "answered",
        "body",
        "caller",
        "connection",
        "disconnected",
        "headers",
        "keep_alive",
        "more_body",
        "number",
    )

    def __init__(self, connection: Guest, caller: Caller, headers: Headers, keep_alive: bool) -> None:
        self.connection = connection
        self.caller = caller
        self.headers = headers
        self.number = connection.messages
        self.keep_alive = keep_alive
        self.body = b""
        self.more_body = True
        self.answered = False
        self.disconnected = False

    @property
    def request_id(self) -> bytes:
        """The id of the request."""
        return request_id(self.headers, b"%b%d" % (self.connection.named, self.number))

    def complete(self) -> None:
        """The body has come whole: submit it; the answer is taken here."""
        self.more_body = False
        if self.answered:
            return
        door, headers = self.connection.door, self.headers
        try:
            if headers.get(b"content-type") != JSON:
                require_content(headers, JSON)
            command = decoded(decode_wager, self.body)
            key = headers.get(b"idempotency-key", b"").decode("latin-1")
            door.bus.submit((door.request(self.caller, command, key),), self)
        except Rejected as rejected:
            self.refuse(rejected)
        except Exception as error:
            log_fault(self.request_id, error)
            self.refuse(internal_error(error))

    def answer(self, index: int, outcome: Outcome) -> None:
        """Take the outcome."""
        if type(outcome) is Refused:
            status, body = outcome_json(outcome, self.request_id)
        else:
            status, body = outcome_json(outcome)
        self.respond(status, b"", body)

    def refuse(self, rejected: Rejected) -> None:
        """Answer what is refused before any stream has seen it."""
        if self.more_body:
            self.keep_alive = False
        headers = (header for header in refusal_headers(rejected.code) if header[0] != b"connection")
        self.respond(
            status_of(rejected.code),
            b"".join(b"%b: %b\r\n" % header for header in headers),
            rejected_json(rejected, self.request_id),
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
        if b"x-request-id" in self.headers:
            rest = b"x-request-id: %b\r\n%b" % (self.request_id, rest)
            written = HEAD % (STATUS_LINE[status], len(body), connection.head, rest, body)
        else:
            written = NAMED_HEAD % (STATUS_LINE[status], len(body), connection.named_head, self.number, rest, body)
        connection.write(written)
        connection.after(self.keep_alive)
