"""Opening a database of PostgreSQL: its demands, its schema, and which log it is."""

import asyncio
import secrets
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from msgspec.structs import astuple

from runline.domain.level import LEVEL
from runline.engine.ports import GENESIS, StoreError
from runline.store.cluster_statements import LEVEL as LEVEL_OF
from runline.store.cluster_statements import RAISE_LEVEL
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


async def open_database(url: str, *, replicas: bool = False, shared: bool = False) -> Opening:
    """Open a database for writing: this opening, whose number is no other process's. replicas: whether what is acknowledged must
    be on a standby. shared: whether nodes of the version before may be at it.

    Raises StoreError, `unreadable` if it does not meet the demands, or is another program's or of a later level.
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
            await migrate(connection, shared=shared)
            opening = await begin(connection)
        # What the migrations have made is looked at as well.
        await demand(connection, url, replicas=replicas)
        return opening
    except Exception as error:
        raise store_error(error) from error
    finally:
        await connection.close()


async def migrate(connection: Connection, *, shared: bool = False) -> None:
    """Bring the schema to the newest revision, within a transaction. shared: as far as the level allows by which the nodes go;
    else there are none, and the level is this version's.

    Raises StoreError `unreadable` for a database of another program or of a newer Runline.
    """
    known = await connection.fetchval(KNOWN)
    revision = await connection.fetchval(SCHEMA) if known else None
    if not known and await connection.fetchval(TABLES):
        raise StoreError("unreadable", "It is a database of another program. Remedy: create an empty one.")
    reached = await level_of(connection)
    if reached > LEVEL:
        raise StoreError(
            "unreadable",
            f"It is of level {reached}, and this Runline of level {LEVEL}, which could not read all of it. Remedy: start the "
            "version that wrote it.",
        )
    if revision != SCHEMA_REVISION:
        await upgrade(connection, revision, reached, shared=shared)
    if not shared:
        await connection.execute(RAISE_LEVEL, LEVEL)


async def level_of(connection: Connection) -> int:
    """Up to which level a database may have been written; 0 for one that knows of none."""
    known = await connection.fetchval("SELECT to_regclass('public.cluster_level') IS NOT NULL")
    return int(await connection.fetchval(LEVEL_OF)) if known else 0


async def upgrade(connection: Connection, revision: str | None, reached: int, *, shared: bool) -> None:
    """Run the scripts that a database lacks. Raises StoreError `unreadable`."""
    from alembic.util import CommandError

    from runline.store.migrations.run import lacking, upgrade_sql

    try:
        target, whole = lacking(revision, reached if shared else LEVEL)
    except CommandError as error:
        if reached:
            # A newer version has added to it, and nothing is written yet that this one could not read.
            return
        raise StoreError("unreadable", f"It was written by another Runline: {error}") from error
    if not whole:
        raise StoreError(
            "unreadable",
            f"The nodes on it go by level {reached}, and this Runline is of level {LEVEL}: only neighbours run side by side. "
            f"Remedy: replace all nodes by the version of level {reached + 1} first; or, with all of them stopped, start this "
            "one once alone, without address of [cluster].",
        )
    if target is not None:
        await connection.execute(within(upgrade_sql("postgresql", revision, target)))


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
