"""Day: one real day, from a full board to the last result: of baseball, or a Sunday of football."""

from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from runline.demo.clock import eastern
from runline.demo.options import BadOption, baseball_directory, has_baseball, parse_day
from runline.domain.board import MarketLine
from runline.domain.catalog import Sport
from runline.domain.grading import Score
from runline.feeds import mlb2016, nfl
from runline.feeds.replay import Game, Line
from runline.feeds.zones import EASTERN, instant_ns
from runline.shell import reason_of

Scenario = Literal["baseball", "sunday"]

DEFAULT_DAY = date(2016, 6, 25)
"""A Saturday: 16 games, two of them Baltimore's double-header, all on the board in all three markets at 05:00 UTC; the first
starts at 17:05 UTC, the last result is assumed at 05:15 UTC of the next day."""

OPENS_HOUR_UTC = 5
"""When a day of baseball begins: the night before has ended, and the board is full."""

SUNDAY = date(2024, 9, 15)
"""Ten games of the second week of the season of 2024 start at 13:00; four more, later that day, are on the board."""

SUNDAY_GAMES = Path(__file__).parent / "nfl" / "nflverse_games_2024_09_15.csv"
"""They travel with the package (NOTICE.md beside it)."""

KICK_OFF = "13:00"
SUNDAY_OPENS = time(12, 30)
RUSH_MINUTES = 5
RUSH_FACTOR = 10
"""Before the kick-off of most games, ten times the wagers."""

FIRST_FINAL_MINUTES = 10
FINALS_APART_NS = 60 * 10**9
"""The three hours of play are left out, for nothing can be wagered on these games meanwhile: the results come from ten minutes
after the kick-off on, one a minute."""

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS


class DayGame(msgspec.Struct, frozen=True):
    """A game of a day. final_ns: when its result is known; None if it is played later."""

    game_id: str
    start_ns: int
    final_ns: int | None
    away: str
    home: str
    final: Score | None

    def score(self) -> Score:
        """The final score, as grading takes it."""
        assert self.final is not None
        return self.final


class DayLine(msgspec.Struct, frozen=True):
    """What is on the board for a game from a moment on."""

    game_id: str
    entered_ns: int
    markets: tuple[MarketLine, ...]

    def offered(self) -> tuple[MarketLine, ...]:
        """All markets that are offered."""
        return self.markets


class Rush(msgspec.Struct, frozen=True):
    """A time in which everybody wagers: so many times the usual."""

    from_ns: int
    until_ns: int
    factor: int


class Day(msgspec.Struct, frozen=True):
    """A day's games and all their lines, those entered before the day among them.

    league: its name and sport. origin_ns, end_ns: from its beginning to the last result. rush: when everybody wagers.
    opening_ns: when all agents open their figures at once; None: never. about: what is assumed, for people.
    """

    date: date
    league: tuple[str, Sport]
    games: list[Game]
    lines: list[Line]
    origin_ns: int
    end_ns: int
    heading: str
    rush: Rush | None = None
    opening_ns: int | None = None
    about: str = ""

    def title(self) -> str:
        """The day in words."""
        return f"{self.league[0]}, {self.date:%A} {self.date.day} {self.date:%B %Y}: {self.heading}"

    @property
    def later(self) -> bool:
        """Whether games are on the board that are played after this day."""
        return any(game.final_ns is None for game in self.games)


def read_day(scenario: Scenario, day: str | None, *, lines: bool = True) -> Day:
    """A day of a scenario. day: which one, of baseball only. lines: whether to read all lines too.

    Raises BadOption for a day that is not there and for data that cannot be read.
    """
    if scenario == "sunday":
        if day is not None:
            raise BadOption("--day is for the scenario baseball; the Sunday is 15 September 2024")
        return read_sunday()
    return read_baseball(baseball_directory(), parse_day(day) if day else DEFAULT_DAY, lines=lines)


def scenario_here(wanted: Scenario | None, day: str | None) -> Scenario:
    """The scenario that is asked for; unless one is, the Sunday where only the package is and not the baseball season."""
    if wanted is not None:
        return wanted
    return "baseball" if day is not None or has_baseball() else "sunday"


def read_baseball(directory: Path, day: date, *, lines: bool = True) -> Day:
    """The games that start on a day (US Eastern), from the data's folder.

    Raises BadOption for a day without games and for data that cannot be read.
    """
    try:
        season = mlb2016.read_games(directory)
    except (OSError, ValueError) as error:
        raise BadOption(f"the data of MLB 2016 cannot be read: {reason_of(error)}") from None
    games = [game for game in season if eastern(game.start_ns).date() == day]
    if not games:
        first, last = eastern(season[0].start_ns).date(), eastern(season[-1].start_ns).date()
        raise BadOption(f"--day: no game of MLB 2016 started on {day}; the season is {first} to {last}, with pauses")
    pairs = sum(game.doubleheader_game == 2 for game in games)
    double = {0: "", 1: ", one double-header"}.get(pairs, f", {pairs} double-headers")
    return Day(
        day,
        ("MLB", "baseball"),
        list[Game](games),
        lines_of(directory, season, games) if lines else [],
        int(datetime(day.year, day.month, day.day, OPENS_HOUR_UTC, tzinfo=UTC).timestamp()) * SECOND_NS,
        max(game.final_ns for game in games),
        f"{'1 game' if len(games) == 1 else f'{len(games)} games'}{double}",
    )


def lines_of(directory: Path, season: list[mlb2016.MlbGame], games: list[mlb2016.MlbGame]) -> list[Line]:
    """All lines of some games. The source has game after game: what follows the last of these need not be read."""
    wanted = {game.game_id for game in games}
    until = max(place for place, game in enumerate(season) if game.game_id in wanted)
    try:
        rows = islice(mlb2016.read_lines(directory), sum(game.lines for game in season[: until + 1]))
        return [line for line in rows if line.game_id in wanted]
    except (OSError, ValueError) as error:
        raise BadOption(f"the data of MLB 2016 cannot be read: {reason_of(error)}") from None


def read_sunday(path: Path = SUNDAY_GAMES) -> Day:
    """The Sunday. Its source has closing lines only: they stand from the beginning.

    Raises BadOption for data that cannot be read.
    """
    try:
        season = nfl.read_games(path)
    except (OSError, ValueError) as error:
        raise BadOption(f"the data of the NFL cannot be read: {reason_of(error)}") from None
    played = [game for game in season if game.gameday == str(SUNDAY)]
    early = [game for game in played if game.gametime == KICK_OFF]
    if not early:
        raise BadOption(f"the data of the NFL have no games of {SUNDAY}")
    origin_ns = instant_ns(SUNDAY, SUNDAY_OPENS, EASTERN)
    kick_off_ns = instant_ns(SUNDAY, time.fromisoformat(KICK_OFF), EASTERN)
    games: list[Game] = []
    lines: list[Line] = []
    for game in played:
        start_ns = game.start_ns() or kick_off_ns
        final_ns = None
        if game in early:
            final_ns = kick_off_ns + FIRST_FINAL_MINUTES * MINUTE_NS + early.index(game) * FINALS_APART_NS
        games.append(DayGame(game.game_id, start_ns, final_ns, game.away, game.home, game.score()))
        lines.append(DayLine(game.game_id, origin_ns, game.closing_lines()))
    return Day(
        SUNDAY,
        ("NFL", "football"),
        sorted(games, key=lambda game: game.start_ns),
        lines,
        origin_ns,
        max(game.final_ns for game in games if game.final_ns is not None),
        f"{len(early)} games at 1 pm, {len(played) - len(early)} later",
        Rush(kick_off_ns - RUSH_MINUTES * MINUTE_NS, kick_off_ns, RUSH_FACTOR),
        kick_off_ns,
        f"{RUSH_FACTOR} times the wagers from 12:55 to 1:00 pm, when {len(early)} games close and every agent opens the figures. "
        "The lines are the closing lines. The hours of play are left out: the results come from 1:10 to 1:19 pm.",
    )


def fitted(day: Day, began_ns: int, speed: float) -> Day:
    """The day, moved and pressed together so that it begins at `began_ns` (UTC nanoseconds)."""

    def at(ns: int) -> int:
        return began_ns + int((ns - day.origin_ns) / speed)

    games: list[Game] = [
        DayGame(
            game.game_id,
            at(game.start_ns),
            None if game.final_ns is None else at(game.final_ns),
            game.away,
            game.home,
            None if game.final_ns is None else game.score(),
        )
        for game in day.games
    ]
    lines: list[Line] = [DayLine(line.game_id, at(line.entered_ns), line.offered()) for line in day.lines]
    rush = day.rush and Rush(at(day.rush.from_ns), at(day.rush.until_ns), day.rush.factor)
    return msgspec.structs.replace(day, games=games, lines=lines, origin_ns=began_ns, end_ns=at(day.end_ns), rush=rush)
