"""Far: streams of another process, as they are followed and watched over a link."""

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from runline.bus.said import Ended, Happened, Heard, Seated, Unwatch, Watch, encode
from runline.bus.wire import Wire
from runline.engine.requests import UNAVAILABLE
from runline.engine.watching import Cut, Enter, Link, News, Seating, TurnedAway, Watcher

if TYPE_CHECKING:
    from runline.bus.link import LinkBus

log = logging.getLogger("runline.bus")

AWAY = "unavailable"
"""The reason for which screens are reset whose stream is away."""


class Following:
    """A stream that is followed. pieces: that were told and not taken yet."""

    def __init__(self) -> None:
        self.pieces: deque[Happened | Ended] = deque()
        self.wake = asyncio.Event()

    def hear(self, piece: Happened | Ended) -> None:
        """Take what is told."""
        self.pieces.append(piece)
        self.wake.set()

    async def next(self) -> Happened | Ended:
        """What is told next."""
        while not self.pieces:
            self.wake.clear()
            await self.wake.wait()
        return self.pieces.popleft()


class FarLink(Link):
    """A stream that is watched. seats: of whom the owner knows, or is to be told as soon as the link stands."""

    def __init__(self, bus: "LinkBus", number: int, stream: str, watcher: Watcher) -> None:
        self.bus = bus
        self.number = number
        self.stream = stream
        self.watcher = watcher
        self.seats: dict[int, Enter] = {}
        self.told: deque[tuple[list[News], Wire | None]] = deque()
        self.wake = asyncio.Event()
        self.task = asyncio.create_task(self.hear_on())

    def tell(self, seating: Seating) -> None:
        """Somebody comes or goes."""
        if isinstance(seating, Enter):
            try:
                encode(seating)
            except (ValueError, OverflowError) as error:
                self.add([TurnedAway([seating.seat], "malformed_request", str(error), {})])
                return
            self.seats[seating.seat] = seating
            if self.bus.given_up:
                self.turn_away()
                return
        elif self.seats.pop(seating.seat, None) is None:
            return
        self.bus.say(Seated(self.number, seating))

    def close(self) -> None:
        """Nobody looks any more."""
        if self.bus.watched.pop(self.number, None) is not None:
            self.bus.say(Unwatch(self.number))
            self.task.cancel()

    def begin(self) -> None:
        """The link stands (again)."""
        self.bus.say(Watch(self.number, self.stream))
        for enter in self.seats.values():
            self.bus.say(Seated(self.number, enter))

    def lost(self) -> None:
        """The link is lost."""
        if self.seats:
            self.add([Cut(list(self.seats), AWAY)])
            self.seats = {}

    def turn_away(self) -> None:
        """The link is away for too long: who waits for it is let in no more."""
        if self.seats:
            self.add([TurnedAway(list(self.seats), UNAVAILABLE.code, UNAVAILABLE.message, {})])
            self.seats = {}

    def add(self, news: list[News], end: Wire | None = None) -> None:
        """There are news. end: the connection over which they came, and whose owner waits until they are heard."""
        self.told.append((news, end))
        self.wake.set()

    async def hear_on(self) -> None:
        """Have all news heard, one after the other."""
        while True:
            while not self.told:
                self.wake.clear()
                await self.wake.wait()
            news, end = self.told.popleft()
            for one in news:
                if isinstance(one, Cut | TurnedAway):
                    for seat in one.seats:
                        self.seats.pop(seat, None)
            try:
                await self.watcher.hear(news)
            except Exception:
                log.exception("news of %s cannot be shown", self.stream)
            if end is not None:
                end.say(encode(Heard(self.number)))
