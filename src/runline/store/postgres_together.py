"""Read together: several streams, none of them large, are read from PostgreSQL by a statement for each table, not for each table
and stream.

Rule: who reads them begins one after the other, and reads of each what a start reads. Whatever the first one wants is read for
all, and kept for the others until they want it. All of them were claimed before, so that nobody else writes to them.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

from runline.domain.rows import rows_of
from runline.domain.state import Need, Row, by_pieces
from runline.engine.ports import EventRow, Head, Reading, TakeRows
from runline.store.limits import COMMANDS_TOGETHER_MAX, ROWS_AT_ONCE
from runline.store.postgres_hints import POSTGRESQL
from runline.store.tables import quoted, select, table_of

Rows = list[tuple[Any, ...]]

EVENTS_AFTER_EACH = """
SELECT v.stream, next.seq, next.command, next.digest, next.body, next.hash
FROM unnest(?::text[], ?::bigint[]) AS v (stream, after) CROSS JOIN LATERAL (
    SELECT * FROM events WHERE stream = v.stream AND seq > v.after ORDER BY seq LIMIT ?
) AS next ORDER BY v.stream, next.seq
"""

LAST_COMMANDS_OF_EACH = """
SELECT v.stream, last.command, last.digest, last.seq FROM unnest(?::text[]) AS v (stream) CROSS JOIN LATERAL (
    SELECT command, digest, seq FROM events WHERE stream = v.stream AND length(digest) > 0 ORDER BY seq DESC LIMIT ?
) AS last ORDER BY v.stream, last.seq
"""


@cache
def held_by(row_type: type[Row]) -> str:
    """What finds a stream's rows of a type that belong in memory."""
    return select(row_type, held_where(row_type), POSTGRESQL)


@cache
def held_by_each(row_type: type[Row]) -> str:
    """The same of several streams: each row after its stream."""
    table = table_of(row_type)
    names = quoted((*table.key, *table.rest))
    return f"SELECT {names} FROM {table.name} WHERE stream = ANY(?) {held_where(row_type)} ORDER BY {quoted(table.key)}"


def held_where(row_type: type[Row]) -> str:
    """Which rows of a type belong in memory."""
    held = row_type.held_while
    return f"AND {held[0]} = '{held[1]}'" if held else ""


class Server(Reading, Protocol):
    """What reads each stream for itself."""

    async def read(self, sql: str, *values: Any) -> list[Any]:
        """The rows that a statement finds."""
        ...


class ReadTogether:
    """Reads them. heads: as they were claimed."""

    def __init__(self, server: Server, heads: Mapping[str, Head]) -> None:
        self.server = server
        self.claimed = heads
        self.streams = list(heads)
        self.found: dict[Any, dict[str, Rows]] = {}
        """What was read for all and not been taken yet, by what it is, and stream."""

    async def taken(self, what: Any, stream: str, sql: str, *values: Any) -> Rows | None:
        """Of the rows that a statement finds, which begin with their stream, those of one; None if they were taken already."""
        if what in self.found:
            # Others have their turns, as they have while the server is asked.
            await asyncio.sleep(0)
        else:
            rows = await self.server.read(sql, self.streams, *values)
            of_each = {one: list(found) for one, found in groupby(rows, itemgetter(0))}
            self.found[what] = {one: of_each.get(one, []) for one in self.streams}
        return self.found[what].pop(stream, None)

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        rows = await self.taken(row_type, stream, held_by_each(row_type))
        if rows is None:
            return await self.server.held_rows(stream, row_type)
        made: list[Any] = []
        for piece in by_pieces(rows, ROWS_AT_ONCE):
            made += rows_of(row_type, [row[1:] for row in piece])
            await asyncio.sleep(0)
        return made

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        afters = [before_end(head) for head in self.claimed.values()]
        rows = None
        if after == before_end(self.claimed[stream]):
            rows = await self.taken(("events", limit), stream, EVENTS_AFTER_EACH, afters, limit)
        return await self.server.events(stream, after, limit) if rows is None else list(map(tuple, rows))

    async def commands(self, stream: str, limit: int) -> Sequence[tuple[bytes, bytes, int]]:
        most = min(limit, COMMANDS_TOGETHER_MAX)
        rows = await self.taken(("commands", most), stream, LAST_COMMANDS_OF_EACH, most)
        if rows is None or len(rows) == most < limit:
            return await self.server.commands(stream, limit)
        return [(command, digest, seq) for _, command, digest, seq in rows]

    # What is read of each for itself

    async def heads(self, streams: Collection[str] | None = None) -> dict[str, Head]:
        return await self.server.heads(streams)

    async def held_at_once(self, stream: str, row_types: Sequence[type[Row]], take: TakeRows) -> Head:
        return await self.server.held_at_once(stream, row_types, take)

    async def fetch(self, stream: str, needs: Sequence[Need]) -> list[list[Any]]:
        return await self.server.fetch(stream, needs)

    async def made_commands(
        self, stream: str, before: int, limit: int, spans: int
    ) -> tuple[Sequence[tuple[bytes, bytes]], int]:
        return await self.server.made_commands(stream, before, limit, spans)


def before_end(head: Head) -> int:
    """The position after which the last event of a log stands."""
    return max(head.seq - 1, 0)
