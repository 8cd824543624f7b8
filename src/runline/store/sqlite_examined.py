"""A file that is examined."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from runline.engine.ports import StoreError
from runline.store.examined import Examined, Values
from runline.store.file import open_connection, snapshot, store_error
from runline.store.limits import FAULTS_MAX
from runline.store.mark import Mark, MarkDamaged, load_mark
from runline.store.opening import damage_in_wal, last_opening, what_is_lost

FAULTS = f"PRAGMA integrity_check({FAULTS_MAX})"


@contextmanager
def examine_file(path: Path) -> Iterator[Examined]:
    """Examine a file.

    Raises StoreError.
    """
    if not path.is_file():
        raise StoreError("unreadable", f"There is no database {path}.")
    connection = open_connection(path, writing=False)
    try:
        yield SqliteExamined(connection, path)
    except apsw.Error as error:
        raise store_error(error) from error
    except UnicodeDecodeError as error:
        raise StoreError("unreadable", f"A stored text is not text: {error}") from error
    finally:
        connection.close()


class SqliteExamined:
    """It. A state that is held for long is let go of before the write-ahead log grows beyond its bound because of it."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def read(self, sql: str, values: Values = ()) -> list[Values]:
        return self.connection.execute(sql, values).fetchall()

    @contextmanager
    def state(self) -> Iterator[None]:
        with snapshot(self.connection, self.path):
            yield

    def walk(self, sql: str, values: Values = ()) -> Iterator[Values]:
        return self.connection.execute(sql, values)

    def faults(self) -> list[str]:
        """That the file is not whole, pages, tables and indexes, or behind its mark."""
        found: list[str] = []
        mark: Mark | None = None
        try:
            # Before the file is looked at: it may be farther by then, and never less far.
            marked = load_mark(self.path)
            mark = marked[0] if marked else None
        except MarkDamaged as error:
            found.append(str(error))
        damaged = damage_in_wal(self.connection, self.path)
        if damaged:
            found.append(f"the file: {damaged}")
        with self.state():
            found += [f"the file: {what}" for (what,) in self.read(FAULTS) if what != "ok"]
            lost = what_is_lost(self.path, last_opening(self.connection), mark) if mark is not None else ""
            if lost:
                found.append(f"the file: {lost}")
        return found
