"""Board: the house's lines. A source posts the whole board of one fixture; only what differs becomes an event.

Rule: repeating a line changes nothing but its source's clock (see `sources`), an older one never replaces a newer one, and a
late one never opens a market. Each market is judged by itself: one whose line is none, or looks like a mistake, goes off the
board, and the others have their lines.
"""

from typing import TYPE_CHECKING

import msgspec

from runline.domain.bounds import HELD_LINES_MAX, LINE_AHEAD_NS_MAX, MARKETS_MAX, MARKETS_PER_POST_MAX
from runline.domain.catalog import Fixture, Market, MarketKind, market_name
from runline.domain.grading import league_rules
from runline.domain.guard import Line, Seen, before_of, other_of, tripped
from runline.domain.held import HeldLine, LineHeld
from runline.domain.messages import Command, Event, Rejected, decides, grounds, heeds
from runline.domain.official import LeagueRules, Period
from runline.domain.permissions import Permission
from runline.domain.posted import LinePosted, LineRefused, LineWithdrawn, game_for_lines
from runline.domain.prices import Prices, prices_of_record, require_points

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class MarketLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The line of one market in a post.

    line_quarters: the home side's handicap or the total, in quarter points; None for kinds without a line.
    prices: one for each side of the market.
    """

    kind: MarketKind
    period: Period
    line_quarters: int | None
    prices: Prices


class PostLines(Command, needs=Permission.LINES_POST, streams=("house",)):
    """The whole board of one fixture, as a source has it: markets that are not in it go off the board.

    A market whose line is none (`LineRefused`), or looks like a mistake (`LineHeld`), goes off the board, and the answer says so;
    the others are updated. If that is all, and they are off the board already, the post is refused.

    entered_ns: the source's own time, ≥ 0; what is older than what stands is refused, and what is of a later time.
    confirm: a person has looked, and what looks like a mistake is none.
    """

    fixture: str
    entered_ns: int
    lines: tuple[MarketLine, ...]
    confirm: bool = False


Posting = LinePosted | LineHeld | LineWithdrawn | LineRefused
"""What happens by a post."""


class Post:
    """A post while it is judged.

    sound: the lines that are lines. beside: those of each period, by kind. faults: why the others are none. waiting: markets
    whose line is held as before.
    """

    __slots__ = ("beside", "command", "events", "faults", "fixture", "house", "sound", "source", "waiting")

    def __init__(self, house: "House", fixture: Fixture, command: PostLines, source: str) -> None:
        self.house = house
        self.source = source
        self.fixture = fixture
        self.command = command
        self.sound: dict[str, tuple[MarketLine, Line]] = {}
        self.beside: dict[str, dict[MarketKind, Line]] = {}
        self.faults: dict[str, Rejected] = {}
        self.waiting: dict[str, None] = {}
        self.events: list[Posting] = []

    def read(self, rules: LeagueRules) -> None:
        """Tell the lines from what is none. What stands in the post twice, and differs, says nothing."""
        given: dict[str, MarketLine] = {}
        for line in self.command.lines:
            name = market_name(self.fixture.name, line.period, line.kind)
            try:
                if given.setdefault(name, line) != line:
                    raise Rejected("line_invalid", "The same market stands in the post twice.")
                if name not in self.faults:
                    self.sound[name] = line, sound_line(rules, line)
            except Rejected as fault:
                self.sound.pop(name, None)
                self.faults[name] = fault
        for line, sound in self.sound.values():
            self.beside.setdefault(line.period, {})[line.kind] = sound

    def judge(self, name: str, given: MarketLine, line: Line) -> None:
        """What becomes of a line."""
        market = self.house.catalog.markets.get(name)
        stale = market is not None and self.house.suspensions.is_stale(market)
        if market is not None and not market.off_board and not stale and stands(market, line):
            return
        seen = Seen(line, before_of(market), other_of(line, self.beside[given.period]))
        found = tripped(self.house, self.fixture, seen)
        checks = tuple(check for check, _ in found)
        holds = any(action == "hold" for _, action in found) and not self.command.confirm
        held = self.house.held_lines.by_market.get(name)
        if holds and held is not None and stands(held, line) and held.reasons == checks:
            self.waiting[name] = None
        elif holds and held is None and len(self.house.held_lines.by_market) + self.count(LineHeld) >= HELD_LINES_MAX:
            self.faults[name] = Rejected("too_many", "As many lines are held as may be.", most=HELD_LINES_MAX)
        else:
            event = LineHeld if holds else LinePosted
            self.events.append(
                event(
                    name,
                    self.fixture.name,
                    given.kind,
                    given.period,
                    line.line_quarters,
                    line.prices,
                    self.command.entered_ns,
                    checks,
                    self.source,
                )
            )

    def count(self, kind: type[Event]) -> int:
        return sum(1 for event in self.events if isinstance(event, kind))

    def leave(self) -> None:
        """Take off the board what the post does not have, and what it has no line of."""
        markets, held = self.house.catalog.markets, self.house.held_lines
        entered_ns = self.command.entered_ns
        of_game = self.house.catalog.markets_of.get(self.fixture.name, ())
        known = [name for name in of_game if not markets[name].off_board]
        # (What is held is off the board.)
        known += [line.market for line in held.of_fixture(self.fixture.name)]
        sound, faults = self.sound, self.faults
        self.events += [LineWithdrawn(name, entered_ns) for name in known if name not in sound and name not in faults]
        # (A sound line for which there is no room is a fault as well.)
        if faults and (self.events or any(name in known for name in faults)):
            self.events += [
                LineRefused(name, self.fixture.name, entered_ns, fault.code, fault.message)
                for name, fault in faults.items()
            ]

    def answer(self) -> list[Posting]:
        """The events; or Rejected, if nothing has changed and yet not every line stands."""
        if not self.events and self.faults:
            name, fault = next(iter(self.faults.items()))
            fault.details.setdefault("market", name)
            raise fault
        if not self.events and self.waiting:
            raise Rejected("line_held", "These lines wait for a person.", markets=list(self.waiting))
        return self.events


def stands(row: Market | HeldLine, line: Line) -> bool:
    """Whether a row has this line."""
    return row.line_quarters == line.line_quarters and row.prices == line.prices


def sound_line(rules: LeagueRules, line: MarketLine) -> Line:
    """A line with its prices of record. Raises Rejected if it is none."""
    if not rules.has(line.period):
        raise Rejected("line_invalid", f"A game of {rules.sport} has no {line.period}.")
    require_points(line.kind, line.line_quarters)
    return Line(line.kind, line.line_quarters, prices_of_record(line.kind, line.prices))


@decides(PostLines)
def post_lines(house: "House", command: PostLines, context: "Context") -> list[Posting]:
    fixture = game_for_lines(house, command.fixture, context)
    require_time(house, fixture, command, context)
    if len(command.lines) > MARKETS_PER_POST_MAX:
        raise Rejected("too_many", "Too many markets in one post.", most=MARKETS_PER_POST_MAX)
    post = Post(house, fixture, command, context.user.name)
    post.read(league_rules(fixture.sport, fixture.league))
    new = sum(1 for name in post.sound if name not in house.catalog.markets)
    if new and len(house.catalog.markets) + new > MARKETS_MAX:
        raise Rejected("too_many", "There are as many markets as there may be.", most=MARKETS_MAX)
    for name, (given, line) in post.sound.items():
        post.judge(name, given, line)
    post.leave()
    return post.answer()


def require_time(house: "House", fixture: Fixture, command: PostLines, context: "Context") -> None:
    """Refuse a post of no time, of one after the start, of one to come, and of one before what stands.

    Raises Rejected `line_invalid`, `past_cutoff`, `line_ahead`, `line_out_of_order`.
    """
    entered_ns = command.entered_ns
    if type(entered_ns) is not int or entered_ns < 0:
        raise Rejected("line_invalid", "The line was entered at no time.")
    if entered_ns >= fixture.start_ns:
        raise Rejected("past_cutoff", "The line was entered after the start.", cutoff_ns=fixture.start_ns)
    if entered_ns > context.at_ns + LINE_AHEAD_NS_MAX:
        raise Rejected("line_ahead", "The line is of a later time: its source's clock is wrong.", now_ns=context.at_ns)
    newest_ns = house.sources.clocks.get((fixture.name, context.user.name), 0)
    known: list[Market | HeldLine] = [
        *house.catalog.markets_on(fixture.name),
        *house.held_lines.of_fixture(fixture.name),
    ]
    for row in known:
        if row.entered_ns > newest_ns:
            newest_ns = row.entered_ns
    if entered_ns < newest_ns:
        raise Rejected("line_out_of_order", "A newer line stands already.", entered_ns=newest_ns)


@heeds(PostLines)
def lines_repeated(house: "House", command: PostLines, context: "Context") -> None:
    """All of it stands already: it is true until this time of its source."""
    house.sources.heard(command.fixture, context.user.name, command.entered_ns)


@grounds(PostLines)
def board_ground(house: "House", command: PostLines) -> int:
    """The game, its markets, and what is held of them."""
    markets = house.catalog.markets_of.get(command.fixture, ())
    held = house.held_lines.of_fixture(command.fixture)
    own = house.moved_seq(Fixture, command.fixture)
    return max([own, *(house.moved_seq(Market, name) for name in markets), *(row.held_seq for row in held)])
