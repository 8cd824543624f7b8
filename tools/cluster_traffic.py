"""The demo's day in a cluster: its feed, its bettors and its people, who reach the owner of each stream as a gateway does.

    python tools/cluster_traffic.py PLAN

Once a second it writes a line of JSON: what was accepted, what was refused and why, how long the
busiest book took nothing.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from runline.bootstrap import run
from runline.config import Settings, StoreSettings
from runline.demo.bettors import Bettors
from runline.demo.day import Scenario, fitted, read_day
from runline.demo.operators import Operators
from runline.demo.people import BOOKS, FEED, people_of, set_up
from runline.demo.served import ACTIONS_PER_S, BOOK, HOUR_NS, PASSWORD, SIGN_INS
from runline.demo.terminal import Terminal
from runline.domain.messages import HOUSE, Rejected
from runline.domain.queries.inside import Nothing, OpenBooks
from runline.domain.sessions import LIMITS
from runline.engine.bus import Bus
from runline.engine.clock import SystemClock
from runline.engine.subscription import Lagged
from runline.feeds.replay import Replay
from runline.gate import looking_on
from runline.gateway.door import Door
from runline.gateway.passwords import Passwords
from runline.gateway.signing import Signing
from runline.helpers import Callers, end_with_parent

SAYS_S = 1.0
SECONDS = 10
LOOKS_S = 0.01
AGAIN_S = 0.2
"""How soon is tried again what an owner that is away has ended."""


class Plan(msgspec.Struct, frozen=True):
    """What is to pass. url: the database. began_ns: when the day began, real time. speed: the day's time to real time."""

    url: str
    scenario: Scenario
    began_ns: int
    speed: float
    rate: float
    seed: int


class Said(msgspec.Struct, frozen=True):
    """What has become of wagers since the start. longest_s: how long the busiest book took none, at most, in the last seconds."""

    accepted: int
    refused: dict[str, int]
    longest_s: float


class Silence:
    """How long the busiest book takes no wager, as whoever follows it sees."""

    def __init__(self, terminal: Terminal, bettors: Bettors) -> None:
        self.figures = terminal.figures[BOOK]
        self.bettors = bettors
        self.loop = asyncio.get_running_loop()
        self.wagers = 0
        self.since_s = self.loop.time()
        self.longest_s: deque[float] = deque([0.0], SECONDS)
        """In each of the last seconds."""

    async def watch(self) -> None:
        """Look again and again."""
        while True:
            now_s = self.loop.time()
            self.longest_s[-1] = max(self.longest_s[-1], now_s - self.since_s)
            if self.figures.wagers != self.wagers:
                self.wagers, self.since_s = self.figures.wagers, now_s
            await asyncio.sleep(LOOKS_S)

    async def say(self) -> None:
        """Say what has become of wagers."""
        while True:
            await asyncio.sleep(SAYS_S)
            said = Said(self.bettors.accepted, dict(self.bettors.refused), round(max(self.longest_s), 2))
            self.longest_s.append(0.0)
            print(msgspec.json.encode(said).decode(), flush=True)


async def again(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Do something until no owner that is away keeps it from being done."""
    while True:
        try:
            return await make()
        except (Rejected, Lagged):
            await asyncio.sleep(AGAIN_S)


async def pass_day(plan: Plan, bus: Bus) -> None:
    """Let the day pass."""
    whole = read_day(plan.scenario, None)
    day = fitted(whole, plan.began_ns, plan.speed)
    clock = SystemClock()
    passwords = Passwords(Callers, os.urandom)
    door = Door(bus, clock)
    signing = Signing(door, passwords, os.urandom, LIMITS)
    opened: OpenBooks = await again(lambda: door.ask_inside(HOUSE, "books_open", Nothing(), OpenBooks))
    if not opened.count:
        await set_up(bus, plan.seed, plan.rate * (day.end_ns - day.origin_ns) / 1e9)
    for _, user in SIGN_INS:
        if not await again(lambda user=user: signing.has_password(BOOK, user)):  # type: ignore[misc]
            await signing.set_first_password(BOOK, user, PASSWORD)
    passwords.close()
    people = [people_of(one) for one in BOOKS]
    feed = Replay(bus, clock, day.games, day.lines, actor=FEED, league=day.league)
    await again(feed.open)
    terminal = Terminal(bus.vocabulary, [one.book for one in people])
    seed = plan.seed + clock.now_ns() % 1_000_000
    bettors = Bettors(bus, clock, terminal, people, plan.rate, seed, int(HOUR_NS / plan.speed), day.rush)
    operators = Operators(bus, clock, terminal, people, plan.seed, ACTIONS_PER_S)
    async with asyncio.TaskGroup() as group:
        for stream in terminal.streams:
            group.create_task(again(lambda stream=stream: terminal.follow(bus, stream)))  # type: ignore[misc]
        # Who has no board yet finds nothing to wager on.
        while not all(book.tree.players for book in terminal.books.values()):  # noqa: ASYNC110 -- the log is being read
            await asyncio.sleep(AGAIN_S)
        silence = Silence(terminal, bettors)
        for working in (feed, bettors, operators):
            group.create_task(again(working.run))
        group.create_task(silence.watch())
        group.create_task(silence.say())


async def main(plan: Plan) -> None:
    async with looking_on(Settings(store=StoreSettings(url=plan.url)), "nodes") as gate:
        await pass_day(plan, gate.bus)


if __name__ == "__main__":
    end_with_parent()
    run(lambda: main(msgspec.json.decode(sys.argv[1], type=Plan)))
