"""The registry in PostgreSQL: two connections, one for renewing and looking and one for everything else, so that no assignment
holds up a renewal.

Rule: nothing that was sent is cancelled. Whoever waits no longer lets go of the connection; then it is not known whether it was
done.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from runline.cluster.limits import ANSWERS_S_MAX, GONE_KEPT_MAX, LOCK_S_MAX, SILENT_S_MAX
from runline.cluster.registry import (
    COORDINATOR,
    HOUSE_IS_ELSEWHERE,
    Assigned,
    Given,
    Lease,
    Load,
    Node,
    NotTheirs,
    RegistryError,
    Seen,
    Taken,
    Whose,
)
from runline.engine.ports import StoreError
from runline.store import cluster_statements as sql
from runline.store.postgres_connection import Connection, connect, is_gone, store_error
from runline.store.postgres_demands import commit_durably
from runline.store.postgres_hosts import require_private

V = TypeVar("V")

Way = Literal["leases", "streams"]

SILENCE_S: dict[Way, float] = {"leases": SILENT_S_MAX, "streams": ANSWERS_S_MAX}

UNDEFINED_TABLE = "42P01"

NO_REGISTRY = "The database has no registry of nodes. Remedy: start `runline serve` on it, which makes its tables."

encode = msgspec.json.Encoder().encode
decode_loads = msgspec.json.Decoder(dict[str, Load]).decode
decode_conditions = msgspec.json.Decoder(tuple[str, ...]).decode

NO_NODES = "No node has ever joined. Remedy: start one first."


def nobody_wakes() -> None:
    """Nobody wants to know."""


class PostgresRegistry:
    """The registry of a database. url: its address. name: of the process, as its sessions are called. Raises StoreError
    `unreadable` for an address that others could listen at."""

    def __init__(self, url: str, name: str) -> None:
        require_private(url)
        self.url = url
        self.name = name
        self.connections: dict[Way, Connection] = {}
        self.locks: dict[Way, asyncio.Lock] = {"leases": asyncio.Lock(), "streams": asyncio.Lock()}
        self.wake: Callable[[], None] = nobody_wakes
        self.read: Mapping[str, Assigned] = {}
        self.read_up_to: str | None = None
        self.read_over: Connection | None = None
        """All streams, as they were read last: up to which transaction, and over which connection."""

    # Asking

    async def ask(self, way: Way, statement: str, *values: Any) -> list[Any]:
        """What a statement finds. Raises RegistryError."""
        return await self.ask_over(way, statement, lambda _: values)

    async def ask_over(self, way: Way, statement: str, values: Callable[[Connection], Sequence[Any]]) -> list[Any]:
        """The same, where what is asked depends on over which connection it is. Raises RegistryError."""
        async with self.locks[way]:
            try:
                async with asyncio.timeout(ANSWERS_S_MAX):
                    connection = await self.connected(way)
                return await self.answered(way, connection.fetch(statement, *values(connection)))
            except StoreError as error:
                raise RegistryError(str(error)) from error
            except TimeoutError:
                raise RegistryError("The database does not answer in time.") from None
            except Exception as error:
                if is_gone(error):
                    self.let_go(way)
                if getattr(error, "sqlstate", "") == UNDEFINED_TABLE:
                    raise RegistryError(NO_REGISTRY) from error
                raise RegistryError(str(store_error(error))) from error

    async def answered(self, way: Way, work: Coroutine[Any, Any, V]) -> V:
        """What has been sent is waited for, up to a time, and never cancelled. Raises TimeoutError."""
        asked = asyncio.ensure_future(work)
        try:
            await asyncio.wait({asked}, timeout=SILENCE_S[way])
            if asked.done():
                return asked.result()
            raise TimeoutError
        finally:
            if not asked.done():
                asked.add_done_callback(unheard)
                self.let_go(way)

    async def connected(self, way: Way) -> Connection:
        """A connection whose commits are durable. Raises StoreError and what the driver raises."""
        connection = self.connections.get(way)
        if connection is None or connection.is_closed():
            connection = await connect(self.url, f"runline {self.name} {way}")
            try:
                await commit_durably(connection)
                await connection.execute(f"SET lock_timeout = '{LOCK_S_MAX:g}s'")
                if way == "leases":
                    await connection.add_listener(sql.CHANNEL, self.hear)
            except BaseException:
                connection.terminate()
                raise
            self.connections[way] = connection
            # What was told meanwhile was not heard.
            self.wake()
        return connection

    def hear(self, *_: Any) -> None:
        """Something has changed."""
        self.wake()

    def let_go(self, way: Way) -> None:
        """Of a connection, whatever is on its way."""
        connection = self.connections.pop(way, None)
        if connection is not None:
            connection.terminate()

    def listen(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    async def close(self) -> None:
        self.wake = nobody_wakes
        for way in list(self.connections):
            self.let_go(way)

    # Leases

    async def look(self) -> Seen:
        return seen_in(await self.ask("leases", sql.LOOK), ())

    async def renew(self, held: Sequence[Lease]) -> Seen:
        names, numbers = [one.name for one in held], [one.number for one in held]
        return seen_in(await self.ask("leases", sql.RENEW, names, numbers), names)

    async def take(self, name: str, holder: str, seen: Lease | None) -> Lease | None:
        # Whoever else is just renewing it is waited for: over the way on which no renewal of our own waits behind it.
        if seen is None:
            found = await self.ask("streams", sql.TAKE_FIRST, name, holder)
        else:
            found = await self.ask("streams", sql.TAKE, name, holder, seen.number, seen.counter)
        return Lease(name, holder, found[0][0], found[0][1]) if found else None

    # Nodes and streams

    async def describe(self, node: Node) -> None:
        await self.ask("streams", sql.DESCRIBE, node.name, node.incarnation, node.address, node.version, node.level)
        await self.ask("streams", sql.FORGET, GONE_KEPT_MAX)

    async def set_level(self, level: int, seen: Seen) -> bool:
        return await self.done(sql.SET_LEVEL, level, seen.level, seen.levels)

    async def measured(
        self, node: str, incarnation: int, cpu_ppm: int, loads: Mapping[str, Load], conditions: Sequence[str] = ()
    ) -> None:
        said = encode(loads).decode(), encode(conditions).decode()
        await self.ask("streams", sql.MEASURED, node, incarnation, cpu_ppm, *said)

    async def nodes(self) -> Mapping[str, Node]:
        return {
            name: Node(
                name,
                incarnation,
                address,
                version,
                draining,
                cpu_ppm,
                decode_loads(loads),
                level,
                decode_conditions(conditions),
            )
            for (
                name,
                incarnation,
                address,
                version,
                draining,
                cpu_ppm,
                loads,
                level,
                conditions,
            ) in await self.ask("streams", sql.NODES)
        }

    async def streams(self) -> Mapping[str, Assigned]:
        over: list[Connection] = []

        def since(connection: Connection) -> tuple[str | None]:
            # Over another connection it may be another database, which counts its transactions otherwise.
            over.append(connection)
            return (self.read_up_to if connection is self.read_over else None,)

        rows = await self.ask_over("streams", sql.STREAMS_SINCE, since)
        [connection] = over
        known = dict(self.read) if connection is self.read_over else {}
        for _, *row in rows:
            if row[0] is not None and (one := Assigned(*row)) != known.get(one.stream):
                known[one.stream] = one
        self.read, self.read_up_to, self.read_over = known, rows[0][0], connection
        return known

    async def enroll(self, streams: Iterable[str]) -> None:
        await self.ask("streams", sql.ENROLL, list(streams))

    async def assign(self, given: Sequence[Given], term: int) -> Collection[str]:
        by_column = columns((one.stream.stream, one.stream.changed, one.node, one.incarnation) for one in given)
        return frozenset(row[0] for row in await self.ask("streams", sql.ASSIGN, COORDINATOR, term, *by_column))

    async def want(self, before: Assigned, node: str, term: int) -> bool:
        return await self.done(sql.WANT, COORDINATOR, term, before.stream, before.changed, node)

    async def taken(self, taken: Sequence[Taken]) -> None:
        by_column = columns((one.stream, one.node, one.incarnation, one.number, epoch) for one, epoch in taken)
        await self.ask("streams", sql.TAKEN, *by_column)

    async def hand_over(self, assigned: Assigned, incarnation: int) -> bool:
        one = assigned
        return await self.done(
            sql.HAND_OVER, one.stream, one.node, one.incarnation, one.number, one.wanted, incarnation
        )

    async def pin(self, stream: str, node: str, house: Assigned | None = None) -> bool:
        return await self.wished(sql.PIN, house, stream, node)

    async def move(self, stream: str, node: str, house: Assigned | None = None) -> bool:
        return await self.wished(sql.MOVE, house, stream, node)

    async def drain(self, node: str, draining: bool, house: Assigned | None = None) -> bool:
        return await self.wished(sql.DRAIN, house, node, draining)

    async def secret(self, offered: bytes, whose: Whose = "nodes") -> bytes:
        if offered:
            await self.ask("streams", sql.OFFER_SECRET[whose], offered)
        found = await self.ask("streams", sql.SECRET[whose])
        if not found:
            raise RegistryError(NO_NODES)
        return bytes(found[0][0])

    async def wished(self, statement: str, house: Assigned | None, *values: Any) -> bool:
        """Whether a statement has changed something, for the owner of the house. Raises NotTheirs."""
        as_whom = (house.node, house.incarnation, house.number) if house is not None else ("", 0, 0)
        [(theirs, done)] = await self.ask("streams", statement, *values, *as_whom)
        if house is not None and not theirs:
            raise NotTheirs(HOUSE_IS_ELSEWHERE)
        return bool(done)

    async def done(self, statement: str, *values: Any) -> bool:
        """Whether a statement has changed something."""
        return bool(await self.ask("streams", statement, *values))


def columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows, of which there are some, as lists of the values of each column."""
    return [list(column) for column in zip(*rows, strict=True)]


def unheard(task: asyncio.Future[Any]) -> None:
    """Nobody waits for this any more, nor for what goes wrong with it."""
    if not task.cancelled():
        task.exception()


def seen_in(rows: Sequence[Any], held: Sequence[str]) -> Seen:
    """What a look has found. Of the leases that were to be renewed it has those that were."""
    leases: dict[str, Lease] = {}
    # Of the level there is a row also where nobody has ever had a lease.
    stamp, level, levels = rows[0][5:8]
    for name, holder, number, counter, age_ms, *_, renewed in rows:
        if name is None:
            continue
        if renewed is not None:
            leases[name] = Lease(name, holder, number, renewed)
        elif name not in held:
            leases[name] = Lease(name, holder, number, counter, age_ms)
    return Seen(leases, stamp, level, levels)
