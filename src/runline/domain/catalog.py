"""Catalog: what can be wagered on. Leagues hold fixtures, fixtures hold markets, markets hold priced sides.

Rule: a market takes wagers while its fixture is scheduled, the clock is before the cutoff, and it is offered. A line that
arrives late is refused; it never opens anything.
"""

from bisect import insort
from collections.abc import Container, Iterator
from typing import Literal

from runline.domain.bounds import ARCHIVE_AFTER_NS
from runline.domain.grading import SIDES, Score
from runline.domain.messages import Rejected
from runline.domain.official import PERIODS, SPORTS
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.rotations import Rotations
from runline.domain.state import Part, Row, State
from runline.domain.watch import Watch

Sport = Literal["football", "basketball", "baseball", "hockey", "soccer"]
MarketKind = Literal["moneyline", "three_way", "spread", "total", "draw_no_bet"]
FixtureStatus = Literal["scheduled", "closed", "final", "cancelled"]

OffBoard = Literal["", "withdrawn", "refused", "held", "waiting"]
"""Why a market is off the board. withdrawn: its source has it no more. refused: its last line was none. held: its last line waits
for a person. waiting: it waits for a new line, since its game was moved after it had begun, or reopened. "": it is on it."""

FIXTURE_LIFE: dict[tuple[str, str], str] = {
    ("scheduled", "FixtureClosed"): "closed",
    ("scheduled", "FixtureRescheduled"): "scheduled",
    ("closed", "FixtureRescheduled"): "scheduled",
    ("closed", "ResultConfirmed"): "final",
    ("final", "ResultConfirmed"): "final",
    ("closed", "ScoreConfirmed"): "closed",
    ("final", "ScoreConfirmed"): "closed",
    ("scheduled", "FixturePostponed"): "closed",
    ("closed", "FixturePostponed"): "closed",
    ("scheduled", "FixtureCancelled"): "cancelled",
    ("closed", "FixtureCancelled"): "cancelled",
    ("final", "FixtureCancelled"): "cancelled",
    ("closed", "FixtureReopened"): "scheduled",
    ("final", "FixtureReopened"): "scheduled",
    ("cancelled", "FixtureReopened"): "scheduled",
}
"""(status, event) -> status. What is not here is refused. (The cutoff of a game that is reopened after its start closes it.)"""


OVER = ("final", "cancelled")
"""The statuses of a game that is over."""


class League(Row, table="leagues"):
    """A competition, and the sport whose rules grade it."""

    name: str
    sport: str
    changed_seq: int = 0


CURRENT = "current"
ARCHIVED = "archived"
"""The two ages of a game's rows: only those that are current are in memory."""


class Fixture(Row, table="fixtures", held_while=("age", CURRENT)):
    """A game.

    rotation: the visitor's number on the board; the home side has the next.
    start_ns: UTC; betting ends there unless a market says otherwise.
    """

    name: str
    league: str
    sport: str
    rotation: int
    away: str
    home: str
    start_ns: int
    status: str = "scheduled"
    age: str = CURRENT
    changed_seq: int = 0


class Market(Row, table="markets", held_while=("age", CURRENT)):
    """One thing to wager on in a fixture, with the house's line.

    name: FIXTURE:PERIOD:KIND.
    line_quarters: the home side's handicap, or the total, in quarter points; None where the kind has no line.
    prices: price of record of each side, in the order of SIDES.
    off_board: why it is off the board, "" while it is on it (see `OffBoard`). The line is then the one before.
    entered_ns: the source's time of the last line; while it waits for a new one, the time since which it does.
    source: the user who posted it.
    """

    name: str
    fixture: str
    kind: str
    period: str
    line_quarters: int | None
    prices: tuple[str, ...]
    off_board: str
    entered_ns: int
    source: str = ""
    age: str = CURRENT
    changed_seq: int = 0


def side_line(kind: str, side: str, line_quarters: int | None) -> int | None:
    """A market's line as one side has it, in quarter points."""
    if kind == "spread" and side == "away" and line_quarters is not None:
        return -line_quarters
    return line_quarters


def market_name(fixture: str, period: str, kind: str) -> str:
    """The id of a market."""
    return f"{fixture}:{period}:{kind}"


KINDS: tuple[MarketKind, ...] = ("spread", "moneyline", "total", "three_way", "draw_no_bet")
"""The kinds of market as a board has them, from left to right."""


def place_on_board(market: str) -> tuple[int, int]:
    """Where a market stands among those of its game: the whole game first, then its parts."""
    _, period, kind = market.split(":")
    return PERIODS.index(period), KINDS.index(kind)


NOTHING_KNOWN = Score(0, 0, final=False)
"""The score of a game of which nothing is over."""


class Result(Row, table="results", held_while=("age", CURRENT)):
    """What happened in a fixture: as entered, and as confirmed.

    revision: counts entries; the first is 1.
    confirmed: None too while it is called off, or reopened.
    confirmed_seq: the house position of the confirmation that stands, 0 before the first.
    confirmations: how many there were; a second one regrades. To call the game off is one, and so is to reopen it.
    """

    fixture: str
    revision: int
    entered: Score | None
    confirmed: Score | None
    confirmed_seq: int
    confirmations: int
    age: str = CURRENT
    changed_seq: int = 0

    @property
    def nothing_known(self) -> bool:
        """Whether no score stands, neither entered nor confirmed."""
        return self.entered is None and self.confirmed is None


class ArchivedFixture(Row, table="archived_fixtures"):
    """What is still in memory of a game that is archived: its id, which is never given again, and what a book takes that was away
    for so long. See `Result`."""

    fixture: str
    league: str
    sport: str
    confirmed: Score | None
    confirmed_seq: int
    confirmations: int
    changed_seq: int = 0


class Catalog(
    Part,
    named="catalog",
    streams=("house",),
    keeps={
        League: "leagues",
        Fixture: "fixtures",
        Market: "markets",
        Result: "results",
        ArchivedFixture: "archived",
    },
):
    """Leagues, fixtures, markets and results, as the house's stream keeps them."""

    __slots__ = (
        "archived",
        "begun",
        "board",
        "confirmed_order",
        "fixtures",
        "leagues",
        "markets",
        "markets_of",
        "result_order",
        "results",
        "rotations",
    )

    def __init__(self, state: State) -> None:
        super().__init__(state)
        state.suspensions.catalog = self
        self.leagues: dict[str, League] = {}
        self.fixtures: dict[str, Fixture] = {}
        self.markets: dict[str, Market] = {}
        self.results: dict[str, Result] = {}
        self.archived: dict[str, ArchivedFixture] = {}
        self.markets_of: dict[str, list[str]] = {}
        """The markets of each game, in the order of the board (`place_on_board`)."""
        self.board: dict[tuple[str, str], Ordered[tuple[int, str]]] = {}
        """(rotation, fixture) by (status, league), and by (status, "")."""
        self.begun: Ordered[tuple[int, str]] = Ordered()
        """(start, fixture) of the games that have begun and are not over."""
        self.rotations = Rotations()
        self.result_order: Ordered[str] = Ordered()
        self.confirmed_order: Ordered[tuple[int, str]] = Ordered()
        """(confirmed_seq, fixture) of all results that stand, those of archived games too."""

    def derive(self) -> None:
        self.markets_of = {}
        for market in self.markets.values():
            self.markets_of.setdefault(market.fixture, []).append(market.name)
        for names in self.markets_of.values():
            names.sort(key=place_on_board)
        places: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for fixture in self.fixtures.values():
            for key in ((fixture.status, ""), (fixture.status, fixture.league)):
                places.setdefault(key, []).append((fixture.rotation, fixture.name))
        self.board = {key: Ordered(found) for key, found in places.items()}
        closed = (fixture for fixture in self.fixtures.values() if fixture.status == "closed")
        self.begun = Ordered((fixture.start_ns, fixture.name) for fixture in closed)
        on = (fixture for fixture in self.fixtures.values() if fixture.status not in OVER)
        self.rotations = Rotations((fixture.rotation, fixture.name) for fixture in on)
        self.result_order = Ordered(self.results)
        known: list[Result | ArchivedFixture] = [*self.results.values(), *self.archived.values()]
        self.confirmed_order = Ordered((one.confirmed_seq, one.fixture) for one in known if one.confirmed_seq)

    def note_market_of(self, fixture: str, market: str) -> None:
        """Note that a game has a market."""
        insort(self.markets_of.setdefault(fixture, []), market, key=place_on_board)

    def add_fixture(self, fixture: Fixture) -> None:
        """Take in a new fixture."""
        self.fixtures[fixture.name] = self.state.touch(fixture)
        self.list_fixture(fixture)
        self.number_fixture(fixture)

    def renumber_fixture(self, fixture: Fixture, rotation: int) -> None:
        """A game has another rotation number."""
        self.unlist_fixture(fixture)
        self.rotations.free(fixture.rotation, fixture.name)
        self.state.touch(fixture).rotation = rotation
        self.list_fixture(fixture)
        self.number_fixture(fixture)

    def number_fixture(self, fixture: Fixture) -> None:
        """A game has its rotation numbers until it is over."""
        if fixture.status in OVER:
            self.rotations.free(fixture.rotation, fixture.name)
        else:
            self.rotations.take(fixture.rotation, fixture.name)

    def take_off(self, market: str, why: OffBoard, entered_ns: int) -> None:
        """A market, if there is one, goes off the board, by something that its source entered then."""
        known = self.markets.get(market)
        if known is not None:
            self.state.touch(known).off_board = why
            known.entered_ns = entered_ns

    def await_lines(self, fixture: Fixture) -> None:
        """All markets of a game go off the board until a line is posted that is newer than this moment."""
        for market in self.markets_on(fixture.name):
            self.state.touch(market).off_board = "waiting"
            market.entered_ns = max(market.entered_ns, self.state.at_ns)

    def list_fixture(self, fixture: Fixture) -> None:
        """Put a fixture on the board of its status."""
        for league in ("", fixture.league):
            self.board.setdefault((fixture.status, league), Ordered()).add((fixture.rotation, fixture.name))
        if fixture.status == "closed":
            self.begun.add((fixture.start_ns, fixture.name))

    def unlist_fixture(self, fixture: Fixture) -> None:
        """Take a fixture off the board of its status."""
        for league in ("", fixture.league):
            self.board[fixture.status, league].discard((fixture.rotation, fixture.name))
        self.begun.discard((fixture.start_ns, fixture.name))

    def archive_fixture(self, fixture: Fixture) -> None:
        """A fixture leaves memory, with all that belongs to it."""
        self.unlist_fixture(fixture)
        del self.fixtures[fixture.name]
        markets = [self.markets.pop(name) for name in self.markets_of.pop(fixture.name, ())]
        result = self.results.pop(fixture.name)
        self.result_order.discard(fixture.name)
        rows: list[Fixture | Market | Result] = [fixture, *markets, result]
        for row in rows:
            row.age = ARCHIVED
            self.state.touch(row)
            self.state.count(row, -1)
        archived = ArchivedFixture(
            fixture.name, fixture.league, fixture.sport, result.confirmed, result.confirmed_seq, result.confirmations
        )
        self.archived[fixture.name] = self.state.touch(archived)

    def graded_by(self, fixture: str) -> tuple[str, str]:
        """The sport and the league of a fixture, whether it is in memory or archived."""
        found = self.fixtures.get(fixture) or self.archived[fixture]
        return found.sport, found.league

    def score_of(self, result: Result | ArchivedFixture) -> Score | None:
        """What tickets are settled by: the score that is confirmed, None if the game is called off, NOTHING_KNOWN before there is
        one."""
        fixture = self.fixtures.get(result.fixture)
        called_off = fixture is None or fixture.status == "cancelled"
        return result.confirmed if result.confirmed is not None or called_off else NOTHING_KNOWN

    def results_after(self, seq: int) -> Iterator[Result | ArchivedFixture]:
        """The results that stand and were confirmed after a position, in their order."""
        for _, name in self.confirmed_order.after((seq + 1, "")):
            yield self.results.get(name) or self.archived[name]

    def advance(self, fixture: Fixture, event: str) -> None:
        """Take the step in a fixture's life that an event is. What is over is archived some time later."""
        self.unlist_fixture(fixture)
        self.state.touch(fixture).status = FIXTURE_LIFE[fixture.status, event]
        self.list_fixture(fixture)
        self.number_fixture(fixture)
        if fixture.status in OVER:
            self.state.timers.schedule("archive", fixture.name, self.state.at_ns + ARCHIVE_AFTER_NS)
        else:
            self.state.timers.unschedule("archive", fixture.name)

    def board_of(self, status: str, league: str = "") -> Ordered[tuple[int, str]]:
        """(rotation, fixture) of the fixtures of a status, of all leagues or one, in the board's order."""
        return self.board.get((status, league), NO_KEYS)

    def result_of(self, fixture: str) -> Result:
        """The row of a fixture's result; it is made with the first entry."""
        result = self.results.get(fixture)
        if result is None:
            result = self.results[fixture] = Result(fixture, 0, None, None, 0, 0)
            self.result_order.add(fixture)
        return self.state.touch(result)

    def confirm(self, fixture: str, score: Score | None) -> Result:
        """A fixture's result stands from here on: a score, or (None) that it was called off or that nothing is known."""
        result = self.result_of(fixture)
        self.confirmed_order.discard((result.confirmed_seq, fixture))
        result.confirmed = score
        result.confirmed_seq = self.state.seq
        result.confirmations += 1
        self.confirmed_order.add((result.confirmed_seq, fixture))
        return result

    def settle_anew(self, fixture: str) -> Result:
        """A fixture's wagers are to be settled anew by what is known: something besides the score has changed."""
        result = self.results.get(fixture)
        return self.confirm(fixture, result.confirmed if result is not None else None)

    def knows_subject(self, scope: str, subject: str) -> bool:
        if scope == "selection":
            name, _, side = subject.rpartition("/")
            market = self.markets.get(name)
            return market is not None and side in SIDES[market.kind]
        known: dict[str, Container[str]] = {
            "feed": self.state.part(Watch).feeds,
            "sport": SPORTS,
            "league": self.leagues,
            "fixture": self.fixtures,
            "market": self.markets,
            "kind": SIDES,
        }
        return subject in known[scope]

    def fixture(self, name: str) -> Fixture:
        """The fixture, or Rejected `unknown_fixture`."""
        fixture = self.fixtures.get(name)
        if fixture is None and name in self.archived:
            raise Rejected("fixture_status", "This game is archived.", status=ARCHIVED)
        if fixture is None:
            raise Rejected("unknown_fixture", f"There is no fixture {name!r}.", fixture=name)
        return fixture

    def markets_on(self, fixture: str) -> list[Market]:
        """All markets of a fixture, on the board or off."""
        return [self.markets[name] for name in self.markets_of.get(fixture, ())]

    def require_step(self, fixture: Fixture, event: str) -> None:
        """Refuse what the life of a fixture does not know."""
        if (fixture.status, event) not in FIXTURE_LIFE:
            raise Rejected(
                "fixture_status", f"A fixture that is {fixture.status} does not allow this.", status=fixture.status
            )
