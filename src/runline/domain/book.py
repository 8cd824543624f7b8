"""Book: one operator's sportsbook, with everything in it. The state of a book's stream."""

from typing import Any

import runline.domain.placing  # noqa: F401 -- placing is a command of a book
from runline.domain.access import OWNER, PLAYER_ROLE, ROOT, Role, User
from runline.domain.hierarchy import Agent
from runline.domain.house import House
from runline.domain.ledger import ADJUSTMENTS, CASH, GRADING, LedgerAccount
from runline.domain.messages import Command, Event, decides, evolves
from runline.domain.money import Rounding
from runline.domain.permissions import EVERYTHING, PLAYER_MAY, VIEW_ONLY
from runline.domain.settings import BookSettings
from runline.domain.settlement import ResultsTaken, SettlementState, results_after

VIEWER_ROLE = "viewer"
"""The role that new sub-agents start with."""


class Book(SettlementState):
    """The state of one book."""

    def first_owner(self) -> str:
        return self.settings.owner


def missed(house: House, book: Book) -> list[tuple[int, Command]]:
    """What the house has caused and the book has not taken, in order: (the house's position, the command)."""
    found: list[tuple[int, Command]] = []
    if book.settings_rows:
        taken_seq = book.house_seq
    else:
        listing = house.books[book.stream]
        taken_seq = listing.changed_seq
        found.append((taken_seq, StartBook(listing.owner, taken_seq)))
    return found + [(one.house_seq, one) for one in results_after(house, taken_seq)]


class StartBook(Command):
    """The first command of a book (the engine sends it when the house has opened the book)."""

    owner: str
    house_seq: int


class BookStarted(Event):
    """The book exists: its owner, its root, its accounts, its first roles and limits.

    house_seq: results of the house count from here on.
    """

    owner: str
    house_seq: int
    rounding: Rounding
    stake_min_minor: int
    stake_max_minor: int
    win_max_minor: int


@decides(StartBook)
def start_book(book: Book, command: StartBook, context: Any) -> BookStarted | tuple[()]:
    if book.settings_rows:
        return ()
    return BookStarted(command.owner, command.house_seq, Rounding(), 1_00, 10_000_00, 50_000_00)


@evolves(BookStarted)
def book_started(book: Book, event: BookStarted) -> None:
    book.settings = BookSettings(
        book.stream,
        event.owner,
        event.rounding,
        event.stake_min_minor,
        event.stake_max_minor,
        event.win_max_minor,
    )
    book.results_taken[book.stream] = book.touch(ResultsTaken(book.stream, event.house_seq))
    book.settings_rows[book.stream] = book.touch(book.settings)
    book.add_agent(Agent(ROOT, ""))
    for account in (GRADING, CASH, ADJUSTMENTS):
        book.ledger_accounts[account] = book.touch(LedgerAccount(account))
    for role, permissions in ((OWNER, EVERYTHING), (VIEWER_ROLE, VIEW_ONLY), (PLAYER_ROLE, PLAYER_MAY)):
        book.add_role(Role(role, ROOT, permissions))
    book.add_user(User(event.owner, ROOT, OWNER, ""))
