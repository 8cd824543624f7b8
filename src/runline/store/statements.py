"""Statements on the log, the heads, the refusals and the batches, on tables as a whole, and on the tree.

Those on single rows are derived. Rule: as in `store/tables.py`, what SQLite and PostgreSQL both have, with values marked by `?`.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from runline.store.hints import Hints
from runline.store.tables import REFUSALS, Table, insert, quoted

# Heads

HEADS_AS_THEY_ARE = "SELECT stream, epoch, seq, hash, at_ns, held_rows, held_sum FROM heads"

HEADS_IN_ORDER = f"{HEADS_AS_THEY_ARE} ORDER BY stream"

HEAD = f"{HEADS_AS_THEY_ARE} WHERE stream = ?"

POSITION = "SELECT seq FROM heads WHERE stream = ?"

FENCE = (
    "INSERT INTO heads (stream, epoch, seq, hash, at_ns, held_rows, held_sum, commits, chain) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at_ns = excluded.at_ns, "
    "held_rows = excluded.held_rows, held_sum = excluded.held_sum, commits = excluded.commits, chain = excluded.chain "
    "WHERE heads.epoch = excluded.epoch AND heads.seq = ?"
)
"""Move a stream's head, if it is where this process has left it: then one row is changed, else none."""

COUNTED_WITH_HEADS = "SELECT commits, chain FROM heads WHERE commits > ? ORDER BY commits DESC LIMIT 1"
"""How far the counting of transactions has come with the heads, if that is farther than so many."""

CLAIM = (
    "INSERT INTO heads (stream, epoch, seq, hash, at_ns, held_rows, held_sum) VALUES (?, 1, 0, ?, 0, 0, 0) "
    "ON CONFLICT (stream) DO UPDATE SET epoch = heads.epoch + 1 WHERE heads.epoch = coalesce(?, heads.epoch)"
)
"""Raise a stream's epoch, if it is the one that was seen (or none is named): then one row is changed, else none."""

# The log

EVENTS_AFTER = (
    "SELECT stream, seq, command, digest, body, hash FROM events WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?"
)

ENTRIES_BEFORE = "SELECT seq, body FROM events WHERE stream = ? AND seq < ? ORDER BY seq DESC LIMIT ?"

ENTRIES_OF_COMMAND = "SELECT body FROM events WHERE command = ? AND stream = ? ORDER BY seq LIMIT ?"

ENTRIES_OF_COMMAND_ANYWHERE = "SELECT body FROM events WHERE command = ? ORDER BY stream, seq"

LAST_COMMANDS = (
    "SELECT command, digest, seq FROM events WHERE stream = ? AND length(digest) > 0 ORDER BY seq DESC LIMIT ?"
)


def spans_made(rows: Sequence[Any]) -> tuple[list[tuple[bytes, bytes]], int]:
    """What `Reading.made_commands` gives. rows: each span's first and last id, the latest first; in each row beside them the
    position of the first event of all, and the lowest id of all."""
    spans = [(begin, end) for begin, end, _, _ in rows]
    _, end, first, lowest = rows[-1]
    return [*spans[:-1], (lowest, end)], first


STREAMS_WITHOUT_HEAD = "SELECT DISTINCT stream FROM events WHERE stream NOT IN (SELECT stream FROM heads)"

EVENTS_BEYOND = "SELECT count(*) FROM events WHERE stream = ? AND seq > ?"

# Refusals

REFUSE = (
    f"{insert(REFUSALS)} ON CONFLICT (stream, minute, actor, command, code) "
    "DO UPDATE SET count = refusals.count + excluded.count, last_ns = excluded.last_ns"
)

REFUSALS_GO = "DELETE FROM refusals WHERE stream = ? AND minute < ?"

REFUSALS_BEYOND_GO = (
    "DELETE FROM refusals WHERE stream = ? AND minute < "
    "(SELECT minute FROM refusals WHERE stream = ? ORDER BY minute DESC LIMIT 1 OFFSET ?)"
)
"""All that are of earlier minutes than the last of so many newest."""

REFUSALS_BEFORE = (
    "SELECT minute, actor, command, code, count, first_ns, last_ns, first_id, message, details FROM refusals "
    "WHERE stream = ? AND (minute, actor, command, code) < (?, ?, ?, ?) "
    "ORDER BY minute DESC, actor DESC, command DESC, code DESC"
)

REFUSED_COMMAND = "SELECT stream, actor, code, message FROM refusals WHERE first_id = ? ORDER BY minute DESC LIMIT 1"

# Batches

BATCHES_AFTER = (
    "SELECT sealed_ns, durable_before_ns FROM batches WHERE node = ? AND sealed_ns >= ? ORDER BY sealed_ns LIMIT 2"
)
"""The batch that an event is in, and the next one, which says since when the one before it is durable."""

BATCHES_OF = "SELECT count(*) FROM batches WHERE node = ?"

OLDEST_BATCHES_GO = (
    "DELETE FROM batches WHERE node = ? AND sealed_ns <= "
    "(SELECT sealed_ns FROM batches WHERE node = ? ORDER BY sealed_ns LIMIT 1 OFFSET ?)"
)

# Tables as a whole

SCHEMA = "SELECT version_num FROM alembic_version"
"""Which revision of the schema a database has."""

FIGURES = (
    "SELECT count(*), count(*) FILTER (WHERE status = 'open'), "
    "coalesce(sum(risk_minor) FILTER (WHERE status <> 'void'), 0), "
    "coalesce(sum(risk_minor - returned_minor) FILTER (WHERE status = 'settled'), 0) FROM tickets WHERE stream = ?"
)
"""Of a book: its tickets, the open ones, what was wagered, and what the book has won on settled ones, in minor units."""


def every_row(table: Table, columns: Iterable[str] = ()) -> str:
    """All rows of a table, whole or some columns of them, in the order of their keys."""
    names = quoted(columns or (column.name for column in table.columns))
    return f"SELECT {names} FROM {table.name} ORDER BY {quoted(table.key)}"


def how_many(table: Table) -> str:
    """How many rows a table has."""
    return f"SELECT count(*) FROM {table.name}"


def every_row_goes(table: str) -> str:
    """Empty a table."""
    return f"DELETE FROM {table}"


# The tree


@cache
def subtree(hints: Hints) -> str:
    """A node, and all below it in a stream."""
    return (
        f"WITH RECURSIVE below(name) AS (SELECT CAST(? AS TEXT){hints.by_bytes} UNION SELECT agents.name "
        f"FROM below {hints.looked_up} agents ON agents.parent = below.name AND agents.stream = ?) SELECT name FROM below"
    )
