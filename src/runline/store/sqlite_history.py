"""History of a file: read-only snapshots, looked at in processes of their own, so that the engine's loop never waits for them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from runline.domain.rows import rows_of
from runline.domain.state import R, Row
from runline.engine.ports import Found, Refusal, RefusalKey, Snapshot, StoreError, Wanted
from runline.helpers import Callers, HelperEnded
from runline.store.batches import times_of
from runline.store.file import open_connection, store_error
from runline.store.limits import READER_SILENT_S_MAX, READERS
from runline.store.sqlite_hints import SQLITE
from runline.store.statements import (
    BATCHES_AFTER,
    ENTRIES_BEFORE,
    ENTRIES_OF_COMMAND,
    POSITION,
    REFUSALS_BEFORE,
    subtree,
)
from runline.store.tables import equal, select, table_of
from runline.store.ways import find, of_agents, ways_to

V = TypeVar("V")
P = ParamSpec("P")

ABOVE_ALL: RefusalKey = (2**62, "", "", "")


class SqliteHistory:
    """Reader processes over a file."""

    at_once = READERS

    def __init__(self, path: Path) -> None:
        self.readers = Callers(READERS, open_reader, str(path), silent_s_max=READER_SILENT_S_MAX)

    async def look(
        self, stream: str, read: Callable[Concatenate[Snapshot, P], V], *args: P.args, **kwargs: P.kwargs
    ) -> V:
        try:
            return await self.readers.call(look_here, stream, read, args, kwargs)
        except HelperEnded:
            raise StoreError("lost", "the reader process has ended") from None

    def close(self) -> None:
        self.readers.close()


class Reader:
    """The reader process's connection."""

    connection: apsw.Connection


def open_reader(path: str) -> None:
    """Prepare the reader process."""
    Reader.connection = open_connection(Path(path), writing=False)


def look_here(stream: str, read: Callable[..., V], args: tuple[Any, ...], kwargs: dict[str, Any]) -> V:
    """What a function makes of a snapshot; runs in the reader process."""
    connection = Reader.connection
    try:
        connection.execute("BEGIN")
        return read(SqliteSnapshot(connection, stream), *args, **kwargs)
    except apsw.Error as error:
        raise store_error(error) from error
    except UnicodeDecodeError as error:
        raise StoreError("unreadable", f"A stored text is not text: {error}") from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class SqliteSnapshot:
    """A stream in one state of the file. The connection is in a transaction; its errors become StoreError where that ends."""

    def __init__(self, connection: apsw.Connection, stream: str) -> None:
        self.connection = connection
        self.stream = stream
        self.position: int = connection.execute(POSITION, (stream,)).get or 0

    def read(self, sql: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        rows: Any = self.connection.execute(sql, values)
        return rows  # type: ignore[no-any-return]

    def of_stream(self, stream: str) -> Snapshot:
        return SqliteSnapshot(self.connection, stream)

    def row(self, row_type: type[R], *key: Any) -> R | None:
        table = table_of(row_type)
        found = next(self.read(select(row_type, f"AND {equal(table.key[1:])}", SQLITE), (self.stream, *key)), None)
        return rows_of(row_type, [found])[0] if found is not None else None

    def subtree(self, top: str) -> frozenset[str]:
        return frozenset(name for (name,) in self.read(subtree(SQLITE), (top, self.stream)))

    def find(self, row_type: type[Row], wanted: Wanted, limit: int, beside: str = "") -> Found:
        agents = wanted.agents
        within = (of_agents(row_type, self.stream, agents, SQLITE),) if agents is not None else ()
        ways = ways_to(row_type, wanted, within)
        found = find(self.read, SQLITE, ways, self.stream, wanted, limit + 1, beside)
        if len(found.numbers) > limit:
            return Found(found.numbers[:limit], found.numbers[limit - 1][0])
        return found

    def rows(self, row_type: type[R], numbers: Iterable[int]) -> list[R]:
        table = table_of(row_type)
        sql = select(row_type, f"AND {equal(table.key[1:])}", SQLITE)
        found: Any = self.connection.executemany(sql, [(self.stream, number) for number in numbers])
        return rows_of(row_type, found)

    def entries(self, before: int, limit: int) -> Iterator[tuple[int, bytes]]:
        return ((seq, body) for seq, body in self.read(ENTRIES_BEFORE, (self.stream, before, limit)))

    def made_by(self, command: bytes, limit: int) -> list[bytes]:
        return [body for (body,) in self.read(ENTRIES_OF_COMMAND, (command, self.stream, limit))]

    def refusals(self, before: RefusalKey | None) -> Iterator[Refusal]:
        rows = self.read(REFUSALS_BEFORE, (self.stream, *(before or ABOVE_ALL)))
        return (Refusal(*row) for row in rows)

    def batch_of(self, node: str, decided_ns: int) -> tuple[int | None, int | None]:
        found: Any = list(self.read(BATCHES_AFTER, (node, decided_ns)))
        return times_of(found)
