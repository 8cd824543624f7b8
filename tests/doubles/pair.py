"""Pair: a kind of ticket with two legs of one game, of which both must win. A noun of the tests: no command places one."""

from collections.abc import Sequence
from copy import copy

from runline.domain.book import Book
from runline.domain.grading import Result
from runline.domain.messages import Event, evolves, pays
from runline.domain.money import Minor, Rounding
from runline.domain.tickets import Leg, Legs, Ticket


class PairPlaced(Event):
    """A ticket with two legs is written."""

    player: str
    legs: tuple[Leg, Leg]
    risk_minor: int
    win_minor: int


@evolves(PairPlaced)
def pair_placed(book: Book, event: PairPlaced) -> None:
    first, second = map(copy, event.legs)
    ticket = Ticket(
        book.seq,
        event.player,
        book.tree.players[event.player].agent,
        "pair",
        first.fixture,
        first.market,
        first.side,
        Legs(first, (second,)),
        event.risk_minor,
        event.win_minor,
        "risk",
        0,
        "owner",
        "clerk",
        book.at_ns,
    )
    book.tickets.by_number[ticket.number] = book.touch(ticket)
    book.tickets.opened(ticket)
    book.risk.opened(ticket)


@pays("pair")
def pair(ticket: Ticket, legs: Sequence[Result], rounding: Rounding) -> tuple[Result, Minor]:
    """Both win, or one loses; anything else gives the money back."""
    if "lost" in legs:
        return "lost", 0
    if set(legs) == {"won"}:
        return "won", ticket.risk_minor + ticket.win_minor
    return "push", ticket.risk_minor
