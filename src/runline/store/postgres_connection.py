"""A connection to PostgreSQL: how it is made, what an error of it means, and how a statement's values are marked.

Rule: nothing here is ever cancelled or given up while a COMMIT is on its way: whoever waits no longer lets go of the connection.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any

from runline.engine.ports import StoreError
from runline.shell import why
from runline.store.limits import (
    CONNECT_PAUSE_S,
    CONNECT_S_MAX,
    CONNECT_TRY_S_MAX,
    READ_AT_ONCE,
    READ_AT_ONCE_MAX,
    SILENT_S_MAX,
)
from runline.store.postgres_hosts import Host, hosts_of

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


def require_driver() -> None:
    """Raise StoreError `unreadable` where the driver is not installed."""
    if asyncpg is None:
        raise StoreError("unreadable", "asyncpg is not installed. Remedy: pip install 'runline[postgresql]'.")


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
            return await first_of(url, name, "read-write" if writes else "any")
        except StoreError as failed:
            if failed.kind not in ("lost", "transient"):
                raise StoreError("unreadable", str(failed)) from failed
            if loop.time() >= deadline:
                named = [str(one) for one in hosts_of(url) if one.name]
                where = f" at {', '.join(named)}" if named else ""
                raise StoreError(
                    "transient",
                    f"The database cannot be reached{where}: {failed}. Remedy: start PostgreSQL, or mend the address.",
                ) from failed
            await asyncio.sleep(CONNECT_PAUSE_S)


async def first_of(url: str, name: str, role: str) -> Connection:
    """A connection to the first of an address's hosts that has this role. They are asked at once, each for as long as it may
    take: one that says nothing keeps nobody from the one that is there. Raises StoreError."""
    hosts = hosts_of(url)
    trying = {asyncio.ensure_future(reached(url, host, name, role)) for host in hosts}
    failed: list[StoreError] = []
    try:
        while trying:
            done, trying = await asyncio.wait(trying, return_when=asyncio.FIRST_COMPLETED)
            found = [one.result() for one in done if one.exception() is None]
            for other in found[1:]:
                other.terminate()
            if found:
                return found[0]
            failed += [store_error(error) for one in done if isinstance(error := one.exception(), Exception)]
    finally:
        for one in trying:
            one.add_done_callback(not_needed)
            one.cancel()
    # What somebody has to mend is said before what may pass.
    failed.sort(key=lambda one: one.kind in ("lost", "transient"))
    raise StoreError(failed[0].kind, "; ".join(dict.fromkeys(map(str, failed))))


async def reached(url: str, host: Host, name: str, role: str) -> Connection:
    """A connection to one host, if it has this role. Raises StoreError."""
    where = {"host": host.name, "port": host.port or None} if host.name else {}
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_TRY_S_MAX,
            target_session_attrs=role,
            server_settings={**SETTINGS, "application_name": name},
            **where,
        )
    except Exception as error:
        raise store_error(error) from error
    mind_silence(connection)
    return connection


def not_needed(task: "asyncio.Future[Connection]") -> None:
    """Another host was the first."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()


def mind_silence(connection: Connection) -> None:
    """Have the system say that a connection has gone whose other end says nothing any more: a machine that has lost its power
    does not take leave. (A server that is slow is not silent: its system answers.)"""
    line = connection._transport.get_extra_info("socket")
    if line.family not in (socket.AF_INET, socket.AF_INET6) or sys.platform != "linux":
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, SILENT_S_MAX)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_S_MAX * 1_000)


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
    if isinstance(error, getattr(asyncpg, "TargetServerAttributeNotMatched", ())):
        return StoreError("lost", "it is a standby, or takes no commits")
    if is_gone(error):
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
