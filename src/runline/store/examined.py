"""Examined: a database that is looked at from outside, whichever it is, while an engine may go on with it.

Rule: a state of it is held no longer than what is asked needs: it makes every commit slower, or keeps the write-ahead log from
being copied. What is in the log never changes, and is read without holding on to a state.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import msgspec

from runline.engine.ports import Head, StoreError
from runline.store.opening import LAST_OPENING, Opening, require_whole
from runline.store.statements import HEADS_IN_ORDER, SCHEMA
from runline.store.tables import SCHEMA_REVISION
from runline.store.where import Place, in_words

Values = tuple[Any, ...]


class Examined(Protocol):
    """A database that is examined. What goes wrong with it raises StoreError, at the latest where the examining ends."""

    def read(self, sql: str, values: Values = ()) -> list[Values]:
        """The rows that a statement finds: few."""
        ...

    def state(self) -> AbstractContextManager[None]:
        """Within this, everything that is read is of one state."""
        ...

    def walk(self, sql: str, values: Values = ()) -> Iterator[Values]:
        """The rows that a statement finds, as they are taken: however many there are. Only within a state."""
        ...

    def faults(self) -> list[str]:
        """What is wrong with it beside what its rows say. Not within a state."""
        ...


@contextmanager
def examining(place: Place) -> Iterator[Examined]:
    """Examine a database that this Runline can read.

    Raises StoreError.
    """
    with opened(place) as database:
        revision = next((found for (found,) in database.read(SCHEMA)), None)
        if revision != SCHEMA_REVISION and not is_readable(revision):
            raise StoreError(
                "unreadable", f"{in_words(place)} has schema {revision}, this Runline has {SCHEMA_REVISION}."
            )
        require_whole(next((Opening(*row) for row in database.read(LAST_OPENING)), None))
        yield database


def is_readable(revision: str | None) -> bool:
    """Whether a schema lacks nothing but what takes something away that nodes of the version before still need."""
    from alembic.util import CommandError

    from runline.store.migrations.run import lacking

    try:
        return revision is not None and lacking(revision, 0) == (None, True)
    except CommandError:
        return False


def opened(place: Place) -> AbstractContextManager[Examined]:
    """A database, whichever it is. A driver is imported when it is needed: one is not installed everywhere."""
    if isinstance(place, str):
        from runline.store.postgres_examined import examine_server

        return examine_server(place)
    from runline.store.sqlite_examined import examine_file

    return examine_file(place)


def heads_of(database: Examined) -> dict[str, Head]:
    """The heads as they are. Raises StoreError."""
    rows = database.read(HEADS_IN_ORDER)
    try:
        return {row[0]: msgspec.convert(dict(zip(Head.__struct_fields__, row, strict=True)), Head) for row in rows}
    except msgspec.ValidationError as error:
        raise StoreError("unreadable", f"The heads cannot be read: {error}") from error
