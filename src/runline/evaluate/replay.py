"""Replay: the log, folded again from nothing (or from an anchor) into a second set of tables."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from runline.domain.book import Book
from runline.domain.execution import fold, needs, time_of
from runline.domain.invariants import BrokenInvariant
from runline.domain.rows import key_of, row_encoder
from runline.domain.state import State
from runline.domain.vocabulary import Vocabulary
from runline.engine.envelope import Logged, decode_envelope, link
from runline.engine.ids import id_bytes
from runline.engine.limits import READ_EVENTS
from runline.engine.ports import Head
from runline.engine.recovery import load
from runline.store.examined import Examined
from runline.store.sqlite import SqliteReader
from runline.store.statements import EVENTS_AFTER
from runline.store.tables import delete, table_of, upsert


class Differs(Exception):
    """The log does not hold together at an event."""


class Replayed(msgspec.Struct):
    """What a stream's log amounts to."""

    state: State
    hash: bytes
    events: int


def replay_stream(
    log: Examined,
    tables: apsw.Connection,
    vocabulary: Vocabulary,
    start: Head,
    end: Head,
    progress: Callable[[int], None],
) -> Replayed:
    """Fold a stream's log from a position to its end into tables (which hold the rows as of that position).

    Raises Differs at the first event that does not follow from the one before.
    """
    reader = SqliteReader(tables)
    empty = vocabulary.state_of(end.stream)
    state = asyncio.run(load(reader, empty, start))
    chain = start.hash
    while state.seq < end.seq:
        rows = log.read(EVENTS_AFTER, (end.stream, state.seq, min(READ_EVENTS, end.seq - state.seq)))
        if not rows:
            raise Differs(f"{end.stream}: the log ends at {state.seq}, its head is at {end.seq}")
        for row in rows:
            entry = check_entry(row, state, chain)
            chain = row[5]
            apply(entry, state, tables, reader)
        write(state, tables)
        progress(len(rows))
    return Replayed(state, chain, state.seq - start.seq)


def check_entry(row: tuple[Any, ...], state: State, chain: bytes) -> Logged:
    """The envelope of a stored event, if it is the one that must come next."""
    stream, seq, command, digest, body, stored_hash = row
    where = f"{stream} #{seq}"
    if seq != state.seq + 1:
        raise Differs(f"{stream}: position {state.seq + 1} is missing, {seq} follows {state.seq}")
    if not isinstance(body, bytes) or not isinstance(stored_hash, bytes):
        raise Differs(f"{where}: the columns are not of their kind")
    if link(chain, body) != stored_hash:
        raise Differs(f"{where}: the hash does not follow from the bytes")
    try:
        entry = decode_envelope(body)
    except msgspec.DecodeError as error:
        raise Differs(f"{where}: the envelope cannot be read: {error}") from error
    if (entry.stream, entry.seq) != (stream, seq):
        raise Differs(f"{where}: the envelope says {entry.stream} #{entry.seq}")
    if id_bytes(entry.command) != command or entry.digest != digest:
        raise Differs(f"{where}: the columns differ from the envelope")
    if entry.at_ns < time_of(state.at_ns, entry.at_ns):
        raise Differs(f"{where}: time goes back")
    return entry


def apply(entry: Logged, state: State, tables: apsw.Connection, reader: SqliteReader) -> None:
    """Fold an event into the state; rows that have left memory come from the tables."""
    where = f"{entry.stream} #{entry.seq}"
    try:
        event = entry.event(state.vocabulary)
        wanted = needs(state, event)
        if wanted:
            write(state, tables)
            for rows in asyncio.run(reader.fetch(entry.stream, wanted)):
                for row in rows:
                    state.hold(row)
        fold(state, event, entry.seq, entry.at_ns)
    except (KeyError, msgspec.DecodeError, msgspec.ValidationError, BrokenInvariant, TypeError) as error:
        raise Differs(f"{where}: {entry.type} cannot be applied: {type(error).__name__}: {error}") from error


def write(state: State, tables: apsw.Connection) -> None:
    """Write the changed rows, and let go of what has closed."""
    for row in state.dropped.values():
        tables.execute(delete(table_of(type(row))), key_of(type(row))(state.stream, row))
    for row in state.changed.values():
        tables.execute(upsert(table_of(type(row))), row_encoder(type(row))(state.stream, row))
    state.changed, state.dropped, state.timers.due = {}, {}, []
    if isinstance(state, Book):
        state.tickets.evict(state.seq)


def scratch(path: Path) -> apsw.Connection:
    """Tables to fold into: a file that need not survive."""
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "off")
    connection.pragma("synchronous", "off")
    return connection
