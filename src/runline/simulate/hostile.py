"""Hostile: strangers who send what is no request, too much of it, or something that is another's.

Rule: whatever they send, they get an answer or the end of their connection, within bounds; never a fault, never anything else.
"""

from typing import Any

from runline.simulate.network import Answer, Conversation, Pipe, request
from runline.simulate.world import World

PATIENCE_S = 120.0
"""How long a stranger may be kept waiting."""

SENTENCES: tuple[bytes, ...] = (
    b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/board HTTP/1.1\r\nhost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /v1/board HTTP/9.9\r\n\r\n",
    b"POST /v1/wagers HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
    b"POST /v1/wagers HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    b"POST /v1/wagers HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\ncontent-type: application/json\r\n\r\n"
    + b"x" * 70_000,
    b"POST /v1/wagers HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /v1/wagers HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
    b"POST /v1/sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc",
    b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/board HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 20_000 + b"\r\n\r\n",
    b"GET /v1/board HTTP/1.1\r\n" + b"x: y\r\n" * 150 + b"\r\n",
    b"GET /v1/%00%ff%2e%2e/board HTTP/1.1\r\nhost: x\r\n\r\n",
    b"DELETE /v1/wagers HTTP/1.1\r\nhost: x\r\n\r\n",
    b"HEAD /v1/board HTTP/1.1\r\nhost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/stream?topics=everything HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/schema/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/ready HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/time HTTP/1.1\r\nhost: x\r\n\r\n" * 70,
    b"\x00" * 300,
    b"GET /v1/me HTTP/1.1\r\nhost: x\r\nauthorization: Basic eDp5\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\nhost: x\r\ncookie: runline_session=b1.nobody\r\n\r\n",
    b"GET /v1/me HT",
)

BODIES: tuple[bytes, ...] = (
    b"{", b"[" * 2_000, b'{"player":"P1"}', b"null", b"\xff\xfe", b'{"stake":1e999}', b'{"a":' * 500 + b"1" + b"}" * 500, b'""',
)  # fmt: skip


class Strangers:
    """Whoever comes without being asked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.decisions = world.decisions

    def come(self) -> None:
        """A stranger comes."""
        world = self.world
        world.step("request")
        data = self.says()
        conversation = Conversation(self.hears)
        pipe = world.connect(conversation, "198.51.100.7")
        if pipe is None:
            return
        conversation.join(pipe)
        conversation.ask(data)
        world.tell(f"a stranger sends {data[:60]!r}, {len(data)} bytes")
        world.loop.call_later(PATIENCE_S, self.had_patience, conversation, pipe, data)

    def says(self) -> bytes:
        """What a stranger sends: no request, or somebody's whose token they guess, have, or take for another's."""
        world, kind = self.world, self.decisions.draw(3)
        if kind == 0:
            return self.decisions.one(SENTENCES)
        token = self.token()
        names: list[Any] = [*world.vocabulary.commands, "wagers", "sign-in", "confirm", "set-password", "nothing"]
        name = self.decisions.one(names)
        path = "".join(f"-{one.lower()}" if one.isupper() else one for one in name).removeprefix("-")
        if kind == 1:
            return request("POST", f"/v1/{path}", token=token, body=self.decisions.one(BODIES))
        return request("GET", f"/v1/{self.decisions.one(list(world.vocabulary.queries))}", token=token)

    def token(self) -> str:
        """A token that is none, or was changed, or names another book."""
        real = [one.token for one in self.world.people if one.token]
        token = self.decisions.one(real) if real else "b1.x"
        stream, _, secret = token.rpartition(".")
        return self.decisions.one(
            (
                f"{stream}.{secret[:-1]}A",
                f"house.{secret}",
                "b1." + "A" * 43,
                "." + secret,
                token + "x" * 5_000,
                "b9.x",
                "\x7f",
            )
        )

    def hears(self, answer: Answer) -> None:
        """A stranger is answered, or turned away."""
        self.world.step("delivery")
        self.world.reached("(a stranger)", str(answer.status or "end"))
        if answer.status == 500:
            self.world.wrong(f"a stranger was answered {answer.body.decode('utf-8', 'replace')}")

    def had_patience(self, conversation: Conversation, pipe: Pipe, data: bytes) -> None:
        """Whoever was not answered by now is forgotten by the server, unless the network has kept it from knowing."""
        if conversation.waiting and not (pipe.deaf or pipe.mute) and not self.world.over:
            self.world.wrong(f"a stranger who sent {data[:60]!r} still waits after {PATIENCE_S} s")
        conversation.close()
