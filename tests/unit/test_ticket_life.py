"""Ticket life: each step of a ticket is an event, moves what it says, and is the only one that can be taken there."""

import pytest
from msgspec.structs import replace
from tests.doubles.words import agent, board, game, player, wager

from runline.domain.execution import fold
from runline.domain.grading import Score
from runline.domain.invariants import BrokenInvariant
from runline.domain.ledger import LedgerEntry
from runline.domain.legs import Ending, LegGraded
from runline.domain.reopening import ReopenFixture
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.tickets import Ticket, VoidWager, WagerPlaced, WagerReversed, WagerSettled, WagerVoided

WON = Ending("won")


@pytest.fixture
def book(book):
    """A book with a ticket of 10.00 to win 12.00 on the visitors."""
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    book.house.books = [book]
    book.number = book.state.seq
    return book


def ends(book, away, home):
    if book.house.state.catalog.fixtures["G1"].status == "scheduled":
        book.house.ends("G1", away, home)
    else:
        book.house.given(EnterResult("G1", Score(home, away)))
        book.house.given(ConfirmResult("G1", book.house.state.catalog.results["G1"].revision))
    book.settles()


def entries(book):
    """What the ledger says: kind, from where to where, how much, whose ticket, the balance before and after, and why."""
    return [
        (one.kind, one.debit, one.credit, one.amount_minor, one.player, one.wager, one.balance_before_minor,
         one.balance_after_minor, one.description)
        for one in book.stored(LedgerEntry)
    ]  # fmt: skip


def test_a_ticket_is_stored_as_it_was_agreed(book):
    house_seq = book.house.state.seq
    book.given(agent("A1"), player("P2", "A1"))
    book.when(wager("P2", 10_00), by="P2")
    number, channel = book.state.seq, book.events[0].channel
    assert book.ticket(number) == Ticket(
        number, "P2", "A1", "straight", "G1", "G1:game:moneyline", "away", None, "+120", 10_00, 12_00, "risk", house_seq, "P2",
        channel, book.state.at_ns, changed_seq=number,
    )  # fmt: skip
    book.when(wager("P2", 11_00, kind="spread", side="home", quarters=-6, price="-110", basis="base"))
    number, channel = book.state.seq, book.events[0].channel
    assert book.ticket(number) == Ticket(
        number, "P2", "A1", "straight", "G1", "G1:game:spread", "home", -6, "-110", 12_10, 11_00, "base", house_seq, "owner",
        channel, book.state.at_ns, changed_seq=number,
    )  # fmt: skip


def test_what_is_won_lost_and_taken_back_is_an_entry_of_the_ledger(book):
    number = book.number
    ends(book, 3, 1)
    won = ("won", "grading", "player:P1", 12_00, "P1", number, 0, 12_00, "")
    assert entries(book) == [won]
    assert (book.ticket(number).closed_ns, book.ticket(number).returned_minor) == (book.state.at_ns, 22_00)
    ends(book, 1, 3)
    taken_back = ("reversal", "player:P1", "grading", 12_00, "P1", number, 12_00, 0, "regraded")
    lost = ("lost", "player:P1", "grading", 10_00, "P1", number, 0, -10_00, "")
    assert entries(book) == [won, taken_back, lost]
    ends(book, 2, 2)
    given_back = ("reversal", "grading", "player:P1", 10_00, "P1", number, -10_00, 0, "regraded")
    assert entries(book) == [won, taken_back, lost, given_back], "a push moves no money"
    assert (book.ticket(number).result, book.ticket(number).returned_minor) == ("push", 10_00)


@pytest.mark.alone
@pytest.mark.parametrize(("returned", "kind"), [(10_01, "won"), (9_99, "lost")])
def test_a_cent_is_won_or_lost(book, returned, kind):
    event = WagerSettled(book.number, "P1", 9, "won", returned, (WON,), (1,))
    fold(book.state, event, book.state.seq + 1, book.at_ns)
    book.store()
    assert [entry[0] for entry in entries(book)] == [kind]


def test_a_ticket_that_is_open_again_is_as_it_was(book):
    number = book.number
    before = replace(book.state.tickets.by_number[number])
    ends(book, 3, 1)
    book.house.given(ReopenFixture("G1", "goes on"))
    book.settles()
    assert replace(book.state.tickets.by_number[number], changed_seq=before.changed_seq) == before
    assert (book.state.tickets.open_on, book.state.tickets.open_count) == ({"G1": {number: None}}, 1)


def test_a_ticket_has_the_number_of_its_position(book):
    book.when(wager("P1", 5_00))
    event = book.events[0]
    with pytest.raises(BrokenInvariant, match="number"):
        fold(book.state, replace(event, wager=event.wager + 1), event.wager, book.at_ns)
    assert isinstance(event, WagerPlaced)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ([WagerSettled(0, "P1", 9, "won", 22_00, (WON,), (1,))] * 2, "settled: no WagerSettled"),
        ([WagerReversed(0, "P1", 9, 0, "slip", (1,))], "open: no WagerReversed"),
        ([WagerVoided(0, "P1", "slip", (1,)), WagerReversed(0, "P1", 9, 0, "slip", (1,))], "void: no WagerReversed"),
        (
            [WagerVoided(0, "P1", "slip", (1,)), WagerSettled(0, "P1", 9, "won", 22_00, (WON,), (1,))],
            "void: no WagerSettled",
        ),
        ([LegGraded(0, "P1", 1, 9, WON), LegGraded(0, "P1", 1, 9, WON)], "graded: no LegGraded to graded"),
        (
            [WagerSettled(0, "P1", 9, "won", 22_00, (Ending("void", voided=True),), (1,))],
            "open: no WagerSettled to void",
        ),
        ([WagerSettled(0, "P1", 9, "won", 22_00, (WON, WON), (1,))], "settled by other legs"),
    ],
    ids=range(7),
)
def test_a_step_that_a_ticket_cannot_take_is_a_broken_invariant(book, steps, last):
    number, state = book.number, book.state
    ticket = state.tickets.by_number[number]
    *before, end = [replace(step, wager=number) for step in steps]
    for event in before:
        fold(state, event, state.seq + 1, book.at_ns)
        state.tickets.by_number[number] = ticket
    with pytest.raises(BrokenInvariant, match=last):
        fold(state, end, state.seq + 1, book.at_ns)


def test_a_void_gives_the_stake_back_and_moves_no_money(book):
    book.given(VoidWager(book.number, "slip"))
    row = book.ticket(book.number)
    assert (row.status, row.result, row.returned_minor, row.closed_ns) == ("void", "void", 10_00, book.state.at_ns)
    assert entries(book) == []
    assert book.state.tickets.open_count == 0
