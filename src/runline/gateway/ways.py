"""Ways: how a page of history finds its rows, newest first, however long the history is.

Rule: every way follows an index. What the index is not narrowed by is looked at row by row, WALK_ROWS_MAX rows at most;
a page that ends there is short, even empty, and its `next` goes on from there.
"""

from typing import Any

import apsw
import msgspec

from runline.domain.state import Row

WALK_ROWS_MAX = 100_000
"""Rows looked at on one way for a page, of which few may be wanted: some 40 ms of the reader process."""

NARROWEST_FIRST = ("player", "fixture")
"""Of several fields that are asked for, the way goes by the first of these: a player has fewer tickets than a game."""

Condition = tuple[str, tuple[Any, ...]]
"""SQL, and the values of its marks."""


class Way(msgspec.Struct, frozen=True):
    """A way through rows of a table.

    index: by which it goes, "" for the primary key. narrowed: what holds for every row on it. picked: what else must
    hold for those that are wanted.
    """

    table: str
    index: str
    narrowed: tuple[Condition, ...]
    picked: tuple[Condition, ...]

    def walk(self, connection: apsw.Connection, stream: str, before: int, count: int) -> tuple[list[int], int]:
        """(the newest numbers below `before`, at most `count`; the number down to which it has all, or 0)."""
        by = f" INDEXED BY {self.index}" if self.index else ""
        wanted = " AND ".join(sql for sql, _ in self.picked) or "TRUE"
        narrowed = " AND ".join(("stream = ?", *(sql for sql, _ in self.narrowed), "number < ?"))
        sql = f"SELECT number, {wanted} FROM {self.table}{by} WHERE {narrowed} ORDER BY number DESC LIMIT ?"
        values = [value for _, values in self.picked for value in values]
        values += [stream, *(value for _, values in self.narrowed for value in values), before, WALK_ROWS_MAX]
        found: list[int] = []
        rows: Any = connection.execute(sql, values)
        for looked, (number, is_wanted) in enumerate(rows, 1):
            if is_wanted:
                found.append(number)
            if len(found) == count or looked == WALK_ROWS_MAX:
                return found, number
        return found, 0


def ways_to(row_type: type[Row], fields: dict[str, str], within: tuple[Condition, ...]) -> list[Way]:
    """The ways to the rows whose fields have these values and which are within somebody's part of the tree.

    Rows that are still held in memory and rows that have left it have indexes of their own (`store/tables.py`).
    """
    table = row_type.table
    if not fields:
        return [Way(table, "", (), within)]
    found: list[Way] = []
    gone: tuple[Condition, ...] = ()
    if row_type.held_while is not None:
        field, value = row_type.held_while
        if fields.get(field, value) == value:
            held: Condition = (f"{field} = '{value}'", ())
            found.append(Way(table, f"{table}_held", (held,), (*having(fields, but=field), *within)))
        if fields.get(field) == value:
            return found
        if fields.keys() == {field}:
            # Most of history has been closed in the usual way: an index would cost more at settling than it saves here.
            return [Way(table, "", (), (*having(fields), *within))]
        gone = ((f"{field} <> '{value}'", ()),)
    first = next(field for field in NARROWEST_FIRST if field in fields)
    narrowed: Condition = (f"{first} = ?", (fields[first],))
    found.append(Way(table, f"{table}_by_{first}", (narrowed, *gone), (*having(fields, but=first), *within)))
    return found


def having(fields: dict[str, str], *, but: str = "") -> list[Condition]:
    """That fields have their values, but for one of them."""
    return [(f"{field} = ?", (value,)) for field, value in fields.items() if field != but]


def newest(connection: apsw.Connection, ways: list[Way], stream: str, before: int, count: int) -> tuple[list[int], int]:
    """The same as of one way, of several that share no row."""
    walked = [way.walk(connection, stream, before, count) for way in ways]
    # Below the highest place at which a way was left, that way may have more.
    down_to = max(end for _, end in walked)
    numbers = sorted((number for found, _ in walked for number in found if number >= down_to), reverse=True)
    return numbers, down_to
