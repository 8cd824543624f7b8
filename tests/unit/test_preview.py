"""Preview: what a command would move is what it moves. (The stage checks this on every command; here are the figures.)"""

from tests.doubles.words import board, game, player, wager

from runline.domain.accounts import EnterTransaction
from runline.domain.jobs import DoSlice
from runline.domain.messages import ENGINE
from runline.domain.preview import Moves, moves
from runline.domain.tickets import VoidWager

AWAY, HOME = "G1:game:moneyline/away", "G1:game:moneyline/home"


def previewed(book, command, by="owner"):
    """What a preview of a command answers."""
    return moves(book.state, book.decide(command, by, book.at_ns, book.fetch(command)))


def test_a_wager_would_tie_up_its_risk_and_move_the_exposure_of_every_side(book):
    book.given(game("G1"), board("G1"), player("P1"))
    command = wager("P1", 10_00)
    assert previewed(book, command) == Moves({}, {"P1": 10_00}, {AWAY: 12_00, HOME: -10_00})
    assert (book.state.risk.pending, book.state.risk.exposure("G1:game:moneyline")) == ({}, {"away": 0, "home": 0})
    book.given(command)
    assert book.state.risk.exposure("G1:game:moneyline") == {"away": 12_00, "home": -10_00}


def test_a_transaction_would_move_the_balance(book):
    book.given(player("P1"))
    assert previewed(book, EnterTransaction("P1", "disbursement", 5_00, "cash")) == Moves({"P1": -5_00})


def test_a_settlement_would_free_the_risk_and_pay(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    book.house.ends("G1", away=3, home=1)
    (job,) = book.state.jobs.by_number
    assert previewed(book, DoSlice(job), ENGINE) == Moves({"P1": 12_00}, {"P1": -10_00}, {AWAY: -12_00, HOME: 10_00})


def test_voiding_a_settled_ticket_would_move_its_payment_only(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    number = book.state.seq
    book.house.ends("G1", away=3, home=1)
    book.settles()
    assert previewed(book, VoidWager(number, "past post")) == Moves({"P1": -12_00})


def test_what_cancels_out_is_left_out(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    number = book.state.seq
    assert previewed(book, VoidWager(number, "wrong side")) == Moves({}, {"P1": -10_00}, {AWAY: -12_00, HOME: 10_00})
    book.house.ends("G1", away=2, home=2)
    book.settles()
    assert previewed(book, VoidWager(number, "wrong side")) == Moves()
