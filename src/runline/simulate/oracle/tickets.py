"""Tickets: what stands of a wager, how it is voided, settled and taken back. Nothing is edited."""

from collections.abc import Callable
from typing import Any

from runline.simulate.oracle.accounts import GRADING, post
from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.grading import money_back
from runline.simulate.oracle.odds import price
from runline.simulate.oracle.rules import REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import ROOT, Book, Ticket
from runline.simulate.oracle.tree import a_player

Ending = dict[str, Any]

VOIDED: Ending = {"result": "void", "voided": True}
CALLED_OFF: Ending = {"result": "void"}


def opens(book: Book, ticket: Ticket) -> None:
    """A ticket is open, and its risk pending."""
    if ticket.turned:
        ticket.turned.append(book.seq)
    book.open[ticket.number] = book.of_player.setdefault(ticket.player, {})[ticket.number] = ticket


def closes(book: Book, ticket: Ticket) -> None:
    """A ticket is open no more."""
    ticket.turned.append(book.seq)
    del book.open[ticket.number], book.of_player[ticket.player][ticket.number]


def numbers(ticket: Ticket, status: str) -> tuple[int, ...]:
    """The legs of a status, by number from 1."""
    return tuple(number for number, leg in enumerate(ticket.legs, 1) if leg.status == status)


def reversal(ticket: Ticket, reason: str, opened: tuple[int, ...]) -> Event:
    """A settlement is taken back."""
    assert ticket.returned is not None
    fields = {"settlement": ticket.settlement, "change_minor": ticket.risk - ticket.returned, "reason": reason}
    return happens("WagerReversed", wager=ticket.number, player=ticket.player, **fields, opened=opened)


def paid(book: Book, ticket: Ticket, endings: list[Ending]) -> tuple[str, int]:
    """How a ticket ends, and what it returns. A straight ends as its leg; one that has won pays what was written."""
    (ending,) = endings
    if ending["result"] == "won":
        return "won", ticket.risk + ticket.win
    back = money_back(price(ticket.legs[0].price), ticket.risk, ending["result"], book.rounding)
    return ending["result"], back


def settled(book: Book, ticket: Ticket, settlement: int, endings: list[Ending], stood: tuple[int, ...]) -> Event:
    """A ticket is paid."""
    result, returned = PAYS[ticket.kind](book, ticket, endings)
    fields = {"settlement": settlement, "result": result, "returned_minor": returned}
    return happens(
        "WagerSettled", wager=ticket.number, player=ticket.player, **fields, legs=tuple(endings), stood=stood
    )


PAYS: dict[str, Callable[[Book, Ticket, list[Ending]], tuple[str, int]]] = {"straight": paid}
"""How a ticket of a kind ends, and what it returns, by how its legs have ended."""


def to_void(book: Book, number: int, moment: Moment) -> Ticket:
    """A ticket of the user's subtree. Players void nothing."""
    refuse_unless(not moment.user.player, "not_permitted")
    if number not in book.tickets:
        raise Refused("unknown_wager" if moment.user.node == ROOT else "not_permitted")
    ticket = book.tickets[number]
    a_player(book, moment.user, ticket.player)
    return ticket


@command("VoidWager", needs="wager_void", reasons=REASON)
def void_wager(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    ticket = to_void(book, asked.wager, moment)
    if ticket.status == "void":
        return []
    events, stood = [], numbers(ticket, "open")
    if ticket.status == "settled":
        stood = numbers(ticket, "graded")
        events.append(reversal(ticket, asked.reason, stood))
    fields = {"wager": ticket.number, "player": ticket.player, "reason": asked.reason, "stood": stood}
    return [*events, happens("WagerVoided", **fields)]


@ground("VoidWager", "VoidLeg")
def ticket_ground(book: Book, asked: Asked) -> int:
    return book.when_moved("ticket", asked.wager)


@event("WagerVoided")
def wager_voided(book: Book, at: Asked) -> None:
    ticket = book.tickets[at.wager]
    for leg in ticket.legs:
        if leg.status != "void":
            leg.ended = VOIDED
    ticket.status, ticket.result, ticket.returned = "void", "void", ticket.risk
    closes(book, ticket)
    book.touch("ticket", at.wager)


@event("WagerSettled")
def wager_settled(book: Book, at: Asked) -> None:
    ticket = book.tickets[at.wager]
    for number in at.stood:
        ticket.legs[number - 1].ended = at.legs[number - 1]
    assert [leg.ended for leg in ticket.legs] == list(at.legs)
    ticket.status, ticket.result, ticket.returned = "settled", at.result, at.returned_minor
    ticket.settlement = at.settlement
    closes(book, ticket)
    change = at.returned_minor - ticket.risk
    post(book, ticket.player, GRADING, change, "won" if change > 0 else "lost", at.wager, "")
    book.touch("ticket", at.wager)


@event("WagerReversed")
def wager_reversed(book: Book, at: Asked) -> None:
    ticket = book.tickets[at.wager]
    for number in at.opened:
        ticket.legs[number - 1].ended = None
    ticket.status, ticket.result, ticket.returned, ticket.settlement = "open", None, None, 0
    opens(book, ticket)
    for job in book.jobs.values():
        # What settles by results of its games comes by it again.
        if ticket.number < job.number and any(leg.game == job.game for leg in ticket.legs):
            job.queue = sorted({*job.queue, ticket.number})
    post(book, ticket.player, GRADING, at.change_minor, "reversal", at.wager, at.reason)
    book.touch("ticket", at.wager)


@event("LegGraded")
def leg_graded(book: Book, at: Asked) -> None:
    book.tickets[at.wager].legs[at.leg - 1].ended = at.ended
    book.touch("ticket", at.wager)


@event("LegReversed")
def leg_reversed(book: Book, at: Asked) -> None:
    book.tickets[at.wager].legs[at.leg - 1].ended = None
    book.touch("ticket", at.wager)


@event("LegVoided")
def leg_voided(book: Book, at: Asked) -> None:
    book.tickets[at.wager].legs[at.leg - 1].ended = VOIDED
    book.touch("ticket", at.wager)
