"""Stores of every kind, and stores that hold back or fail when they are told to."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import apsw
from tests.doubles.plain import VOCABULARY
from tests.integration.postgresql import cluster

from runline.engine.ports import Sealed, Store, StoreError, nobody_hears
from runline.simulate.disk import Disk, DiskStore
from runline.store.memory import MemoryStore
from runline.store.postgres import PostgresStore
from runline.store.sqlite import SqliteStore
from runline.store.sqlite_process import SqliteProcessStore

Open = Callable[[Path], Store]


def keeping(kind: Callable[[Path], Any]) -> Open:
    """Opens stores of a kind that keep the rows of all that Runline declares: an engine need not tell them first."""

    def opened(path: Path) -> Store:
        store: Store = kind(path)
        store.serve(VOCABULARY, nobody_hears)
        return store

    return opened


COMMITTERS: dict[str, Open] = {
    "inline": keeping(SqliteStore),
    "process": keeping(SqliteProcessStore),
}
"""What keeps a file."""

DISKS: dict[Path, Disk] = {}


def simulated(path: Path) -> DiskStore:
    """A store over a simulated disk, which keeps what was durable."""
    return DiskStore(DISKS.setdefault(path, Disk(os.urandom)))


STORES: dict[str, Open] = {
    "memory": keeping(lambda path: MemoryStore(os.urandom)),
    "simulated": keeping(simulated),
    **COMMITTERS,
    "postgresql": keeping(lambda path: PostgresStore(cluster().of(path))),
}
"""Every store: a new one is a line here or above."""


class Opener:
    """Opens one store of one kind."""

    def __init__(self, open_store: Open, path: Path) -> None:
        self.open_store = open_store
        self.path = path
        self.memory: MemoryStore | None = None

    def __call__(self) -> Any:
        """The store, with all that was committed before."""
        if self.memory is not None:
            return self.memory
        store = self.open_store(self.path)
        if isinstance(store, MemoryStore):
            self.memory = store
        return store

    def count(self, sql: str) -> int:
        """What a query of the file counts, as another process sees it."""
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return int(connection.execute(sql).get)
        finally:
            connection.close()


def child_of(store: SqliteProcessStore) -> Popen[bytes]:
    """The process that commits for a store."""
    assert store.committer is not None
    return store.committer.child


class Around:
    """A store around another."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.beside = store.beside

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class HeldStore(Around):
    """Holds every commit back between `hold` and `let_go`.

    held: set when a commit is held. stored_first: whether what is held is stored already, and only not known to be.
    all_but: batches of this stream alone are not held.
    """

    def __init__(self, store: Any, *, stored_first: bool = False) -> None:
        super().__init__(store)
        self.stored_first = stored_first
        self.held = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.all_but = ""

    def hold(self, all_but: str = "") -> None:
        self.all_but = all_but
        self.held.clear()
        self.open.clear()

    def let_go(self) -> None:
        self.open.set()

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        fenced: frozenset[str] = await self.store.commit(sealed) if self.stored_first else frozenset()
        if not self.open.is_set() and any(stretch.before.stream != self.all_but for stretch in sealed.stretches):
            self.held.set()
            await self.open.wait()
        return fenced if self.stored_first else await self.store.commit(sealed)


Fault = Callable[[Any, Sealed], Any]


class FaultyStore(Around):
    """Commits by `fault(store, sealed)` (a coroutine) as long as there is one, and as it should otherwise."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.fault: Fault | None = None
        self.attempts = 0
        self.failed = asyncio.Event()
        self.unreadable: StoreError | None = None

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        self.attempts += 1
        try:
            if self.fault is not None:
                return await self.fault(self.store, sealed)  # type: ignore[no-any-return]
            return await self.store.commit(sealed)  # type: ignore[no-any-return]
        except StoreError:
            self.failed.set()
            raise

    async def heads(self, streams: Any = None) -> Any:
        if self.unreadable is not None:
            raise self.unreadable
        return await self.store.heads(streams)

    async def claim(self, stream: str, seen: int | None = None) -> Any:
        if self.unreadable is not None:
            raise self.unreadable
        return await self.store.claim(stream, seen)
