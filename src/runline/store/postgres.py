"""PostgreSQL: read over one connection of the engine's loop, written by the committer process.

Rule: whose a stream is, the database says: a claim raises its epoch and ends the sessions that hold its head, and whoever owned
it before commits nothing more. After an answer that was lost, the committer's sessions are ended and gone, and a write of one's
own is durable, before anything that is read is believed: a commit that waits for its standby is seen, and may be gone after a
failover.
"""

import asyncio
import logging
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from runline.domain.rows import rows_of
from runline.domain.state import ByKey, Need, Row
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import GENESIS, EventRow, Head, History, Report, Sealed, StoreError, nobody_hears
from runline.store.committer import Begin, Claim, Close
from runline.store.committing import Committing
from runline.store.limits import BACKEND_ENDS_MS, SETTLE_S_MAX
from runline.store.postgres_connection import Connection, connect, is_gone, numbered, store_error
from runline.store.postgres_hints import POSTGRESQL
from runline.store.postgres_history import PostgresHistory
from runline.store.postgres_opening import beside, open_database
from runline.store.statements import EVENTS_AFTER, HEADS_AS_THEY_ARE, LAST_COMMANDS, spans_made
from runline.store.tables import NO_TABLES, equal, following, select, table_of, tables_of

log = logging.getLogger("runline.store")

END_SESSIONS = "SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity WHERE application_name = $1"

OWN_WRITE = "UPDATE openings SET commits = commits + 1 WHERE number = (SELECT max(number) FROM openings)"
"""It is durable, on the standby too, when all that was written before it is. (Of openings the last one is always there; a
statement that finds nothing to write waits for nothing.)"""

CLAIMANT = "SELECT epoch, claimant FROM heads WHERE stream = ?"

CLOSED = "UPDATE openings SET closed = TRUE WHERE number = $1"

MADE_COMMANDS = """
WITH last AS (
    SELECT command, seq FROM events WHERE stream = ? AND seq <= ? AND length(digest) > 0 ORDER BY seq DESC LIMIT ?
), spans AS (
    SELECT (array_agg(command ORDER BY command))[1] AS first, (array_agg(command ORDER BY command DESC))[1] AS latest,
        min(seq) AS seq
    FROM last GROUP BY substr(command, 1, 4)
)
SELECT first, latest, min(seq) OVER (), first_value(first) OVER (ORDER BY first) FROM spans ORDER BY latest DESC LIMIT ?
"""


class PostgresStore(Committing):
    """A database of PostgreSQL. url: its address, as libpq has it. replicas: whether what is acknowledged must be on a
    standby."""

    beside = True

    def __init__(self, url: str, *, replicas: bool = False) -> None:
        opening = beside(open_database(url, replicas=replicas))
        self.url = url
        self.replicas = replicas
        self.what = "PostgreSQL"
        self.log_id = opening.log
        self.number = opening.number
        self.name = f"runline {opening.number} committer"
        self.tables = NO_TABLES
        self.report: Report = nobody_hears
        self.connection: Connection | None = None
        self.reading = asyncio.Lock()
        self.in_doubt = False
        self.unheard: set[str] = set()
        """The streams that may have been claimed here without our having heard it."""
        self.prepare()

    def serve(self, vocabulary: Vocabulary, report: Report) -> None:
        """From now on it keeps the rows of this vocabulary, and says there what is wrong with it."""
        self.tables = tables_of(vocabulary)
        self.report = report

    def told(self) -> Begin:
        return Begin("postgresql", self.url, self.tables, self.name, self.number, self.replicas)

    # Reading

    async def read(self, sql: str, *values: Any) -> list[Any]:
        """The rows that a statement finds. A connection that has gone is made anew, once."""
        async with self.reading:
            for again in (True, False):
                connection = await self.connected()
                try:
                    return list(await connection.fetch(numbered(sql), *values))
                except Exception as error:
                    if not is_gone(error):
                        raise store_error(error) from error
                    self.let_go()
                    if not again:
                        raise StoreError("transient", str(store_error(error))) from error
            raise AssertionError

    async def connected(self) -> Connection:
        """The connection for reading. Raises StoreError."""
        if self.connection is None or self.connection.is_closed():
            try:
                self.connection = await connect(self.url, f"runline {self.number} reader")
            except StoreError as error:
                self.report("store", "connection", "failing", str(error))
                raise
            self.report("store", "connection", None, "")
        return self.connection

    def let_go(self) -> None:
        """Of the connection for reading, whatever is on its way."""
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None

    async def heads(self) -> dict[str, Head]:
        if self.in_doubt:
            await self.settle()
        return {row[0]: Head(*row) for row in await self.read(HEADS_AS_THEY_ARE)}

    async def held_at_once(self, stream: str, row_types: Sequence[type[Row]]) -> tuple[Head, list[Sequence[Any]]]:
        if self.in_doubt:
            await self.settle()
        async with self.reading:
            connection = await self.connected()
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    heads = {row[0]: Head(*row) for row in await connection.fetch(numbered(HEADS_AS_THEY_ARE))}
                    found = [await connection.fetch(numbered(held_by(row_type)), stream) for row_type in row_types]
            except Exception as error:
                if is_gone(error):
                    self.let_go()
                raise store_error(error) from error
        rows: list[Sequence[Any]] = [
            rows_of(row_type, list(one)) for row_type, one in zip(row_types, found, strict=True)
        ]
        return heads.get(stream, Head(stream, 0, 0, GENESIS, 0)), rows

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        return rows_of(row_type, await self.read(held_by(row_type), stream))

    async def fetch(self, stream: str, needs: Sequence[Need]) -> list[list[Any]]:
        return [await self.fetch_one(stream, need) for need in needs]

    async def fetch_one(self, stream: str, need: Need) -> list[Any]:
        table = table_of(need.row)
        if isinstance(need, ByKey):
            key = need.key if isinstance(need.key, tuple) else (need.key,)
            return rows_of(
                need.row, await self.read(select(need.row, f"AND {equal(table.key[1:])}", POSTGRESQL), stream, *key)
            )
        found: list[Any] = []
        for sql in following(need.row, POSTGRESQL):
            found += await self.read(sql, stream, need.value, need.after, need.limit)
        return rows_of(need.row, sorted(found, key=itemgetter(0))[: need.limit])

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        rows: list[EventRow] = list(map(tuple, await self.read(EVENTS_AFTER, stream, after, limit)))
        if rows and (rows[0][1] != after + 1 or rows[-1][1] != after + len(rows)):
            raise StoreError("unreadable", f"Events of {stream!r} after {after} are missing.")
        return rows

    async def commands(self, stream: str, limit: int) -> Sequence[tuple[bytes, bytes, int]]:
        return list(map(tuple, await self.read(LAST_COMMANDS, stream, limit)))[::-1]

    async def made_commands(
        self, stream: str, before: int, limit: int, spans: int
    ) -> tuple[Sequence[tuple[bytes, bytes]], int]:
        return spans_made(await self.read(MADE_COMMANDS, stream, before, limit, spans))

    def history(self) -> History:
        """What looks back at the database, in processes of its own."""
        return PostgresHistory(self.url, f"runline {self.number} history")

    # Committing

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        try:
            return frozenset((await self.hand_over(sealed)).fenced)
        except StoreError as error:
            self.in_doubt = self.in_doubt or error.kind == "lost"
            raise

    async def claim(self, stream: str, seen: int | None = None) -> Head:
        if seen is not None and stream in self.unheard:
            seen = await self.claimed_unheard(stream, seen)
        try:
            head = (await self.order(Claim(stream, seen))).head
        except StoreError as error:
            if error.kind == "lost":
                self.in_doubt = True
                self.unheard.add(stream)
            raise
        assert head is not None
        self.unheard.discard(stream)
        return head

    async def claimed_unheard(self, stream: str, seen: int) -> int:
        """The epoch by which a stream is nobody else's, if that is our own claim whose answer was lost; else the one that was
        seen."""
        if self.in_doubt:
            await self.settle()
        found = await self.read(CLAIMANT, stream)
        return found[0][0] if found and found[0][1] == self.number else seen

    async def settle(self) -> None:
        """Have it that what is read from here on stays: the committer's sessions are gone, with whatever was on its way, and a
        write of our own is durable.

        Raises StoreError `transient` if that takes too long; then it is still in doubt.
        """
        async with self.reading:
            # The connection for reading may have gone with the one that writes.
            self.let_go()
            connection = await self.connected()
            settling = asyncio.ensure_future(self.settled(connection))
            # It is not cancelled, because a COMMIT is not: who waits no longer lets go of the connection.
            await asyncio.wait({settling}, timeout=SETTLE_S_MAX)
            if not settling.done():
                settling.add_done_callback(forgotten)
                self.let_go()
                raise StoreError("transient", f"What became of a commit is not known after {SETTLE_S_MAX:g} s.")
            try:
                settling.result()
            except Exception as error:
                self.let_go()
                raise StoreError("transient", str(store_error(error))) from error
            self.in_doubt = False

    async def settled(self, connection: Connection) -> None:
        await connection.execute("SET synchronous_commit = on")
        while await connection.fetch(END_SESSIONS, self.name, BACKEND_ENDS_MS):
            pass
        await connection.execute(OWN_WRITE)

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        try:
            await self.order(Close(node, sealed_ns, durable_before_ns))
            await self.read(CLOSED.replace("$1", "?"), self.number)
        except StoreError as error:
            # What was acknowledged is durable.
            log.warning("the database was not closed cleanly: %s", error)
        finally:
            await self.take_leave()
            if self.connection is not None:
                await self.connection.close()

    def abandon(self) -> None:
        """Let go of the database as it is, as a process does that is killed."""
        self.let_go()


def held_by(row_type: type[Row]) -> str:
    """What finds a stream's rows of a type that belong in memory."""
    held = row_type.held_while
    return select(row_type, f"AND {held[0]} = '{held[1]}'" if held else "", POSTGRESQL)


def forgotten(task: "asyncio.Future[None]") -> None:
    """Nobody waits for this any more, nor for what goes wrong with it."""
    if not task.cancelled():
        task.exception()
