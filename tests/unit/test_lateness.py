"""Lateness: the starts, postponements and windows of games that are late, and which tickets are void by them."""

import pytest
from tests.doubles.stage import NOON_NS
from tests.doubles.words import START_NS, game

from runline.domain.lateness import EarlierStart, Lateness, LateWindow, Postponement

pytestmark = pytest.mark.alone  # The part is moved by hand.


@pytest.fixture
def late(house) -> Lateness:
    house.given(game("G1"), game("G2"))
    found: Lateness = house.state.lateness
    return found


def window(number, fixture="G1", start_ns=START_NS, markets=("G1:game:total",), status="told"):
    return LateWindow(fixture, number, start_ns, START_NS + 9, markets, START_NS + 9, status)


def test_a_game_is_late_that_was_moved_or_is_postponed_or_of_which_a_window_was_told(late):
    assert not late.is_late("G1")
    late.moved(EarlierStart("G1", 5, START_NS))
    assert late.is_late("G1")
    late.postpone(Postponement("G2", NOON_NS, "rain"))
    assert late.is_late("G2")
    late.tell(window(7, "G3"))
    assert late.is_late("G3")
    assert not late.is_late("G4")


def test_shown_are_games_that_are_postponed_or_of_which_a_window_was_told(late):
    late.moved(EarlierStart("G1", 5, START_NS))
    assert list(late.order) == []
    late.postpone(Postponement("G2", NOON_NS, "rain"))
    late.postpone(Postponement("G1", NOON_NS, "rain"))
    first, second = window(7), window(8)
    late.tell(first)
    late.tell(second)
    assert list(late.order) == ["G1", "G2"]
    late.goes_on("G1")
    late.goes_on("G2")
    late.goes_on("G9")
    assert list(late.order) == ["G1"]
    late.forget(first)
    assert late.windows_of == {"G1": [second]}
    assert list(late.order) == ["G1"]
    late.forget(second)
    assert (late.windows_of, late.windows, list(late.order)) == ({}, {}, [])


def test_a_game_had_the_start_that_was_moved_next(late):
    late.moved(EarlierStart("G1", 5, START_NS))
    late.moved(EarlierStart("G1", 8, START_NS + 1))
    for again in (False, True):
        starts = [late.start_at("G1", seq, START_NS + 2) for seq in (0, 4, 5, 7, 8, 9)]
        assert starts == [START_NS, START_NS, START_NS + 1, START_NS + 1, START_NS + 2, START_NS + 2]
        assert late.start_at("G2", 4, START_NS + 2) == START_NS + 2
        if not again:
            late.derive()


def test_what_is_derived_is_in_the_order_of_positions(late):
    for number in (12, 9):
        late.windows["G1", number] = window(number)
        late.starts["G1", number] = EarlierStart("G1", number, number)
    late.windows["G2", 10] = window(10, "G2")
    late.postponed["G0"] = Postponement("G0", NOON_NS, "rain")
    late.derive()
    assert {name: [one.number for one in found] for name, found in late.windows_of.items()} == {
        "G1": [9, 12],
        "G2": [10],
    }
    assert [start.until_seq for start in late.starts_of["G1"]] == [9, 12]
    assert list(late.order) == ["G0", "G1", "G2"]


def test_a_ticket_is_void_by_the_window_that_has_ended_of_its_market_and_its_start(late, house):
    catalog = house.state.catalog

    def ended(market="G1:game:total", seq=9, fixture="G1"):
        found = late.ended(catalog, fixture, market, seq)
        return found and found.number

    assert ended() is None
    late.moved(EarlierStart("G1", 5, START_NS - 1))
    late.tell(window(20, start_ns=START_NS - 1, status="ended"))
    late.tell(window(21, markets=("G1:game:spread",), status="ended"))
    late.tell(window(22, status="told"))
    assert ended() is None
    late.tell(window(23, status="ended"))
    assert (ended(), ended(seq=5), ended(seq=4), ended("G1:game:spread")) == (23, 23, 20, 21)
    assert ended("G1:game:moneyline") is ended(fixture="G2") is None
    # Of a game that has left memory only the starts are known that it had.
    late.tell(window(24, "G9", 0, ("G9:game:total",), "ended"))
    assert late.ended(catalog, "G9", "G9:game:total", 1) is late.windows["G9", 24]


def test_of_a_game_that_leaves_memory_what_its_tickets_are_void_by_stays_with_its_last_start(late):
    late.postpone(Postponement("G1", NOON_NS, "rain"))
    late.moved(EarlierStart("G1", 2, START_NS - 1))
    late.tell(window(20, status="ended"))
    late.state.seq = 30
    late.archive("G1", START_NS)
    assert (late.postponed, list(late.windows)) == ({}, [("G1", 20)])
    assert [(one.until_seq, one.start_ns) for one in late.starts_of["G1"]] == [(2, START_NS - 1), (30, START_NS)]


def test_of_a_game_that_leaves_memory_nothing_else_stays(late):
    late.moved(EarlierStart("G1", 2, START_NS - 1))
    late.moved(EarlierStart("G2", 3, START_NS - 1))
    for one in (window(20), window(22, status="stands")):
        late.tell(one)
    late.archive("G1", START_NS)
    late.archive("G3", START_NS)
    assert (late.windows, late.windows_of, list(late.order)) == ({}, {}, [])
    assert (list(late.starts), list(late.starts_of)) == ([("G2", 3)], ["G2"])
