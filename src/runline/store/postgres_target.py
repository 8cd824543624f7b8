"""The committer's side of PostgreSQL: one connection, on a loop that does nothing else.

Rule: what is sent is waited for, however long it takes: a COMMIT has no deadline here and is never cancelled. Who waits too long
for this process ends it, and finds out what became of the batch: `runline OPENING committer` is what its sessions are called.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import asyncpg
import uvloop

from runline.domain.invariants import check
from runline.engine.limits import BATCHES_KEPT_MAX
from runline.engine.ports import GENESIS, Head, Sealed, StoreError
from runline.store.batches import DROPPED_AT_ONCE
from runline.store.limits import BACKEND_ENDS_MS, CLAIM_LOCK_MS, CLAIM_S_MAX, COMMITTER_SILENT_S_MAX
from runline.store.postgres_connection import Connection, connect, is_gone, numbered, store_error
from runline.store.postgres_demands import demand
from runline.store.postgres_writing import FENCED, Highest, is_small, write_at_once, write_in_turn
from runline.store.statements import BATCHES_OF, OLDEST_BATCHES_GO
from runline.store.tables import BATCHES, Tables, insert

V = TypeVar("V")

check(
    CLAIM_S_MAX + (CLAIM_LOCK_MS + BACKEND_ENDS_MS) / 1_000 < COMMITTER_SILENT_S_MAX,
    "who claims ends trying before it is taken for hung",
)

SEEN = "unnest($1::text[], $2::bigint[]) AS v (stream, seen)"

CLAIM = (
    "INSERT INTO heads (stream, epoch, seq, hash, at_ns, held_rows, held_sum, claimant) "
    f"SELECT v.stream, 1, 0, $3, 0, 0, 0, $4 FROM {SEEN} ORDER BY v.stream "
    "ON CONFLICT (stream) DO UPDATE SET epoch = heads.epoch + 1, claimant = excluded.claimant "
    f"WHERE heads.epoch = (SELECT coalesce(v.seen, heads.epoch) FROM {SEEN} WHERE v.stream = heads.stream) "
    "RETURNING stream, epoch, seq, hash, at_ns, held_rows, held_sum"
)
"""As for a file, and by whom: whoever has not heard the answer finds out whether the claim that is there is their own. (The heads
are locked in the order of their names, so that no two who claim wait for each other.)"""

HOLDERS = """
SELECT stream, pid, application_name,
    CASE WHEN application_name LIKE 'runline %'
        THEN pg_terminate_backend(pid, greatest($2::bigint / count(*) OVER (), 1)) ELSE FALSE END
FROM (
    SELECT DISTINCT ON (a.pid) h.stream, a.pid, a.application_name
    FROM heads h JOIN pg_stat_activity a ON a.backend_xid = h.xmax WHERE h.stream = ANY($1)
) AS holders
"""
"""Who holds heads of streams, and one of these: whose transaction has begun to change their rows. A session of Runline's is
ended, once, and all of them together are waited for no longer than one."""


class PostgresTarget:
    """Where batches are written to. name: of its sessions. number: of the opening, by which it claims. replicas: whether what is
    acknowledged must be on a standby."""

    beside = (0, "")

    def __init__(self, url: str, name: str, number: int, *, replicas: bool = False) -> None:
        self.url = url
        self.name = name
        self.number = number
        self.replicas = replicas
        self.loop = uvloop.new_event_loop()
        self.connection: Connection | None = None
        self.highest = Highest()
        self.noted: dict[str, int] = {}
        self.warned = False
        try:
            self.run(self.connected())
        except StoreError:
            self.abandon()
            raise

    def run(self, work: Coroutine[Any, Any, V]) -> V:
        """Do something to its end."""
        return self.loop.run_until_complete(work)

    async def connected(self) -> Connection:
        """The connection, to a server that meets the demands. Raises StoreError."""
        if self.connection is None or self.connection.is_closed():
            self.drop()
            connection = await connect(self.url, self.name)
            try:
                await demand(connection, self.url, replicas=self.replicas)
            except StoreError as error:
                connection.terminate()
                # Somebody may be mending it.
                raise StoreError("transient", str(error)) from error
            except BaseException:
                connection.terminate()
                raise
            connection.add_log_listener(self.hear)
            self.connection = connection
            self.highest = Highest()
        return self.connection

    def hear(self, _connection: Connection, message: Any) -> None:
        """The server says something beside its answers. Of a commit that somebody has kept from waiting for its standby it only
        warns."""
        if isinstance(message, asyncpg.PostgresWarning):
            self.warned = True

    def drop(self) -> None:
        """Let go of the connection, whatever is on its way."""
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None

    async def failed(self, error: Exception) -> StoreError:
        """What an error means, with nothing left open."""
        found = store_error(error)
        if is_gone(error):
            self.drop()
        elif self.connection is not None:
            try:
                await self.connection.execute("ROLLBACK")
            except Exception:
                self.drop()
        return found

    def commit(self, sealed: Sealed, tables: Tables) -> frozenset[str]:
        """Make a batch durable; returns the streams that another process owns. Raises StoreError."""
        return self.run(self.write(sealed, tables))

    async def write(self, sealed: Sealed, tables: Tables) -> frozenset[str]:
        connection = await self.connected()
        self.warned = False
        try:
            fenced = await self.written(connection, sealed, tables)
        except Exception as error:
            raise await self.failed(error) from error
        if self.warned:
            self.drop()
            raise StoreError("lost", "the server warns of a commit: it may not be on its standby")
        self.noted[sealed.node] = self.noted.get(sealed.node, 0) + 1
        return fenced

    async def written(self, connection: Connection, sealed: Sealed, tables: Tables) -> frozenset[str]:
        await self.highest.learn(connection, sealed, tables)
        if is_small(sealed):
            try:
                await write_at_once(connection, sealed, tables, self.highest)
                return frozenset()
            except FENCED:
                pass  # Which of the streams it is comes out in turn.
        return await write_in_turn(connection, sealed, tables, self.highest)

    def claim(self, seen: Mapping[str, int | None]) -> list[Head]:
        """Become the owner of streams; returns the heads of those that were claimed. seen: as for `Store.claim_all`. Raises
        StoreError."""
        for stream in seen:
            self.highest.forget(stream)
        return self.run(self.take(seen))

    async def take(self, seen: Mapping[str, int | None]) -> list[Head]:
        deadline = self.loop.time() + CLAIM_S_MAX
        while True:
            connection = await self.connected()
            try:
                await connection.execute(f"BEGIN; SET LOCAL lock_timeout = {CLAIM_LOCK_MS}")
                found = await connection.fetch(CLAIM, list(seen), list(seen.values()), GENESIS, self.number)
                await connection.execute("COMMIT")
                return [Head(*one) for one in found]
            except asyncpg.LockNotAvailableError as error:
                await self.failed(error)
                held = await self.end_holders(list(seen))
                if self.loop.time() >= deadline:
                    raise StoreError("transient", f"The head of {held}.") from error
            except Exception as error:
                raise await self.failed(error) from error

    async def end_holders(self, streams: list[str]) -> str:
        """End the sessions that hold heads of streams and wait until they are gone. Returns what is held by who is left, in
        words."""
        try:
            connection = await self.connected()
            found = await connection.fetch(HOLDERS, streams, BACKEND_ENDS_MS)
        except Exception as error:
            raise await self.failed(error) from error
        left = [
            f"{stream!r} is held by {name or 'a session'} (process {pid} of the server)"
            for stream, pid, name, ended in found
            if not ended
        ]
        return ", ".join(left) or f"{streams[0]!r} is held by somebody"

    def after_commit(self) -> None:
        """Between two commits: the times of the oldest batches go, now and then."""
        node = max(self.noted, key=lambda one: self.noted[one], default=None)
        if node is not None and self.noted[node] >= DROPPED_AT_ONCE:
            self.noted[node] = 0
            try:
                self.run(self.forget_batches(node))
            except StoreError:
                pass  # The next commit finds out what is wrong.

    async def forget_batches(self, node: str) -> None:
        connection = await self.connected()
        try:
            beyond = await connection.fetchval(numbered(BATCHES_OF), node) - BATCHES_KEPT_MAX
            if beyond > 0:
                await connection.execute(numbered(OLDEST_BATCHES_GO), node, node, beyond - 1)
        except Exception as error:
            raise await self.failed(error) from error

    def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        """Stop, keeping the time at which the last batch was durable (0: there was none). Raises StoreError."""
        try:
            if durable_before_ns:
                self.run(self.note(node, sealed_ns, durable_before_ns))
        finally:
            self.abandon()

    async def note(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        connection = await self.connected()
        try:
            await connection.execute(numbered(insert(BATCHES)), node, sealed_ns, durable_before_ns)
        except Exception as error:
            raise await self.failed(error) from error

    def abandon(self) -> None:
        """Let go of it as it is."""
        self.drop()
        if not self.loop.is_closed():
            # What the connection has left behind on the loop.
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()
