"""Risk: what is open is counted for a player and for each node above, as it comes and goes, and is the same after a restart."""

from copy import deepcopy

import pytest
from tests.doubles.words import agent, board, game, player, wager

from runline.domain.accounts import EnterTransaction
from runline.domain.legs import Ending, Leg
from runline.domain.moving import MoveAgent
from runline.domain.nodes import ROOT
from runline.domain.outcomes import Stand
from runline.domain.reopening import ReopenFixture
from runline.domain.risk import AgentSums, legs_standing
from runline.domain.state import at_once
from runline.domain.tickets import Ticket, VoidWager, WagerReversed, WagerSettled

MONEYLINE, SPREAD, TOTAL = (f"G1:game:{kind}" for kind in ("moneyline", "spread", "total"))
AWAY, HOME, OVER = ("away", None), ("home", -6), ("over", 34)


@pytest.fixture
def book(book):
    """A player at an agent below another one, and one beside them."""
    book.given(
        game("G1"), board("G1"), agent("A1"), agent("A1-1", "A1"), agent("A2"), player("P1", "A1-1"), player("P2", "A2"),
    )  # fmt: skip
    book.house.books = [book]
    return book


def on_spread(number, amount):
    return wager(number, amount, kind="spread", side="home", quarters=-6, price="-110")


def told(book):
    """The sums of each node: pending, open wagers, balance, players, and what stands in each market."""
    return {
        name: (sums.pending_minor, sums.open_wagers, sums.balance_minor, sums.players, dict(sums.stands))
        for name, sums in book.state.risk.sums.items()
    }


def same_after_a_restart(book):
    derived = book.recovered().risk
    risk = book.state.risk
    empty = AgentSums()
    assert {name: sums for name, sums in derived.sums.items() if sums != empty} == {
        name: sums for name, sums in risk.sums.items() if sums != empty
    }
    assert {number: minor for number, minor in risk.pending.items() if minor} == derived.pending
    for name in derived.sums:
        assert list(risk.markets(name)) == sorted(derived.stands(name))
        for market in risk.stands(name):
            assert risk.exposure(market, name) == derived.exposure(market, name)


def test_what_is_open_counts_for_all_above_until_it_is_closed(book):
    assert told(book)["A2"] == (0, 0, 0, 1, {})
    book.given(wager("P1", 5_00), on_spread("P1", 11_00), wager("P1", 7_00), on_spread("P2", 22_00))
    stood = {MONEYLINE: {AWAY: Stand(12_00, 14_40, 2)}, SPREAD: {HOME: Stand(11_00, 10_00, 1)}}
    assert told(book) == {
        ROOT: (45_00, 4, 0, 2, {**stood, SPREAD: {HOME: Stand(33_00, 30_00, 2)}}),
        "A1": (23_00, 3, 0, 1, stood),
        "A1-1": (23_00, 3, 0, 1, stood),
        "A2": (22_00, 1, 0, 1, {SPREAD: {HOME: Stand(22_00, 20_00, 1)}}),
    }
    assert book.state.risk.pending == {"P1": 23_00, "P2": 22_00}
    same_after_a_restart(book)
    book.house.ends("G1", 3, 1)
    book.settles()
    assert {name: sums[2] for name, sums in told(book).items()} == {
        ROOT: 14_40 - 33_00, "A1": 14_40 - 11_00, "A1-1": 14_40 - 11_00, "A2": -22_00,
    }  # fmt: skip
    assert all(sums[:2] == (0, 0) and sums[4] == {} for sums in told(book).values())
    same_after_a_restart(book)


def test_markets_are_in_order_however_they_come_and_go_once_somebody_has_asked(book):
    risk = book.state.risk
    assert list(risk.markets("A1")) == list(risk.markets("A9")) == []
    book.given(wager("P1", 5_00, kind="total", side="over", quarters=34, price="-105"), wager("P1", 5_00))
    assert list(risk.markets("A1")) == list(risk.markets(ROOT)) == [MONEYLINE, TOTAL]
    book.given(on_spread("P1", 11_00))
    last = book.state.seq
    assert list(risk.markets("A1")) == [MONEYLINE, SPREAD, TOTAL]
    book.given(on_spread("P2", 11_00), VoidWager(last, "slip"))
    assert list(risk.markets("A1")) == [MONEYLINE, TOTAL]
    assert list(risk.markets(ROOT)) == [MONEYLINE, SPREAD, TOTAL]
    assert SPREAD not in risk.stands("A1")
    assert risk.stands("A9") == {}
    same_after_a_restart(book)


def test_of_a_market_that_side_is_forgotten_on_which_nothing_stands(book):
    risk = book.state.risk
    book.given(wager("P1", 5_00), wager("P1", 5_00, side="home", price="-130"))
    home = book.state.seq
    book.given(wager("P2", 5_00, side="home", price="-130"), VoidWager(home, "slip"))
    assert set(risk.stands("A1")[MONEYLINE]) == {AWAY}
    assert set(risk.stands(ROOT)[MONEYLINE]) == {AWAY, ("home", None)}
    same_after_a_restart(book)
    book.given(wager("P1", 6_00, side="home", price="-130"))
    assert set(risk.stands("A1-1")[MONEYLINE]) == {AWAY, ("home", None)}
    same_after_a_restart(book)


def test_a_move_takes_all_that_is_open_along(book):
    book.given(wager("P1", 5_00), wager("P2", 6_00), EnterTransaction("P1", "receipt", 3_00, "cash"))
    assert list(book.state.risk.markets("A1")) == [MONEYLINE]
    book.given(MoveAgent("A1-1", "A2", "sold"))
    stood = Stand(11_00, 13_20, 2)
    assert told(book)["A1"] == (0, 0, 0, 0, {})
    assert told(book)["A2"] == (11_00, 2, 3_00, 2, {MONEYLINE: {AWAY: stood}})
    assert told(book)["A2"] == told(book)[ROOT]
    assert list(book.state.risk.markets("A1")) == []
    same_after_a_restart(book)
    book.given(wager("P1", 1_00), MoveAgent("A1-1", "A1", "back"))
    assert told(book)["A1"][:4] == (6_00, 2, 3_00, 1)
    assert told(book)["A2"] == (6_00, 1, 0, 1, {MONEYLINE: {AWAY: Stand(6_00, 7_20, 1)}})
    same_after_a_restart(book)


def test_what_stands_nowhere_leaves_nothing_behind(book):
    book.given(wager("P1", 5_00), wager("P2", 6_00))
    first, second = (row.number for row in book.stored_wagers())
    risk = book.state.risk
    assert set(risk.paths[MONEYLINE][AWAY]) == {"A1-1", "A2"}
    book.given(MoveAgent("A1-1", "A2", "sold"), VoidWager(first, "slip"))
    assert risk.paths == {}
    book.given(VoidWager(second, "slip"))
    assert risk.paths == {}
    assert all(sums.stands == {} for sums in risk.sums.values())


def test_what_was_paid_and_is_taken_back_is_open_as_it_was(book):
    book.given(wager("P1", 5_00), EnterTransaction("P1", "receipt", 3_00, "cash"))
    number, before = min(book.state.tickets.by_number), deepcopy(told(book))
    book.house.ends("G1", 3, 1)
    book.settles()
    assert told(book)["A1"] == (0, 0, 9_00, 1, {})
    book.house.given(ReopenFixture("G1", "protest"))
    book.settles()
    assert told(book) == before
    assert book.state.risk.pending == {"P1": 5_00}
    same_after_a_restart(book)
    for kind in (WagerSettled, WagerReversed):
        (seq,) = (seq for seq, _, _, event in book.log if isinstance(event, kind))
        assert book.state.risk.stake_closed_at(seq).number == number


@pytest.mark.alone
def test_after_a_restart_it_is_counted_on(book):
    book.given(player("P3", "A1-1"), EnterTransaction("P1", "receipt", 3_00, "cash"))
    book.given(EnterTransaction("P3", "disbursement", 1_00, "cash"), wager("P1", 5_00), wager("P3", 6_00))
    recovered = book.recovered()
    first, second = recovered.tickets.by_number.values()
    for risk in (book.state.risk, recovered.risk):
        risk.closed(first, (1,))
        risk.balance_moved("P1", 7_00)
        stood = {MONEYLINE: {AWAY: Stand(6_00, 7_20, 1)}}
        for name in ("A1-1", "A1", ROOT):
            sums = risk.sums[name]
            assert (sums.pending_minor, sums.open_wagers, sums.balance_minor, dict(sums.stands)) == (
                6_00, 1, 9_00, stood,
            )  # fmt: skip
        risk.closed(second, (1,))
        assert risk.sums["A1"].stands == risk.paths == {}


@pytest.mark.alone
def test_what_is_closed_and_not_yet_out_of_memory_is_not_derived(book):
    book.given(wager("P1", 5_00), wager("P1", 6_00))
    first, _ = book.state.tickets.by_number.values()
    first.status = "void"
    at_once(book.state.risk.deriving())
    assert told(book)["A1"] == (6_00, 1, 0, 1, {MONEYLINE: {AWAY: Stand(6_00, 7_20, 1)}})
    assert book.state.risk.pending == {"P1": 6_00}


def test_the_tickets_that_closed_last_are_known_by_the_position_of_that(book, monkeypatch):
    monkeypatch.setattr("runline.domain.risk.CLOSED_REMEMBERED", 2)
    risk = book.state.risk
    assert risk.stake_closed_at(1) is None
    at = []
    for _ in range(5):
        book.given(wager("P1", 5_00))
        number = book.state.seq
        book.given(VoidWager(number, "slip"))
        at.append((book.state.seq, number))
    known = {seq: ticket.number for seq, _ in at if (ticket := risk.stake_closed_at(seq)) is not None}
    assert known == dict(at[2:])
    assert risk.stake_closed_at(1) is None
    assert list(risk.closed_on) == [at[4][0]]
    assert list(risk.closed_before) == [seq for seq, _ in at[2:4]]


def test_sums_are_added_and_taken_away():
    one, other = AgentSums(1, 2, 3, players=4), AgentSums(10, 20, 30, players=40)
    other.stand(MONEYLINE, AWAY).risk_minor = 5
    other.stand(MONEYLINE, AWAY).win_minor = 6
    other.stand(MONEYLINE, AWAY).wagers = 7
    one.add(other, 1)
    assert (one.pending_minor, one.open_wagers, one.balance_minor, one.players) == (11, 22, 33, 44)
    assert one.stands == {MONEYLINE: {AWAY: Stand(5, 6, 7)}}
    assert list(one.stands.ordered()) == [MONEYLINE]
    one.stand(MONEYLINE, HOME).wagers = 1
    one.add(other, -1)
    assert (one.pending_minor, one.open_wagers, one.balance_minor, one.players) == (1, 2, 3, 4)
    assert one.stands == {MONEYLINE: {HOME: Stand(0, 0, 1)}}
    one.stands[MONEYLINE][HOME].wagers = 0
    one.forget_stand(MONEYLINE, HOME)
    assert (one.stands, list(one.stands.ordered())) == ({}, [])


def test_those_legs_of_an_open_ticket_count_that_have_not_ended():
    other = Leg("G2", "G2:game:total", "over", 34, "-105")
    values = (7, "P1", "A1", "pair", "G1", MONEYLINE, "away", None, "+120", 5_00, 6_00, "risk", 3, "P1", "screen", 1)
    alone, pair = Ticket(*values), Ticket(*values, more=(other,))
    first = Leg("G1", MONEYLINE, "away", None, "+120")
    assert legs_standing(alone) == (alone,)
    assert legs_standing(pair) == (first, other)
    pair.end_leg(1, Ending("won"))
    alone.end_leg(1, Ending("won"))
    assert legs_standing(pair) == (other,)
    assert legs_standing(alone) == ()
