"""Hub: who watches one stream, from the first link to the last, and what they are told.

Rule: whatever a seat can tell from leaves when it is durable: frames, but also that it is cut or not let in. A flush goes by
steps of a millisecond at most, in turns with everything else on the loop.
"""

import asyncio
import logging
from collections import deque

from runline.domain.messages import HOUSE, Rejected
from runline.engine.ports import Happened, StoreError
from runline.engine.requests import unavailable
from runline.engine.watching import Began, Cut, Frame, Moved, Reach, Source, TurnedAway
from runline.live.cache import Cache
from runline.live.composer import Composer, Outgoing
from runline.live.limits import ARRIVALS_NS, FLUSH_NS, IMAGE_SCAN_EVENTS, KEEP_S, LATE_NS, RETRY_S, STEP_NS
from runline.live.places import Streams
from runline.live.ring import Listener, Ring, Rings
from runline.live.seats import Seat, SeatLink
from runline.sharing.spending import Spending
from runline.sharing.turns import ReadingTurns

logger = logging.getLogger("runline.live")


class Hub(Composer, Listener):
    """Who watches one stream of events, as long as somebody does."""

    def __init__(
        self,
        source: Source,
        stream: str,
        rings: Rings,
        turns: ReadingTurns,
        spending: Spending,
        streams: Streams,
    ) -> None:
        super().__init__(source, stream, spending)
        self.rings = rings
        self.turns = turns
        self.streams = streams
        self.links: dict[SeatLink, None] = {}
        self.owing: dict[Seat, None] = {}
        """Seats whose user has spent more than their share: they wait before they may be let in."""
        self.position: Reach = (0, 0)
        """Up to where every seat has been told what it is to see, unless something is due to its group."""
        self.wake = asyncio.Event()
        self.urgent = asyncio.Event()
        self.published_ns = 0
        self.waited_ns = 0
        """How long this flush has waited for what is durable."""
        self.own: Ring = rings.open(stream, self)
        self.house: Ring = self.own if stream == HOUSE else rings.open(HOUSE, self)
        self.task = asyncio.create_task(self.flush_on())
        self.keeping = asyncio.get_running_loop().call_later(KEEP_S, self.keep)

    def close(self) -> None:
        """End. Nothing of it is left."""
        self.task.cancel()
        self.keeping.cancel()
        for ring in {self.own.stream: self.own, self.house.stream: self.house}.values():
            self.rings.leave(ring, self)

    # Who comes and goes

    def enter(self, seat: Seat) -> None:
        """Let a seat in with the next flush, or the first one in which its user may read."""
        self.seats[seat] = None
        self.of_user.setdefault(seat.name, {})[seat] = None
        self.owing[seat] = None
        self.wake.set()

    def drop(self, seat: Seat) -> None:
        """A seat is empty, and its place free."""
        if seat.link.seats.pop(seat.number, None) is not None:
            if seat.name:
                self.streams.leave(seat.user, seat.player)
            self.owing.pop(seat, None)
            self.leave(seat)

    def cut(self, seats: list[Seat], reason: str) -> None:
        """End seats with a reason, at the next opportunity."""
        for seat in seats:
            if seat.number in seat.link.seats:
                seat.link.news.append(Cut([seat.number], reason))
                self.drop(seat)
        self.wake.set()

    def arrive(self) -> None:
        """Let those wait for being let in who have waited for their share."""
        least_ns = 0
        for seat in list(self.owing):
            wait_ns = self.spending.waits_ns(seat.user, seat.since_ns)
            if wait_ns <= 0:
                del self.owing[seat]
                self.waiting[seat] = None
            else:
                least_ns = min(least_ns or wait_ns, wait_ns)
        if least_ns:
            asyncio.get_running_loop().call_later(least_ns / 1e9, self.wake.set)

    def keep(self) -> None:
        """Whoever watches is there: note that their sessions are in use."""
        self.keeping.cancel()
        self.keeping = asyncio.get_running_loop().call_later(KEEP_S, self.keep)
        try:
            sessions = self.source.require(self.stream).state.sessions.by_name
        except Rejected:
            return
        for name in dict.fromkeys(seat.session for seat in self.seats):
            if name in sessions:
                self.source.presence.used(self.stream, sessions[name], acts=False)

    # What comes in

    def moved(self, stream: str, happened: list[Happened]) -> None:
        """There are new durable events."""
        if happened and not self.published_ns:
            self.published_ns = self.source.clock.host_ns()
        if stream == self.stream and any(one[4].changes_sight for one in happened):
            self.urgent.set()
        self.wake.set()

    def lost(self, reason: str) -> None:
        """What was between is not known here."""
        self.cut(list(self.seats), reason)
        self.read = (0, 0)

    def noted(self, stream: str) -> int:
        """The position up to which a stream's events are not needed any more."""
        return self.read[1] if stream == self.stream else self.read[0]

    def is_behind(self) -> bool:
        """Whether events were let go that are not noted here: so far behind nobody may be."""
        return self.read != (0, 0) and (self.own.after > self.read[1] or self.house.after > self.read[0])

    # What goes out

    async def flush_on(self) -> None:
        """Tell the seats whenever something has happened: the first event at once, then every FLUSH_NS at most."""
        host_ns = self.source.clock.host_ns
        due_ns = 0
        while True:
            await self.wake.wait()
            self.wake.clear()
            began_ns, self.waited_ns = host_ns(), 0
            # One that begins a little late does not put off those after it, or each would come later than the one before.
            due_ns = min(max(due_ns, began_ns - LATE_NS), began_ns) + FLUSH_NS
            try:
                await self.tell()
                if not self.seats:
                    self.published_ns = 0
                    continue
                await self.flush()
            except Exception as error:
                # Nothing of this is durable. The engine recovers, and those who look come back.
                if not isinstance(error, Rejected):
                    logger.exception("a frame of %s cannot be made", self.stream)
                self.lost("unavailable")
                await asyncio.sleep(RETRY_S)
                continue
            if self.due or self.waiting:
                self.wake.set()
            # Writing to many screens takes its time; others have had their turns meanwhile, and get half as long again.
            # Seats that join wait as well: for each of them all would have everything written, and an image be made.
            await asyncio.sleep((host_ns() - began_ns - self.waited_ns) / 2e9)
            left_ns = due_ns - host_ns()
            if left_ns > 0:
                self.urgent.clear()
                try:
                    async with asyncio.timeout(left_ns / 1e9):
                        await self.urgent.wait()
                except TimeoutError:
                    pass

    async def flush(self) -> None:
        """Tell every group what is due to it, and let in who waits. Each group gets one frame at most.

        Raises Rejected `unavailable`; whatever is not told then is not durable.
        """
        published_ns, self.published_ns = self.published_ns, 0
        self.arrived_ns = 0
        self.arrive()
        await self.follow_up()
        await self.reach_back()
        made: deque[Outgoing] = deque()
        going_on = True
        while going_on:
            await self.turns.turn()
            await self.follow_up()
            if self.is_behind():
                self.lost("lagged")
            began_ns = self.source.clock.host_ns()
            owned = self.source.require(self.stream)
            outgoing = Outgoing(owned)
            going_on = self.step(owned.state, outgoing, began_ns + STEP_NS)
            outgoing.durable = self.source.durable(owned)
            self.turns.spend(self.source.clock.host_ns() - began_ns)
            made.append(outgoing)
            while made and made[0].durable.done():
                await self.let_out(made, published_ns or self.published_ns)
        while made:
            await self.let_out(made, published_ns or self.published_ns)
        self.position = self.read
        self.cache = Cache()
        self.due, self.later, self.done = self.due | self.later, {}, {}
        due = [group.number for group in self.due if group.arrival is None]
        for link in self.links:
            link.news.append(Moved(*self.position, due))
        await self.tell()

    async def reach_back(self) -> None:
        """Have the events at hand which those who come back have missed, as far as they can be had. After a while the others wait
        for the next flush: who is in already waits for no crowd."""
        began_ns = self.source.clock.host_ns()
        for seat in list(self.waiting):
            if seat.reached_back:
                continue
            if self.source.clock.host_ns() - began_ns >= ARRIVALS_NS:
                del self.waiting[seat]
                self.owing[seat] = None
                self.wake.set()
                continue
            resume, seat.reached_back = seat.resume, True
            try:
                topics = self.source.vocabulary.topics
                if any(topic in topics and topics[topic].events for topic in seat.topics):
                    await self.own.recall(IMAGE_SCAN_EVENTS)
                if resume is None or resume.position > self.source.require(self.stream).durable_seq:
                    continue
                if await self.own.reach_back(resume.position) and self.house is not self.own:
                    await self.house.reach_back(resume.house)
            except Rejected:
                raise
            except StoreError as error:
                logger.warning("what seats of %s have missed cannot be read: %s", self.stream, error)
            except Exception:
                logger.exception("what seats of %s have missed cannot be read", self.stream)

    async def follow_up(self) -> None:
        """Wait until everything is here that is durable. (The rings wake who listens when they have it, or begin anew.)"""
        if self.current():
            return
        while not self.current():
            await self.tell()
            await self.wake.wait()
            self.wake.clear()
        # Who has come meanwhile is looked at with the next flush.
        self.wake.set()

    def current(self) -> bool:
        """Take in what is durable and was not taken yet; false while that is still being read from the log."""
        return self.own.current() and (self.house is self.own or self.house.current())

    async def let_out(self, made: deque[Outgoing], published_ns: int) -> None:
        """Wait until the oldest step is durable, and tell what it has made.

        Raises Rejected `unavailable` if it is lost, or may not be said any more.
        """
        outgoing, began_ns = made[0], self.source.clock.host_ns()
        if not await outgoing.durable:
            raise unavailable()
        await self.source.require_own(outgoing.owned)
        self.waited_ns += self.source.clock.host_ns() - began_ns
        made.popleft()
        for seat, reason in outgoing.cuts:
            self.cut([seat], reason)
        for seat, rejected in outgoing.refusals:
            self.turn_away(seat, rejected)
        waited_ns = self.source.clock.host_ns() - published_ns if published_ns else 0
        for group, begin, text, place in outgoing.frames:
            if begin is None:
                for link in group.links:
                    link.news.append(Frame(group.number, text, *place, waited_ns))
                continue
            seats: dict[SeatLink, list[int]] = {}
            for seat in begin:
                seats.setdefault(seat.link, []).append(seat.number)
            for link, numbers in seats.items():
                link.news.append(Began(group.number, group.log, numbers, text, *place, waited_ns))
        await self.tell()

    def turn_away(self, seat: Seat, rejected: Rejected) -> None:
        """Do not let a seat in."""
        if seat.number in seat.link.seats:
            seat.link.news.append(TurnedAway([seat.number], rejected.code, rejected.message, rejected.details))
            self.drop(seat)

    async def tell(self) -> None:
        """Let those at the other ends of the links hear what is to be told."""
        for link in list(self.links):
            if link.news and link in self.links:
                news, link.news = link.news, []
                await link.watcher.hear(news)
