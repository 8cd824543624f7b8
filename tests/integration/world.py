"""A running engine, and the words for what people do in it: a house, its books, a game to wager on."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from runline.bootstrap import running_engine
from runline.bus.local import LocalBus
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.grading import Score
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import GATEWAY, HOUSE, Command
from runline.domain.passwords import ChangePassword
from runline.domain.placing import PlaceWager
from runline.domain.prices import Prices
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.sessions import LIMITS, SignIn
from runline.domain.vocabulary import Vocabulary, plain_vocabulary
from runline.engine.bus import Bus
from runline.engine.clock import SystemClock
from runline.engine.engine import Engine
from runline.engine.ports import Clock, Store
from runline.engine.recovery import every_stream
from runline.engine.requests import Accepted, Outcome, Refused, Request
from runline.engine.subscription import Committed, Subscription
from runline.evaluate.verify import Report, verify
from runline.gateway.door import Caller
from runline.gateway.tokens import new_token, session_name
from runline.live.hubs import Hubs
from runline.reads.questions import Questions

NOON_NS = 1_467_374_400 * 10**9
"""1 July 2016, 12:00 UTC: where the clock stands at first."""

SECOND_NS = 10**9
HOUR_NS = 3_600 * SECOND_NS
START_NS = NOON_NS + HOUR_NS
"""When the game G1 begins; G2 begins a day later, and so on."""


def start_ns(fixture: str) -> int:
    """When a game begins."""
    return START_NS + 24 * HOUR_NS * (int(fixture[1:]) - 1)


MONEYLINE = "G1:game:moneyline"
LINES = (
    MarketLine("moneyline", "game", None, Prices(away="-110", home="+102")),
    MarketLine("spread", "game", -6, Prices(away="+120", home="-140")),
    MarketLine("total", "game", 34, Prices(over="-105", under="-115")),
)
"""The board of a game: visitor and over first."""

HOME_WINS = Score(5, 3)
AWAY_WINS = Score(3, 5)


class SetClock:
    """A clock that stands until it is set. The host's time goes on, and can be set ahead."""

    def __init__(self, at_ns: int = NOON_NS) -> None:
        self.at_ns = at_ns
        self.host = SystemClock()
        self.host_ahead_ns = 0

    def now_ns(self) -> int:
        return self.at_ns

    def host_ns(self) -> int:
        return self.host.host_ns() + self.host_ahead_ns

    def seconds_until(self, at_ns: int) -> float:
        return 0.0 if at_ns <= self.at_ns else 3_600.0


def wager(
    player: str = "P1",
    amount_minor: int = 50_00,
    side: str = "home",
    market: str = MONEYLINE,
    line_quarters: int | None = None,
    price: str = "+102",
) -> PlaceWager:
    """A wager at the line of the board."""
    return PlaceWager(player, market, side, line_quarters, price, amount_minor)


def acceptance(outcome: object) -> Accepted:
    """What came of a command, which is that it was accepted."""
    assert isinstance(outcome, Accepted), outcome
    return outcome


def refusal(outcome: object) -> Refused:
    """What came of a command, which is that it was refused."""
    assert isinstance(outcome, Refused), outcome
    return outcome


class Listener:
    """Someone who follows a stream, and notes what they see."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.seen: list[Committed] = []
        self.moved = asyncio.Event()
        self.task = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        async for committed in self.subscription:
            self.seen.append(committed)
            self.moved.set()

    @property
    def positions(self) -> list[int]:
        return [committed.seq for committed in self.seen]

    async def reach(self, position: int) -> None:
        """Wait until they have seen a position."""
        while not self.seen or self.seen[-1].seq < position:
            self.moved.clear()
            await asyncio.wait_for(self.moved.wait(), 30)

    def leave(self) -> None:
        self.subscription.close()
        self.task.cancel()


class World:
    """An engine that runs, and its clock (which most tests set)."""

    def __init__(self, engine: Engine, bus: Bus, clock: Clock) -> None:
        self.engine = engine
        self.bus = bus
        self.clock: Any = clock

    def request(self, stream: str, command: Command, by: str = "", **fields: Any) -> Request:
        """A request with an id of its own (unless it is given), by whoever may do everything (unless they are given)."""
        command_id = fields.pop("id", None) or self.bus.new_id()
        return Request(stream, command_id, by or ("platform" if stream == HOUSE else "owner"), command, **fields)

    async def ask(self, stream: str, command: Command, by: str = "", **fields: Any) -> Outcome:
        """Send a command; whatever comes of it."""
        return await self.bus.send_one(self.request(stream, command, by, **fields))

    async def do(self, stream: str, command: Command, by: str = "", **fields: Any) -> Accepted:
        """Send a command that is accepted."""
        return acceptance(await self.ask(stream, command, by, **fields))

    async def refused(self, stream: str, command: Command, by: str = "", **fields: Any) -> Refused:
        """Send a command that is refused."""
        return refusal(await self.ask(stream, command, by, **fields))

    async def sign_in(self, stream: str, user: str) -> Caller:
        """A program that is signed in, with a digest that is of no password."""
        credential = await self.read(stream, lambda state: state.credentials.by_user.get(user))
        if credential is None:
            set_password = await self.do(stream, ChangePassword(user, "$argon2id$", 0, ""), by=GATEWAY)
            seq = set_password.position
        else:
            seq = credential.password_seq
        caller = Caller(stream, session_name(new_token(stream, os.urandom)))
        lasts = LIMITS["program"]
        sign_in = SignIn(user, caller.session, "program", seq, lasts.idle_ns, lasts.whole_ns, "")
        await self.do(stream, sign_in, by=GATEWAY)
        return caller

    async def read(self, stream: str, read: Callable[[Any], Any]) -> Any:
        """What a query finds."""
        return (await self.engine.query(stream, read))[1]

    async def until(self, stream: str, holds: Callable[[Any], bool]) -> int:
        """Wait until something holds of a stream's state; the position at which it does. It may change by events only."""
        position, found = await self.engine.query(stream, holds)
        while not found:
            position, found = await self.engine.query(stream, holds, at_least=position + 1, wait_s=30)
        return position

    def listen(self, stream: str, after: int) -> Listener:
        """Follow a stream from a position on."""
        return Listener(self.engine.subscribe(stream, after))

    def set_clock(self, at_ns: int) -> None:
        """It is another time now."""
        self.clock.at_ns = at_ns
        self.engine.wake.set()

    async def open_house(self, fixtures: int = 1) -> None:
        """A league with games G1, G2, …, each with its board."""
        await self.do(HOUSE, CreateLeague("MLB", "baseball"))
        for number in range(1, fixtures + 1):
            name = f"G{number}"
            await self.do(HOUSE, CreateFixture(name, "MLB", 900 + 2 * number, "Away", "Home", start_ns(name)))
            await self.do(HOUSE, PostLines(name, NOON_NS, LINES))

    async def open_book(self, book: str = "b1", players: int = 1, credit_minor: int = 10_000_00) -> None:
        """A book with an agent A1 and players P1, P2, …."""
        await self.do(HOUSE, OpenBook(book, "owner"))
        await self.do(book, CreateAgent("A1", "root"))
        for number in range(1, players + 1):
            await self.do(book, CreatePlayer(f"P{number}", "A1", credit_minor))

    async def play_off(self, fixture: str = "G1", score: Score = HOME_WINS) -> Accepted:
        """The game is over: its result is entered and confirmed. The clock moves behind its start."""
        self.set_clock(max(self.clock.at_ns, start_ns(fixture) + 3 * HOUR_NS))
        entered = await self.do(HOUSE, EnterResult(fixture, score))
        return await self.do(HOUSE, ConfirmResult(fixture, entered.events[0].revision))  # type: ignore[attr-defined]

    async def settled(self, book: str = "b1", fixture: str = "G1") -> int:
        """Wait until a book has taken the result of a game and finished every job."""
        confirmed = await self.read(HOUSE, lambda house: house.catalog.results[fixture].confirmed_seq)
        return await self.until(
            book, lambda book: book.results_taken.house_seq >= confirmed and not book.jobs.by_number
        )


def bus_to(engine: Engine) -> LocalBus:
    """A bus to an engine that nothing else was made for."""
    questions = Questions(engine, engine.store.history())
    return LocalBus(engine, questions, Hubs(engine, questions.turns, questions.spending))


@asynccontextmanager
async def running(
    store: Store, clock: SetClock | None = None, vocabulary: Vocabulary | None = None
) -> AsyncIterator[World]:
    """An engine over a store, as Runline puts it together."""
    clock = clock or SetClock()
    async with running_engine(store, clock=clock, vocabulary=vocabulary) as (engine, bus):
        yield World(engine, bus, clock)


@asynccontextmanager
async def running_until_the_power_goes(
    store: Store, clock: SetClock | None = None, vocabulary: Vocabulary | None = None
) -> AsyncIterator[World]:
    """An engine that is not stopped at the end: whatever it was about to do is lost. (The store commits inline.)"""
    clock = clock or SetClock()
    engine = Engine(store, clock, os.urandom, vocabulary or plain_vocabulary())
    await engine.start(await every_stream(store))
    try:
        yield World(engine, bus_to(engine), clock)
    finally:
        tasks = [task for task in (engine.running, engine.batches.committing) if task is not None]
        for task in (*tasks, *engine.executing.fetching.tasks, *engine.answers.reading.tasks):
            task.cancel()
        await asyncio.wait(tasks)
        store.abandon()  # type: ignore[attr-defined]


def agrees(path: Path, vocabulary: Vocabulary | None = None) -> Report:
    """Log, tables and chain of a file agree."""
    report = verify(path, vocabulary=vocabulary)
    assert report.differences == []
    return report


def play(main: Coroutine[Any, Any, None]) -> None:
    """Run a test's play."""
    asyncio.run(main)


async def passes(number: int = 50) -> None:
    """Let everything that can go on go on, without any time passing."""
    for _ in range(number):
        await asyncio.sleep(0)
