"""Seats: who watches a stream, and the links over which they do."""

from typing import TYPE_CHECKING, Any

from runline.engine.watching import Enter, News, Seating, Watcher
from runline.sharing.sharers import Sharer

if TYPE_CHECKING:
    from runline.live.hub import Hub
    from runline.live.hubs import Hubs


class Seat:
    """Somebody who watches a stream.

    user: whose session it is, and where they stand; the name is "" if it is nobody's.
    group: what it sees the same as (a `Group`); None until it is let in.
    reached_back: whether what it has missed was looked for. since_ns: since when it waits, by the time of what is spent.
    """

    def __init__(self, link: "SeatLink", asked: Enter, user: Sharer, player: bool, now_ns: int) -> None:
        self.link = link
        self.number = asked.seat
        self.session = asked.session
        self.topics = asked.topics
        self.node = asked.node
        self.resume = asked.resume
        self.user = user
        self.player = player
        self.group: Any = None
        self.reached_back = False
        self.since_ns = now_ns

    @property
    def name(self) -> str:
        """The user's name."""
        return self.user[2]


class SeatLink:
    """A link: the seats of one watcher at one stream. news: what they are to be told next."""

    def __init__(self, hubs: "Hubs", hub: "Hub", watcher: Watcher) -> None:
        self.hubs = hubs
        self.hub = hub
        self.watcher = watcher
        self.seats: dict[int, Seat] = {}
        self.news: list[News] = []

    def tell(self, seating: Seating) -> None:
        """Somebody comes or goes."""
        if isinstance(seating, Enter):
            self.hubs.enter(self, seating)
        else:
            seat = self.seats.get(seating.seat)
            if seat is not None:
                self.hub.drop(seat)

    def close(self) -> None:
        """Nobody looks any more."""
        self.hubs.end(self)
