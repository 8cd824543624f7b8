"""A connection to PostgreSQL: how it is made, what an error of it means, and how a statement's values are marked.

Rule: nothing here is ever cancelled or given up while a COMMIT is on its way: whoever waits no longer lets go of the connection.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runline.engine.ports import StoreError
from runline.shell import why
from runline.store.limits import CONNECT_PAUSE_S, CONNECT_S_MAX, CONNECT_TRY_S_MAX, READ_AT_ONCE, READ_AT_ONCE_MAX

try:
    import asyncpg
except ModuleNotFoundError:
    asyncpg = None

SETTINGS = {
    "jit": "off",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_encoding": "UTF8",
    "search_path": "public",
}
"""Of every connection, whatever the server's own are: nothing of ours is cut off in the middle."""

REMEDIES = {
    "28000": "name a user of PostgreSQL who may sign in there (createuser; pg_hba.conf)",
    "28P01": "give the password by PGPASSWORD, or in ~/.pgpass, which nobody but its owner may be able to read",
    "3D000": "createdb --encoding=UTF8 --template=template0 with that name, or mend the address",
    "42501": "let the user of the address own the database (ALTER DATABASE … OWNER TO …)",
}
"""By the code that the server gives."""

Connection = Any
"""A connection of asyncpg, which declares no types."""

Run = Callable[[Any], Any]
"""Does something to its end on a connection's loop, while its thread waits."""

BEGIN_STATE = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""From here on one state is seen, until the transaction ends."""

LOOPBACK = ("", "localhost", "127.0.0.1", "::1")


def require_driver() -> None:
    """Raise StoreError `unreadable` where the driver is not installed."""
    if asyncpg is None:
        raise StoreError("unreadable", "asyncpg is not installed. Remedy: pip install 'runline[postgresql]'.")


def require_private(url: str) -> None:
    """Raise StoreError `unreadable` for an address at which passwords and wagers would go over a network that others can read."""
    try:
        parts = urlsplit(url)
        # Of several hosts each has a port of its own, which the driver reads.
        _ = parts.port if "," not in parts.netloc else 0
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        beyond = [one for one in hosts_of(url) if one not in LOOPBACK and not one.startswith("/")]
    except ValueError as error:
        raise StoreError("unreadable", f"The address of the database cannot be read: {error}.") from error
    if "service" in asked or "PGSERVICE" in os.environ:
        raise StoreError(
            "unreadable", "A service is named for the database. Remedy: name its host in the address itself."
        )
    if beyond and asked.get("sslmode", os.environ.get("PGSSLMODE")) != "verify-full":
        raise StoreError(
            "unreadable",
            f"The database at {beyond[0]} is beyond this machine, and nothing proves that it is the one that is meant. Remedy: "
            "add sslmode=verify-full (and sslrootcert=FILE) to its address, and have the server speak TLS.",
        )


def hosts_of(url: str) -> list[str]:
    """The hosts that an address names, or the environment, or folders of sockets; "" where the default is meant. Raises
    ValueError."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query).get("host")
    if asked:
        return asked[-1].split(",")
    if parts.hostname and "," not in parts.netloc:
        return [parts.hostname]
    several = parts.netloc.rpartition("@")[2] or os.environ.get("PGHOST", "")
    return [one if one.startswith("/") else one.rpartition(":")[0] or one for one in several.split(",")]


@cache
def numbered(sql: str) -> str:
    """A statement as PostgreSQL takes it: its values, marked by `?`, are numbered."""
    numbers = count(1)
    return "".join(f"${next(numbers)}" if one == "?" else one for one in sql)


async def connect(url: str, name: str, *, writes: bool = True) -> Connection:
    """A connection of this name to the database that takes commits. A server that is just starting is waited for.

    writes: whether it must take commits; one that does not may be a standby.
    Raises StoreError: `transient` if nobody answers in time.
    """
    require_driver()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CONNECT_S_MAX
    while True:
        try:
            connection = await asyncpg.connect(
                url,
                timeout=CONNECT_TRY_S_MAX,
                target_session_attrs="read-write" if writes else "any",
                server_settings={**SETTINGS, "application_name": name},
            )
        except Exception as error:
            failed = store_error(error)
            if failed.kind not in ("lost", "transient"):
                raise StoreError("unreadable", str(failed)) from error
            if loop.time() >= deadline:
                where = f" at {', '.join(hosts_of(url))}" if any(hosts_of(url)) else ""
                raise StoreError(
                    "transient",
                    f"The database cannot be reached{where}: {failed}. Remedy: start PostgreSQL, or mend the address.",
                ) from error
            await asyncio.sleep(CONNECT_PAUSE_S)
        else:
            return connection


def is_gone(error: BaseException) -> bool:
    """Whether an error says that the connection is there no more: what was on its way may have been done or not."""
    if isinstance(error, OSError | EOFError | TimeoutError | asyncio.TimeoutError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        # 57P: the server ends the session, or is just starting. 25006: it takes no commits (any more).
        return (error.sqlstate or "").startswith(("08", "57P")) or error.sqlstate == "25006"
    # What the driver says of itself; of a value that does not fit it says ValueError as well.
    return isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError) and not isinstance(error, ValueError)


def in_words(error: Exception, state: str) -> str:
    """What an error says, in a line, with the remedy where whoever has given the address has one. state: the server's code."""
    text = " ".join(str(error).split())
    if state:
        return f"{text} ({state})" + (f". Remedy: {REMEDIES[state]}" if state in REMEDIES else "")
    if isinstance(error, TimeoutError):
        return text or "it does not answer in time"
    if isinstance(error, OSError):
        return why(error)
    return text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}"


def store_error(error: Exception) -> StoreError:
    """What an error of the driver or the server means for the engine."""
    if isinstance(error, StoreError):
        return error
    state = getattr(error, "sqlstate", None) or ""
    message = in_words(error, state)
    if is_gone(error) or isinstance(error, getattr(asyncpg, "TargetServerAttributeNotMatched", ())):
        return StoreError("lost", message)
    if state.startswith(("40", "53", "55", "58")) or state == "57014":
        # A collision, no room, a lock, an error of the system, a statement that somebody has cancelled.
        return StoreError("transient", message)
    if state.startswith(("XX", "F0", "28", "3D", "42")):
        # Damage; who may not come in; a database, table or column that is not there.
        return StoreError("unreadable", message)
    return StoreError("row", message)


@contextmanager
def only_read() -> Iterator[None]:
    """What goes wrong where nothing is written becomes a StoreError: nothing is lost with a connection that has gone."""
    try:
        yield
    except Exception as error:
        if not (type(error).__module__.startswith("asyncpg") or isinstance(error, OSError)):
            raise
        found = store_error(error)
        raise StoreError("transient", str(found)) if found.kind == "lost" else found from error


def taken(run: Run, connection: Connection, sql: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The rows that a statement finds, taken little by little within a transaction. run: of the connection's loop."""

    async def begun() -> Any:
        return await connection.cursor(numbered(sql), *values)

    cursor, many = run(begun()), READ_AT_ONCE
    while rows := run(cursor.fetch(many)):
        yield from rows
        if len(rows) < many:
            return
        many = min(2 * many, READ_AT_ONCE_MAX)


def literal(value: str | int | bytes) -> str:
    """A value as it stands in a statement that takes none."""
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if not -(2**63) <= value < 2**63:
        raise StoreError("row", "An integer is too large.")
    return f"{value}::bigint"
