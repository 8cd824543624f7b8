"""Run: the day itself. An empty database is set up, the day passes, and everything comes to rest."""

import asyncio
import gc
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.console import Console

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.demo.bettors import Bettors
from runline.demo.clock import DayClock, time_of_day
from runline.demo.closing import Closed, closed, faults_of, is_settled
from runline.demo.day import Day
from runline.demo.operators import Operators
from runline.demo.people import FEED, set_up
from runline.demo.summary import Running
from runline.demo.terminal import Terminal
from runline.demo.timeline import Timeline
from runline.demo.view import show
from runline.engine.bus import Bus, Question
from runline.engine.engine import Engine
from runline.feeds.replay import Replay

REST_S_MAX = 60.0
"""How long the last settlements may take after the day's end."""

LOOK_AGAIN_S = 0.01


class Wanted(msgspec.Struct, frozen=True):
    """What is to be run, checked."""

    day: Day
    duration_s: float
    rate_per_s: float
    seed: int
    committer: Literal["inline", "process"]
    database: Path


class Ending(msgspec.Struct, frozen=True):
    """How the day ended.

    books: what each book says of itself. faults: what should not be so, in words.
    """

    running: Running
    books: dict[str, Closed]
    faults: list[str]


async def run_day(console: Console, wanted: Wanted) -> Ending:
    """The day, from an empty database to the last settlement. Ctrl-C ends it early, and as cleanly.

    Raises StoreError, Rejected.
    """
    began_s = time.perf_counter()
    day = wanted.day
    span_s = (day.end_ns - day.origin_ns) / 1e9
    clock = DayClock(day.origin_ns, span_s / wanted.duration_s)
    store = open_store(StoreSettings(wanted.database, wanted.committer))
    async with running_engine(store, clock=clock) as (engine, bus):
        asked_to_end = end_on_signals()
        running = await open_day(engine, bus, clock, wanted)
        books = " and ".join(f"{one.book} ({len(one.players)} players)" for one in running.people)
        hours, minutes = divmod(round(span_s / 60), 60)
        console.print(
            f"Two books, {books}, set up in {time.perf_counter() - began_s:.1f} s.\n"
            f"{hours} h {minutes:02d} min, from {time_of_day(day.origin_ns)} EDT to the last result, "
            f"pass in {wanted.duration_s:g} s.\n",
            highlight=False,
            soft_wrap=True,
        )
        return await pass_day(console, engine, bus, running, wanted.duration_s, asked_to_end)


async def open_day(engine: Engine, bus: Bus, clock: DayClock, wanted: Wanted) -> Running:
    """Set up the house and its books, and post the board as it stands in the morning."""
    people = await set_up(bus, wanted.seed, wanted.rate_per_s * wanted.duration_s * (2 if wanted.day.rush else 1))
    day = wanted.day
    feed = Replay(bus, clock, day.games, day.lines, actor=FEED, league=day.league)
    await feed.open()
    terminal = Terminal(bus.vocabulary, [one.book for one in people])
    timeline = Timeline(day, clock.speed)
    bettors = Bettors(
        bus, clock, terminal, people, wanted.rate_per_s, wanted.seed, rush=day.rush, answered_ns=timeline.add
    )
    operators = Operators(bus, clock, terminal, people, wanted.seed)
    # What the day's figures say is about the day, not about setting it up.
    engine.probes.commit.begin_anew()
    engine.probes.answer.begin_anew()
    return Running(day, clock, people, engine.probes, terminal, feed, bettors, operators, timeline)


async def pass_day(
    console: Console, engine: Engine, bus: Bus, running: Running, duration_s: float, asked_to_end: asyncio.Event
) -> Ending:
    """Let the day pass, then let everything come to rest."""
    terminal, clock = running.terminal, running.clock
    names = list(terminal.books)
    faults: list[str] = []
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(terminal.follow(bus, stream)) for stream in terminal.streams]
        await comes_true(lambda: terminal.is_current(engine))
        # What was set up stays to the end: the collector need not walk over it while the day passes.
        gc.collect()
        gc.freeze()
        clock.begin()
        showing = group.create_task(show(console, running, duration_s))
        feeding = group.create_task(running.feed.run())
        acting = [group.create_task(running.bettors.run()), group.create_task(running.operators.run())]
        if running.day.opening_ns is not None:
            acting.append(group.create_task(open_figures(bus, running, running.day.opening_ns)))
        interruption = group.create_task(asked_to_end.wait())
        await asyncio.wait({feeding, interruption}, return_when=asyncio.FIRST_COMPLETED)
        ended = feeding.done()
        await end(feeding, interruption, *acting)
        if not await comes_true(lambda: is_settled(engine, names)):
            faults.append("the last settlements do not come to their end")
        if not await comes_true(lambda: terminal.is_current(engine)):
            faults.append("the live log does not come to its end")
        await end(showing, *following)
    books = {name: (await engine.query(name, closed))[1] for name in names}
    return Ending(running, books, faults + faults_of(terminal, books, ended=ended and not running.day.later))


async def open_figures(bus: Bus, running: Running, at_ns: int) -> None:
    """Every agent of every book opens the figures at once: the page of agents and of players, as the console asks for them."""
    await asyncio.sleep(max(running.clock.seconds_until(at_ns), 0.0))
    seats = [(one.book, seat.user) for one in running.people for seat in (*one.agents, *one.sub_agents)]
    began_ns = time.perf_counter_ns()

    async def opened(book: str, name: str) -> None:
        for query in ("figures", "players", "exposure"):
            await bus.ask(Question(book, query, actor=name))
        running.timeline.figures.add(time.perf_counter_ns() - began_ns)

    await asyncio.gather(*(opened(book, name) for book, name in seats))


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks, and wait until they are done."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def comes_true(holds: Callable[[], Awaitable[bool]]) -> bool:
    """Whether something holds, at the latest REST_S_MAX from now."""
    deadline_s = time.perf_counter() + REST_S_MAX
    while not await holds():
        if time.perf_counter() > deadline_s:
            return False
        await asyncio.sleep(LOOK_AGAIN_S)
    return True


def end_on_signals() -> asyncio.Event:
    """An event that is set by Ctrl-C, or when the process is asked to end; as long as this loop runs."""
    asked = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, asked.set)
    return asked
