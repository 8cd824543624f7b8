"""Deliveries: what the house causes in books.

Rule: a book takes it in the house's order, and knows up to which position it has. What it has missed it takes when it goes on.
"""

import logging

from runline.domain.aside import Duty
from runline.domain.book import Book, missed
from runline.domain.house import BookOpened, StreamStartAsked
from runline.domain.messages import Command, Event
from runline.engine.house_view import HouseView
from runline.engine.owned import Owned
from runline.engine.queues import Queues
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")


class Deliveries:
    """Hands on what the house view has heard. founds: whether books that the house opens begin in this process."""

    def __init__(self, house: HouseView, owned: Owned, queues: Queues, *, founds: bool) -> None:
        self.house = house
        self.owned = owned
        self.queues = queues
        self.founds = founds

    def hear(self, seq: int, event: Event) -> None:
        """Hand on what an event of the house causes (`@causes`). It also says which books begin, which streams start again."""
        caused = self.house.state.vocabulary.caused.get(type(event))
        if caused is not None:
            command = caused(self.house.state, event)
            for writer in self.owned.writers.values():
                if writer.house is not None and not writer.stopped:
                    self.deliver(writer, seq, command)
        elif isinstance(event, BookOpened):
            if self.founds:
                self.owned.found(event.book)
        elif isinstance(event, StreamStartAsked):
            self.owned.start_again(event.book)

    def hear_again(self, after: int) -> None:
        """The house view was read anew: hand on what was not heard of."""
        if self.founds:
            for listing in list(self.house.state.books.by_name.values()):
                if listing.changed_seq > after:
                    self.owned.found(listing.name)
        for writer in self.owned.writers.values():
            if not writer.stopped:
                self.again(writer)

    def deliver(self, writer: Writer, seq: int, command: Command) -> None:
        duty: Duty = ("house", type(command).__name__, str(seq))
        self.queues.cause(writer, command, duty)

    def enter(self, writer: Writer) -> None:
        """Deliver what a book has missed."""
        if isinstance(writer.state, Book):
            for seq, command in missed(self.house.state, writer.state):
                self.deliver(writer, seq, command)

    def again(self, writer: Writer) -> None:
        """Deliver it all anew, in its order: what came meanwhile must not go before what has failed."""
        writer.lanes.control.withdraw("house")
        self.enter(writer)

    def leave(self, writer: Writer) -> None:
        """What a stream has missed is seen when it goes on."""
