"""Rows: how a row type becomes columns, and its rows values and rows again."""

from typing import Any

import pytest

from runline.domain.grading import Score
from runline.domain.rows import Column, columns, converted, key_of, row_encoder, row_key, rows_of
from runline.domain.state import Row


class Bell(Row, table="bells", key=2):
    """A bell, with a field of each kind."""

    tower: str
    number: int
    rings: bool
    weight: int | None
    tones: tuple[str, ...]
    last: Score | None
    changed_seq: int = 0


class Plain(Row, table="plains"):
    """Plain values only."""

    name: str
    weight: int
    changed_seq: int = 0


FULL = Bell("south", 3, True, 7, ("c", "g"), Score(2, 1), 9)
EMPTY = Bell("north", 1, False, None, (), None, 8)


def test_each_field_is_a_column_of_its_kind():
    assert columns(Bell) == (
        Column("tower", "text", False),
        Column("number", "integer", False),
        Column("rings", "boolean", False),
        Column("weight", "integer", True),
        Column("tones", "json", False),
        Column("last", "json", True),
        Column("changed_seq", "integer", False),
    )


def test_a_row_is_kept_as_values_that_no_change_of_it_reaches():
    stream, tower, number, rings, weight, tones, last, changed_seq = row_encoder(Bell)("main", FULL)
    assert (stream, tower, number, rings, weight, changed_seq) == ("main", "south", 3, True, 7, 9)
    assert tones == '["c","g"]'
    assert last.startswith('{"home":2,"away":1')
    assert row_encoder(Bell)("main", EMPTY) == ("main", "north", 1, False, None, "[]", None, 8)
    assert isinstance(row_encoder(Bell)("main", FULL), tuple)
    assert row_encoder(Plain)("main", Plain("a", 2, 3)) == ("main", "a", 2, 3)


def test_rows_are_made_of_what_was_kept_of_them():
    kept = [row_encoder(Bell)("main", row) for row in (FULL, EMPTY)]
    as_stored = [tuple(int(one) if isinstance(one, bool) else one for one in values[1:]) for values in kept]
    again = rows_of(Bell, as_stored)
    assert again == [FULL, EMPTY]
    assert [again[0].rings, again[1].rings] == [True, False]
    assert isinstance(again[0].rings, bool)
    assert rows_of(Plain, [("a", 2, 3)]) == [Plain("a", 2, 3)]
    assert rows_of(Plain, []) == []


def test_only_what_is_kept_as_something_else_is_converted():
    assert [name for name, _ in converted(Bell)] == ["rings", "tones", "last"]
    assert converted(Plain) == ()


@pytest.mark.parametrize(("row", "key"), [(FULL, ("south", 3)), (Plain("a", 2), "a")])
def test_a_row_is_found_by_its_key(row, key):
    kind: Any = type(row)
    assert row_key(kind)(row) == row.key() == key
    assert key_of(kind)("main", row) == ("main", *(key if isinstance(key, tuple) else (key,)))


class Maybe(Row, table="maybes"):
    """One field that is kept as something else, or is nothing."""

    name: str
    last: Score | None = None
    changed_seq: int = 0


def test_a_row_of_which_nothing_is_kept_as_something_else_is_kept_as_it_is():
    assert row_encoder(Maybe)("main", Maybe("a")) == ("main", "a", None, 0)
    assert rows_of(Maybe, [("a", None, 0)]) == [Maybe("a")]
