"""Posted: what a line that is posted makes of its market: it has the line, or is off the board.

Rule: nothing old stays open because something new was bad.
"""

from typing import TYPE_CHECKING

from runline.domain.catalog import Fixture, Market
from runline.domain.messages import Event, Rejected, evolves
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class LinePosted(Event, shown_to=Permission.BOARD_VIEW, notice="line_alert"):
    """A market has this line.

    prices: in the order of the kind's sides: away, home, draw; over, under.
    tripped: the checks of the guard that it has tripped, and stands all the same: it was confirmed, or they only tell.
    source: the user who posted it.
    """

    market: str
    fixture: str
    kind: str
    period: str
    line_quarters: int | None
    prices: tuple[str, ...]
    entered_ns: int
    tripped: tuple[str, ...] = ()
    source: str = ""

    def is_notable(self, state: object) -> bool:
        return bool(self.tripped)


class LineWithdrawn(Event, shown_to=Permission.BOARD_VIEW):
    """A market is off the board: its source has it no more."""

    market: str
    entered_ns: int


class LineRefused(Event, shown_to=Permission.BOARD_VIEW, notice="line_refused"):
    """A market is off the board: what was posted of it is no line. code, why: of the refusal."""

    market: str
    fixture: str
    entered_ns: int
    code: str
    why: str


def game_for_lines(house: "House", name: str, context: "Context") -> Fixture:
    """The game, if lines of it are taken: before its start.

    Raises Rejected `unknown_fixture`, `past_cutoff`.
    """
    fixture = house.catalog.fixture(name)
    if fixture.status != "scheduled" or context.at_ns >= fixture.start_ns:
        raise Rejected("past_cutoff", "The game has started; its lines stand.", cutoff_ns=fixture.start_ns)
    return fixture


@evolves(LinePosted)
def line_posted(house: "House", event: LinePosted) -> None:
    market = house.catalog.markets.get(event.market)
    if market is None:
        market = house.catalog.markets[event.market] = Market(
            event.market, event.fixture, event.kind, event.period, None, (), "", 0
        )
        house.catalog.note_market_of(event.fixture, event.market)
    house.touch(market)
    market.line_quarters = event.line_quarters
    market.prices = event.prices
    market.off_board = ""
    market.entered_ns = event.entered_ns
    market.source = event.source


@evolves(LineWithdrawn)
def line_withdrawn(house: "House", event: LineWithdrawn) -> None:
    house.catalog.take_off(event.market, "withdrawn", event.entered_ns)


@evolves(LineRefused)
def line_refused(house: "House", event: LineRefused) -> None:
    house.catalog.take_off(event.market, "refused", event.entered_ns)
