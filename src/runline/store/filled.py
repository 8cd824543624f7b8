"""Filled: an empty database that a house and its books are copied into, with their logs.

Rule: first it is written down in it that it is being filled: its newest opening has no log, and whoever would serve it refuses
it. All else is one transaction, up to the log that it gets: what ends early has left an empty database, which nobody takes for a
house.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import StoreError
from runline.store.examined import Examined, Values
from runline.store.tables import BATCHES, EVENTS, HEADS, REFUSALS, Table, tables_of
from runline.store.where import Place


class Filled(Examined, Protocol):
    """A database that is being filled, of which everything is seen that was written so far. What goes wrong raises StoreError."""

    def write(self, table: Table, rows: Sequence[Values]) -> None:
        """Write rows that are new."""
        ...

    def settle(self) -> None:
        """Everything was written, and is read from here on."""
        ...

    def keep(self) -> None:
        """Have all of it, as the log of an opening: durable, and to be served."""
        ...


def filling(place: Place, vocabulary: Vocabulary) -> AbstractContextManager[Filled]:
    """Fill a database that is empty, or was left so, while nobody else opens it. What is not kept goes.

    Raises StoreError.
    """
    if isinstance(place, str):
        from runline.store.postgres_filled import fill_server

        return fill_server(place, vocabulary)
    from runline.store.sqlite_filled import fill_file

    return fill_file(place, vocabulary)


def alone_with(place: Place) -> AbstractContextManager[None]:
    """Nobody serves this database meanwhile.

    Raises StoreError if somebody does.
    """
    if isinstance(place, str):
        from runline.store.postgres_filled import alone_with_server

        return alone_with_server(place)
    from runline.store.sqlite_filled import alone_with_file

    return alone_with_file(place)


def tables_to_fill(vocabulary: Vocabulary) -> tuple[Table, ...]:
    """What a house and its books are: their logs, their heads, their rows, and what is kept for people to look back at. (How a
    database was opened is its own.)"""
    return (EVENTS, HEADS, REFUSALS, BATCHES, *tables_of(vocabulary).by_name.values())


def require_empty(found: Iterable[tuple[Table, bool]]) -> None:
    """Refuse a target of which a table has rows. Raises StoreError `unreadable`."""
    for table, has_rows in found:
        if has_rows:
            raise StoreError(
                "unreadable", f"The target is not empty: {table.name} has rows. Remedy: name an empty one."
            )
