"""NFL: games with their closing lines and final scores, as nflverse has them. All since 1999 are in `data/nfl`."""

import csv
import gzip
import zlib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import IO

import msgspec

from runline.domain.board import MarketLine
from runline.domain.grading import Score
from runline.domain.odds import parse_american
from runline.domain.points import parse_points
from runline.domain.prices import Prices
from runline.feeds.zones import EASTERN, instant_ns

GAMES = "nflverse_games_1999_2025.csv.gz"


class NflGame(msgspec.Struct, frozen=True, gc=False):
    """A game, its closing lines, and how it ended. None for what the source does not have.

    gametime: Eastern time.
    home_score, away_score: overtime included; None before the game.
    spread_home, total: quarter points; the home side's handicap, negative where it is favoured.
    the prices: American, with their sign.
    """

    game_id: str
    season: int
    game_type: str
    week: int
    gameday: str
    gametime: str | None
    away: str
    home: str
    away_score: int | None
    home_score: int | None
    overtime: bool | None
    spread_home: int | None
    spread_away_price: str | None
    spread_home_price: str | None
    total: int | None
    over_price: str | None
    under_price: str | None
    moneyline_away_price: str | None
    moneyline_home_price: str | None

    def start_ns(self) -> int | None:
        """The kick-off, in UTC nanoseconds; None if the source has no time. (It is in Eastern time wherever the game is played.)

        Raises ValueError for a day or a time that there is not.
        """
        if self.gametime is None:
            return None
        return instant_ns(date.fromisoformat(self.gameday), time.fromisoformat(self.gametime), EASTERN)

    def closing_lines(self) -> tuple[MarketLine, ...]:
        """The markets at their closing lines."""
        closing: list[MarketLine] = []
        if self.spread_home is not None and self.spread_away_price and self.spread_home_price:
            prices = Prices(away=self.spread_away_price, home=self.spread_home_price)
            closing.append(MarketLine("spread", "game", self.spread_home, prices))
        if self.moneyline_away_price and self.moneyline_home_price:
            prices = Prices(away=self.moneyline_away_price, home=self.moneyline_home_price)
            closing.append(MarketLine("moneyline", "game", None, prices))
        if self.total is not None and self.over_price and self.under_price:
            prices = Prices(over=self.over_price, under=self.under_price)
            closing.append(MarketLine("total", "game", self.total, prices))
        return tuple(closing)

    def score(self) -> Score | None:
        """The final score, as grading takes it; None if the game is not played."""
        if self.home_score is None or self.away_score is None:
            return None
        return Score(self.home_score, self.away_score, level_after_regulation=bool(self.overtime))


def read_games(path: Path) -> list[NflGame]:
    """All games of a file (CSV, or that compressed by gzip), in its order (by day).

    Raises OSError; ValueError with file and line for a row that is not a game.
    """
    games: dict[str, NflGame] = {}
    with opened(path) as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise ValueError("the row does not have the fields of the heading")
                game = game_of(row)
                if game.game_id in games:
                    raise ValueError(f"{game.game_id} stands here a second time")
                games[game.game_id] = game
        except KeyError as error:
            raise ValueError(f"{path}:{reader.line_num}: there is no field {error}") from None
        except (ValueError, csv.Error, EOFError, zlib.error) as error:
            raise ValueError(f"{path}:{reader.line_num}: {error}") from None
    return list(games.values())


def opened(path: Path) -> IO[str]:
    """The text of a file."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def game_of(row: Mapping[str, str]) -> NflGame:
    """The game of a row. Raises ValueError for what cannot be: a result that contradicts itself, a time that no clock shows."""
    away_score, home_score = number(row["away_score"]), number(row["home_score"])
    margin, total = number(row["result"]), number(row["total"])
    if away_score is None or home_score is None:
        if any(value is not None for value in (away_score, home_score, margin, total)):
            raise ValueError("the result is incomplete")
    elif (margin, total) != (home_score - away_score, home_score + away_score):
        raise ValueError("the result contradicts the score")
    elif home_score < 0 or away_score < 0:
        raise ValueError("a score is negative")
    spread = points(row["spread_line"])
    game = NflGame(
        row["game_id"],
        int(row["season"]),
        row["game_type"],
        int(row["week"]),
        row["gameday"],
        row["gametime"] or None,
        row["away_team"],
        row["home_team"],
        away_score,
        home_score,
        flag(row["overtime"]),
        None if spread is None else -spread,
        american(row["away_spread_odds"]),
        american(row["home_spread_odds"]),
        points(row["total_line"]),
        american(row["over_odds"]),
        american(row["under_odds"]),
        american(row["away_moneyline"]),
        american(row["home_moneyline"]),
    )
    game.start_ns()
    return game


def number(text: str) -> int | None:
    return int(text) if text else None


def flag(text: str) -> bool | None:
    if text not in ("", "0", "1"):
        raise ValueError(f"{text!r} is neither 0 nor 1")
    return text == "1" if text else None


def points(text: str) -> int | None:
    return parse_points(text) if text else None


def american(text: str) -> str | None:
    """The price of record of an American price, which the source writes without its plus."""
    if not text:
        return None
    return parse_american(text).text
