"""Ledger: every movement debits one account and credits another by the same amount."""

import pytest
from tests.doubles.words import board, game, player, wager

from runline.domain.accounts import EnterTransaction
from runline.domain.invariants import BrokenInvariant
from runline.domain.ledger import ADJUSTMENTS, CASH, GRADING, LedgerEntry
from runline.simulate.laws import no_money_is_made, the_entries_are_the_balances


def entries(book):
    return [
        (
            entry.kind,
            entry.debit,
            entry.credit,
            entry.amount_minor,
            entry.balance_before_minor,
            entry.balance_after_minor,
        )
        for entry in book.stored(LedgerEntry)
    ]


@pytest.mark.parametrize(
    ("kind", "amount", "debit", "credit", "after"),
    [
        ("receipt", 25_00, CASH, "player:P1", 25_00),
        ("disbursement", 25_00, "player:P1", CASH, -25_00),
        ("adjustment", 7, ADJUSTMENTS, "player:P1", 7),
        ("adjustment", -7, "player:P1", ADJUSTMENTS, -7),
    ],
)
def test_a_transaction_has_two_sides(book, kind, amount, debit, credit, after):
    book.given(player("P1"), EnterTransaction("P1", kind, amount, "figure"))
    assert entries(book) == [(kind, debit, credit, abs(amount), 0, after)]


def test_an_entry_says_when_it_was_made_by_which_event_and_why(book):
    book.given(player("P1"), EnterTransaction("P1", "receipt", 25_00, "figure"))
    (entry,) = book.stored(LedgerEntry)
    assert (entry.number, entry.at_ns, entry.player, entry.wager) == (book.state.seq, book.at_ns, "P1", 0)
    assert entry.description == "figure"


def test_a_won_wager_is_paid_by_grading_and_a_lost_one_pays_it(book):
    book.given(game("G1"), board("G1"), player("P1"), player("P2"))
    book.given(wager("P1", 10_00), wager("P2", 13_00, side="home", price="-130"))
    book.house.ends("G1", away=3, home=1)
    book.settles()
    assert entries(book) == [
        ("won", GRADING, "player:P1", 12_00, 0, 12_00),
        ("lost", "player:P2", GRADING, 13_00, 0, -13_00),
    ]
    assert book.state.ledger.accounts[GRADING].balance_minor == 1_00


def test_a_push_moves_no_money_and_makes_no_entry(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    book.house.ends("G1", away=2, home=2)
    book.settles()
    assert entries(book) == []
    assert book.balance("P1") == 0


def test_an_entry_names_its_ticket_and_continues_the_one_before(book):
    book.given(game("G1"), board("G1"), player("P1"))
    book.given(wager("P1", 10_00), wager("P1", 20_00), EnterTransaction("P1", "receipt", 5_00, "cash"))
    book.house.ends("G1", away=3, home=1)
    book.settles()
    stored = book.stored(LedgerEntry)
    assert [entry.wager for entry in stored] == [0, *(wager.number for wager in book.stored_wagers())]
    assert [entry.number for entry in stored] == [entry.changed_seq for entry in stored]
    the_entries_are_the_balances(book.state, stored)
    no_money_is_made(book.state)


def test_a_ledger_that_does_not_sum_to_zero_is_not_loaded(book):
    book.given(player("P1"), EnterTransaction("P1", "receipt", 5_00, "cash"))
    state = book.recovered()
    state.ledger.accounts[CASH].balance_minor += 1
    with pytest.raises(BrokenInvariant, match="sums to 1"):
        state.derive()


@pytest.mark.alone
def test_a_row_that_does_not_take_its_side_of_an_entry_stops_the_stream(book):
    class Leaky:
        balance_minor = property(lambda self: 0, lambda self, value: None)
        changed_seq = 0

    book.given(player("P1"))
    book.state.ledger.accounts[CASH] = Leaky()
    with pytest.raises(BrokenInvariant, match="does not balance"):
        book.state.ledger.post(book.state.tree.players["P1"], CASH, 5_00, "receipt", 0, "")
