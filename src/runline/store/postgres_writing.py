"""Writing what is sealed into PostgreSQL, one transaction for each batch.

Rule: the heads come first. Where they are as this process has left them, epoch, position and hash, they are moved and held until
the end of the transaction; where not, another process owns the stream and nothing of it is written. A small batch goes over as
one statement, in one round trip; of a larger one the heads and the batch's times do, then each table.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import asyncpg

from runline.engine.limits import REFUSALS_KEPT_MAX
from runline.engine.ports import GENESIS, Head, Sealed, StoreError, Stretch
from runline.store.limits import SMALL_ROWS_MAX
from runline.store.postgres_connection import Connection, literal, numbered
from runline.store.statements import HEADS_AS_THEY_ARE, REFUSALS_BEYOND_GO, REFUSALS_GO, REFUSE
from runline.store.tables import EVENTS, Table, Tables, highest_number, is_numbered, or_replace, quoted

Rows = Sequence[tuple[Any, ...]]

KINDS = {"text": "text", "json": "text", "integer": "bigint", "boolean": "boolean", "blob": "bytea"}

OWN = "h.stream = v.stream AND h.epoch = v.epoch AND h.seq = v.before AND h.hash = v.before_hash"

MOVED = "UPDATE heads AS h SET seq = v.seq, hash = v.hash, at_ns = v.at_ns, held_rows = v.held_rows, held_sum = v.held_sum FROM"
MOVE_COLUMNS = "v(stream, epoch, seq, hash, at_ns, held_rows, held_sum, before, before_hash)"
MOVE_KINDS = ("text", "bigint", "bigint", "bytea", "bigint", "bigint", "bigint", "bigint", "bytea")

FOUND = "INSERT INTO heads (stream, epoch, seq, hash, at_ns, held_rows, held_sum) VALUES"

HEADS_HELD = f"{HEADS_AS_THEY_ARE} WHERE stream = ANY($1) ORDER BY stream FOR UPDATE"

FENCED = asyncpg.exceptions.DivisionByZeroError
"""What a small batch fails with if not every head is as it should be: the one way in which a statement can undo itself."""


class Highest:
    """Up to which number each stream has rows in the tables whose keys are numbers: what has a higher one is new."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], int] = {}
        """At least as high as what is stored. (A transaction that is undone leaves it higher.)"""

    def forget(self, stream: str) -> None:
        """Another process may have written to a stream."""
        self.known = {which: number for which, number in self.known.items() if which[0] != stream}

    async def learn(self, connection: Connection, sealed: Sealed, tables: Tables) -> None:
        """Ask for what is not known of the streams and tables of a batch."""
        for stretch in sealed.stretches:
            stream = stretch.before.stream
            for name in stretch.rows:
                if (stream, name) not in self.known and is_numbered(tables.by_name[name]):
                    sql = numbered(highest_number(tables.by_name[name]))
                    self.known[stream, name] = await connection.fetchval(sql, stream) or 0

    def split(self, table: Table, stream: str, rows: Rows) -> tuple[Rows, Rows]:
        """Rows of a stream that are about to be written: (new ones, those of which there may be an earlier state)."""
        highest = self.known.get((stream, table.name))
        if highest is None or not rows:
            return [], rows
        numbers = [row[1] for row in rows]
        self.known[stream, table.name] = max(highest, *numbers)
        if min(numbers) > highest:
            return rows, []
        return [row for row in rows if row[1] > highest], [row for row in rows if row[1] <= highest]


def moves(stretches: Iterable[Stretch]) -> list[tuple[Any, ...]]:
    """How the heads move: those after, and where they must have been before."""
    return [
        (one.after.stream, one.after.epoch, one.after.seq, one.after.hash, one.after.at_ns, one.after.held_rows,
         one.after.held_sum, one.before.seq, one.before.hash)
        for one in stretches
    ]  # fmt: skip


def columns_of(rows: Rows, width: int) -> list[list[Any]]:
    """Rows as lists of the values of each column."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def arrays(kinds: Iterable[str]) -> str:
    """Marks for values that are lists, one for each column."""
    return f"unnest({', '.join(f'?::{kind}[]' for kind in kinds)})"


@cache
def insert_all(table: Table) -> str:
    """Insert rows that are new, given by column."""
    names = quoted(column.name for column in table.columns)
    kinds = (KINDS[column.kind] for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM {arrays(kinds)}"


@cache
def upsert_all(table: Table) -> str:
    """Insert rows, or replace all that is not their keys."""
    return insert_all(table) + or_replace(table)


@cache
def delete_all(table: Table) -> str:
    """Delete rows by their keys."""
    kinds = (KINDS[column.kind] for column in table.columns[: table.key_length])
    same = " AND ".join(f'{table.name}."{name}" = k."{name}"' for name in table.key)
    return f"DELETE FROM {table.name} USING {arrays(kinds)} AS k({quoted(table.key)}) WHERE {same}"


@cache
def at_once(parts: tuple[str, ...]) -> str:
    """One statement that moves the heads, notes the batch's times and does these parts; or nothing, if a head is elsewhere."""
    named = ", ".join(f"part{place} AS ({part})" for place, part in enumerate(parts))
    return numbered(
        f"WITH moved AS ({MOVED} {arrays(MOVE_KINDS)} AS {MOVE_COLUMNS} WHERE {OWN} RETURNING 1), "
        "noted AS (INSERT INTO batches (node, sealed_ns, durable_before_ns) VALUES (?, ?, ?) ON CONFLICT DO NOTHING)"
        f"{', ' if named else ''}{named} "
        "SELECT 1 / CASE WHEN (SELECT count(*) FROM moved) = ?::bigint THEN 1 ELSE 0 END"
    )


def is_small(sealed: Sealed) -> bool:
    """Whether a batch goes over as one statement: few rows, none that go, nothing refused, every stream claimed."""
    rows = 0
    for stretch in sealed.stretches:
        if stretch.dropped or stretch.refusals or stretch.refusals_before or not stretch.before.epoch:
            return False
        rows += len(stretch.events) + sum(map(len, stretch.rows.values()))
    return rows <= SMALL_ROWS_MAX


def by_table(
    stretches: Iterable[Stretch], tables: Tables, highest: Highest
) -> tuple[dict[Table, Any], dict[Table, Any]]:
    """What is written, by table: (new rows, those of which there may be an earlier state)."""
    new: dict[Table, list[tuple[Any, ...]]] = {}
    known: dict[Table, list[tuple[Any, ...]]] = {}
    for stretch in stretches:
        if stretch.events:
            new.setdefault(EVENTS, []).extend(stretch.events)
        for name, rows in stretch.rows.items():
            table = tables.by_name[name]
            for found, into in zip(highest.split(table, stretch.before.stream, rows), (new, known), strict=True):
                if found:
                    into.setdefault(table, []).extend(found)
    return new, known


async def write_at_once(connection: Connection, sealed: Sealed, tables: Tables, highest: Highest) -> None:
    """Write a small batch, in one round trip. Raises FENCED if a stream is another process's; then nothing is written."""
    new, known = by_table(sealed.stretches, tables, highest)
    parts = (*map(insert_all, new), *map(upsert_all, known))
    values: list[Any] = columns_of(moves(sealed.stretches), len(MOVE_KINDS))
    values += [sealed.node, sealed.sealed_ns, sealed.durable_before_ns]
    for table, rows in chain(new.items(), known.items()):
        values += columns_of(rows, len(table.columns))
    await connection.fetchval(at_once(parts), *values, len(sealed.stretches))


async def write_in_turn(connection: Connection, sealed: Sealed, tables: Tables, highest: Highest) -> frozenset[str]:
    """Write a batch table by table. Returns the streams that another process owns, of which nothing is written.

    What it raises leaves the transaction open, if there is one.
    """
    stretches = sealed.stretches
    if not await move_heads(connection, sealed, stretches):
        await connection.execute("ROLLBACK; BEGIN")
        await found_heads(connection, stretches)
        held = {
            row["stream"]: Head(*row)
            for row in await connection.fetch(HEADS_HELD, [one.before.stream for one in stretches])
        }
        stretches = [one for one in stretches if is_at(held.get(one.before.stream), one.before)]
        if not await move_heads(connection, sealed, stretches, begin=""):
            raise StoreError(
                "unreadable", "The heads are held and as they should be, and the server does not move them."
            )
    await write_rows(connection, stretches, tables, highest)
    await connection.execute("COMMIT")
    return frozenset(one.before.stream for one in sealed.stretches) - {one.before.stream for one in stretches}


def is_at(found: Head | None, before: Head) -> bool:
    """Whether a head is as this process has left it."""
    return found is not None and (found.epoch, found.seq, found.hash) == (before.epoch, before.seq, before.hash)


async def found_heads(connection: Connection, stretches: Sequence[Stretch]) -> None:
    """Have heads for streams that nobody has claimed: whoever commits first has them."""
    if any(not one.before.epoch for one in stretches):
        await connection.execute(founding(stretches))


def founding(stretches: Sequence[Stretch]) -> str:
    """The same as a statement, "" if there are none."""
    heads = ", ".join(
        f"({literal(one.before.stream)}, 0, 0, {literal(GENESIS)}, 0, 0, 0)"
        for one in stretches
        if not one.before.epoch
    )
    return f"{FOUND} {heads} ON CONFLICT (stream) DO NOTHING; " if heads else ""


async def move_heads(
    connection: Connection, sealed: Sealed, stretches: Sequence[Stretch], begin: str = "BEGIN; "
) -> bool:
    """Begin, note the batch's times and move the heads, in one round trip. Returns whether all of them were as they should be."""
    times = f"({literal(sealed.node)}, {literal(sealed.sealed_ns)}, {literal(sealed.durable_before_ns)})"
    noted = f"INSERT INTO batches (node, sealed_ns, durable_before_ns) VALUES {times} ON CONFLICT DO NOTHING"
    if not stretches:
        await connection.execute(f"{begin}{noted}")
        return True
    moving = ", ".join(f"({', '.join(map(literal, move))})" for move in moves(stretches))
    done = await connection.execute(
        f"{begin}{founding(stretches)}{noted}; {MOVED} (VALUES {moving}) AS {MOVE_COLUMNS} WHERE {OWN}"
    )
    return bool(done == f"UPDATE {len(stretches)}")


async def write_rows(connection: Connection, stretches: Sequence[Stretch], tables: Tables, highest: Highest) -> None:
    """Write what the stretches hold, table by table."""
    new, known = by_table(stretches, tables, highest)
    dropped: dict[str, list[tuple[Any, ...]]] = {}
    for stretch in stretches:
        for name, keys in stretch.dropped.items():
            dropped.setdefault(name, []).extend(keys)
    for name, keys in dropped.items():
        table = tables.by_name[name]
        await connection.execute(numbered(delete_all(table)), *columns_of(keys, table.key_length))
    for table, rows in new.items():
        names = [column.name for column in table.columns]
        await connection.copy_records_to_table(table.name, records=rows, columns=names)
    for table, rows in known.items():
        await connection.execute(numbered(upsert_all(table)), *columns_of(rows, len(table.columns)))
    counted = [
        (one.before.stream, of.minute, of.actor, of.command, of.code, of.count, of.first_ns, of.last_ns, of.first_id,
         of.message, of.details)
        for one in stretches
        for of in one.refusals
    ]  # fmt: skip
    if counted:
        await connection.executemany(numbered(REFUSE), counted)
    for one in stretches:
        if one.refusals_before:
            stream = one.before.stream
            await connection.execute(numbered(REFUSALS_GO), stream, one.refusals_before)
            await connection.execute(numbered(REFUSALS_BEYOND_GO), stream, stream, REFUSALS_KEPT_MAX - 1)
