"""Lines: how a book's own line follows the house's.

Rule: a book follows the house with an offset (the house moves, the offset stays), locks its own line, or hides the market.
The line is computed from the durable house view as a wager is judged; it is never stored.
"""

from typing import TYPE_CHECKING, Literal

import msgspec

from runline.domain.bounds import BOOK_LINES_MAX, LINE_QUARTERS_MAX
from runline.domain.catalog import Market, side_line
from runline.domain.grading import SIDES
from runline.domain.identifiers import Remark
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT
from runline.domain.odds import shade_american
from runline.domain.permissions import Permission
from runline.domain.prices import Prices, prices_of_record, require_points
from runline.domain.state import Part, Row

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context
    from runline.domain.house import House

LineMode = Literal["follow", "offset", "lock", "hide"]

PRICE_OFFSET_CENTS_MAX = 500


class BookLine(Row, table="book_lines"):
    """How a book departs from the house in one market. No row: it follows.

    offset_quarters: added to the house's line (home handicap or total), in quarter points.
    offset_cents: added to the home side's or the under's American price, taken from the other side's.
    line_quarters, prices: the locked line.
    """

    market: str
    mode: str
    offset_quarters: int
    offset_cents: int
    line_quarters: int | None
    prices: tuple[str, ...]
    changed_seq: int = 0


class Departure(msgspec.Struct, frozen=True, gc=False):
    """How a book departs from the house in a market, as `BookLine` keeps it."""

    mode: LineMode = "follow"
    offset_quarters: int = 0
    offset_cents: int = 0
    line_quarters: int | None = None
    prices: tuple[str, ...] = ()


class Offer(msgspec.Struct, gc=False):
    """A market as this book offers it now."""

    market: Market
    line_quarters: int | None
    prices: tuple[str, ...]

    def side(self, side: str) -> tuple[int | None, str]:
        """The line and the price of one side, or Rejected `unknown_selection`."""
        return of_side(self.market.kind, side, self.line_quarters, self.prices)


def of_side(kind: str, side: str, line_quarters: int | None, prices: tuple[str, ...]) -> tuple[int | None, str]:
    """The line and the price of one side of a market, or Rejected `unknown_selection`."""
    sides = SIDES[kind]
    if side not in sides:
        raise Rejected("unknown_selection", f"This market has no side {side!r}.", sides=list(sides))
    return side_line(kind, side, line_quarters) if kind == "spread" else line_quarters, prices[sides.index(side)]


class Lines(Part, named="lines", streams=("book",), keeps={BookLine: "by_market"}):
    """A book's departures from the house's lines."""

    __slots__ = ("by_market", "settings")

    def __init__(self, book: "Book") -> None:
        super().__init__(book)
        self.settings = book.settings
        self.by_market: dict[str, BookLine] = {}

    def locks(self, market: str) -> bool:
        """Whether the book has locked its own line in a market."""
        own = self.by_market.get(market)
        return own is not None and own.mode == "lock"

    def stays_open(self, market: Market) -> bool:
        """Whether a line that the book has locked is offered although the house has the market off the board: by the book's
        setting, but never while the market of a game that was moved or reopened waits for a new line."""
        return self.settings.current.locks_stay_open and market.off_board != "waiting"

    def side(self, market: Market, side: str) -> tuple[int | None, str]:
        """The line and the price at which this book offers one side of a market now.

        Raises Rejected `market_closed`, `unknown_selection`.
        """
        if not market.off_board and market.name not in self.by_market:
            return of_side(market.kind, side, market.line_quarters, market.prices)
        return self.offer(market).side(side)

    def offer(self, market: Market) -> Offer:
        """What this book offers in a market.

        Raises Rejected `market_closed` where the market is hidden or off the board.
        """
        own = self.by_market.get(market.name)
        if market.off_board and not (own is not None and own.mode == "lock" and self.stays_open(market)):
            raise Rejected(
                "market_closed", "This market is off the board.", market=market.name, off_board=market.off_board
            )
        if own is None:
            return Offer(market, market.line_quarters, market.prices)
        if own.mode == "lock":
            return Offer(market, own.line_quarters, own.prices)
        if own.mode == "hide":
            raise Rejected("market_closed", "This market is off the board.", market=market.name)
        line = market.line_quarters
        if line is not None:
            line += own.offset_quarters
            if (market.kind == "total" and line < 0) or abs(line) > LINE_QUARTERS_MAX:
                raise Rejected("market_closed", "The book's offset does not fit the house's line.", market=market.name)
        prices = market.prices
        if own.offset_cents:
            if not can_lean(prices):
                raise Rejected(
                    "market_closed", "The book's offset does not fit the house's prices.", market=market.name
                )
            prices = leaned(prices, own.offset_cents)
        return Offer(market, line, prices)


def can_lean(prices: tuple[str, ...]) -> bool:
    """Whether there are two prices, both American: only these can be moved by cents."""
    return len(prices) == 2 and all(price[0] in "+-" for price in prices)


def leaned(prices: tuple[str, ...], cents: int) -> tuple[str, ...]:
    """Two American prices moved against each other, so that the hold stays about as it was: the second side (home, under) is so
    many cents better for the player, the first (away, over) as many worse. -110, -110 and 5 give -115, -105."""
    first, second = prices
    return shade_american(first, -cents), shade_american(second, cents)


def house_market(house: "House", name: str) -> Market:
    """The market, or Rejected `unknown_market`."""
    market = house.catalog.markets.get(name)
    if market is None:
        raise Rejected("unknown_market", f"There is no market {name!r}.", market=name)
    return market


class MoveLine(Command, needs=Permission.LINE_MOVE):
    """Say how the book departs from the house in a market.

    mode: `follow` (also where the game is archived), `offset`, `lock` (needs line and prices), `hide`.
    offset_quarters: added to the home side's handicap or the total. offset_cents: so much better for the player on the home side
    or the under, as much worse on the other side. Both lead the same way: above 0 they draw players to home or under.
    prices: of a lock, by the names of the market's sides.
    """

    market: str
    mode: LineMode
    offset_quarters: int = 0
    offset_cents: int = 0
    line_quarters: int | None = None
    prices: Prices = Prices()
    reason: Remark = ""


class LineMoved(Event, shown_to=Permission.BOARD_VIEW):
    """The book departs from the house in another way from here on."""

    market: str
    before: Departure
    after: Departure
    reason: str


@decides(MoveLine)
def move_line(book: "Book", command: MoveLine, context: "Context") -> LineMoved | tuple[()]:
    if context.user.node != ROOT:
        raise Rejected("not_permitted", "Only the whole book's staff may move its lines.")
    own = book.lines.by_market.get(command.market)
    before = departure(own) if own else Departure()
    if own is not None and command.mode == "follow":
        after = Departure()
    else:
        after = departure_asked(house_market(context.view(), command.market), command)
    if own is None and after != before and len(book.lines.by_market) >= BOOK_LINES_MAX:
        raise Rejected("too_many", "The book has as many lines of its own as it may.", most=BOOK_LINES_MAX)
    return LineMoved(command.market, before, after, command.reason) if before != after else ()


def departure(own: BookLine) -> Departure:
    """A row's values, as the log keeps them."""
    return Departure(own.mode, own.offset_quarters, own.offset_cents, own.line_quarters, own.prices)  # type: ignore[arg-type]


def departure_asked(market: Market, command: MoveLine) -> Departure:
    """What a command asks for, if the market can have it."""
    if command.mode == "offset":
        offset, cents = command.offset_quarters, command.offset_cents
        if abs(offset) > LINE_QUARTERS_MAX or abs(cents) > PRICE_OFFSET_CENTS_MAX:
            raise Rejected("line_invalid", "The offset is too large.")
        if offset and market.line_quarters is None:
            raise Rejected("line_invalid", f"A {market.kind} has no line to move.")
        if market.line_quarters is not None:
            require_points(market.kind, market.line_quarters + offset)
        if cents and not can_lean(market.prices):
            raise Rejected("price_invalid", "Only the two American prices of a market can be moved by cents.")
        return Departure("offset", offset, cents)
    if command.mode == "lock":
        require_points(market.kind, command.line_quarters)
        return Departure("lock", 0, 0, command.line_quarters, prices_of_record(market.kind, command.prices))
    return Departure(command.mode)


@evolves(LineMoved)
def line_moved(book: "Book", event: LineMoved) -> None:
    own = book.lines.by_market.pop(event.market, None)
    after = event.after
    if after.mode == "follow":
        if own is not None:
            book.drop(own)
        return
    if own is None:
        own = BookLine(event.market, after.mode, 0, 0, None, ())
    book.lines.by_market[event.market] = book.touch(own)
    own.mode = after.mode
    own.offset_quarters = after.offset_quarters
    own.offset_cents = after.offset_cents
    own.line_quarters = after.line_quarters
    own.prices = after.prices


@grounds(MoveLine)
def line_ground(book: "Book", command: MoveLine) -> int:
    """How the book departs from the house in this market. (The house's line is of another stream.)"""
    return book.moved_seq(BookLine, command.market)
