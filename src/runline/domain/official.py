"""Official: what a wager on a market and period includes, how much of the game must have been played for it to stand, and how
long it waits for a game that is not played at its start.

Rule: that is a row per league × market × period, never code. A league that differs from its sport has rows of its own instead of
the sport's, and the house's staff set rows before all of these (see `rulings`); the last row that fits a wager is the one that
holds. (See docs/explanation/grading.md.)
"""

from typing import Literal, get_args

import msgspec

Period = Literal["game", "1h", "2h", "q1", "q2", "q3", "q4"]

PERIODS: tuple[Period, ...] = get_args(Period)
"""What a wager is about: the whole game first, then its parts."""

DRAW_MARKETS = ("three_way", "draw_no_bet")
"""The kinds of market that have a draw in them."""


class Layout(msgspec.Struct, frozen=True, gc=False):
    """A way to divide regulation into periods.

    name: what the periods are called.
    count: periods of regulation.
    part_length: the length of each, in the league's unit.
    spans: what wagers are about -> the periods (first, end) that it is made of, as a slice.
    extras_listed: whether extra periods may follow in the same list.
    """

    name: str
    count: int
    part_length: int
    spans: dict[str, tuple[int, int]]
    extras_listed: bool = False

    @property
    def length(self) -> int:
        """The length of regulation."""
        return self.count * self.part_length

    def begun(self, length: int) -> int:
        """How many periods of regulation had begun when this much was played."""
        return min(self.count, -(-length // self.part_length))


WindowKind = Literal["hours", "date"]
"""By what a window ends: some hours after the start, or with the date of the start, where the game is played."""


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How long a wager waits for a game that is not played at its start, or not to its end.

    by: `hours`, or the `date` of the start (in the venue's zone, else the league's). hours: after the start; 0 for a date.
    known_stands: whether what the score decides that is known then (a period that is over; a total that is beyond its line where
    `decided_stands`) stands and is settled by it; everything else is void.
    """

    by: WindowKind
    hours: int = 0
    known_stands: bool = True


class Terms(msgspec.Struct, frozen=True, gc=False):
    """A row of a league's rules.

    markets, periods: the wagers for which it holds; empty for all.
    overtime: whether overtime counts.
    official: the length from which they stand in a game that was called, in the league's unit; None for the whole period, as it
    was scheduled.
    less_if_home_leads: how much less is enough where the home side leads then.
    decided_stands: whether a total that is beyond its line already stands in a game that was called before it was official, and
    is paid while a game still goes on.
    window: how long they wait for a game that is postponed or abandoned; None for the league's.
    """

    markets: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    overtime: bool = False
    official: int | None = None
    less_if_home_leads: int = 0
    decided_stands: bool = False
    window: Window | None = None


class LeagueRules(msgspec.Struct, frozen=True, gc=False):
    """How one league's games are graded.

    unit: what lengths count.
    layouts: the ways in which its scores divide regulation. The first is meant where a score does not say another one.
    rows: the last one that fits a wager holds.
    window: how long wagers wait whose row does not say it. zone: where its games are played, if their venue's is not known.
    """

    sport: str
    unit: str
    layouts: tuple[Layout, ...]
    rows: tuple[Terms, ...]
    window: Window
    zone: str

    def has(self, period: str) -> bool:
        """Whether wagers can be about this period."""
        return period == "game" or any(period in layout.spans for layout in self.layouts)

    def terms(self, market: str, period: str) -> Terms:
        """What holds for wagers on this market and period."""
        for row in reversed(self.rows):
            if (not row.markets or market in row.markets) and (not row.periods or period in row.periods):
                return row
        return Terms()

    def window_of(self, market: str, period: str) -> Window:
        """How long wagers on this market and period wait for a game that is postponed or abandoned."""
        return self.terms(market, period).window or self.window

    def layout(self, count: int | None) -> Layout | None:
        """The layout with so many periods (None: the league's own), if there is one."""
        if count is None:
            return self.layouts[0]
        return next((layout for layout in self.layouts if layout.count == count), None)

    def end_of(self, layout: Layout, period: str) -> int:
        """The length at which the game, or a period that the league has, is over."""
        for one in (layout, *self.layouts):
            if period in one.spans:
                return one.spans[period][1] * one.part_length
        return layout.length


def quarters(part_length: int) -> Layout:
    spans = {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3), "q4": (3, 4), "1h": (0, 2), "2h": (2, 4)}
    return Layout("quarters", 4, part_length, spans)


def halves(part_length: int) -> Layout:
    return Layout("halves", 2, part_length, {"1h": (0, 1), "2h": (1, 2)})


def innings(count: int) -> Layout:
    """Innings, of two half-innings each. The first five are the first half."""
    return Layout("innings", count, 2, {"1h": (0, 5), "2h": (5, count)}, extras_listed=True)


def periods(part_length: int) -> Layout:
    return Layout("periods", 3, part_length, {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3)})


def to_the_end(official: int | None = None, less_if_home_leads: int = 0) -> tuple[Terms, ...]:
    """The rows of what lasts to the end of the game: with overtime, but for markets with a draw in them."""
    last = ("game", "2h")
    return (
        Terms((), last, overtime=True, official=official, less_if_home_leads=less_if_home_leads),
        Terms(DRAW_MARKETS, last, official=official, less_if_home_leads=less_if_home_leads),
    )


SAME_DATE = Window("date")
EASTERN = "America/New_York"

SPORTS: dict[str, LeagueRules] = {
    "football": LeagueRules(
        "football", "minutes", (quarters(15), halves(30)), to_the_end(official=55), SAME_DATE, EASTERN
    ),
    "basketball": LeagueRules(
        "basketball", "minutes", (quarters(12), halves(24)), to_the_end(official=43), SAME_DATE, EASTERN
    ),
    "baseball": LeagueRules(
        "baseball",
        "half-innings",
        (innings(9), innings(7)),
        (
            Terms(less_if_home_leads=1),
            *to_the_end(less_if_home_leads=1),
            Terms(("moneyline",), ("game",), overtime=True, official=10, less_if_home_leads=1),
            Terms(DRAW_MARKETS, ("game",), official=10, less_if_home_leads=1),
        ),
        Window("hours", 36),
        EASTERN,
    ),
    "hockey": LeagueRules("hockey", "minutes", (periods(20),), to_the_end(official=55), SAME_DATE, EASTERN),
    "soccer": LeagueRules("soccer", "minutes", (halves(45),), (), Window("hours", 48), "Europe/London"),
}
"""The rules of each sport, for leagues that have none of their own: 55 minutes of the NFL and the NHL, 43 of the NBA, soccer to
its end. Baseball's moneyline stands after five innings, everything else at the end of what it is about; half an inning less where
the home side leads and need not bat. Wagers wait for the date in football, basketball and hockey (the house rule of "scheduled
date and site"), 36 hours in baseball, 48 in soccer, as Nevada's and European books have it."""

LEAGUES: dict[str, LeagueRules] = {
    "NCAAB": LeagueRules("basketball", "minutes", (halves(20),), to_the_end(official=35), SAME_DATE, EASTERN),
    "NCAAW": LeagueRules(
        "basketball", "minutes", (quarters(10), halves(20)), to_the_end(official=35), SAME_DATE, EASTERN
    ),
    "WNBA": LeagueRules(
        "basketball", "minutes", (quarters(10), halves(20)), to_the_end(official=35), SAME_DATE, EASTERN
    ),
}
"""The rules of leagues that differ from their sport's: forty minutes of basketball are official after 35, and college men play
halves."""


def rules_of(sport: str, league: str) -> LeagueRules | None:
    """The rules of a league, which are its sport's where it has none of its own; None for an unknown sport."""
    own = LEAGUES.get(league)
    return own if own is not None and own.sport == sport else SPORTS.get(sport)
