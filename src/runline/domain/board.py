"""Board: the house's lines. A source posts the whole board of one fixture; only what differs becomes an event.

Rule: repeating a line changes nothing, an older one never replaces a newer one, and a late one never opens a market.
"""

from typing import TYPE_CHECKING

import msgspec

from runline.domain.bounds import LINE_AHEAD_NS_MAX, LINE_QUARTERS_MAX, MARKETS_MAX, MARKETS_PER_POST_MAX
from runline.domain.catalog import Fixture, Market, MarketKind, market_name
from runline.domain.grading import SIDES, league_rules
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.odds import parse_price
from runline.domain.official import Period
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class MarketLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The line of one market in a post.

    line_quarters: the home side's handicap or the total, in quarter points; None for kinds without a line.
    prices: one price of record for each side, visitor (or over) first.
    """

    kind: MarketKind
    period: Period
    line_quarters: int | None
    prices: tuple[str, ...]


class PostLines(Command, needs=Permission.LINES_POST, streams=("house",)):
    """The whole board of one fixture, as a source has it: markets that are not in it go off the board.

    entered_ns: the source's own time, ≥ 0; what is older than what stands is refused, and what is of a later time.
    """

    fixture: str
    entered_ns: int
    lines: tuple[MarketLine, ...]


class LinePosted(Event, shown_to=Permission.BOARD_VIEW):
    """A market has this line."""

    market: str
    fixture: str
    kind: str
    period: str
    line_quarters: int | None
    prices: tuple[str, ...]
    entered_ns: int


class LineWithdrawn(Event, shown_to=Permission.BOARD_VIEW):
    """A market is off the board."""

    market: str
    entered_ns: int


def require_line(line: MarketLine) -> tuple[str, ...]:
    """The prices of a line as prices of record, if the line is sound."""
    has_line = line.kind in ("spread", "total")
    if has_line != (line.line_quarters is not None):
        raise Rejected("line_invalid", f"A {line.kind} {'has' if has_line else 'has no'} line.")
    require_points(line.kind, line.line_quarters)
    if len(line.prices) != len(SIDES[line.kind]):
        raise Rejected("price_invalid", f"A {line.kind} has {len(SIDES[line.kind])} prices.")
    return tuple(price_of_record(price) for price in line.prices)


def require_points(kind: str, line_quarters: int | None) -> None:
    """Refuse a handicap or a total that no game could have.

    Raises Rejected `line_invalid`.
    """
    if line_quarters is None:
        return
    if abs(line_quarters) > LINE_QUARTERS_MAX:
        raise Rejected("line_invalid", "The line is too large.")
    if kind == "total" and line_quarters < 0:
        raise Rejected("line_invalid", "A total is not negative.")


def price_of_record(text: str) -> str:
    """The price as it is kept, or Rejected `price_invalid`."""
    try:
        return parse_price(text).text
    except ValueError as error:
        raise Rejected("price_invalid", str(error)) from None


@decides(PostLines)
def post_lines(house: "House", command: PostLines, context: "Context") -> list[Event]:
    fixture = house.catalog.fixture(command.fixture)
    if fixture.status != "scheduled" or context.at_ns >= fixture.start_ns:
        raise Rejected("past_cutoff", "The game has started; its lines stand.", cutoff_ns=fixture.start_ns)
    if type(command.entered_ns) is not int or command.entered_ns < 0:
        raise Rejected("line_invalid", "The line was entered at no time.")
    if command.entered_ns >= fixture.start_ns:
        raise Rejected("past_cutoff", "The line was entered after the start.", cutoff_ns=fixture.start_ns)
    if command.entered_ns > context.at_ns + LINE_AHEAD_NS_MAX:
        raise Rejected("line_ahead", "The line is of a later time: its source's clock is wrong.", now_ns=context.at_ns)
    if len(command.lines) > MARKETS_PER_POST_MAX:
        raise Rejected("too_many", "Too many markets in one post.", most=MARKETS_PER_POST_MAX)
    rules = league_rules(fixture.sport, fixture.league)
    events: list[Event] = []
    posted: dict[str, None] = {}
    for line in command.lines:
        name = market_name(fixture.name, line.period, line.kind)
        if name in posted:
            raise Rejected("line_invalid", "The same market stands in the post twice.", market=name)
        posted[name] = None
        if not rules.has(line.period):
            raise Rejected("line_invalid", f"A game of {fixture.sport} has no {line.period}.", market=name)
        prices = require_line(line)
        market = house.catalog.markets.get(name)
        if market is not None:
            if command.entered_ns < market.entered_ns:
                raise Rejected("line_out_of_order", "A newer line stands already.", entered_ns=market.entered_ns)
            if market.offered and market.line_quarters == line.line_quarters and market.prices == prices:
                continue
        events.append(
            LinePosted(name, fixture.name, line.kind, line.period, line.line_quarters, prices, command.entered_ns)
        )
    new = sum(1 for name in posted if name not in house.catalog.markets)
    if new and len(house.catalog.markets) + new > MARKETS_MAX:
        raise Rejected("too_many", "There are as many markets as there may be.", most=MARKETS_MAX)
    for name in house.catalog.markets_of.get(fixture.name, ()):
        market = house.catalog.markets[name]
        if name not in posted and market.offered:
            if command.entered_ns < market.entered_ns:
                raise Rejected("line_out_of_order", "A newer line stands already.", entered_ns=market.entered_ns)
            events.append(LineWithdrawn(name, command.entered_ns))
    return events


@grounds(PostLines)
def board_ground(house: "House", command: PostLines) -> int:
    """The game and its markets."""
    markets = house.catalog.markets_of.get(command.fixture, ())
    return max(house.moved_seq(Fixture, command.fixture), *(house.moved_seq(Market, name) for name in markets), 0)


@evolves(LinePosted)
def line_posted(house: "House", event: LinePosted) -> None:
    market = house.catalog.markets.get(event.market)
    if market is None:
        market = house.catalog.markets[event.market] = Market(
            event.market, event.fixture, event.kind, event.period, None, (), True, 0
        )
        house.catalog.note_market_of(event.fixture, event.market)
    house.touch(market)
    market.line_quarters = event.line_quarters
    market.prices = event.prices
    market.offered = True
    market.entered_ns = event.entered_ns


@evolves(LineWithdrawn)
def line_withdrawn(house: "House", event: LineWithdrawn) -> None:
    market = house.touch(house.catalog.markets[event.market])
    market.offered = False
    market.entered_ns = event.entered_ns
