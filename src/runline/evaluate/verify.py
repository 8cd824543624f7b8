"""Verify: prove that log = tables = chain. Replays the log and compares every row of every table."""

import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import msgspec

from runline.domain.invariants import BrokenInvariant
from runline.domain.state import ROWS
from runline.engine.ports import GENESIS, Head, StoreError
from runline.evaluate.anchor import Anchor, open_tables
from runline.evaluate.replay import Differs, replay_stream, scratch
from runline.store.sqlite import SqliteReader, migrate, open_connection, store_error
from runline.store.tables import SCHEMA_REVISION, Table, row_tables

DIFFERENCES_MAX = 20
"""Differences named for each table."""


class Report(msgspec.Struct):
    """What was verified.

    streams: events replayed, by stream. rows: rows compared, by table. differences: what does not agree, in words.
    """

    streams: dict[str, int]
    rows: dict[str, int]
    differences: list[str]


def verify(
    path: Path, anchor: Anchor | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> Report:
    """Replay a database's log from nothing (or from an anchor) and compare. The engine may go on meanwhile.

    progress: called with (events done, events in all). Raises StoreError if the file cannot be read.
    """
    if not path.is_file():
        raise StoreError("unreadable", f"There is no database {path}.")
    connection = open_connection(path, writing=False)
    try:
        connection.execute("BEGIN")
        revision = connection.execute("SELECT version_num FROM alembic_version").get
        if revision != SCHEMA_REVISION:
            raise StoreError("unreadable", f"{path} has schema {revision}, this Runline has {SCHEMA_REVISION}.")
        with tempfile.TemporaryDirectory(prefix="runline-verify-") as folder:
            return compare(connection, Path(folder) / "replay.sqlite", anchor, progress)
    except apsw.Error as error:
        raise store_error(error) from error
    except UnicodeDecodeError as error:
        raise StoreError("unreadable", f"A stored text is not text: {error}") from error
    finally:
        connection.close()


def compare(
    connection: apsw.Connection, folded: Path, anchor: Anchor | None, progress: Callable[[int, int], None]
) -> Report:
    if anchor is not None:
        open_tables(anchor, folded)
    tables = scratch(folded)
    if anchor is None:
        migrate(tables, folded)
    report = Report({}, {}, [])
    starts = {head.stream: head for head in anchor.heads} if anchor else {}
    log = SqliteReader(connection)
    rows = log.read("SELECT stream, epoch, seq, hash, at_ns FROM heads ORDER BY stream", ())
    try:
        heads = {row[0]: msgspec.convert(dict(zip(Head.__struct_fields__, row, strict=True)), Head) for row in rows}
    except msgspec.ValidationError as error:
        raise StoreError("unreadable", f"The heads cannot be read: {error}") from error
    total = sum(head.seq - (starts[head.stream].seq if head.stream in starts else 0) for head in heads.values())
    done = 0
    for stream in starts:
        if stream not in heads:
            report.differences.append(f"{stream}: the anchor knows this stream, the database does not")
    for extra in log.read("SELECT DISTINCT stream FROM events WHERE stream NOT IN (SELECT stream FROM heads)", ()):
        report.differences.append(f"{extra[0]}: there are events, but no head")

    def count(events: int) -> None:
        nonlocal done
        done += events
        progress(done, total)

    tables.execute("BEGIN")
    for head in heads.values():
        start = starts.get(head.stream, Head(head.stream, 0, 0, GENESIS, 0))
        try:
            replayed = replay_stream(log, tables, start, head, count)
            report.streams[head.stream] = replayed.events
            if replayed.hash != head.hash:
                report.differences.append(f"{head.stream}: the head's hash is not that of the last event")
            if replayed.state.at_ns != head.at_ns:
                report.differences.append(f"{head.stream}: the head's time is not that of the last event")
            beyond = log.read("SELECT count(*) FROM events WHERE stream = ? AND seq > ?", (head.stream, head.seq))
            if beyond[0][0]:
                report.differences.append(f"{head.stream}: {beyond[0][0]} events lie beyond the head")
        except (Differs, BrokenInvariant) as error:
            report.differences.append(str(error))
    tables.execute("COMMIT")
    tables.close()
    connection.execute("ATTACH ? AS folded", (str(folded),))
    for table in row_tables():
        compare_table(connection, table, report)
    return report


def compare_table(connection: apsw.Connection, table: Table, report: Report) -> None:
    """Name the rows that are in one set of tables and not, or not so, in the other."""
    report.rows[table.name] = connection.execute(f"SELECT count(*) FROM main.{table.name}").get
    proved_by = ROWS[table.name].proved_by
    names = [column.name for column in table.columns if column.name not in proved_by]
    stored = f"SELECT {', '.join(names)} FROM main.{table.name}"
    folded = f"SELECT {', '.join(names)} FROM folded.{table.name}"
    only_stored = keyed(connection, f"{stored} EXCEPT {folded}", table)
    only_folded = keyed(connection, f"{folded} EXCEPT {stored}", table)
    for found, key in enumerate(sorted({**only_stored, **only_folded}, key=repr)):
        if found >= DIFFERENCES_MAX:
            report.differences.append(f"{table.name}: more rows differ")
            return
        ours, theirs = only_stored.get(key), only_folded.get(key)
        where = f"{table.name} {' '.join(map(str, key))}"
        if ours is None:
            report.differences.append(f"{where}: the log has this row, the table does not")
        elif theirs is None:
            report.differences.append(f"{where}: the table has this row, the log does not")
        else:
            changes = [
                f"{name} is {mine!r}, by the log {other!r}"
                for name, mine, other in zip(names, ours, theirs, strict=True)
                if mine != other
            ]
            report.differences.append(f"{where}: {', '.join(changes)}")
    for secret, digest in proved_by.items():
        compare_digests(connection, table, secret, digest, report, {**only_stored, **only_folded})


def compare_digests(
    connection: apsw.Connection,
    table: Table,
    secret: str,
    digest: str,
    report: Report,
    named: dict[tuple[Any, ...], Any],
) -> None:
    """Name the rows whose secret is not the one of which the log has the digest, but those that are named already."""
    columns = ", ".join((*table.key, secret, digest))
    found = 0
    for *key, text, expected in connection.execute(f"SELECT {columns} FROM main.{table.name}"):
        right = isinstance(text, str) and sha256(text.encode()).hexdigest() == expected
        if not right and tuple(key) not in named and found < DIFFERENCES_MAX:
            found += 1
            where = f"{table.name} {' '.join(map(str, key))}"
            report.differences.append(f"{where}: {secret} is not what {digest} is the digest of")


def keyed(connection: apsw.Connection, sql: str, table: Table) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = connection.execute(f"{sql} LIMIT {DIFFERENCES_MAX + 1}").fetchall()
    return {row[: table.key_length]: row for row in rows}
