"""Verify: prove that log = tables = chain. Replays the log and compares every row of every table."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec

from runline.domain.invariants import BrokenInvariant
from runline.domain.vocabulary import Vocabulary, plain_vocabulary
from runline.engine.ports import GENESIS, Head
from runline.evaluate.anchor import Anchor, open_tables
from runline.evaluate.comparing import Differences
from runline.evaluate.replay import Differs, replay_stream, scratch
from runline.store.examined import Examined, examining, heads_of
from runline.store.file import store_error
from runline.store.schema import schema_sql
from runline.store.statements import EVENTS_BEYOND, STREAMS_WITHOUT_HEAD, every_row
from runline.store.tables import held_totals, tables_of
from runline.store.where import Place


class Report(msgspec.Struct):
    """What was verified.

    streams: events replayed, by stream. rows: rows compared, by table. differences: what does not agree, in words.
    """

    streams: dict[str, int]
    rows: dict[str, int]
    differences: list[str]


def verify(
    place: Place,
    anchor: Anchor | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    vocabulary: Vocabulary | None = None,
) -> Report:
    """Replay a database's log from nothing (or from an anchor) and compare. The engine may go on meanwhile.

    progress: called with (events done, events in all). vocabulary: what is told there; all that Runline declares, by default.
    Raises StoreError if it cannot be read.
    """
    with examining(place) as database:
        return verified(database, anchor, progress, vocabulary or plain_vocabulary())


def verified(
    database: Examined, anchor: Anchor | None, progress: Callable[[int, int], None], vocabulary: Vocabulary
) -> Report:
    """The same of a database that is examined."""
    with tempfile.TemporaryDirectory(prefix="runline-verify-") as folder:
        try:
            return Verification(database, Path(folder) / "replay.sqlite", vocabulary, anchor, progress).run()
        except apsw.Error as error:
            raise store_error(error) from error


class Verification:
    """One verification: what is known so far of a database, and the tables that its log is folded into.

    The log is folded without holding on to a state of the database, for what is in the log never changes. Only what has come
    meanwhile, and the comparison, are of one state.
    """

    def __init__(
        self,
        database: Examined,
        folded: Path,
        vocabulary: Vocabulary,
        anchor: Anchor | None,
        progress: Callable[[int, int], None],
    ) -> None:
        self.database = database
        self.vocabulary = vocabulary
        self.stored = tables_of(vocabulary)
        self.progress = progress
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
        try:
            self.fold(heads_of(self.database))
            self.report.differences += self.database.faults()
            with self.database.state():
                heads = heads_of(self.database)
                self.fold(heads)
                self.check_logs(heads)
                self.compare()
                if not self.report.differences:
                    # Where rows differ, the counts do as well.
                    self.check_held(heads)
        finally:
            self.tables.close()
        return self.report

    def differs(self, difference: str) -> None:
        self.report.differences.append(difference)

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
                replayed = replay_stream(
                    self.database, self.tables, self.vocabulary, self.start_of(stream), head, count
                )
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
        for (extra,) in self.database.read(STREAMS_WITHOUT_HEAD):
            self.differs(f"{extra}: there are events, but no head")
        for head in heads.values():
            if head.stream not in self.broken:
                ((beyond,),) = self.database.read(EVENTS_BEYOND, (head.stream, head.seq))
                if beyond:
                    self.differs(f"{head.stream}: {beyond} events lie beyond the head")

    def compare(self) -> None:
        """That the tables are what the log makes of them."""
        for name, table in self.stored.by_name.items():
            differences = Differences(table, self.vocabulary.rows[name].proved_by)
            differences.compare(self.database, self.tables.execute(every_row(table, differences.compared)))
            self.report.rows[name] = differences.rows
            self.report.differences += differences.found

    def check_held(self, heads: dict[str, Head]) -> None:
        """That the rows that belong in memory are those that were counted as they were committed."""
        found: dict[str, tuple[int, int]] = {}
        for name in sorted(self.stored.held):
            for stream, rows, total in self.database.read(held_totals(self.stored.by_name[name])):
                before = found.get(stream, (0, 0))
                found[stream] = before[0] + rows, before[1] + total
        for head in heads.values():
            if found.get(head.stream, (0, 0)) != (head.held_rows, head.held_sum):
                self.differs(f"{head.stream}: the head counts other rows in memory than there are")
