"""History of a file: read-only snapshots, looked at in processes of their own, so that the engine's loop never waits for them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from runline.domain.rows import rows_of
from runline.domain.state import R
from runline.engine.ports import Snapshot, StoreError
from runline.helpers import Callers, HelperEnded
from runline.store.file import open_connection, store_error
from runline.store.limits import READER_SILENT_S_MAX, READERS
from runline.store.snapshots import TableSnapshot
from runline.store.sqlite_hints import SQLITE
from runline.store.tables import equal, select, table_of

V = TypeVar("V")
P = ParamSpec("P")


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


class SqliteSnapshot(TableSnapshot):
    """A stream in one state of the file. The connection is in a transaction; its errors become StoreError where that ends."""

    hints = SQLITE

    def __init__(self, connection: apsw.Connection, stream: str) -> None:
        self.connection = connection
        super().__init__(stream)

    def read(self, sql: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        rows: Any = self.connection.execute(sql, values)
        return rows  # type: ignore[no-any-return]

    def of_stream(self, stream: str) -> Snapshot:
        return SqliteSnapshot(self.connection, stream)

    def rows(self, row_type: type[R], numbers: Iterable[int]) -> list[R]:
        table = table_of(row_type)
        sql = select(row_type, f"AND {equal(table.key[1:])}", SQLITE)
        found: Any = self.connection.executemany(sql, [(self.stream, number) for number in numbers])
        return rows_of(row_type, found)
