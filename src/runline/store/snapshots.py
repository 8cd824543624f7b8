"""Snapshots: what is read of a stream in one state of a database, whichever it is."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from runline.domain.rows import rows_of
from runline.domain.state import R, Row
from runline.engine.ports import Found, Refusal, RefusalKey, Snapshot, Wanted
from runline.store.batches import times_of
from runline.store.hints import Hints
from runline.store.statements import (
    BATCHES_AFTER,
    ENTRIES_BEFORE,
    ENTRIES_OF_COMMAND,
    POSITION,
    REFUSALS_BEFORE,
    subtree,
)
from runline.store.tables import equal, select, table_of
from runline.store.ways import find, named, of_agents, ways_to

ABOVE_ALL: RefusalKey = (2**62, "", "", "")


class TableSnapshot(ABC):
    """A stream in one state of a database. hints: what that is told. Errors of its driver become StoreError where that ends."""

    hints: Hints

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.position: int = next((seq for (seq,) in self.read(POSITION, (stream,))), 0)

    @abstractmethod
    def read(self, sql: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """The rows that a statement finds, as they are taken."""

    @abstractmethod
    def of_stream(self, stream: str) -> Snapshot:
        """Another stream in the same state."""

    def row(self, row_type: type[R], *key: Any) -> R | None:
        table = table_of(row_type)
        found = next(self.read(select(row_type, f"AND {equal(table.key[1:])}", self.hints), (self.stream, *key)), None)
        return rows_of(row_type, [found])[0] if found is not None else None

    def subtree(self, top: str) -> frozenset[str]:
        return frozenset(name for (name,) in self.read(subtree(self.hints), (top, self.stream)))

    def find(self, row_type: type[Row], wanted: Wanted, limit: int, *beside: str) -> Found:
        agents = wanted.agents
        within = (of_agents(row_type, self.stream, agents, self.hints),) if agents is not None else ()
        ways = ways_to(row_type, wanted, within)
        found = find(self.read, self.hints, ways, self.stream, wanted, limit + 1, *beside)
        if len(found.numbers) > limit:
            return Found(found.numbers[:limit], found.numbers[limit - 1][0])
        return found

    def rows(self, row_type: type[R], numbers: Iterable[int]) -> list[R]:
        table = table_of(row_type)
        sql = select(row_type, f"AND {equal(table.key[1:])}", self.hints)
        return rows_of(row_type, (row for number in numbers for row in self.read(sql, (self.stream, number))))

    def named(self, row_type: type[R], text: str, having: Mapping[str, Collection[str]]) -> Iterator[R | None]:
        for is_wanted, *row in named(self.read, self.hints, row_type, self.stream, text, having):
            yield rows_of(row_type, [tuple(row)])[0] if is_wanted else None

    def entries(self, before: int, limit: int) -> Iterator[tuple[int, bytes]]:
        return ((seq, body) for seq, body in self.read(ENTRIES_BEFORE, (self.stream, before, limit)))

    def made_by(self, command: bytes, limit: int) -> list[bytes]:
        return [body for (body,) in self.read(ENTRIES_OF_COMMAND, (command, self.stream, limit))]

    def refusals(self, before: RefusalKey | None) -> Iterator[Refusal]:
        rows = self.read(REFUSALS_BEFORE, (self.stream, *(before or ABOVE_ALL)))
        return (Refusal(*row) for row in rows)

    def batch_of(self, node: str, decided_ns: int) -> tuple[int | None, int | None]:
        found: Any = list(self.read(BATCHES_AFTER, (node, decided_ns)))
        return times_of(found)
