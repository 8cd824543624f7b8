"""Load: a house, a book, its players, and clients that place wagers at the line that stands."""

import asyncio
import time
from collections.abc import Sequence
from random import Random

from runline.domain.board import MarketLine, PostLines
from runline.domain.book import Book
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import House, OpenBook
from runline.domain.messages import HOUSE, Command
from runline.domain.placing import PlaceWager
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.ports import Store
from runline.engine.recovery import load_whole
from runline.engine.requests import Accepted, Outcome, Request, Sink
from runline.evaluate.bench.result import Zipf

BOOK = "bench"
OWNER = "owner"
FIXTURES = 20
HOUR_NS = 3_600 * 10**9
CREDIT_MINOR = 10**12
PART_PLAYERS = 100_000
LINES = (
    MarketLine("spread", "game", -6, ("-110", "-110")),
    MarketLine("total", "game", 34, ("-105", "-115")),
    MarketLine("moneyline", "game", None, ("+120", "-140")),
)
"""The markets of a game."""


def fixture_name(number: int) -> str:
    return f"F{number:03d}"


def player_number(number: int) -> str:
    return f"P{number:06d}"


async def send_all(bus: Bus, stream: str, actor: str, commands: Sequence[Command]) -> None:
    """Send commands in bulk; all must be accepted."""
    for start in range(0, len(commands), 1_000):
        part = commands[start : start + 1_000]
        outcomes = await bus.send([Request(stream, bus.new_id(), actor, command, bulk=True) for command in part])
        for outcome in outcomes:
            if not isinstance(outcome, Accepted):
                raise RuntimeError(f"the bench's set-up was refused: {outcome}")


def agents_of(levels: int) -> tuple[list[CreateAgent], list[str]]:
    """Ten agents below the root, ten chains below each: (the commands, the agents at the chains' ends).

    levels: of agents, the root among them; at least 3.
    """
    agents = [CreateAgent(f"A{number}", "root") for number in range(10)]
    ends = [(f"A{number}-{below}", f"A{number}") for number in range(10) for below in range(10)]
    agents += [CreateAgent(name, parent) for name, parent in ends]
    for level in range(3, levels):
        ends = [(f"{name.partition('+')[0]}+{level}", name) for name, _ in ends]
        agents += [CreateAgent(name, parent) for name, parent in ends]
    return agents, [name for name, _ in ends]


async def loaded(store: Store, vocabulary: Vocabulary) -> tuple[House, dict[str, Book]]:
    """The house and its books of the bench's own, from what is stored: those of the engine are nobody else's."""
    heads = await store.heads()
    house = await load_whole(store, House(vocabulary), heads.pop(HOUSE))
    return house, {stream: await load_whole(store, Book(stream, vocabulary), head) for stream, head in heads.items()}


async def set_up(bus: Bus, players: int, levels: int = 3) -> None:
    """A house with a full board, a book with so many levels of agents, and players at its lowest."""
    start_ns = time.time_ns() + 12 * HOUR_NS
    house: list[Command] = [OpenBook(BOOK, OWNER), CreateLeague("MLB", "baseball")]
    for number in range(FIXTURES):
        name = fixture_name(number)
        house.append(CreateFixture(name, "MLB", 901 + 2 * number, "Visitors", "Home", start_ns))
        house.append(PostLines(name, 1, LINES))
    await send_all(bus, HOUSE, "platform", house)
    agents, ends = agents_of(levels)
    await send_all(bus, BOOK, OWNER, agents)
    # In parts, so that there are never a million commands at once.
    for first in range(0, players, PART_PLAYERS):
        part = range(first, min(first + PART_PLAYERS, players))
        opened = [
            CreatePlayer(player_number(number), ends[number % 10 * 10 + number // 10 % 10], CREDIT_MINOR)
            for number in part
        ]
        await send_all(bus, BOOK, OWNER, opened)


SELECTIONS = (
    ("spread", "home", -6, "-110"),
    ("spread", "away", 6, "-110"),
    ("total", "over", 34, "-105"),
    ("total", "under", 34, "-115"),
    ("moneyline", "home", None, "-140"),
    ("moneyline", "away", None, "+120"),
)


class Bettors:
    """Makes wagers at the prices of the board; accounts by Zipf."""

    def __init__(self, bus: Bus, players: int, seed: int, fixtures: int = FIXTURES) -> None:
        self.bus = bus
        self.zipf = Zipf(players, seed)
        self.random = Random(seed)
        self.fixtures = fixtures
        self.first_fixture = 0

    def request(self) -> Request:
        """A new wager of some player."""
        player = player_number(self.zipf.choose())
        kind, side, line, price = SELECTIONS[int(self.random.random() * 6)]
        fixture = fixture_name(self.first_fixture + int(self.random.random() * self.fixtures))
        amount = 500 + int(self.random.random() * 200) * 100
        command = PlaceWager(player, f"{fixture}:game:{kind}", side, line, price, amount)
        return Request(BOOK, self.bus.new_id(), player, command)


class ClosedLoop(Sink):
    """A number of requests always in flight: each answer brings the next request."""

    def __init__(self, engine: Engine, requests: list[Request], in_flight: int) -> None:
        self.engine = engine
        self.requests = requests
        self.next = min(in_flight, len(requests))
        self.first = requests[: self.next]
        self.left = len(requests)
        self.accepted = 0
        self.refused: dict[str, int] = {}
        self.due: list[Request] = []
        self.loop = asyncio.get_running_loop()
        self.done = self.loop.create_future()

    def answer(self, index: int, outcome: Outcome) -> None:
        if isinstance(outcome, Accepted):
            self.accepted += 1
        else:
            code = getattr(outcome, "code", "?")
            self.refused[code] = self.refused.get(code, 0) + 1
        self.left -= 1
        if not self.left:
            self.done.set_result(None)
        elif self.next < len(self.requests):
            if not self.due:
                self.loop.call_soon(self.flush)
            self.due.append(self.requests[self.next])
            self.next += 1

    def flush(self) -> None:
        due, self.due = self.due, []
        self.engine.submit(due, self)

    async def run(self) -> float:
        """Send everything; returns the seconds it took."""
        began = time.perf_counter()
        self.engine.submit(self.first, self)
        await self.done
        return time.perf_counter() - began


class OpenLoop:
    """Requests at a rate, whether or not the ones before are answered. A late answer counts from when it was due."""

    def __init__(self, engine: Engine, bettors: Bettors, rate_per_s: float, seed: int) -> None:
        self.engine = engine
        self.bettors = bettors
        self.rate_per_s = rate_per_s
        self.random = Random(seed)
        self.durations_ns: list[int] = []
        self.accepted = 0
        self.refused: dict[str, int] = {}
        self.stopping = False

    async def run(self) -> None:
        """Send until `stop`, then wait for the last answers."""
        sent = 0
        next_ns = time.perf_counter_ns()
        while not self.stopping:
            # Everything that is due goes at once, and then the engine has its turn, however far behind this is.
            due_ns: list[int] = []
            now_ns = time.perf_counter_ns()
            while next_ns <= now_ns:
                due_ns.append(next_ns)
                next_ns += int(self.random.expovariate(self.rate_per_s) * 1e9)
            self.engine.submit([self.bettors.request() for _ in due_ns], Timed(self, due_ns))
            sent += len(due_ns)
            await asyncio.sleep(max(next_ns - time.perf_counter_ns(), 0) / 1e9)
        # Polled, because an Event would be set on the way that is measured.
        while len(self.durations_ns) < sent:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    def stop(self) -> None:
        """Send no more."""
        self.stopping = True


class Timed(Sink):
    """The answers to what an open loop has sent at once."""

    def __init__(self, load: OpenLoop, due_ns: list[int]) -> None:
        self.load = load
        self.due_ns = due_ns

    def answer(self, index: int, outcome: Outcome) -> None:
        load = self.load
        load.durations_ns.append(time.perf_counter_ns() - self.due_ns[index])
        if isinstance(outcome, Accepted):
            load.accepted += 1
        else:
            code = getattr(outcome, "code", "?")
            load.refused[code] = load.refused.get(code, 0) + 1
