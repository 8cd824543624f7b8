"""Results taken: up to where in the house's stream a book has taken its results, and whatever else the house causes in it.

Rule: they are taken in house order, each once. What the house had confirmed before a book was started is none of its results.
"""

from typing import TYPE_CHECKING

from runline.domain.messages import evolves
from runline.domain.setbacks import WorkSetAside
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.book import Book


class ResultsTaken(Row, table="results_taken"):
    """One row for each book. house_seq: the house position up to which it has taken results."""

    book: str
    house_seq: int
    changed_seq: int = 0


class Taken(Part, named="results_taken", streams=("book",), keeps={ResultsTaken: "by_book"}):
    """A book's cursor in the house's stream."""

    __slots__ = ("by_book",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_book: dict[str, ResultsTaken] = {}
        state.aside.owed["house"] = lambda kind, subject: bool(self.by_book) and int(subject) > self.house_seq

    @property
    def house_seq(self) -> int:
        """The house position up to which the book has taken results."""
        return self.by_book[self.state.stream].house_seq

    def begin(self, house_seq: int) -> None:
        """Take results from a position on."""
        stream = self.state.stream
        self.by_book[stream] = self.state.touch(ResultsTaken(stream, house_seq))

    def move(self, house_seq: int) -> None:
        """Results up to this position of the house are taken, or set aside."""
        taken = self.by_book[self.state.stream]
        if house_seq > taken.house_seq:
            self.state.touch(taken).house_seq = house_seq


@evolves(WorkSetAside)
def result_set_aside(book: "Book", event: WorkSetAside) -> None:
    """The next ones are taken without it."""
    if event.what == "house":
        book.results_taken.move(int(event.subject))
