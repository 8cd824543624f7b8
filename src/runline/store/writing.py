"""Writing what is sealed into the file, one transaction for each batch."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import apsw
from msgspec.structs import astuple

from runline.engine.limits import REFUSALS_KEPT_MAX
from runline.engine.ports import GENESIS, Sealed, Stretch
from runline.store.batches import BatchTimes
from runline.store.file import store_error
from runline.store.opening import Opening, count_commit, further
from runline.store.statements import CLAIM, FENCE, REFUSALS_BEYOND_GO, REFUSALS_GO, REFUSE
from runline.store.tables import (
    EVENTS,
    Table,
    Tables,
    delete,
    highest_number,
    insert,
    is_numbered,
    upsert,
)

Rows = list[tuple[Any, ...]]


def write_batch(
    connection: apsw.Connection,
    opening: Opening,
    sealed: Sealed,
    tables: Tables,
    times: BatchTimes,
    numbers: "Numbers",
) -> tuple[frozenset[str], Opening]:
    """Write a sealed batch in one transaction, and its times: (the streams that another process owns, how far the opening is).

    Raises StoreError; then nothing of the batch is stored.
    """
    try:
        after = further(opening, b"".join(stretch.after.hash for stretch in sealed.stretches))
        connection.execute("BEGIN IMMEDIATE")
        fenced = frozenset(
            stretch.before.stream for stretch in sealed.stretches if not fence(connection, stretch, after)
        )
        stretches = [stretch for stretch in sealed.stretches if stretch.before.stream not in fenced]
        write_stretches(connection, stretches, tables, numbers)
        times.note(connection, sealed.node, sealed.sealed_ns, sealed.durable_before_ns)
        connection.execute("COMMIT")
        # Without a head that moves there is nothing of which anybody is told.
        return fenced, after if stretches else opening
    except Exception as error:
        raise undone(connection, error) from error


def claim_stream(connection: apsw.Connection, opening: Opening, stream: str, seen: int | None) -> Opening | None:
    """Take a stream over: a new epoch, from which on commits of earlier owners are left out. seen: as for `Store.claim`. Returns
    how far the opening is; None if the stream has another epoch by now.

    Raises StoreError.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(CLAIM, (stream, GENESIS, seen))
        if not connection.changes():
            connection.execute("ROLLBACK")
            return None
        counted = count_commit(connection, opening, stream.encode())
        connection.execute("COMMIT")
        return counted
    except Exception as error:
        raise undone(connection, error) from error


def undone(connection: apsw.Connection, error: Exception) -> Exception:
    """Roll a transaction back that has failed, and say what that means."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    if isinstance(error, apsw.Error | OverflowError | TypeError | ValueError):
        return store_error(error)
    return error


def fence(connection: apsw.Connection, stretch: Stretch, opening: Opening) -> bool:
    """Move a stream's head, if it is where this process has left it. opening: how far it is with this transaction."""
    before, after = stretch.before, stretch.after
    connection.execute(FENCE, (*astuple(after), opening.commits, opening.hash, before.seq))
    return connection.changes() == 1


class Numbers:
    """Up to which number each stream has rows in the tables whose keys are numbers: what has a higher one is new."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.highest: dict[tuple[str, str], int] = {}
        """At least as high as what is stored. (A transaction that is undone leaves it higher.)"""

    def forget(self, stream: str) -> None:
        """Another process may have written to a stream."""
        self.highest = {which: number for which, number in self.highest.items() if which[0] != stream}

    def split(self, table: Table, stream: str, rows: Rows) -> tuple[Rows, Rows]:
        """Rows of a stream that are about to be written: (new ones, those of which there may be an earlier state in the file)."""
        if not is_numbered(table):
            return [], rows
        highest = self.highest.get((stream, table.name))
        if highest is None:
            highest = self.connection.execute(highest_number(table), (stream,)).get or 0
        numbers = [row[1] for row in rows]
        self.highest[stream, table.name] = max(highest, max(numbers))
        if min(numbers) > highest:
            return rows, []
        return [row for row in rows if row[1] > highest], [row for row in rows if row[1] <= highest]


def write_stretches(
    connection: apsw.Connection, stretches: Sequence[Stretch], tables: Tables, numbers: Numbers
) -> None:
    """Write what the stretches hold, table by table: a batch of many streams has few rows of each."""
    connection.executemany(insert(EVENTS), chain.from_iterable(stretch.events for stretch in stretches))
    dropped: dict[str, Rows] = {}
    counted: Rows = []
    for stretch in stretches:
        for name, keys in stretch.dropped.items():
            dropped.setdefault(name, []).extend(keys)
        stream = stretch.before.stream
        counted += [
            (stream, one.minute, one.actor, one.command, one.code, one.count, one.first_ns, one.last_ns, one.first_id,
             one.message, one.details)
            for one in stretch.refusals
        ]  # fmt: skip
    for name, keys in dropped.items():
        connection.executemany(delete(tables.by_name[name]), keys)
    # By statement. What is new needs a shorter one, which is found sooner: that is done anew for each row.
    written: dict[str, Rows] = {}
    for stretch in stretches:
        stream = stretch.before.stream
        for name, values in stretch.rows.items():
            table = tables.by_name[name]
            new, known = numbers.split(table, stream, values)
            if new:
                written.setdefault(insert(table), []).extend(new)
            if known:
                written.setdefault(upsert(table), []).extend(known)
    for statement, values in written.items():
        connection.executemany(statement, values)
    connection.executemany(REFUSE, counted)
    for stretch in stretches:
        if stretch.refusals_before:
            stream = stretch.before.stream
            connection.execute(REFUSALS_GO, (stream, stretch.refusals_before))
            connection.execute(REFUSALS_BEYOND_GO, (stream, stream, REFUSALS_KEPT_MAX - 1))
