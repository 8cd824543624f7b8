"""Comparing: the rows of a table, as they are stored and as they follow from the log, side by side."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from runline.store.examined import Examined, Values
from runline.store.statements import every_row
from runline.store.tables import Table

DIFFERENCES_MAX = 20
"""Differences named for each table."""


class Differences:
    """What does not agree in a table, in words, as much as is named. rows: how many are stored. proved_by: see `RowMeta`."""

    def __init__(self, table: Table, proved_by: Mapping[str, str]) -> None:
        self.table = table
        self.proved_by = proved_by
        self.compared = [column.name for column in table.columns if column.name not in proved_by]
        self.found: list[str] = []
        self.rows = 0

    def compare(self, database: Examined, folded: Iterator[Values]) -> None:
        """Compare what is stored with what was folded (the columns that are compared)."""
        compared = len(self.compared)
        stored = database.walk(every_row(self.table, (*self.compared, *self.proved_by)))
        for ours, theirs in in_step(stored, folded, self.table.key_length):
            self.rows += ours is not None
            if ours is None or ours[:compared] != theirs:
                self.name(ours, theirs)
            elif self.proved_by:
                self.check_secrets(ours)

    def name(self, ours: Values | None, theirs: Values | None) -> None:
        """Name a row that is not the same, or is in one place only."""
        if ours is None:
            assert theirs is not None
            self.say(theirs, "the log has this row, the table does not")
        elif theirs is None:
            self.say(ours, "the table has this row, the log does not")
        else:
            changes = [
                f"{name} is {mine!r}, by the log {other!r}"
                for name, mine, other in zip(self.compared, ours, theirs, strict=False)
                if mine != other
            ]
            self.say(ours, ", ".join(changes))

    def check_secrets(self, row: Values) -> None:
        """Name a row whose secret is not the one of which the log has the digest."""
        values = dict(zip((*self.compared, *self.proved_by), row, strict=True))
        for secret, digest in self.proved_by.items():
            text = values[secret]
            if not isinstance(text, str) or sha256(text.encode()).hexdigest() != values[digest]:
                self.say(row, f"{secret} is not what {digest} is the digest of")

    def say(self, row: Values, what: str) -> None:
        """Say what is the matter with a row."""
        if len(self.found) < DIFFERENCES_MAX:
            key = " ".join(map(str, row[: self.table.key_length]))
            self.found.append(f"{self.table.name} {key}: {what}")
        elif len(self.found) == DIFFERENCES_MAX:
            self.found.append(f"{self.table.name}: more rows differ")


def in_step(
    ours: Iterator[Values], theirs: Iterator[Values], key: int
) -> Iterator[tuple[Values | None, Values | None]]:
    """Two walks in the order of their keys (the first values of each row), those of one key together."""
    mine, other = next(ours, None), next(theirs, None)
    while mine is not None or other is not None:
        if mine is not None and other is not None and mine[:key] == other[:key]:
            yield mine, other
            mine, other = next(ours, None), next(theirs, None)
        elif other is None or (mine is not None and place(mine[:key]) < place(other[:key])):
            yield mine, None
            mine = next(ours, None)
        else:
            yield None, other
            other = next(theirs, None)


def place(key: Values) -> list[tuple[int, Any]]:
    """Where a key stands in the order, whatever kind of value somebody has put there: numbers, then texts, then bytes."""
    return [(isinstance(one, str) + 2 * isinstance(one, bytes), one) for one in key]
