"""Replay: the baseball season of 2016 as a feed, with its true spacing, at whatever speed the clock runs.

Rule: everything goes through the public door, in time order, and whatever is due goes in one send. A refusal is the answer to
that one row (a line entered after the start, a game that someone has called off): it is counted, and the feed goes on.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from runline.bus.local import LocalBus
from runline.domain.board import MarketLine, PostLines
from runline.domain.catalog import CreateFixture, CreateLeague
from runline.domain.messages import HOUSE, Command
from runline.domain.results import ConfirmResult, EnterResult
from runline.engine.ports import Clock
from runline.engine.requests import Refused, Request
from runline.feeds.mlb2016 import FINAL_AFTER_NS, MlbGame, MlbLine

LEAGUE = "MLB"
SPORT: Literal["baseball"] = "baseball"

ROTATION_FIRST = 901
"""The first visitor's number on the board; each game takes two."""

REVISION = 1
"""The entry of a result that the feed confirms: its own, if it is the first. Where a person was first, people decide."""

REQUESTS_MAX = 1_000
"""Requests in one send."""

PASSING = ("busy", "unavailable")
"""Refusals that may pass: the same requests are sent again."""

ATTEMPTS_MAX = 40
ATTEMPT_PAUSE_S = 0.05

CatchUp = Literal["last", "all"]
"""What is sent of the lines before the start of the replay: the last one of each game, or every one."""


class Planned(msgspec.Struct, frozen=True, gc=False):
    """What the feed says at a time (UTC nanoseconds): lines, or how a game ended."""

    at_ns: int
    said: MlbLine | MlbGame

    def commands(self) -> tuple[Command, ...]:
        """What that is for the house."""
        said = self.said
        if isinstance(said, MlbLine):
            return (post_lines(said),)
        return (EnterResult(said.game_id, said.score()), ConfirmResult(said.game_id, REVISION))


def post_lines(line: MlbLine) -> PostLines:
    """A row of the source as the board of its fixture: all markets that it offers."""
    offered: list[MarketLine] = []
    if line.spread_away is not None and line.spread_away_price and line.spread_home_price:
        prices = (line.spread_away_price, line.spread_home_price)
        offered.append(MarketLine("spread", "game", -line.spread_away, prices))
    if line.moneyline_away_price and line.moneyline_home_price:
        prices = (line.moneyline_away_price, line.moneyline_home_price)
        offered.append(MarketLine("moneyline", "game", None, prices))
    if line.total is not None and line.over_price and line.under_price:
        offered.append(MarketLine("total", "game", line.total, (line.over_price, line.under_price)))
    return PostLines(line.game_id, line.entered_ns, tuple(offered))


def create_fixtures(games: Sequence[MlbGame]) -> list[Command]:
    """The league and its games, numbered in the order of their starts. A double-header is two games."""
    created: list[Command] = [CreateLeague(LEAGUE, SPORT)]
    ordered = sorted(games, key=lambda game: (game.start_ns, game.game_id))
    for place, game in enumerate(ordered):
        rotation = ROTATION_FIRST + 2 * place
        created.append(CreateFixture(game.game_id, LEAGUE, rotation, game.away, game.home, game.start_ns))
    return created


def plan(games: Iterable[MlbGame], lines: Iterable[MlbLine], final_after_ns: int = FINAL_AFTER_NS) -> list[Planned]:
    """Lines and results of all games, in the order of their times.

    The source has no times of results: a final is assumed `final_after_ns` (3 h 5 min) after the start.
    """
    planned = [Planned(line.entered_ns, line) for line in lines]
    planned += [Planned(game.start_ns + final_after_ns, game) for game in games]
    planned.sort(key=lambda row: row.at_ns)
    return planned


def last_lines(planned: Sequence[Planned]) -> list[Planned]:
    """The same without the lines that another line of their game follows."""
    last = {row.said.game_id: row for row in planned if isinstance(row.said, MlbLine)}
    return [row for row in planned if not isinstance(row.said, MlbLine) or last[row.said.game_id] is row]


class Replay:
    """The feed of some games, sent by `actor`, a user of the house who holds FEED_MAY.

    clock: the engine's. catch_up: see `CatchUp`.
    outcomes: what became of the commands: `changed`, `unchanged`, or the code of the refusal -> how many.
    """

    def __init__(
        self,
        bus: LocalBus,
        clock: Clock,
        games: Sequence[MlbGame],
        lines: Iterable[MlbLine],
        *,
        actor: str,
        catch_up: CatchUp = "last",
        final_after_ns: int = FINAL_AFTER_NS,
    ) -> None:
        self.bus = bus
        self.clock = clock
        self.games = games
        self.actor = actor
        self.catch_up = catch_up
        self.planned = deque(plan(games, lines, final_after_ns))
        self.outcomes: Counter[str] = Counter()

    @property
    def next_ns(self) -> int | None:
        """When the feed has something to say next (UTC nanoseconds); None if it has said everything."""
        return self.planned[0].at_ns if self.planned else None

    async def run(self) -> None:
        """Say everything that is still to come at its time. The feed must be open."""
        while self.next_ns is not None:
            await asyncio.sleep(max(self.clock.seconds_until(self.next_ns), 0.0))
            await self.send_due()

    async def open(self) -> None:
        """Create league and fixtures, then catch up with what was said before now, in the bulk lane."""
        await self.send(create_fixtures(self.games), bulk=True)
        past = self.take_due()
        if self.catch_up == "last":
            past = last_lines(past)
        await self.send([command for row in past for command in row.commands()], bulk=True)

    async def send_due(self) -> None:
        """Say what is due."""
        await self.send([command for row in self.take_due() for command in row.commands()])

    def take_due(self) -> list[Planned]:
        now_ns = self.clock.now_ns()
        due: list[Planned] = []
        while self.planned and self.planned[0].at_ns <= now_ns:
            due.append(self.planned.popleft())
        return due

    async def send(self, commands: Sequence[Command], *, bulk: bool = False) -> None:
        """Send commands in their order, REQUESTS_MAX at a time."""
        for start in range(0, len(commands), REQUESTS_MAX):
            part = commands[start : start + REQUESTS_MAX]
            await self.send_requests(
                [Request(HOUSE, self.bus.new_id(), self.actor, command, bulk=bulk) for command in part]
            )

    async def send_requests(self, requests: list[Request]) -> None:
        """Send; from the first one on that was refused in passing, send again, for the order matters.

        The ids stay, so what was executed the first time is not executed twice.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            outcomes = await self.bus.send(requests)
            done = len(requests)
            if attempt < ATTEMPTS_MAX:
                passing = (
                    place
                    for place, outcome in enumerate(outcomes)
                    if isinstance(outcome, Refused) and outcome.code in PASSING
                )
                done = next(passing, done)
            for outcome in outcomes[:done]:
                if isinstance(outcome, Refused):
                    self.outcomes[outcome.code] += 1
                else:
                    self.outcomes["changed" if outcome.events else "unchanged"] += 1
            requests = requests[done:]
            if not requests:
                return
            await asyncio.sleep(ATTEMPT_PAUSE_S)
