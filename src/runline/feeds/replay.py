"""Replay: real games as a feed, with the spacing of their source, at whatever speed the clock runs.

Rule: everything goes through the public door, in time order, and whatever is due goes in one send. A refusal is the answer to
that one row (a line entered after the start, a game that someone has called off): it is counted, and the feed goes on.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import msgspec

from runline.domain.board import MarketLine, PostLines
from runline.domain.catalog import Sport
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.grading import Score
from runline.domain.messages import HOUSE, Command
from runline.domain.results import ConfirmResult, EnterResult
from runline.engine.bus import Bus
from runline.engine.ports import Clock
from runline.engine.requests import Refused, Request

LEAGUE: tuple[str, Sport] = ("MLB", "baseball")
"""The league that is created, and its sport."""

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


class Game(Protocol):
    """A game of a source. start_ns: UTC nanoseconds; final_ns: when its result is known, None if not in this replay."""

    @property
    def game_id(self) -> str: ...
    @property
    def start_ns(self) -> int: ...
    @property
    def final_ns(self) -> int | None: ...
    @property
    def away(self) -> str: ...
    @property
    def home(self) -> str: ...

    def score(self) -> Score:
        """The final score, as grading takes it."""
        ...


class Line(Protocol):
    """What was on the board for one game from a moment on (UTC nanoseconds)."""

    @property
    def game_id(self) -> str: ...
    @property
    def entered_ns(self) -> int: ...

    def offered(self) -> tuple[MarketLine, ...]:
        """All markets that were offered."""
        ...


class Planned(msgspec.Struct, frozen=True, gc=False):
    """What the feed says at a time (UTC nanoseconds): lines, or (final) how a game ended."""

    at_ns: int
    said: Any
    final: bool = False

    def commands(self) -> tuple[Command, ...]:
        """What that is for the house."""
        said = self.said
        if self.final:
            return (EnterResult(said.game_id, said.score()), ConfirmResult(said.game_id, REVISION))
        return (post_lines(said),)


def post_lines(line: Line) -> PostLines:
    """A row of the source as the board of its fixture."""
    return PostLines(line.game_id, line.entered_ns, line.offered())


def create_fixtures(games: Sequence[Game], league: tuple[str, Sport] = LEAGUE) -> list[Command]:
    """The league and its games, numbered in the order of their starts. A double-header is two games."""
    name, sport = league
    created: list[Command] = [CreateLeague(name, sport)]
    ordered = sorted(games, key=lambda game: (game.start_ns, game.game_id))
    for place, game in enumerate(ordered):
        rotation = ROTATION_FIRST + 2 * place
        created.append(CreateFixture(game.game_id, name, rotation, game.away, game.home, game.start_ns))
    return created


def plan(games: Iterable[Game], lines: Iterable[Line]) -> list[Planned]:
    """Lines and results of all games, in the order of their times."""
    planned = [Planned(line.entered_ns, line) for line in lines]
    planned += [Planned(game.final_ns, game, final=True) for game in games if game.final_ns is not None]
    planned.sort(key=lambda row: row.at_ns)
    return planned


def last_lines(planned: Sequence[Planned]) -> list[Planned]:
    """The same without the lines that another line of their game follows."""
    last = {row.said.game_id: row for row in planned if not row.final}
    return [row for row in planned if row.final or last[row.said.game_id] is row]


class Replay:
    """The feed of some games, sent by `actor`, a user of the house who holds FEED_MAY.

    clock: the engine's. league: to be created, with its sport. catch_up: see `CatchUp`.
    outcomes: what became of the commands: `changed`, `unchanged`, or the code of the refusal -> how many.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        games: Sequence[Game],
        lines: Iterable[Line],
        *,
        actor: str,
        league: tuple[str, Sport] = LEAGUE,
        catch_up: CatchUp = "last",
    ) -> None:
        self.bus = bus
        self.clock = clock
        self.games = games
        self.actor = actor
        self.league = league
        self.catch_up = catch_up
        self.planned = deque(plan(games, lines))
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
        await self.send(create_fixtures(self.games, self.league), bulk=True)
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
