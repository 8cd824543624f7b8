"""Exchange: a request on its way to its answer; the two ends that an ASGI application sees of it."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from runline.domain.messages import Rejected
from runline.gateway.guest import Guest
from runline.gateway.web import NO_POLICY, POLICY_HEADER, log_fault, refusal_of

logger = logging.getLogger("runline.gateway")

STATUS_LINE = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}

WITHOUT_BODY = (204, 304)
DISCONNECT = {"type": "http.disconnect"}


class Exchange:
    """One request. scope: as ASGI has it. request_id: its id. expects_continue: the client waits to be told to send its body.

    refused: why the server does not go on reading its body. disconnected: the client has gone.
    """

    __slots__ = (
        "answered", "body", "came", "chunked", "connection", "disconnected", "expects_continue", "keep_alive", "left",
        "more_body", "refused", "request_id", "scope", "started",
    )  # fmt: skip

    def __init__(
        self, connection: Guest, scope: Any, request_id: bytes, keep_alive: bool, expects_continue: bool
    ) -> None:
        self.connection = connection
        self.request_id = request_id
        self.scope = scope
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.body = bytearray()
        self.more_body = True
        self.came = asyncio.Event()
        self.refused: Rejected | None = None
        self.disconnected = False
        self.started = False
        self.answered = False
        self.chunked = False
        self.left = 0
        """Bytes of the answer that are still to come, where its length is known."""

    async def run(self, app: Any) -> None:
        """Have the application answer."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as error:
            log_fault(self.request_id, error)
        finally:
            if not self.answered and not self.disconnected:
                if self.started:
                    self.connection.cut()
                else:
                    self.respond(*refusal_of(Rejected("internal_error", "This cannot be answered."), self.request_id))

    def refuse(self, rejected: Rejected) -> None:
        """Read no more of the body. The application hears why as it reads on, and answers."""
        self.keep_alive = False
        self.refused = rejected
        self.came.set()

    def disconnect(self) -> None:
        """The client has gone."""
        self.disconnected = True
        self.came.set()

    def complete(self) -> None:
        """The body has come whole."""
        self.more_body = False
        if not self.answered:
            self.came.set()

    async def receive(self) -> Any:
        """The next part of the body, or that the client has gone.

        Raises Rejected `body_timeout`, `busy`, … if the rest of the body is not waited for.
        """
        connection = self.connection
        if self.expects_continue:
            self.expects_continue = False
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self.disconnected or self.answered or self.refused):
            connection.read_on(self)
            await self.came.wait()
            self.came.clear()
        if self.disconnected or self.answered:
            return DISCONNECT
        if self.refused is not None:
            # Another one each time: what is raised keeps what its frames held, parts of the body for one.
            raise Rejected(self.refused.code, self.refused.message, **self.refused.details)
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """Write a part of the answer, once the client takes it."""
        await self.connection.writable()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.begin(message["status"], message.get("headers", ()))
        else:
            self.go_on(message.get("body", b""), message.get("more_body", False))

    def respond(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Write a whole answer."""
        self.begin(status, headers)
        self.go_on(body, more=False)

    def begin(self, status: int, headers: Any) -> None:
        """Write the head. Every answer has the headers that protect whoever opens it in a browser."""
        if self.started:
            raise RuntimeError("the answer has begun already")
        self.started = True
        parts = [STATUS_LINE[status], self.connection.site.headers, b"x-request-id: %b\r\n" % self.request_id]
        policy, length = NO_POLICY, None
        for name, value in headers:
            if b"\r" in value or b"\n" in value:
                raise ValueError(f"the header {name!r} has more than one line")
            if name == b"connection":
                self.keep_alive = self.keep_alive and value != b"close"
                continue
            if name == b"content-length":
                length = int(value)
            elif name == POLICY_HEADER:
                policy = b""
            parts.append(b"%b: %b\r\n" % (name, value))
        if length is None and self.scope["method"] != "HEAD" and status not in WITHOUT_BODY:
            self.chunked = True
            parts.append(b"transfer-encoding: chunked\r\n")
        self.left = length or 0
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (policy, b"\r\n")
        self.connection.write(b"".join(parts))

    def go_on(self, body: bytes, more: bool) -> None:
        """Write a part of the body."""
        if self.scope["method"] == "HEAD":
            self.left = 0
        elif self.chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.connection.write(chunk if more else chunk + b"0\r\n\r\n")
        else:
            self.left -= len(body)
            self.connection.write(body)
        if not more:
            self.answered = True
            self.body = bytearray()  # nobody reads the rest
            self.came.set()
            if self.left:
                # It is another length than was said: what follows could not be told apart.
                logger.error("an answer has another length than it says")
                self.connection.cut()
            else:
                self.connection.after(self.keep_alive)
