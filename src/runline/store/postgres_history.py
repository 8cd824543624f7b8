"""History in PostgreSQL: snapshots of sessions of their own, looked at in processes of their own.

Rule: a state is let go of soon. One that is looked at for long makes every commit slower.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import uvloop

from runline.engine.ports import Snapshot, StoreError
from runline.store.limits import READ_AT_ONCE, READ_AT_ONCE_MAX
from runline.store.postgres_connection import Connection, connect, is_gone, numbered, store_error
from runline.store.postgres_hints import POSTGRESQL
from runline.store.readers import ReaderProcesses
from runline.store.snapshots import TableSnapshot

V = TypeVar("V")

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


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
        return read(PostgresSnapshot(connection, stream), *args, **kwargs)
    except Exception as error:
        if not came_from_the_driver(error):
            raise
        found = store_error(error)
        raise StoreError("transient", str(found)) if found.kind == "lost" else found from error
    finally:
        try:
            run(connection.execute("ROLLBACK"))
        except Exception:
            connection.terminate()


async def begun() -> Connection:
    """The connection, in a transaction of one state. A session that has ended since the last look is replaced."""
    if Reader.connection is not None and not Reader.connection.is_closed():
        try:
            await Reader.connection.execute(BEGIN)
            return Reader.connection
        except Exception as error:
            Reader.connection.terminate()
            if not is_gone(error):
                raise store_error(error) from error
    Reader.connection = await connect(Reader.url, Reader.name)
    await Reader.connection.execute(BEGIN)
    return Reader.connection


def came_from_the_driver(error: Exception) -> bool:
    """Whether it is the driver or the server that says so."""
    return type(error).__module__.startswith("asyncpg") or isinstance(error, OSError)


class PostgresSnapshot(TableSnapshot):
    """A stream in one state of the database. The connection is in a transaction."""

    hints = POSTGRESQL

    def __init__(self, connection: Connection, stream: str) -> None:
        self.connection = connection
        super().__init__(stream)

    def read(self, sql: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        run, many = Reader.loop.run_until_complete, READ_AT_ONCE
        cursor = run(self.cursor(sql, values))
        while rows := run(cursor.fetch(many)):
            yield from rows
            if len(rows) < many:
                return
            many = min(2 * many, READ_AT_ONCE_MAX)

    async def cursor(self, sql: str, values: tuple[Any, ...]) -> Any:
        """What a statement finds, to be taken little by little."""
        return await self.connection.cursor(numbered(sql), *values)

    def of_stream(self, stream: str) -> Snapshot:
        return PostgresSnapshot(self.connection, stream)
