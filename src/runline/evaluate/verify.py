"""Verify: prove that log = tables = chain. Replays the log and compares every row of every table."""

import tempfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import msgspec

from runline.domain.invariants import BrokenInvariant
from runline.domain.vocabulary import Vocabulary, plain_vocabulary
from runline.engine.ports import GENESIS, Head, StoreError
from runline.evaluate.anchor import Anchor, open_tables
from runline.evaluate.replay import Differs, replay_stream, scratch
from runline.store.file import open_connection, snapshot, store_error
from runline.store.mark import Mark, MarkDamaged, load_mark
from runline.store.opening import damage_in_wal, last_opening
from runline.store.schema import schema_sql
from runline.store.sqlite import SqliteReader
from runline.store.statements import (
    EVENTS_BEYOND,
    HEADS_IN_ORDER,
    SCHEMA,
    STREAMS_WITHOUT_HEAD,
    every_row,
    how_many,
)
from runline.store.tables import SCHEMA_REVISION, Table, held_totals, tables_of

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
    path: Path,
    anchor: Anchor | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    vocabulary: Vocabulary | None = None,
) -> Report:
    """Replay a database's log from nothing (or from an anchor) and compare. The engine may go on meanwhile.

    progress: called with (events done, events in all). vocabulary: what is told there; all that Runline declares, by default.
    Raises StoreError if the file cannot be read.
    """
    if not path.is_file():
        raise StoreError("unreadable", f"There is no database {path}.")
    connection = open_connection(path, writing=False)
    try:
        revision = connection.execute(SCHEMA).get
        if revision != SCHEMA_REVISION:
            raise StoreError("unreadable", f"{path} has schema {revision}, this Runline has {SCHEMA_REVISION}.")
        with tempfile.TemporaryDirectory(prefix="runline-verify-") as folder:
            folded = Path(folder) / "replay.sqlite"
            return Verification(path, connection, folded, vocabulary or plain_vocabulary(), anchor, progress).run()
    except apsw.Error as error:
        raise store_error(error) from error
    except UnicodeDecodeError as error:
        raise StoreError("unreadable", f"A stored text is not text: {error}") from error
    finally:
        connection.close()


class Verification:
    """One verification: what is known so far of a file, and the tables that its log is folded into.

    The log is folded without holding on to a state of the file, for that would keep the WAL from being copied: what is in the
    log never changes. Only what has come meanwhile, and the comparison, are of one state.
    """

    def __init__(
        self,
        path: Path,
        connection: apsw.Connection,
        folded: Path,
        vocabulary: Vocabulary,
        anchor: Anchor | None,
        progress: Callable[[int, int], None],
    ) -> None:
        self.path = path
        self.connection = connection
        self.folded = folded
        self.vocabulary = vocabulary
        self.stored = tables_of(vocabulary)
        self.progress = progress
        self.log = SqliteReader(connection)
        self.report = Report({}, {}, [])
        self.starts = {head.stream: head for head in anchor.heads} if anchor else {}
        self.reached: dict[str, Head] = {}
        self.broken: set[str] = set()
        self.done = 0
        if anchor is not None:
            open_tables(anchor, folded, self.stored)
        self.tables = scratch(folded)
        if anchor is None:
            for sql in schema_sql(vocabulary):
                self.tables.execute(sql)

    def run(self) -> Report:
        """Fold, and compare."""
        mark = self.mark()
        damaged = damage_in_wal(self.connection, self.path)
        if damaged:
            self.differs(f"the file: {damaged}")
        self.fold(self.heads())
        with snapshot(self.connection, self.path):
            heads = self.heads()
            self.fold(heads)
            self.tables.close()
            self.check_logs(heads)
            self.check_file(mark)
            self.connection.execute("ATTACH ? AS folded", (str(self.folded),))
            for name, table in self.stored.by_name.items():
                compare_table(self.connection, table, self.vocabulary.rows[name].proved_by, self.report)
            if not self.report.differences:
                # Where rows differ, the counts do as well.
                self.check_held()
        return self.report

    def differs(self, difference: str) -> None:
        self.report.differences.append(difference)

    def mark(self) -> Mark | None:
        """How far the file was durable when this began."""
        try:
            found = load_mark(self.path)
        except MarkDamaged as error:
            self.differs(str(error))
            return None
        return found[0] if found else None

    def heads(self) -> dict[str, Head]:
        """The heads as they are."""
        rows = self.log.read(HEADS_IN_ORDER, ())
        try:
            return {row[0]: msgspec.convert(dict(zip(Head.__struct_fields__, row, strict=True)), Head) for row in rows}
        except msgspec.ValidationError as error:
            raise StoreError("unreadable", f"The heads cannot be read: {error}") from error

    def start_of(self, stream: str) -> Head:
        """From where a stream is still to be folded."""
        return self.reached.get(stream) or self.starts.get(stream) or Head(stream, 0, 0, GENESIS, 0)

    def fold(self, heads: dict[str, Head]) -> None:
        """Fold each stream's log up to its head."""
        todo = [head for head in heads.values() if head.stream not in self.broken and self.is_ahead(head)]
        total = self.done + sum(head.seq - self.start_of(head.stream).seq for head in todo)

        def count(events: int) -> None:
            self.done += events
            self.progress(self.done, total)

        self.tables.execute("BEGIN")
        for head in todo:
            stream = head.stream
            try:
                replayed = replay_stream(self.log, self.tables, self.vocabulary, self.start_of(stream), head, count)
            except (Differs, BrokenInvariant) as error:
                self.differs(str(error))
                self.broken.add(stream)
                continue
            self.report.streams[stream] = self.report.streams.get(stream, 0) + replayed.events
            if replayed.hash != head.hash:
                self.differs(f"{stream}: the head's hash is not that of the last event")
                self.broken.add(stream)
            if replayed.state.at_ns != head.at_ns:
                self.differs(f"{stream}: the head's time is not that of the last event")
            self.reached[stream] = head
        self.tables.execute("COMMIT")

    def is_ahead(self, head: Head) -> bool:
        """Whether a stream has not been folded up to this head."""
        return head.stream not in self.reached or self.reached[head.stream].seq < head.seq

    def check_logs(self, heads: dict[str, Head]) -> None:
        """That there is nothing in the log but what leads to the heads."""
        for stream in self.starts:
            if stream not in heads:
                self.differs(f"{stream}: the anchor knows this stream, the database does not")
        for extra in self.log.read(STREAMS_WITHOUT_HEAD, ()):
            self.differs(f"{extra[0]}: there are events, but no head")
        for head in heads.values():
            if head.stream not in self.broken:
                ((beyond,),) = self.log.read(EVENTS_BEYOND, (head.stream, head.seq))
                if beyond:
                    self.differs(f"{head.stream}: {beyond} events lie beyond the head")

    def check_file(self, mark: Mark | None) -> None:
        """That the file is whole, pages, tables and indexes, and not behind its mark."""
        for (found,) in self.log.read(f"PRAGMA integrity_check({DIFFERENCES_MAX})", ()):
            if found != "ok":
                self.differs(f"the file: {found}")
        opening = last_opening(self.connection)
        if mark is None or opening is None:
            return
        if mark.log != opening.log:
            self.differs(f"the mark beside the file is of another log, {mark.log}")
        elif opening.commits < mark.commits:
            self.differs(f"transaction {mark.commits} was durable, the file ends at {opening.commits}")
        elif opening.commits == mark.commits and opening.hash != mark.hash:
            self.differs(f"transaction {mark.commits} is another one than was durable")

    def check_held(self) -> None:
        """That the rows that belong in memory are those that were counted as they were committed."""
        found: dict[str, tuple[int, int]] = {}
        for name in sorted(self.stored.held):
            for stream, rows, total in self.log.read(held_totals(self.stored.by_name[name]), ()):
                before = found.get(stream, (0, 0))
                found[stream] = before[0] + rows, before[1] + total
        for row in self.log.read(HEADS_IN_ORDER, ()):
            head = Head(*row)
            if found.get(head.stream, (0, 0)) != (head.held_rows, head.held_sum):
                self.differs(f"{head.stream}: the head counts other rows in memory than there are")


def compare_table(connection: apsw.Connection, table: Table, proved_by: Mapping[str, str], report: Report) -> None:
    """Name the rows that are in one set of tables and not, or not so, in the other. proved_by: see `RowMeta`."""
    report.rows[table.name] = connection.execute(how_many(table, "main")).get
    names = [column.name for column in table.columns if column.name not in proved_by]
    stored, folded = every_row(table, names, "main"), every_row(table, names, "folded")
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
    found = 0
    for *key, text, expected in connection.execute(every_row(table, (*table.key, secret, digest), "main")):
        right = isinstance(text, str) and sha256(text.encode()).hexdigest() == expected
        if not right and tuple(key) not in named and found < DIFFERENCES_MAX:
            found += 1
            where = f"{table.name} {' '.join(map(str, key))}"
            report.differences.append(f"{where}: {secret} is not what {digest} is the digest of")


def keyed(connection: apsw.Connection, sql: str, table: Table) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = connection.execute(f"{sql} LIMIT {DIFFERENCES_MAX + 1}").fetchall()
    return {row[: table.key_length]: row for row in rows}
