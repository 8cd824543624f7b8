"""Opening a database of PostgreSQL: its demands, its schema, and which log it is."""

import asyncio
import secrets
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from msgspec.structs import astuple

from runline.engine.ports import GENESIS, StoreError
from runline.store.limits import OPENINGS_KEPT_MAX
from runline.store.opening import LAST_OPENING, Opening, require_whole
from runline.store.postgres_connection import Connection, connect, numbered, store_error
from runline.store.postgres_demands import demand
from runline.store.postgres_hosts import require_private
from runline.store.statements import SCHEMA
from runline.store.tables import OPENINGS, SCHEMA_REVISION, insert

V = TypeVar("V")

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('runline'))"
"""Two processes that open a database at once make its schema one after the other."""

FORGET = f"DELETE FROM {OPENINGS.name} WHERE number <= ?"

TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"

KNOWN = "SELECT to_regclass('public.alembic_version') IS NOT NULL"


def beside(work: Coroutine[Any, Any, V]) -> V:
    """Do something on a loop of its own, while this thread waits: opening is no part of what goes on."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def open_database(url: str, *, replicas: bool = False) -> Opening:
    """Open a database for writing: this opening, whose number is no other process's. replicas: whether what is acknowledged must
    be on a standby.

    Raises StoreError, `unreadable` if it does not meet the demands, or is another program's.
    """
    require_private(url)
    connection = await connect(url, "runline opening")
    try:
        await demand(connection, url, replicas=replicas)
        async with connection.transaction():
            if await connection.fetchval(KNOWN):
                # Whoever fills it holds the lock for long.
                require_whole(await last_opening(connection))
            await connection.execute(ONE_AT_A_TIME)
            await migrate(connection)
            opening = await begin(connection)
        # What the migrations have made is looked at as well.
        await demand(connection, url, replicas=replicas)
        return opening
    except Exception as error:
        raise store_error(error) from error
    finally:
        await connection.close()


async def migrate(connection: Connection) -> None:
    """Bring the schema to the newest revision, within a transaction.

    Raises StoreError `unreadable` for a database of another program or of a newer Runline.
    """
    known = await connection.fetchval(KNOWN)
    revision = await connection.fetchval(SCHEMA) if known else None
    if revision == SCHEMA_REVISION:
        return
    if not known and await connection.fetchval(TABLES):
        raise StoreError("unreadable", "It is a database of another program. Remedy: create an empty one.")
    from alembic.util import CommandError

    from runline.store.migrations.run import upgrade_sql

    try:
        script = upgrade_sql("postgresql", revision)
    except CommandError as error:
        raise StoreError("unreadable", f"It was written by another Runline: {error}") from error
    await connection.execute(within(script))


def within(script: str) -> str:
    """A script without the transaction that it brings."""
    return script.replace("BEGIN;\n", "", 1).rstrip().removesuffix("COMMIT;")


async def last_opening(connection: Connection) -> Opening | None:
    """How it was opened last; None for a database that is new."""
    row = await connection.fetchrow(LAST_OPENING)
    return Opening(*row) if row else None


async def begin(connection: Connection) -> Opening:
    """Write down that the database is opened, and under which id its log goes on."""
    last = await last_opening(connection)
    require_whole(last)
    opening = Opening(
        number=last.number + 1 if last else 1,
        log=last.log if last else secrets.token_hex(8),
        opened_ns=time.time_ns(),
        commits=last.commits if last else 0,
        hash=GENESIS[:16],
        closed=False,
        found="",
    )
    await connection.execute(numbered(FORGET), opening.number - OPENINGS_KEPT_MAX)
    await connection.execute(numbered(insert(OPENINGS)), *astuple(opening))
    return opening
