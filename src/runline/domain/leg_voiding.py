"""Leg voiding: somebody voids one leg of a ticket; the others stand.

Rule: a leg that was graded is reversed first, with the settlement of its ticket if that was settled. Where no leg is open after
it, the ticket is settled at once, by how its legs have ended; by results that the book is settling by just then, if they are of
its games.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runline.domain.identifiers import Reason
from runline.domain.legs import VOIDED, Ending, LegGraded, LegReversed, LegVoided
from runline.domain.messages import Command, Rejected, decides, grounds, wants
from runline.domain.permissions import Permission
from runline.domain.settlement import Results
from runline.domain.state import ByKey
from runline.domain.tickets import (
    Ticket,
    WagerReversed,
    WagerSettled,
    reversal,
    settled,
    stored_wager,
    wager_moved_seq,
    wager_to_void,
)

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context


class VoidLeg(Command, needs=Permission.WAGER_VOID):
    """Void one leg of a ticket, open or settled. (The only leg of a ticket is voided with it, by `VoidWager`.)

    wager: the ticket number. leg: which one, from 1.
    """

    wager: int
    leg: int
    reason: Reason


VoidingLeg = WagerReversed | LegReversed | LegVoided | LegGraded | WagerSettled
"""What happens as a leg is voided."""


@wants(VoidLeg)
def ticket_of_leg(book: "Book", command: VoidLeg) -> list[ByKey]:
    return stored_wager(book, command.wager)


@decides(VoidLeg)
def void_leg(book: "Book", command: VoidLeg, context: "Context") -> list[VoidingLeg] | tuple[()]:
    ticket = wager_to_void(book, command.wager, context)
    legs, number = ticket.legs, command.leg
    if len(legs) == 1 or not 1 <= number <= len(legs):
        raise Rejected("unknown_leg", f"Ticket {ticket.number} has no leg {number} to be voided alone.", leg=number)
    leg = legs[number - 1]
    if leg.status == "void":
        return ()
    reason = command.reason
    events: list[VoidingLeg] = []
    if ticket.status == "settled":
        events.append(reversal(ticket, reason, (number,)))
    elif leg.status == "graded":
        events.append(LegReversed(ticket.number, ticket.player, number, reason))
    events.append(LegVoided(ticket.number, ticket.player, number, reason))
    endings = []
    results = Results(book, context.view())
    for at, other in enumerate(legs, 1):
        ended, by = other.ended, results.of(other.fixture)
        if at == number:
            ended = VOIDED
        elif by is not None and other.status != "void":
            ended = by.of(other, ticket.house_seq)
            events += leg_by_result(ticket, at, other.ended, ended, by.house_seq)
        endings.append(ended)
    if None not in endings:
        events.append(settled(book, ticket, ticket.settlement, [ended for ended in endings if ended], ()))
    return events


def leg_by_result(
    ticket: Ticket, number: int, before: Ending | None, after: Ending | None, house_seq: int
) -> Iterator[LegReversed | LegGraded]:
    """What makes of a leg how it stands by a result."""
    if before == after:
        return
    if before is not None:
        yield LegReversed(ticket.number, ticket.player, number, "regraded" if after else "result withdrawn")
    if after is not None:
        yield LegGraded(ticket.number, ticket.player, number, house_seq, after)


@grounds(VoidLeg)
def leg_ground(book: "Book", command: VoidLeg) -> int:
    """The ticket itself."""
    return wager_moved_seq(book, command.wager)
