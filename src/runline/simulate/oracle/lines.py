"""Lines: what a book offers: the house's line, moved by the book's offset, or its own, or nothing."""

from dataclasses import asdict

from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.odds import shaded
from runline.simulate.oracle.prices import LINE_MOST, a_line, of_side, prices_of_record
from runline.simulate.oracle.rules import Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.settings import whole_book
from runline.simulate.oracle.state import Book, Departure, House, Market

CENTS_MOST = 500


def two_american(prices: tuple[str, ...]) -> bool:
    """Only these can be moved by cents."""
    return len(prices) == 2 and all(text.startswith(("+", "-")) for text in prices)


def a_market(house: House, name: str) -> Market:
    """A market of a game that is in memory."""
    refuse_unless(name in house.markets, "unknown_market", market=name)
    return house.markets[name]


def offered(book: Book, market: Market, side: str) -> tuple[int | None, str]:
    """The line and the price at which a book offers a side now."""
    own = book.lines.get(market.name, Departure())
    if market.off:
        stays = own.mode == "lock" and book.locks_stay_open and market.off != "waiting"
        refuse_unless(stays, "market_closed", off_board=market.off)
    refuse_unless(own.mode != "hide", "market_closed")
    if own.mode == "lock":
        return of_side(market.kind, side, own.line_quarters, own.prices)
    line, prices = market.line, market.prices
    if line is not None:
        line += own.offset_quarters
        fits = abs(line) <= LINE_MOST and (line >= 0 or market.kind != "total")
        refuse_unless(fits, "market_closed")
    if own.offset_cents:
        refuse_unless(two_american(prices), "market_closed")
        prices = (shaded(prices[0], -own.offset_cents), shaded(prices[1], own.offset_cents))
    return of_side(market.kind, side, line, prices)


def wanted(market: Market, asked: Asked) -> Departure:
    """What a command asks for, if the market can have it."""
    if asked.mode == "offset":
        quarters, cents = asked.offset_quarters, asked.offset_cents
        refuse_unless(abs(quarters) <= LINE_MOST and abs(cents) <= CENTS_MOST, "line_invalid")
        if market.line is None:
            refuse_unless(not quarters, "line_invalid")
        else:
            a_line(market.kind, market.line + quarters)
        refuse_unless(not cents or two_american(market.prices), "price_invalid")
        return Departure("offset", quarters, cents)
    if asked.mode == "lock":
        a_line(market.kind, asked.line_quarters)
        prices = prices_of_record(market.kind, asked.prices)
        return Departure("lock", 0, 0, asked.line_quarters, prices)
    return Departure(asked.mode)


@command("MoveLine", needs="line_move", remarks=("reason",))
def move_line(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    whole_book(moment)
    before = book.lines.get(asked.market, Departure())
    if asked.mode == "follow" and asked.market in book.lines:
        after = Departure()
    else:
        after = wanted(a_market(moment.house, asked.market), asked)
    if before == after:
        return []
    if asked.market not in book.lines:
        one_more("BOOK_LINES_MAX", len(book.lines))
    fields = {"before": asdict(before), "after": asdict(after), "reason": asked.reason}
    return [happens("LineMoved", market=asked.market, **fields)]


@event("LineMoved")
def line_moved(book: Book, at: Asked) -> None:
    after = Departure(**{**at.after, "prices": tuple(at.after["prices"])})
    book.lines.pop(at.market, None)
    if after.mode != "follow":
        book.lines[at.market] = after
    book.touch("line", at.market)


@ground("MoveLine")
def line_ground(book: Book, asked: Asked) -> int:
    return book.when_moved("line", asked.market)
