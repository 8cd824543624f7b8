"""Held: lines that wait for a person, because they look like a mistake (see `guard`).

Rule: while a line is held, its market is off the board. The next thing that is heard of the market takes its place, whatever it
is; and no line waits longer than until its game begins.
"""

from typing import TYPE_CHECKING

import msgspec

from runline.domain.access import User
from runline.domain.audience import Audience
from runline.domain.bounds import MARKETS_MAX
from runline.domain.fixtures import FixtureClosed, FixtureRescheduled
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.ordered import Ordered
from runline.domain.permissions import Permission
from runline.domain.posted import LinePosted, LineRefused, LineWithdrawn, game_for_lines
from runline.domain.postponement import FixturePostponed
from runline.domain.prices import Prices, prices_by_side
from runline.domain.queries.declared import Asked, Page, query
from runline.domain.queries.pages import page_of
from runline.domain.reopening import FixtureReopened
from runline.domain.results import FixtureCancelled
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class HeldLine(Row, table="held_lines"):
    """A line that waits.

    prices: in the order of the kind's sides. entered_ns: its source's time. reasons: the checks of the guard that it has
    tripped. source: the user who posted it. held_seq: the position at which it was held, by which a person says which line they
    mean. held_ns: since when it waits.
    """

    market: str
    fixture: str
    kind: str
    period: str
    line_quarters: int | None
    prices: tuple[str, ...]
    entered_ns: int
    reasons: tuple[str, ...]
    source: str
    held_seq: int
    held_ns: int
    changed_seq: int = 0


class HeldLines(Part, named="held_lines", streams=("house",), keeps={HeldLine: "by_market"}):
    """The lines that wait, one a market at most."""

    __slots__ = ("by_market", "order")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_market: dict[str, HeldLine] = {}
        self.order: Ordered[str] = Ordered()

    def derive(self) -> None:
        self.order = Ordered(self.by_market)

    def hold(self, line: HeldLine) -> None:
        """A line waits; what waited of its market does no more."""
        self.release(line.market)
        self.by_market[line.market] = self.state.touch(line)
        self.order.add(line.market)

    def release(self, market: str) -> None:
        """Nothing waits of a market any more."""
        held = self.by_market.pop(market, None)
        if held is not None:
            self.state.drop(held)
            self.order.discard(market)

    def of_fixture(self, fixture: str) -> list[HeldLine]:
        """The lines of a game that wait."""
        if not self.by_market:
            return []
        prefix = f"{fixture}:"
        found: list[HeldLine] = []
        for name in self.order.after(prefix):
            if not name.startswith(prefix):
                break
            found.append(self.by_market[name])
        return found


class LineHeld(Event, shown_to=Permission.BOARD_VIEW, notice="line_held"):
    """A line looks like a mistake and waits for a person; its market is off the board. See `HeldLine`."""

    market: str
    fixture: str
    kind: str
    period: str
    line_quarters: int | None
    prices: tuple[str, ...]
    entered_ns: int
    reasons: tuple[str, ...]
    source: str = ""


@evolves(LineHeld)
def line_held(house: "House", event: LineHeld) -> None:
    house.catalog.take_off(event.market, "held", event.entered_ns)
    house.held_lines.hold(
        HeldLine(
            event.market,
            event.fixture,
            event.kind,
            event.period,
            event.line_quarters,
            event.prices,
            event.entered_ns,
            event.reasons,
            event.source,
            house.seq,
            house.at_ns,
        )
    )


class ConfirmLine(Command, needs=Permission.LINES_POST, streams=("house",)):
    """Let a line stand that is held.

    held_seq: of the line that is meant, so that nobody confirms what they have not seen.
    """

    market: str
    held_seq: int


@decides(ConfirmLine)
def confirm_line(house: "House", command: ConfirmLine, context: "Context") -> LinePosted:
    held = held_line(house, command.market, command.held_seq)
    game_for_lines(house, held.fixture, context)
    if held.market not in house.catalog.markets and len(house.catalog.markets) >= MARKETS_MAX:
        raise Rejected("too_many", "There are as many markets as there may be.", most=MARKETS_MAX)
    return LinePosted(
        held.market,
        held.fixture,
        held.kind,
        held.period,
        held.line_quarters,
        held.prices,
        held.entered_ns,
        held.reasons,
        held.source,
    )


class DropLine(Command, needs=Permission.LINES_POST, streams=("house",)):
    """Drop a line that is held: its market waits for the next one. held_seq: of the line that is meant."""

    market: str
    held_seq: int
    reason: Reason


class LineDropped(Event, shown_to=Permission.BOARD_VIEW):
    """A line that was held was a mistake; its market stays off the board until another one is posted."""

    market: str
    held_seq: int
    entered_ns: int
    reason: str


@decides(DropLine)
def drop_line(house: "House", command: DropLine, context: "Context") -> LineDropped:
    held = held_line(house, command.market, command.held_seq)
    return LineDropped(held.market, held.held_seq, held.entered_ns, command.reason)


def held_line(house: "House", market: str, held_seq: int) -> HeldLine:
    """The line of a market that waits, or Rejected `line_not_held`."""
    held = house.held_lines.by_market.get(market)
    if held is None or held.held_seq != held_seq:
        standing = held.held_seq if held is not None else 0
        raise Rejected("line_not_held", "That line does not wait, or not any more.", held_seq=standing)
    return held


@evolves(LineDropped)
def line_dropped(house: "House", event: LineDropped) -> None:
    house.catalog.take_off(event.market, "withdrawn", event.entered_ns)
    house.held_lines.release(event.market)


@evolves(LinePosted)
@evolves(LineWithdrawn)
@evolves(LineRefused)
def line_superseded(house: "House", event: LinePosted | LineWithdrawn | LineRefused) -> None:
    house.held_lines.release(event.market)


@evolves(FixtureClosed)
@evolves(FixtureCancelled)
@evolves(FixtureReopened)
@evolves(FixturePostponed)
@evolves(FixtureRescheduled)
def game_has_begun(
    house: "House",
    event: FixtureClosed | FixtureCancelled | FixtureReopened | FixturePostponed | FixtureRescheduled,
) -> None:
    if not isinstance(event, FixtureRescheduled) or event.begun:
        for held in house.held_lines.of_fixture(event.fixture):
            house.held_lines.release(held.market)


@grounds(ConfirmLine)
@grounds(DropLine)
def held_ground(house: "House", command: ConfirmLine | DropLine) -> int:
    """The line that waits."""
    return house.moved_seq(HeldLine, command.market)


class HeldRow(msgspec.Struct):
    """A line that waits for a person, and the checks that it has tripped."""

    market: str
    fixture: str
    line_quarters: int | None
    prices: Prices
    entered_ns: int
    reasons: tuple[str, ...]
    held_seq: int
    held_ns: int


class HeldAsked(Asked[HeldRow], frozen=True, kw_only=True):
    """Nothing else."""


@query("held", needs=Permission.LINES_POST, asked=HeldAsked, row=HeldRow, streams=("house",))
def held_lines(house: "House", view: "House", user: User, audience: Audience, asked: HeldAsked, now_ns: int) -> Page:
    """The lines that look like a mistake and wait for a person, by market."""

    def row(name: str) -> HeldRow:
        held = house.held_lines.by_market[name]
        prices = prices_by_side(held.kind, held.prices)
        return HeldRow(
            name, held.fixture, held.line_quarters, prices, held.entered_ns, held.reasons, held.held_seq, held.held_ns
        )

    return page_of((row(name) for name in house.held_lines.order.after(asked.after)), asked, lambda one: one.market)
