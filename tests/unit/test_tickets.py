"""Tickets: their legs by number, when they leave memory, which of them are large, and what voiding one says."""

from typing import Any

import msgspec
import pytest
from tests.doubles.words import agent, board, game, player, staff, wager

from runline.domain.execution import needs
from runline.domain.invariants import BrokenInvariant
from runline.domain.legs import VOIDED, Ending, Leg
from runline.domain.permissions import Permission
from runline.domain.state import ByKey
from runline.domain.tickets import (
    Ticket,
    TicketGame,
    VoidWager,
    WagerPlaced,
    WagerReversed,
    WagerSettled,
    WagerVoided,
    reversal,
    wager_moved_seq,
)

MONEYLINE, TOTAL = "G1:game:moneyline", "G1:game:total"
WON = Ending("won")


@pytest.fixture
def book(book):
    book.given(game("G1"), board("G1"), agent("A1"), agent("A2"), player("P1", "A1"))
    book.house.books = [book]
    return book


def placed(book, amount=10_00):
    book.given(wager("P1", amount))
    return book.state.seq


def ends(book, away, home):
    book.house.ends("G1", away, home)
    book.settles()


def ticket(**fields: Any) -> Ticket:
    """A ticket of one leg, or of two more."""
    values: dict[str, Any] = {
        "number": 7, "player": "P1", "agent": "A1", "kind": "straight", "fixture": "G1", "market": MONEYLINE, "side": "away",
        "line_quarters": None, "price": "+120", "risk_minor": 10_00, "win_minor": 12_00, "basis": "risk", "house_seq": 5,
        "writer": "P1", "channel": "screen", "placed_ns": 3,
    }  # fmt: skip
    return Ticket(**{**values, **fields})


FIRST = Leg("G1", MONEYLINE, "away", None, "+120")
SECOND, THIRD = Leg("G2", "G2:game:total", "over", 34, "-105"), Leg("G3", "G3:game:spread", "home", -6, "-110")


def test_legs_are_numbered_from_one():
    alone, three = ticket(), ticket(more=(SECOND, THIRD))
    assert (alone.legs, three.legs) == ((FIRST,), (FIRST, SECOND, THIRD))
    assert ticket(market="G1:game:spread", line_quarters=6).legs == (Leg("G1", "G1:game:spread", "away", 6, "+120"),)
    assert alone.legs_at((1,)) == (FIRST,)
    assert alone.legs_at(()) == three.legs_at(()) == ()
    assert three.legs_at((1,)) == (FIRST,)
    assert three.legs_at((3, 1)) == (THIRD, FIRST)
    for found, numbers in ((alone, (2,)), (alone, (0,)), (three, (0,)), (three, (1, 4)), (three, (-1,))):
        with pytest.raises(BrokenInvariant):
            found.legs_at(numbers)


def test_the_legs_that_stand_are_those_that_have_not_ended():
    alone, three = ticket(), ticket(more=(SECOND, THIRD))
    assert (alone.standing(), three.standing()) == ((1,), (1, 2, 3))
    three.end_leg(2, WON)
    assert (three.standing(), three.legs[1].ended, three.legs[2].ended) == ((1, 3), WON, None)
    three.end_leg(1, VOIDED)
    three.end_leg(3, WON)
    assert (three.standing(), three.ended) == ((), VOIDED)
    three.end_leg(2, None)
    assert three.standing() == (2,)
    alone.end_leg(1, WON)
    assert (alone.standing(), alone.ended, alone.more) == ((), WON, None)
    alone.end_leg(2, VOIDED)
    assert (alone.ended, alone.more) == (WON, None)


@pytest.mark.alone
def test_a_ticket_leaves_memory_once_its_last_change_is_durable(book):
    first, second, third = placed(book), placed(book), placed(book)
    tickets = book.state.tickets
    assert tickets.open_count == 3
    assert list(tickets.open_on["G1"]) == [first, second, third]
    for number in (first, second):
        row = tickets.by_number[number]
        row.status = "void"
        tickets.no_longer_open(row)
    tickets.by_number[first].changed_seq, tickets.by_number[second].changed_seq = 50, 60
    assert (tickets.open_count, list(tickets.open_on["G1"])) == (1, [third])
    tickets.closed.append(third)
    tickets.closed.append(999)
    assert tickets.evict(49) == 0
    assert tickets.closed == [first, second]
    assert tickets.evict(50) == 1
    assert (first in tickets.by_number, second in tickets.by_number, third in tickets.by_number) == (False, True, True)
    tickets.derive()
    assert (tickets.open_count, tickets.open_on, tickets.closed) == (1, {"G1": {third: None}}, [])
    assert tickets.evict(60) == 0
    tickets.no_longer_open(tickets.by_number[third])
    assert tickets.open_on == {}


@pytest.mark.alone
def test_a_ticket_stands_on_each_of_its_games_once_and_has_a_row_for_each_further_one(book):
    tickets, state = book.state.tickets, book.state
    first = Leg("G1", TOTAL, "over", 34, "-105")
    tickets.add(ticket(number=7, more=(SECOND, first, msgspec.structs.replace(SECOND, side="under"), THIRD)))
    tickets.add(ticket(number=8, more=(SECOND,)))
    tickets.add(ticket(number=9))
    assert tickets.open_on == {"G1": {7: None, 8: None, 9: None}, "G2": {7: None, 8: None}, "G3": {7: None}}
    rows = [row for row in state.changed.values() if isinstance(row, TicketGame)]
    assert [(row.game, row.number, row.changed_seq) for row in rows] == [
        ("G2", 7, state.seq), ("G3", 7, state.seq), ("G2", 8, state.seq),
    ]  # fmt: skip
    tickets.no_longer_open(tickets.by_number[7])
    assert tickets.open_on == {"G1": {8: None, 9: None}, "G2": {8: None}}


@pytest.mark.alone
def test_all_tickets_leave_memory_that_may_whichever_stays(book):
    first, second, third = placed(book), placed(book), placed(book)
    tickets = book.state.tickets
    for number in (second, third):
        tickets.by_number[number].status = "void"
        tickets.no_longer_open(tickets.by_number[number])
    tickets.closed = [999, first, second, third]
    assert tickets.evict(book.state.seq) == 2
    assert (list(tickets.by_number), tickets.closed) == ([first], [])


def test_a_ticket_that_is_not_in_memory_is_fetched_if_there_can_be_one(book):
    number = placed(book)
    assert needs(book.state, VoidWager(number, "slip")) == []
    book.given(VoidWager(number, "slip"))
    last = book.state.seq
    assert needs(book.state, VoidWager(number, "slip")) == [ByKey(Ticket, number)]
    assert needs(book.state, VoidWager(1, "slip")) == [ByKey(Ticket, 1)]
    assert needs(book.state, VoidWager(last, "slip")) == [ByKey(Ticket, last)]
    for none in (0, -1, last + 1):
        assert needs(book.state, VoidWager(none, "slip")) == []
    event = WagerReversed(number, "P1", 3, 0, "slip", (1,))
    assert needs(book.state, event) == [ByKey(Ticket, number)]


def test_a_ticket_says_all_that_was_agreed(book):
    book.when(wager("P1", 10_00), by="P1")
    house_seq = book.house.state.seq
    number = book.state.seq
    assert book.events == [
        WagerPlaced(
            number, "P1", "A1", "G1", MONEYLINE, "away", None, "+120", 10_00, 12_00, "risk", house_seq, "P1",
            book.events[0].channel,
        )
    ]  # fmt: skip
    taken = book.events[0].taken()
    assert (taken.player, taken.risk_minor, taken.win_minor, taken.selections) == (
        "P1",
        10_00,
        12_00,
        (book.events[0],),
    )


def test_voiding_an_open_ticket_frees_it_and_once(book):
    number = placed(book)
    book.when(VoidWager(number, "slip"))
    assert book.events == [WagerVoided(number, "P1", "slip", (1,))]
    row = book.ticket(number)
    assert (row.status, row.result, row.returned_minor, row.closed_ns, row.ended) == (
        "void", "void", 10_00, book.state.at_ns, VOIDED,
    )  # fmt: skip
    assert wager_moved_seq(book.state, number) == 0
    book.when(VoidWager(number, "slip"))
    book.nothing_happened()


def test_voiding_a_settled_ticket_takes_its_settlement_back_first(book):
    number = placed(book)
    ends(book, 3, 1)
    settlement = book.house.state.catalog.results["G1"].confirmed_seq
    assert book.events[-2] == WagerSettled(number, "P1", settlement, "won", 22_00, (WON,), (1,))
    row = book.ticket(number)
    assert (row.status, row.result, row.returned_minor, row.settlement) == ("settled", "won", 22_00, settlement)
    book.when(VoidWager(number, "past post"))
    assert book.events == [
        WagerReversed(number, "P1", settlement, -12_00, "past post", (1,)),
        WagerVoided(number, "P1", "past post", (1,)),
    ]
    row = book.ticket(number)
    assert (row.status, row.result, row.settlement, row.ended) == ("void", "void", 0, VOIDED)
    assert book.balance("P1") == 0


def test_taking_back_a_settlement_that_is_none_is_a_broken_invariant():
    with pytest.raises(BrokenInvariant):
        reversal(ticket(), "slip", (1,))
    assert reversal(ticket(settlement=4, returned_minor=0), "slip", (1,)) == WagerReversed(
        7, "P1", 4, 10_00, "slip", (1,)
    )


def test_a_ticket_is_voided_by_staff_above_its_player_alone(book):
    number = placed(book)
    book.given(staff("ann", Permission.WAGER_VOID, at="A1"), staff("bob", Permission.WAGER_VOID, at="A2"))
    book.when(VoidWager(number, "mine"), by="bob")
    book.rejected("not_permitted")
    book.when(VoidWager(number, "mine"), by="ann")
    book.happened(WagerVoided, wager=number)
