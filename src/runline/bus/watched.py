"""Watched: a stream that is watched wherever it is just now.

Rule: whoever has seen a frame of one owner sees none of another: they are cut, and come back. Who has seen none yet is told of to
the next owner. Nothing of an owner is shown after anything of the next.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runline.bus.far import AWAY
from runline.bus.limits import AGAIN_PAUSE_S, AGAIN_PAUSE_S_MAX, AGAIN_S_MAX
from runline.domain.messages import Rejected
from runline.engine.requests import UNAVAILABLE
from runline.engine.watching import Began, Cut, Enter, Link, News, Seating, TurnedAway, Watcher

if TYPE_CHECKING:
    from runline.bus.way import Way

log = logging.getLogger("runline.bus")


class Gate(Watcher):
    """What is heard from one owner. link: to it."""

    def __init__(self, routed: "RoutedLink") -> None:
        self.routed = routed
        self.link: Link | None = None

    async def hear(self, news: Sequence[News]) -> None:
        await self.routed.hear(self, news)


class RoutedLink(Link):
    """A stream that is watched. seats: all; begun: those that have a frame; waiting: those of whom no owner knows. until_s: when
    those wait no more that had to, by the loop's time.

    own: what the watcher is to hear next, from here.
    """

    def __init__(self, way: "Way", watcher: Watcher) -> None:
        self.way = way
        self.watcher = watcher
        self.loop = asyncio.get_running_loop()
        self.seats: dict[int, Enter] = {}
        self.begun: dict[int, None] = {}
        self.waiting: dict[int, None] = {}
        self.until_s: dict[int, float] = {}
        self.gate: Gate | None = None
        self.closed = False
        self.own: list[News] = []
        self.hearing = asyncio.Lock()
        self.saying: asyncio.Task[None] | None = None
        self.pause_s = AGAIN_PAUSE_S
        self.timer: asyncio.TimerHandle | None = None

    # Who comes and goes

    def tell(self, seating: Seating) -> None:
        """Somebody comes or goes."""
        if self.closed:
            return
        if isinstance(seating, Enter):
            self.seats[seating.seat] = seating
            if not self.way.there or not self.open():
                self.hold([seating.seat])
                return
        elif self.drop(seating.seat) is None:
            return
        if self.gate is not None and self.gate.link is not None:
            self.gate.link.tell(seating)

    def drop(self, seat: int) -> Enter | None:
        """A seat is empty."""
        self.begun.pop(seat, None)
        self.waiting.pop(seat, None)
        self.until_s.pop(seat, None)
        return self.seats.pop(seat, None)

    def close(self) -> None:
        """Nobody looks any more."""
        self.closed = True
        self.way.links.pop(self, None)
        self.shut()
        if self.timer is not None:
            self.timer.cancel()

    # Where it is seen

    def open(self) -> bool:
        """See the stream where it is. Returns whether it can be seen."""
        if self.gate is not None:
            return True
        bus = self.way.bus
        if bus is None:
            return False
        gate = Gate(self)
        try:
            gate.link = bus.watch(self.way.stream, gate)
        except Rejected:
            return False
        self.gate = gate
        return True

    def shut(self) -> None:
        """Hear nothing more from there."""
        gate, self.gate = self.gate, None
        if gate is not None and gate.link is not None:
            gate.link.close()

    def move(self) -> None:
        """The stream is elsewhere."""
        self.shut()
        if self.begun:
            self.say(Cut(list(self.begun), AWAY))
            for seat in list(self.begun):
                self.drop(seat)
        self.pause_s = AGAIN_PAUSE_S
        self.enter(list(self.seats))

    def enter(self, seats: Sequence[int]) -> None:
        """Tell the owner of seats, or have them wait."""
        if not self.way.there or not self.open():
            self.hold(seats)
            return
        assert self.gate is not None
        assert self.gate.link is not None
        for seat in seats:
            self.waiting.pop(seat, None)
            self.gate.link.tell(self.seats[seat])

    def end(self, why: Rejected) -> None:
        """It is seen nowhere any more."""
        self.shut()
        begun, others = list(self.begun), [seat for seat in self.seats if seat not in self.begun]
        if begun:
            self.say(Cut(begun, AWAY))
        if others:
            self.say(TurnedAway(others, why.code, why.message, {}))
        for seat in (*begun, *others):
            self.drop(seat)

    # Who waits

    def hold(self, seats: Sequence[int]) -> None:
        """Have seats wait until the stream is somewhere, or for a moment."""
        if self.way.there and self.way.is_cut_off:
            self.turn_away(list(seats))
            return
        until_s = self.loop.time() + AGAIN_S_MAX
        if self.way.troubled_s and not self.way.there:
            until_s = min(until_s, self.way.given_up_s)
        for seat in seats:
            self.waiting[seat] = None
            self.until_s.setdefault(seat, until_s)
        if self.waiting and self.timer is None and not self.closed:
            self.timer = self.loop.call_later(self.pause_s, self.again)

    def again(self) -> None:
        """See to those who wait."""
        self.timer = None
        now_s = self.loop.time()
        late = [seat for seat in self.waiting if self.until_s[seat] <= now_s]
        self.turn_away(late)
        if not self.waiting:
            self.pause_s = AGAIN_PAUSE_S
            return
        self.pause_s = min(2 * self.pause_s, AGAIN_PAUSE_S_MAX)
        self.timer = self.loop.call_at(
            min(now_s + self.pause_s, *(self.until_s[seat] for seat in self.waiting)), self.again
        )
        if self.way.there:
            if len(self.waiting) == len(self.seats):
                # It may be the link that could not be had.
                self.shut()
            self.enter(list(self.waiting))

    def turn_away(self, seats: Sequence[int]) -> None:
        """Seats wait no more."""
        if seats:
            self.say(TurnedAway(list(seats), UNAVAILABLE.code, UNAVAILABLE.message, {}))
            for seat in seats:
                self.drop(seat)

    # What is heard

    async def hear(self, gate: Gate, news: Sequence[News]) -> None:
        """Show what is heard from an owner, unless there is another one by now."""
        async with self.hearing:
            await self.say_own()
            if gate is self.gate:
                await self.watcher.hear([one for one in news if self.is_shown(one)])

    def is_shown(self, news: News) -> bool:
        """Whether the watcher hears of it; notes who has begun and who is gone."""
        if isinstance(news, Began):
            for seat in news.seats:
                if seat in self.seats:
                    self.begun[seat] = None
                    self.waiting.pop(seat, None)
                    self.until_s.pop(seat, None)
        elif isinstance(news, TurnedAway) and self.way.is_astray(news.code, news.details):
            self.hold([seat for seat in news.seats if seat in self.seats])
            return False
        if isinstance(news, Cut | TurnedAway):
            for seat in news.seats:
                self.drop(seat)
        return True

    def say(self, news: News) -> None:
        """Have the watcher hear something from here."""
        self.own.append(news)
        if self.saying is None or self.saying.done():
            self.saying = self.loop.create_task(self.say_on())

    async def say_on(self) -> None:
        async with self.hearing:
            await self.say_own()

    async def say_own(self) -> None:
        while self.own and not self.closed:
            news, self.own = self.own, []
            try:
                await self.watcher.hear(news)
            except Exception:
                log.exception("news of %s cannot be shown", self.way.stream)
