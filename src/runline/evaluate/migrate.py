"""Migrate: a house and its books with their logs, copied into another database, and the proof that it holds the same.

Rule: what is moved stands still. A source that goes on while it is copied would accept what the copy does not have: so nobody may
serve it meanwhile, and a head that has moved all the same ends the copy. What cannot be proved is not kept.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Head, StoreError
from runline.evaluate.verify import verified
from runline.store.examined import Examined, Values, examining, heads_of
from runline.store.filled import Filled, alone_with, filling, tables_to_fill
from runline.store.statements import every_row, how_many
from runline.store.tables import HEADS, Table
from runline.store.where import Place

ROWS_AT_ONCE = 2_000
"""Rows that are held in memory at a time."""

Progress = Callable[[int, int], None]


class Migrated(msgspec.Struct):
    """What was copied, and whether it is kept.

    streams: the position of each. rows: how many each table has. digests: a SHA-256 of each table's rows in the order of their
    keys. differences: what does not agree, in words; then nothing was kept.
    """

    streams: dict[str, int]
    rows: dict[str, int]
    digests: dict[str, str]
    differences: list[str]


class Counted(msgspec.Struct):
    """Rows that have gone through, and a digest of them."""

    rows: int = 0
    digest: str = ""


def migrate(source: Place, target: Place, vocabulary: Vocabulary, copying: Progress, replaying: Progress) -> Migrated:
    """Copy a database into an empty one, prove that both are the same, and keep it then.

    copying: called with (rows done, rows in all). replaying: called with (events done, events in all).
    Raises StoreError if one of them cannot be used, or somebody serves it.
    """
    with alone_with(source), examining(source) as old, filling(target, vocabulary) as new:
        for fault in old.faults():
            raise StoreError("unreadable", f"What would be copied is damaged: {fault}.")
        with old.state():
            heads = heads_of(old)
            copied = copy(old, new, vocabulary, copying)
        if heads_of(old) != heads:
            raise StoreError(
                "unreadable", "Somebody has begun to serve the source while it was copied. Stop them first."
            )
        new.settle()
        differences = list(compared(new, heads, copied, vocabulary))
        differences += verified(new, None, replaying, vocabulary).differences
        if not differences:
            new.keep()
        return Migrated(
            {head.stream: head.seq for head in heads.values()},
            {name: one.rows for name, one in copied.items()},
            {name: one.digest for name, one in copied.items()},
            differences,
        )


def copy(old: Examined, new: Filled, vocabulary: Vocabulary, progress: Progress) -> dict[str, Counted]:
    """Copy every table; returns what each of them holds, by name."""
    tables = tables_to_fill(vocabulary)
    total = sum(rows for table in tables for (rows,) in old.read(how_many(table)))
    done = 0
    copied: dict[str, Counted] = {}
    for table in tables:
        counted = copied[table.name] = Counted()
        rows = through(table, old.walk(every_row(table)), counted)
        while some := list(islice(rows, ROWS_AT_ONCE)):
            try:
                new.write(table, some)
            except StoreError as error:
                raise StoreError(error.kind, f"{table.name} cannot be copied: {error}") from error
            done += len(some)
            progress(done, total)
    return copied


def compared(
    new: Examined, heads: dict[str, Head], copied: dict[str, Counted], vocabulary: Vocabulary
) -> Iterator[str]:
    """What the copy holds otherwise, in words."""
    if heads_of(new) != heads:
        yield "the heads are others"
    for table in tables_to_fill(vocabulary):
        counted = Counted()
        for _ in through(table, new.walk(every_row(table)), counted):
            pass
        if counted != copied[table.name]:
            yield f"{table.name}: {counted.rows} rows of digest {counted.digest} instead of {copied[table.name].rows}"


def through(table: Table, rows: Iterable[Values], counted: Counted) -> Iterator[Values]:
    """Rows as any database takes them, counted as they go through."""
    digest = hashlib.sha256()
    encode = msgspec.json.Encoder().encode
    as_taken = made_plain(table)
    for row in rows:
        plain = as_taken(row) if as_taken else row
        digest.update(encode(plain))
        counted.rows += 1
        yield plain
    counted.digest = digest.hexdigest()


def made_plain(table: Table) -> Callable[[Values], Values] | None:
    """What makes a row of a table one that any database takes, None if it is that."""
    if table is HEADS:
        # How far the counting of a file's transactions has come is of that file alone.
        own = len(Head.__struct_fields__)
        return lambda row: (*row[:own], *(None for _ in row[own:]))
    truths = [place for place, column in enumerate(table.columns) if column.kind == "boolean"]
    if not truths:
        return None

    def with_truths(row: Values) -> Values:
        values: list[Any] = list(row)
        for place in truths:
            if values[place] is not None:
                values[place] = bool(values[place])
        return tuple(values)

    return with_truths
