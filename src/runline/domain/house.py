"""House: the stream that all books follow. Fixtures, lines and results, the list of books, the platform's staff."""

from typing import TYPE_CHECKING, ClassVar

from runline.domain.access import INTERNAL_USERS, OWNER, Role, User
from runline.domain.bounds import BOOKS_MAX
from runline.domain.catalog import Catalog
from runline.domain.identifiers import Reason, identifier, same_again
from runline.domain.lateness import Lateness
from runline.domain.messages import HOUSE, Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT, OneNode
from runline.domain.ordered import Ordered
from runline.domain.permissions import Permission, StreamKind, permissions_of
from runline.domain.rulings import Rulings
from runline.domain.sources import Sources
from runline.domain.state import Part, Row, State
from runline.domain.users import RoleHeld
from runline.domain.watch import Watch
from runline.domain.zones import ZonesKept

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.guard import Guard
    from runline.domain.held import HeldLines
    from runline.domain.vocabulary import Vocabulary


class BookListing(Row, table="books"):
    """A book that the house serves."""

    name: str
    owner: str
    changed_seq: int = 0


class Books(Part, named="books", streams=("house",), keeps={BookListing: "by_name"}):
    """The books that the house serves."""

    __slots__ = ("by_name", "order")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_name: dict[str, BookListing] = {}
        self.order: Ordered[str] = Ordered()

    def derive(self) -> None:
        self.order = Ordered(self.by_name)

    def open(self, listing: BookListing) -> None:
        """Take in a new book."""
        self.by_name[listing.name] = self.state.touch(listing)
        self.order.add(listing.name)


class House(State):
    """The state of the house's stream. A process holds it twice: as its writer sees it, and as durable view. Its parts are those
    that the vocabulary declares; here stand those that others know by name."""

    kind: ClassVar[StreamKind] = "house"
    tree: OneNode
    catalog: Catalog
    guard: "Guard"
    held_lines: "HeldLines"
    watch: Watch
    sources: Sources
    rulings: Rulings
    zones: ZonesKept
    lateness: Lateness
    books: Books

    def __init__(self, vocabulary: "Vocabulary") -> None:
        super().__init__(HOUSE, vocabulary)


class FoundHouse(Command, streams=("house",)):
    """The first command of the house: it makes the platform's owner.

    owner: the user's id.
    """

    owner: str


class HouseFounded(Event):
    """There is a house, and someone who owns it."""

    owner: str


@decides(FoundHouse)
def found_house(house: House, command: FoundHouse, context: "Context") -> HouseFounded | tuple[()]:
    if house.access.users:
        return ()
    return HouseFounded(house.access.new_user_name(command.owner, "user"))


@evolves(HouseFounded)
def house_founded(house: House, event: HouseFounded) -> None:
    house.access.add_role(Role(OWNER, ROOT, permissions_of("house")))
    house.access.add_user(User(event.owner, ROOT, OWNER, ""))
    house.write(RoleHeld(house.seq, event.owner, OWNER))


class OpenBook(Command, needs=Permission.BOOK_OPEN, streams=("house",)):
    """Take an operator's book into service.

    book: the id of its stream.
    owner: the id of the user who owns it.
    """

    book: str
    owner: str


class BookOpened(Event):
    """There is a new book; its stream starts with this."""

    book: str
    owner: str


@decides(OpenBook)
def open_book(house: House, command: OpenBook, context: "Context") -> BookOpened | tuple[()]:
    name = identifier(command.book, "book")
    owner = identifier(command.owner, "user")
    existing = house.books.by_name.get(name)
    if existing is not None:
        return same_again(command, name, owner=existing.owner)
    if name in (HOUSE, *INTERNAL_USERS) or owner in INTERNAL_USERS:
        taken = owner if owner in INTERNAL_USERS else name
        raise Rejected("already_exists", f"The id {taken!r} is taken.")
    if len(house.books.by_name) >= BOOKS_MAX:
        raise Rejected("too_many", "The house has as many books as it can serve.", most=BOOKS_MAX)
    return BookOpened(name, owner)


@evolves(BookOpened)
def book_opened(house: House, event: BookOpened) -> None:
    house.books.open(BookListing(event.book, event.owner))


@grounds(OpenBook)
def book_ground(house: House, command: OpenBook) -> int:
    """Whether there is such a book."""
    return house.moved_seq(BookListing, command.book)


class StartStream(Command, needs=Permission.BOOK_OPEN, streams=("house",)):
    """Start a book's stream again that has stopped (the query `conditions` says which have, and why). One that goes on goes on.

    book: the book's id.
    """

    book: str
    reason: Reason


class StreamStartAsked(Event):
    """A stopped stream is to start again; the process that owns it does so when this is durable."""

    book: str
    reason: str


@decides(StartStream)
def start_stream(house: House, command: StartStream, context: "Context") -> StreamStartAsked:
    if command.book not in house.books.by_name:
        raise Rejected("unknown_book", "There is no such book.", book=command.book)
    return StreamStartAsked(command.book, command.reason)


@evolves(StreamStartAsked)
def stream_start_asked(house: House, event: StreamStartAsked) -> None:
    """It changes nothing in the house."""


@grounds(StartStream)
def stream_ground(house: House, command: StartStream) -> int:
    """Whether there is such a book."""
    return house.moved_seq(BookListing, command.book)
