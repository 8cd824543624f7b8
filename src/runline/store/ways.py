"""Ways: how a page of history finds its rows, newest first, however long the history is.

Rule: every way follows an index. What the index is not narrowed by is looked at row by row, WALK_ROWS_MAX rows at most;
a walk that ends there is short, even empty, and says where it goes on.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from runline.domain.state import Row
from runline.store.hints import Hints
from runline.store.limits import WALK_ROWS_MAX
from runline.store.tables import equal, table_of

NARROWEST_FIRST = ("player", "fixture")
"""Of several fields that are asked for, the way goes by the first of these: a player has fewer tickets than a game."""

Clause = tuple[str, tuple[Any, ...]]
"""SQL, and the values of its marks."""

Run = Callable[[str, tuple[Any, ...]], Iterable[tuple[Any, ...]]]
"""The rows of a statement with its values, one after the other."""


class Way(msgspec.Struct, frozen=True):
    """A way through rows of a table.

    number: the key's column. index: by which it goes, "" for the primary key. narrowed: what holds for every row on it.
    picked: what else must hold for those that are wanted.
    """

    table: str
    number: str
    index: str
    narrowed: tuple[Clause, ...]
    picked: tuple[Clause, ...]

    def walk(self, read: Run, hints: Hints, stream: str, before: int, count: int) -> tuple[list[int], int]:
        """(the newest numbers below `before`, at most `count`; the number down to which it has all, or 0)."""
        through = hints.through(self.index) if self.index else ""
        wanted = " AND ".join(sql for sql, _ in self.picked) or "TRUE"
        narrowed = " AND ".join(("stream = ?", *(sql for sql, _ in self.narrowed), f"{self.number} < ?"))
        sql = (
            f"SELECT {self.number}, {wanted} FROM {self.table}{through} WHERE {narrowed} "
            f"ORDER BY {self.number} DESC LIMIT ?"
        )
        values = [value for _, values in self.picked for value in values]
        values += [stream, *(value for _, values in self.narrowed for value in values), before, WALK_ROWS_MAX]
        found: list[int] = []
        for looked, (number, is_wanted) in enumerate(read(sql, tuple(values)), 1):
            if is_wanted:
                found.append(number)
            if len(found) == count or looked == WALK_ROWS_MAX:
                return found, number
        return found, 0


def ways_to(row_type: type[Row], fields: Mapping[str, str], within: tuple[Clause, ...]) -> list[Way]:
    """The ways to the rows whose fields have these values and which are within somebody's part of the tree.

    Rows that are still held in memory and rows that have left it have indexes of their own (`store/tables.py`).
    """
    table = row_type.table
    number = table_of(row_type).key[1]

    def way(index: str, narrowed: tuple[Clause, ...], *picked: Clause) -> Way:
        return Way(table, number, f"{table}{index}" if index else "", narrowed, (*picked, *within))

    if not fields:
        return [way("", ())]
    found: list[Way] = []
    gone: tuple[Clause, ...] = ()
    if row_type.held_while is not None:
        field, value = row_type.held_while
        if fields.get(field, value) == value:
            held: Clause = (f"{field} = '{value}'", ())
            found.append(way("_held", (held,), *having(fields, but=field)))
        if fields.get(field) == value:
            return found
        if fields.keys() == {field}:
            # Most of history has been closed in the usual way: an index would cost more at settling than it saves here.
            return [way("", (), *having(fields))]
        gone = ((f"{field} <> '{value}'", ()),)
    first = next(field for field in NARROWEST_FIRST if field in fields)
    narrowed: Clause = (equal((first,)), (fields[first],))
    found.append(way(f"_by_{first}", (narrowed, *gone), *having(fields, but=first)))
    return found


def having(fields: Mapping[str, str], *, but: str = "") -> list[Clause]:
    """That fields have their values, but for one of them."""
    return [(equal((field,)), (value,)) for field, value in fields.items() if field != but]


def of_agents(row_type: type[Row], stream: str, agents: Collection[str], hints: Hints) -> Clause:
    """That a row's player stands at one of these nodes now, wherever they stood then."""
    agent = f"SELECT agent FROM players WHERE players.stream = ? AND players.number = {row_type.table}.player"
    return f"({agent}) {hints.among}", (stream, hints.listed(agents))


def newest(read: Run, hints: Hints, ways: list[Way], stream: str, before: int, count: int) -> tuple[list[int], int]:
    """The same as of one way, of several that share no row."""
    walked = [way.walk(read, hints, stream, before, count) for way in ways]
    # Below the highest place at which a way was left, that way may have more.
    down_to = max(end for _, end in walked)
    numbers = sorted((number for found, _ in walked for number in found if number >= down_to), reverse=True)
    return numbers, down_to
