"""Ticket life: how events change tickets and their legs.

Rule: a ticket and each of its legs take the steps of TICKET_LIFE and LEG_LIFE, and no others. Reversing is the exact opposite of
settling: an open ticket again, with its risk pending; what follows (another settlement, a void) is an event of its own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from runline.domain.invariants import BrokenInvariant
from runline.domain.ledger import GRADING
from runline.domain.legs import LEG_LIFE, VOIDED, Ending, LegGraded, LegReversed, LegVoided, status_of
from runline.domain.messages import evolves
from runline.domain.tickets import Ticket, WagerPlaced, WagerReversed, WagerSettled, WagerVoided

if TYPE_CHECKING:
    from runline.domain.book import Book

TICKET_LIFE: dict[tuple[str, str], str] = {
    ("open", "WagerSettled"): "settled",
    ("open", "WagerVoided"): "void",
    ("settled", "WagerReversed"): "open",
    ("open", "LegGraded"): "open",
    ("open", "LegReversed"): "open",
    ("open", "LegVoided"): "open",
}
"""(status, event of the ticket or of a leg) -> status. Anything else is a broken invariant."""


@evolves(WagerPlaced)
def wager_placed(book: "Book", event: WagerPlaced) -> None:
    if event.wager != book.seq:
        raise BrokenInvariant("a ticket's number is the position at which it is placed")
    book.tickets.add(
        Ticket(
            event.wager,
            event.player,
            event.agent,
            "straight",
            event.fixture,
            event.market,
            event.side,
            event.line_quarters,
            event.price,
            event.risk_minor,
            event.win_minor,
            event.basis,
            event.house_seq,
            event.writer,
            event.channel,
            book.at_ns,
        )
    )


def live_on(book: "Book", ticket: Ticket, event: str, ends: Mapping[int, Ending | None]) -> None:
    """Take the step in the lives of a ticket and its legs that an event is. ends: how the legs that it is about have ended from
    here on, by number; None: they are open."""
    after = TICKET_LIFE.get((ticket.status, event))
    if after is None:
        raise BrokenInvariant(f"ticket {ticket.number} is {ticket.status}: no {event}")
    for number, ended in ends.items():
        before = status_of(ticket.ended if number == 1 else ticket.legs_at((number,))[0].ended)
        then = status_of(ended)
        if LEG_LIFE.get((before, event)) != then:
            raise BrokenInvariant(f"a leg of ticket {ticket.number} is {before}: no {event} to {then}")
        ticket.end_leg(number, ended)
    if ticket.status != "open":
        book.count(ticket, 1)
    ticket.status = after
    book.touch(ticket)
    if after != "open":
        book.count(ticket, -1)


@evolves(LegGraded)
def leg_graded(book: "Book", event: LegGraded) -> None:
    live_on(book, book.tickets.by_number[event.wager], "LegGraded", {event.leg: event.ended})


@evolves(LegReversed)
def leg_reversed(book: "Book", event: LegReversed) -> None:
    live_on(book, book.tickets.by_number[event.wager], "LegReversed", {event.leg: None})


@evolves(LegVoided)
def leg_voided(book: "Book", event: LegVoided) -> None:
    live_on(book, book.tickets.by_number[event.wager], "LegVoided", {event.leg: VOIDED})


@evolves(WagerVoided)
def wager_voided(book: "Book", event: WagerVoided) -> None:
    ticket = book.tickets.by_number[event.wager]
    left = {number: VOIDED for number, leg in enumerate(ticket.legs, 1) if leg.status != "void"}
    live_on(book, ticket, "WagerVoided", left)
    ticket.result = "void"
    ticket.returned_minor = ticket.risk_minor
    ticket.closed_ns = book.at_ns
    book.tickets.no_longer_open(ticket)


@evolves(WagerSettled)
def wager_settled(book: "Book", event: WagerSettled) -> None:
    ticket = book.tickets.by_number[event.wager]
    legs = event.legs
    ends = {number: legs[number - 1] for number in event.stood} if ticket.more else {1: legs[0]}
    live_on(book, ticket, "WagerSettled", ends)
    if (tuple(leg.ended for leg in ticket.legs) if ticket.more else (ticket.ended,)) != event.legs:
        raise BrokenInvariant(f"ticket {ticket.number} is settled by other legs than it has")
    ticket.result = event.result
    ticket.returned_minor = event.returned_minor
    ticket.settlement = event.settlement
    ticket.closed_ns = book.at_ns
    book.tickets.no_longer_open(ticket)
    change = event.returned_minor - ticket.risk_minor
    if change:
        player = book.tree.players[ticket.player]
        book.ledger.post(player, GRADING, change, "won" if change > 0 else "lost", ticket.number, "")


@evolves(WagerReversed)
def wager_reversed(book: "Book", event: WagerReversed) -> None:
    ticket = book.tickets.by_number[event.wager]
    live_on(book, ticket, "WagerReversed", dict.fromkeys(event.opened))
    ticket.result = None
    ticket.returned_minor = None
    ticket.settlement = 0
    ticket.closed_ns = None
    book.tickets.opened(ticket)
    if event.change_minor:
        player = book.tree.players[ticket.player]
        book.ledger.post(player, GRADING, event.change_minor, "reversal", ticket.number, event.reason)
