"""Lanes: requests waiting for one stream. Control goes first, then wagers, then bulk; each lane is bounded."""

from collections import deque

from runline.domain.messages import Lane
from runline.engine.limits import LANE_DEPTH_MAX
from runline.engine.requests import Request, Ticket


def lane_of(request: Request) -> Lane:
    """Where a request belongs."""
    return "bulk" if request.bulk else request.command.lane


class Lanes:
    """The three lanes of a stream."""

    def __init__(self) -> None:
        self.control: deque[Ticket] = deque()
        self.wagers: deque[Ticket] = deque()
        self.bulk: deque[Ticket] = deque()

    def is_full(self, lane: Lane) -> bool:
        """Whether a lane can take no more."""
        return len(getattr(self, lane)) >= LANE_DEPTH_MAX[lane]

    def put(self, ticket: Ticket, lane: Lane) -> None:
        """Add a ticket to a lane that is not full."""
        getattr(self, lane).append(ticket)

    def put_first(self, ticket: Ticket) -> None:
        """Put a ticket back that waited for its rows, or one that the engine itself sends: next in its lane."""
        getattr(self, lane_of(ticket.request)).appendleft(ticket)

    def put_last(self, ticket: Ticket) -> None:
        """Add what the engine itself sends, whose number is bounded elsewhere."""
        getattr(self, lane_of(ticket.request)).append(ticket)

    def empty(self) -> list[Ticket]:
        """Take everything out."""
        tickets = [*self.control, *self.wagers, *self.bulk]
        self.control.clear()
        self.wagers.clear()
        self.bulk.clear()
        return tickets

    def __len__(self) -> int:
        return len(self.control) + len(self.wagers) + len(self.bulk)
