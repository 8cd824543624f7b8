"""History in PostgreSQL: snapshots of sessions of their own, looked at in processes of their own.

Rule: a state is let go of soon. One that is looked at for long makes every commit slower.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import uvloop

from runline.engine.ports import Snapshot
from runline.store.postgres_connection import BEGIN_STATE, Connection, connect, is_gone, only_read, store_error, taken
from runline.store.postgres_hints import POSTGRESQL
from runline.store.readers import ReaderProcesses
from runline.store.snapshots import TableSnapshot

V = TypeVar("V")


class PostgresHistory(ReaderProcesses):
    """Reader processes over a database. name: of their sessions."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(look_here, open_reader, url, name)


class Reader:
    """The reader process's loop and connection."""

    loop: asyncio.AbstractEventLoop
    connection: Connection = None
    url: str
    name: str


def open_reader(url: str, name: str) -> None:
    """Prepare the reader process."""
    Reader.url, Reader.name = url, name
    Reader.loop = uvloop.new_event_loop()


def look_here(stream: str, read: Callable[..., V], args: tuple[Any, ...], kwargs: dict[str, Any]) -> V:
    """What a function makes of a snapshot; runs in the reader process."""
    run = Reader.loop.run_until_complete
    connection = run(begun())
    try:
        with only_read():
            return read(PostgresSnapshot(connection, stream), *args, **kwargs)
    finally:
        try:
            run(connection.execute("ROLLBACK"))
        except Exception:
            connection.terminate()


async def begun() -> Connection:
    """The connection, in a transaction of one state. A session that has ended since the last look is replaced."""
    if Reader.connection is not None and not Reader.connection.is_closed():
        try:
            await Reader.connection.execute(BEGIN_STATE)
            return Reader.connection
        except Exception as error:
            Reader.connection.terminate()
            if not is_gone(error):
                raise store_error(error) from error
    Reader.connection = await connect(Reader.url, Reader.name)
    await Reader.connection.execute(BEGIN_STATE)
    return Reader.connection


class PostgresSnapshot(TableSnapshot):
    """A stream in one state of the database. The connection is in a transaction."""

    hints = POSTGRESQL

    def __init__(self, connection: Connection, stream: str) -> None:
        self.connection = connection
        super().__init__(stream)

    def read(self, sql: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        return taken(Reader.loop.run_until_complete, self.connection, sql, values)

    def of_stream(self, stream: str) -> Snapshot:
        return PostgresSnapshot(self.connection, stream)
