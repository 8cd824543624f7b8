"""Official: a league's rules: what a wager includes, how much must have been played, how long it waits. Rows; the last that fits
a wager holds. (The tables of docs/explanation/grading.md.)"""

from dataclasses import dataclass
from typing import Any

SPORTS = ("football", "basketball", "baseball", "hockey", "soccer")
DRAWN = ("three_way", "draw_no_bet")
DATE = {"by": "date", "hours": 0, "known_stands": True}
EASTERN = "America/New_York"


@dataclass(frozen=True)
class Division:
    """How regulation is divided: how many periods, each how long, and which of them a wager is about (first, end)."""

    count: int
    part: int
    spans: dict[str, tuple[int, int]]
    extras: bool = False

    @property
    def length(self) -> int:
        return self.count * self.part


@dataclass(frozen=True)
class Row:
    """What holds for wagers on some markets and periods; () for all."""

    markets: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    overtime: bool = False
    official: int | None = None
    less_if_home_leads: int = 0
    decided_stands: bool = False
    window: dict[str, Any] | None = None


@dataclass(frozen=True)
class League:
    """The rules of a league. The first division is its own; a score may be in another one."""

    divisions: tuple[Division, ...]
    rows: tuple[Row, ...]
    window: dict[str, Any]
    zone: str

    def row(self, market: str, period: str) -> Row:
        """What holds for a wager."""
        fitting = [
            row
            for row in self.rows
            if (not row.markets or market in row.markets) and (not row.periods or period in row.periods)
        ]
        return fitting[-1] if fitting else Row()

    def window_of(self, market: str, period: str) -> dict[str, Any]:
        """How long a wager waits."""
        return self.row(market, period).window or self.window

    def has(self, period: str) -> bool:
        """Whether there are wagers about a period."""
        return period == "game" or any(period in division.spans for division in self.divisions)


def quarters(minutes: int) -> Division:
    spans = {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3), "q4": (3, 4), "1h": (0, 2), "2h": (2, 4)}
    return Division(4, minutes, spans)


def halves(minutes: int) -> Division:
    return Division(2, minutes, {"1h": (0, 1), "2h": (1, 2)})


def innings(count: int) -> Division:
    return Division(count, 2, {"1h": (0, 5), "2h": (5, count)}, extras=True)


def overtime_counts(**more: Any) -> tuple[Row, Row]:
    """Game and second half include overtime, but for markets with a draw in them."""
    return Row((), ("game", "2h"), overtime=True, **more), Row(DRAWN, ("game", "2h"), **more)


def timed(official: int, *divisions: Division) -> League:
    """A game of so many minutes, which wait for its date."""
    return League(divisions, overtime_counts(official=official), DATE, EASTERN)


BASEBALL = League(
    (innings(9), innings(7)),
    (
        Row(less_if_home_leads=1),
        *overtime_counts(less_if_home_leads=1),
        Row(("moneyline",), ("game",), overtime=True, official=10, less_if_home_leads=1),
        Row(DRAWN, ("game",), official=10, less_if_home_leads=1),
    ),
    {"by": "hours", "hours": 36, "known_stands": True},
    EASTERN,
)
"""Lengths in half-innings. A first half and what has no row of its own go to their end, or half an inning less if the home side
leads."""

HOCKEY = Division(3, 20, {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3)})
SOCCER = League((halves(45),), (), {"by": "hours", "hours": 48, "known_stands": True}, "Europe/London")

BY_SPORT = {
    "football": timed(55, quarters(15), halves(30)),
    "basketball": timed(43, quarters(12), halves(24)),
    "baseball": BASEBALL,
    "hockey": timed(55, HOCKEY),
    "soccer": SOCCER,
}

BY_LEAGUE = {
    "NCAAB": timed(35, halves(20)),
    "NCAAW": timed(35, quarters(10), halves(20)),
    "WNBA": timed(35, quarters(10), halves(20)),
}
"""Forty minutes of basketball are official after 35."""


def rules_of(sport: str, league: str) -> League:
    """The rules that a league has by itself."""
    return BY_LEAGUE[league] if league in BY_LEAGUE and sport == "basketball" else BY_SPORT[sport]


def unit_of(sport: str) -> str:
    """What lengths of a game count."""
    return "half-innings" if sport == "baseball" else "minutes"


def has_period(sport: str, league: str, period: str) -> bool:
    """Whether a game has such a period."""
    return rules_of(sport, league).has(period)
