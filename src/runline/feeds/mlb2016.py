"""MLB 2016: every line that Pinnacle entered for a baseball season, and the final scores. From `data/mlb` (NOTICE.md there).

There are no result times; who needs one assumes a final FINAL_AFTER_NS after the start.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from runline.domain.board import MarketLine
from runline.domain.grading import Score
from runline.domain.odds import parse_price
from runline.domain.points import parse_points
from runline.domain.prices import Prices

GAMES = "pinnacle_mlb2016_games.csv"
LINES = "pinnacle_mlb2016_lines.csv.gz"
CALLED = "called_games.csv"

GAME_FIELDS = (
    "game_id,event_time_utc,away_team,home_team,doubleheader_game,"
    "away_pitcher,home_pitcher,final_away,final_home,n_lines"
)
LINE_FIELDS = (
    "game_id,entered_utc,spread_away,spread_us_away,spread_us_home,ml_us_away,ml_us_home,total,over_us,under_us"
)
CALLED_FIELDS = "game_id,half_innings"

FINAL_AFTER_NS = (3 * 60 + 5) * 60 * 10**9
"""How long a game takes, in nanoseconds: 3 h 5 min, an assumption about an ordinary game of that season."""

TEXTS_CACHED = 4_096

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MlbGame(msgspec.Struct, frozen=True, gc=False):
    """A game and how it ended.

    game_id: home team, day and number, such as PIT201609290.
    start_ns: UTC.
    doubleheader_game: 1 or 2 in a double-header, else 0.
    lines: how many lines the source has for it.
    half_innings: how many were completed if the game was called; None for a full one.
    """

    game_id: str
    start_ns: int
    away: str
    home: str
    doubleheader_game: int
    away_pitcher: str
    home_pitcher: str
    final_away: int
    final_home: int
    lines: int
    half_innings: int | None

    @property
    def final_ns(self) -> int:
        """When the result is assumed to be known: the source does not say."""
        return self.start_ns + FINAL_AFTER_NS

    def score(self) -> Score:
        """The final score, as grading takes it."""
        return Score(self.final_home, self.final_away, length=self.half_innings)


class MlbLine(msgspec.Struct, frozen=True, gc=False):
    """What was on the board for one game from a moment on. None where a market was not offered.

    entered_ns: UTC, by the source's clock.
    spread_away, total: quarter points; the visitor's run line.
    the prices: American, with their sign.
    """

    game_id: str
    entered_ns: int
    spread_away: int | None
    spread_away_price: str | None
    spread_home_price: str | None
    moneyline_away_price: str | None
    moneyline_home_price: str | None
    total: int | None
    over_price: str | None
    under_price: str | None

    def offered(self) -> tuple[MarketLine, ...]:
        """All markets that were offered."""
        offered: list[MarketLine] = []
        if self.spread_away is not None and self.spread_away_price and self.spread_home_price:
            prices = Prices(away=self.spread_away_price, home=self.spread_home_price)
            offered.append(MarketLine("spread", "game", -self.spread_away, prices))
        if self.moneyline_away_price and self.moneyline_home_price:
            prices = Prices(away=self.moneyline_away_price, home=self.moneyline_home_price)
            offered.append(MarketLine("moneyline", "game", None, prices))
        if self.total is not None and self.over_price and self.under_price:
            prices = Prices(over=self.over_price, under=self.under_price)
            offered.append(MarketLine("total", "game", self.total, prices))
        return tuple(offered)


def read_games(directory: Path) -> list[MlbGame]:
    """All games, in the file's order (by start). Raises ValueError with file and line for a row that is not one."""
    called: dict[str, int] = {}
    for place, row in rows(directory / CALLED, CALLED_FIELDS):
        try:
            called[row[0]] = count(row[1])
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    games: dict[str, MlbGame] = {}
    for place, row in rows(directory / GAMES, GAME_FIELDS):
        try:
            game = game_of(row, called.pop(row[0], None))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        if game.game_id in games:
            raise ValueError(f"{place}: {game.game_id} stands here a second time")
        games[game.game_id] = game
    if called:
        raise ValueError(f"{directory / CALLED}: no game has the id {', '.join(called)}")
    return list(games.values())


def read_lines(directory: Path) -> Iterator[MlbLine]:
    """All lines, game by game and in time order within a game, one at a time.

    Raises ValueError with file and line for a row that is not one.
    """
    for place, row in rows(directory / LINES, LINE_FIELDS):
        try:
            line = line_of(row)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        yield line


def rows(path: Path, fields: str) -> Iterator[tuple[str, list[str]]]:
    """The rows of a CSV file below its heading, each with its place for messages."""
    opened = gzip.open if path.suffix == ".gz" else open
    width = fields.count(",") + 1
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        try:
            if next(reader, None) != fields.split(","):
                raise ValueError(f"the heading is not {fields}")
            for row in reader:
                if len(row) != width:
                    raise ValueError(f"{len(row)} fields instead of {width}")
                yield f"{path}:{reader.line_num}", row
        except (ValueError, csv.Error, EOFError, zlib.error) as error:
            raise ValueError(f"{path}:{reader.line_num}: {error}") from None


def game_of(row: list[str], half_innings: int | None) -> MlbGame:
    game_id, start, away, home, doubleheader_game, away_pitcher, home_pitcher, final_away, final_home, lines = row
    return MlbGame(
        game_id,
        nanoseconds(start),
        away,
        home,
        count(doubleheader_game),
        away_pitcher,
        home_pitcher,
        count(final_away),
        count(final_home),
        count(lines),
        half_innings,
    )


def line_of(row: list[str]) -> MlbLine:
    game_id, entered, spread, spread_away, spread_home, away, home, total, over, under = row
    return MlbLine(
        game_id,
        nanoseconds(entered),
        points(spread),
        american(spread_away),
        american(spread_home),
        american(away),
        american(home),
        points(total),
        american(over),
        american(under),
    )


def count(text: str) -> int:
    """A number that is not negative."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is not a count")
    return int(text)


def nanoseconds(text: str) -> int:
    """UTC nanoseconds of a time such as 2016-04-03T17:05:00.000Z."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    since = moment - EPOCH
    return ((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds) * 1_000


@lru_cache(maxsize=TEXTS_CACHED)
def points(text: str) -> int | None:
    return parse_points(text) if text else None


@lru_cache(maxsize=TEXTS_CACHED)
def american(text: str) -> str | None:
    """The price of record of an American price, which the source writes without its plus."""
    if not text:
        return None
    price = parse_price(text if text.startswith("-") else f"+{text}")
    if price.format != "american":
        raise ValueError(f"{text!r} is not an American price")
    return price.text
