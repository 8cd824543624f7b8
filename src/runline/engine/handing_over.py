"""Handing over: a stream goes on in another process, and whoever has sent it something hears nothing of that.

Rule: what was decided is durable before, and nothing is decided here meanwhile: what comes and what waits, waits in its lanes,
within their bounds, for a bounded time. Then the other process executes it. What the stream owes by itself (timers, jobs, what
the house has caused) follows from what is stored, and is done there. If the other one does not take it, the stream goes on here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from runline.domain.messages import ENGINE, HOUSE
from runline.engine.agenda import Agenda
from runline.engine.bus import Bus
from runline.engine.limits import HAND_OVER_S_MAX
from runline.engine.owned import Owned
from runline.engine.ports import Head, NotTaken
from runline.engine.process import Process
from runline.engine.queues import Onward, Queues
from runline.engine.requests import refused, unavailable
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")

Take = Callable[[Head], Awaitable[Bus | None]]
"""How another process takes a stream that ends at a head, at whose epoch it is claimed. Returns the bus that leads to it, or None
where everybody who sends finds it by themselves (`bus/routed.py`)."""


class HandingOver:
    """Hands over the streams of this process."""

    def __init__(self, process: Process, owned: Owned, queues: Queues, agenda: Agenda) -> None:
        self.process = process
        self.owned = owned
        self.queues = queues
        self.agenda = agenda

    async def hand_over(self, stream: str, take: Take) -> None:
        """Hand a stream over.

        Raises Rejected `unavailable` if it is not owned here or has stopped, TimeoutError if it takes too long, and what `take`
        raises: then it goes on here, unless it was claimed.
        """
        async with self.owned.reading:
            writer = self.owned.writers.get(stream)
            if writer is None or writer.stopped or writer.held:
                raise unavailable()
            writer.held = True
        # Two processes may hand something to each other at the same time, so nothing else waits for this.
        try:
            async with asyncio.timeout(HAND_OVER_S_MAX):
                await self.drained(writer)
                whole_ns = self.process.clock.host_ns()
                # From here on another may have it, long before that is heard here.
                writer.given = True
                bus = await take(writer.head)
                self.require_held(writer)
        except BaseException as error:
            writer.given = writer.given and not isinstance(error, NotTaken)
            self.go_on(writer)
            raise
        self.let_go(writer, bus, whole_ns)

    def require_held(self, writer: Writer) -> None:
        """A stream is still to be handed over. Raises Rejected `unavailable`."""
        if not writer.held or self.owned.writers.get(writer.stream) is not writer:
            raise unavailable()

    async def drained(self, writer: Writer) -> None:
        """Wait until all that a stream has decided is durable, and whatever fetches rows is back in its lane.

        Raises Rejected `unavailable` if the stream stops meanwhile.
        """
        self.owned.hand_over(writer)
        while writer.fetches or writer.sealed or writer.filling:
            await self.owned.settled(writer)
            if writer.fetches:
                await asyncio.wait(list(writer.fetches))
        self.require_held(writer)
        if writer.stopped:
            raise unavailable()

    def go_on(self, writer: Writer) -> None:
        """A stream is not handed over: what waits has its turn again."""
        writer.held = False
        if not writer.stopped and self.owned.writers.get(writer.stream) is writer:
            self.queues.go_on(writer)
            self.agenda.enter(writer)

    def let_go(self, writer: Writer, bus: Bus | None, whole_ns: int) -> None:
        """A stream goes on elsewhere, and so does what waits here, or it is sent there again. whole_ns: when its house view had
        all of it, if it is the house."""
        stream = writer.stream
        waiting = [one for one in self.queues.empty(writer) if one.request.actor != ENGINE]
        self.owned.let_go(writer)
        if stream == HOUSE:
            self.owned.house.proved(whole_ns)
        if bus is None:
            away = refused(writer.durable_seq, self.owned.lack(stream))
            for one in waiting:
                one.sink.answer(one.index, away)
            return
        self.queues.moved[stream] = bus
        if waiting:
            bus.submit([one.request for one in waiting], Onward([(one.sink, one.index) for one in waiting]))
