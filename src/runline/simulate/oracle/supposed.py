"""Supposed: what a score would make of the wagers on a game, each of them graded by itself."""

from typing import Any

from runline.simulate.oracle.grading import graded
from runline.simulate.oracle.rulings import league_rules
from runline.simulate.oracle.state import Book, Game, House, Score, Ticket
from runline.simulate.oracle.tickets import PAYS

Row = dict[str, Any]


def returned(book: Book, house: House, game: Game, score: Score, ticket: Ticket) -> int | None:
    """What comes back of a ticket by a score; None if it is open by it."""
    endings: list[dict[str, Any]] = []
    for leg in ticket.legs:
        ending = leg.ended
        if leg.game == game.name and leg.status != "void":
            _, period, kind = leg.market.rsplit(":", 2)
            rules = league_rules(house, game.sport, game.league)
            result = graded(rules, kind, period, leg.side, leg.line, score)
            ending = {"result": result} if result is not None else None
        if ending is None:
            return None
        endings.append(ending)
    return PAYS[ticket.kind](book, ticket, endings)[1]


def summed(book: Book, house: House, game: Game, score: Score, tickets: list[Ticket]) -> dict[str, Row]:
    """What a score makes of some tickets on a game, by market."""
    sums: dict[str, Row] = {}
    for ticket in tickets:
        market = next(leg.market for leg in ticket.legs if leg.game == game.name)
        row = sums.setdefault(market, nothing())
        now, then = ticket.returned, returned(book, house, game, score, ticket)
        if then is None:
            row["waiting"] += 1
        elif then != now:
            row["wagers"] += 1
            row["risk_minor"] += ticket.risk
            row["returned_minor"] += then
        row["book_minor"] += (ticket.risk - then if then is not None else 0) - (
            ticket.risk - now if now is not None else 0
        )
    return sums


def nothing() -> Row:
    """The sums of no tickets."""
    return {"wagers": 0, "waiting": 0, "risk_minor": 0, "returned_minor": 0, "book_minor": 0}
