"""Book: one operator's sportsbook, with everything in it. The state of a book's stream."""

from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar

from runline.domain.access import OWNER, PLAYER_ROLE, Role, User
from runline.domain.hierarchy import Agent, Tree
from runline.domain.house import House
from runline.domain.large_wagers import LargeWagers
from runline.domain.ledger import ADJUSTMENTS, CASH, GRADING, Ledger, LedgerAccount
from runline.domain.lines import Lines
from runline.domain.messages import Command, Event, decides, evolves
from runline.domain.money import Rounding
from runline.domain.nodes import ROOT
from runline.domain.permissions import PLAYER_MAY, VIEW_ONLY, StreamKind, permissions_of
from runline.domain.results_taken import Taken
from runline.domain.risk import Risk
from runline.domain.settings import BookSettings, Settings
from runline.domain.settlement import Settling
from runline.domain.state import State
from runline.domain.tickets import Tickets
from runline.domain.users import RoleHeld

if TYPE_CHECKING:
    from runline.domain.context import Context

VIEWER_ROLE = "viewer"
"""The role that new sub-agents start with."""


class Book(State):
    """The state of one book. Its parts are those that the vocabulary declares; here stand those that others know by name."""

    kind: ClassVar[StreamKind] = "book"
    tree: Tree
    settings: Settings
    large_wagers: LargeWagers
    ledger: Ledger
    tickets: Tickets
    risk: Risk
    lines: Lines
    results_taken: Taken
    settlement: Settling


def missed(house: House, book: Book) -> list[tuple[int, Command]]:
    """What the house has caused and the book has not taken, in order: (the house's position, the command)."""
    found: list[tuple[int, Command]] = []
    if book.settings.by_book:
        taken_seq = book.results_taken.house_seq
    else:
        listing = house.books.by_name[book.stream]
        taken_seq = listing.changed_seq
        found.append((taken_seq, StartBook(listing.owner, taken_seq)))
    owed = [one for missing in book.vocabulary.missed.values() for one in missing(house, taken_seq)]
    return found + [(one.house_seq, one) for one in sorted(owed, key=attrgetter("house_seq"))]


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
def start_book(book: Book, command: StartBook, context: "Context") -> BookStarted | tuple[()]:
    if book.settings.by_book:
        return ()
    return BookStarted(command.owner, command.house_seq, Rounding(), 1_00, 10_000_00, 50_000_00)


@evolves(BookStarted)
def book_started(book: Book, event: BookStarted) -> None:
    settings = BookSettings(
        book.stream,
        event.owner,
        event.rounding,
        event.stake_min_minor,
        event.stake_max_minor,
        event.win_max_minor,
    )
    book.results_taken.begin(event.house_seq)
    book.settings.begin(settings)
    book.tree.add_agent(Agent(ROOT, ""))
    book.large_wagers.find_least()
    for account in (GRADING, CASH, ADJUSTMENTS):
        book.ledger.open(LedgerAccount(account))
    for role, permissions in ((OWNER, permissions_of("book")), (VIEWER_ROLE, VIEW_ONLY), (PLAYER_ROLE, PLAYER_MAY)):
        book.access.add_role(Role(role, ROOT, permissions))
    book.access.add_user(User(event.owner, ROOT, OWNER, ""))
    book.write(RoleHeld(book.seq, event.owner, OWNER))
