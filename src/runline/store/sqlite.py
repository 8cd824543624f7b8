"""SQLite: one file, one writing connection, every commit synced to the disk before it is answered.

Rule: the one SQLite library is the one inside apsw. WAL and synchronous=FULL are asserted at every start, and a lock keeps a
second process out.
"""

import fcntl
import os
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import apsw

from runline.domain.rows import row_decoder
from runline.domain.state import ByKey, Need, Row
from runline.engine.limits import REFUSALS_KEPT_MAX
from runline.engine.ports import GENESIS, EventRow, Head, Part, Sealed, StoreError
from runline.store.batches import BatchTimes
from runline.store.checkpoints import Checkpointer
from runline.store.tables import (
    BATCHES,
    EVENTS,
    REFUSALS,
    SCHEMA_REVISION,
    delete,
    insert,
    select,
    table_named,
    table_of,
    upsert,
)

SQLITE_VERSION_MIN = (3, 51, 3)
"""3.7.0 to 3.51.2 can corrupt a WAL file when two connections write or checkpoint at once."""

LOCK_WAIT_S = 2.0
"""How long to wait for a process that is just ending."""

BUSY_MS = 2_000

TRANSIENT = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.NoMemError, apsw.InterruptError)
UNREADABLE = (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.FormatError)

FENCE = (
    "INSERT INTO heads (stream, epoch, seq, hash, at_ns) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at_ns = excluded.at_ns "
    "WHERE heads.epoch = excluded.epoch AND heads.seq = ?"
)
REFUSE = insert(REFUSALS) + " ON CONFLICT DO UPDATE SET count = count + excluded.count, last_ns = excluded.last_ns"
OLDEST_REFUSALS = (
    "DELETE FROM refusals WHERE stream = ? AND minute < max(?, ifnull("
    "(SELECT minute FROM refusals WHERE stream = ? ORDER BY minute DESC LIMIT 1 OFFSET ?), 0))"
)


def store_error(error: Exception) -> StoreError:
    """What an error of SQLite means for the engine."""
    if isinstance(error, TRANSIENT):
        return StoreError("transient", f"{type(error).__name__}: {error}")
    if isinstance(error, UNREADABLE):
        return StoreError("unreadable", f"{type(error).__name__}: {error}")
    return StoreError("row", f"{type(error).__name__}: {error}")


def open_connection(path: Path, *, writing: bool) -> apsw.Connection:
    """A connection with its guarantees asserted.

    Raises StoreError `unreadable`.
    """
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < SQLITE_VERSION_MIN:
        raise StoreError("unreadable", f"SQLite {apsw.sqlite_lib_version()} is too old; 3.51.3 is needed.")
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if writing else apsw.SQLITE_OPEN_READONLY
    try:
        connection = apsw.Connection(str(path), flags=flags)
        connection.set_busy_timeout(BUSY_MS)
        if writing:
            mode = connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "full")
            if mode != "wal" or connection.pragma("synchronous") != 2:
                raise StoreError("unreadable", f"{path} cannot be written with WAL and synchronous=FULL.")
            # What is overwritten or deleted leaves nothing behind in the free parts of the file (a page is written anyway).
            connection.pragma("secure_delete", "on")
        connection.pragma("cache_size", -65_536)
        return connection
    except apsw.Error as error:
        raise StoreError("unreadable", f"{path} cannot be opened: {error}") from error


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the schema to the newest revision, in one transaction.

    Raises StoreError `unreadable` for a file of another program or of a newer Runline.
    """
    try:
        known = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'alembic_version'").get
        revision = connection.execute("SELECT version_num FROM alembic_version").get if known else None
        if revision == SCHEMA_REVISION:
            return
        if known is None and connection.execute("SELECT count(*) FROM sqlite_schema").get:
            raise StoreError("unreadable", f"{path} is a database of another program.")
        from alembic.util import CommandError

        from runline.store.migrations.run import upgrade_sql

        try:
            script = upgrade_sql("sqlite", revision)
        except CommandError as error:
            raise StoreError("unreadable", f"{path} was written by another Runline: {error}") from error
        connection.execute(script).fetchall()
    except apsw.Error as error:
        raise StoreError("unreadable", f"{path} cannot be read: {error}") from error


class FileLock:
    """Keeps a second process off a database."""

    def __init__(self, path: Path) -> None:
        lock = path.with_name(path.name + ".lock")
        self.file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    holder = os.pread(self.file, 32, 0).decode() or "unknown"
                    os.close(self.file)
                    raise StoreError("unreadable", f"{path} is in use by another Runline (process {holder}).") from None
                time.sleep(0.02)
        os.ftruncate(self.file, 0)
        os.pwrite(self.file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let others in."""
        os.close(self.file)


def write_batch(connection: apsw.Connection, sealed: Sealed, times: BatchTimes) -> frozenset[str]:
    """Write a sealed batch in one transaction, and its times; returns the streams that another process owns.

    Raises StoreError; then nothing of the batch is stored.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        fenced = frozenset(part.before.stream for part in sealed.parts if not fence(connection, part))
        write_parts(connection, [part for part in sealed.parts if part.before.stream not in fenced])
        times.note(connection, sealed.node, sealed.sealed_ns, sealed.durable_before_ns)
        connection.execute("COMMIT")
        return fenced
    except Exception as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, apsw.Error | OverflowError | TypeError | ValueError):
            raise store_error(error) from error
        raise


def claim_stream(connection: apsw.Connection, stream: str) -> None:
    """Take a stream over: a new epoch, from which on commits of earlier owners are left out."""
    try:
        connection.execute(
            "INSERT INTO heads VALUES (?, 1, 0, ?, 0) ON CONFLICT DO UPDATE SET epoch = epoch + 1", (stream, GENESIS)
        )
    except apsw.Error as error:
        raise store_error(error) from error


def close_log(connection: apsw.Connection, node: str, sealed_ns: int, durable_before_ns: int) -> None:
    """Keep the time at which the last batch was durable (0: there was none), and close."""
    try:
        if durable_before_ns:
            connection.execute(insert(BATCHES), (node, sealed_ns, durable_before_ns))
        connection.close()
    except apsw.Error as error:
        raise store_error(error) from error


def fence(connection: apsw.Connection, part: Part) -> bool:
    """Move a stream's head, if it is where this process has left it."""
    before, after = part.before, part.after
    connection.execute(FENCE, (after.stream, after.epoch, after.seq, after.hash, after.at_ns, before.seq))
    return connection.changes() == 1


def write_parts(connection: apsw.Connection, parts: Sequence[Part]) -> None:
    """Write what the parts hold, table by table: a batch of many streams has few rows of each."""
    connection.executemany(insert(EVENTS), chain.from_iterable(part.events for part in parts))
    dropped: dict[str, list[tuple[Any, ...]]] = {}
    rows: dict[str, list[tuple[Any, ...]]] = {}
    counted: list[tuple[Any, ...]] = []
    for part in parts:
        for name, keys in part.dropped.items():
            dropped.setdefault(name, []).extend(keys)
        for name, values in part.rows.items():
            rows.setdefault(name, []).extend(values)
        stream = part.before.stream
        counted += [
            (stream, one.minute, one.actor, one.command, one.code, one.count, one.first_ns, one.last_ns, one.first_id,
             one.message, one.details)
            for one in part.refusals
        ]  # fmt: skip
    for name, keys in dropped.items():
        connection.executemany(delete(table_named(name)), keys)
    for name, values in rows.items():
        connection.executemany(upsert(table_named(name)), values)
    connection.executemany(REFUSE, counted)
    for part in parts:
        if part.refusals_before:
            stream = part.before.stream
            connection.execute(OLDEST_REFUSALS, (stream, part.refusals_before, stream, REFUSALS_KEPT_MAX - 1))


class SqliteReader:
    """What is read from a file. Every method sees the last commit."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    def read(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            return self.connection.execute(sql, values).fetchall()
        except UnicodeDecodeError as error:
            raise StoreError("unreadable", f"A stored text is not text: {error}") from error
        except apsw.Error as error:
            raise store_error(error) from error

    async def heads(self) -> dict[str, Head]:
        rows = self.read("SELECT stream, epoch, seq, hash, at_ns FROM heads", ())
        return {row[0]: Head(*row) for row in rows}

    def head(self, stream: str) -> Head:
        return Head(*self.read("SELECT stream, epoch, seq, hash, at_ns FROM heads WHERE stream = ?", (stream,))[0])

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        held = row_type.held_while
        where = f"AND {held[0]} = '{held[1]}'" if held else ""
        decode = row_decoder(row_type)
        return [decode(row) for row in self.read(select(table_of(row_type), where), (stream,))]

    async def fetch(self, stream: str, needs: Sequence[Need]) -> list[list[Any]]:
        return [self.fetch_one(stream, need) for need in needs]

    def fetch_one(self, stream: str, need: Need) -> list[Any]:
        table = table_of(need.row)
        decode = row_decoder(need.row)
        if isinstance(need, ByKey):
            key = need.key if isinstance(need.key, tuple) else (need.key,)
            where = "".join(f" AND {name} = ?" for name in table.key[1:])
            rows = self.read(select(table, where), (stream, *key))
        else:
            held, found_by = need.row.held_while, need.row.found_by
            assert held is not None
            where = f"AND {found_by} = ? AND {table.key[1]} > ? AND {held[0]} <> '{held[1]}'"
            sql = select(table, where) + " LIMIT ?"
            rows = self.read(sql, (stream, need.value, need.after, need.limit))
        return [decode(row) for row in rows]

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        sql = "SELECT stream, seq, command, digest, body, hash FROM events WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?"
        return self.read(sql, (stream, after, limit))

    async def commands(self, stream: str, limit: int) -> Sequence[tuple[bytes, bytes, int]]:
        sql = (
            "SELECT command, digest, seq FROM events WHERE stream = ? AND length(digest) > 0 ORDER BY seq DESC LIMIT ?"
        )
        return self.read(sql, (stream, limit))[::-1]

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
        made = [(begin, end) for begin, end, _, _ in rows]
        made[-1] = (rows[-1][3], made[-1][1])
        return made, rows[-1][2]


class SqliteStore(SqliteReader):
    """The inline committer: simple, and blocking the loop while it commits."""

    beside = False

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(path)
        try:
            connection = open_connection(path, writing=True)
            migrate(connection, path)
        except StoreError:
            self.lock.release()
            raise
        super().__init__(connection)
        self.checkpointer = Checkpointer(connection, open_connection(path, writing=True))
        self.times = BatchTimes()

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        fenced = write_batch(self.connection, sealed, self.times)
        self.checkpointer.after_commit()
        return fenced

    async def claim(self, stream: str) -> Head:
        claim_stream(self.connection, stream)
        return self.head(stream)

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        try:
            self.checkpointer.close()
            close_log(self.connection, node, sealed_ns, durable_before_ns)
        finally:
            self.lock.release()
