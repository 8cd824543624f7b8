"""Bootstrap: the one place where the parts are put together."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import uvloop

from runline.bus.local import LocalBus
from runline.config import EngineSettings, StoreSettings
from runline.domain.house import FoundHouse
from runline.domain.messages import HOUSE
from runline.domain.vocabulary import Vocabulary, plain_vocabulary
from runline.engine.bus import Bus
from runline.engine.clock import SystemClock
from runline.engine.engine import Engine
from runline.engine.ids import Entropy
from runline.engine.ports import Clock, Outside, Store, StoreError
from runline.engine.recovery import every_stream
from runline.engine.timekeeper import Timekeeper
from runline.helpers import Callers
from runline.live.hubs import Hubs
from runline.reads.questions import Questions
from runline.store.sqlite import SqliteStore
from runline.store.sqlite_process import SqliteProcessStore
from runline.zones import ZoneDatabase

V = TypeVar("V")


def open_store(settings: StoreSettings, *, accept_loss: bool = False, shared: bool = False) -> Store:
    """The store of these settings. accept_loss: go on, as another log, with a file that has lost what was durable. shared:
    whether it is a node's, beside which others may be of the version before.

    Raises StoreError.
    """
    if settings.url:
        if accept_loss:
            raise StoreError("unreadable", "--accept-loss is about a file: what PostgreSQL has, it has.")
        # Its driver is not installed everywhere.
        from runline.store.postgres import PostgresStore

        return PostgresStore(settings.url, replicas=settings.replicas == "required", shared=shared)
    kind = SqliteProcessStore if settings.committer == "process" else SqliteStore
    return kind(settings.path, accept_loss=accept_loss)


def outside(clock: Clock) -> Outside:
    """What a server has from outside: this clock, the system's chance, processes of its own."""
    return Outside(clock, os.urandom, Callers)


GC_THRESHOLDS = (20_000, 20, 50)
"""Little of what a command leaves behind can be part of a cycle: looking for cycles may be rare, so that its pauses are."""


@contextmanager
def building() -> Iterator[None]:
    """While what stays for long is built: the collector walks over it neither now nor later."""
    gc.collect()
    gc.set_threshold(0)
    try:
        yield
        gc.freeze()
    finally:
        gc.set_threshold(*GC_THRESHOLDS)


READING_THRESHOLDS = (2_000, 1, 1_000_000)
"""While a stream is read its objects come to the oldest generation a little at a time, where the collector seldom looks."""


class Reading:
    """While whole streams are read, some at once perhaps, and others go on: one collection of all that has come would hold those
    up. (Nor is it frozen: a stream that goes on elsewhere leaves circles.)"""

    def __init__(self) -> None:
        self.readers = 0
        self.thresholds = gc.get_threshold()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        if not self.readers:
            self.thresholds = gc.get_threshold()
            if self.thresholds[0]:
                gc.set_threshold(*READING_THRESHOLDS)
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1
            if not self.readers:
                gc.set_threshold(*self.thresholds)


reading = Reading()
"""There is one collector in a process."""


class Parts(NamedTuple):
    """An engine, and what is on its side of the bus."""

    engine: Engine
    questions: Questions
    hubs: Hubs


def assemble(
    store: Store, clock: Clock, entropy: Entropy, vocabulary: Vocabulary, node: str, *, founds: bool = True
) -> Parts:
    """The parts of a process that owns streams; nothing is read yet. founds: see `Engine`."""
    engine = Engine(store, clock, entropy, vocabulary, node, founds=founds, zones=ZoneDatabase())
    questions = Questions(engine, store.history())
    return Parts(engine, questions, Hubs(engine, questions.turns, questions.spending))


async def found_house(engine: Engine, owner: str) -> None:
    """Found the house that is owned here, if it is new. Raises Rejected `unavailable`."""
    _, founded = await engine.query(HOUSE, lambda house: bool(house.access.users))
    if not founded:
        engine.cause(HOUSE, FoundHouse(owner))
        await engine.query(HOUSE, lambda house: None, at_least=1)


async def begin(engine: Engine, owner: str) -> None:
    """Recover every stream that is stored, and execute. A new database gets its house. Raises StoreError."""
    await engine.start(await every_stream(engine.store))
    # Whoever had the house until it was claimed may have opened a book after they were listed.
    for book in list(engine.view.books.by_name):
        await engine.adopt(book)
    await found_house(engine, owner)


@asynccontextmanager
async def running_engine(
    store: Store,
    settings: EngineSettings | None = None,
    clock: Clock | None = None,
    database: Path | None = None,
    entropy: Entropy = os.urandom,
    vocabulary: Vocabulary | None = None,
    *,
    alone: bool = True,
) -> AsyncIterator[tuple[Engine, Bus]]:
    """An engine over a store, recovered and executing; it is stopped and its store closed at the end.

    clock: the host's, kept steady, by default. database: the file beside which such a clock's time is noted. vocabulary: what it
    executes; all that Runline declares, by default. alone: whether it owns every stream; else those that it is told to adopt. A
    new database gets its house from who is alone. Raises StoreError, also at the end, if the store cannot be closed.
    """
    settings = settings or EngineSettings()
    clock = clock or SystemClock()
    vocabulary = vocabulary or plain_vocabulary()
    engine, questions, hubs = assemble(store, clock, entropy, vocabulary, settings.node, founds=alone)
    engine.process.reading = reading
    timekeeper = Timekeeper(clock, engine.conditions, database) if isinstance(clock, SystemClock) else None
    keeping: asyncio.Task[None] | None = None
    try:
        if timekeeper is not None:
            timekeeper.begin(max((head.at_ns for head in (await store.heads()).values()), default=0))
            keeping = asyncio.create_task(timekeeper.run(engine.wake))
        with building():
            await (begin(engine, settings.owner) if alone else engine.start([]))
        yield engine, LocalBus(engine, questions, hubs)
    finally:
        try:
            await hubs.close()
            questions.close()
            await engine.stop()
        finally:
            if timekeeper is not None and keeping is not None:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping
                timekeeper.note()


def run(main: Callable[[], Coroutine[Any, Any, V]]) -> V:
    """Run a program on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
