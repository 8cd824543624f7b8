"""Settings: the numbers and rules that differ from book to book."""

from typing import TYPE_CHECKING

from runline.domain.bounds import STAKE_MINOR_MAX
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.money import Rounding
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context


class BookSettings(Row, table="book_settings"):
    """One row for each book.

    rounding: how a payout becomes money.
    stake_min_minor, stake_max_minor: of a ticket's base amount (to win on favourites, risk on underdogs).
    win_max_minor: the most one ticket may win.
    locks_stay_open: whether a line that the book has locked is offered while the house has its market off the board.
    """

    book: str
    owner: str
    rounding: Rounding
    stake_min_minor: int
    stake_max_minor: int
    win_max_minor: int
    locks_stay_open: bool = False
    changed_seq: int = 0


class Settings(Part, named="settings", streams=("book",), keeps={BookSettings: "by_book"}):
    """A book's settings."""

    __slots__ = ("access", "by_book", "current")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.access = state.access
        self.by_book: dict[str, BookSettings] = {}
        self.current: BookSettings
        """The book's row, from its start on."""

    def derive(self) -> None:
        for settings in self.by_book.values():
            self.hold(settings)

    def begin(self, settings: BookSettings) -> None:
        """Take in the row of a new book."""
        self.by_book[settings.book] = self.state.touch(settings)
        self.hold(settings)

    def hold(self, settings: BookSettings) -> None:
        self.current = settings
        self.access.first_owner = settings.owner


class SetLimits(Command, needs=Permission.SETTINGS_CHANGE):
    """Set the book's limits for every ticket, in minor units. See `BookSettings`."""

    stake_min_minor: int
    stake_max_minor: int
    win_max_minor: int
    reason: Reason


class LimitsSet(Event):
    """The book's limits are these. before, after: the smallest stake, the largest stake, the most won, in minor units."""

    before: tuple[int, int, int]
    after: tuple[int, int, int]
    reason: str


@decides(SetLimits)
def set_limits(book: "Book", command: SetLimits, context: "Context") -> LimitsSet | tuple[()]:
    if context.user.node != ROOT:
        raise Rejected("not_permitted", "Only the whole book's staff may change its limits.")
    after = (command.stake_min_minor, command.stake_max_minor, command.win_max_minor)
    whole = all(type(limit) is int for limit in after)
    if not whole or not 0 < after[0] <= after[1] <= STAKE_MINOR_MAX or not 0 < after[2] <= STAKE_MINOR_MAX:
        raise Rejected("limits_invalid", "Limits are positive, the minimum no larger than the maximum.")
    settings = book.settings.current
    before = (settings.stake_min_minor, settings.stake_max_minor, settings.win_max_minor)
    return LimitsSet(before, after, command.reason) if before != after else ()


@evolves(LimitsSet)
def limits_set(book: "Book", event: LimitsSet) -> None:
    settings = book.touch(book.settings.current)
    settings.stake_min_minor, settings.stake_max_minor, settings.win_max_minor = event.after


@grounds(SetLimits)
def limits_ground(book: "Book", command: SetLimits) -> int:
    """The book's limits, and the rounding by which they bind."""
    return book.moved_seq(BookSettings, book.stream)


class SetLocks(Command, needs=Permission.SETTINGS_CHANGE):
    """Say what becomes of the lines that the book has locked while the house has their market off the board.

    stay_open: they are offered all the same, and it is told (the notification `locked_line`); otherwise they are closed too.
    """

    stay_open: bool
    reason: Reason


class LocksSet(Event):
    """Locked lines stay open without the house, or they do not."""

    before: bool
    after: bool
    reason: str


@decides(SetLocks)
def set_locks(book: "Book", command: SetLocks, context: "Context") -> LocksSet | tuple[()]:
    if context.user.node != ROOT:
        raise Rejected("not_permitted", "Only the whole book's staff may change its settings.")
    before = book.settings.current.locks_stay_open
    if before == command.stay_open:
        return ()
    return LocksSet(before, command.stay_open, command.reason)


@evolves(LocksSet)
def locks_set(book: "Book", event: LocksSet) -> None:
    book.touch(book.settings.current).locks_stay_open = event.after


@grounds(SetLocks)
def locks_ground(book: "Book", command: SetLocks) -> int:
    """The book's settings."""
    return book.moved_seq(BookSettings, book.stream)
