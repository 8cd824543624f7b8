"""Hubs: everyone who watches a stream of this process.

Rule: a hub lives from its first link to its last one, and there is one for each stream: nothing waits between looking it up
and entering it.
"""

import asyncio

from runline.domain.messages import Rejected
from runline.engine.watching import Enter, Source, TurnedAway, Watcher
from runline.live.hub import Hub
from runline.live.places import Streams
from runline.live.ring import Rings
from runline.live.seats import Seat, SeatLink
from runline.sharing.sharers import Sharer, sharer_of
from runline.sharing.spending import Spending
from runline.sharing.turns import ReadingTurns


class Hubs:
    """Everyone who watches a stream of this process. turns, spending: what they share with whoever else reads."""

    def __init__(self, source: Source, turns: ReadingTurns, spending: Spending) -> None:
        self.source = source
        self.turns = turns
        self.spending = spending
        self.streams = Streams()
        self.rings = Rings(source)
        self.hubs: dict[str, Hub] = {}

    def watch(self, stream: str, watcher: Watcher) -> SeatLink:
        """A link to a stream.

        Raises Rejected `unknown_book`, `unavailable`.
        """
        self.source.require(stream)
        hub = self.hubs.get(stream)
        if hub is None:
            hub = Hub(self.source, stream, self.rings, self.turns, self.spending, self.streams)
            self.hubs[stream] = hub
        link = SeatLink(self, hub, watcher)
        hub.links[link] = None
        return link

    def enter(self, link: SeatLink, asked: Enter) -> None:
        """Somebody takes a seat, or is turned away because there is none. (Who is not known takes nobody's place, and is turned
        away with the next flush: that a session has ended may not be durable yet.)"""
        hub = link.hub
        try:
            state = self.source.require(hub.stream).state
            session = state.sessions.by_name.get(asked.session)
            user = sharer_of(state, session.user if session is not None else "")
            known = state.access.users.get(user[2])
            player = known is not None and bool(known.player)
            crowded = self.streams.enter(user, player) if session is not None else None
        except Rejected as rejected:
            link.news.append(TurnedAway([asked.seat], rejected.code, rejected.message, rejected.details))
            hub.wake.set()
            return
        seat = link.seats[asked.seat] = Seat(link, asked, user, player, self.spending.now_ns())
        hub.enter(seat)
        if crowded is not None:
            self.give_way(crowded)

    def give_way(self, user: Sharer) -> None:
        """End the seat of a user that began last: their place is somebody else's now."""
        hub = self.hubs[user[0]]
        hub.cut([next(reversed(hub.of_user[user[2]]))], "busy")

    def end(self, link: SeatLink) -> None:
        """A link is no more. With its last one a hub ends too."""
        hub = link.hub
        for seat in list(link.seats.values()):
            hub.drop(seat)
        hub.links.pop(link, None)
        if not hub.links and self.hubs.get(hub.stream) is hub:
            del self.hubs[hub.stream]
            hub.close()

    async def close(self) -> None:
        """End all."""
        hubs = list(self.hubs.values())
        for hub in hubs:
            for link in list(hub.links):
                self.end(link)
        await asyncio.gather(*(hub.task for hub in hubs), *self.rings.ending, return_exceptions=True)
