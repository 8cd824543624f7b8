"""A file that is filled, in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
from msgspec.structs import astuple

from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import StoreError
from runline.store.examined import Values
from runline.store.file import FileLock, open_connection, store_error
from runline.store.filled import Filled, require_empty, tables_to_fill
from runline.store.mark import mark_path
from runline.store.opening import Opening, last_opening, load_marked, what_is_lost, with_log, without_log
from runline.store.schema_change import migrate
from runline.store.sqlite_examined import FAULTS, SqliteExamined
from runline.store.tables import OPENINGS, Table, insert, upsert


@contextmanager
def alone_with_file(path: Path) -> Iterator[None]:
    """Nobody serves this file meanwhile, and nothing of it is lost. Raises StoreError."""
    if not path.is_file():
        raise StoreError("unreadable", f"There is no database {path}.")
    lock = FileLock(path)
    try:
        marked = load_marked(path, accept_loss=False)
        with closing(open_connection(path, writing=False)) as connection:
            lost = what_is_lost(path, last_opening(connection), marked[0] if marked else None)
        if lost:
            raise StoreError(
                "unreadable",
                f"{path} has lost what was durable: {lost}. Remedy: the newest copy, or accept the loss by serving it.",
            )
        yield
    finally:
        lock.release()


@contextmanager
def fill_file(path: Path, vocabulary: Vocabulary) -> Iterator[Filled]:
    """Fill a file; it is made if there is none. Raises StoreError."""
    mark = mark_path(path)
    if mark.exists():
        # By it a start would take the copy for what has become of that one.
        raise StoreError("unreadable", f"{mark} is of a database that was there. Remedy: name another file.")
    lock = FileLock(path)
    try:
        connection = open_connection(path, writing=True)
        try:
            opening = begin(connection, path, vocabulary)
            connection.execute("BEGIN IMMEDIATE")
            yield SqliteFilled(connection, path, opening)
        except apsw.Error as error:
            raise store_error(error) from error
        finally:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
            connection.close()
    finally:
        lock.release()


def begin(connection: apsw.Connection, path: Path, vocabulary: Vocabulary) -> Opening:
    """Have the newest schema and nothing in it, and write down that it is being filled."""
    migrate(connection, path)
    require_empty(
        (table, bool(connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table.name})").get))
        for table in tables_to_fill(vocabulary)
    )
    last = last_opening(connection)
    opening = without_log(last.number if last else 1)
    connection.execute(upsert(OPENINGS), astuple(opening))
    return opening


class SqliteFilled(SqliteExamined):
    """It."""

    def __init__(self, connection: apsw.Connection, path: Path, opening: Opening) -> None:
        super().__init__(connection, path)
        self.opening = opening

    @contextmanager
    def state(self) -> Iterator[None]:
        """What is written in this transaction is seen by nobody else."""
        yield

    def faults(self) -> list[str]:
        return [f"the file: {what}" for (what,) in self.read(FAULTS) if what != "ok"]

    def write(self, table: Table, rows: Sequence[Values]) -> None:
        self.connection.executemany(insert(table), rows)

    def settle(self) -> None:
        """Nothing is to be told."""

    def keep(self) -> None:
        self.connection.execute(upsert(OPENINGS), astuple(with_log(self.opening)))
        self.connection.execute("COMMIT")
