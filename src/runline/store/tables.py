"""Tables: their columns and statements, derived from the row types. Beside them the log, the heads, refusals and batches.

Rule: a statement is one that SQLite and PostgreSQL both have. Its values are marked by `?`, which stands in it for nothing else;
what only one of them is told is a hint (`store/hints.py`).
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from runline.domain.invariants import check
from runline.domain.rows import Column, columns
from runline.domain.state import Row
from runline.store.hints import Hints

if TYPE_CHECKING:
    from runline.domain.vocabulary import Vocabulary

SCHEMA_REVISION = "0011"
"""The newest migration."""


class Table(msgspec.Struct, frozen=True):
    """A table: the first `key_length` columns are its primary key. held_while: (column, value): of its rows that belong in memory
    only those of that value do; None for all."""

    name: str
    columns: tuple[Column, ...]
    key_length: int
    held_while: tuple[str, str] | None = None

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns[: self.key_length])

    @property
    def rest(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns[self.key_length :])


def text(name: str) -> Column:
    return Column(name, "text", False)


def integer(name: str) -> Column:
    return Column(name, "integer", False)


def blob(name: str) -> Column:
    return Column(name, "blob", False)


EVENTS = Table(
    "events",
    (text("stream"), integer("seq"), blob("command"), blob("digest"), blob("body"), blob("hash")),
    2,
)
HEADS = Table(
    "heads",
    (
        text("stream"),
        integer("epoch"),
        integer("seq"),
        blob("hash"),
        integer("at_ns"),
        integer("held_rows"),
        integer("held_sum"),
        Column("commits", "integer", True),
        Column("chain", "blob", True),
    ),
    1,
)
"""held_rows, held_sum: how many rows belong in memory, and the sum of their `changed_seq`. A page that is older than it should
be has rows that are missing or have changed since, so that they are fewer or their sum is less. commits, chain: of the last
transaction with events of the stream (see store/opening.py)."""
REFUSALS = Table(
    "refusals",
    (
        text("stream"),
        integer("minute"),
        text("actor"),
        text("command"),
        text("code"),
        integer("count"),
        integer("first_ns"),
        integer("last_ns"),
        blob("first_id"),
        text("message"),
        text("details"),
    ),
    5,
)
BATCHES = Table("batches", (text("node"), integer("sealed_ns"), integer("durable_before_ns")), 2)
OPENINGS = Table(
    "openings",
    (
        integer("number"),
        text("log"),
        integer("opened_ns"),
        integer("commits"),
        blob("hash"),
        Column("closed", "boolean", False),
        text("found"),
    ),
    1,
)
"""Each opening of the file, and how far the counting had come with it: see store/opening.py."""

SYSTEM_TABLES = (HEADS, EVENTS, REFUSALS, BATCHES, OPENINGS)


@cache
def table_of(row_type: type[Row]) -> Table:
    """The table of a row type: the stream's id, then the fields."""
    return Table(row_type.table, (text("stream"), *columns(row_type)), row_type.key_length + 1, row_type.held_while)


class Tables(msgspec.Struct, frozen=True):
    """The tables of rows, by name, in the order of their names. held: those whose rows belong in memory, all of them or those of
    one value."""

    by_name: dict[str, Table]
    held: frozenset[str]


def tables_of(vocabulary: "Vocabulary") -> Tables:
    """The tables of all rows that a vocabulary declares."""
    rows = vocabulary.rows
    return Tables({name: table_of(rows[name]) for name in sorted(rows)}, vocabulary.kept())


NO_TABLES = Tables({}, frozenset())
"""Before anybody has said what is to be kept."""


class Index(msgspec.Struct, frozen=True):
    """An index; where: the rows that it holds (partial), as SQL, or ""."""

    name: str
    table: str
    columns: tuple[str, ...]
    where: str


SYSTEM_INDEXES = (
    Index("events_by_command", "events", ("command",), ""),
    Index("refusals_by_first_id", "refusals", ("first_id", "minute"), ""),
)
"""Commands in the log, and the first refused ones."""


@cache
def indexes_of(row_type: type[Row]) -> tuple[Index, ...]:
    """The indexes of a row type: by what its rows are looked up and read.

    Rows that leave memory are looked up and read by indexes of those that have left, so that placing pays for none of
    them: an entry in the order of the players is a page written for each wager. What is still open is read in the order
    of the key, and that index holds the fields as well, so that a walk through it takes no rows.
    """
    name, key = row_type.table, table_of(row_type).key
    found: list[Index] = []
    where = ""
    fields = (row_type.found_by, *row_type.read_by) if row_type.found_by else row_type.read_by
    if row_type.held_while is not None:
        field, value = row_type.held_while
        beside = tuple(one for one in fields if one != field)
        found.append(Index(f"{name}_held", name, (*key, *beside), f"{field} = '{value}'"))
        where = f"{field} <> '{value}'"
    return (*found, *(Index(f"{name}_by_{one}", name, ("stream", one, *key[1:]), where) for one in fields))


def indexes_in(vocabulary: "Vocabulary") -> tuple[Index, ...]:
    """All indexes: the log's, and those of the rows that a vocabulary declares, in the order of their tables' names."""
    rows = vocabulary.rows
    return (*SYSTEM_INDEXES, *(index for name in sorted(rows) for index in indexes_of(rows[name])))


@cache
def following(row_type: type[Row], hints: Hints) -> tuple[str, ...]:
    """The statements for the next rows that have left memory, by a value of what they are looked up by, after a key: those that
    have it themselves, and those that others name for it. Each in the order of the keys; no row is in both."""
    table, held = table_of(row_type), row_type.held_while
    check(held is not None and row_type.found_by is not None, "rows that leave memory are looked up by something")
    assert held is not None
    key, gone = table.key[1], f"{table.name}.{held[0]} <> '{held[1]}'"
    own = select(row_type, f"AND \"{row_type.found_by}\" = ? AND {key} > ? AND {held[0]} <> '{held[1]}'", hints)
    if row_type.found_through is None:
        return (f"{own} LIMIT ?",)
    through = table_of(row_type.found_through)
    columns = ", ".join(f'{table.name}."{name}"' for name in (*table.key[1:], *table.rest))
    named = (
        f"SELECT {columns} FROM {through.name} {hints.looked_up} {table.name} USING (stream, {key}) "
        f"WHERE {through.name}.stream = ? AND {through.key[1]} = ? AND {through.name}.{key} > ? AND {gone} "
        f"ORDER BY {through.name}.{key}"
    )
    return f"{own} LIMIT ?", f"{named} LIMIT ?"


def quoted(names: Iterable[str]) -> str:
    """Names of columns as a list. (One is `user`, which means something else to PostgreSQL unless it is quoted.)"""
    return ", ".join(f'"{name}"' for name in names)


def equal(names: Iterable[str]) -> str:
    """That columns have the values that are given."""
    return " AND ".join(f'"{name}" = ?' for name in names)


def or_replace(table: Table) -> str:
    """Where there is a row of a key already: replace all that is not the key."""
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in table.rest)
    return f" ON CONFLICT ({quoted(table.key)}) DO UPDATE SET {changes}"


@cache
def upsert(table: Table) -> str:
    """Insert a row, or replace all that is not its key."""
    return insert(table) + or_replace(table)


@cache
def insert(table: Table) -> str:
    """Insert a row that is new."""
    marks = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {table.name} ({quoted((*table.key, *table.rest))}) VALUES ({marks})"


@cache
def delete(table: Table) -> str:
    """Delete a row by its key."""
    return f"DELETE FROM {table.name} WHERE {equal(table.key)}"


@cache
def held_totals(table: Table) -> str:
    """For each stream: how many of its rows belong in memory, and the sum of their positions."""
    held = table.held_while
    where = f" WHERE {held[0]} = '{held[1]}'" if held else ""
    return f"SELECT stream, count(*), CAST(sum(changed_seq) AS BIGINT) FROM {table.name}{where} GROUP BY stream"


@cache
def is_numbered(table: Table) -> bool:
    """Whether the key of a stream's rows is one number."""
    return table.key_length == 2 and table.columns[1].kind == "integer"


@cache
def highest_number(table: Table) -> str:
    """Of a stream: the highest number of its rows."""
    return f"SELECT max({table.columns[1].name}) FROM {table.name} WHERE stream = ?"


@cache
def select(row_type: type[Row], where: str, hints: Hints) -> str:
    """The rows of a stream (without the stream's column) in the order of their keys.

    Where an index holds exactly the rows that the condition ends with, it is hinted at (of those that have left memory the
    first, by which they are looked up).
    """
    table = table_of(row_type)
    fitting = [index for index in indexes_of(row_type) if index.where and where.endswith(index.where)]
    through = hints.through(fitting[0].name) if fitting else ""
    columns = quoted((*table.key[1:], *table.rest))
    return f"SELECT {columns} FROM {table.name}{through} WHERE stream = ? {where} ORDER BY {quoted(table.key[1:])}"
