"""Day: one real day of the baseball season of 2016, from a full board in the night to the last result."""

from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import msgspec

from runline.demo.clock import eastern
from runline.demo.options import BadOption
from runline.feeds.mlb2016 import FINAL_AFTER_NS, MlbGame, MlbLine, read_games, read_lines

DEFAULT_DAY = date(2016, 6, 25)
"""A Saturday: 16 games, two of them Baltimore's double-header, all on the board in all three markets at 05:00 UTC; the first
starts at 17:05 UTC, the last result is assumed at 05:15 UTC of the next day."""

OPENS_HOUR_UTC = 5
"""When the day begins: the night before has ended, and the board is full."""


class Day(msgspec.Struct, frozen=True):
    """A day's games and all their lines, those entered before the day among them.

    origin_ns, end_ns: from 05:00 UTC to the last result.
    """

    date: date
    games: list[MlbGame]
    lines: list[MlbLine]
    origin_ns: int
    end_ns: int

    def title(self) -> str:
        """The day in words."""
        pairs = sum(game.doubleheader_game == 2 for game in self.games)
        double = {0: "", 1: ", one double-header"}.get(pairs, f", {pairs} double-headers")
        games = "1 game" if len(self.games) == 1 else f"{len(self.games)} games"
        return f"MLB, {self.date:%A} {self.date.day} {self.date:%B %Y}: {games}{double}"


def read_schedule(directory: Path, day: date) -> Day:
    """The games that start on a day (US Eastern), from the data's folder, without their lines.

    Raises BadOption for a day without games and for data that cannot be read.
    """
    try:
        season = read_games(directory)
    except (OSError, ValueError) as error:
        raise BadOption(f"the data of MLB 2016 cannot be read: {error}") from None
    games = [game for game in season if eastern(game.start_ns).date() == day]
    if not games:
        first, last = eastern(season[0].start_ns).date(), eastern(season[-1].start_ns).date()
        raise BadOption(f"--day: no game of MLB 2016 started on {day}; the season is {first} to {last}, with pauses")
    origin = datetime(day.year, day.month, day.day, OPENS_HOUR_UTC, tzinfo=UTC)
    end_ns = max(game.start_ns for game in games) + FINAL_AFTER_NS
    return Day(day, games, [], int(origin.timestamp()) * 10**9, end_ns)


def read_day(directory: Path, day: date) -> Day:
    """The same with all lines of these games.

    Raises BadOption as `read_schedule`.
    """
    schedule = read_schedule(directory, day)
    try:
        # The source has game after game, so what follows the last of these need not be read.
        season = read_games(directory)
        wanted = {game.game_id for game in schedule.games}
        until = max(place for place, game in enumerate(season) if game.game_id in wanted)
        rows = islice(read_lines(directory), sum(game.lines for game in season[: until + 1]))
        lines = [line for line in rows if line.game_id in wanted]
    except (OSError, ValueError) as error:
        raise BadOption(f"the data of MLB 2016 cannot be read: {error}") from None
    return msgspec.structs.replace(schedule, lines=lines)


def fitted(day: Day, began_ns: int, speed: float) -> tuple[list[MlbGame], list[MlbLine]]:
    """The day's games and lines, moved and pressed together so that the day begins at `began_ns` (UTC nanoseconds)."""

    def at(ns: int) -> int:
        return began_ns + int((ns - day.origin_ns) / speed)

    games = [msgspec.structs.replace(game, start_ns=at(game.start_ns)) for game in day.games]
    lines = [msgspec.structs.replace(line, entered_ns=at(line.entered_ns)) for line in day.lines]
    return games, lines
