"""SQLite: one file, one writing connection, every commit synced to the disk before it is answered."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import apsw

from runline.domain.rows import rows_of
from runline.domain.state import ByKey, Need, Row
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import (
    GENESIS,
    EventRow,
    Head,
    History,
    Reading,
    Report,
    Sealed,
    StoreError,
    TakeRows,
    claimed,
    nobody_hears,
)
from runline.store.file import FileLock, store_error
from runline.store.log_file import LogFile
from runline.store.opening import open_log
from runline.store.sqlite_hints import SQLITE
from runline.store.sqlite_history import SqliteHistory
from runline.store.statements import EVENTS_AFTER, HEADS_AS_THEY_ARE, LAST_COMMANDS, spans_made
from runline.store.tables import NO_TABLES, equal, following, select, table_of, tables_of
from runline.store.wal import PAGE_BYTES

HEADS_OF = f"{HEADS_AS_THEY_ARE} WHERE stream {SQLITE.among}"


class SqliteReader:
    """What is read from a file. Every method sees the last commit."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    def read(
        self,
        sql: str,
        values: tuple[Any, ...],
        made_of: Callable[[Iterator[tuple[Any, ...]]], list[Any]] = list,
    ) -> list[Any]:
        """What is made of the rows that a statement finds, as they are by default."""
        try:
            found = self.connection.execute(sql, values)
            try:
                return made_of(found)
            finally:
                # A statement that is not read to its end would hold on to this state of the file.
                found.close(True)
        except UnicodeDecodeError as error:
            raise StoreError("unreadable", f"A stored text is not text: {error}") from error
        except apsw.Error as error:
            raise store_error(error) from error

    async def heads(self, streams: Collection[str] | None = None) -> dict[str, Head]:
        if streams is None:
            rows = self.read(HEADS_AS_THEY_ARE, ())
        else:
            rows = self.read(HEADS_OF, (SQLITE.listed(streams),))
        return {row[0]: Head(*row) for row in rows}

    async def held_at_once(self, stream: str, row_types: Sequence[type[Row]], take: TakeRows) -> Head:
        # A file is read by one process, which has it all at once.
        self.read("BEGIN", ())
        try:
            for row_type in row_types:
                take(row_type, await self.held_rows(stream, row_type))
            return (await self.heads([stream])).get(stream, Head(stream, 0, 0, GENESIS, 0))
        finally:
            self.read("COMMIT", ())

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        held = row_type.held_while
        where = f"AND {held[0]} = '{held[1]}'" if held else ""
        return self.read(select(row_type, where, SQLITE), (stream,), partial(rows_of, row_type))

    async def fetch(self, stream: str, needs: Sequence[Need]) -> list[list[Any]]:
        return [self.fetch_one(stream, need) for need in needs]

    def fetch_one(self, stream: str, need: Need) -> list[Any]:
        table = table_of(need.row)
        if isinstance(need, ByKey):
            key = need.key if isinstance(need.key, tuple) else (need.key,)
            rows = self.read(select(need.row, f"AND {equal(table.key[1:])}", SQLITE), (stream, *key))
        else:
            values = stream, need.value, need.after, need.limit
            rows = [row for sql in following(need.row, SQLITE) for row in self.read(sql, values)]
            rows = sorted(rows, key=itemgetter(0))[: need.limit]
        return rows_of(need.row, rows)

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        return self.read(EVENTS_AFTER, (stream, after, limit))

    async def commands(self, stream: str, limit: int) -> Sequence[tuple[bytes, bytes, int]]:
        return self.read(LAST_COMMANDS, (stream, limit))[::-1]

    async def made_commands(
        self, stream: str, before: int, limit: int, spans: int
    ) -> tuple[Sequence[tuple[bytes, bytes]], int]:
        last = (
            "SELECT command, seq FROM events "
            "WHERE stream = ? AND seq <= ? AND length(digest) > 0 ORDER BY seq DESC LIMIT ?"
        )
        sql = (
            "SELECT min(command), max(command), min(min(seq)) OVER (), min(min(command)) OVER () "
            f"FROM ({last}) GROUP BY substr(command, 1, 4) ORDER BY 2 DESC LIMIT ?"
        )
        rows = self.read(sql, (stream, before, limit, spans))
        return spans_made(rows)


class OpenedFile(SqliteReader, ABC):
    """What both stores over a file have: the lock, the opening, and reading what must be whole."""

    connection: apsw.Connection

    def __init__(self, path: Path, *, accept_loss: bool = False) -> None:
        self.path = Path(os.path.realpath(path))
        self.tables = NO_TABLES
        self.report: Report = nobody_hears
        self.overgrown = False
        self.unmarked = ""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(path)
        try:
            opening, self.lost = open_log(self.path, accept_loss=accept_loss)
            self.log_id = opening.log
            self.open()
        except OSError as error:
            self.lock.release()
            raise StoreError("unreadable", f"{path} cannot be opened: {error}") from error
        except StoreError:
            self.lock.release()
            raise

    def hear_of(self, stream: str, seq: int, chain: bytes) -> None:
        """A file has one process, and its mark says how far it was durable."""

    @abstractmethod
    def open(self) -> None:
        """Open what is needed beside the lock. Raises StoreError."""

    def serve(self, vocabulary: Vocabulary, report: Report) -> None:
        """From now on it keeps the rows of this vocabulary, and says there what is wrong with it."""
        self.tables = tables_of(vocabulary)
        self.report = report
        if self.lost:
            report("store", "log", "degraded", f"The log goes on after a loss that was accepted: {self.lost}.")

    def say_of_commit(self, overgrown_pages: int, unmarked: str) -> None:
        """Say what is wrong beside a commit, or no more."""
        if overgrown_pages or self.overgrown:
            self.say_overgrown(overgrown_pages)
        if unmarked != self.unmarked:
            self.unmarked = unmarked
            self.report("store", "mark", "degraded" if unmarked else None, f"A lost end would not be seen: {unmarked}.")

    def say_overgrown(self, pages: int) -> None:
        """Say that the write-ahead log has outgrown its bound, or no more."""
        self.overgrown = pages > 0
        if pages:
            why = "somebody looks at an old state of the file and does not let go of it, or the disk is too slow"
            self.report("store", "wal", "degraded", f"The write-ahead log has {pages * PAGE_BYTES >> 20} MiB: {why}.")
        else:
            self.report("store", "wal", None, "")

    async def claim(self, stream: str, seen: int | None = None) -> Head:
        return claimed(await self.claim_all({stream: seen}), stream)

    @abstractmethod
    async def claim_all(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        """As for `Store.claim_all`."""

    def together(self, heads: Mapping[str, Head]) -> Reading:
        return self

    def history(self) -> History:
        """What looks back at the file, in processes of its own."""
        return SqliteHistory(self.path)

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        rows = await super().events(stream, after, limit)
        if rows and (rows[0][1] != after + 1 or rows[-1][1] != after + len(rows)):
            raise StoreError("unreadable", f"Events of {stream!r} after {after} are missing.")
        return rows


class SqliteStore(OpenedFile):
    """The inline committer: simple, and blocking the loop while it commits."""

    beside = False

    def open(self) -> None:
        self.file = LogFile(self.path, os.getpid())
        self.connection = self.file.connection

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        fenced = self.file.commit(sealed, self.tables)
        self.file.after_commit()
        self.say_of_commit(*self.file.beside)
        return fenced

    async def claim_all(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        return {head.stream: head for head in self.file.claim(seen)}

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        try:
            self.file.close(node, sealed_ns, durable_before_ns)
        finally:
            self.lock.release()

    def abandon(self) -> None:
        """Let go of the file as it is, as a process does that is killed."""
        self.file.abandon()
        self.lock.release()
