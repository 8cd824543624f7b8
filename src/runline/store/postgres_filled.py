"""A database of PostgreSQL that is filled: by COPY, in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import astuple

from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import StoreError
from runline.store.examined import Values
from runline.store.filled import Filled, require_empty, tables_to_fill
from runline.store.opening import Opening, with_log, without_log
from runline.store.postgres_connection import Connection, Run, numbered, store_error
from runline.store.postgres_demands import demand
from runline.store.postgres_examined import PostgresExamined, session
from runline.store.postgres_hosts import require_private
from runline.store.postgres_opening import last_opening, migrate
from runline.store.tables import OPENINGS, Table, insert, or_replace

TAKE = "SELECT pg_try_advisory_lock(hashtext('runline'))"
"""Until the session ends nobody opens the database."""

NAME = "SELECT current_database()"

SERVED = """
SELECT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'runline % committer' LIMIT 1
"""


@contextmanager
def alone_with_server(url: str) -> Iterator[None]:
    """Nobody serves this database meanwhile. Raises StoreError."""
    with taken(url):
        yield


@contextmanager
def taken(url: str) -> Iterator[tuple[Run, Connection]]:
    """A session without which nobody opens the database. Raises StoreError if somebody has opened it."""
    require_private(url)
    with session(url, "runline copying", writes=True) as (run, connection):
        if not run(connection.fetchval(TAKE)):
            raise StoreError(
                "unreadable", f"Another process opens {run(connection.fetchval(NAME))} just now, or copies it."
            )
        server = run(connection.fetchval(SERVED))
        if server:
            name = run(connection.fetchval(NAME))
            raise StoreError(
                "unreadable", f"The database {name} is being served ({server}). Remedy: stop that server first."
            )
        yield run, connection


@contextmanager
def fill_server(url: str, vocabulary: Vocabulary) -> Iterator[Filled]:
    """Fill a database. Raises StoreError."""
    with taken(url) as (run, connection):
        try:
            run(demand(connection, url))
            opening = run(begin(connection, vocabulary))
            run(connection.execute("BEGIN"))
        except Exception as error:
            raise store_error(error) from error
        yield PostgresFilled(run, connection, opening)


async def begin(connection: Connection, vocabulary: Vocabulary) -> Opening:
    """Have the newest schema and nothing in it, and write down that it is being filled."""
    async with connection.transaction():
        await migrate(connection)
        require_empty(
            [
                (table, await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table.name})"))
                for table in tables_to_fill(vocabulary)
            ]
        )
        last = await last_opening(connection)
        opening = without_log(last.number if last else 1)
        await connection.execute(numbered(insert(OPENINGS) + or_replace(OPENINGS)), *astuple(opening))
    return opening


class PostgresFilled(PostgresExamined):
    """It."""

    def __init__(self, run: Run, connection: Connection, opening: Opening) -> None:
        super().__init__(run, connection)
        self.opening = opening

    @contextmanager
    def state(self) -> Iterator[None]:
        """What is written in this transaction is seen by nobody else."""
        yield

    def write(self, table: Table, rows: Sequence[Values]) -> None:
        names = [column.name for column in table.columns]
        self.ask(self.connection.copy_records_to_table(table.name, records=rows, columns=names))

    def settle(self) -> None:
        """The planner is told what there is, for all who read."""
        self.ask(self.connection.execute("ANALYZE"))

    def keep(self) -> None:
        whole = with_log(self.opening)
        self.ask(self.connection.execute(numbered(insert(OPENINGS) + or_replace(OPENINGS)), *astuple(whole)))
        try:
            self.run(self.connection.execute("COMMIT"))
        except Exception as error:
            raise store_error(error) from error
