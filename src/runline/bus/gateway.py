"""Gateway: the end of a link at the process that has no stream of its own, and wants to reach those of another."""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from runline.bus.limits import TOLD_BYTES_MAX, TOLD_FRAME_BYTES_MAX
from runline.bus.said import Here, Part, decode_answer, decode_answers, encode
from runline.bus.wire import GREETING, NONCE_BYTES, LinkError, Wire, is_proof, proof

if TYPE_CHECKING:
    from runline.bus.link import LinkBus


class GatewayEnd(Wire):
    """One connection of a link, at the gateway."""

    role = "an owner of streams"

    def __init__(self, bus: "LinkBus") -> None:
        super().__init__(bus.secret, bus.entropy, TOLD_FRAME_BYTES_MAX)
        self.bus = bus
        self.parts = bytearray()
        """What has come of something that is long."""
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
            for one in answers:
                if type(one) is not Part:
                    self.bus.hear(one)
                elif (whole := self.joined(one)) is not None:
                    self.bus.hear(decode_answer(whole))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LinkError(f"what it says cannot be read: {error}") from None

    def joined(self, part: Part) -> bytes | None:
        """What is whole with this part, if it is. Raises LinkError."""
        self.parts += part.body
        if len(self.parts) > TOLD_BYTES_MAX:
            raise LinkError(f"what it says is too long, more than {TOLD_BYTES_MAX} bytes")
        if not part.last:
            return None
        whole, self.parts = bytes(self.parts), bytearray()
        return whole

    def sign_of_life(self) -> bytes:
        return encode(Here())

    def go_on(self) -> None:
        self.bus.go_on()

    def gone(self) -> None:
        self.ended.set()
        if not self.known.done():
            self.known.set_result(False)
