"""History of a file: read-only snapshots, looked at in processes of their own, so that the engine's loop never waits for them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import apsw

from runline.domain.rows import rows_of
from runline.domain.state import R
from runline.engine.ports import Snapshot, StoreError
from runline.store.file import open_connection, store_error
from runline.store.readers import ReaderProcesses
from runline.store.snapshots import TableSnapshot
from runline.store.sqlite_hints import SQLITE
from runline.store.tables import equal, select, table_of

V = TypeVar("V")


class SqliteHistory(ReaderProcesses):
    """Reader processes over a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(look_here, open_reader, str(path))


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
