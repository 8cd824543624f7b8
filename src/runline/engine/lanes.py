"""Lanes: requests waiting for one stream. Control goes first, then wagers, then bulk; each lane is bounded."""

from collections import deque

from runline.domain.messages import Lane
from runline.engine.limits import ACTOR_WAGERS_MAX, LANE_DEPTH_MAX
from runline.engine.requests import Request, Ticket


def lane_of(request: Request) -> Lane:
    """Where a request belongs."""
    return "bulk" if request.bulk else request.command.lane


class Lanes:
    """The three lanes of a stream. waiting: the wagers that wait, by who sent them."""

    def __init__(self) -> None:
        self.control: deque[Ticket] = deque()
        self.wagers: deque[Ticket] = deque()
        self.bulk: deque[Ticket] = deque()
        self.waiting: dict[str, int] = {}

    def is_full(self, lane: Lane) -> bool:
        """Whether a lane can take no more."""
        return len(getattr(self, lane)) >= LANE_DEPTH_MAX[lane]

    def has_enough_of(self, actor: str) -> bool:
        """Whether a user has as many wagers waiting as one may have."""
        return self.waiting.get(actor, 0) >= ACTOR_WAGERS_MAX

    def put(self, ticket: Ticket, lane: Lane) -> None:
        """Add a ticket to a lane that is not full."""
        getattr(self, lane).append(ticket)
        if lane == "wagers":
            actor = ticket.request.actor
            self.waiting[actor] = self.waiting.get(actor, 0) + 1

    def take_wager(self) -> Ticket:
        """The wager whose turn it is."""
        ticket = self.wagers.popleft()
        actor = ticket.request.actor
        left = self.waiting[actor] - 1
        if left:
            self.waiting[actor] = left
        else:
            del self.waiting[actor]
        return ticket

    def put_first(self, ticket: Ticket) -> None:
        """Put a ticket back that waited for its rows, or one that the engine itself sends: next in its lane."""
        lane = lane_of(ticket.request)
        getattr(self, lane).appendleft(ticket)
        if lane == "wagers":
            self.waiting[ticket.request.actor] = self.waiting.get(ticket.request.actor, 0) + 1

    def put_last(self, ticket: Ticket) -> None:
        """Add what the engine itself sends, whose number is bounded elsewhere. (It sends no wagers.)"""
        getattr(self, lane_of(ticket.request)).append(ticket)

    def empty(self) -> list[Ticket]:
        """Take everything out."""
        tickets = [*self.control, *self.wagers, *self.bulk]
        self.control.clear()
        self.wagers.clear()
        self.bulk.clear()
        self.waiting.clear()
        return tickets

    def __len__(self) -> int:
        return len(self.control) + len(self.wagers) + len(self.bulk)
