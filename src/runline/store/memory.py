"""Memory: a store that forgets when the process ends. For tests, previews of ideas, and as the plainest reading of the port."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

import msgspec

from runline.domain.rows import rows_of
from runline.domain.state import ByKey, Need, Row
from runline.domain.vocabulary import Vocabulary
from runline.engine.ids import Entropy
from runline.engine.limits import BATCHES_KEPT_MAX, REFUSALS_KEPT_MAX
from runline.engine.ports import (
    GENESIS,
    EventRow,
    Head,
    History,
    Reading,
    Refusal,
    Report,
    Sealed,
    StoreError,
    TakeRows,
    claimed_elsewhere,
)
from runline.store.memory_history import MemoryHistory
from runline.store.tables import NO_TABLES, tables_of


class MemoryStore:
    """Everything in dictionaries; a batch is applied as a whole or not at all. entropy: for the id of its log."""

    beside = False

    def __init__(self, entropy: Entropy) -> None:
        self.log_id = entropy(8).hex()
        self.tables = NO_TABLES
        self.known_heads: dict[str, Head] = {}
        self.log: dict[str, list[EventRow]] = {}
        self.rows: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {}
        self.refusals: dict[tuple[Any, ...], Refusal] = {}
        self.batches: list[tuple[str, int, int]] = []

    def serve(self, vocabulary: Vocabulary, report: Report) -> None:
        """From now on it keeps the rows of this vocabulary. Nothing is ever wrong with it."""
        self.tables = tables_of(vocabulary)

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        fenced: list[str] = []
        for stretch in sealed.stretches:
            head = self.known_heads.get(stretch.before.stream)
            if head is not None and (head.epoch, head.seq) != (stretch.before.epoch, stretch.before.seq):
                fenced.append(stretch.before.stream)
            elif any(
                not -(2**63) <= value < 2**63
                for rows in stretch.rows.values()
                for row in rows
                for value in row
                if isinstance(value, int)
            ):
                raise StoreError("row", "An integer is too large.")
        for stretch in sealed.stretches:
            stream = stretch.before.stream
            if stream in fenced:
                continue
            self.known_heads[stream] = stretch.after
            self.log.setdefault(stream, []).extend(stretch.events)
            for name, keys in stretch.dropped.items():
                for key in keys:
                    self.rows.get(name, {}).pop(key, None)
            for name, rows in stretch.rows.items():
                kept = self.rows.setdefault(name, {})
                length = self.tables.by_name[name].key_length
                kept.update((row[:length], row) for row in rows)
            for refusal in stretch.refusals:
                key = (stream, refusal.minute, refusal.actor, refusal.command, refusal.code)
                known = self.refusals.get(key)
                if known is not None:
                    known.count += refusal.count
                    known.last_ns = refusal.last_ns
                else:
                    self.refusals[key] = refusal
            if stretch.refusals_before:
                self.drop_refusals(stream, stretch.refusals_before)
        self.batches.append((sealed.node, sealed.sealed_ns, sealed.durable_before_ns))
        del self.batches[:-BATCHES_KEPT_MAX]
        return frozenset(fenced)

    def drop_refusals(self, stream: str, before: int) -> None:
        minutes = sorted(key[1] for key in self.refusals if key[0] == stream)
        if len(minutes) >= REFUSALS_KEPT_MAX:
            before = max(before, minutes[-REFUSALS_KEPT_MAX])
        self.refusals = {key: refusal for key, refusal in self.refusals.items() if key[0] != stream or key[1] >= before}

    async def claim(self, stream: str, seen: int | None = None) -> Head:
        head = self.known_heads.get(stream, Head(stream, 0, 0, GENESIS, 0))
        if stream in self.known_heads and seen not in (None, head.epoch):
            raise claimed_elsewhere(stream)
        self.known_heads[stream] = msgspec.structs.replace(head, epoch=head.epoch + 1)
        return self.known_heads[stream]

    async def claim_all(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        heads = {}
        for stream, epoch in seen.items():
            with suppress(StoreError):
                heads[stream] = await self.claim(stream, epoch)
        return heads

    def together(self, heads: Mapping[str, Head]) -> Reading:
        return self

    def hear_of(self, stream: str, seq: int, chain: bytes) -> None:
        """What is in memory is not lost but with it."""

    async def heads(self, streams: Collection[str] | None = None) -> dict[str, Head]:
        known = self.known_heads
        return dict(known) if streams is None else {one: known[one] for one in streams if one in known}

    async def held_at_once(self, stream: str, row_types: Sequence[type[Row]], take: TakeRows) -> Head:
        for row_type in row_types:
            take(row_type, await self.held_rows(stream, row_type))
        return self.known_heads.get(stream, Head(stream, 0, 0, GENESIS, 0))

    def stored(self, stream: str, row_type: type[Row]) -> list[Any]:
        rows = self.rows.get(row_type.table, {})
        return rows_of(row_type, [rows[key][1:] for key in sorted(key for key in rows if key[0] == stream)])

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        held = row_type.held_while
        return [row for row in self.stored(stream, row_type) if held is None or getattr(row, held[0]) == held[1]]

    async def fetch(self, stream: str, needs: Sequence[Need]) -> list[list[Any]]:
        return [self.fetch_one(stream, need) for need in needs]

    def fetch_one(self, stream: str, need: Need) -> list[Any]:
        if isinstance(need, ByKey):
            key = need.key if isinstance(need.key, tuple) else (need.key,)
            row = self.rows.get(need.row.table, {}).get((stream, *key))
            return rows_of(need.row, [row[1:]] if row else [])
        held = need.row.held_while
        assert held is not None
        found = [
            row
            for row in self.stored(stream, need.row)
            if row.key() > need.after
            and getattr(row, held[0]) != held[1]
            and self.is_found(stream, row, str(need.row.found_by), need.value)
        ]
        return found[: need.limit]

    def is_found(self, stream: str, row: Row, field: str, value: str) -> bool:
        """Whether a row has a value in a field, or is named for it by another row."""
        if getattr(row, field) == value:
            return True
        through = row.found_through if field == row.found_by else None
        return through is not None and (stream, value, row.key()) in self.rows.get(through.table, {})

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        return self.log.get(stream, [])[after : after + limit]

    async def commands(self, stream: str, limit: int) -> Sequence[tuple[bytes, bytes, int]]:
        return [(row[2], row[3], row[1]) for row in self.log.get(stream, []) if row[3]][-limit:]

    async def made_commands(
        self, stream: str, before: int, limit: int, spans: int
    ) -> tuple[Sequence[tuple[bytes, bytes]], int]:
        last = [row for row in self.log.get(stream, [])[:before] if row[3]][-limit:]
        ids = sorted(row[2] for row in last)
        made = [(group[0], group[-1]) for group in (list(same) for _, same in groupby(ids, lambda one: one[:4]))]
        latest = made[::-1][:spans]
        latest[-1] = (ids[0], latest[-1][1])
        return latest, last[0][1]

    def history(self) -> History:
        return MemoryHistory(self)

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        self.batches.append((node, sealed_ns, durable_before_ns))
