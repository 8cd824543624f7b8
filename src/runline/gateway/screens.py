"""Screens: the connections of the live stream, and what a connection that comes back says of itself."""

import asyncio
from collections.abc import Callable, Sequence

from runline.domain.messages import Rejected
from runline.engine.watching import Reach, Resume
from runline.gateway.limits import BACKLOG_BYTES_MAX, SCREENS_AT_ONCE

Write = Callable[[bytes], bool]


def parse_resume(text: str) -> Resume | None:
    """What `Last-Event-ID` says; None without one.

    Raises Rejected `resume_invalid`.
    """
    if not text:
        return None
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 19 for part in parts[1:]) or len(parts[0]) > 64:
        raise Rejected("resume_invalid", "That is no id of a frame of this stream.")
    return Resume(parts[0], int(parts[1]), int(parts[2]))


def chunk_of(frame: bytes) -> bytes:
    """A frame as a piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(frame), frame)


class Screen:
    """One connection of the live stream.

    A frame is written at once if the connection takes it. If its buffer is full, frames wait here for the connection's own
    task, up to a bound.

    seat: its number at the owner of the stream. group: the number of those that see the same; None until it is let in. begun:
    where its first frame ends; before that is written it hears nothing else.
    """

    def __init__(self, stream: str, seat: int, topics: tuple[str, ...]) -> None:
        self.stream = stream
        self.seat = seat
        self.topics = topics
        self.group: int | None = None
        self.begun: Reach = (0, 0)
        self.backlog: list[bytes] = []
        self.waiting_bytes = 0
        self.closed = False
        self.wake = asyncio.Event()
        self.refused: Rejected | None = None
        self.write: Write | None = None
        """What takes a chunk at once or says that it cannot, while nothing else waits to be written."""

    def push(self, frame: bytes, chunk: bytes) -> None:
        """Add a frame: it is written at once, or kept. chunk: the frame as a piece of a chunked body."""
        if self.write is None or not self.write(chunk):
            self.keep(frame)

    def keep(self, frame: bytes) -> None:
        """Have a frame wait that cannot be written at once. A screen that does not keep up is told so, and cut. (One frame may
        always wait, however large.)"""
        if self.closed:
            return
        self.write = None
        self.waiting_bytes += len(frame)
        if self.backlog and self.waiting_bytes > BACKLOG_BYTES_MAX:
            self.backlog = []
            self.reset("lagged")
            return
        self.backlog.append(frame)
        self.wake.set()

    def reset(self, reason: str) -> None:
        """End the stream with a reason."""
        if not self.closed:
            frame = b'event: reset\ndata: {"reason":"%b"}\n\n' % reason.encode()
            if self.write is None or not self.write(chunk_of(frame)):
                self.backlog.append(frame)
            self.close()

    def refuse(self, rejected: Rejected) -> None:
        """Do not let it in."""
        if not self.closed:
            self.refused = rejected
            self.close()

    def close(self) -> None:
        """End the stream once what waits is written."""
        self.closed = True
        self.write = None
        self.wake.set()

    async def next(self, write: Write | None = None) -> bytes:
        """What is to be written next; b"" at the end. Meanwhile chunks may be written with `write`.

        Raises Rejected if the stream never began.
        """
        while not self.backlog and not self.closed:
            self.write = write
            self.wake.clear()
            await self.wake.wait()
        self.write = None
        if self.refused is not None:
            raise self.refused
        frames, self.backlog, self.waiting_bytes = self.backlog, [], 0
        return b"".join(frames)


async def push_to(screens: Sequence[Screen], frame: bytes) -> None:
    """Add a frame to screens, some at a time."""
    chunk = chunk_of(frame)
    for start in range(0, len(screens), SCREENS_AT_ONCE):
        some = screens[start : start + SCREENS_AT_ONCE]
        for screen in some:
            # As `push` does. Nothing is done more often, and a call would be half as much again.
            if screen.write is None or not screen.write(chunk):
                screen.keep(frame)
        if len(some) == SCREENS_AT_ONCE:
            await asyncio.sleep(0)
