"""Pair: a kind of ticket with two legs of one game, of which both must win. A noun of the tests: no command places one."""

from collections.abc import Sequence

from runline.domain.book import Book
from runline.domain.grading import Result
from runline.domain.messages import Event, evolves, pays
from runline.domain.money import Minor, Rounding
from runline.domain.tickets import Ending, Leg, Ticket


class PairPlaced(Event):
    """A ticket with two legs is written."""

    player: str
    legs: tuple[Leg, Leg]
    risk_minor: int
    win_minor: int


@evolves(PairPlaced)
def pair_placed(book: Book, event: PairPlaced) -> None:
    first, *more = event.legs
    ticket = Ticket(
        book.seq,
        event.player,
        book.tree.players[event.player].agent,
        "pair",
        first.fixture,
        first.market,
        first.side,
        first.line_quarters,
        first.price,
        event.risk_minor,
        event.win_minor,
        "risk",
        0,
        "owner",
        "clerk",
        book.at_ns,
        more=tuple(more),
    )
    book.tickets.add(ticket)
    book.risk.opened(ticket)


@pays("pair")
def pair(ticket: Ticket, endings: Sequence[Ending], rounding: Rounding) -> tuple[Result, Minor]:
    """Both win, or one loses; anything else gives the money back."""
    results = {ended.result for ended in endings}
    if "lost" in results:
        return "lost", 0
    if results == {"won"}:
        return "won", ticket.risk_minor + ticket.win_minor
    return "push", ticket.risk_minor
