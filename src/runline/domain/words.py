"""Words: a selection as people read it. Queries, the live stream and whoever prints tickets take them from here.

Rule: a ticket's own row has ids, the line and the price; who plays whom is the house's to say. Where the game is not known here,
the words are those of the ids.
"""

from functools import lru_cache
from typing import Protocol

import msgspec

from runline.domain.money import MINUS_SIGN
from runline.domain.placed import Selection
from runline.domain.points import format_points

WORDS_CACHED = 8_192

EVEN = ("+100", "-100")

PERIOD_NAMES = {
    "game": "game",
    "1h": "1st half",
    "2h": "2nd half",
    "q1": "1st quarter",
    "q2": "2nd quarter",
    "q3": "3rd quarter",
    "q4": "4th quarter",
}
"""What a period is called, where its sport has no other word."""

PERIODS_BY_SPORT = {
    ("baseball", "1h"): "first 5 innings",
    ("baseball", "2h"): "after 5 innings",
    ("hockey", "q1"): "1st period",
    ("hockey", "q2"): "2nd period",
    ("hockey", "q3"): "3rd period",
}

MARKETS_BY_SPORT = {
    ("baseball", "spread"): "run line",
    ("hockey", "spread"): "puck line",
    ("soccer", "spread"): "Asian handicap",
}
"""What a kind of market is called, where its sport has a word of its own."""


class Game(Protocol):
    """What is known of a game."""

    @property
    def league(self) -> str: ...

    @property
    def sport(self) -> str: ...

    @property
    def rotation(self) -> int: ...

    @property
    def away(self) -> str: ...

    @property
    def home(self) -> str: ...

    @property
    def start_ns(self) -> int: ...


class Told(msgspec.Struct, frozen=True):
    """A selection, and what it is about, in words.

    line_quarters: the side's handicap or the total; None where the market has none. price: of record.
    league, away, home, start_ns: of its game, as they are now; "" and 0 if that is not known here.
    rotation: the side's own number (of over and draw the visitor's, of under the home side's), 0 if not known.
    period_name, market_name: as its sport calls them: `first 5 innings`, `run line`.
    selection: all of it, as a ticket reads: `951 Cubs +1½ −110, run line`.
    """

    fixture: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    league: str
    away: str
    home: str
    start_ns: int
    rotation: int
    period_name: str
    market_name: str
    selection: str


def in_words(game: Game | None, taken: Selection) -> Told:
    """A selection in words. game: None where it is not known."""
    known = (game.league, game.sport, game.away, game.home, game.start_ns, game.rotation) if game else UNKNOWN
    return told_of(taken.market, taken.side, taken.line_quarters, taken.price, *known)


UNKNOWN = ("", "", "", "", 0, 0)


@lru_cache(maxsize=WORDS_CACHED)
def told_of(
    market: str,
    side: str,
    line_quarters: int | None,
    price: str,
    league: str,
    sport: str,
    away: str,
    home: str,
    start_ns: int,
    rotation: int,
) -> Told:
    fixture, period, kind = market.split(":")
    own = rotation + 1 if rotation and side in ("home", "under") else rotation
    period_name, market_name = name_of_period(sport, period), name_of_market(sport, kind)
    words = [str(own)] if own else []
    team = {"away": away, "home": home}.get(side)
    words.append(team or f"{f'{away} at {home}' if away else fixture} {side}")
    if line_quarters is not None:
        words.append(shown(format_points(line_quarters, kind == "spread")))
    words.append("EV" if price in EVEN else shown(price))
    about = [market_name] if period == "game" else [market_name, period_name]
    return Told(
        fixture, market, side, line_quarters, price, league, away, home, start_ns, own, period_name, market_name,
        ", ".join([" ".join(words), *about]),
    )  # fmt: skip


def name_of_period(sport: str, period: str) -> str:
    """What a sport calls a period."""
    return PERIODS_BY_SPORT.get((sport, period)) or PERIOD_NAMES.get(period, period)


def name_of_market(sport: str, kind: str) -> str:
    """What a sport calls a kind of market."""
    return MARKETS_BY_SPORT.get((sport, kind)) or kind.replace("_", " ")


def shown(text: str) -> str:
    """A number as pages show it, with the real minus sign."""
    return text.replace("-", MINUS_SIGN)
