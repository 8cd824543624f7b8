"""PostgreSQL: read over one connection of the engine's loop, written by the committer process.

Rule: whose a stream is, the database says: a claim raises its epoch and ends the sessions that hold its head, and whoever owned
it before commits nothing more. After an answer that was lost, the committer's sessions are ended and gone, and a write of one's
own is durable, before anything that is read is believed: a commit that waits for its standby is seen, and may be gone after a
failover.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

from runline.domain.rows import rows_of
from runline.domain.state import ByKey, Need, Row, by_pieces
from runline.domain.vocabulary import Vocabulary
from runline.engine.limits import POSITION_MAX
from runline.engine.ports import (
    GENESIS,
    EventRow,
    Head,
    History,
    Reading,
    Report,
    Sealed,
    StoreError,
    TakeRows,
    claimed,
    nobody_hears,
)
from runline.store.committer import Begin, Close
from runline.store.committing import Committing
from runline.store.limits import BACKEND_ENDS_MS, LOOK_AGAIN_S, ROWS_AT_ONCE, SETTLE_S_MAX
from runline.store.postgres_connection import Connection, connect, is_gone, numbered, store_error
from runline.store.postgres_hints import POSTGRESQL
from runline.store.postgres_history import PostgresHistory
from runline.store.postgres_losses import (
    ANOTHER_LOG,
    HEADS_AND_LOG,
    HEADS_OF_AND_LOG,
    LAST_LOG,
    OTHERS,
    Durable,
    is_behind,
    new_log,
)
from runline.store.postgres_opening import beside, open_database
from runline.store.postgres_together import ReadTogether, held_by
from runline.store.statements import EVENTS_AFTER, HEAD, spans_made
from runline.store.tables import NO_TABLES, equal, following, select, table_of, tables_of

log = logging.getLogger("runline.store")

END_SESSIONS = "SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity WHERE application_name = $1"

OWN_WRITE = "UPDATE openings SET commits = commits + 1 WHERE number = (SELECT max(number) FROM openings)"
"""It is durable, on the standby too, when all that was written before it is. (Of openings the last one is always there; a
statement that finds nothing to write waits for nothing.)"""

NOBODY = 0

CLAIMANT = "SELECT epoch, claimant FROM heads WHERE stream = ?"

CLOSED = "UPDATE openings SET closed = TRUE WHERE number = $1"

COMMANDS_BEFORE = """
SELECT command, digest, seq FROM events WHERE stream = ? AND seq < ? AND length(digest) > 0 ORDER BY seq DESC LIMIT ?
"""

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
    standby. shared: whether nodes of the version before may be at it."""

    beside = True

    def __init__(self, url: str, *, replicas: bool = False, shared: bool = False) -> None:
        opening = beside(open_database(url, replicas=replicas, shared=shared))
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
        self.durable = Durable()
        self.compared: Connection | None = None
        """The connection by which it was last compared whole with what was durable."""
        self.looking: asyncio.Task[None] | None = None
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
                self.connection.add_termination_listener(self.lost_sight)
            except StoreError as error:
                self.report("store", "connection", "failing", str(error))
                raise
            self.report("store", "connection", None, "")
        return self.connection

    def let_go(self) -> None:
        """Of the connection for reading, whatever is on its way."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.terminate()

    def lost_sight(self, connection: Connection) -> None:
        """A connection has ended. If it is the one for reading, the database may have failed over: it is looked for."""
        if connection is self.connection:
            self.connection = None
            if self.looking is None or self.looking.done():
                self.looking = asyncio.get_running_loop().create_task(self.look_for_it())

    async def look_for_it(self) -> None:
        """Look whether the database has all that it had, as soon as it is there."""
        while True:
            with suppress(StoreError):
                await self.heads()
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    async def heads(self, streams: Collection[str] | None = None) -> dict[str, Head]:
        if self.in_doubt:
            await self.settle()
        durable = self.durable.so_far()
        rows = await (self.read(HEADS_AND_LOG) if streams is None else self.read(HEADS_OF_AND_LOG, list(streams)))
        heads = {row[0]: Head(*row[:-1]) for row in rows if row[0] is not None}
        if streams is not None and durable.gone(heads, streams):
            # What is lost is said of all.
            found = await self.heads()
            return {stream: found[stream] for stream in streams if stream in found}
        await self.require_kept(durable, heads, rows[0][-1] if rows else "", streams)
        return heads

    async def require_kept(
        self, durable: Durable, heads: Mapping[str, Head], log_id: str, streams: Collection[str] | None
    ) -> None:
        """The database has all that it had, by its heads. durable: as of before they were read. log_id: which log they are of, ""
        where there are none. streams: of which they are, None for all.

        Raises StoreError `behind` if not; it is another log then.
        """
        gone = durable.gone(heads, streams)
        if not gone and self.compared is not self.connection and durable.known:
            gone = [row[0] for row in await self.read(OTHERS, *durable.listed())]
            self.compared = self.connection
        if gone and log_id in (self.log_id, ""):
            said = durable.in_words(gone, heads)
            await self.written(ANOTHER_LOG, self.log_id, *new_log(), said)
        elif log_id in (self.log_id, ""):
            for head in heads.values():
                self.durable.note(head)
            return
        # Whoever has found it first has written which log it is.
        ((log_id, said),) = await self.read(LAST_LOG)
        self.unheard |= set(self.durable.known)
        self.durable = Durable()
        self.log_id = log_id
        self.report("store", "log", "degraded", said)
        raise StoreError("behind", said)

    async def held_at_once(self, stream: str, row_types: Sequence[type[Row]], take: TakeRows) -> Head:
        if self.in_doubt:
            await self.settle()
        durable = self.durable.so_far()
        # It may take seconds, and what others read does not wait for it.
        connection = await connect(self.url, f"runline {self.number} reader")
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                heads = {row[0]: Head(*row) for row in await connection.fetch(numbered(HEAD), stream)}
                gone = durable.gone(heads, [stream])
                for row_type in () if gone else row_types:
                    cursor = await connection.cursor(numbered(held_by(row_type)), stream)
                    while found := await cursor.fetch(ROWS_AT_ONCE):
                        take(row_type, rows_of(row_type, found))
            await connection.close()
        except Exception as error:
            raise store_error(error) from error
        finally:
            connection.terminate()
        if gone:
            await self.heads()
        return heads.get(stream, Head(stream, 0, 0, GENESIS, 0))

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        rows: list[Any] = []
        for piece in by_pieces(await self.read(held_by(row_type), stream), ROWS_AT_ONCE):
            rows += rows_of(row_type, piece)
            if len(piece) == ROWS_AT_ONCE:
                await asyncio.sleep(0)
        return rows

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
        commands: list[tuple[bytes, bytes, int]] = []
        before, most = POSITION_MAX, min(ROWS_AT_ONCE, limit)
        while most:
            page = await self.read(COMMANDS_BEFORE, stream, before, most)
            commands += map(tuple, page)
            if len(page) < most:
                break
            before, most = commands[-1][2], min(ROWS_AT_ONCE, limit - len(commands))
        commands.reverse()
        return commands

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
            fenced = frozenset((await self.hand_over(sealed)).fenced)
        except StoreError as error:
            self.in_doubt = self.in_doubt or error.kind == "lost"
            raise
        for stretch in sealed.stretches:
            if stretch.after.stream not in fenced:
                self.durable.note(stretch.after)
        if fenced:
            # Another process has claimed them, or they are not any more as they were left.
            await self.heads()
        return fenced

    async def claim(self, stream: str, seen: int | None = None) -> Head:
        return claimed(await self.claim_all({stream: seen}), stream)

    async def claim_all(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        unheard = {one: epoch for one, epoch in seen.items() if epoch is not None and one in self.unheard}
        known = {one: await self.claimed_unheard(one, epoch) for one, epoch in unheard.items()}
        try:
            heads = await self.have_claimed({**seen, **known})
        except StoreError as error:
            self.in_doubt = self.in_doubt or error.kind == "lost"
            raise
        before = self.durable.known
        if any(stream in before and is_behind(before[stream], head) for stream, head in heads.items()):
            await self.heads()
        for head in heads.values():
            self.durable.note(head)
        return heads

    def together(self, heads: Mapping[str, Head]) -> Reading:
        # A single one may be large.
        return ReadTogether(self, heads) if len(heads) > 1 else self

    def hear_of(self, stream: str, seq: int, chain: bytes) -> None:
        self.durable.hear_of(stream, seq, chain)

    async def claimed_unheard(self, stream: str, seen: int) -> int:
        """The epoch by which a stream is nobody else's, if that is our own claim whose answer was lost, or nobody has claimed it
        since another log began; else the one that was seen."""
        if self.in_doubt:
            await self.settle()
        found = await self.read(CLAIMANT, stream)
        return found[0][0] if found and found[0][1] in (self.number, NOBODY) else seen

    async def settle(self) -> None:
        """Have it that what is read from here on stays: the committer's sessions are gone, with whatever was on its way, and a
        write of our own is durable.

        Raises StoreError `transient` if that takes too long; then it is still in doubt.
        """
        await self.durably(self.settled, anew=True)
        self.in_doubt = False

    async def settled(self, connection: Connection) -> None:
        while await connection.fetch(END_SESSIONS, self.name, BACKEND_ENDS_MS):
            pass
        await connection.execute(OWN_WRITE)

    async def written(self, sql: str, *values: Any) -> None:
        """Have something written beside what is committed. Raises StoreError `transient` if it may not be."""
        await self.durably(lambda connection: connection.execute(sql, *values))

    async def durably(self, work: Callable[[Connection], Awaitable[Any]], *, anew: bool = False) -> None:
        """Have something done over the connection for reading, durably. anew: over another one, for that may have gone with the
        one that writes. Raises StoreError `transient` if that takes too long."""
        async with self.reading:
            if anew:
                self.let_go()
            connection = await self.connected()
            doing = asyncio.ensure_future(committed(connection, work))
            # It is not cancelled, because a COMMIT is not: who waits no longer lets go of the connection.
            await asyncio.wait({doing}, timeout=SETTLE_S_MAX)
            if not doing.done():
                doing.add_done_callback(forgotten)
                self.let_go()
                raise StoreError("transient", f"What became of a commit is not known after {SETTLE_S_MAX:g} s.")
            try:
                doing.result()
            except Exception as error:
                self.let_go()
                raise StoreError("transient", str(store_error(error))) from error

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        try:
            await self.order(Close(node, sealed_ns, durable_before_ns))
            await self.read(CLOSED.replace("$1", "?"), self.number)
        except StoreError as error:
            # What was acknowledged is durable.
            log.warning("the database was not closed cleanly: %s", error)
        finally:
            await self.take_leave()
            if self.looking is not None:
                self.looking.cancel()
            connection, self.connection = self.connection, None
            if connection is not None:
                await connection.close()

    def abandon(self) -> None:
        """Let go of the database as it is, as a process does that is killed."""
        if self.looking is not None:
            self.looking.cancel()
        self.let_go()


async def committed(connection: Connection, work: Callable[[Connection], Awaitable[Any]]) -> None:
    """Do something whose commit waits for the standby."""
    await connection.execute("SET synchronous_commit = on")
    await work(connection)


def forgotten(task: "asyncio.Future[None]") -> None:
    """Nobody waits for this any more, nor for what goes wrong with it."""
    if not task.cancelled():
        task.exception()
