"""Folded: the log, folded again beside the engine, event by event, into tables of its own.

Rule: what a batch writes is exactly what its events change, and nothing else. So tables and log agree at each batch, wherever
somebody looks.
"""

from typing import Any

from runline.domain.book import Book
from runline.domain.execution import fold, needs
from runline.domain.rows import key_of, row_encoder
from runline.domain.sessions import Session
from runline.domain.state import State
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import GENESIS, Stretch
from runline.evaluate.replay import Differs, check_entry
from runline.simulate.story import Wrong
from runline.store.memory import MemoryStore
from runline.store.tables import tables_of

Written = dict[str, dict[tuple[Any, ...], tuple[Any, ...] | None]]
"""Rows by table and key; None: it is deleted."""


class Folded:
    """Every stream, as its log says it is. store: the tables that follow from the logs. ended: at which position each
    session has ended."""

    def __init__(self, vocabulary: Vocabulary, ended: dict[tuple[str, str], int]) -> None:
        self.vocabulary = vocabulary
        self.tables = tables_of(vocabulary)
        self.store = MemoryStore(lambda size: bytes(size))
        self.store.tables = self.tables
        self.states: dict[str, State] = {}
        self.chains: dict[str, bytes] = {}
        self.ended = ended

    def durable(self, stretches: list[Stretch]) -> None:
        """A batch is durable. Raises Wrong."""
        for stretch in stretches:
            if stretch.events:
                self.take(stretch)
            elif any(stretch.rows.values()) or any(stretch.dropped.values()):
                raise Wrong(f"{stretch.before.stream}: rows change without an event")

    def take(self, stretch: Stretch) -> None:
        """Fold a stretch's events, and compare with what it writes."""
        stream = stretch.before.stream
        state = self.states.get(stream)
        if state is None:
            state = self.states[stream] = self.vocabulary.state_of(stream)
        chain, written = self.chains.get(stream, GENESIS), Written()
        for row in stretch.events:
            try:
                entry = check_entry(row, state, chain)
            except Differs as differs:
                raise Wrong(str(differs)) from differs
            event = entry.event(self.vocabulary)
            chain = row[5]
            for need in needs(state, event):
                for found in self.store.fetch_one(stream, need):
                    if found.key() not in state.held[type(found)]:
                        state.hold(found)
            fold(state, event, entry.seq, entry.at_ns)
            self.write(state, written)
        self.chains[stream] = chain
        if isinstance(state, Book):
            state.tickets.evict(state.seq)
        if stretch.after.hash != chain or stretch.after.at_ns != state.at_ns:
            raise Wrong(f"{stream}: the head of {stretch.after.seq} is not that of its log")
        self.compare(stretch, written)

    def write(self, state: State, written: Written) -> None:
        """Write what an event has changed."""
        rows = self.store.rows
        for row in state.dropped.values():
            key = key_of(type(row))(state.stream, row)
            rows.get(row.table, {}).pop(key, None)
            if isinstance(row, Session):
                self.ended[state.stream, row.name] = state.seq
            written.setdefault(row.table, {})[key] = None
        for row in state.changed.values():
            values = row_encoder(type(row))(state.stream, row)
            key = values[: self.tables.by_name[row.table].key_length]
            rows.setdefault(row.table, {})[key] = values
            written.setdefault(row.table, {})[key] = values
        state.changed, state.dropped, state.timers.due = {}, {}, []

    def compare(self, stretch: Stretch, written: Written) -> None:
        """What the batch has written must be what was changed. (Secrets stand in rows only.)"""
        for name, rows in stretch.rows.items():
            length = self.tables.by_name[name].key_length
            expected = written.get(name, {})
            for row in rows:
                found = expected.pop(row[:length], None)
                if found != row and not self.is_proved(name, row, found):
                    raise Wrong(f"{name}: the batch up to {stretch.after.seq} writes {row}, by the log it is {found}")
        for name, keys in stretch.dropped.items():
            for key in keys:
                if written.get(name, {}).pop(key, None) is not None:
                    raise Wrong(f"{name}: the batch up to {stretch.after.seq} deletes {key}, the log does not")
        for name, left in written.items():
            for values in left.values():
                if values is not None:
                    raise Wrong(f"{name}: the batch up to {stretch.after.seq} does not write {values}")

    def is_proved(self, name: str, row: tuple[Any, ...], found: tuple[Any, ...] | None) -> bool:
        """Whether a row differs only in what no log has; it is taken over."""
        kind = self.vocabulary.rows[name]
        if found is None or not kind.proved_by:
            return False
        names = [column.name for column in self.tables.by_name[name].columns]
        same = all(
            one == other for column, one, other in zip(names, row, found, strict=True) if column not in kind.proved_by
        )
        if same:
            self.store.rows[name][row[: self.tables.by_name[name].key_length]] = row
        return same
