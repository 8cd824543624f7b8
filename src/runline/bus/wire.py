"""Wire: one end of the connection between two processes: frames, who the other end is, and whether it is still there.

Rule: what is said in one turn of the loop goes out as one frame. While the other end takes no more, only what is urgent is
said: as little is on its way as keeps it busy, so that whatever comes next is not long on its way; what is long goes in parts.
Who does not prove that it has the secret is heard in nothing else, and the secret itself is never sent. Whatever cannot be
read, is too long or is not read by the other end ends this connection with a sentence in the log, and harms no other.
"""

import asyncio
import hmac
import logging
import socket
import struct
from abc import abstractmethod
from collections import deque
from typing import Any

from runline.bus.limits import (
    BEAT_S,
    FRAME_BYTES,
    HELLO_BYTES_MAX,
    HELLO_S_MAX,
    ON_ITS_WAY_BYTES,
    PART_BYTES,
    SILENT_BEATS_MAX,
    UNSENT_BYTES_MAX,
)
from runline.bus.said import Part, encode
from runline.engine.ids import Entropy

log = logging.getLogger("runline.bus")

HEAD = struct.Struct("<I")
"""Before each frame: its length."""

ARRAY = struct.Struct(">cI")
ARRAY_OF = b"\xdd"
"""Before what a frame holds: that it is an array of MessagePack, and how long."""

GREETING = b"runline link 2 "
"""What an owner says first, before its nonce: of another version nothing could be understood."""

NONCE_BYTES = 32


class LinkError(Exception):
    """The other end has said what it may not say. The message is for people."""


def proof(secret: bytes, role: bytes, owners: bytes, callers: bytes) -> bytes:
    """That an end has the secret, by the nonces of both."""
    return hmac.digest(secret, role + owners + callers, "sha256")


def is_proof(proved: bytes, right: bytes) -> bool:
    """Whether a proof is the right one, in a time that does not say how much of it is."""
    return hmac.compare_digest(proved, right)


class Wire(asyncio.Protocol):
    """One end of a connection.

    secret: what both ends have. bytes_max: how long a frame may be once both know each other. open: whether they do. full:
    whether the other end takes no more just now. held: whether nothing is taken in here just now.
    """

    role = ""

    def __init__(self, secret: bytes, entropy: Entropy, bytes_max: int) -> None:
        self.secret = secret
        self.nonce = entropy(NONCE_BYTES)
        self.frame_bytes_max = bytes_max
        self.bytes_max = HELLO_BYTES_MAX
        self.open = False
        self.over = False
        self.received = bytearray()
        self.saying: list[bytes] = []
        self.saying_bytes = 0
        self.longest = 0
        """The longest frame of what is not sent."""
        self.full = False
        self.held = False
        self.later: deque[bytes] = deque()
        self.later_bytes = 0
        self.later_longest = 0
        """The longest of what has waited since nothing did: however long it is, there is room for as much beside it."""
        self.begun = 0
        """How much of the first of these is said, which is long."""
        self.silent_beats = 0
        self.loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.beating: asyncio.TimerHandle | None = None

    @property
    def silent_s(self) -> float:
        """For how long the other end has said nothing, by whole beats of this one: what it stood still itself does not count."""
        return max(self.silent_beats - 1, 0) * BEAT_S

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(FRAME_BYTES)  # type: ignore[attr-defined]
        connection = transport.get_extra_info("socket")
        if connection is not None:
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                connection.setsockopt(socket.SOL_SOCKET, buffer, ON_ITS_WAY_BYTES)
        self.beating = self.loop.call_later(HELLO_S_MAX, self.end, "it does not say who it is")
        self.greet()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("")

    def end(self, why: str) -> None:
        """Close the connection. why: "" if the other end has closed it, or it was asked for here."""
        if self.over:
            return
        self.over = True
        if why:
            log.warning("a link to %s is closed: %s", self.role, why)
        if self.beating is not None:
            self.beating.cancel()
        self.saying, self.received = [], bytearray()
        self.later.clear()
        if self.transport is not None:
            self.transport.abort()
        self.gone()

    def begin(self) -> None:
        """Both ends know each other."""
        assert self.beating is not None
        self.open = True
        self.bytes_max = self.frame_bytes_max
        self.beating.cancel()
        self.beating = self.loop.call_later(BEAT_S, self.beat)

    def beat(self) -> None:
        """Say that this end is there, and see whether the other one has said anything."""
        self.silent_beats += 1
        if self.silent_beats > SILENT_BEATS_MAX:
            self.end("it has not said anything for too long")
            return
        self.say(self.sign_of_life())
        self.beating = self.loop.call_later(BEAT_S, self.beat)

    # Frames

    def data_received(self, data: bytes) -> None:
        self.silent_beats = 0
        if self.received:
            self.received += data
            data = self.received  # type: ignore[assignment]
        start, size = 0, len(data)
        while not self.over and not self.held and size - start >= HEAD.size:
            (length,) = HEAD.unpack_from(data, start)
            if length > self.bytes_max:
                self.end(f"what it says is too long, {length} bytes")
                return
            end = start + HEAD.size + length
            if end > size:
                break
            self.take_frame(bytes(data[start + HEAD.size : end]))
            start = end
        if self.over:
            return
        if data is self.received:
            del self.received[:start]
        elif start < size:
            self.received += data[start:]

    def take_frame(self, frame: bytes) -> None:
        """One frame, of whoever is there."""
        try:
            if self.open:
                self.take(frame)
            else:
                self.know(frame)
        except LinkError as error:
            self.end(str(error))
        except Exception:
            log.exception("what a link to %s says cannot be taken", self.role)
            self.end("what it says cannot be taken")

    def say(self, said: bytes) -> None:
        """Say something, encoded, with what else is said in this turn of the loop."""
        if self.over:
            return
        if not self.saying:
            self.loop.call_soon(self.flush)
        self.saying.append(said)
        self.saying_bytes += len(said)
        if self.saying_bytes >= FRAME_BYTES:
            self.flush()

    def say_later(self, said: bytes) -> None:
        """Say something that is not urgent, after all that was said so before, once the other end takes it."""
        if not self.full and not self.later and len(said) <= FRAME_BYTES:
            self.say(said)
        elif self.later_bytes > UNSENT_BYTES_MAX + self.later_longest:
            self.end("it does not read what it is told")
        elif not self.over:
            self.later.append(said)
            self.later_bytes += len(said)
            self.later_longest = max(self.later_longest, len(said))
            self.say_what_waits()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self.go_on()

    def go_on(self) -> None:
        """The other end takes more: say what has waited for that."""
        self.say_what_waits()

    def say_what_waits(self) -> None:
        """Say what is not urgent, as long as the other end takes it."""
        while self.later and not self.full:
            said = self.later[0]
            if len(said) <= FRAME_BYTES:
                self.take_later()
                self.say(said)
                continue
            start, self.begun = self.begun, self.begun + PART_BYTES
            if last := self.begun >= len(said):
                self.take_later()
            self.say(encode(Part(last, said[start : start + PART_BYTES])))

    def take_later(self) -> None:
        """The first of it waits no more."""
        self.later_bytes -= len(self.later.popleft())
        self.begun = 0
        if not self.later:
            self.later_longest = 0

    # What waits here

    def hold(self) -> None:
        """Take nothing in until `let_go`: there is more than is taken at a time."""
        self.held = True
        self.transport.pause_reading()

    def let_go(self) -> None:
        """Take in what waits, and what comes."""
        self.held = False
        if not self.over:
            self.transport.resume_reading()
            self.data_received(b"")

    def flush(self) -> None:
        """Send what was said."""
        if not self.saying or self.over:
            return
        frame = b"".join(
            (HEAD.pack(ARRAY.size + self.saying_bytes), ARRAY.pack(ARRAY_OF, len(self.saying)), *self.saying)
        )
        self.saying, self.saying_bytes = [], 0
        unsent = self.transport.get_write_buffer_size()
        if not unsent:
            self.longest = 0
        if unsent > UNSENT_BYTES_MAX + self.longest:
            self.end("it does not read what it is told")
        else:
            self.transport.write(frame)
            self.longest = max(self.longest, len(frame))

    def say_bare(self, said: bytes) -> None:
        """Say what is no list, before both know each other."""
        self.transport.write(HEAD.pack(len(said)) + said)

    # What each end does

    @abstractmethod
    def greet(self) -> None:
        """The connection stands."""

    @abstractmethod
    def know(self, frame: bytes) -> None:
        """The other end says who it is. Raises LinkError."""

    @abstractmethod
    def take(self, frame: bytes) -> None:
        """The other end says something. Raises LinkError."""

    @abstractmethod
    def sign_of_life(self) -> bytes:
        """What is said when there is nothing else to say."""

    @abstractmethod
    def gone(self) -> None:
        """The connection is over."""
