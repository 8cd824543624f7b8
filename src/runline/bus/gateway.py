"""Gateway: the end of a link at the process that has no stream of its own, and wants to reach those of another."""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from runline.bus.limits import TOLD_BYTES_MAX
from runline.bus.said import Here, decode_answers, encode
from runline.bus.wire import GREETING, NONCE_BYTES, LinkError, Wire, is_proof, proof

if TYPE_CHECKING:
    from runline.bus.link import LinkBus


class GatewayEnd(Wire):
    """One connection of a link, at the gateway."""

    role = "an owner of streams"

    def __init__(self, bus: "LinkBus") -> None:
        super().__init__(bus.secret, bus.entropy, TOLD_BYTES_MAX)
        self.bus = bus
        self.theirs = b""
        self.known: asyncio.Future[bool] = self.loop.create_future()
        self.ended = asyncio.Event()

    def greet(self) -> None:
        """It is the owner who speaks first."""

    def know(self, frame: bytes) -> None:
        if not self.theirs:
            if not frame.startswith(GREETING) or len(frame) != len(GREETING) + NONCE_BYTES:
                raise LinkError("it does not greet as an owner of this version does")
            self.theirs = frame[len(GREETING) :]
            self.say_bare(self.nonce + proof(self.secret, b"gateway", self.theirs, self.nonce))
            return
        if not is_proof(frame, proof(self.secret, b"owner", self.theirs, self.nonce)):
            raise LinkError("it does not have the secret")
        self.begin()
        if not self.known.done():
            # Nobody may want it any more by now.
            self.known.set_result(True)

    def take(self, frame: bytes) -> None:
        try:
            answers = decode_answers(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LinkError(f"what it says cannot be read: {error}") from None
        for one in answers:
            self.bus.hear(one)

    def sign_of_life(self) -> bytes:
        return encode(Here())

    def go_on(self) -> None:
        self.bus.go_on()

    def gone(self) -> None:
        self.ended.set()
        if not self.known.done():
            self.known.set_result(False)
