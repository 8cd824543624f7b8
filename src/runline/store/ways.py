"""Ways: how a page of history finds its rows, by their numbers up or down, however long the history is.

Rule: every way follows an index. What the index is not narrowed by is looked at row by row, WALK_ROWS_MAX rows at most;
a walk that ends there is short, even empty, and says where it goes on.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from runline.domain.messages import HOUSE
from runline.domain.state import Row
from runline.engine.ports import Found, Wanted
from runline.store.hints import Hints
from runline.store.limits import WALK_ROWS_MAX
from runline.store.tables import equal, quoted, table_of

NARROWEST_FIRST = ("player", "fixture", "user")
"""Of several fields that are asked for, the way goes by the first of these: a player has fewer tickets than a game."""

ABOVE_ALL_TEXT = "\U0010ffff"
"""What is sorted behind every text."""

Clause = tuple[str, tuple[Any, ...]]
"""SQL, and the values of its marks."""

Run = Callable[[str, tuple[Any, ...]], Iterable[tuple[Any, ...]]]
"""The rows of a statement with its values, one after the other."""


class Way(msgspec.Struct, frozen=True):
    """A way through rows of a table.

    number: the key's column. index: by which it goes, "" for the primary key. through: the table of those that name the rows,
    where it goes by its primary key; "" for none. narrowed: what holds for every row on it. picked: what else must hold for
    those that are wanted.
    """

    table: str
    number: str
    index: str
    through: str
    narrowed: tuple[Clause, ...]
    picked: tuple[Clause, ...]

    def walk(self, read: Run, hints: Hints, stream: str, wanted: Wanted, count: int, beside: tuple[str, ...]) -> Found:
        """The first numbers on this way, at most `count`. beside: whose values are told with each."""
        rows = f"{self.table}{hints.through(self.index) if self.index else ''}"
        if self.through:
            rows = f"{self.through} {hints.looked_up} {self.table} USING (stream, {self.number})"
        picks = " AND ".join(sql for sql, _ in self.picked) or "TRUE"
        number, direction = self.number, "ASC" if wanted.ascending else "DESC"
        between = (f"{number} > ?", f"{number} < ?")
        narrowed = " AND ".join(("stream = ?", *(sql for sql, _ in self.narrowed), *between))
        shown = ", ".join((number, picks, *(quoted((field,)) for field in beside)))
        sql = f"SELECT {shown} FROM {rows} WHERE {narrowed} ORDER BY {number} {direction} LIMIT ?"
        values = [value for _, values in self.picked for value in values]
        values += [stream, *(value for _, values in self.narrowed for value in values)]
        values += [wanted.above, wanted.below, WALK_ROWS_MAX]
        found: list[tuple[Any, ...]] = []
        for looked, (at, is_wanted, *told) in enumerate(read(sql, tuple(values)), 1):
            if is_wanted:
                found.append((at, *told))
            if len(found) == count or looked == WALK_ROWS_MAX:
                return Found(found, at)
        return Found(found, 0)


def ways_to(row_type: type[Row], wanted: Wanted, within: tuple[Clause, ...]) -> list[Way]:
    """The ways to the rows that are wanted and which are within somebody's part of the tree.

    Rows that are still held in memory and rows that have left it have indexes of their own (`store/tables.py`).
    """
    table = row_type.table
    number = table_of(row_type).key[1]
    fields = wanted.fields
    within = (*bounds(wanted), *of_game(row_type, wanted), *within)

    def way(index: str, narrowed: tuple[Clause, ...], *picked: Clause, through: str = "") -> Way:
        return Way(table, number, f"{table}{index}" if index else "", through, narrowed, (*picked, *within))

    def having(but: str = "") -> list[Clause]:
        return [has(row_type, field, value) for field, value in fields.items() if field != but]

    first = next((field for field in NARROWEST_FIRST if field in fields), "")
    found: list[Way] = []
    gone: tuple[Clause, ...] = ()
    if row_type.held_while is not None:
        field, value = row_type.held_while
        only = fields.get(field) == value
        if only or (first and field not in fields):
            held: Clause = (f"{field} = '{value}'", ())
            found.append(way("_held", (held,), *having(but=field)))
        if only:
            return found
        gone = ((f"{field} <> '{value}'", ()),)
    if not first:
        # Most of history has been closed in the usual way: an index would cost more at settling than it saves here.
        return [way("", (), *having())]
    narrowed: Clause = (equal((first,)), (fields[first],))
    found.append(way(f"_by_{first}", (narrowed, *gone), *having(but=first)))
    if first == row_type.found_by and row_type.found_through is not None:
        other = table_of(row_type.found_through)
        named: Clause = (equal(other.key[1:2]), (fields[first],))
        found.append(way("", (named,), *gone, *having(but=first), through=other.name))
    return found


def has(row_type: type[Row], field: str, value: str) -> Clause:
    """That a field has a value, or that the row is named for it by another one."""
    if field != row_type.found_by or row_type.found_through is None:
        return equal((field,)), (value,)
    table, other = table_of(row_type), table_of(row_type.found_through)
    game, number = other.key[1:]
    named = (
        f"SELECT 1 FROM {other.name} WHERE {other.name}.stream = {table.name}.stream AND {other.name}.{game} = ? "
        f"AND {other.name}.{number} = {table.name}.{number}"
    )
    return f"({equal((field,))} OR EXISTS ({named}))", (value, value)


def bounds(wanted: Wanted) -> list[Clause]:
    """That numbers are within their bounds."""
    least = [(f"{quoted((field,))} >= ?", (value,)) for field, value in wanted.least.items()]
    return [*least, *((f"{quoted((field,))} <= ?", (value,)) for field, value in wanted.most.items())]


def of_game(row_type: type[Row], wanted: Wanted) -> list[Clause]:
    """That a row's game is one of a league, a sport."""
    game = f"FROM fixtures WHERE fixtures.stream = ? AND fixtures.name = {row_type.table}.fixture"
    return [(f"(SELECT {quoted((field,))} {game}) = ?", (HOUSE, value)) for field, value in wanted.game.items()]


def of_agents(row_type: type[Row], stream: str, agents: Collection[str], hints: Hints) -> Clause:
    """That a row's player stands at one of these nodes now, wherever they stood then."""
    agent = f"SELECT agent FROM players WHERE players.stream = ? AND players.number = {row_type.table}.player"
    return f"({agent}) {hints.among}", (stream, hints.listed(agents))


def find(read: Run, hints: Hints, ways: list[Way], stream: str, wanted: Wanted, count: int, *beside: str) -> Found:
    """The same as of one way, of several that share no row."""
    walked = [way.walk(read, hints, stream, wanted, count, beside) for way in ways]
    everything = [one for found in walked for one in found.numbers]
    left = [found.goes_on for found in walked if found.goes_on]
    if not left:
        return Found(sorted(everything, reverse=not wanted.ascending), 0)
    # Beyond the first place at which a way was left, that way may have more.
    if wanted.ascending:
        to = min(left)
        return Found(sorted(one for one in everything if one[0] <= to), to)
    to = max(left)
    return Found(sorted((one for one in everything if one[0] >= to), reverse=True), to)


def named(
    read: Run, hints: Hints, row_type: type[Row], stream: str, text: str, having: Mapping[str, Collection[str]]
) -> Iterable[tuple[Any, ...]]:
    """(whether it has one of these values in each of these fields, the columns) of each row whose name begins with a text."""
    table, held = table_of(row_type), row_type.held_while
    name = quoted(table.key[1:])
    among = [(f"{quoted((field,))} {hints.among}", hints.listed(values)) for field, values in having.items()]
    picks = " AND ".join(sql for sql, _ in among) or "TRUE"
    through = hints.through(f"{table.name}_held") if held is not None else ""
    narrowed = f"stream = ? AND {name} >= ? AND {name} < ?" + (f" AND {held[0]} = '{held[1]}'" if held else "")
    sql = f"SELECT {picks}, {quoted((*table.key[1:], *table.rest))} FROM {table.name}{through} WHERE {narrowed} ORDER BY {name}"
    return read(sql, (*(value for _, value in among), stream, text, text + ABOVE_ALL_TEXT))
