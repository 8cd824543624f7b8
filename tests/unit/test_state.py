"""State: a stream in memory: its parts, the rows that change in it, and what is known of those that have gone."""

import random
from typing import Any

import msgspec
import pytest
from tests.doubles.deeds import season
from tests.doubles.plain import VOCABULARY

from runline.domain import state as states
from runline.domain.access import Role
from runline.domain.book import Book
from runline.domain.catalog import Catalog, League
from runline.domain.guard import GuardRule
from runline.domain.hierarchy import Agent
from runline.domain.house import House
from runline.domain.ledger import LedgerEntry
from runline.domain.state import DERIVED_AT_ONCE, PART_BITS, ByNumber, Part, by_pieces
from runline.domain.timers import Timer
from runline.simulate import laws

STREAMS: dict[Any, Any] = {"house": House, "book": Book}


def new(kind):
    """A state in which nothing has happened yet."""
    return VOCABULARY.state_of("house" if kind == "house" else "main")


# Parts


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_made_of_the_parts_that_are_declared_for_its_kind(kind):
    state = new(kind)
    assert type(state) is STREAMS[kind]
    assert (state.kind, state.stream, state.vocabulary) == (kind, "house" if kind == "house" else "main", VOCABULARY)
    assert tuple(state.parts) == VOCABULARY.parts[kind]
    for declared, part in state.parts.items():
        assert type(part) is declared
        assert part.state is state
        assert getattr(state, declared.name) is part is state.part(declared)
        assert {name for name, among in STREAMS.items() if declared in VOCABULARY.parts[name]} == set(declared.streams)
        for row, attribute in declared.keeps.items():
            assert state.held[row] is getattr(part, attribute)
    assert set(state.held) == {row for declared in state.parts for row in declared.keeps}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_new_stream_holds_nothing(kind):
    state = new(kind)
    assert (state.seq, state.at_ns, state.derived_seq, state.gone_before) == (0, 0, 0, 0)
    assert (state.held_rows, state.held_sum) == (0, 0)
    assert (state.changed, state.dropped, state.gone) == ({}, {}, {})
    known = {id(state), *(id(part) for part in state.parts.values())}
    for part in state.parts.values():
        names = [name for one in type(part).__mro__ for name in getattr(one, "__slots__", ())]
        found = {name: getattr(part, name) for name in names if hasattr(part, name)}
        full = {name for name, value in found.items() if id(value) not in known and (value is None or value)}
        # The catalog is none in a book; rotations are an object of their own; what may be set aside are functions.
        assert full <= {"catalog", "rotations", "owed"}, part.name
        assert isinstance(part, Catalog) <= (list(found.get("rotations", ())) == [])


def test_a_part_that_declares_nothing_is_of_books_and_keeps_nothing():
    class Bell(Part):
        """A bell."""

    assert (Bell.name, Bell.streams, Bell.keeps) == ("", ("book",), {})


# What is found by number


def test_what_is_found_by_number_is_what_was_put_there():
    chance = random.Random(3)
    found: ByNumber[str] = ByNumber()
    known: dict[int, str] = {}
    far = [1, 2, (1 << PART_BITS) - 1, 1 << PART_BITS, (1 << PART_BITS) + 1, 5 << PART_BITS, 2**40]
    for step in range(400):
        number = chance.choice(far)
        if chance.random() < 0.6:
            value = f"value {step}"
            known[number] = found[number] = value
        elif number in known:
            del known[number]
            del found[number]
        assert (number in found) == (number in known)
        assert found.found(number) == known.get(number) == found.get(number)
        assert (sorted(found), len(found), bool(found)) == (sorted(known), len(known), bool(known))
        assert sorted(found.parts) == sorted({one >> PART_BITS for one in known})
    for number in list(known):
        assert found[number] == known[number]
        del found[number]
    assert (list(found), len(found), found.parts) == ([], 0, {})


def test_neighbours_lie_in_one_part_and_what_is_far_in_another():
    found: ByNumber[str] = ByNumber()
    for number in (0, 2**13 - 1, 2**13, 2**14):
        found.put(number, "there")
    assert {part: sorted(kept) for part, kept in found.parts.items()} == {0: [0, 8_191], 1: [8_192], 2: [16_384]}
    assert "0" not in found  # type: ignore[comparison-overlap]
    with pytest.raises(KeyError):
        found[7]
    with pytest.raises(KeyError):
        del found[10**9]


# Rows


def counted(state):
    return state.held_rows, state.held_sum


def test_a_row_that_is_touched_has_the_position_of_the_event_and_is_counted_once():
    state = new("house")
    state.seq = 5
    league = League("MLB", "baseball")
    assert state.touch(league) is league
    assert (league.changed_seq, list(state.changed.values()), counted(state)) == (5, [league], (1, 5))
    state.seq = 9
    state.touch(league)
    assert (league.changed_seq, list(state.changed.values()), counted(state)) == (9, [league], (1, 9))
    state.touch(League("NBA", "basketball"))
    assert counted(state) == (2, 18)


def test_a_row_that_nobody_keeps_in_memory_is_written_and_not_counted():
    state = new("book")
    state.seq = 5
    values: list[Any] = [1 if field.type is int else "x" for field in msgspec.structs.fields(LedgerEntry)]
    entry = LedgerEntry(*values)
    state.write(entry)
    assert (entry.changed_seq, list(state.changed.values()), counted(state)) == (5, [entry], (0, 0))


def test_a_row_that_is_dropped_is_counted_no_more_and_is_known_to_have_gone():
    state = new("house")
    state.seq = 5
    rule = state.guard.rules["all", "", "", "swap"] = GuardRule("all", "", "", "swap", 1, "off")
    key = rule.key()
    assert key == ("all", "", "", "swap")
    assert state.moved_seq(GuardRule, key) == 0
    state.touch(rule)
    assert state.moved_seq(GuardRule, key) == 5
    state.seq = 7
    del state.guard.rules[key]
    state.drop(rule)
    assert (state.changed, list(state.dropped.values()), counted(state)) == ({}, [rule], (0, 0))
    assert state.moved_seq(GuardRule, key) == 7
    assert (state.moved_seq(GuardRule, ("all", "", "", "other")), state.moved_seq(League, key)) == (0, 0)


def test_a_row_that_nobody_keeps_in_memory_is_dropped_uncounted():
    state = new("book")
    rule = GuardRule("all", "", "", "swap", 1, "off", 3)
    state.drop(rule)
    assert (list(state.dropped.values()), counted(state)) == ([rule], (0, 0))


def test_a_row_comes_back_into_memory_and_leaves_it_again():
    state = new("book")
    agent = Agent("A1", "root", 4)
    state.count(agent, 1)
    assert counted(state) == (1, 4)
    state.count(agent, -1)
    assert counted(state) == (0, 0)


def test_of_what_has_gone_so_much_is_remembered_and_what_went_first_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(states, "GONE_MAX", 2)
    state = new("house")
    for seq, name in ((3, "A"), (5, "B"), (8, "A"), (9, "C"), (11, "D")):
        state.seq = seq
        state.drop(League(name, "hockey", 1))
    assert state.gone == {(League, "C"): 9, (League, "D"): 11}
    assert state.gone_before == 8
    assert [state.moved_seq(League, name) for name in "ABCD"] == [8, 8, 9, 11]


def test_after_a_restart_whatever_has_gone_may_have_gone_until_then():
    state = new("house")
    state.seq = 20
    state.drop(League("A", "hockey", 1))
    state.hold(League("B", "hockey", 4))
    state.derive()
    assert (state.derived_seq, state.gone_before, state.gone) == (20, 20, {})
    assert (state.moved_seq(League, "A"), state.moved_seq(League, "B")) == (20, 4)
    assert state.catalog.leagues["B"].sport == "hockey"


class Told:
    """A part that tells what is asked of it. pieces: in how many it derives."""

    def __init__(self, name, told, pieces):
        self.name, self.told, self.pieces = name, told, pieces

    def deriving(self):
        for piece in range(self.pieces):
            self.told.append((self.name, piece))
            yield


def test_all_parts_derive_what_they_derive_in_their_order_piece_by_piece():
    state = new("book")
    told: list[Any] = []
    state.parts = {kind: Told(kind.name, told, 1 + number % 2) for number, kind in enumerate(state.parts)}
    expected = [(part.name, piece) for part in state.parts.values() for piece in range(part.pieces)]
    assert len(list(state.deriving())) == len(expected)
    assert told == expected
    told.clear()
    state.derive()
    assert told == expected


def test_a_part_derives_all_at_once_unless_it_says_how_in_pieces():
    told = []

    class Bell(Part, named="bell"):
        """A bell."""

        def derive(self):
            told.append("derived")

    assert list(Bell(new("book")).deriving()) == []
    assert told == ["derived"]


def test_the_key_of_a_row_is_its_first_field_or_as_many_as_it_declares():
    assert Role("clerk", "root", ()).key() == "clerk"
    assert Timer("cutoff", "G1", 5).key() == ("cutoff", "G1")


def test_rows_come_by_pieces_of_so_many():
    assert list(by_pieces("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(by_pieces("", 2)) == []
    assert [len(piece) for piece in by_pieces(range(DERIVED_AT_ONCE + 1))] == [DERIVED_AT_ONCE, 1]


def test_parts_that_derive_in_pieces_derive_the_same_at_once():
    book = season(4, deeds=300)
    for stage in (book, book.house):
        recovered = stage.recovered()
        expected = laws.derived(stage.recovered())
        for part in recovered.parts.values():
            part.derive()
        assert laws.derived(recovered) == expected
