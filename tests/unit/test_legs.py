"""Legs: a kind of ticket with several is a noun of its own. What looks tickets up, counts, settles or voids them knows none."""

import pytest
from tests.doubles import laws, pair
from tests.doubles.pair import PairPlaced
from tests.doubles.stage import NOON_NS
from tests.doubles.words import agent, board, game, player

from runline.domain.execution import fold
from runline.domain.tickets import Ending, Leg, VoidWager, WagerReversed, WagerSettled, WagerVoided
from runline.domain.vocabulary import NOUNS, Vocabulary

AWAY = Leg("G1", "G1:game:moneyline", "away", None, "+120")
OVER = Leg("G1", "G1:game:total", "over", 34, "-105")
PAIR = PairPlaced("P1", (AWAY, OVER), 10_00, 32_95)

MONEYLINE, TOTAL = AWAY.market, OVER.market


@pytest.fixture
def paired(book):
    """A book that knows pairs, in which one stands."""
    book.given(game("G1"), board("G1"), agent("A1"), player("P1", "A1", credit=1_000_00))
    book.state.vocabulary = Vocabulary(*NOUNS, pair)
    fold(book.state, PAIR, book.state.seq + 1, NOON_NS)
    book.store()
    book.number = book.state.seq
    return book


def legs(book):
    return [(leg.status, leg.ended and leg.ended.result) for leg in book.ticket(book.number).legs]


def test_a_ticket_stands_on_the_side_of_each_leg_and_risks_its_stake_once(paired):
    state = paired.state
    assert state.risk.pending["P1"] == 10_00
    assert state.risk.exposure(MONEYLINE) == {"away": 32_95, "home": -10_00}
    assert state.risk.exposure(TOTAL, "A1") == {"over": 32_95, "under": -10_00}
    assert (state.tickets.open_count, state.risk.sums["A1"].open_wagers) == (1, 1)
    assert state.tickets.open_on == {"G1": {paired.number: None}}
    laws.exposure_is_what_would_be_lost(state)


@pytest.mark.parametrize(
    ("away", "home", "graded", "result", "money"),
    [
        (6, 3, ("won", "won"), "won", 42_95),
        (3, 1, ("won", "lost"), "lost", 0),
        (5, 6, ("lost", "won"), "lost", 0),
        (5, 5, ("push", "won"), "push", 10_00),
    ],
)
def test_it_is_graded_leg_by_leg_and_paid_once(paired, away, home, graded, result, money):
    paired.house.ends("G1", away, home)
    paired.settles()
    paired.happened(
        WagerSettled, wager=paired.number, legs=tuple(map(Ending, graded)), result=result, returned_minor=money
    )
    assert legs(paired) == [("graded", one) for one in graded]
    assert paired.balance("P1") == money - 10_00
    assert paired.state.risk.exposure(MONEYLINE) == {"away": 0, "home": 0}
    assert paired.state.risk.exposure(TOTAL) == {"over": 0, "under": 0}
    assert paired.state.tickets.open_on == {}


def test_while_one_leg_cannot_be_graded_the_ticket_stays_open(paired):
    first_half = Leg("G1", "G1:1h:total", "over", 17, "-110")
    fold(paired.state, PairPlaced("P1", (AWAY, first_half), 5_00, 10_00), paired.state.seq + 1, NOON_NS)
    paired.store()
    paired.house.ends("G1", 6, 3)
    paired.settles()
    assert [row.status for row in paired.stored_wagers()] == ["settled", "open"]


def test_another_result_opens_each_leg_and_grades_it_anew(paired):
    paired.house.ends("G1", 6, 3)
    paired.settles()
    paired.house.ends("G1", 3, 1)
    paired.settles()
    assert [type(event) for event in paired.events[:2]] == [WagerReversed, WagerSettled]
    assert legs(paired) == [("graded", "won"), ("graded", "lost")]
    assert paired.balance("P1") == -10_00


def test_a_void_voids_each_leg_and_both_markets_are_known_to_have_moved(paired):
    paired.when(VoidWager(paired.number, "slip"))
    paired.happened(WagerVoided)
    assert legs(paired) == [("void", "void")] * 2
    assert paired.state.risk.markets_closed_at(paired.state.seq) == (MONEYLINE, TOTAL)
    assert paired.state.risk.pending["P1"] == 0


def test_a_restart_finds_the_same_legs(paired):
    recovered = paired.recovered()
    laws.memory_is_what_a_restart_would_rebuild(paired.state, recovered)
    assert recovered.tickets.by_number[paired.number].legs == (AWAY, OVER)
