"""Hub: the live streams of one stream of events, from the first screen to the last.

Rule: whatever a screen can tell from leaves when it is durable: frames, but also that it is cut or not let in. A flush goes by
steps of a millisecond at most, in turns with everything else on the loop.
"""

import asyncio
import logging
from collections import deque

import msgspec

from runline.domain.messages import HOUSE, Rejected
from runline.engine.engine import Engine
from runline.engine.ports import StoreError
from runline.engine.probes import Histogram
from runline.engine.requests import UNAVAILABLE
from runline.engine.writer import Happened
from runline.gateway.composer import IMAGE_SCAN_EVENTS, Composer, Outgoing
from runline.gateway.drafts import Place
from runline.gateway.limits import FLUSH_S
from runline.gateway.live_rows import Cache
from runline.gateway.ring import Listener, Ring, Rings
from runline.gateway.screens import Screen, chunk_of
from runline.gateway.topics import TOPICS, loses_sight
from runline.reads.limits import TURN_NS
from runline.reads.shares import Spending, Turns

logger = logging.getLogger("runline.gateway")

RETRY_S = 0.1
SOON_S = 0.001

SCREENS_AT_ONCE = 200
"""Screens that are written to before the loop has its turn."""

DELIVERIES = 1_000
"""The last frames of which it is known when they were written."""


class Delivery(msgspec.Struct, frozen=True):
    """When a position was on the screens that follow its stream.

    after, position: where the frame that had it begins and ends. screens: how many it went to (0 to whoever does not look at
    the whole book). delivered_ms: from durable until it was written to the last of them.
    """

    after: int
    position: int
    screens: int
    delivered_ms: float


class Hub(Composer, Listener):
    """The live streams of one stream of events, as long as somebody follows it."""

    def __init__(
        self,
        engine: Engine,
        stream: str,
        log: bytes,
        rings: Rings,
        turns: Turns,
        spending: Spending,
        delivery: Histogram,
    ) -> None:
        super().__init__(engine, stream, log, spending)
        self.rings = rings
        self.turns = turns
        self.delivery = delivery
        self.position: Place = (0, 0)
        """Up to where every screen has what it is to see, unless something is due to its group."""
        self.wake = asyncio.Event()
        self.urgent = asyncio.Event()
        self.published_ns = 0
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES)
        self.delivered = asyncio.Event()
        self.own: Ring = rings.open(stream, self)
        self.house: Ring = self.own if stream == HOUSE else rings.open(HOUSE, self)
        self.task = asyncio.create_task(self.flush_on())

    def close(self, reason: str = "") -> None:
        """End all streams. Nothing of it is left."""
        self.task.cancel()
        for ring in {self.own.stream: self.own, self.house.stream: self.house}.values():
            self.rings.leave(ring, self)
        if reason:
            self.cut(reason)
        self.delivered.set()

    def enter(self, screen: Screen) -> None:
        """Let a screen in with the next flush."""
        self.screens[screen] = None
        self.of_user.setdefault(screen.asker.user, {})[screen] = None
        self.waiting[screen] = None
        self.wake.set()

    # What comes in

    def moved(self, stream: str, happened: list[Happened]) -> None:
        """There are new durable events."""
        if happened and not self.published_ns:
            self.published_ns = self.engine.clock.host_ns()
        if stream == self.stream and any(loses_sight(one[4]) for one in happened):
            self.urgent.set()
        self.wake.set()

    def lost(self, reason: str) -> None:
        """What was between is not known here."""
        self.cut(reason)
        self.read = (0, 0)
        self.wake.set()

    def noted(self, stream: str) -> int:
        """The position up to which a stream's events are not needed any more."""
        return self.read[1] if stream == self.stream else self.read[0]

    def is_behind(self) -> bool:
        """Whether events were let go that are not noted here: so far behind nobody may be."""
        return self.read != (0, 0) and (self.own.after > self.read[1] or self.house.after > self.read[0])

    # What goes out

    async def flush_on(self) -> None:
        """Write to the screens whenever something has happened: the first event at once, then every FLUSH_S at most."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            if not self.screens:
                self.published_ns = 0
                continue
            began_ns = self.engine.clock.host_ns()
            try:
                await self.flush()
            except Exception as error:
                # Nothing of this is durable. The engine recovers, and the screens come back.
                if not isinstance(error, Rejected):
                    logger.exception("a frame of %s cannot be made", self.stream)
                self.cut("unavailable")
                self.read = (0, 0)
                await asyncio.sleep(RETRY_S)
                continue
            if self.due or self.waiting:
                self.wake.set()
            # Writing to many screens takes its time; others have had their turns meanwhile, and get half as long again.
            # Screens that join wait as well: for each of them all would have everything written, and an image be made.
            took = (self.engine.clock.host_ns() - began_ns) / 1e9
            await asyncio.sleep(took / 2)
            if took * 3 / 2 < FLUSH_S:
                self.urgent.clear()
                try:
                    async with asyncio.timeout(FLUSH_S - took * 3 / 2):
                        await self.urgent.wait()
                except TimeoutError:
                    pass

    async def flush(self) -> None:
        """Send every group what is due to it, and let in who waits. Each group gets one frame at most.

        Raises Rejected `unavailable`; whatever is not sent then is not durable.
        """
        published_ns, self.published_ns = self.published_ns, 0
        after, written = self.position, 0
        self.arrived_ns = 0
        await self.reach_back()
        made: deque[Outgoing] = deque()
        going_on = True
        while going_on:
            await self.turns.turn()
            if not self.current():
                await asyncio.sleep(SOON_S)
                continue
            if self.is_behind():
                self.lost("lagged")
            began_ns = self.engine.clock.host_ns()
            writer = self.engine.require(self.stream)
            outgoing = Outgoing()
            going_on = self.step(writer.state, outgoing, began_ns + TURN_NS)
            outgoing.durable = self.engine.durable(writer)
            self.turns.spend(self.engine.clock.host_ns() - began_ns)
            made.append(outgoing)
            while made and made[0].durable.done():
                written += await self.let_out(made)
        while made:
            written += await self.let_out(made)
        self.position = self.read
        self.cache = Cache()
        self.due, self.later, self.done = self.due | self.later, {}, {}
        published_ns = published_ns or self.published_ns
        if published_ns and written:
            took_ns = self.engine.clock.host_ns() - published_ns
            self.delivery.add(took_ns)
            self.deliveries.append(Delivery(after[1], self.position[1], written, took_ns / 1e6))
            self.delivered.set()
            self.delivered.clear()

    async def reach_back(self) -> None:
        """Have the events at hand which those who come back have missed, as far as they can be had."""
        for screen in list(self.waiting):
            if screen.reached_back:
                continue
            resume, screen.reached_back = screen.resume, True
            try:
                if any(TOPICS[topic].events for topic in screen.topics):
                    await self.own.recall(IMAGE_SCAN_EVENTS)
                if resume is None or resume.position > self.engine.require(self.stream).durable_seq:
                    continue
                if await self.own.reach_back(resume.position) and self.house is not self.own:
                    await self.house.reach_back(resume.house)
            except StoreError as error:
                logger.warning("what screens of %s have missed cannot be read: %s", self.stream, error)

    def current(self) -> bool:
        """Take in what is durable and was not taken yet; false while that is still being read from the log."""
        return self.own.current() and (self.house is self.own or self.house.current())

    async def let_out(self, made: deque[Outgoing]) -> int:
        """Wait until the oldest step is durable, and write what it has made; returns to how many screens.

        Raises Rejected `unavailable` if it is lost.
        """
        outgoing = made[0]
        if not await outgoing.durable:
            raise UNAVAILABLE
        made.popleft()
        for screen, reason in outgoing.cuts:
            screen.reset(reason)
        for screen, rejected in outgoing.refusals:
            screen.refuse(rejected)
        written = 0
        for group, screens, text, place in outgoing.frames:
            chunk = chunk_of(text)
            for screen in screens:
                screen.push(text, chunk)
                screen.begun = screen.begun or place
                written += 1
                if written % SCREENS_AT_ONCE == 0:
                    await asyncio.sleep(0)
            group.position = place
        return written
