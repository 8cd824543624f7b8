"""Watcher: those who watch a stream at the other end of a link, as its owner has them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from runline.bus.limits import AHEAD_S_MAX, HEARD_S_MAX, NEWS_BYTES_MAX, QUIET_BEATS, TOLD_AHEAD_MAX
from runline.bus.said import Told, encode
from runline.bus.wire import LinkError
from runline.domain.messages import Rejected
from runline.engine.watching import Link, News

if TYPE_CHECKING:
    from runline.bus.owner import OwnerEnd


class FarWatcher:
    """Those who watch a stream at the other end. link: by which the stream is seen; None if it cannot be, for `reason`."""

    def __init__(self, end: "OwnerEnd", number: int) -> None:
        self.end = end
        self.number = number
        self.link: Link | None = None
        self.reason: Rejected | None = None
        self.unheard: deque[int] = deque()
        self.unheard_bytes = 0
        self.room = asyncio.Event()
        self.is_slow = False
        """Whether it has kept others waiting, until it has heard all."""
        self.closed = False

    async def hear(self, news: Sequence[News]) -> None:
        """Tell news; it returns when there is room for more, or others have waited long enough."""
        if self.closed:
            return
        told = encode(Told(self.number, list(news)))
        self.unheard.append(len(told))
        self.unheard_bytes += len(told)
        self.end.say_later(told)
        await self.wait_while(lambda: self.is_ahead, AHEAD_S_MAX)
        self.is_slow = self.is_slow or self.is_ahead
        await self.wait_while(lambda: self.is_full, HEARD_S_MAX)
        if self.is_full:
            self.end.end("it does not hear what it is told")

    async def wait_while(self, there_is_none: Callable[[], bool], most_s: float) -> None:
        """Wait for room, for no longer than that."""
        if not there_is_none():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                while there_is_none():
                    self.room.clear()
                    await self.room.wait()

    @property
    def is_ahead(self) -> bool:
        """Whether as many pieces were told as may be before they are heard."""
        waits = not self.closed and not self.is_slow and self.end.silent_beats < QUIET_BEATS
        return waits and len(self.unheard) > TOLD_AHEAD_MAX

    @property
    def is_full(self) -> bool:
        """Whether as much was told as may be before it is heard."""
        return not self.closed and self.unheard_bytes > NEWS_BYTES_MAX

    def heard(self) -> None:
        """The oldest of it was heard. Raises LinkError."""
        if not self.unheard:
            raise LinkError("it has heard what it was not told")
        self.unheard_bytes -= self.unheard.popleft()
        self.is_slow = self.is_slow and bool(self.unheard)
        self.room.set()

    def close(self) -> None:
        """Nobody watches any more."""
        self.closed = True
        self.room.set()
        if self.link is not None:
            self.link.close()
            self.link = None
