"""Deliveries: what the house causes in books.

Rule: a book takes it in the house's order, and knows up to which position it has. What it has missed it takes when it goes on.
"""

from runline.domain.book import Book, StartBook
from runline.domain.house import BookOpened, StreamStartAsked
from runline.domain.messages import Event
from runline.domain.results import FixtureCancelled, ResultConfirmed, ScoreConfirmed
from runline.domain.settlement import TakeResult
from runline.engine.house_view import HouseView
from runline.engine.owned import Owned
from runline.engine.queues import Queues
from runline.engine.setbacks import RESULTS
from runline.engine.writer import Writer


class Deliveries:
    """Hands on what the house view has heard. founds: whether books that the house opens begin in this process."""

    def __init__(self, house: HouseView, owned: Owned, queues: Queues, *, founds: bool) -> None:
        self.house = house
        self.owned = owned
        self.queues = queues
        self.founds = founds

    def hear(self, seq: int, event: Event) -> None:
        """Only results, cancellations and new books make events in books; and the house says which stream is to start again."""
        if isinstance(event, BookOpened):
            if self.founds:
                self.owned.found(event.book)
        elif isinstance(event, ResultConfirmed | ScoreConfirmed | FixtureCancelled):
            score = None if isinstance(event, FixtureCancelled) else event.score
            fixture = self.house.state.fixtures[event.fixture]
            taken = TakeResult(fixture.name, fixture.sport, fixture.league, seq, score, event.regrade)
            for writer in self.owned.writers.values():
                if writer.house is not None and not writer.stopped:
                    self.queues.cause(writer, taken, RESULTS)
        elif isinstance(event, StreamStartAsked):
            self.owned.start_again(event.book)

    def enter(self, writer: Writer) -> None:
        """Deliver what a book has missed: that it begins, and results."""
        book = writer.state
        if not isinstance(book, Book):
            return
        house = self.house.state
        if not book.settings_rows:
            listing = house.books[book.stream]
            self.queues.cause(writer, StartBook(listing.owner, listing.changed_seq), RESULTS)
            taken = listing.changed_seq
        else:
            taken = book.house_seq
        results = [result for result in house.results.values() if result.confirmed_seq > taken]
        for result in sorted(results, key=lambda result: result.confirmed_seq):
            fixture = house.fixtures[result.fixture]
            seq, score, regrade = result.confirmed_seq, result.confirmed, result.confirmations > 1
            taking = TakeResult(fixture.name, fixture.sport, fixture.league, seq, score, regrade)
            self.queues.cause(writer, taking, RESULTS)

    def leave(self, writer: Writer) -> None:
        """What a stream has missed is seen when it goes on."""
