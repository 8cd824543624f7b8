"""A database of PostgreSQL that is examined: of the server that takes commits, or of a standby."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from runline.engine.ports import StoreError
from runline.store.examined import Examined, Values
from runline.store.postgres_connection import (
    BEGIN_STATE,
    Connection,
    Run,
    connect,
    numbered,
    only_read,
    taken,
)
from runline.store.postgres_hosts import require_private
from runline.store.postgres_opening import KNOWN


@contextmanager
def examine_server(url: str) -> Iterator[Examined]:
    """Examine a database.

    Raises StoreError.
    """
    require_private(url)
    with session(url, "runline examining", writes=False) as (run, connection):
        database = PostgresExamined(run, connection)
        if database.read(KNOWN) != [(True,)]:
            raise StoreError("unreadable", "The database is none of Runline's: it has not its tables.")
        yield database


@contextmanager
def session(url: str, name: str, *, writes: bool) -> Iterator[tuple[Run, Connection]]:
    """A connection of this name, and what runs its loop while its thread waits. Raises StoreError."""
    loop = uvloop.new_event_loop()
    try:
        connection = loop.run_until_complete(connect(url, name, writes=writes))
        try:
            yield loop.run_until_complete, connection
        finally:
            connection.terminate()
            # What the connection has left behind on the loop.
            loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()


class PostgresExamined:
    """It. run: does something to its end on the connection's loop."""

    def __init__(self, run: Run, connection: Connection) -> None:
        self.run = run
        self.connection = connection

    def ask(self, work: Any) -> Any:
        """What becomes of something that is asked."""
        with only_read():
            return self.run(work)

    def read(self, sql: str, values: Values = ()) -> list[Values]:
        return list(map(tuple, self.ask(self.connection.fetch(numbered(sql), *values))))

    @contextmanager
    def state(self) -> Iterator[None]:
        self.ask(self.connection.execute(BEGIN_STATE))
        yield
        # What ends early ends with the connection.
        self.ask(self.connection.execute("ROLLBACK"))

    def walk(self, sql: str, values: Values = ()) -> Iterator[Values]:
        with only_read():
            yield from map(tuple, taken(self.run, self.connection, sql, values))

    def faults(self) -> list[str]:
        """Nothing: a server verifies the checksum of every page that it reads, and says what does not have it."""
        return []
